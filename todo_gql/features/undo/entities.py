"""Lists and sections that a mutation changed, as they were before it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found
from todo_gql.api.order_keys import key_between
from todo_gql.api.text import Problem
from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind, EntityAction, ListRole
from todo_gql.features.lists.entities import LISTS, SECTIONS, EntityTable, siblings_of, update
from todo_gql.features.lists.list_actions import COUNT_LISTS, MAX_LISTS
from todo_gql.features.lists.section_actions import COUNT_SECTIONS, MAX_SECTIONS
from todo_gql.features.todos.types import Section, TodoList
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.features.undo.items import PATH

TABLES: Final = {ChangeKind.LIST.value: LISTS, ChangeKind.SECTION.value: SECTIONS}
MOMENTS: Final = frozenset({"archived_at", "deleted_at"})

LIST_IS_THERE = "SELECT true FROM lists WHERE owner_id = $1 AND id = $2 AND deleted_at IS NULL"
# Todos that the undo doesn't change: outside the trash of a list, or in a section.
OTHERS_IN_LIST = """
SELECT EXISTS (SELECT FROM todos WHERE owner_id = $1 AND list_id = $2 AND deleted_at IS NULL
    AND id <> ALL($3::uuid[]))
"""
OTHERS_IN_SECTION = """
SELECT EXISTS (SELECT FROM todos WHERE owner_id = $1 AND section_id = $2 AND id <> ALL($3::uuid[]))
"""


class EntityReversal(NamedTuple):
    """All that a mutation did to one list or section: the values before and after, by column.

    `unknown` are the names of fields in the log that this release doesn't know.
    """

    table: EntityTable
    is_created: bool
    before: dict[str, Any]
    after: dict[str, Any]
    unknown: set[str]


def _reversal(changes: Sequence[Row]) -> EntityReversal:
    """The sum of the changes of one list or section, oldest first."""
    table = TABLES[changes[0]["kind"]]
    is_created = changes[0]["action"] == EntityAction.CREATED
    columns = {to_camel_case(column): column for column in table.logged}
    reversal = EntityReversal(table, is_created, {}, {}, set())
    for change in changes:
        for entry in orjson.loads(change["diff"]):
            if column := columns.get(entry["name"]):
                reversal.before.setdefault(column, _stored(column, entry["before"]))
                reversal.after[column] = _stored(column, entry["after"])
            else:
                reversal.unknown.add(entry["name"])
    return reversal


def _stored(column: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value and column in MOMENTS else value


async def undo_entities(
    write: OwnerWrite, changes: Sequence[Row], todo_ids: Sequence[UUID]
) -> UserError | None:
    """Take back what a mutation did to lists and sections; or why that can't be.

    Todos depend on their lists, so that all of this is taken back or nothing. `todo_ids` are those of the
    todos that the mutation changed.
    """
    by_entity = defaultdict[UUID, list[Row]](list)
    for change in changes:
        if change["kind"] in TABLES:
            by_entity[change["entity_id"]].append(change)
    for entity_id, of_entity in by_entity.items():
        table = TABLES[of_entity[0]["kind"]]
        row, reversal = await _load(write, table, entity_id), _reversal(of_entity)
        if row is None or not write.sees(row[table.list_column]):
            return not_found(PATH)
        if refusal := write.refusal(row[table.list_column], PATH, needed=ListRole.MANAGER):
            return refusal
        problem = await _problem(write, reversal, row, todo_ids)
        if problem:
            return _error(table, row, problem)
        await _undo(write, reversal, row)
    return None


async def _load(write: OwnerWrite, table: EntityTable, id: UUID) -> Row | None:
    return await write.connection.fetchrow(
        f"SELECT {table.returned} FROM {table.name} {table.alias} WHERE owner_id = $1 AND id = $2",
        *(write.owner_id, id),
    )


def _error(table: EntityTable, row: Row, problem: Problem) -> UserError:
    code, message = problem
    if code is not ErrorCode.CONFLICT:
        return invalid(code, message, PATH)
    current = TodoList.from_row(row) if table is LISTS else Section.from_row(row)
    return ConflictError(code=code, message=message, path=[PATH], current=current)


async def _problem(
    write: OwnerWrite, reversal: EntityReversal, row: Row, todo_ids: Sequence[UUID]
) -> Problem | None:
    """Why a list or section can't be as it was before, if it can't."""
    if changed := _changed_since(reversal, row):
        return ErrorCode.CONFLICT, f"The {_noun(reversal)} has changed since: {', '.join(changed)}."
    connection, owner_id, is_list = write.connection, write.owner_id, reversal.table is LISTS
    deleted_at = _values(reversal, write.now).get("deleted_at", row["deleted_at"])
    if deleted_at and row["deleted_at"] is None:
        others = OTHERS_IN_LIST if is_list else OTHERS_IN_SECTION
        if await connection.fetchval(others, owner_id, row["id"], todo_ids):
            message = f"The {_noun(reversal)} has todos that this mutation didn't change."
            return ErrorCode.CONFLICT, message
    if row["deleted_at"] is None or deleted_at:
        return None
    if is_list:
        number, limit = await connection.fetchval(COUNT_LISTS, owner_id), MAX_LISTS
    elif await connection.fetchval(LIST_IS_THERE, owner_id, row["list_id"]):
        number = await connection.fetchval(COUNT_SECTIONS, owner_id, row["list_id"])
        limit = MAX_SECTIONS
    else:
        return ErrorCode.CONFLICT, "The section's list isn't there any more."
    return (ErrorCode.TOO_MANY, f"At most {limit} are allowed.") if number >= limit else None


def _noun(reversal: EntityReversal) -> str:
    return "list" if reversal.table is LISTS else "section"


def _changed_since(reversal: EntityReversal, row: Row) -> list[str]:
    """The fields that have another value than the mutation left, or aren't known."""
    after = reversal.after
    if reversal.is_created:
        # As of a todo, the log of a new one has neither its position nor what is null.
        after = dict.fromkeys(reversal.table.logged) | after
        after.pop("position", None)
    changed = [to_camel_case(name) for name, value in after.items() if row[name] != value]
    return sorted([*changed, *reversal.unknown])


def _values(reversal: EntityReversal, now: datetime) -> dict[str, Any]:
    return {"deleted_at": now} if reversal.is_created else reversal.before


async def _undo(write: OwnerWrite, reversal: EntityReversal, row: Row) -> None:
    values, action = dict(_values(reversal, write.now)), EntityAction.UPDATED
    if "deleted_at" in values:
        action = EntityAction.DELETED if values["deleted_at"] else EntityAction.RESTORED
    if "position" in values:
        values["position"] = await _free_position(write, reversal.table, row, values["position"])
    await update(write, reversal.table, row, values, action)


async def _free_position(write: OwnerWrite, table: EntityTable, row: Row, position: str) -> str:
    """The position, or the next free one after it if another one has it."""
    siblings = siblings_of(write, table, row["list_id"] if table is SECTIONS else None)
    last = len(siblings.values) + 1
    nearest = await write.connection.fetch(
        f"SELECT position FROM {siblings.table} WHERE {siblings.condition} AND position >= ${last}"
        f" AND id <> ${last + 1} ORDER BY position LIMIT 2",
        *(*siblings.values, position, row["id"]),
    )
    keys = [one["position"] for one in nearest]
    if position not in keys:
        return position
    return key_between(position, keys[1] if len(keys) > 1 else None, near="lower")
