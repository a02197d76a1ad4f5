"""The bodies of comments: what is valid, whom they mention, and what they take of the quota."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.text import read_text
from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.features.comments.mentions import mentioned_ids
from todo_gql.features.todos.comments import MAX_BODY
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite

MAX_MENTIONS: Final = 20
MEMBERS: Final = """
SELECT user_id FROM list_members WHERE owner_id = $1 AND list_id = $2 AND user_id = ANY($3::uuid[])
"""
# A change of a comment has no fields, since its words are in no log.
LINE_BYTES: Final = ROW_BYTES + len("[]")


def read_body(sent: str, *path: str) -> tuple[str, list[UserError]]:
    """The body to store, and what is wrong with it."""
    body, problem = read_text(sent, shortest=1, longest=MAX_BODY, multiline=True, as_typed=True)
    return body, [invalid(*problem, *path)] if problem else []


async def mentioned_members(write: OwnerWrite, todo: TodoState, body: str) -> list[UUID]:
    """Whom a body on a todo mentions of those who are in its list, in their order; its owner in the inbox."""
    ids = mentioned_ids(body)
    members = {write.owner_id}
    if todo.list_id and any(id != write.owner_id for id in ids):
        rows = await write.connection.fetch(MEMBERS, write.owner_id, todo.list_id, ids)
        members |= {row["user_id"] for row in rows}
    return [id for id in ids if id in members]


def mention_problems(mentions: Sequence[UUID], *path: str) -> list[UserError]:
    """That a comment mentions too many people."""
    if len(mentions) <= MAX_MENTIONS:
        return []
    message = f"The comment mentions {len(mentions)} members; at most {MAX_MENTIONS} are allowed."
    return [invalid(ErrorCode.TOO_MANY, message, *path)]


def body_bytes(body: str) -> int:
    """The bytes of a body in the account's storage, beside those of its row."""
    return len(body.encode())
