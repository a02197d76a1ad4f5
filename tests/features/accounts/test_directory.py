"""All accounts, as superusers see and change them."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.account_operations import USERS, promoted, users
from tests.support.accounts import PASSWORD, Account, Client, NewAccount
from tests.support.email_links import login
from todo_gql.database.connection import fetch, fetchrow

UPDATE = """mutation ($id: ID!, $input: UserAdminUpdateInput!) {
  userAdminUpdate(id: $id, input: $input) {
    user { id email isActive isVerified isSuperuser emailVerifiedAt }
    errors { __typename code path message }
  }
}"""


@pytest.fixture
async def administrator(new_account: NewAccount) -> Account:
    """The one superuser there is."""
    await fetch("UPDATE users SET is_superuser = false WHERE is_superuser")
    return await promoted(await new_account())


async def update(administrator: Account, id: str, **input: Any) -> dict[str, Any]:
    """What `userAdminUpdate` answers."""
    return dict((await administrator.data(UPDATE, id=id, input=input))["userAdminUpdate"])


def codes(answer: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The codes and paths of a payload's errors."""
    return [(error["code"], error["path"]) for error in answer["errors"]]


@pytest.mark.parametrize("document", [USERS, UPDATE])
async def test_administration_is_for_superusers(account: Account, document: str) -> None:
    """Everybody else who is signed in is told so."""
    variables = {"id": account.id, "input": {"isSuperuser": True}} if document is UPDATE else {}
    assert (await account.error(document, **variables))["extensions"]["code"] == "FORBIDDEN"
    row = await fetchrow("SELECT is_superuser FROM users WHERE id = $1", UUID(account.id))
    assert row is not None
    assert row["is_superuser"] is False


async def test_accounts_are_listed_newest_first(
    administrator: Account, new_account: NewAccount
) -> None:
    """Accounts are listed newest first with what administrators see, and nothing of their todos."""
    first, second = await new_account(), await new_account()
    await second.create()
    found = await users(administrator, first=2)
    assert [user["id"] for user in found["nodes"]] == [second.id, first.id]
    assert found["nodes"][0] == {
        "id": second.id,
        "username": second.username,
        "email": second.email,
        "isActive": True,
        "isVerified": False,
        "isSuperuser": False,
        "stats": None,
    }
    stored = await fetchrow("SELECT count(*) FROM users")
    assert stored is not None
    assert found["totalCount"] == stored["count"]


async def test_accounts_are_paged_both_ways(
    administrator: Account, new_account: NewAccount
) -> None:
    """Each is shown once, and where one stands is told truly."""
    mark = uuid4().hex[:12]
    made = [await new_account() for _ in range(3)]
    for account in made:
        await fetch("UPDATE users SET last_name = $2 WHERE id = $1", UUID(account.id), mark)
    newest_first = [account.id for account in reversed(made)]
    wanted = {"search": mark.upper()}
    page = await users(administrator, filter=wanted, first=2)
    assert ([user["id"] for user in page["nodes"]], page["totalCount"]) == (newest_first[:2], 3)
    assert (page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) == (False, True)
    cursor = page["pageInfo"]["endCursor"]
    rest = await users(administrator, filter=wanted, first=2, after=cursor)
    assert [user["id"] for user in rest["nodes"]] == newest_first[2:]
    assert (rest["pageInfo"]["hasPreviousPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    back = await users(administrator, filter=wanted, last=2, before=rest["pageInfo"]["startCursor"])
    assert [user["id"] for user in back["nodes"]] == newest_first[:2]


SEARCHES: dict[str, Callable[[Account], str]] = {
    "part of the user name": lambda account: account.username[3:12],
    "the name in capitals": lambda account: account.username.upper(),
    "the address": lambda account: f" {account.email} ",
}


@pytest.mark.parametrize("search", SEARCHES)
async def test_accounts_are_found_by_what_they_are_called(
    administrator: Account, account: Account, search: str
) -> None:
    """Accounts are found in any letter case by a part of the name or of the address."""
    found = await users(administrator, filter={"search": SEARCHES[search](account)})
    assert [user["id"] for user in found["nodes"]] == [account.id]


@pytest.mark.parametrize("search", ["%", "a\x1fb", "x" * 256])
async def test_signs_of_a_search_stand_for_themselves(administrator: Account, search: str) -> None:
    """A per cent sign finds nobody here, and what no name can hold is told."""
    answer = await administrator.execute(USERS, {"filter": {"search": search}})
    if search == "%":
        assert answer["data"]["users"]["nodes"] == []
    else:
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("field", ["isActive", "isVerified", "isSuperuser"])
async def test_accounts_are_filtered_by_what_they_are(
    administrator: Account, account: Account, field: str
) -> None:
    """Both ways; null is as good as absent."""
    was = field == "isActive"
    name = {"search": account.username}
    for value, expected in ((was, 1), (not was, 0), (None, 1)):
        found = await users(administrator, filter=name | {field: value})
        assert found["totalCount"] == expected


async def test_an_account_is_disabled_and_enabled(
    administrator: Account, account: Account, client: Client
) -> None:
    """Disabling ends its sessions at once, and enabling lets it sign in anew."""
    disabled = await update(administrator, account.id, isActive=False)
    assert (disabled["user"]["isActive"], disabled["errors"]) == (False, [])
    assert await account.data("{ viewer { id } }") == {"viewer": None}
    assert await login(client, account, PASSWORD) == ["ACCOUNT_DISABLED"]
    assert (await update(administrator, account.id, isActive=True))["user"]["isActive"]
    assert await account.data("{ viewer { id } }") == {"viewer": None}
    assert await login(client, account, PASSWORD) == []


async def test_an_address_is_declared_proven_and_unproven(
    administrator: Account, account: Account
) -> None:
    """The time of the proof is kept when it is declared again."""
    proven = (await update(administrator, account.id, isVerified=True))["user"]
    again = (await update(administrator, account.id, isVerified=True))["user"]
    assert (proven["isVerified"], again["emailVerifiedAt"]) == (True, proven["emailVerifiedAt"])
    unproven = (await update(administrator, account.id, isVerified=False))["user"]
    assert (unproven["isVerified"], unproven["emailVerifiedAt"]) == (False, None)


async def test_what_is_left_out_stays(administrator: Account, account: Account) -> None:
    """An update of nothing changes nothing."""
    before = await update(administrator, account.id)
    await update(administrator, account.id, isSuperuser=True)
    after = await update(administrator, account.id)
    assert after["user"] == before["user"] | {"isSuperuser": True}


async def test_nothing_can_be_null(administrator: Account, account: Account) -> None:
    """Each null is told at its place, and nothing is changed."""
    answer = await update(administrator, account.id, isActive=None, isVerified=True)
    assert (answer["user"], codes(answer)) == (None, [("REQUIRED", ["input", "isActive"])])
    assert not (await update(administrator, account.id))["user"]["isVerified"]


@pytest.mark.parametrize("id", ["01890a5d-ac96-774b-bcce-b302099a8057", "nonsense"])
async def test_an_account_that_is_not_there_is_not_found(administrator: Account, id: str) -> None:
    """An unknown id and nonsense get one answer."""
    assert codes(await update(administrator, id, isActive=False)) == [("NOT_FOUND", ["id"])]


@pytest.mark.parametrize("change", ["isActive", "isSuperuser"])
async def test_the_last_active_superuser_stays(administrator: Account, change: str) -> None:
    """They can neither be disabled nor demoted until there is another one."""
    answer = await update(administrator, administrator.id, **{change: False})
    assert (answer["user"], codes(answer)) == (None, [("INVALID", ["id"])])
    assert "last active superuser" in answer["errors"][0]["message"]
    assert (await users(administrator, first=1))["totalCount"] > 0


async def test_two_superusers_who_demote_each_other_leave_one(
    administrator: Account, account: Account
) -> None:
    """Two superusers who demote each other at once leave one, and the second gets an error."""
    await promoted(account)
    answers = await asyncio.gather(
        administrator.execute(UPDATE, {"id": account.id, "input": {"isSuperuser": False}}),
        account.execute(UPDATE, {"id": administrator.id, "input": {"isSuperuser": False}}),
    )
    rows = await fetch("SELECT id FROM users WHERE is_superuser")
    assert len(rows) == 1
    assert (
        sum(
            "errors" in answer or bool(codes(answer["data"]["userAdminUpdate"]))
            for answer in answers
        )
        == 1
    )
