"""The files of comments: which of a todo's files may be a new comment's, and making them so."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.models import AttachmentState
from todo_gql.features.todos.file_changes import FileChange
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite

MAX_FILES: Final = 10
FREE: Final = f"""
SELECT id FROM attachments WHERE owner_id = $1 AND todo_id = $2 AND id = ANY($3::uuid[])
    AND uploaded_by_id = $4 AND comment_id IS NULL
    AND state IN ({AttachmentState.SCANNING.value}, {AttachmentState.READY.value})
"""
ATTACH: Final = (
    "UPDATE attachments SET comment_id = $2 WHERE owner_id = $1 AND id = ANY($3::uuid[])"
)
HAS_FILES: Final = "SELECT EXISTS (SELECT FROM attachments WHERE owner_id = $1 AND comment_id = $2)"
DELETE: Final = "DELETE FROM attachments WHERE owner_id = $1 AND comment_id = $2"


async def file_problems(
    write: OwnerWrite, todo: TodoState, ids: Sequence[str], *path: str
) -> list[UserError]:
    """Why files can't be a new comment's: they must be the actor's own of its todo, finished, and free."""
    if len(ids) > MAX_FILES:
        message = f"A comment has at most {MAX_FILES} files."
        return [invalid(ErrorCode.TOO_MANY, message, *path)]
    keys = [parse_id(id) for id in ids]
    sent = [key for key in keys if key]
    problems: list[UserError] = []
    values = write.owner_id, todo.id, sent, write.actor_id
    free = {row["id"] for row in await write.connection.fetch(FREE, *values)} if sent else set()
    for index, key in enumerate(keys):
        if key not in free:
            problems.append(not_found(*path, str(index)))
        elif key in keys[:index]:
            message = "The file is named twice."
            problems.append(invalid(ErrorCode.INVALID, message, *path, str(index)))
    return problems


async def attach_files(write: OwnerWrite, comment_id: UUID, ids: Sequence[str]) -> None:
    """Make files a comment's."""
    if ids:
        keys = [parse_id(id) for id in ids]
        await write.connection.execute(ATTACH, write.owner_id, comment_id, keys)


async def delete_files(write: OwnerWrite, todo: TodoState, comment_id: UUID) -> None:
    """Delete the files of a comment, which is a change of its todo, if there are any."""
    ids = write.owner_id, comment_id
    if await write.connection.fetchval(HAS_FILES, *ids):
        async with FileChange(write, todo):
            await write.connection.execute(DELETE, *ids)
