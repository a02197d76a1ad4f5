"""The argument that narrows a feed to one list."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import orjson
import strawberry

from todo_gql.api.node import parse_id
from todo_gql.database.connection import Values
from todo_gql.database.models import ChangeKind
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.list_access import NOTHING
from todo_gql.features.todos.redaction import LIST_FIELD, may_move

ListIdArgument: TypeAlias = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Only what concerns this list: the list itself, its sections and members, the todos in it "
        "and their comments, and todos that were moved out of it."
    ),
]


def parsed_list_id(argument: Any) -> UUID | None:
    """The list of the argument; None without one, and no list for what is no id."""
    id = unset_to_none(argument)
    return None if id is None else parse_id(id) or NOTHING


def concerns(row: Values, list_id: UUID | None) -> bool:
    """Whether a change of a known kind concerns a list; any does if that is None."""
    if list_id is None or row["list_id"] == list_id:
        return True
    return row["kind"] == ChangeKind.TODO and _was_in(row["diff"], str(list_id))


def _was_in(diff: str, list_id: str) -> bool:
    """Whether a change moved its todo out of a list."""
    if not may_move(diff) or list_id not in diff:
        return False
    entries: Iterable[dict[str, Any]] = orjson.loads(diff)
    return any(entry["name"] == LIST_FIELD and entry["before"] == list_id for entry in entries)
