"""The batch functions that load lists, their sections, todos and counts."""

from asyncio import ensure_future, shield
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments, fetch_pages
from todo_gql.api.keyset import Keyset
from todo_gql.api.scalars import json_fragment
from todo_gql.database.connection import Row, fetch
from todo_gql.database.select import SelectQuery
from todo_gql.features.stats.overdue import first_today
from todo_gql.features.stats.types import count_columns
from todo_gql.features.todos.access import only_of_lists
from todo_gql.features.todos.days import needs_filter_clock
from todo_gql.features.todos.filters import filtered_todos
from todo_gql.features.todos.inputs import TodoFilter
from todo_gql.features.todos.list_access import (
    LIST_OR_INBOX,
    NOTHING,
    SECTION_COLUMNS,
    all_lists,
    all_sections,
    list_columns,
)
from todo_gql.observability.request_record import loader
from todo_gql.operation.clock import FilterClock, filter_clock
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.loaders import LoaderContext
from todo_gql.security.access import Columns


class SameFilter:
    """A filter as a part of a key, equal to those that are written in the same way.

    As objects filters can't be hashed, and 1 and true in their JSON would be equal.
    """

    __slots__ = ("text", "value")

    def __init__(self, value: TodoFilter | None) -> None:
        self.value = value
        self.text = repr(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameFilter) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class TodosRequest(NamedTuple):
    """Which todos of each list are to be loaded, and what of them."""

    filter: SameFilter
    keyset: Keyset
    arguments: PageArguments
    columns: Columns


class ListPageKey(NamedTuple):
    """A page of the todos of a list."""

    list_id: UUID
    request: TodosRequest


class ListCountsKey(NamedTuple):
    """The counts of the todos of a list that a filter matches."""

    list_id: UUID
    filter: SameFilter


@loader
async def lists_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """Lists, those in the trash too; no list for `NOTHING`."""
    return await _by_id(all_lists(context.viewer), "l.id", list_columns(context.viewer), ids)


@loader
async def sections_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """Sections that aren't deleted; no section for `NOTHING`."""
    return await _by_id(all_sections(context.viewer), "s.id", SECTION_COLUMNS, ids)


async def _by_id(
    statement: SelectQuery, column: str, columns: Columns, ids: list[UUID]
) -> list[Row | None]:
    """The row of each id; None for `NOTHING`."""
    present = [id for id in ids if id != NOTHING]
    if not present:
        return [None] * len(ids)
    statement.where_one_of(column, present)
    rows = {row["id"]: row for row in await fetch(statement.select(columns), *statement.values)}
    return [rows.get(id) for id in ids]


@loader
async def sections_by_list_id(context: LoaderContext, ids: list[UUID]) -> list[list[Row]]:
    """The sections of each list in their order."""
    statement = all_sections(context.viewer).where_one_of("s.list_id", ids)
    text = statement.select(SECTION_COLUMNS, "s.list_id, s.position")
    sections = defaultdict[UUID, list[Row]](list)
    for row in await fetch(text, *statement.values):
        sections[row["list_id"]].append(row)
    return [sections[id] for id in ids]


@loader
async def todo_pages_by_list(context: LoaderContext, keys: list[ListPageKey]) -> list[Page]:
    """A page of the todos of each list."""
    pages: dict[ListPageKey, Page] = {}
    for request, ids in _grouped(keys).items():
        clock = await _clock(context, request.filter)
        statement = filtered_todos(context.viewer, request.filter.value, clock)
        only_of_lists(statement, ids)
        columns, keyset = request.columns, request.keyset
        loaded = await fetch_pages(
            statement, LIST_OR_INBOX, ids, columns, keyset, request.arguments
        )
        for id, page in zip(ids, loaded, strict=True):
            rows = await parse_json_column(page.rows, "metadata", json_fragment)
            pages[ListPageKey(id, request)] = page._replace(rows=rows)
    return [pages[key] for key in keys]


@loader
async def counts_by_list(context: LoaderContext, keys: list[ListCountsKey]) -> list[Any]:
    """The counts of those todos of each list that a filter matches."""
    counts: dict[ListCountsKey, Row] = {}
    for request, ids in _grouped(keys).items():
        for row in await _counts(context, request, ids):
            counts[ListCountsKey(row["id"], request)] = row
    return [counts[key] for key in keys]


async def _clock(context: LoaderContext, todo_filter: SameFilter) -> FilterClock:
    """The clock for a filter, in the viewer's zone if that matters to it: that is read once."""
    if not needs_filter_clock(todo_filter.value):
        return FilterClock(context.now, person_id=context.viewer.id)
    if context.clock is None:
        context.clock = ensure_future(filter_clock(context.viewer, context.now))
    return await shield(context.clock)


async def _counts(
    context: LoaderContext, todo_filter: SameFilter, ids: Sequence[UUID]
) -> list[Row]:
    clock = await _clock(context, todo_filter)
    statement = filtered_todos(context.viewer, todo_filter.value, clock)
    only_of_lists(statement, ids)
    statement.where(f"{LIST_OR_INBOX} = k.id")
    first = f"{statement.bind(first_today(clock.now))}::date"
    counted = statement.select(count_columns(statement.bind(clock.now), first, "k.id"))
    text = (
        f"SELECT c.* FROM unnest({statement.bind(list(ids))}::uuid[]) AS k (id)"
        f" CROSS JOIN LATERAL ({counted}) c"
    )
    return await fetch(text, *statement.values)


def _grouped(keys: Sequence[tuple[UUID, Any]]) -> dict[Any, list[UUID]]:
    """The ids of the lists of each request."""
    groups = defaultdict[Any, list[UUID]](list)
    for id, request in keys:
        groups[request].append(id)
    return groups
