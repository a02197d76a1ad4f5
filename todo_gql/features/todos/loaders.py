"""The batch functions that load todos, their tags and their histories."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from todo_gql.api.scalars import diff_entries, json_fragment
from todo_gql.changelog.access import CHANGE_COLUMNS, IS_OF_TODO
from todo_gql.database.connection import Row, fetch
from todo_gql.features.todos.access import SHARED_TAG_COUNT, TODO_OF_MEMBER
from todo_gql.features.todos.columns import TAGGINGS, TodoSelection, todo_by_id, todos_by_ids
from todo_gql.features.todos.redaction import redacted_todo_changes
from todo_gql.observability.request_record import loader
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.loaders import LoaderContext, rows_by_id, rows_by_number

TAGS_OF_TODOS = f"""
SELECT g.name, g.id, g.todo_count, tt.todo_id
FROM {TAGGINGS}
WHERE tt.owner_id = $1 AND tt.todo_id = ANY($2) ORDER BY g.name
"""
TAGS_OF_TODOS_FOR_MEMBERS = f"""
SELECT g.name, g.id, {SHARED_TAG_COUNT} AS todo_count, tt.todo_id
FROM todos t JOIN todo_tags tt ON tt.owner_id = t.owner_id AND tt.todo_id = t.id
    JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id
WHERE {TODO_OF_MEMBER} AND t.id = ANY($2) ORDER BY g.name
"""

TagOfTodo: TypeAlias = Any
"""The columns of a tag that is fetched with its todo: name, id, number of todos, perhaps more."""


def tags_by_todo(rows: Sequence[Row], todo_ids: Sequence[UUID]) -> list[list[TagOfTodo]]:
    """Group the rows of `TAGS_OF_TODOS`: a list for each todo id, in the order of the ids."""
    tags = defaultdict[UUID, list[TagOfTodo]](list)
    for row in rows:
        tags[row["todo_id"]].append(row)
    return [tags[todo_id] for todo_id in todo_ids]


class HistoryKey(NamedTuple):
    """A page of a todo's history: `size` changes older than number `before`."""

    todo_id: UUID
    size: int
    before: int


@loader
async def todos_by_id(context: LoaderContext, ids: list[UUID | None]) -> list[Row | None]:
    """Todos, those in the trash too; None for no id."""
    columns, tags = context.selection(TodoSelection)
    viewer = context.viewer
    if ids == [None]:
        return [None]
    lists = viewer.bound_list_ids
    is_bound = lists is not None
    bound = () if lists is None else (list(lists),)
    if len(ids) == 1:
        text = todo_by_id(columns, tags, is_member=viewer.is_member, is_bound=is_bound)
        rows = await fetch(text, viewer.id, ids[0], *bound)
    else:
        text = todos_by_ids(columns, tags, is_member=viewer.is_member, is_bound=is_bound)
        rows = await fetch(text, viewer.id, ids, *bound)
        rows = await parse_json_column(rows, "metadata", json_fragment)
    return rows_by_id(rows, ids)


@loader
async def tags_by_todo_id(context: LoaderContext, ids: list[UUID]) -> list[list[TagOfTodo]]:
    """Each todo's tags in alphabetical order."""
    viewer = context.viewer
    text = TAGS_OF_TODOS_FOR_MEMBERS if viewer.is_member else TAGS_OF_TODOS
    return tags_by_todo(await fetch(text, viewer.id, ids), ids)


@loader
async def history_by_todo_id(context: LoaderContext, keys: list[HistoryKey]) -> list[list[Row]]:
    """A page of each todo's history, newest first."""
    rows = await fetch(
        f"SELECT k.number, {', '.join(CHANGE_COLUMNS)}"
        " FROM unnest($2::uuid[], $3::bigint[], $4::bigint[])"
        "  WITH ORDINALITY AS k (todo_id, size, before, number)"
        " CROSS JOIN LATERAL (SELECT * FROM changes c WHERE c.owner_id = $1"
        f"  AND c.todo_id = k.todo_id AND {IS_OF_TODO} AND c.seq < k.before"
        "  ORDER BY c.seq DESC LIMIT k.size) c"
        " ORDER BY k.number, c.seq DESC",
        context.viewer.id,
        [key.todo_id for key in keys],
        [key.size for key in keys],
        [key.before for key in keys],
    )
    # None of the pages may be long by itself.
    rows = await parse_json_column(rows, "diff", diff_entries)
    shown: Sequence[Any] = await redacted_todo_changes(context.viewer, rows)
    return rows_by_number(shown, len(keys))


@loader
async def newer_history(context: LoaderContext, keys: list[HistoryKey]) -> list[bool]:
    """Whether each todo has changes at number `before` or newer."""
    rows = await fetch(
        "SELECT EXISTS (SELECT FROM changes c WHERE c.owner_id = $1"
        f"  AND c.todo_id = k.todo_id AND {IS_OF_TODO} AND c.seq >= k.before) AS found"
        " FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS k (todo_id, before, position)"
        " ORDER BY k.position",
        context.viewer.id,
        [key.todo_id for key in keys],
        [key.before for key in keys],
    )
    return [row["found"] for row in rows]
