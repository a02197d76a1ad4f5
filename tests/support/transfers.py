"""Imports and exports: their rows without what makes them, and following them."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import JobState, TransferFormat, TransferKind
from todo_gql.features.transfers.watchers import WatchedJobs, announce

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
