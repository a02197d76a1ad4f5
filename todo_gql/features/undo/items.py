"""The todos that are taken back, each as it is stored and as it is to be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid
from todo_gql.api.text import Problem
from todo_gql.features.todos.actions import to_todo
from todo_gql.features.todos.state import TodoState
from todo_gql.operation.context import Info

PATH: Final = "cursor"


@dataclass(slots=True)
class Item:
    """A todo that a mutation changed: as it is stored, and as it is to be without that change."""

    id: UUID
    stored: TodoState | None = None
    planned: TodoState | None = None
    errors: list[UserError] = field(default_factory=list)

    def refuse(self, error: UserError) -> None:
        """Leave the todo as it is, for this reason."""
        self.planned = self.stored
        self.errors.append(error)

    def conflict(self, info: Info, message: str) -> None:
        """Leave the todo as it is, since something that it depends on has changed."""
        self.refuse(
            ConflictError(
                code=ErrorCode.CONFLICT,
                message=message,
                path=[PATH],
                current=to_todo(self.stored, info),
            )
        )

    def exceed(self, problem: Problem) -> None:
        """Leave the todo as it is, since a limit or the quota would be exceeded."""
        self.refuse(invalid(*problem, PATH))


Refuse: TypeAlias = Callable[[Item, str], None]
"""Leaves an item as it is because of a conflict, which is the message."""
