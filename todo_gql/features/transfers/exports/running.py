"""Making an export's file: in a worker's job, and into a local file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from todo_gql.database.connection import fetchrow
from todo_gql.database.models import JobState
from todo_gql.features.transfers.exports.archive import archive_chunks
from todo_gql.features.transfers.exports.snapshot import Advance, read_snapshot, temporary_file
from todo_gql.features.transfers.exports.types import CONTENT_TYPE, file_key
from todo_gql.features.transfers.runs import Run, RunLost
from todo_gql.settings import Settings
from todo_gql.storage.store import FileStore
from todo_gql.storage.stores import file_store

SET_SIZE: Final = f"""
UPDATE transfer_jobs j SET file_size = $4
WHERE j.owner_id = $1 AND j.id = $2 AND j.started_at = $3 AND j.state = {JobState.RUNNING.value} RETURNING j.id
"""


async def run_export(settings: Settings, run: Run) -> None:
    """Store the file of an export, from the beginning if a worker was killed while it made one.

    Raises `JobCancelled` and `RunLost`, and errors of the database and the store.
    """

    async def advance(done: int, total: int) -> None:
        await run.advance(done, total=total)

    store = file_store(settings)
    with_files = bool(run.input.get("withFiles"))
    chunks = export_chunks(run.owner_id, store, advance, with_files=with_files)
    size = await store.write(file_key(run.job_id), chunks, CONTENT_TYPE)
    if await fetchrow(SET_SIZE, *run.key, size) is None:
        raise RunLost


async def export_chunks(
    owner_id: UUID, store: FileStore, advance: Advance, *, with_files: bool
) -> AsyncIterator[bytes]:
    """The archive of everything that is a person's own, in chunks; raises what `advance` does.

    Raises `LookupError` without such an account.
    """
    with temporary_file() as data:
        now = datetime.now(UTC)
        snapshot = await read_snapshot(owner_id, now, data, advance, with_files=with_files)
        attachments = store if with_files else None
        async for chunk in archive_chunks(snapshot, attachments, advance):
            yield chunk
