"""What the mutations of todos and tags answer."""

from typing import Any

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.changelog.cursors import FirstChange
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.types import Todo


def _undo_cursor(root: Any) -> str | None:
    """The cursor of the first change of a payload's mutation."""
    change: FirstChange | None = root.first_change
    return change.cursor if change else None


def undo_cursor() -> Any:
    """The field of a payload with a private `first_change`, which undoes the mutation."""
    return strawberry.field(
        resolver=_undo_cursor,
        description="Pass it to `todoUndo` to take back what this mutation did; null if it changed "
        "nothing.",
    )


@strawberry.type(description="What became of one todo.")
class TodoPayload:
    """The answer of a mutation of one todo."""

    todo: Todo | None = strawberry.field(description="The todo as it is now.", default=None)
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
    completed_occurrence: Todo | None = strawberry.field(
        description="The copy that completing an occurrence of a repeating todo leaves of it.",
        default=None,
    )
    undo_cursor: str | None = undo_cursor()
    first_change: strawberry.Private[FirstChange | None] = None


@strawberry.type(description="What became of one item of a bulk action.")
class TodoBulkResult:
    """The answer for one id or input."""

    index: int = strawberry.field(description="Its place in the list given, from 0.")
    id: strawberry.ID | None = strawberry.field(
        description="Its id; null for a create that failed without one.",
        deprecation_reason=(
            "Use `todoId`: caches such as Relay's take the result and its todo for one thing, since"
            " both have this `id`. Deprecated on 2026-11-29, removed on 2027-12-01 at the earliest."
        ),
    )
    todo: Todo | None = strawberry.field(description="The todo as it is now.")
    errors: list[UserError] = strawberry.field(description="Why it was not changed.")
    todo_id: strawberry.ID | None = strawberry.field(
        description="The todo's id; null for a create that failed without one."
    )


@strawberry.type(description="What became of a bulk action.")
class TodoBulkPayload:
    """The answer of a bulk action; with nothing in `results` the call was refused."""

    results: list[TodoBulkResult] = strawberry.field(
        description="In the order of the ids or inputs given.", default_factory=list
    )
    processed: int = strawberry.field(description="Todos found and checked.", default=0)
    updated: int = strawberry.field(description="Todos that really changed.", default=0)
    errors: list[UserError] = strawberry.field(
        description="What is wrong with the call as a whole.", default_factory=list
    )
    undo_cursor: str | None = undo_cursor()
    first_change: strawberry.Private[FirstChange | None] = None


@strawberry.type(description="What became of a tag.")
class TagPayload:
    """The answer of a mutation of one tag."""

    tag: Tag | None = strawberry.field(
        description="The tag as it is now, or as it was before `tagDelete`.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
    undo_cursor: str | None = undo_cursor()
    first_change: strawberry.Private[FirstChange | None] = None
