"""Transfers of lists to another owner."""

import asyncio
from uuid import UUID

from tests.support.accounts import Account, NewAccount
from tests.support.feeds import feed_of
from tests.support.lists import make_list, make_section
from tests.support.recounts import wrong_counts
from tests.support.sharing import (
    ACCEPT,
    INVITE,
    MEMBERS,
    counts_of,
    invitation_of,
    invite_somebody,
    member_id,
    share,
    sharing,
    transfer,
)
from tests.support.trash import delete
from todo_gql.database.connection import fetch
from todo_gql.database.models import ChangeKind, EntityAction, ListRole

TODOS = """query ($id: ID!) { node(id: $id) { ... on TodoList {
  name viewerRole stats { total } sections { id } owner { id }
  todos { nodes { id title owner { id } tags { name } section { id } parent { id } } }
} } }"""


async def shown(account: Account, list_id: str) -> dict[str, object]:
    """A list as somebody sees it."""
    return dict((await account.data(TODOS, id=list_id))["node"])


async def test_all_of_a_list_gets_the_new_owner(account: Account, stranger: Account) -> None:
    """A transferred list looks as before to both, in the same order, and belongs to the new owner."""
    shared = await make_list(account, name="Groceries")
    section = await make_section(account, shared["id"])
    to = {"listId": shared["id"], "sectionId": section["id"]}
    parent = await account.create(title="A", tags=["food", "own"], to=to)
    await account.create(title="B", to={"listId": shared["id"]}, dueAt="2030-01-01T00:00:00Z")
    await account.create(title="C", to={"parentId": parent["id"]})
    trashed = await account.create(title="D", tags=["food"], to={"listId": shared["id"]})
    await account.create(title="Private", tags=["own"])
    await delete(account, trashed)
    await invite_somebody(account)
    await share(account, shared["id"], stranger, ListRole.VIEWER)
    before = await shown(account, shared["id"])
    payload = await transfer(account, shared["id"], stranger)
    assert payload == {
        "list": {"id": shared["id"], "viewerRole": "MANAGER", "owner": {"id": stranger.id}},
        "errors": [],
    }
    for who, role in ((account, "MANAGER"), (stranger, "OWNER")):
        after = await shown(who, shared["id"])
        assert after["viewerRole"] == role
        new = {"id": stranger.id}
        todos = {"nodes": [one | {"owner": new} for one in before["todos"]["nodes"]]}  # type: ignore[index]
        assert after == before | {"owner": new, "viewerRole": role, "todos": todos}
    seen = (await stranger.data(MEMBERS, id=shared["id"]))["node"]
    assert {one["user"]["id"]: one["role"] for one in seen["members"]["nodes"]} == {
        account.id: "MANAGER",
        stranger.id: "OWNER",
    }
    assert len(seen["invitations"]["nodes"]) == 1
    assert await counts_of(account) == (0, 1)
    assert await counts_of(stranger) == (1, 0)
    for who in (account, stranger):
        assert await wrong_counts(UUID(who.id)) == {}
    tags = "{ tags { nodes { name todoCount } } }"
    own = {tag["name"]: tag["todoCount"] for tag in (await account.data(tags))["tags"]["nodes"]}
    assert own["own"] >= 1


async def test_feeds_go_on_after_a_transfer(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """Every member gets the todos and the roles from the new owner's log, and then what comes after, without a gap."""
    third, shared = await new_account(), await make_list(account)
    await account.create_many([{"title": "x", "to": {"listId": shared["id"]}}] * 3)
    for who in (stranger, third):
        await share(account, shared["id"], who)
    await transfer(account, shared["id"], stranger)
    todo = await account.create(title="After", to={"listId": shared["id"]})
    for who in (account, stranger, third):
        rows = await feed_of(who)
        changed = [row.of for row in rows if row.action == EntityAction.ROLE_CHANGED]
        assert changed == [stranger.id, account.id]
        assert (rows[-1].of, rows[-1].owner_id) == (todo["id"], stranger.id)
    assert [row.kind for row in await feed_of(third)] == [
        *[ChangeKind.TODO] * 6,
        *[ChangeKind.MEMBER] * 2,
        ChangeKind.TODO,
    ]


async def test_new_todos_come_last_after_a_transfer(account: Account, stranger: Account) -> None:
    """A todo that is made after the transfer stands behind those before, whose owner had made more changes."""
    shared = await make_list(account)
    await account.create_many([{"title": str(number)} for number in range(30)])
    for title in "AB":
        await account.create(title=title, to={"listId": shared["id"]})
    await share(account, shared["id"], stranger)
    await transfer(account, shared["id"], stranger)
    await stranger.create(title="C", to={"listId": shared["id"]})
    todos = (await shown(account, shared["id"]))["todos"]
    assert [one["title"] for one in todos["nodes"]] == ["A", "B", "C"]  # type: ignore[index]


async def test_only_the_owner_transfers(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """A transfer needs the owner, the owner's password, and another member of the list."""
    third, shared = await new_account(), await make_list(account)
    await share(account, shared["id"], stranger, ListRole.MANAGER)
    refused = await transfer(stranger, shared["id"], stranger)
    assert refused["errors"] == [("NOT_ALLOWED", "id", "OWNER")]
    assert (await transfer(third, shared["id"], third))["errors"] == [("NOT_FOUND", "id")]
    refused = await transfer(account, shared["id"], stranger, "Wrong1password")
    assert refused["errors"] == [("INVALID_CREDENTIALS", "currentPassword")]
    for who in (third, account):
        assert (await transfer(account, shared["id"], who))["errors"] == [("NOT_FOUND", "toId")]
    assert await counts_of(stranger) == (0, 1)


async def test_one_of_two_transfers_succeeds(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """One of two transfers of a list at the same time succeeds, and all counters are right."""
    third, shared = await new_account(), await make_list(account)
    for who in (stranger, third):
        await share(account, shared["id"], who)
    await account.create(to={"listId": shared["id"]})
    payloads = await asyncio.gather(
        *(transfer(account, shared["id"], who) for who in (stranger, third))
    )
    errors = sorted(payload["errors"] for payload in payloads)
    assert errors == [[], [("NOT_ALLOWED", "id", "OWNER")]]
    counts = sorted([await counts_of(stranger), await counts_of(third)])
    assert counts == [(0, 1), (1, 0)]
    assert await counts_of(account) == (0, 1)


async def test_invitations_go_on_after_a_transfer(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """An invitation that was sent before a transfer is accepted after it."""
    third, shared = await new_account(), await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=third.username)
    await share(account, shared["id"], stranger)
    await transfer(account, shared["id"], stranger)
    accepted = await sharing(third, ACCEPT, id=(await invitation_of(third))["id"])
    assert accepted["errors"] == []
    assert await member_id(stranger, shared["id"], third)


async def test_a_transfer_has_to_fit(account: Account, stranger: Account) -> None:
    """A list isn't transferred to who has 500 lists already."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    fill = """INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at)
        SELECT gen_random_uuid(), $1, 'x', 'b' || n, 1, now(), now() FROM generate_series(100, 599) n"""
    await fetch(fill, UUID(stranger.id))
    assert (await transfer(account, shared["id"], stranger))["errors"] == [("TOO_MANY", "toId")]
    assert await counts_of(account) == (1, 0)
