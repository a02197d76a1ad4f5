"""The DataLoaders of one operation and its viewer, named by what they load and by which key.

They return rows; the features turn rows into types.
"""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from aiodataloader import DataLoader

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


@dataclass(slots=True)
class LoaderContext:
    """What batch functions need of the operation: its viewer, its time, and what it selects.

    `prefetch` names what to fetch in the same statement: "tags" of todos, "overdue" of counts.
    `columns` are the columns of todos that the operation needs, and `tags_of_todo` the expression
    that selects their tags.
    """

    viewer: Viewer
    now: datetime
    prefetch: frozenset[str] = frozenset()
    columns: access.Columns = access.TODO_COLUMNS
    tags_of_todo: str = access.TAGS_OF_TODO


Attribute = TypeVar("Attribute")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

BatchFunction: TypeAlias = Callable[
    [LoaderContext, list[K]], Coroutine[Any, Any, Sequence[V | Exception]]
]
"""Loads what each key stands for, in the order of the keys; an exception for a key that fails."""


class lazy_attribute(Generic[Attribute]):  # noqa: N801 - a decorator, as `cached_property`
    """An attribute that is created at its first access.

    As `functools.cached_property` of Python 3.12, which has no lock any more; that of 3.11 takes one,
    which costs more than creating a loader.
    """

    def __init__(self, create: Callable[[Any], Attribute]) -> None:
        self.create = create
        self.__doc__ = create.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    def __get__(self, loaders: "Loaders", _owner: type) -> Attribute:
        value = loaders.__dict__[self.name] = self.create(loaders)
        return value


class Loaders:
    """The loaders of one operation.

    Batch functions get the `LoaderContext`, not `Loaders`: a reference cycle would keep all results
    in memory until a garbage collection, which would cost more than the rest of the response.
    """

    def __init__(self, viewer: Viewer, now: datetime) -> None:
        self.now = now
        self.context = LoaderContext(viewer, now)
        self._by_batch: dict[Callable[..., Any], ColumnDataLoader[Any, Any]] = {}

    def by(self, load: "BatchFunction[K, V]") -> ColumnDataLoader[K, V]:
        """The operation's loader that loads by this batch function, one of a feature's own."""
        column_loader = self._by_batch.get(load)
        if column_loader is None:
            column_loader = self._by_batch[load] = ColumnDataLoader(partial(load, self.context))
        return column_loader

    def prefetch(self, names: frozenset[str]) -> None:
        """Fetch these fields together with their objects, if that saves a statement."""
        self.context.prefetch |= names

    def select_only(self, todo_fields: frozenset[str], tag_fields: frozenset[str]) -> None:
        """Fetch only the columns behind these fields, the union over the whole operation."""
        self.context.columns = access.todo_columns(todo_fields)
        if selects_names_only(tag_fields):
            self.context.tags_of_todo = access.TAG_NAMES_OF_TODO

    # Creating all of them takes longer than most operations, which need one or two.
    @lazy_attribute
    def todo_by_id(self) -> ColumnDataLoader[UUID, Row | None]:
        """Todos, those in the trash too."""
        return ColumnDataLoader(partial(_todos_by_id, self.context))

    @lazy_attribute
    def user_by_id(self) -> ColumnDataLoader[UUID, Row | None]:
        """The accounts that the viewer sees."""
        return ColumnDataLoader(partial(_users_by_id, self.context))

    @lazy_attribute
    def tags_by_todo_id(self) -> ColumnDataLoader[UUID, Sequence[TagOfTodo]]:
        """Each todo's tags in alphabetical order."""
        return ColumnDataLoader(partial(_tags_by_todo_id, self.context))

    @lazy_attribute
    def history_by_todo_id(self) -> DataLoader[HistoryKey, list[Row]]:
        """A page of each todo's history, newest first."""
        return DataLoader(partial(_history_by_todo_id, self.context))

    @lazy_attribute
    def newer_history_by_todo_id(self) -> DataLoader[HistoryKey, bool]:
        """Whether each todo has changes at number `before` or newer."""
        return DataLoader(partial(_newer_history, self.context))

    @lazy_attribute
    def log_end(self) -> ColumnDataLoader[UUID, Row]:
        """The number of the newest change in the viewer's log, and its id."""
        return ColumnDataLoader(partial(_log_ends, self.context))

    def prime_tags(self, tags: Mapping[UUID, Sequence[TagOfTodo]]) -> None:
        """Prime the cache with the tags of todos, already loaded otherwise."""
        self.tags_by_todo_id.prime_many(tags)


@loader
async def _todos_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    columns, tags = context.columns, context.tags_of_todo if "tags" in context.prefetch else None
    if len(ids) == 1:
        rows = await fetch(access.todo_by_id(columns, tags), context.viewer.id, ids[0])
    else:
        rows = await fetch(access.todos_by_ids(columns, tags), context.viewer.id, ids)
        rows = await parse_json_column(rows, "metadata", json_fragment)
    return rows_by_id(rows, ids)


@loader
async def _users_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    return await _by_id(access.visible_users(context.viewer), access.USER_COLUMNS, "u", ids)


@loader
async def _tags_by_todo_id(context: LoaderContext, ids: list[UUID]) -> list[list[TagOfTodo]]:
    return tags_by_todo(await fetch(TAGS_OF_TODOS, context.viewer.id, ids), ids)


@loader
async def _history_by_todo_id(context: LoaderContext, keys: list[HistoryKey]) -> list[list[Row]]:
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
async def _newer_history(context: LoaderContext, keys: list[HistoryKey]) -> list[bool]:
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
async def _log_ends(context: LoaderContext, ids: list[UUID]) -> list[Any]:
    """Where the viewer's log ends; `Unauthenticated` where the account is gone."""
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
