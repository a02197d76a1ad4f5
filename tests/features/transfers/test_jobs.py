"""Jobs of people: their list, following them, cancelling them, and running them once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.inboxes import stored
from tests.support.subscribers import connected, streaming
from tests.support.transfers import changed, followed, job_row, stored_import
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import JobState, NotificationKind
from todo_gql.database.retry import OutcomeUnknown
from todo_gql.features.transfers import writes
from todo_gql.features.transfers.runs import JobFailed, Run, run_queued
from todo_gql.features.transfers.watchers import WatchedJobs
from todo_gql.features.transfers.writes import (
    delete_expired_jobs,
    locked_jobs,
    start_job,
    stored_job,
)
from todo_gql.jobs import worker
from todo_gql.jobs.queue import dead_letters
from todo_gql.jobs.worker import Worker, WorkerTasks

FOLLOW = (
    "subscription ($id: ID!) { job(id: $id) { id state done total ... on ImportJob { counts } } }"
)
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { ok errors { code } } }"
JOBS = "{ jobs { id state } }"


@pytest.fixture
async def queue(app: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """An empty queue, and workers that wait for nothing as long as in earnest."""
    monkeypatch.setattr(worker, "HEARTBEAT", timedelta(seconds=1))
    monkeypatch.setattr(worker, "POLL", timedelta(seconds=0.1))
    await fetch("DELETE FROM pgqueuer")
    yield
    await fetch("DELETE FROM pgqueuer")


async def events(socket: Any, number: int) -> list[dict[str, Any]]:
    """The next events of a subscription to a job."""
    messages = [await socket.next() for _ in range(number)]
    assert [message["type"] for message in messages] == ["next"] * number, messages
    return [message["payload"]["data"]["job"] for message in messages]


async def started(account: Account, **values: Any) -> str:
    """The id of an import that waits for its turn in the queue."""
    id = await stored_import(account, JobState.WAITING)
    async with locked_jobs(UUID(account.id)):
        row = await stored_job(UUID(account.id), UUID(id))
        assert row is not None
        outcome = await start_job(row, **values)
        assert not isinstance(outcome, tuple), outcome
    return id


async def run_with(work: Any, database_url: str, id: str, state: JobState) -> None:
    """Run the queue's imports with some work until a job is in a state."""
    tasks = WorkerTasks(handlers={writes.RUN_IMPORT: partial(run_queued, work)})
    one = Worker(tasks, database_url, timedelta(seconds=0.01))
    running = asyncio.create_task(one.run())

    async def has_come() -> bool:
        return bool((await job_row(id))["state"] == state)

    try:
        await until(has_come)
    finally:
        one.stop()
        await running


async def test_jobs_are_listed_newest_first(account: Account) -> None:
    """The viewer's jobs come newest first, each with its state and its report."""
    older = await stored_import(account, JobState.FAILED)
    newer = await stored_import(account, problems=3)
    await fetch(
        "UPDATE transfer_jobs SET created_at = now() - interval '1 day' WHERE id = $1", UUID(older)
    )
    data = await account.data("""{ jobs { id state done total finishedAt createdAt ... on ImportJob {
      format isTrial counts
      problems(first: 2) { totalCount nodes { place title code message isLoss } pageInfo { endCursor } }
    } } }""")
    assert [(job["id"], job["state"]) for job in data["jobs"]] == [
        (newer, "DONE"),
        (older, "FAILED"),
    ]
    [first, second] = data["jobs"]
    assert (first["format"], first["isTrial"], first["counts"]) == ("TODOIST", False, {"todos": 2})
    assert first["problems"]["totalCount"] == 3
    assert [one["place"] for one in first["problems"]["nodes"]] == ["line 1", "line 2"]
    assert first["problems"]["nodes"][0] == {
        "place": "line 1",
        "title": "Milk",
        "code": "TOO_LONG",
        "message": "Too long.",
        "isLoss": True,
    }
    assert second["problems"] == {"totalCount": 0, "nodes": [], "pageInfo": {"endCursor": None}}
    rest = await account.data(
        """query ($id: ID!, $after: String) { node(id: $id) { ... on ImportJob {
             problems(after: $after) { nodes { place } } } } }""",
        id=newer,
        after=first["problems"]["pageInfo"]["endCursor"],
    )
    assert rest["node"]["problems"]["nodes"] == [{"place": "line 3"}]


async def test_a_job_is_followed_until_it_ends(account: Account, address: str) -> None:
    """A subscription begins with the job as it is, tells each step, and completes with its end."""
    id = await stored_import(account, JobState.RUNNING, started_at=datetime.now(UTC))
    async with connected(address, account.token) as socket:
        await socket.send(
            type="subscribe", id="1", payload={"query": FOLLOW, "variables": {"id": id}}
        )
        [first] = await events(socket, 1)
        assert (first["state"], first["done"], first["total"]) == ("RUNNING", 0, None)
        await changed(id, done=500, total=600)
        [second] = await events(socket, 1)
        assert (second["done"], second["total"]) == (500, 600)
        await changed(id, done=600, state=JobState.DONE.value, counts='{"todos": 600}')
        [last] = await events(socket, 1)
        assert (last["state"], last["counts"]) == ("DONE", {"todos": 600})
        assert (await socket.next())["type"] == "complete"


async def test_an_event_stream_follows_a_job(account: Account, address: str) -> None:
    """Server-sent events tell of a job, and complete with its end."""
    id = await stored_import(account, JobState.RUNNING, started_at=datetime.now(UTC))
    async with streaming(address, account.token, query=FOLLOW, id=id) as stream:
        name, body = await stream.next()
        assert (name, body["data"]["job"]["state"]) == ("next", "RUNNING")
        await changed(id, state=JobState.CANCELLED.value)
        name, body = await stream.next()
        assert (name, body["data"]["job"]["state"]) == ("next", "CANCELLED")
        assert await stream.next() == ("complete", None)


async def test_lost_wake_ups_of_jobs_are_made_up_for_by_polling(
    account: Account, address: str
) -> None:
    """A step whose announcement was lost is told with the next poll."""
    id = await stored_import(account, JobState.RUNNING, started_at=datetime.now(UTC))
    async with connected(address, account.token) as socket:
        await socket.send(
            type="subscribe", id="1", payload={"query": FOLLOW, "variables": {"id": id}}
        )
        await events(socket, 1)
        await followed(id)
        await fetch("UPDATE transfer_jobs SET done = 7 WHERE id = $1", UUID(id))
        await feed_registry.follower(WatchedJobs).poll()
        [event] = await events(socket, 1)
        assert event["done"] == 7


@pytest.mark.parametrize("id", ["nonsense", "01890a5d-ac96-774b-bcce-b302099a8057"])
async def test_unknown_jobs_are_not_followed(account: Account, address: str, id: str) -> None:
    """Following a job that isn't there is an error of the client's."""
    async with streaming(address, account.token, query=FOLLOW, id=id) as stream:
        _, body = await stream.next()
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_job_that_waits_is_cancelled_at_once(
    account: Account, queue: None, database_url: str
) -> None:
    """A job is cancelled before its turn, and no worker runs it any more."""
    cancelled, other = await started(account), None
    assert (await account.data(CANCEL, id=cancelled))["jobCancel"] == {"ok": True, "errors": []}
    runs: list[str] = []

    async def work(run: Run) -> None:
        runs.append(str(run.job_id))

    other = await started(account)
    await run_with(work, database_url, other, JobState.DONE)
    assert runs == [other]
    assert (await job_row(cancelled))["state"] == JobState.CANCELLED
    again = await account.data(CANCEL, id=other)
    assert again["jobCancel"]["ok"]
    assert (await job_row(other))["state"] == JobState.DONE


async def test_a_running_job_is_cancelled_at_its_next_step(
    account: Account, queue: None, database_url: str
) -> None:
    """What a job has done by its last step stays when it is cancelled, and nobody is notified."""
    id = await started(account)

    async def work(run: Run) -> None:
        await run.advance(1, total=3, counts={"todos": 1})
        await account.data(CANCEL, id=id)
        await run.advance(2, counts={"todos": 2})

    await run_with(work, database_url, id, JobState.CANCELLED)
    row = await job_row(id)
    assert (row["done"], row["total"], row["counts"]) == (1, 3, '{"todos": 1}')
    assert await stored(account) == []


async def test_a_job_whose_worker_is_gone_is_cancelled(account: Account) -> None:
    """A job that nobody runs any more is over once it is cancelled, and another one may start."""
    lost = await started(account, is_queued=False)
    await fetch(
        "UPDATE transfer_jobs SET state = $2 WHERE id = $1", UUID(lost), JobState.RUNNING.value
    )
    assert (await account.data(CANCEL, id=lost))["jobCancel"]["ok"]
    row = await job_row(lost)
    assert (row["state"], row["finished_at"] is None) == (JobState.CANCELLED, False)
    await started(account)


async def test_who_started_a_job_is_notified_of_its_end(
    account: Account, queue: None, database_url: str
) -> None:
    """The inbox has an entry with words for a job that has ended."""
    id = await started(account, is_trial=True)

    async def work(_run: Run) -> None:
        return

    await run_with(work, database_url, id, JobState.DONE)
    data = await account.data("{ notifications { nodes { kind excerpt subject { id } } } }")
    assert data["notifications"]["nodes"] == [
        {"kind": "JOB", "excerpt": "The trial run of your import is done.", "subject": None}
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (JobFailed("The file is empty."), "The file is empty."),
        (ValueError("secret"), "An unexpected error occurred in the server."),
    ],
)
async def test_a_job_that_cannot_go_on_has_failed(
    account: Account, queue: None, database_url: str, error: Exception, message: str
) -> None:
    """A job that can't go on is FAILED with words for its owner, who is notified."""
    id = await started(account)

    async def work(_run: Run) -> None:
        raise error

    await run_with(work, database_url, id, JobState.FAILED)
    assert message in (await job_row(id))["error"]
    assert [entry["kind"] for entry in await stored(account)] == [NotificationKind.JOB]


async def test_a_job_goes_on_after_an_outage(
    account: Account, queue: None, database_url: str
) -> None:
    """A job whose database was away is run again from its last step."""
    id, steps = await started(account), list[int]()

    async def work(run: Run) -> None:
        steps.append(run.done)
        await run.advance(run.done + 1)
        if len(steps) < 3:
            raise OutcomeUnknown

    await run_with(work, database_url, id, JobState.DONE)
    assert steps == [0, 1, 2]
    assert await dead_letters() == []


async def test_a_worker_that_was_given_up_writes_nothing_more(
    account: Account, queue: None, database_url: str
) -> None:
    """A worker that runs a job of which another one has done a step is refused the step."""
    id = await started(account)
    stale: list[Run] = []

    async def work(run: Run) -> None:
        other = Run.of_row(run.row)
        await other.advance(5, counts={"todos": 5})
        stale.append(run)
        await run.advance(1, counts={"todos": 1})

    tasks = WorkerTasks(handlers={writes.RUN_IMPORT: partial(run_queued, work)})
    one = Worker(tasks, database_url, timedelta(seconds=0.01))
    running = asyncio.create_task(one.run())
    try:
        await until(lambda: bool(stale))
        await until(is_queue_empty)
    finally:
        one.stop()
        await running
    row = await job_row(id)
    assert (row["state"], row["done"], row["counts"]) == (JobState.RUNNING, 5, '{"todos": 5}')


async def is_queue_empty() -> bool:
    """Whether no job waits or runs."""
    row = await fetchrow("SELECT count(*) AS number FROM pgqueuer")
    return bool(row and row["number"] == 0)


async def test_one_job_of_a_person_runs_at_a_time(account: Account, queue: None) -> None:
    """A second job isn't started while the first one waits for its turn."""
    await started(account)
    id = await stored_import(account, JobState.WAITING)
    async with locked_jobs(UUID(account.id)):
        row = await stored_job(UUID(account.id), UUID(id))
        assert row is not None
        refused = await start_job(row)
    assert isinstance(refused, tuple)
    assert refused[0].name == "TOO_MANY"


async def test_jobs_are_deleted_after_a_week(account: Account) -> None:
    """A job whose time is over goes with its report, and its file is discarded."""
    old, new = await stored_import(account, problems=2), await stored_import(account)
    abandoned = await stored_import(
        account, JobState.RUNNING, started_at=datetime.now(UTC) - timedelta(days=2)
    )
    await fetch("UPDATE transfer_jobs SET expires_at = now() WHERE id = $1", UUID(old))
    await delete_expired_jobs()
    data = await account.data(JOBS)
    assert {job["id"]: job["state"] for job in data["jobs"]} == {new: "DONE", abandoned: "FAILED"}
    left = await fetch("SELECT FROM import_problems WHERE job_id = $1", UUID(old))
    assert left == []
    discarded = await fetch(
        "SELECT file_key FROM discarded_files WHERE file_key = $1", f"transfer_jobs/{old}"
    )
    assert len(discarded) == 1
