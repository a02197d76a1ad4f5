"""Imports and exports: their rows without what makes them, and following them."""

from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import JobState, TransferFormat, TransferKind
from todo_gql.features.transfers.imports.importer import run_import
from todo_gql.features.transfers.runs import CLAIM, Run, run_claimed
from todo_gql.features.transfers.watchers import WatchedJobs, announce
from todo_gql.settings import Settings

STORE = """
INSERT INTO transfer_jobs (id, owner_id, kind, state, format, input, counts, done, created_at, started_at,
    expires_at)
VALUES ($1, $2, $3, $4, $5, '{}', '{"todos": 2}', $6, now(), $7, now() + interval '7 days')
"""
STORE_PROBLEM = """
INSERT INTO import_problems (owner_id, job_id, number, location, title, code, message, is_loss)
VALUES ($1, $2, $3, $4, 'Milk', 'TOO_LONG', 'Too long.', true)
"""


async def stored_import(
    owner: Account,
    state: JobState = JobState.DONE,
    *,
    done: int = 0,
    problems: int = 0,
    **values: Any,
) -> str:
    """The id of an import of an account's that nobody runs, with so many problems."""
    id = values.get("id") or uuid7()
    kind, format = TransferKind.IMPORT.value, TransferFormat.TODOIST.value
    numbers = (kind, state.value, format, done, values.get("started_at"))
    await fetch(STORE, id, UUID(owner.id), *numbers)
    for number in range(1, problems + 1):
        await fetch(STORE_PROBLEM, UUID(owner.id), id, number, f"line {number}")
    return str(id)


async def job_row(id: str) -> Row:
    """A job as it is stored."""
    row = await fetchrow("SELECT * FROM transfer_jobs WHERE id = $1", UUID(id))
    assert row is not None
    return row


async def changed(id: str, **values: Any) -> None:
    """Change columns of a job, as its worker does, and announce it."""
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
    await fetch(f"UPDATE transfer_jobs SET {columns} WHERE id = $1", UUID(id), *values.values())
    announce(UUID(id))


async def followed(id: str, number: int = 1) -> None:
    """Wait until so many subscriptions of this process follow a job."""
    jobs = feed_registry.follower(WatchedJobs)
    await until(lambda: jobs.subscribers(UUID(id)) == number)


CREATE = """mutation ($input: ImportInput!) { importCreate(input: $input) {
  job { id state format } upload { url method headers { name value } } errors { code path }
} }"""
START = """mutation ($id: ID!, $isTrial: Boolean! = false) { importStart(id: $id, isTrial: $isTrial) {
  job { id state isTrial } errors { code path message }
} }"""
REPORT = """query ($id: ID!) { node(id: $id) { ... on ImportJob {
  state format isTrial done total counts
  problems(first: 100) { totalCount nodes { place title code message isLoss } }
} } }"""


def announced(name: str, content: bytes, **values: Any) -> dict[str, Any]:
    """The input that announces a file."""
    digest = sha256(content).hexdigest()
    return {"fileName": name, "size": len(content), "sha256": digest, **values}


async def uploaded(account: Account, name: str, content: bytes, **values: Any) -> str:
    """The id of an import whose file is uploaded."""
    data = await account.data(CREATE, input=announced(name, content, **values))
    payload = data["importCreate"]
    assert payload["errors"] == [], payload
    upload = payload["upload"]
    headers = {one["name"]: one["value"] for one in upload["headers"]}
    path = "/files/" + upload["url"].partition("/files/")[2]
    sent = await account.http.request(upload["method"], path, content=content, headers=headers)
    assert sent.is_success, sent.text
    return str(payload["job"]["id"])


async def begun(account: Account, id: str, *, is_trial: bool = False) -> Run:
    """A run of an import as a worker has it, which has the place of the queue's."""
    payload = (await account.data(START, id=id, isTrial=is_trial))["importStart"]
    assert payload["errors"] == [], payload
    row = await job_row(id)
    await fetch(
        "DELETE FROM pgqueuer WHERE convert_from(payload, 'UTF8') LIKE '%' || $1 || '%'", id
    )
    claimed = await fetchrow(CLAIM, row["owner_id"], row["id"], row["started_at"])
    assert claimed is not None
    return Run.of_row(claimed)


async def run(account: Account, settings: Settings, id: str, *, is_trial: bool = False) -> Any:
    """Run an import whose file is uploaded, as a worker does; its report."""
    one = await begun(account, id, is_trial=is_trial)
    await run_claimed(partial(run_import, settings), one, is_last_attempt=True)
    return (await account.data(REPORT, id=id))["node"]


async def imported(
    account: Account, settings: Settings, name: str, content: bytes, **values: Any
) -> Any:
    """The report of an import of a file, after a trial run that has to report the same."""
    id = await uploaded(account, name, content, **values)
    trial = await run(account, settings, id, is_trial=True)
    report = await run(account, settings, id)
    assert trial | {"isTrial": False} == report
    return report
