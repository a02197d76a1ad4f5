"""Memberships that end with an account, and with a list in the trash."""

from uuid import UUID

from tests.support.account_operations import DELETE_ACCOUNT, close
from tests.support.accounts import PASSWORD, Account, NewAccount
from tests.support.feeds import feed_of
from tests.support.lists import make_list, write_list
from tests.support.recounts import wrong_counts
from tests.support.sharing import (
    INVITE,
    INVITED,
    MEMBERS,
    counts_of,
    share,
    sharing,
    transfer,
)
from todo_gql.database.connection import fetch
from todo_gql.database.models import EntityAction, ListRole
from todo_gql.features.accounts.deletion import purge_accounts
from todo_gql.features.lists.trash import purge_lists
from todo_gql.features.registry import LARGE_TABLES
from todo_gql.features.sharing.endings import end_memberships_of_expired_lists, leave_everything
from todo_gql.settings import Settings

EXPIRE = "UPDATE users SET deletion_at = now() WHERE id = $1"


async def purge(account: Account, settings: Settings) -> None:
    """Have the grace period of an account be over, and delete it."""
    await fetch(EXPIRE, UUID(account.id))

    async def leave(account_id: UUID) -> None:
        await leave_everything(account_id, settings)

    await purge_accounts(LARGE_TABLES, [leave])
    assert not await fetch("SELECT FROM users WHERE id = $1", UUID(account.id))


async def test_who_shares_lists_cannot_delete_the_account(
    account: Account, stranger: Account
) -> None:
    """An account is not deleted while others are in lists of its; the error says how many and what to do."""
    document = DELETE_ACCOUNT.replace("code path", "code message path")
    lists = [await make_list(account) for _ in range(2)]
    for each in lists:
        await share(account, each["id"], stranger)
    refused = (await account.data(document, password=PASSWORD))["accountDelete"]
    [error] = refused["errors"]
    assert error["message"] == (
        "You own 2 lists with other members. First transfer each of them to one of the members by"
        " listTransfer, or delete each of them."
    )
    await transfer(account, lists[0]["id"], stranger)
    await write_list(account, "listDelete(id: $id)", id=lists[1]["id"])
    await close(account)


async def test_lists_go_to_the_longest_manager(
    account: Account, stranger: Account, new_account: NewAccount, settings: Settings
) -> None:
    """A shared list goes to its longest MANAGER at the end of the grace period."""
    third, fourth, shared = await new_account(), await new_account(), await make_list(account)
    await account.create(title="Stays", to={"listId": shared["id"]})
    await share(account, shared["id"], fourth, ListRole.EDITOR)
    for who in (stranger, third):
        await share(account, shared["id"], who, ListRole.MANAGER)
    await purge(account, settings)
    seen = (await third.data(MEMBERS, id=shared["id"]))["node"]
    assert {one["user"]["id"]: one["role"] for one in seen["members"]["nodes"]} == {
        stranger.id: "OWNER",
        third.id: "MANAGER",
        fourth.id: "EDITOR",
    }
    found = await stranger.data("{ todos { nodes { title } } }")
    assert found["todos"]["nodes"] == [{"title": "Stays"}]
    assert await counts_of(stranger) == (1, 0)
    assert await wrong_counts(UUID(stranger.id)) == {}


async def test_without_a_manager_a_list_ends_for_all(
    account: Account, stranger: Account, settings: Settings
) -> None:
    """A list that nobody can get ends with its owner's account: LEFT is the last that its members hear."""
    shared, trashed = await make_list(account), await make_list(account)
    await share(account, shared["id"], stranger, ListRole.EDITOR)
    await share(account, trashed["id"], stranger, ListRole.MANAGER)
    await write_list(account, "listDelete(id: $id)", id=trashed["id"])
    await leave_everything(UUID(account.id), settings)
    rows = await feed_of(stranger)
    assert [row.action for row in rows[-2:]] == [EntityAction.LEFT] * 2
    assert await counts_of(stranger) == (0, 0)
    assert await counts_of(account) == (0, 0)
    await purge(account, settings)
    assert await counts_of(stranger) == (0, 0)


async def test_memberships_and_invitations_end_with_the_account(
    account: Account, stranger: Account, new_account: NewAccount, settings: Settings
) -> None:
    """Who deletes their account leaves the lists of others, and invites nobody any more."""
    third, shared = await new_account(), await make_list(account)
    await share(account, shared["id"], stranger, ListRole.MANAGER)
    await sharing(stranger, INVITE, id=shared["id"], to=third.username)
    await purge(stranger, settings)
    assert (await feed_of(account))[-1].action == EntityAction.LEFT
    assert await counts_of(account) == (0, 0)
    assert (await third.data(INVITED))["invitations"]["nodes"] == []


async def test_memberships_end_before_a_list_is_purged(account: Account, stranger: Account) -> None:
    """A shared list in the trash is purged after its memberships have ended, with their counters."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    await write_list(account, "listDelete(id: $id)", id=shared["id"])
    old = "UPDATE lists SET deleted_at = now() - interval '31 days' WHERE id = $1 RETURNING id"
    await fetch(old, UUID(shared["id"]))
    await purge_lists(30)
    assert await counts_of(stranger) == (0, 1)
    assert await end_memberships_of_expired_lists(0) == 0
    assert await end_memberships_of_expired_lists(30) == 1
    assert (await feed_of(stranger))[-1].action == EntityAction.LEFT
    await purge_lists(30)
    assert not await fetch("SELECT FROM lists WHERE id = $1", UUID(shared["id"]))
    assert await counts_of(stranger) == (0, 0)
    assert await counts_of(account) == (0, 0)
