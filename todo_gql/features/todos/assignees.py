"""Who may be the assignee of a todo: its owner, and members who may change its list."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.database.models import ListRole
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite

ROLES: Final = """
SELECT list_id, user_id, role FROM list_members
WHERE owner_id = $1 AND list_id = ANY($2::uuid[]) AND user_id = ANY($3::uuid[])
"""
PATH: Final = "assigneeId"


class Assignees:
    """The members of lists who are, or are to be, assignees of todos, as they are under the owner's lock."""

    def __init__(
        self, owner_id: UUID, roles: Mapping[tuple[UUID | None, UUID | None], int]
    ) -> None:
        self._owner_id = owner_id
        self._roles = roles

    @classmethod
    async def load(cls, write: OwnerWrite, todos: Iterable[TodoState]) -> "Assignees":
        """Those of todos as they are to be; nothing is read for todos without one, or of their owner's."""
        pairs = {
            (todo.list_id, todo.assignee_id)
            for todo in todos
            if todo.list_id and todo.assignee_id and todo.assignee_id != write.owner_id
        }
        if not pairs:
            return cls(write.owner_id, {})
        columns = map(list, zip(*pairs, strict=True))
        rows = await write.connection.fetch(ROLES, write.owner_id, *columns)
        return cls(write.owner_id, {(row["list_id"], row["user_id"]): row["role"] for row in rows})

    def error(self, todo: TodoState, *path: str) -> UserError | None:
        """Why a todo can't have its assignee, at the path of the input; None if it can, or has none.

        Who isn't in the list isn't found, whether or not there is such an account.
        """
        if self.allow(todo):
            return None
        if (todo.list_id, todo.assignee_id) in self._roles:
            message = "Assign it to who may change the list: this member may only look at it."
            return invalid(ErrorCode.INVALID, message, *path, PATH)
        return not_found(*path, PATH)

    def allow(self, todo: TodoState) -> bool:
        """Whether a todo can have its assignee, or has none."""
        if todo.assignee_id in (None, self._owner_id):
            return True
        return self._roles.get((todo.list_id, todo.assignee_id), -1) >= ListRole.EDITOR

    def cleared(self, todo: TodoState) -> TodoState:
        """The todo without its assignee if it can't have it."""
        return todo if self.allow(todo) else todo._replace(assignee_id=None)


async def assignee_error(
    write: OwnerWrite, before: TodoState | None, after: TodoState, *path: str
) -> UserError | None:
    """Why a todo can't get its new assignee, at the path of the input; None if it can, or keeps the old one."""
    if before and before.assignee_id == after.assignee_id:
        return None
    return (await Assignees.load(write, [after])).error(after, *path)
