"""Lists that several people share."""

from typing import Any
from uuid import UUID, uuid4

from tests.support.accounts import PASSWORD, Account
from todo_gql.api.order_keys import key_between
from todo_gql.changelog.feed_registry import announce_joined
from todo_gql.database.connection import Connection, fetch, transaction
from todo_gql.database.models import ListRole

LOCK = "SELECT id FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
LAST_POSITION = """
SELECT max(position) FROM (
    SELECT position FROM lists WHERE owner_id = $1
    UNION ALL SELECT position FROM list_members WHERE user_id = $1 AND user_id <> owner_id) AS all_lists
"""
INSERT = """
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
VALUES ($1, $2, $3, $4, $5, $6, now())
"""
# As many as there are, so that a helper can't make them wrong.
COUNT = """
UPDATE users u SET
    membership_count = (SELECT count(*) FROM list_members m WHERE m.user_id = u.id AND m.owner_id <> u.id),
    shared_list_count = (SELECT count(DISTINCT m.list_id) FROM list_members m
        WHERE m.owner_id = u.id AND m.user_id <> u.id)
WHERE u.id = ANY($1)
"""


async def share(
    owner: Account, list_id: str, user: Account, role: ListRole = ListRole.EDITOR
) -> str:
    """Make somebody a member of an owner's list; the id of the membership."""
    member_id = uuid4()
    async with transaction() as connection:
        await connection.execute(LOCK, [UUID(owner.id), UUID(user.id)])
        last = await connection.fetchval(LAST_POSITION, UUID(user.id))
        position = key_between(last, None, "lower")
        values = (member_id, UUID(owner.id), UUID(list_id), UUID(user.id), role.value, position)
        await connection.execute(INSERT, *values)
        await _count(connection, owner, user)
    announce_joined([UUID(owner.id), UUID(user.id)])
    return str(member_id)


async def unshare(owner: Account, list_id: str, user: Account) -> None:
    """Delete somebody's membership of an owner's list, and nothing else."""
    async with transaction() as connection:
        await connection.execute(LOCK, [UUID(owner.id), UUID(user.id)])
        deleted = "DELETE FROM list_members WHERE list_id = $1 AND user_id = $2"
        await connection.execute(deleted, UUID(list_id), UUID(user.id))
        await _count(connection, owner, user)


async def _count(connection: Connection, owner: Account, user: Account) -> None:
    await connection.execute(COUNT, [UUID(owner.id), UUID(user.id)])


INVITE_SOMEBODY = """
INSERT INTO invitations (id, owner_id, list_id, role, invited_by_id, address, address_key, secret_hash,
    created_at, expires_at)
SELECT gen_random_uuid(), owner_id, id, 1, owner_id, $2, $2, sha256(uuid_send(gen_random_uuid())), now(),
    now() + interval '1 day'
FROM lists WHERE owner_id = $1 AND deleted_at IS NULL RETURNING id
"""


async def invite_somebody(owner: Account, name: str = "nobody") -> list[str]:
    """Invite a user name to each of an owner's lists, however many these are; the ids of the invitations."""
    return [str(row["id"]) for row in await fetch(INVITE_SOMEBODY, UUID(owner.id), name)]


INVITED_OFTEN = """
INSERT INTO invitations (id, owner_id, list_id, role, invited_by_id, invitee_id, address, address_key,
    secret_hash, created_at, expires_at)
SELECT gen_random_uuid(), owner_id, id, 1, owner_id, $2, 'somebody', 'somebody-' || n,
    sha256(uuid_send(gen_random_uuid())), now(), now() + interval '1 day'
FROM lists, generate_series(1, $3::int) n WHERE id = $1
"""


async def invited_often(list_id: str, invitee: Account, number: int = 1) -> None:
    """Invite an account to a list so many times."""
    await fetch(INVITED_OFTEN, UUID(list_id), UUID(invitee.id), number)


INVITE = """mutation ($id: ID!, $to: String!, $role: ListRole) {
  payload: listInvite(id: $id, input: { usernameOrEmail: $to, role: $role }) { ok ...Errors }
}"""
INVITED = """{ invitations { nodes {
  id listName role email sentTo createdAt expiresAt invitedBy { id username email }
} } }"""
ACCEPT = """mutation ($id: ID, $token: String) {
  payload: invitationAccept(id: $id, token: $token) { list { id name viewerRole isShared } ...Errors }
}"""
DECLINE = """mutation ($id: ID, $token: String) {
  payload: invitationDecline(id: $id, token: $token) { ok ...Errors }
}"""
REVOKE = "mutation ($id: ID!) { payload: invitationRevoke(id: $id) { ok ...Errors } }"
UPDATE = """mutation ($id: ID!, $role: ListRole!) {
  payload: memberUpdate(id: $id, role: $role) { member { id role user { id } } ...Errors }
}"""
REMOVE = """mutation ($id: ID!, $to: ID) {
  payload: memberRemove(id: $id, reassignToId: $to) { ok ...Errors }
}"""
LEAVE = "mutation ($id: ID!) { payload: listLeave(id: $id) { ok ...Errors } }"
MEMBERS = """query ($id: ID!) { node(id: $id) { ... on TodoList {
  isShared viewerRole notify members { totalCount nodes { id role joinedAt user { id username email } } }
  invitations { nodes { id role email sentTo invitedBy { id } } }
} } }"""


async def sharing(account: Account, document: str, **variables: Any) -> dict[str, Any]:
    """The payload of a mutation of members or invitations, each of its errors as code and path."""
    fragment = next(
        f"fragment Errors on {name} {{ errors {{ code path ... on NotAllowedError {{ needed }} }} }}"
        for field, name in PAYLOADS.items()
        if field in document
    )
    payload = dict((await account.data(f"{document} {fragment}", **variables))["payload"])
    payload["errors"] = [
        tuple(filter(None, (error["code"], ".".join(error["path"] or ()), error.get("needed"))))
        for error in payload["errors"]
    ]
    return payload


PAYLOADS = {
    "listInvite": "AcceptedPayload",
    "invitationAccept": "ListPayload",
    "listTransfer": "ListPayload",
    "memberUpdate": "ListMemberPayload",
    "": "AcceptedPayload",
}


async def invitation_of(invitee: Account) -> dict[str, Any]:
    """The one open invitation that somebody has."""
    [invitation] = (await invitee.data(INVITED))["invitations"]["nodes"]
    return dict(invitation)


async def join(owner: Account, list_id: str, user: Account, role: str = "EDITOR") -> str:
    """Have somebody invited and accept, by requests as clients send them; the id of the membership."""
    invited = await sharing(owner, INVITE, id=list_id, to=user.username, role=role)
    assert invited == {"ok": True, "errors": []}, invited
    accepted = await sharing(user, ACCEPT, id=(await invitation_of(user))["id"])
    assert accepted["errors"] == [], accepted
    return await member_id(owner, list_id, user)


async def member_id(viewer: Account, list_id: str, user: Account) -> str:
    """The id of somebody's membership of a list that the viewer is in."""
    members = (await viewer.data(MEMBERS, id=list_id))["node"]["members"]["nodes"]
    [id] = [member["id"] for member in members if member["user"]["id"] == user.id]
    return str(id)


COUNTED = """
SELECT shared_list_count, membership_count,
    (SELECT count(DISTINCT m.list_id) FROM list_members m WHERE m.owner_id = u.id AND m.user_id <> u.id)
        AS shared_lists,
    (SELECT count(*) FROM list_members m WHERE m.user_id = u.id AND m.owner_id <> u.id) AS memberships
FROM users u WHERE u.id = $1
"""


async def counts_of(account: Account) -> tuple[int, int]:
    """How many lists an account shares, and in how many of others it is; both as they are counted."""
    [row] = await fetch(COUNTED, UUID(account.id))
    assert row["shared_list_count"] == row["shared_lists"]
    assert row["membership_count"] == row["memberships"]
    return row["shared_list_count"], row["membership_count"]


TRANSFER = """mutation ($id: ID!, $to: ID!, $password: String!) {
  payload: listTransfer(id: $id, toId: $to, currentPassword: $password) {
    list { id viewerRole owner { id } } ...Errors
  }
}"""


async def transfer(
    owner: Account, list_id: str, user: Account, password: str = PASSWORD
) -> dict[str, Any]:
    """The payload of a transfer of a list to a member."""
    return await sharing(owner, TRANSFER, id=list_id, to=user.id, password=password)
