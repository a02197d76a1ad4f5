"""Invitations to lists: sent, listed, accepted, declined and revoked."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.lists import make_list
from tests.support.sharing import (
    ACCEPT,
    DECLINE,
    INVITE,
    INVITED,
    MEMBERS,
    REVOKE,
    counts_of,
    invitation_of,
    join,
    share,
    sharing,
)
from todo_gql.database.connection import fetch
from todo_gql.database.models import ListRole
from todo_gql.features.sharing.invitations import MAX_A_DAY, MAX_MEMBERS, MAX_OPEN

ACCEPTED = {"ok": True, "errors": []}
VERIFY = "UPDATE users SET email_verified_at = now() WHERE id = $1"


async def verify(account: Account) -> None:
    """Have an account verify its address."""
    await fetch(VERIFY, UUID(account.id))


async def has_invitations(account: Account) -> bool:
    """Whether somebody has an open invitation."""
    return bool((await account.data(INVITED))["invitations"]["nodes"])


async def sent(account: Account, list_id: str) -> list[dict[str, object]]:
    """The open invitations to a list, as somebody in it sees them."""
    return list((await account.data(MEMBERS, id=list_id))["node"]["invitations"]["nodes"])


async def test_an_invitation_shows_the_list_and_who_sent_it(
    account: Account, stranger: Account
) -> None:
    """Who is invited by their user name sees the list's name, the role and the inviter's public fields."""
    shared = await make_list(account, name="Groceries")
    to = stranger.username.upper()
    assert await sharing(account, INVITE, id=shared["id"], to=to, role="MANAGER") == ACCEPTED
    invitation = await invitation_of(stranger)
    assert invitation["listName"] == "Groceries"
    assert invitation["role"] == "MANAGER"
    assert (invitation["email"], invitation["sentTo"]) == (None, to)
    inviter = {"id": account.id, "username": account.username, "email": None}
    assert invitation["invitedBy"] == inviter


async def test_accepting_makes_a_member(account: Account, stranger: Account) -> None:
    """Who accepts an invitation is in the list with its role, once, and both accounts count it."""
    shared = await make_list(account, name="Groceries")
    await sharing(account, INVITE, id=shared["id"], to=stranger.username, role="VIEWER")
    invitation = await invitation_of(stranger)
    await sharing(stranger, ACCEPT, id=invitation["id"])
    [row] = await fetch(
        "SELECT role FROM list_members WHERE list_id = $1 AND user_id = $2",
        *(UUID(shared["id"]), UUID(stranger.id)),
    )
    assert row["role"] == ListRole.VIEWER
    assert await counts_of(account) == (1, 0)
    assert await counts_of(stranger) == (0, 1)
    again = await sharing(stranger, ACCEPT, id=invitation["id"])
    assert again["errors"] == [("NOT_FOUND", "id")]
    assert not await has_invitations(stranger)


async def test_two_acceptances_at_once_make_one_member(account: Account, stranger: Account) -> None:
    """One of several acceptances of an invitation at the same time succeeds."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    id = (await invitation_of(stranger))["id"]
    payloads = await asyncio.gather(*(sharing(stranger, ACCEPT, id=id) for _ in range(4)))
    assert sorted(payload["errors"] for payload in payloads) == [
        [],
        *[[("NOT_FOUND", "id")]] * 3,
    ]
    assert await counts_of(stranger) == (0, 1)


async def test_an_invitation_is_either_accepted_or_revoked(
    account: Account, stranger: Account
) -> None:
    """Either the acceptance or the revocation of an invitation succeeds when both come at once."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    id = (await invitation_of(stranger))["id"]
    accepted, revoked = await asyncio.gather(
        sharing(stranger, ACCEPT, id=id), sharing(account, REVOKE, id=id)
    )
    assert sorted([accepted["errors"], revoked["errors"]]) == [[], [("NOT_FOUND", "id")]]
    assert await counts_of(account) == (int(not accepted["errors"]), 0)


async def test_unknown_people_are_invited_like_known_ones(
    account: Account, stranger: Account
) -> None:
    """An invitation to nobody is answered, listed and counted like one to somebody."""
    shared = await make_list(account)
    unknown = f"nobody-{uuid4().hex[:8]}"
    for to in (stranger.username, unknown, stranger.email, f"{unknown}@example.com"):
        assert await sharing(account, INVITE, id=shared["id"], to=to) == ACCEPTED
    shown = await sent(account, shared["id"])
    assert [(one["sentTo"], one["email"]) for one in reversed(shown)] == [
        (stranger.username, None),
        (unknown, None),
        (stranger.email, stranger.email),
        (f"{unknown}@example.com", f"{unknown}@example.com"),
    ]


async def test_a_name_that_is_registered_later_gets_no_invitation(
    account: Account, new_account: NewAccount
) -> None:
    """An invitation to a user name is for the account that had it when it was sent, or for nobody."""
    shared = await make_list(account)
    third = await new_account()
    await sharing(account, INVITE, id=shared["id"], to="not-yet-there")
    await fetch("UPDATE users SET username_key = 'not-yet-there' WHERE id = $1", UUID(third.id))
    assert not await has_invitations(third)


async def test_addresses_have_to_be_verified(account: Account, stranger: Account) -> None:
    """An invitation to an address is for the account that has verified it, and for no other one."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.email.upper())
    [invitation] = await sent(account, shared["id"])
    refused = await sharing(stranger, ACCEPT, id=invitation["id"])
    assert refused["errors"] == [("NOT_FOUND", "id")]
    await verify(stranger)
    assert (await invitation_of(stranger))["id"] == invitation["id"]
    accepted = await sharing(stranger, ACCEPT, id=invitation["id"])
    assert accepted["errors"] == []


@pytest.mark.parametrize(
    ("to", "role", "errors"),
    [
        ("", "EDITOR", [("TOO_SHORT", "input.usernameOrEmail")]),
        ("no spaces", "EDITOR", [("INVALID", "input.usernameOrEmail")]),
        ("a@b", "EDITOR", [("INVALID", "input.usernameOrEmail")]),
        ("x" * 51, "EDITOR", [("TOO_LONG", "input.usernameOrEmail")]),
        ("somebody", "OWNER", [("INVALID", "input.role")]),
        ("a@", "OWNER", [("INVALID", "input.usernameOrEmail"), ("INVALID", "input.role")]),
    ],
)
async def test_what_no_invitation_can_have_is_refused(
    account: Account, to: str, role: str, errors: list[tuple[str, str]]
) -> None:
    """Something that is no name and no address, and the role of the owner, are errors of the input."""
    shared = await make_list(account)
    payload = await sharing(account, INVITE, id=shared["id"], to=to, role=role)
    assert payload == {"ok": False, "errors": errors}


async def test_members_by_name_are_in_the_list_already(account: Account, stranger: Account) -> None:
    """Members and oneself can't be invited by name; by an address nothing is said of whose it is."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    await verify(stranger)
    for to in (stranger.username, account.username, account.email):
        payload = await sharing(account, INVITE, id=shared["id"], to=to)
        assert payload["errors"] == [("ALREADY_EXISTS", "input.usernameOrEmail")]
    assert await sharing(account, INVITE, id=shared["id"], to=stranger.email) == ACCEPTED
    assert not await has_invitations(stranger)


async def test_a_newer_invitation_replaces_the_one_before(
    account: Account, stranger: Account
) -> None:
    """Inviting somebody again leaves one open invitation, the newest."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username, role="VIEWER")
    before = (await invitation_of(stranger))["id"]
    await sharing(account, INVITE, id=shared["id"], to=stranger.username.upper(), role="EDITOR")
    assert (await invitation_of(stranger))["role"] == "EDITOR"
    assert (await sharing(stranger, ACCEPT, id=before))["errors"] == [("NOT_FOUND", "id")]


async def test_joining_ends_the_other_invitations_to_the_list(
    account: Account, stranger: Account
) -> None:
    """Who has joined has no other open invitation to the list, by name or by address."""
    shared = await make_list(account)
    await verify(stranger)
    for to in (stranger.username, stranger.email):
        await sharing(account, INVITE, id=shared["id"], to=to)
    nodes = (await stranger.data(INVITED))["invitations"]["nodes"]
    assert len(nodes) == 2
    await sharing(stranger, ACCEPT, id=nodes[0]["id"])
    assert await sent(account, shared["id"]) == []


async def test_declined_and_revoked_invitations_are_gone(
    account: Account, stranger: Account
) -> None:
    """A declined invitation can't be accepted any more, nor can a revoked one."""
    shared = await make_list(account)
    for document, who in ((DECLINE, stranger), (REVOKE, account)):
        await sharing(account, INVITE, id=shared["id"], to=stranger.username)
        id = (await invitation_of(stranger))["id"]
        assert await sharing(who, document, id=id) == ACCEPTED
        assert not await has_invitations(stranger)
        assert (await sharing(stranger, ACCEPT, id=id))["errors"] == [("NOT_FOUND", "id")]
        assert (await sharing(who, document, id=id))["errors"] == [("NOT_FOUND", "id")]
    assert await counts_of(account) == (0, 0)


async def test_an_invitation_is_good_for_seven_days(account: Account, stranger: Account) -> None:
    """An invitation that has expired is neither listed nor accepted."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    id = (await invitation_of(stranger))["id"]
    [row] = await fetch(
        "SELECT extract(day FROM expires_at - created_at) AS days FROM invitations WHERE id = $1",
        UUID(id),
    )
    assert row["days"] == 7
    await fetch("UPDATE invitations SET expires_at = now() WHERE id = $1", UUID(id))
    assert not await has_invitations(stranger)
    assert await sent(account, shared["id"]) == []
    assert (await sharing(stranger, ACCEPT, id=id))["errors"] == [("NOT_FOUND", "id")]


async def test_lists_in_the_trash_invite_nobody(account: Account, stranger: Account) -> None:
    """An invitation to a list that was deleted meanwhile is gone, and back with the list."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    id = (await invitation_of(stranger))["id"]
    call = "mutation ($id: ID!) { listDelete(id: $id) { errors { code } } }"
    await account.data(call, id=shared["id"])
    assert not await has_invitations(stranger)
    assert (await sharing(stranger, ACCEPT, id=id))["errors"] == [("NOT_FOUND", "id")]
    refused = await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    assert refused["errors"] == [("NOT_FOUND", "id")]
    await account.data(call.replace("Delete", "Restore"), id=shared["id"])
    assert (await sharing(stranger, ACCEPT, id=id))["errors"] == []


async def test_strangers_answer_no_invitation(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """An invitation of somebody else is found by nobody, whatever they do with its id."""
    third = await new_account()
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    id = (await invitation_of(stranger))["id"]
    for document in (ACCEPT, DECLINE, REVOKE):
        assert (await sharing(third, document, id=id))["errors"] == [("NOT_FOUND", "id")]
    assert (await sharing(stranger, REVOKE, id=id))["errors"] == [("NOT_FOUND", "id")]
    assert (await third.data("query ($id: ID!) { node(id: $id) { id } }", id=id))["node"] is None


async def test_only_managers_invite(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """Members who may not choose members can't invite or see invitations; a MANAGER can."""
    third = await new_account()
    shared = await make_list(account)
    await share(account, shared["id"], stranger, ListRole.EDITOR)
    refused = await sharing(stranger, INVITE, id=shared["id"], to=third.username)
    assert refused["errors"] == [("NOT_ALLOWED", "id", "MANAGER")]
    refused = await sharing(third, INVITE, id=shared["id"], to=third.username)
    assert refused["errors"] == [("NOT_FOUND", "id")]
    fetched = "UPDATE list_members SET role = $2 WHERE user_id = $1"
    await fetch(fetched, UUID(stranger.id), ListRole.MANAGER)
    to = third.username
    assert await sharing(stranger, INVITE, id=shared["id"], to=to, role="MANAGER") == ACCEPTED
    assert (await invitation_of(third))["invitedBy"]["id"] == stranger.id


INSERT = """
INSERT INTO invitations (id, owner_id, list_id, role, invited_by_id, address, address_key, secret_hash,
    created_at, expires_at)
SELECT gen_random_uuid(), $1, $2, 1, $3, 'somebody', 'somebody-' || n, sha256(gen_random_uuid()::text::bytea),
    now() - $5::interval, now() + interval '1 day' FROM generate_series(1, $4::int) n
"""


async def test_a_list_has_fifty_open_invitations(account: Account, stranger: Account) -> None:
    """A fifty-first open invitation to a list is refused, but not one that replaces another."""
    shared = await make_list(account)
    ids = UUID(account.id), UUID(shared["id"])
    await fetch(INSERT, *ids, UUID(stranger.id), MAX_OPEN, timedelta(days=1))
    refused = await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    assert refused["errors"] == [("TOO_MANY", "id")]
    assert await sharing(account, INVITE, id=shared["id"], to="somebody-1") == ACCEPTED


async def test_a_person_sends_twenty_invitations_a_day(account: Account) -> None:
    """A person's twenty-first invitation within a day is refused, to whichever list."""
    lists = [await make_list(account) for _ in range(2)]
    ids = UUID(account.id), UUID(lists[0]["id"])
    await fetch(INSERT, *ids, UUID(account.id), 5, timedelta(hours=25))
    await fetch(INSERT, *ids, UUID(account.id), MAX_A_DAY - 1, timedelta(hours=23))
    assert await sharing(account, INVITE, id=lists[1]["id"], to="one") == ACCEPTED
    refused = await sharing(account, INVITE, id=lists[1]["id"], to="another")
    assert refused["errors"] == [("RATE_LIMITED", "input")]


FILL = """
WITH people AS (
    INSERT INTO users (id, username, username_key, email, email_key,
        password_hash, is_active, is_superuser, created_at, change_seq, pending_count, in_progress_count,
        completed_count, cancelled_count)
    SELECT gen_random_uuid(), name, name, name || '@example.com', name || '@example.com', '', true,
        false, now(), 0, 0, 0, 0, 0
    FROM (SELECT 'm' || n || $3 AS name FROM generate_series(1, $4::int) n) names RETURNING id
)
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
SELECT gen_random_uuid(), $1, $2, id, 1, 'a0', now() FROM people
"""


async def test_a_list_has_a_hundred_members(account: Account, stranger: Account) -> None:
    """A list with a hundred members takes nobody else, not even who was invited before."""
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    ids = UUID(account.id), UUID(shared["id"])
    await fetch(FILL, *ids, uuid4().hex[:8], MAX_MEMBERS - 1)
    refused = await sharing(stranger, ACCEPT, id=(await invitation_of(stranger))["id"])
    assert refused["errors"] == [("TOO_MANY", "id")]
    refused = await sharing(account, INVITE, id=shared["id"], to="somebody")
    assert refused["errors"] == [("TOO_MANY", "id")]


async def test_an_id_or_a_token_is_sent(account: Account) -> None:
    """An answer to an invitation needs its id or its token, of which the id counts."""
    for document in (ACCEPT, DECLINE):
        payload = await sharing(account, document)
        assert payload["errors"] == [("REQUIRED", "id")]
        payload = await sharing(account, document, id=str(uuid4()), token="t")
        assert payload["errors"] == [("NOT_FOUND", "id")]
        payload = await sharing(account, document, token="t")
        assert payload["errors"] == [("INVALID_TOKEN", "token")]


async def test_members_join_by_requests(account: Account, stranger: Account) -> None:
    """A list is private until the first member joins, and shared from then on."""
    shared = await make_list(account)
    assert not shared["isShared"]
    await join(account, shared["id"], stranger)
    seen = (await account.data(MEMBERS, id=shared["id"]))["node"]
    assert seen["isShared"]
    assert seen["members"]["totalCount"] == 2
