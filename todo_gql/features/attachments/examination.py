"""What a worker does with a file that was uploaded: it looks for viruses, and makes thumbnails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

import orjson
from pgqueuer.domain.models import Job

from todo_gql.api.errors import Unauthenticated
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import AttachmentState
from todo_gql.database.retry import OwnerChanged, retried
from todo_gql.features.attachments.pictures import ORIGINAL, Picture, read_picture
from todo_gql.features.attachments.scanner import virus_in
from todo_gql.features.files.content_types import IMAGE_TYPES
from todo_gql.features.files.keys import THUMBNAIL_TYPE, original_key, prefix, thumbnail_key
from todo_gql.features.todos.file_changes import FileChange
from todo_gql.features.todos.writes import owner_write
from todo_gql.jobs.queue import payload_of
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings
from todo_gql.storage.chunks import chunks_at
from todo_gql.storage.store import FileMissing, FileStore
from todo_gql.storage.stores import file_store

SCANNED: Final = f"""
SELECT id, owner_id, todo_id, uploaded_by_id, content_type FROM attachments
WHERE id = $1 AND state = {AttachmentState.SCANNING.value}
"""
LOCKED: Final = f"{SCANNED} AND owner_id = $2"
END: Final = """
UPDATE attachments SET state = $3, refused_because = $4, width = $5, height = $6, thumbnail_sizes = $7
WHERE owner_id = $1 AND id = $2
"""
REFUSE: Final = "UPDATE attachments SET upload_expires_at = $3 WHERE owner_id = $1 AND id = $2"
DISCARD: Final = "INSERT INTO discarded_files (file_key, created_at) VALUES ($1, $2)"


class Examiner:
    """Runs the jobs that follow uploads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def run(self, job: Job) -> None:
        """Examine a file, which is READY or REFUSED after that; it may be gone or done already.

        Raises `OSError` if the store or the scanner can't be reached.
        """
        id = UUID(payload_of(job)["attachment_id"])
        row = await fetchrow(SCANNED, id)
        if row is None:
            return
        store, key = file_store(self.settings), original_key(id)
        try:
            if host := self.settings.clamav_host:
                virus = await virus_in(store.read(key), host, self.settings.clamav_port)
                if virus:
                    await _end(row, None, f"It has a virus: {virus}.")
                    return
            picture = await _picture(store, row) if row["content_type"] in IMAGE_TYPES else None
        except FileMissing:
            await _end(row, None, "Its bytes are gone.")
            return
        await _end(row, picture, None)


async def _picture(store: FileStore, row: Row) -> Picture | None:
    """What a picture is, once its thumbnails are stored; None if it can't be read as one."""
    with TemporaryDirectory(prefix="todo_gql-") as name:
        folder = Path(name)
        await _copy(store.read(original_key(row["id"])), folder / ORIGINAL)
        picture = await read_picture(folder)
        for size in picture.thumbnail_sizes if picture else ():
            chunks = chunks_at(folder / str(size))
            await store.write(thumbnail_key(row["id"], size), chunks, THUMBNAIL_TYPE)
        return picture


async def _copy(chunks: AsyncIterator[bytes], path: Path) -> None:
    with path.open("wb") as file:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)


@retried
async def _end(scanned: Row, picture: Picture | None, refusal: str | None) -> None:
    """Store the outcome as a change of the todo by its uploader, whoever owns it by now."""
    row = await fetchrow(SCANNED, scanned["id"])
    if row is None:
        return
    owner_id, id = row["owner_id"], row["id"]
    try:
        async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
            # The uploader may have left the list, or be gone; their name stays at what they did.
            write.actor_id = row["uploaded_by_id"] or owner_id
            if not await write.connection.fetchrow(LOCKED, id, owner_id):
                raise OwnerChanged
            todos = await write.load([row["todo_id"]], trash=True)
            async with FileChange(write, todos[row["todo_id"]]):
                await write.connection.execute(END, owner_id, id, *_outcome(picture, refusal))
                if refusal:
                    await write.connection.execute(REFUSE, owner_id, id, write.now)
                    await write.connection.execute(DISCARD, prefix(id), write.now)
    except Unauthenticated:
        # The owner's account is deleted, and the file with it.
        return
    metrics().files.labels("refused" if refusal else "ready").inc()


def _outcome(picture: Picture | None, refusal: str | None) -> tuple[object, ...]:
    if refusal:
        return AttachmentState.REFUSED.value, refusal, None, None, "[]"
    if picture is None:
        return AttachmentState.READY.value, None, None, None, "[]"
    sizes = orjson.dumps(picture.thumbnail_sizes).decode()
    return AttachmentState.READY.value, None, picture.width, picture.height, sizes
