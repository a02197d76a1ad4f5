"""Exports as jobs: asked for, made by a worker, downloaded, cancelled, and made anew after a kill."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.exports import (
    EXPORT,
    downloaded,
    finished_export,
    read_export,
    start_export,
)
from tests.support.inboxes import stored
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import NotificationKind
from todo_gql.features.transfers.exports import snapshot
from todo_gql.features.transfers.exports.running import run_export
from todo_gql.features.transfers.exports.types import file_key
from todo_gql.features.transfers.runs import Run, run_claimed
from todo_gql.settings import Settings
from todo_gql.storage.store import FileMissing
from todo_gql.storage.stores import file_store
from todo_gql.tasks import working

AtWork: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { ok errors { code } } }"


@pytest.fixture
async def queue(app: object) -> AsyncIterator[None]:
    """An empty queue."""
    await fetch("DELETE FROM pgqueuer")
    yield
    await fetch("DELETE FROM pgqueuer")


@pytest.fixture
def at_work(queue: None, settings: Settings, database_url: str) -> AtWork:
    """Has a worker run for a block."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with working(settings, database_url):
            yield

    return run


async def claimed(account: Account, id: str) -> Run:
    """The run of an export that a worker has just begun."""
    row = await fetchrow(
        "UPDATE transfer_jobs SET state = 1 WHERE owner_id = $1 AND id = $2 RETURNING *",
        UUID(account.id),
        UUID(id),
    )
    assert row is not None
    return Run.of_row(row)


async def test_a_worker_makes_the_archive(
    account: Account, at_work: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export waits without an address, and has one once a worker has made it and entered a notification."""
    monkeypatch.setattr(snapshot, "BATCH_SIZE", 2)
    for number in range(5):
        await account.create(title=f"Todo {number}")
    job = await start_export(account)
    assert (job["state"], job["url"], job["size"], job["done"]) == ("WAITING", None, None, 0)
    assert job["expiresAt"] is not None
    async with at_work():
        job = await finished_export(account, job["id"])
    assert (job["state"], job["done"], job["total"]) == ("DONE", 10, 10)
    archive = await downloaded(account, job)
    assert len(archive.of("todo")) == 5
    [entry] = await stored(account)
    assert entry["kind"] == NotificationKind.JOB


async def test_one_job_runs_at_a_time(account: Account, queue: None) -> None:
    """A second export is refused while the first one waits, and leaves nothing behind."""
    first = await start_export(account)
    payload = (await account.data(EXPORT))["exportCreate"]
    assert payload["job"] is None
    assert [error["code"] for error in payload["errors"]] == ["TOO_MANY"]
    assert (await account.data("{ jobs { id } }"))["jobs"] == [{"id": first["id"]}]


async def test_a_cancelled_export_is_not_made(account: Account, at_work: AtWork) -> None:
    """An export that is cancelled before its turn has no file, and the next one is made."""
    job = await start_export(account)
    assert (await account.data(CANCEL, id=job["id"]))["jobCancel"]["ok"]
    assert (await read_export(account, job["id"]))["state"] == "CANCELLED"
    other = await start_export(account)
    async with at_work():
        assert (await finished_export(account, other["id"]))["state"] == "DONE"
    assert (await read_export(account, job["id"]))["url"] is None


async def test_an_export_that_runs_stops_when_it_is_cancelled(
    account: Account, queue: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker notices at its next step that an export was cancelled, and stores no file."""
    for number in range(3):
        await account.create(title=f"Todo {number}")
    job = await start_export(account)
    run = await claimed(account, job["id"])
    assert (await account.data(CANCEL, id=job["id"]))["jobCancel"]["ok"]

    async def work(run: Run) -> None:
        await run_export(settings, run)

    await run_claimed(work, run, is_last_attempt=False)
    assert (await read_export(account, job["id"]))["state"] == "CANCELLED"
    with pytest.raises(FileMissing):
        await file_store(settings).size(file_key(UUID(job["id"])))


async def test_an_export_is_made_anew_after_a_kill(
    account: Account, at_work: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed worker has left begins again, and its progress from zero."""
    await account.create(title="Once")
    job = await start_export(account)
    await fetch(
        "UPDATE transfer_jobs SET state = 1, done = 1, total = 2 WHERE id = $1", UUID(job["id"])
    )
    async with at_work():
        job = await finished_export(account, job["id"])
    assert (job["state"], job["done"]) == ("DONE", 2)
    assert [todo["title"] for todo in (await downloaded(account, job)).of("todo")] == ["Once"]


async def test_an_expired_export_has_no_address(account: Account, at_work: AtWork) -> None:
    """The address is null after a week, until the job is deleted with its file."""
    job = await start_export(account)
    async with at_work():
        job = await finished_export(account, job["id"])
    await fetch("UPDATE transfer_jobs SET expires_at = now() WHERE id = $1", UUID(job["id"]))
    shown = await read_export(account, job["id"])
    assert (shown["state"], shown["url"], shown["size"]) == ("DONE", None, job["size"])
