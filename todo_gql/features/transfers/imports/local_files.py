"""Importing a file of this machine for an account, in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import JobState, TransferFormat, TransferKind
from todo_gql.features.accounts.lookup import account_named
from todo_gql.features.transfers.import_inputs import MAX_FILE_BYTES, suggested_format
from todo_gql.features.transfers.imports.importer import file_key, run_import
from todo_gql.features.transfers.runs import CLAIM, Run, end, run_claimed
from todo_gql.features.transfers.writes import STORED, create_job, locked_jobs, start_job
from todo_gql.settings import Settings
from todo_gql.storage.stores import file_store

CHUNK_BYTES: Final = 256 * 1024
SHOW_SECONDS: Final = 0.2
LISTS: Final = """
SELECT id, name FROM lists WHERE owner_id = $1 AND deleted_at IS NULL AND (id = $2 OR name = $3)
"""
PROBLEMS: Final = """
SELECT location, title, code, message, is_loss FROM import_problems
WHERE owner_id = $1 AND job_id = $2 ORDER BY number
"""
ONLY_ACCOUNT: Final = "SELECT username FROM users LIMIT 2"

ShowProgress = Callable[[int, int | None], None]
"""Shows how many things are done, and of how many once that is known."""


class ImportRefused(Exception):
    """Why a file can't be imported, in words for whoever runs the command."""


class LocalImport(NamedTuple):
    """A file to import, and how; without `user`, for the only account that there is."""

    path: Path
    user: str | None
    format: TransferFormat | None
    list_name: str | None
    is_trial: bool


class Outcome(NamedTuple):
    """The job as it ended, and its problems."""

    job: Row
    problems: list[Row]


async def import_file(order: LocalImport, settings: Settings, show: ShowProgress) -> Outcome:
    """Import a file, and show the progress; raises `ImportRefused`, and what the database raises.

    Where it is cancelled, the import is CANCELLED: what was imported by then stays.
    """
    owner_id = await _owner(order.user)
    list_id = await _list(owner_id, order.list_name) if order.list_name else None
    run = await _started(order, settings, owner_id, list_id)
    work = partial(run_import, settings)
    running = asyncio.create_task(run_claimed(work, run, is_last_attempt=True))
    try:
        while not running.done():
            await asyncio.wait({running}, timeout=SHOW_SECONDS)
            row = await _stored(run)
            show(row["done"], row["total"])
        await running
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
            # No worker goes on with it, and what is never over would keep others from running.
            await end(run, JobState.CANCELLED)
    job = await _stored(run)
    if job["state"] != JobState.DONE:
        raise ImportRefused(job["error"] or "The import was cancelled.")
    return Outcome(job, await fetch(PROBLEMS, run.owner_id, run.job_id))


async def _stored(run: Run) -> Row:
    row = await fetchrow(STORED, run.owner_id, run.job_id)
    if row is None:
        raise ImportRefused("The import was deleted meanwhile.")
    return row


async def _owner(name: str | None) -> UUID:
    if name is None:
        rows = await fetch(ONLY_ACCOUNT)
        if len(rows) != 1:
            raise ImportRefused("Say with --user whose account to import to.")
        name = rows[0]["username"]
    account = await account_named(name)
    if account is None:
        raise ImportRefused(f"There is no account {name}.")
    return account.id


async def _list(owner_id: UUID, name: str) -> UUID:
    rows = await fetch(LISTS, owner_id, parse_id(name), name)
    if len(rows) != 1:
        there = "is no list" if not rows else "are several lists"
        raise ImportRefused(f"There {there} {name}: name one by its id.")
    list_id: UUID = rows[0]["id"]
    return list_id


async def _started(
    order: LocalImport, settings: Settings, owner_id: UUID, list_id: UUID | None
) -> Run:
    """The run of a new job, whose file is in the store."""
    content = await asyncio.to_thread(_read, order.path)
    job_id, format = uuid7(), order.format
    await file_store(settings).write(file_key(job_id), _chunks(content), "application/octet-stream")
    values = {
        "file_name": order.path.name,
        "format": None if format is None else format.value,
        "time_zone": None,
        "list_id": list_id,
    }
    async with locked_jobs(owner_id):
        created = await create_job(
            *(owner_id, job_id, TransferKind.IMPORT),
            input=orjson.dumps(values, default=str).decode(),
            format=(suggested_format(order.path.name) if format is None else format).value,
            size=len(content),
            sha256=sha256(content).digest(),
        )
        started = (
            created
            if isinstance(created, tuple)
            else await start_job(created, is_trial=order.is_trial, is_queued=False)
        )
    if isinstance(started, tuple):
        raise ImportRefused(started[1])
    row = await fetchrow(CLAIM, owner_id, job_id, started["started_at"])
    assert row is not None
    return Run.of_row(row)


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if not 1 <= size <= MAX_FILE_BYTES:
        raise ImportRefused(f"A file may have 1 to {MAX_FILE_BYTES:,} bytes, not {size:,}.")
    return path.read_bytes()


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]
