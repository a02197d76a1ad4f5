"""Announcing and deleting files, under the lock of the todo's owner."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import (
    ConflictError,
    ErrorCode,
    NotAllowedError,
    UserError,
    invalid,
    not_found,
    unusable_id,
)
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row
from todo_gql.database.models import AttachmentState, ListRole
from todo_gql.database.retry import retried
from todo_gql.features.attachments.inputs import NewFile, read_file
from todo_gql.features.attachments.types import (
    AttachmentCreateInput,
    AttachmentPayload,
)
from todo_gql.features.attachments.upload_target import UploadTarget
from todo_gql.features.files.keys import original_key
from todo_gql.features.files.loaders import ATTACHMENT_COLUMNS
from todo_gql.features.files.types import Attachment
from todo_gql.features.todos.access import TODO_OF_MEMBER
from todo_gql.features.todos.file_changes import FileChange
from todo_gql.features.todos.file_usage import file_problem
from todo_gql.features.todos.owners import owner_of, owner_of_todo
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.operation.context import Info
from todo_gql.storage.store import Upload
from todo_gql.storage.stores import file_store

COLUMNS: Final = ", ".join(ATTACHMENT_COLUMNS)
MAX_FILES: Final = 20
"""Files of a todo and its comments, those included that are on their way."""

UNFINISHED_LIFETIME: Final = timedelta(hours=24)
COUNT: Final = "SELECT count(*) FROM attachments WHERE owner_id = $1 AND todo_id = $2"
STORED: Final = f"SELECT {COLUMNS} FROM attachments a WHERE a.owner_id = $1 AND a.id = $2"
INSERT: Final = f"""
INSERT INTO attachments AS a (id, owner_id, todo_id, uploaded_by_id, file_name, size, content_type, sha256,
    thumbnail_sizes, created_at, upload_expires_at)
VALUES ($2, $1, $3, $4, $5, $6, $7, $8, '[]', $9, $10) ON CONFLICT (id) DO NOTHING RETURNING {COLUMNS}
"""
DELETE: Final = "DELETE FROM attachments WHERE owner_id = $1 AND id = $2"
AUTHOR: Final = "SELECT author_id FROM comments WHERE owner_id = $1 AND id = $2"
# `$1` is the viewer, and `$2` has ids.
OWNERS_OF_ATTACHMENTS: Final = f"""
SELECT a.id, a.owner_id FROM attachments a JOIN todos t ON t.owner_id = a.owner_id AND t.id = a.todo_id
WHERE a.id = ANY($2::uuid[]) AND {TODO_OF_MEMBER}
"""


class LoadedFile(NamedTuple):
    """A file of a todo outside the trash that the actor sees."""

    todo: TodoState
    row: Row


@retried
async def create_attachment(
    info: Info, todo_id: str, sent: AttachmentCreateInput
) -> AttachmentPayload:
    """Announce a file of a todo; an error with the stored one if the id is in use already.

    `Unauthenticated` if nobody is signed in.
    """
    id, viewer = parse_id(todo_id), info.context.signed_in()
    owner_id = await owner_of_todo(viewer, id)
    new, problems = read_file(sent, "input")
    ids = [id] if id else []
    async with owner_write(owner_id=owner_id, actor_id=viewer.id, ids=ids) as write:
        todo = (await write.load_named(ids)).get(id) if id else None
        if todo is None:
            return AttachmentPayload(errors=[not_found("todoId"), *problems])
        if refusal := write.refusal(todo.list_id, "todoId"):
            return AttachmentPayload(errors=[refusal])
        if new is None:
            return AttachmentPayload(errors=problems)
        row, errors = await _insert(info, write, todo, new)
    info.context.clear_loaders()
    return payload_of(info, row, errors)


async def _insert(
    info: Info, write: OwnerWrite, todo: TodoState, new: NewFile
) -> tuple[Row | None, list[UserError]]:
    """The row of a file that is announced; or of the one that has its id, and why it isn't stored."""
    if stored := await write.connection.fetchrow(STORED, write.owner_id, new.id):
        todos = await write.load([stored["todo_id"]], trash=True)
        is_shown = bool(todos) and _shows(write, stored)
        error = _already_there(stored) if is_shown else unusable_id("input")
        return stored if is_shown else None, [error]
    problems: list[UserError] = []
    if await write.connection.fetchval(COUNT, write.owner_id, todo.id) >= MAX_FILES:
        message = f"The todo has {MAX_FILES} files, and more are not allowed."
        problems.append(invalid(ErrorCode.TOO_MANY, message, "todoId"))
    size = new.upload.size
    if full := await file_problem(write, size, Quota.of(info.context.settings)):
        problems.append(invalid(*full, "input", "size"))
    if problems:
        return None, problems
    row = await write.connection.fetchrow(
        INSERT,
        *(write.owner_id, new.id, todo.id, write.actor_id, new.file_name, size),
        *(new.upload.content_type, new.upload.sha256),
        *(write.now, write.now + UNFINISHED_LIFETIME),
    )
    return row, [] if row else [unusable_id("input")]


def payload_of(info: Info, row: Row | None, errors: list[UserError]) -> AttachmentPayload:
    """The answer about a file, with the URL for its bytes if these are awaited from the viewer."""
    if row is None:
        return AttachmentPayload(errors=errors)
    target = None
    is_awaited = row["state"] == AttachmentState.UPLOADING
    if is_awaited and row["uploaded_by_id"] == info.context.signed_in().id:
        upload = Upload(row["size"], row["sha256"], row["content_type"])
        store = file_store(info.context.settings)
        target = UploadTarget.of(store.upload_url(original_key(row["id"]), upload))
    return AttachmentPayload(attachment=Attachment.from_row(row), upload=target, errors=errors)


def _already_there(row: Row) -> ConflictError:
    return ConflictError(
        code=ErrorCode.ALREADY_EXISTS,
        message="A file with this id was announced already.",
        path=["input", "id"],
        current=Attachment.from_row(row),
    )


@retried
async def delete_attachment(info: Info, id: str) -> list[UserError]:
    """Delete a file; returns why it isn't deleted. `Unauthenticated` if nobody is signed in.

    That of a comment by its author, or by a MANAGER.
    """
    attachment_id, viewer = parse_id(id), info.context.signed_in()
    owner_id = await owner_of(OWNERS_OF_ATTACHMENTS, viewer, attachment_id)
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        loaded = await load_file(write, attachment_id)
        if loaded is None:
            return [not_found("id")]
        if refusal := await _deletion_refusal(write, loaded):
            return [refusal]
        async with FileChange(write, loaded.todo):
            await write.connection.execute(DELETE, owner_id, attachment_id)
    info.context.clear_loaders()
    return []


async def _deletion_refusal(write: OwnerWrite, loaded: LoadedFile) -> NotAllowedError | None:
    needed, comment_id = ListRole.EDITOR, loaded.row["comment_id"]
    if comment_id:
        author_id = await write.connection.fetchval(AUTHOR, write.owner_id, comment_id)
        needed = ListRole.EDITOR if author_id == write.actor_id else ListRole.MANAGER
    return write.refusal(loaded.todo.list_id, "id", needed=needed)


async def load_file(write: OwnerWrite, id: UUID | None) -> LoadedFile | None:
    """A file with its todo, as far as the actor sees them; `OwnerChanged` if it has another owner by now."""
    row = await write.connection.fetchrow(STORED, write.owner_id, id) if id else None
    todos = await write.load([row["todo_id"]]) if row else {}
    if row is None or row["todo_id"] not in todos or not _shows(write, row):
        await write.check_owners(OWNERS_OF_ATTACHMENTS, [id])
        return None
    return LoadedFile(todos[row["todo_id"]], row)


def _shows(write: OwnerWrite, row: Row) -> bool:
    """Whether the actor sees a file: others' only once its bytes are there."""
    is_there = row["state"] in (AttachmentState.SCANNING, AttachmentState.READY)
    return is_there or row["uploaded_by_id"] == write.actor_id
