"""How much the files of an owner's todos take, and whether there is room for more."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from todo_gql.api.errors import ErrorCode
from todo_gql.api.text import Problem
from todo_gql.features.todos.storage import OTHERS_ARE_FULL, Quota
from todo_gql.features.todos.writes import OwnerWrite

USED: Final = "SELECT stored_bytes FROM file_usage WHERE owner_id = $1"
OF_TODOS: Final = """
SELECT coalesce(sum(size), 0)::bigint FROM attachments WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])
"""


async def file_problem(write: OwnerWrite, added: int, quota: Quota) -> Problem | None:
    """The problem if so many bytes of files more exceed the owner's quota, under whose lock this is read."""
    used = await write.connection.fetchval(USED, write.owner_id) or 0
    problem = room_problem(used, added, quota)
    return (
        (ErrorCode.TOO_LONG, OTHERS_ARE_FULL) if problem and not write.storage.is_own else problem
    )


def room_problem(used: int, added: int, quota: Quota) -> Problem | None:
    """The problem if so many bytes of files more than are used exceed the quota."""
    if not added or used + added <= quota.file_bytes:
        return None
    return ErrorCode.TOO_LONG, (
        f"Your files would take {used + added:,} bytes; {quota.file_bytes:,} are allowed. Delete some,"
        " also of todos in the trash, or ask whoever runs this server."
    )


async def bytes_of_files(write: OwnerWrite, todo_ids: Sequence[UUID]) -> int:
    """The bytes of all files of an owner's todos."""
    return int(await write.connection.fetchval(OF_TODOS, write.owner_id, todo_ids))
