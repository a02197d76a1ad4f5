"""What may be selected of the results of an undo that is about many todos.

How many there are is known only while the undo is executed, when its cost is charged already.
"""

from typing import Final

from todo_gql.features.todos.fields import TODO_FIELDS
from todo_gql.operation.context import Info
from todo_gql.operation.lookahead import selected_fields

MANY: Final = 100
"""As many results as a bulk action has at most."""

OF_PAYLOADS: Final = frozenset(
    [
        "__typename",
        "results",
        "index",
        "id",
        "todoId",
        "todo",
        "errors",
        "code",
        "message",
        "path",
        "current",
        "undoCursor",
    ]
)
OF_TAGS: Final = frozenset({"tags", "id", "name", "todoCount"})
# They are loaded with the todos, or in one statement for all of them.
SHORT: Final = (
    OF_PAYLOADS
    | OF_TAGS
    | {"processed", "updated"}
    | {field.graphql_name for field in TODO_FIELDS if field.description}
)


def selects_too_much(info: Info, number: int) -> bool:
    """Whether the operation selects more of so many results than todos' own fields and tags."""
    return number > MANY and not selected_fields(info) <= SHORT
