"""What a viewer may do in a list, as it is stored now."""

from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import UserError, not_allowed, not_found
from todo_gql.api.list_roles import ROLES
from todo_gql.database.connection import Connection, fetchrow
from todo_gql.database.models import ListRole

STANDING: Final = """
SELECT m.owner_id, m.role FROM list_members m
    JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id AND l.deleted_at IS NULL
WHERE m.list_id = $1 AND m.user_id = $2
"""


class Standing(NamedTuple):
    """A viewer's role in a list outside the trash, and the list's owner."""

    owner_id: UUID
    role: ListRole


async def standing_in(
    list_id: UUID | None, user_id: UUID, connection: "Connection | None" = None
) -> Standing | None:
    """Somebody's standing in a list; None if they see no such list. Raises what `fetch` raises."""
    if list_id is None:
        return None
    read = connection.fetchrow if connection else fetchrow
    row = await read(STANDING, list_id, user_id)
    return Standing(row["owner_id"], ListRole(row["role"])) if row else None


def refusal(standing: Standing | None, needed: ListRole, *path: str) -> UserError | None:
    """Why a viewer may not do what needs a role, None if they may."""
    if standing is None:
        return not_found(*path)
    return None if standing.role >= needed else not_allowed(ROLES[needed], *path)
