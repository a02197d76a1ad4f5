"""Whose todos, lists and sections ids are, for viewers who are in lists of others.

They are looked up before the lock of the owner. Whoever writes loads what it writes under the lock, where the
roles are checked, and raises `OwnerChanged` if it has another owner by then. Ids of what the viewer can't
see are taken for the viewer's own, and so aren't found there.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from todo_gql.database.connection import Connection, Row, fetch
from todo_gql.database.retry import OwnerChanged
from todo_gql.security.access import is_member
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import memberships

# `$1` is the viewer, and `$2` has ids. Lists of others in the trash are there for their owner alone.
OWNERS_OF_TODOS: Final = f"""
SELECT t.id, t.owner_id FROM todos t WHERE t.id = ANY($2::uuid[])
    AND (t.owner_id = $1 OR {is_member("t.list_id")})
"""
OWNERS_OF_LISTS: Final = f"""
SELECT l.id, l.owner_id FROM lists l WHERE l.id = ANY($2::uuid[]) AND (l.owner_id = $1 OR {is_member("l.id")})
"""
OWNERS_OF_SECTIONS: Final = f"""
SELECT s.id, s.owner_id FROM sections s WHERE s.id = ANY($2::uuid[])
    AND (s.owner_id = $1 OR {is_member("s.list_id")})
"""


async def owner_of_todo(viewer: Viewer, id: UUID | None) -> UUID:
    """The owner of a todo."""
    return await owner_of(OWNERS_OF_TODOS, viewer, id)


async def owner_of_list(viewer: Viewer, id: UUID | None) -> UUID:
    """The owner of a list."""
    return await owner_of(OWNERS_OF_LISTS, viewer, id)


async def owner_of_section(viewer: Viewer, id: UUID | None) -> UUID:
    """The owner of a section."""
    return await owner_of(OWNERS_OF_SECTIONS, viewer, id)


async def owners_of_todos(viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The owner of each of these todos."""
    owners = dict.fromkeys(ids, viewer.id)
    if viewer.is_member and ids:
        owners |= by_id(await fetch(OWNERS_OF_TODOS, viewer.id, ids))
    return owners


async def owner_of(statement: str, viewer: Viewer, id: UUID | None) -> UUID:
    """The owner whom one of these statements, or one like them, finds for an id."""
    if id is None or not viewer.is_member:
        return viewer.id
    rows = await fetch(statement, viewer.id, [id])
    return rows[0]["owner_id"] if rows else viewer.id


async def check_owners(
    connection: Connection,
    statement: str,
    viewer_id: UUID,
    ids: Sequence[UUID],
    owner_ids: Iterable[UUID],
) -> None:
    """Raise `OwnerChanged` if any of the ids that weren't loaded is one of an owner who isn't locked.

    Then the viewer is in a list of others, whether or not this process knew of that before.
    """
    if ids:
        rows = await connection.fetch(statement, viewer_id, ids)
        if not set(owner_ids).issuperset(by_id(rows).values()):
            memberships.join([viewer_id])
            raise OwnerChanged


def by_id(rows: Iterable[Row]) -> dict[UUID, UUID]:
    """The owners in rows, by the ids of what they own."""
    return {row["id"]: row["owner_id"] for row in rows}
