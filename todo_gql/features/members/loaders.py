"""The batch functions that load memberships and invitations."""

from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, ParentPage, fetch_parent_pages
from todo_gql.api.keyset import Keyset, SortKey, parse_time, parse_uuid
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import ListRole
from todo_gql.database.select import SelectQuery
from todo_gql.features.accounts.access import USER_COLUMNS
from todo_gql.features.members.access import (
    INVITATION_COLUMNS,
    MEMBER_COLUMNS,
    invitations_of_lists,
    visible_invitations,
    visible_members,
)
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext

MEMBERS_BY_TIME: Final = Keyset(
    SortKey("joined", "m.joined_at", "joined_at", parse_time),
    SortKey("id", "m.id", "id", parse_uuid),
)
INVITATIONS_BY_TIME: Final = Keyset(
    SortKey("invited", "i.created_at", "created_at", parse_time, descending=True),
    SortKey("id", "i.id", "id", parse_uuid, descending=True),
)
# The viewer's own rows, which need no further rule.
OWN_MEMBERSHIPS: Final = """
SELECT m.list_id AS id, m.role, m.notify FROM list_members m WHERE m.user_id = $1 AND m.list_id = ANY($2)
"""
SHARED_LISTS: Final = """
SELECT DISTINCT own.list_id AS id FROM list_members own
    JOIN list_members m ON m.owner_id = own.owner_id AND m.list_id = own.list_id AND m.user_id <> own.user_id
WHERE own.user_id = $1 AND own.list_id = ANY($2)
"""


class ListKey(NamedTuple):
    """A list, with its owner: what the viewer may do in a list of their own needs no look-up."""

    owner_id: UUID
    list_id: UUID


@loader
async def roles_by_list(context: LoaderContext, keys: list[ListKey]) -> list[int | None]:
    """What the viewer may do in each list; None if they aren't in it."""
    own_id = context.viewer.id
    others = [key.list_id for key in keys if key.owner_id != own_id]
    rows = await fetch(OWN_MEMBERSHIPS, own_id, others) if others else []
    roles = {row["id"]: row["role"] for row in rows}
    return [
        ListRole.OWNER.value if key.owner_id == own_id else roles.get(key.list_id) for key in keys
    ]


@loader
async def notify_levels_by_list(context: LoaderContext, ids: list[UUID]) -> list[int | None]:
    """Which events of each list the viewer is notified of; None if they aren't in it."""
    rows = await fetch(OWN_MEMBERSHIPS, context.viewer.id, ids)
    levels = {row["id"]: row["notify"] for row in rows}
    return [levels.get(id) for id in ids]


@loader
async def sharing_by_list(context: LoaderContext, ids: list[UUID]) -> list[bool]:
    """Whether others than its owner are in each list that the viewer is in."""
    if not context.viewer.has_company:
        return [False] * len(ids)
    shared = {row["id"] for row in await fetch(SHARED_LISTS, context.viewer.id, ids)}
    return [id in shared for id in ids]


@loader
async def members_by_list(context: LoaderContext, keys: list[ParentPage]) -> list[Page]:
    """A page of the members of each list."""
    statement = visible_members(context.viewer)
    return await fetch_parent_pages(statement, "m.list_id", keys, MEMBER_COLUMNS, MEMBERS_BY_TIME)


@loader
async def member_counts_by_list(context: LoaderContext, ids: list[UUID]) -> list[int]:
    """How many members each list has."""
    statement = visible_members(context.viewer).where_one_of("m.list_id", ids)
    text = statement.select(["m.list_id", "count(*) OVER (PARTITION BY m.list_id) AS number"])
    numbers = {row["list_id"]: row["number"] for row in await fetch(text, *statement.values)}
    return [numbers.get(id, 0) for id in ids]


@loader
async def invitations_by_list(context: LoaderContext, keys: list[ParentPage]) -> list[Page]:
    """A page of the open invitations to each list; none for who may not choose its members."""
    statement = invitations_of_lists(context.viewer)
    return await fetch_parent_pages(
        statement, "i.list_id", keys, INVITATION_COLUMNS, INVITATIONS_BY_TIME
    )


@loader
async def users_by_member(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """Who the members with these ids are, of lists that the viewer is in."""
    return await _users(visible_members(context.viewer), "m.id", "m.user_id", ids)


@loader
async def inviters_by_invitation(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """Who has sent the invitations with these ids, which the viewer sees."""
    return await _users(visible_invitations(context.viewer), "i.id", "i.invited_by_id", ids)


async def _users(
    statement: SelectQuery, key: str, user_id: str, ids: list[UUID]
) -> list[Row | None]:
    statement.source += f" JOIN users u ON u.id = {user_id}"
    text = statement.where_one_of(key, ids).select((*USER_COLUMNS, f"{key} AS key"))
    rows = {row["key"]: row for row in await fetch(text, *statement.values)}
    return [rows.get(id) for id in ids]
