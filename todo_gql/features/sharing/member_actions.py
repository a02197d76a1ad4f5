"""Changing and ending memberships: by who may choose the members of a list, and by members themselves."""

from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api import list_roles
from todo_gql.api.errors import ErrorCode, UserError, invalid, not_allowed, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import ListRole
from todo_gql.database.retry import retried
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.members.types import ListMember, ListMemberPayload
from todo_gql.features.sharing.inputs import read_role
from todo_gql.features.sharing.memberships import MemberWrite, member_write
from todo_gql.features.sharing.standing import refusal, standing_in
from todo_gql.operation.context import Context

# Only of lists that the viewer is in.
FIND: Final = """
SELECT m.owner_id, m.list_id, m.user_id FROM list_members m
    JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id AND l.deleted_at IS NULL
WHERE m.id = $1 AND EXISTS (SELECT FROM list_members own WHERE own.list_id = m.list_id AND own.user_id = $2)
"""
OWNERS_ARE_TRANSFERRED: Final = (
    "Nobody changes the owner's membership: the owner can transfer the list by listTransfer first."
)


class Membership(NamedTuple):
    """A membership of a list that a viewer is in, as it was before the lock."""

    owner_id: UUID
    list_id: UUID
    user_id: UUID


async def _find(context: Context, id: str) -> Membership | None:
    member_id, viewer = parse_id(id), context.signed_in()
    row = await fetchrow(FIND, member_id, viewer.id) if member_id else None
    membership = Membership(*row.values()) if row else None
    return membership if membership and viewer.opens_list(membership.list_id) else None


async def _locked_member(members: MemberWrite, user_id: UUID, viewer_id: UUID) -> Row | UserError:
    """A membership that the viewer may change or end, under the lock; or why there is none."""
    standing = await standing_in(members.list_id, viewer_id, members.write.connection)
    member = await members.member(user_id)
    if standing is None or member is None:
        return not_found("id")
    if user_id != viewer_id and (refused := refusal(standing, ListRole.MANAGER, "id")):
        return refused
    if member["role"] == ListRole.OWNER:
        if standing.role is ListRole.OWNER:
            return invalid(ErrorCode.INVALID, OWNERS_ARE_TRANSFERRED, "id")
        return not_allowed(list_roles.ListRole.OWNER, "id")
    return member


@retried
async def update_member(context: Context, id: str, sent: list_roles.ListRole) -> ListMemberPayload:
    """Change what a member may do, who isn't the owner; the same role is no change.

    Raises `Unauthenticated` if nobody is signed in.
    """
    membership, viewer_id = await _find(context, id), context.signed_in().id
    if membership is None:
        return ListMemberPayload(errors=[not_found("id")])
    async with member_write(
        owner_id=membership.owner_id,
        list_id=membership.list_id,
        actor_id=viewer_id,
        user_ids=[membership.user_id],
    ) as members:
        row = await _locked_member(members, membership.user_id, viewer_id)
        if isinstance(row, UserError):
            members.write.discard()
            return ListMemberPayload(errors=[row])
        problems: list[UserError] = []
        role = read_role(sent, problems)
        standing = await standing_in(members.list_id, viewer_id, members.write.connection)
        # Everybody may end their own membership, but not raise their role.
        refused = refusal(standing, ListRole.MANAGER, "id")
        if refused or problems:
            members.write.discard()
            errors = [refused] if refused else problems
            return ListMemberPayload(member=ListMember.from_row(row), errors=errors)
        if row["role"] != role:
            row = await members.set_role(row, role)
            members.notify(membership.user_id)
    context.clear_loaders()
    return ListMemberPayload(member=ListMember.from_row(row))


@retried
async def remove_member(context: Context, id: str, reassign_to_id: str | None) -> AcceptedPayload:
    """End a membership that isn't the owner's, and have somebody else do what was assigned to them.

    Raises `Unauthenticated` if nobody is signed in.
    """
    membership, viewer_id = await _find(context, id), context.signed_in().id
    if membership is None:
        return AcceptedPayload(errors=[not_found("id")])
    return await _end(context, membership, reassign_to_id, viewer_id)


async def _end(
    context: Context, membership: Membership, reassign_to_id: str | None, viewer_id: UUID
) -> AcceptedPayload:
    async with member_write(
        owner_id=membership.owner_id,
        list_id=membership.list_id,
        actor_id=viewer_id,
        user_ids=[membership.user_id],
    ) as members:
        row = await _locked_member(members, membership.user_id, viewer_id)
        if isinstance(row, UserError):
            members.write.discard()
            return AcceptedPayload(errors=[row])
        reassign_to = await _assignee(members, reassign_to_id, membership.user_id)
        if isinstance(reassign_to, UserError):
            members.write.discard()
            return AcceptedPayload(errors=[reassign_to])
        await members.remove(row, reassign_to)
        if membership.user_id == viewer_id:
            await members.notify_others(membership.owner_id)
        else:
            members.notify(membership.user_id)
    context.clear_loaders()
    return AcceptedPayload(ok=True)


async def _assignee(
    members: MemberWrite, sent: str | None, removed_id: UUID
) -> UUID | UserError | None:
    """Who gets what is assigned to a member who is removed; None if nobody does."""
    if sent is None:
        return None
    user_id = parse_id(sent)
    row = await members.member(user_id) if user_id and user_id != removed_id else None
    if row is None or user_id is None:
        return not_found("reassignToId")
    if row["role"] < ListRole.EDITOR:
        message = "Assign it to who may change the list: this member may only look at it."
        return invalid(ErrorCode.INVALID, message, "reassignToId")
    return user_id


@retried
async def leave_list(context: Context, id: str) -> AcceptedPayload:
    """End the viewer's membership of a list of somebody else.

    Raises `Unauthenticated` if nobody is signed in.
    """
    list_id, viewer_id = parse_id(id), context.signed_in().id
    standing = await standing_in(list_id, viewer_id)
    if standing is None or list_id is None:
        return AcceptedPayload(errors=[not_found("id")])
    if standing.role is ListRole.OWNER:
        message = (
            "The list is yours: delete it, or transfer it to another member by listTransfer first."
        )
        return AcceptedPayload(errors=[invalid(ErrorCode.INVALID, message, "id")])
    return await _end(context, Membership(standing.owner_id, list_id, viewer_id), None, viewer_id)
