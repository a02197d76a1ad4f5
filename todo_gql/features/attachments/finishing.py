"""Finishing uploads: what is stored is read again before anybody else can see it."""

from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import ErrorCode, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import AttachmentState
from todo_gql.database.retry import retried
from todo_gql.features.attachments.examination_jobs import (
    enqueue_examinations,
    needs_examination,
)
from todo_gql.features.attachments.types import AttachmentPayload
from todo_gql.features.attachments.writes import (
    COLUMNS,
    OWNERS_OF_ATTACHMENTS,
    LoadedFile,
    load_file,
    payload_of,
)
from todo_gql.features.files.content_types import HEAD_BYTES, content_type_of
from todo_gql.features.files.keys import original_key
from todo_gql.features.files.loaders import ATTACHMENT_COLUMNS, visible_attachments
from todo_gql.features.todos.file_changes import FileChange
from todo_gql.features.todos.owners import owner_of
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.observability.metrics import metrics
from todo_gql.operation.context import Info
from todo_gql.settings import Settings
from todo_gql.storage.store import FileMissing
from todo_gql.storage.stores import file_store

MISMATCH: Final = "What was uploaded isn't what was announced: its size or SHA-256 hash differs."
FINISH: Final = f"""
UPDATE attachments a SET state = $3, content_type = $4, refused_because = $5, upload_expires_at = $6
WHERE a.owner_id = $1 AND a.id = $2 RETURNING {COLUMNS}
"""


OUTCOMES: Final = {AttachmentState.READY: "ready", AttachmentState.REFUSED: "refused"}


class Content(NamedTuple):
    """What the store has: a media type by the first bytes, and whether all is as it was announced."""

    content_type: str
    is_as_announced: bool


async def finish_attachment(info: Info, id: str) -> AttachmentPayload:
    """Check what was uploaded; a second call for the same file answers what became of it.

    `Unauthenticated` if nobody is signed in.
    """
    attachment_id, viewer = parse_id(id), info.context.signed_in()
    statement = visible_attachments(viewer).where_one_of("a.id", [attachment_id])
    text = statement.select(ATTACHMENT_COLUMNS)
    row = await fetchrow(text, *statement.values) if attachment_id else None
    if row is None or row["uploaded_by_id"] != viewer.id:
        return AttachmentPayload(errors=[not_found("id")])
    if row["state"] != AttachmentState.UPLOADING:
        return payload_of(info, row, [])
    # Reading it may take seconds, in which others change their todos.
    content = await _content(row, info.context.settings)
    if content is None:
        message = "Its bytes haven't been uploaded yet: send them to the URL of `upload` first."
        return payload_of(info, row, [invalid(ErrorCode.INVALID, message, "id")])
    return await _finish(info, row["id"], content)


async def _content(row: Row, settings: Settings) -> Content | None:
    """What is stored of a file; None if nothing is."""
    head, size, digest = bytearray(), 0, sha256()
    try:
        async for chunk in file_store(settings).read(original_key(row["id"])):
            head += chunk[: HEAD_BYTES - len(head)]
            size += len(chunk)
            digest.update(chunk)
            if size > row["size"]:
                break
    except FileMissing:
        return None
    is_as_announced = size == row["size"] and digest.digest() == row["sha256"]
    return Content(content_type_of(bytes(head)), is_as_announced)


@retried
async def _finish(info: Info, id: UUID, content: Content) -> AttachmentPayload:
    viewer, settings = info.context.signed_in(), info.context.settings
    owner_id = await owner_of(OWNERS_OF_ATTACHMENTS, viewer, id)
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        loaded = await load_file(write, id)
        if loaded is None:
            return AttachmentPayload(errors=[not_found("id")])
        if loaded.row["state"] != AttachmentState.UPLOADING:
            return payload_of(info, loaded.row, [])
        if refusal := write.refusal(loaded.todo.list_id, "id"):
            return AttachmentPayload(errors=[refusal])
        row = await _store(write, loaded, content, settings)
    assert row
    if outcome := OUTCOMES.get(row["state"]):
        metrics().files.labels(outcome).inc()
    info.context.clear_loaders()
    return payload_of(info, row, [])


async def _store(
    write: OwnerWrite, loaded: LoadedFile, content: Content, settings: Settings
) -> Row | None:
    """Store what became of an upload, with the job that goes on with it; the new row."""
    state, reason = AttachmentState.READY, None
    if not content.is_as_announced:
        state, reason = AttachmentState.REFUSED, MISMATCH
    elif needs_examination(content.content_type, settings):
        state = AttachmentState.SCANNING
        await enqueue_examinations(write.connection, write.owner_id, [loaded.row["id"]])
    # What is refused is deleted when it would have been without an upload.
    expires_at = loaded.row["upload_expires_at"] if reason else None
    outcome = state, content.content_type, reason, expires_at
    async with FileChange(write, loaded.todo):
        return await write.connection.fetchrow(FINISH, write.owner_id, loaded.row["id"], *outcome)
