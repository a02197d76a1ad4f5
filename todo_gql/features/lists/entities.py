"""Writing rows of lists and sections under their owner's lock, each change with its line of the log."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.errors import UserError
from todo_gql.api.order_keys import MAX_KEY
from todo_gql.api.placement import Placement, Sibling, Siblings, keys_at, renumber
from todo_gql.api.scalars import serialize_time
from todo_gql.database.connection import Connection, Row, Values
from todo_gql.database.models import ChangeKind, EntityAction
from todo_gql.features.todos.list_access import (
    LIST_COLUMNS,
    SECTION_COLUMNS,
    lists_of,
    sections_of_present_lists,
)
from todo_gql.features.todos.owners import OWNERS_OF_LISTS, OWNERS_OF_SECTIONS
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.security.access import Columns


@dataclass(frozen=True)
class EntityTable:
    """A table whose rows are changed one by one.

    `logged` are the columns whose changes are logged, sorted by their names in the API.
    """

    name: str
    alias: str
    kind: ChangeKind
    columns: Columns
    logged: Sequence[str]
    list_column: str

    @property
    def returned(self) -> str:
        """The columns for RETURNING."""
        return ", ".join(self.columns)


LISTS: Final = EntityTable(
    "lists",
    "l",
    ChangeKind.LIST,
    LIST_COLUMNS,
    ("archived_at", "color", "deleted_at", "description", "name", "position"),
    "id",
)
SECTIONS: Final = EntityTable(
    "sections",
    "s",
    ChangeKind.SECTION,
    SECTION_COLUMNS,
    ("deleted_at", "name", "position"),
    "list_id",
)


async def load_list(write: OwnerWrite, list_id: UUID | None, *, trash: bool = False) -> Row | None:
    """The owner's list with this id that the actor sees, in the trash or outside of it; None without one.

    `OwnerChanged` if it is of another owner by now.
    """
    if list_id is None:
        return None
    statement = lists_of(write.owner_id)
    statement.where(f"l.id = {statement.bind(list_id)}")
    statement.where(f"l.deleted_at IS {'NOT ' if trash else ''}NULL")
    row = await write.connection.fetchrow(statement.select(LIST_COLUMNS), *statement.values)
    if row and write.sees(row["id"]):
        return row
    await write.check_owners(OWNERS_OF_LISTS, [list_id])
    return None


async def load_section(write: OwnerWrite, section_id: UUID | None) -> Row | None:
    """The owner's section with this id, of a list outside the trash that the actor sees; None without one.

    `OwnerChanged` if it is of another owner by now.
    """
    if section_id is None:
        return None
    statement = sections_of_present_lists(write.owner_id)
    statement.where(f"s.id = {statement.bind(section_id)}")
    row = await write.connection.fetchrow(statement.select(SECTION_COLUMNS), *statement.values)
    if row and write.sees(row["list_id"]):
        return row
    await write.check_owners(OWNERS_OF_SECTIONS, [section_id])
    return None


async def insert(write: OwnerWrite, table: EntityTable, values: Mapping[str, Any]) -> Row | None:
    """Insert a row, and record its line of the log; None if the id is in use."""
    values = {
        **values,
        "owner_id": write.owner_id,
        "version": 1,
        "created_at": write.now,
        "updated_at": write.now,
    }
    parameters = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    row = await write.connection.fetchrow(
        f"INSERT INTO {table.name} AS {table.alias} ({', '.join(values)}) VALUES ({parameters})"
        f" ON CONFLICT (id) DO NOTHING RETURNING {table.returned}",
        *values.values(),
    )
    if row is not None:
        # As of a todo, the key of order isn't logged that the server made.
        before = dict.fromkeys(table.logged) | {"position": row["position"]}
        _log(write, table, row, EntityAction.CREATED, before)
    return row


async def update(
    write: OwnerWrite,
    table: EntityTable,
    row: Row,
    values: Mapping[str, Any],
    action: EntityAction = EntityAction.UPDATED,
) -> Row:
    """Update a row, and record its line of the log; equal values are no change."""
    changed = {name: value for name, value in values.items() if row[name] != value}
    if not changed:
        return row
    written = {**changed, "version": row["version"] + 1, "updated_at": write.now}
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(written, 3))
    updated = await write.connection.fetchrow(
        f"UPDATE {table.name} AS {table.alias} SET {assignments} WHERE owner_id = $1 AND id = $2"
        f" RETURNING {table.returned}",
        *(write.owner_id, row["id"], *written.values()),
    )
    assert updated is not None
    _log(write, table, updated, action, row)
    return updated


def _log(
    write: OwnerWrite, table: EntityTable, row: Values, action: EntityAction, before: Values
) -> None:
    fields = [
        {"name": to_camel_case(name), "before": _json(before[name]), "after": _json(row[name])}
        for name in table.logged
        if before[name] != row[name]
    ]
    write.log(table.kind, row["id"], action, fields, list_id=row[table.list_column])


def _json(value: Any) -> Any:
    return serialize_time(value) if isinstance(value, datetime) else value


def siblings_of(write: OwnerWrite, table: EntityTable, list_id: UUID | None = None) -> Siblings:
    """The rows that are sorted among each other: an owner's lists, or the sections of a list."""
    if list_id is None:
        return Siblings(table.name, "owner_id = $1", (write.owner_id,))
    return Siblings(table.name, "owner_id = $1 AND list_id = $2", (write.owner_id, list_id))


async def position_at(
    write: OwnerWrite,
    table: EntityTable,
    siblings: Siblings,
    placement: Placement,
    moved: Sibling,
    *path: str,
) -> str | UserError:
    """The key of order of a placement among rows of a table; or why there is none, as `short_key`."""
    renumber_all = partial(_renumber, write, table, siblings)
    return await short_key(write.connection, siblings, placement, moved, renumber_all, *path)


async def short_key(
    connection: Connection,
    siblings: Siblings,
    placement: Placement,
    moved: Sibling,
    renumber_all: Callable[[], Awaitable[None]],
    *path: str,
) -> str | UserError:
    """The key of order of a placement; or why there is none, at a path.

    Where there is no room for a short one, all siblings get new keys first.
    """
    keys = await keys_at(connection, siblings, placement, [moved], *path)
    if not isinstance(keys, UserError) and len(keys[0]) > MAX_KEY:
        await renumber_all()
        keys = await keys_at(connection, siblings, placement, [Sibling(moved.id)], *path)
    return keys if isinstance(keys, UserError) else keys[0]


async def _renumber(write: OwnerWrite, table: EntityTable, siblings: Siblings) -> None:
    """Give all siblings short keys in the order that they have, each as a change of its own."""
    select = (
        f"SELECT {table.returned} FROM {table.name} {table.alias}"
        f" WHERE {siblings.condition} ORDER BY position"
    )
    before = await write.connection.fetch(select, *siblings.values)
    await renumber(write.connection, siblings)
    await write.connection.execute(
        f"UPDATE {table.name} AS {table.alias} SET version = version + 1,"
        f" updated_at = ${len(siblings.values) + 1} WHERE {siblings.condition}",
        *(*siblings.values, write.now),
    )
    after = await write.connection.fetch(select, *siblings.values)
    for old, new in zip(before, after, strict=True):
        _log(write, table, new, EntityAction.UPDATED, old)
