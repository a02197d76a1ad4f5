"""Pages and numbers of the subtasks of many todos at once."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments
from todo_gql.api.keyset import Keyset, SortKey, parse_text, parse_uuid
from todo_gql.api.scalars import json_fragment
from todo_gql.database.connection import Row, fetch
from todo_gql.features.todos.access import owner_of_seen
from todo_gql.features.todos.columns import TodoSelection
from todo_gql.observability.request_record import loader
from todo_gql.operation.context import Context
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.loaders import LoaderContext, rows_by_number

SUBTASK_PAGE: Final = 50
IN_ORDER: Final = Keyset(
    SortKey("position", "t.position", "position_key", parse_text, extra="t.position"),
    SortKey("id", "t.id", "id", parse_uuid),
)
IS_SUBTASK: Final = "t.owner_id = {owner} AND t.parent_id = k.parent_id AND t.deleted_at IS NULL"


class SubtaskKey(NamedTuple):
    """A page of a todo's subtasks: `size` of those between two positions, from the start or the end."""

    parent_id: UUID
    size: int
    after: str | None
    before: str | None
    backwards: bool


class SubtaskEdge(NamedTuple):
    """The subtasks at a position, and on one side of it."""

    parent_id: UUID
    position: str
    towards_start: bool


@loader
async def subtasks_by_parent_id(context: LoaderContext, keys: list[SubtaskKey]) -> list[list[Row]]:
    """A page of each todo's subtasks, in their order, and one subtask more if there is."""
    pages = dict[SubtaskKey, list[Row]]()
    for backwards in sorted({key.backwards for key in keys}):
        batch = [key for key in keys if key.backwards is backwards]
        pages |= dict(zip(batch, await _pages(context, batch, backwards=backwards), strict=True))
    return [pages[key] for key in keys]


async def _pages(
    context: LoaderContext, keys: Sequence[SubtaskKey], *, backwards: bool
) -> list[list[Row]]:
    columns, tags = context.selection(TodoSelection)
    is_subtask = _is_subtask(context)
    selected = (*columns, *([tags] if tags else ()), *IN_ORDER.extra_columns)
    direction = "DESC" if backwards else "ASC"
    rows = await fetch(
        f"SELECT k.number, {', '.join(selected)}"
        " FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[])"
        "  WITH ORDINALITY AS k (parent_id, size, after, before, number)"
        f" CROSS JOIN LATERAL (SELECT * FROM todos t WHERE {is_subtask}"
        "  AND (k.after IS NULL OR t.position > k.after)"
        "  AND (k.before IS NULL OR t.position < k.before)"
        f"  ORDER BY t.position {direction} LIMIT k.size) t"
        f" ORDER BY k.number, t.position {direction}",
        context.viewer.id,
        [key.parent_id for key in keys],
        [key.size for key in keys],
        [key.after for key in keys],
        [key.before for key in keys],
    )
    rows = await parse_json_column(rows, "metadata", json_fragment)
    return rows_by_number(rows, len(keys))


@loader
async def subtask_edges(context: LoaderContext, keys: list[SubtaskEdge]) -> list[bool]:
    """Whether each todo has subtasks at a position, or on one side of it."""
    rows = await fetch(
        f"SELECT EXISTS (SELECT FROM todos t WHERE {_is_subtask(context)}"
        "  AND CASE WHEN k.towards_start THEN t.position <= k.position ELSE t.position >= k.position END"
        " ) AS found"
        " FROM unnest($2::uuid[], $3::text[], $4::bool[])"
        "  WITH ORDINALITY AS k (parent_id, position, towards_start, number)"
        " ORDER BY k.number",
        context.viewer.id,
        [key.parent_id for key in keys],
        [key.position for key in keys],
        [key.towards_start for key in keys],
    )
    return [row["found"] for row in rows]


@loader
async def subtask_counts(context: LoaderContext, parent_ids: list[UUID]) -> list[int]:
    """How many subtasks each todo has outside the trash."""
    rows = await fetch(
        f"SELECT (SELECT count(*) FROM todos t WHERE {_is_subtask(context)}) AS number"
        " FROM unnest($2::uuid[]) WITH ORDINALITY AS k (parent_id, number) ORDER BY k.number",
        context.viewer.id,
        parent_ids,
    )
    return [row["number"] for row in rows]


def _is_subtask(context: LoaderContext) -> str:
    return IS_SUBTASK.format(owner=owner_of_seen(context.viewer, "k.parent_id"))


async def subtask_page(context: Context, parent_id: UUID, arguments: PageArguments) -> Page:
    """A page of one todo's subtasks, loaded in one batch with those of other todos.

    Raises `BadUserInput` for invalid arguments or cursors.
    """
    size, backwards = arguments.size(SUBTASK_PAGE), arguments.backwards
    after, before = _position(arguments.after), _position(arguments.before)
    key = SubtaskKey(parent_id, size + 1, after, before, backwards)
    rows = list(await context.loader(subtasks_by_parent_id).load_one(key))
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    exists = context.loader(subtask_edges).load_one
    has_previous: Any = more and backwards
    has_next: Any = more and not backwards
    if after is not None and not has_previous:
        has_previous = partial(exists, SubtaskEdge(parent_id, after, towards_start=True))
    if before is not None and not has_next:
        has_next = partial(exists, SubtaskEdge(parent_id, before, towards_start=False))
    return Page(rows, IN_ORDER, has_previous, has_next)


def _position(cursor: str | None) -> str | None:
    return None if cursor is None else str(IN_ORDER.values(cursor)[0])
