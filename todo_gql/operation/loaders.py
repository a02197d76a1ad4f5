"""The DataLoaders of one operation and its viewer: one for each batch function that is used.

Batch functions return rows, which the features turn into types.
"""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from todo_gql.api.errors import Unauthenticated
from todo_gql.api.scalars import diff_entries, json_fragment
from todo_gql.database.connection import Row, fetch
from todo_gql.database.select import SelectQuery
from todo_gql.observability.request_record import loader
from todo_gql.operation.dataloader import ColumnDataLoader
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.security import access
from todo_gql.security.authentication import Viewer

TAGS_OF_TODOS = f"""
SELECT g.name, g.id, g.todo_count, tt.todo_id
FROM {access.TAGGINGS}
WHERE tt.owner_id = $1 AND tt.todo_id = ANY($2) ORDER BY g.name
"""

END_OF_LOG = (
    f"SELECT u.id, u.change_seq, {access.NEWEST_CHANGE} AS change_id FROM users u WHERE u.id = $1"
)

TAG_NAME_FIELDS = frozenset({"name", "__typename"})


def selects_names_only(tag_fields: frozenset[str]) -> bool:
    """Whether the operation selects nothing of tags but their names."""
    return bool(tag_fields) and tag_fields <= TAG_NAME_FIELDS


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


S = TypeVar("S")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class LoaderContext:
    """What batch functions need of the operation: its viewer, its time, and what it selects."""

    viewer: Viewer
    now: datetime
    selections: dict[type, Any] = field(default_factory=dict)

    def selection(self, kind: type[S]) -> S:
        """What look-ahead found for one feature, which has a type of its own for that.

        `kind()` if it found nothing.
        """
        found: S = self.selections.get(kind) or kind()
        return found

    def select(self, selection: object) -> None:
        """Set what look-ahead found for the feature with this type of selection."""
        self.selections[type(selection)] = selection


BatchFunction: TypeAlias = Callable[
    [LoaderContext, list[K]], Coroutine[Any, Any, Sequence[V | Exception]]
]
"""Loads the values of the keys, in their order; an exception for a key that fails."""


class Loaders:
    """The loaders of one operation, one for each batch function that is used.

    Batch functions get the `LoaderContext`, not `Loaders`: a reference cycle would keep all results
    in memory until a garbage collection, which would cost more than the rest of the response.
    """

    def __init__(self, viewer: Viewer, now: datetime) -> None:
        self.now = now
        self.context = LoaderContext(viewer, now)
        self._by_batch: dict[Callable[..., Any], ColumnDataLoader[Any, Any]] = {}

    def by(self, load: BatchFunction[K, V]) -> ColumnDataLoader[K, V]:
        """The operation's loader with this batch function."""
        column_loader = self._by_batch.get(load)
        if column_loader is None:
            column_loader = self._by_batch[load] = ColumnDataLoader(partial(load, self.context))
        return column_loader


class TodoSelection(NamedTuple):
    """The columns of todos that an operation needs, and the SQL that selects their tags."""

    columns: access.Columns = access.TODO_COLUMNS
    tags: str | None = None


class CountSelection(NamedTuple):
    """Whether an operation needs the number of overdue todos together with the other counts."""

    overdue: bool = False


@loader
async def todos_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """Todos, those in the trash too."""
    columns, tags = context.selection(TodoSelection)
    if len(ids) == 1:
        rows = await fetch(access.todo_by_id(columns, tags), context.viewer.id, ids[0])
    else:
        rows = await fetch(access.todos_by_ids(columns, tags), context.viewer.id, ids)
        rows = await parse_json_column(rows, "metadata", json_fragment)
    return rows_by_id(rows, ids)


@loader
async def users_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """The accounts that the viewer sees."""
    return await _by_id(access.visible_users(context.viewer), access.USER_COLUMNS, "u", ids)


@loader
async def tags_by_todo_id(context: LoaderContext, ids: list[UUID]) -> list[list[TagOfTodo]]:
    """Each todo's tags in alphabetical order."""
    return tags_by_todo(await fetch(TAGS_OF_TODOS, context.viewer.id, ids), ids)


@loader
async def history_by_todo_id(context: LoaderContext, keys: list[HistoryKey]) -> list[list[Row]]:
    """A page of each todo's history, newest first."""
    rows = await fetch(
        f"SELECT k.place, {', '.join(access.CHANGE_COLUMNS)}"
        " FROM unnest($2::uuid[], $3::bigint[], $4::bigint[])"
        "  WITH ORDINALITY AS k (todo_id, size, before, place)"
        " CROSS JOIN LATERAL (SELECT * FROM changes h WHERE h.owner_id = $1"
        "  AND h.todo_id = k.todo_id AND h.seq < k.before ORDER BY h.seq DESC LIMIT k.size) c"
        " ORDER BY k.place, c.seq DESC",
        context.viewer.id,
        [key.todo_id for key in keys],
        [key.size for key in keys],
        [key.before for key in keys],
    )
    # None of the pages may be long by itself.
    rows = await parse_json_column(rows, "diff", diff_entries)
    pages: list[list[Row]] = [[] for _ in keys]
    for row in rows:
        pages[row["place"] - 1].append(row)
    return pages


@loader
async def newer_history(context: LoaderContext, keys: list[HistoryKey]) -> list[bool]:
    """Whether each todo has changes at number `before` or newer."""
    rows = await fetch(
        "SELECT EXISTS (SELECT FROM changes c WHERE c.owner_id = $1"
        "  AND c.todo_id = k.todo_id AND c.seq >= k.before) AS found"
        " FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS k (todo_id, before, place)"
        " ORDER BY k.place",
        context.viewer.id,
        [key.todo_id for key in keys],
        [key.before for key in keys],
    )
    return [row["found"] for row in rows]


@loader
async def log_ends(context: LoaderContext, ids: list[UUID]) -> list[Any]:
    """The number and id of the newest change in the viewer's log.

    `Unauthenticated` if the account is deleted.
    """
    rows = await fetch(END_OF_LOG, context.viewer.id)
    return [row or Unauthenticated() for row in rows_by_id(rows, ids)]


async def _by_id(
    statement: SelectQuery, columns: Sequence[str], alias: str, ids: list[UUID]
) -> list[Row | None]:
    statement.where_one_of(f"{alias}.id", ids)
    return rows_by_id(await fetch(statement.select(columns), *statement.values), ids)


def rows_by_id(rows: list[Row], ids: list[UUID]) -> list[Row | None]:
    """The row with each id, if there is one."""
    if len(ids) == len(rows) == 1 and rows[0]["id"] == ids[0]:
        return [rows[0]]
    found = {row["id"]: row for row in rows}
    return [found.get(wanted) for wanted in ids]
