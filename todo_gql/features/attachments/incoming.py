"""Files that the server itself stores for new todos: their bytes first, and rows with what they belong to.

Bytes that no row refers to yet are noted as discarded before they are stored. The transaction of the rows deletes
the notes; where it is never committed, a worker deletes the bytes.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.database.models import AttachmentState
from todo_gql.features.attachments.cleanup import DISCARD_SECONDS
from todo_gql.features.attachments.examination_jobs import enqueue_examinations
from todo_gql.features.files.content_types import HEAD_BYTES, content_type_of
from todo_gql.features.files.keys import original_key, prefix
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.storage.chunks import CHUNK_BYTES, chunks_at
from todo_gql.storage.store import FileStore

# Long before a worker deletes the bytes, rows aren't stored for them any more.
NOTE_LIFETIME: Final = timedelta(seconds=DISCARD_SECONDS / 2)
NOTE: Final = """
INSERT INTO discarded_files (file_key, created_at) SELECT n.key, clock_timestamp()
FROM unnest($1::text[]) AS n (key) RETURNING id, file_key
"""
DELETE_NOTES: Final = """
DELETE FROM discarded_files WHERE id = ANY($1::bigint[]) AND created_at > clock_timestamp() - $2::interval
RETURNING 1
"""
INSERT: Final = """
INSERT INTO attachments (id, owner_id, todo_id, comment_id, uploaded_by_id, file_name, size, content_type, sha256,
    state, thumbnail_sizes, created_at)
SELECT n.id, $1, n.todo_id, n.comment_id, $2, n.file_name, n.size, n.content_type, n.sha256, n.state, '[]', $3
FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bigint[], $9::text[], $10::bytea[], $11::smallint[])
    AS n (id, todo_id, comment_id, file_name, size, content_type, sha256, state)
"""


class Content(NamedTuple):
    """What a file on the disk has: its media type by its first bytes."""

    path: Path
    size: int
    sha256: bytes
    content_type: str


class IncomingFile(NamedTuple):
    """A file for a new todo; unless `is_ready`, a worker is to examine it."""

    id: UUID
    file_name: str
    content: Content
    is_ready: bool


class AttachedFile(NamedTuple):
    """A file with the todo that it is attached to, and the comment on it, if it is one's."""

    file: IncomingFile
    todo_id: UUID
    comment_id: UUID | None


Notes = dict[UUID, int]
"""The notes of files without rows, by the files' ids."""


def read_content(path: Path) -> Content:
    """What a file has; blocks while it reads it."""
    size, digest = 0, sha256()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            digest.update(chunk)
    return Content(path, size, digest.digest(), content_type_of(head))


async def store_contents(store: FileStore, files: Sequence[IncomingFile]) -> Notes:
    """Store the bytes of files, each under its key, and their notes before them.

    Raises `OSError` if the store can't be reached; what is stored by then is deleted by its notes.
    """
    if not files:
        return {}
    keys = {prefix(file.id): file.id for file in files}
    notes = {keys[row["file_key"]]: row["id"] for row in await fetch(NOTE, list(keys))}
    for file in files:
        content = file.content
        await store.write(original_key(file.id), chunks_at(content.path), content.content_type)
    return notes


async def attach_files(write: OwnerWrite, files: Sequence[AttachedFile], notes: Notes) -> None:
    """Store the rows of files whose bytes are stored, within the transaction of their todos.

    The changes of the todos, and their quota, are the caller's. Raises `TimeoutError` if the bytes were stored
    so long ago that they may be deleted.
    """
    if not files:
        return
    ids = [notes[one.file.id] for one in files]
    if len(await write.connection.fetch(DELETE_NOTES, ids, NOTE_LIFETIME)) < len(ids):
        raise TimeoutError("the bytes of files have waited too long for their rows")
    rows = [
        (
            *(file.id, todo_id, comment_id, file.file_name),
            *(file.content.size, file.content.content_type, file.content.sha256),
            (AttachmentState.READY if file.is_ready else AttachmentState.SCANNING).value,
        )
        for file, todo_id, comment_id in files
    ]
    columns = zip(*rows, strict=True)
    values = write.owner_id, write.actor_id, write.now
    await write.connection.execute(INSERT, *values, *columns)
    examined = (one.file.id for one in files if not one.file.is_ready)
    await enqueue_examinations(write.connection, write.owner_id, examined)
