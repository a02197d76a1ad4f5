"""Writing, editing and deleting comments, under the lock of the todo's owner."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.errors import (
    ConflictError,
    ErrorCode,
    NotAllowedError,
    UserError,
    invalid,
    not_found,
    unusable_id,
    version_errors,
)
from todo_gql.api.node import parse_id
from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind, EntityAction, ListRole
from todo_gql.database.retry import retried
from todo_gql.features.comments.bodies import (
    LINE_BYTES,
    body_bytes,
    mention_problems,
    mentioned_members,
    read_body,
)
from todo_gql.features.comments.files import attach_files, delete_files, file_problems
from todo_gql.features.comments.types import CommentCreateInput, CommentPayload
from todo_gql.features.todos.access import TODO_OF_MEMBER
from todo_gql.features.todos.comments import COMMENT_COLUMNS, WITH_TODO, prime_people
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.owners import owner_of, owner_of_todo
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.types import Comment
from todo_gql.features.todos.viewer_writes import viewer_write
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.context import Info

COLUMNS: Final = ", ".join(COMMENT_COLUMNS)
MAX_COMMENTS: Final = 5_000
"""Comments on one todo, deleted ones included, so that it is quick to count them."""
COUNT: Final = "SELECT count(*) FROM comments WHERE owner_id = $1 AND todo_id = $2"
STORED: Final = f"SELECT {COLUMNS} FROM comments c WHERE c.owner_id = $1 AND c.id = $2"
INSERT: Final = f"""
INSERT INTO comments AS c (id, owner_id, todo_id, author_id, body, mentions, version, created_at)
VALUES ($2, $1, $3, $4, $5, $6, 1, $7) ON CONFLICT (id) DO NOTHING RETURNING {COLUMNS}
"""
EDIT: Final = f"""
UPDATE comments c SET body = $3, mentions = $4, edited_at = $5, version = c.version + 1
WHERE c.owner_id = $1 AND c.id = $2 RETURNING {COLUMNS}
"""
DELETE: Final = f"""
UPDATE comments c SET body = '', mentions = '[]', deleted_at = $3, version = c.version + 1
WHERE c.owner_id = $1 AND c.id = $2 RETURNING {COLUMNS}
"""
# `$1` is the viewer, and `$2` has ids.
OWNERS_OF_COMMENTS: Final = f"""
SELECT c.id, c.owner_id FROM {WITH_TODO} WHERE c.id = ANY($2::uuid[]) AND {TODO_OF_MEMBER}
"""


def _to_comment(row: Row | None) -> Comment | None:
    return Comment.from_row(row) if row else None


def _json(mentions: Sequence[UUID]) -> str:
    return orjson.dumps(list(map(str, mentions))).decode()


@retried
async def create_comment(
    info: Info, todo_id: str, sent: CommentCreateInput, *, dry_run: bool = False
) -> CommentPayload:
    """Write a comment of the viewer's on a todo; an error with the stored one if the id is in use already.

    A dry run is rolled back. `Unauthenticated` if nobody is signed in.
    """
    id, viewer = parse_id(todo_id), info.context.signed_in()
    owner_id = await owner_of_todo(viewer, id)
    body, problems = read_body(sent.body, "input", "body")
    sent_id = unset_to_none(sent.id)
    comment_id = uuid7() if sent_id is None else parse_id(sent_id)
    if comment_id is None:
        problems.insert(0, unusable_id("input"))
    ids = [id] if id else []
    async with viewer_write(viewer, owner_id, ids) as write:
        todo = (await write.load_named(ids)).get(id) if id else None
        if todo is None:
            return CommentPayload(errors=[not_found("todoId"), *problems])
        if refusal := write.refusal(todo.list_id, "todoId"):
            return CommentPayload(errors=[refusal])
        if problems or comment_id is None:
            return CommentPayload(errors=problems)
        file_ids = unset_to_none(sent.attachment_ids) or []
        written = await _insert(info, write, todo, comment_id, body, file_ids)
        info.context.clear_loaders()
        if dry_run and not isinstance(written, CommentPayload):
            await prime_people(info.context, write.connection, written["id"])
            write.discard()
    if isinstance(written, CommentPayload):
        return written
    return CommentPayload(comment=_to_comment(written))


async def _insert(
    info: Info,
    write: OwnerWrite,
    todo: TodoState,
    id: UUID,
    body: str,
    file_ids: Sequence[str],
) -> Row | CommentPayload:
    """Store a comment with its line of the log; or the answer that says why it isn't stored."""
    if stored := await write.connection.fetchrow(STORED, write.owner_id, id):
        if await write.load([stored["todo_id"]], trash=True):
            return _already_there(stored)
        return CommentPayload(errors=[unusable_id("input")])
    mentions = await mentioned_members(write, todo, body)
    added = ROW_BYTES + body_bytes(body)
    problems: list[UserError] = mention_problems(mentions, "input", "body")
    if await write.connection.fetchval(COUNT, write.owner_id, todo.id) >= MAX_COMMENTS:
        message = f"The todo has {MAX_COMMENTS:,} comments, and more are not allowed."
        problems.append(invalid(ErrorCode.TOO_MANY, message, "todoId"))
    problems += await file_problems(write, todo, file_ids, "input", "attachmentIds")
    quota = Quota.of(info.context.settings)
    if problem := write.storage.reserve_bytes(added + LINE_BYTES, quota):
        problems.append(invalid(*problem, "input"))
    if problems:
        return CommentPayload(errors=problems)
    values = (id, todo.id, write.actor_id, body, _json(mentions), write.now)
    row = await write.connection.fetchrow(INSERT, write.owner_id, *values)
    if row is None:
        return CommentPayload(errors=[unusable_id("input")])
    await attach_files(write, id, file_ids)
    await _log(write, todo, row, EntityAction.CREATED, added)
    return row


def _already_there(stored: Row) -> CommentPayload:
    comment = Comment.from_row(stored)
    conflict = ConflictError(
        code=ErrorCode.ALREADY_EXISTS,
        message="A comment with this id was written already.",
        path=["input", "id"],
        current=comment,
    )
    return CommentPayload(comment=comment, errors=[conflict])


async def _log(
    write: OwnerWrite, todo: TodoState, row: Row, action: EntityAction, added_bytes: int
) -> None:
    """Write the line of the log, which has none of the words."""
    write.log(
        *(ChangeKind.COMMENT, row["id"], action, []),
        list_id=todo.list_id,
        todo_id=todo.id,
        added_bytes=added_bytes,
    )
    await write.store()


@retried
async def update_comment(
    info: Info, id: str, sent: str, expected_version: int | None
) -> CommentPayload:
    """Replace the body of a comment of the viewer's. `Unauthenticated` if nobody is signed in."""
    comment_id, viewer = parse_id(id), info.context.signed_in()
    owner_id = await owner_of(OWNERS_OF_COMMENTS, viewer, comment_id)
    body, problems = read_body(sent, "body")
    async with viewer_write(viewer, owner_id) as write:
        loaded = await _load(write, comment_id)
        if loaded is None:
            return CommentPayload(errors=[not_found("id"), *problems])
        todo, row = loaded
        if refusal := write.refusal(todo.list_id, "id") or _not_of_author(write, row):
            return CommentPayload(comment=Comment.from_row(row), errors=[refusal])
        problems = [*_version_errors(row, expected_version), *problems]
        if not problems and body != row["body"]:
            row = await _edit(info, write, todo, row, body, problems)
    info.context.clear_loaders()
    return CommentPayload(comment=Comment.from_row(row), errors=problems)


async def _edit(
    info: Info, write: OwnerWrite, todo: TodoState, row: Row, body: str, problems: list[UserError]
) -> Row:
    """Store the body; what is wrong with it is added to the problems, and then nothing is stored."""
    mentions = await mentioned_members(write, todo, body)
    problems += mention_problems(mentions, "body")
    added = body_bytes(body) - body_bytes(row["body"])
    quota = Quota.of(info.context.settings)
    if problem := write.storage.reserve_bytes(added + LINE_BYTES, quota):
        problems.append(invalid(*problem, "body"))
    if problems:
        return row
    values = (row["id"], body, _json(mentions), write.now)
    edited = await write.connection.fetchrow(EDIT, write.owner_id, *values)
    assert edited is not None
    await _log(write, todo, edited, EntityAction.UPDATED, added)
    return edited


@retried
async def delete_comment(info: Info, id: str, expected_version: int | None) -> CommentPayload:
    """Blank a comment of the viewer's, or of anybody's in a list that they manage.

    `Unauthenticated` if nobody is signed in.
    """
    comment_id, viewer = parse_id(id), info.context.signed_in()
    owner_id = await owner_of(OWNERS_OF_COMMENTS, viewer, comment_id)
    async with viewer_write(viewer, owner_id) as write:
        loaded = await _load(write, comment_id)
        if loaded is None:
            return CommentPayload(errors=[not_found("id")])
        todo, row = loaded
        needed = ListRole.EDITOR if row["author_id"] == viewer.id else ListRole.MANAGER
        if refusal := write.refusal(todo.list_id, "id", needed=needed):
            return CommentPayload(comment=Comment.from_row(row), errors=[refusal])
        if errors := _version_errors(row, expected_version):
            return CommentPayload(comment=Comment.from_row(row), errors=errors)
        deleted = await write.connection.fetchrow(DELETE, owner_id, row["id"], write.now)
        assert deleted is not None
        await delete_files(write, todo, row["id"])
        await _log(write, todo, deleted, EntityAction.DELETED, -body_bytes(row["body"]))
    info.context.clear_loaders()
    return CommentPayload(comment=Comment.from_row(deleted))


async def _load(write: OwnerWrite, id: UUID | None) -> tuple[TodoState, Row] | None:
    """A comment that isn't deleted, and its todo, which isn't in the trash, as far as the actor sees them.

    `OwnerChanged` if it has another owner by now.
    """
    row = await write.connection.fetchrow(STORED, write.owner_id, id) if id else None
    todo = (await write.load([row["todo_id"]])).get(row["todo_id"]) if row else None
    if row is None or todo is None:
        await write.check_owners(OWNERS_OF_COMMENTS, [id])
        return None
    return None if row["deleted_at"] else (todo, row)


def _not_of_author(write: OwnerWrite, row: Row) -> NotAllowedError | None:
    """The error if the actor didn't write a comment: no role may change what somebody else said."""
    if row["author_id"] == write.actor_id:
        return None
    message = "Only its author can change a comment."
    return NotAllowedError(code=ErrorCode.NOT_ALLOWED, message=message, path=["id"])


def _version_errors(row: Row, expected_version: int | None) -> list[UserError]:
    return version_errors(
        "comment", row["version"], expected_version, lambda: Comment.from_row(row)
    )
