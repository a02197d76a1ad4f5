"""What the mutations of lists and sections answer."""

from typing import TypeAlias

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.changelog.cursors import FirstChange
from todo_gql.features.todos.payloads import undo_cursor
from todo_gql.features.todos.types import Section, TodoList

# A payload has a field of the name `list`.
UserErrors: TypeAlias = list[UserError]


@strawberry.type(description="What became of a list.")
class ListPayload:
    """The answer of a mutation of one list."""

    list: TodoList | None = strawberry.field(description="The list as it is now.", default=None)
    errors: UserErrors = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=UserErrors
    )
    undo_cursor: str | None = undo_cursor()
    first_change: strawberry.Private[FirstChange | None] = None


@strawberry.type(description="What became of a section.")
class SectionPayload:
    """The answer of a mutation of one section."""

    section: Section | None = strawberry.field(
        description="The section as it is now, or was when it was deleted.", default=None
    )
    errors: UserErrors = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=UserErrors
    )
    undo_cursor: str | None = undo_cursor()
    first_change: strawberry.Private[FirstChange | None] = None
