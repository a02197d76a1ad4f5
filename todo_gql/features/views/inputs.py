"""What clients send about saved views, and how it is checked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import strawberry
from strawberry import UNSET

from todo_gql.api.errors import BadUserInput, ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.placement import Placement, PlacementInput, read_placement
from todo_gql.api.text import text_problem
from todo_gql.features.todos.filters import check_filter
from todo_gql.features.todos.inputs import TodoFilter, TodoSort, unset_to_none
from todo_gql.features.todos.sorting import todo_keyset
from todo_gql.features.todos.validators import text
from todo_gql.features.views.loaders import Named, named_things
from todo_gql.features.views.stored_inputs import Reference, as_json, references
from todo_gql.features.views.types import MAX_FILTER_BYTES
from todo_gql.operation.context import Context

read_view_name = text(shortest=1, longest=120)


@strawberry.input(description="A view to be saved; null is the same as absent.")
class SavedViewInput:
    """The values of a saved view."""

    name: str = strawberry.field(description="1 to 120 characters after trimming.")
    filter: TodoFilter = strawberry.field(
        description="Which todos; at most 16 KiB as JSON, and all lists, sections and parents in it exist."
    )
    id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="A UUID made by the client, so that a retry creates nothing twice. In an update it "
        "may be absent or the view's own.",
    )
    sort: list[TodoSort] | None = strawberry.field(
        default=UNSET,
        description="At most 5 keys; newest first if null. In an update, absent leaves the order as it is.",
    )
    placement: PlacementInput | None = strawberry.field(
        name="place",
        default=UNSET,
        description="Where among the views; at the end if absent, where it is in an update.",
    )


@dataclass
class ViewDraft:
    """The checked values of an input, as they are stored; `problems` is what is wrong with it."""

    name: str
    filter_json: Any
    sort_json: Any
    has_sort: bool
    id: UUID | None
    placement: Placement | None
    problems: list[UserError] = field(default_factory=list)


async def read_view(sent: SavedViewInput, context: Context) -> ViewDraft:
    """The values that a client sent, checked as far as that needs no stored view."""
    problems: list[UserError] = []
    name = read_view_name(sent.name, problems, "input", "name")
    sent_id = unset_to_none(sent.id)
    view_id = parse_id(sent_id) if sent_id is not None else None
    if sent_id is not None and view_id is None:
        problems.append(unusable_id())
    filter_json = await _read_filter(sent.filter, problems, context)
    keys = unset_to_none(sent.sort)
    try:
        todo_keyset(keys)
    except BadUserInput as error:
        problems.append(invalid(ErrorCode.TOO_MANY, str(error), "input", "sort"))
    sent_placement = unset_to_none(sent.placement)
    placement = (
        read_placement(sent_placement, problems, "input", "place") if sent_placement else None
    )
    return ViewDraft(
        name,
        filter_json,
        as_json(keys) or None,
        sent.sort is not UNSET,
        view_id,
        placement,
        problems,
    )


def unusable_id() -> UserError:
    """The error of an id that is none, or that something of somebody else's has."""
    return invalid(ErrorCode.INVALID, "Use a new UUID.", "input", "id")


async def _read_filter(sent: TodoFilter, problems: list[UserError], context: Context) -> Any:
    """The filter as JSON, with problems of its limits and of things in it that don't exist."""
    filter_json = as_json(sent)
    try:
        check_filter(sent, context.now)
        # Long texts aren't looked at.
        is_long = _text_length(filter_json) > MAX_FILTER_BYTES
        if not is_long and not _is_storable(filter_json):
            raise BadUserInput("Leave out what is no id.")
    except BadUserInput as error:
        problems.append(invalid(ErrorCode.INVALID, str(error), "input", "filter"))
        return filter_json
    if is_long or len(orjson.dumps(filter_json)) > MAX_FILTER_BYTES:
        message = "Use a filter of at most 16 KiB."
        problems.append(invalid(ErrorCode.TOO_LONG, message, "input", "filter"))
        return filter_json
    named = list(references(filter_json))
    there = await _are_there(named, context)
    problems += [
        not_found("input", "filter", *one.path)
        for one, is_there in zip(named, there, strict=True)
        if not is_there
    ]
    return filter_json


def _is_storable(value: Any) -> bool:
    """Whether PostgreSQL can store all texts in a JSON value: ids may be any, and match nothing."""
    if isinstance(value, str):
        return text_problem(value, longest=len(value), multiline=True) is None
    return all(map(_is_storable, _parts(value)))


def _text_length(value: Any) -> int:
    """The characters of all texts in a JSON value, each of which is a byte or more."""
    return len(value) if isinstance(value, str) else sum(map(_text_length, _parts(value)))


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


async def _are_there(named: list[Reference], context: Context) -> list[bool]:
    keys = [Named(one.field, one.id) for one in named if one.id]
    stored = dict(zip(keys, await context.loader(named_things).load_all(keys), strict=True))
    return [bool(one.id and stored[Named(one.field, one.id)]) for one in named]
