"""Memberships that end without anybody's request: with an account, and with a list in the trash."""

from typing import Final
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.database.models import InvitationOutcome, ListRole
from todo_gql.database.owner_batches import owners_where
from todo_gql.database.retry import retried
from todo_gql.features.sharing.memberships import member_write
from todo_gql.features.sharing.transfers import transfer_list
from todo_gql.settings import Settings

# Each list with those who may get it, the longest member first; of lists in the trash nobody.
SHARED_LISTS: Final = f"""
SELECT l.id, array_remove(array_agg(CASE WHEN m.role = {ListRole.MANAGER.value} AND l.deleted_at IS NULL
    THEN m.user_id END ORDER BY m.joined_at, m.id), NULL) AS managers
FROM lists l JOIN list_members m ON m.owner_id = l.owner_id AND m.list_id = l.id AND m.user_id <> l.owner_id
WHERE l.owner_id = $1 GROUP BY l.id ORDER BY l.id
"""
MEMBERS: Final = """
SELECT list_id, user_id FROM list_members WHERE owner_id = $1 AND list_id = $2 AND user_id <> owner_id
"""
MEMBERSHIPS: Final = """
SELECT owner_id, list_id FROM list_members WHERE user_id = $1 AND user_id <> owner_id
"""
END_INVITATIONS: Final = f"""
UPDATE invitations SET ended_at = now(), outcome = {InvitationOutcome.REVOKED.value}
WHERE invited_by_id = $1 AND ended_at IS NULL
"""
EXPIRED: Final = """
SELECT l.id FROM lists l WHERE l.owner_id = {owner} AND l.deleted_at < now() - make_interval(days => {days})
    AND EXISTS (SELECT FROM list_members m WHERE m.owner_id = l.owner_id AND m.list_id = l.id
        AND m.user_id <> l.owner_id)
"""


async def leave_everything(account_id: UUID, settings: Settings) -> None:
    """End all that an account shares, which is about to be deleted; it can be repeated.

    Its lists with other members go to the MANAGER who has been in them for the longest time and has room for
    them, or else end for their members; its own memberships and invitations end. Raises what `fetch` raises.
    """
    for row in await fetch(SHARED_LISTS, account_id):
        for manager_id in row["managers"]:
            if (
                await transfer_list(
                    row["id"], account_id, manager_id, settings, max_todos=settings.account_todos
                )
                is None
            ):
                break
        else:
            await _end_list(account_id, row["id"])
    # Of lists that were just transferred, too.
    for row in await fetch(MEMBERSHIPS, account_id):
        await end_membership(row["owner_id"], row["list_id"], account_id, account_id)
    await fetch(END_INVITATIONS, account_id)


async def end_memberships_of_expired_lists(days: int) -> int:
    """End the memberships of lists that have been in the trash for so many days; returns their number.

    0 days ends none. The lists are purged then. Raises what `fetch` raises.
    """
    ended = 0
    if days == 0:
        return ended
    async for owner_id in owners_where(f"EXISTS ({EXPIRED.format(owner='u.id', days='$3')})", days):
        for row in await fetch(EXPIRED.format(owner="$1", days="$2"), owner_id, days):
            ended += await _end_list(owner_id, row["id"])
    return ended


async def _end_list(owner_id: UUID, list_id: UUID) -> int:
    rows = await fetch(MEMBERS, owner_id, list_id)
    for row in rows:
        await end_membership(owner_id, list_id, row["user_id"], owner_id)
    return len(rows)


@retried
async def end_membership(owner_id: UUID, list_id: UUID, user_id: UUID, actor_id: UUID) -> None:
    """End a membership if there is one; LEFT is the last change of the list that they get.

    Raises `OwnerChanged` and what the database raises.
    """
    async with member_write(
        owner_id=owner_id, list_id=list_id, actor_id=actor_id, user_ids=[user_id]
    ) as members:
        member = await members.member(user_id)
        if member is None:
            members.write.discard()
            return
        await members.remove(member)
        if actor_id != user_id:
            members.notify(user_id)
