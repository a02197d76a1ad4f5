"""What of a source has been imported before, by its ids there."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias
from uuid import UUID

from todo_gql.database.connection import Connection
from todo_gql.database.models import ChangeKind
from todo_gql.importing.records import ImportedList, ImportedTodo, Item

MAX_ID: Final = 100
# A scalar subquery uses the index for each key; a join could read all that the owner has imported.
SELECT: Final = """
SELECT n.kind, n.foreign_id, (SELECT i.entity_id FROM imported_items i WHERE i.owner_id = $1
    AND i.source = $2 AND i.kind = n.kind AND i.foreign_id = n.foreign_id LIMIT 1) AS entity_id
FROM unnest($3::smallint[], $4::text[]) AS n (kind, foreign_id)
"""
INSERT: Final = """
INSERT INTO imported_items (owner_id, source, kind, foreign_id, entity_id)
SELECT $1, $2, n.kind, n.foreign_id, n.entity_id
FROM unnest($3::smallint[], $4::text[], $5::uuid[]) AS n (kind, foreign_id, entity_id)
"""

Key: TypeAlias = tuple[int, str]
"""A `ChangeKind`, and the id of a thing of that kind in the source."""

Known: TypeAlias = dict[Key, UUID]


def key_of(kind: ChangeKind, foreign_id: str) -> Key:
    """The key of a thing; ids that are too long are stored by their hashes."""
    if len(foreign_id) > MAX_ID or not foreign_id.isprintable():
        foreign_id = sha256(foreign_id.encode("utf-8", "surrogatepass")).hexdigest()
    return kind.value, foreign_id


def list_key(foreign_id: str) -> Key:
    """The key of a list."""
    return key_of(ChangeKind.LIST, foreign_id)


def section_key(foreign_id: str) -> Key:
    """The key of a section."""
    return key_of(ChangeKind.SECTION, foreign_id)


def todo_key(foreign_id: str) -> Key:
    """The key of a todo."""
    return key_of(ChangeKind.TODO, foreign_id)


def named_keys(items: Iterable[Item]) -> set[Key]:
    """The keys of all things that are among the items, or that these name."""
    keys: set[Key] = set()
    for item in items:
        if isinstance(item, ImportedList):
            keys.add(list_key(item.foreign_id))
            keys.update(section_key(id) for id, _ in item.sections)
        elif isinstance(item, ImportedTodo):
            keys.add(todo_key(item.foreign_id))
            named: tuple[tuple[Callable[[str], Key], str | None], ...] = (
                (list_key, item.list_id),
                (section_key, item.section_id),
                (todo_key, item.parent_id),
            )
            keys.update(make(id) for make, id in named if id is not None)
    return keys


async def load_known(query: Any, owner_id: UUID, source: int, keys: Iterable[Key]) -> Known:
    """What was imported of the things with these keys; `query` is `fetch`, or that of a connection."""
    kinds, ids = [], []
    for kind, id in keys:
        kinds.append(kind)
        ids.append(id)
    if not ids:
        return {}
    rows = await query(SELECT, owner_id, source, kinds, ids)
    return {(row["kind"], row["foreign_id"]): row["entity_id"] for row in rows if row["entity_id"]}


async def store_known(
    connection: Connection, owner_id: UUID, source: int, new: Mapping[Key, UUID]
) -> None:
    """Note what has been imported, in the transaction that stores it."""
    if new:
        kinds, ids = zip(*new, strict=True)
        await connection.execute(INSERT, owner_id, source, kinds, ids, list(new.values()))
