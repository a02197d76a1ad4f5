"""Undoing what was done in a shared list: each their own, as far as their role allows it by then."""

from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.feeds import feed_of
from tests.support.lists import make_list
from tests.support.sharing import share, unshare
from todo_gql.database.models import ListRole

ERRORS = "errors { __typename code path }"
UNDO = (
    "mutation ($cursor: String!) { payload: todoUndo(cursor: $cursor) {"
    f" updated undoCursor results {{ todo {{ id title }} {ERRORS} }} {ERRORS} }} }}"
)
RENAME = (
    'mutation ($id: ID!) { payload: todoUpdate(id: $id, input: { title: "New" }) {'
    " undoCursor errors { code } } }"
)
MOVE = (
    "mutation ($id: ID!, $to: TodoPlaceInput!) { payload: todoMove(id: $id, to: $to) {"
    " undoCursor errors { code } } }"
)


@pytest.fixture
async def list_id(account: Account, stranger: Account) -> str:
    """A list of `account` in which `stranger` is an editor."""
    made = await make_list(account)
    await share(account, made["id"], stranger)
    return str(made["id"])


async def undo(person: Account, cursor: str) -> dict[str, Any]:
    """The payload of an undo."""
    return dict((await person.data(UNDO, cursor=cursor))["payload"])


async def rename(person: Account, id: str) -> str:
    """The cursor that undoes a new title."""
    return str((await person.data(RENAME, id=id))["payload"]["undoCursor"])


async def test_members_undo_what_they_did(
    account: Account, stranger: Account, list_id: str
) -> None:
    """The undo cursor of a member's write to somebody else's list takes it back, and that can be undone, too."""
    todo = await account.create(title="Old", to={"listId": list_id})
    await stranger.create(title="Own")
    undone = await undo(stranger, await rename(stranger, todo["id"]))
    assert undone["errors"] == []
    assert undone["results"] == [{"todo": {"id": todo["id"], "title": "Old"}, "errors": []}]
    again = await undo(stranger, undone["undoCursor"])
    assert again["results"][0]["todo"]["title"] == "New"
    assert [row.owner_id for row in await feed_of(stranger)] == [
        *(account.id, stranger.id, account.id, account.id, account.id)
    ]


async def test_owners_undo_what_anybody_did(
    account: Account, stranger: Account, list_id: str
) -> None:
    """The owner takes back what a member did, by the cursor of the change in the owner's own log."""
    todo = await account.create(title="Old", to={"listId": list_id})
    await rename(stranger, todo["id"])
    changes = await account.data("{ changes(first: 100) { edges { cursor } } }")
    undone = await undo(account, changes["changes"]["edges"][-1]["cursor"])
    assert undone["results"][0]["todo"]["title"] == "Old"


async def test_members_do_not_undo_what_others_did(
    account: Account, stranger: Account, list_id: str
) -> None:
    """A cursor of the owner's is nothing to a member, who can't take back the owner's changes by any other."""
    todo = await account.create(title="Old", to={"listId": list_id})
    cursor = await rename(account, todo["id"])
    assert [error["code"] for error in (await undo(stranger, cursor))["errors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("role", [ListRole.VIEWER, None])
async def test_undo_needs_the_role_of_now(
    account: Account, stranger: Account, list_id: str, role: ListRole | None
) -> None:
    """Who was an editor and isn't any more takes nothing back."""
    todo = await account.create(title="Old", to={"listId": list_id})
    cursor = await rename(stranger, todo["id"])
    await unshare(account, list_id, stranger)
    if role is not None:
        await share(account, list_id, stranger, role)
    payload = await undo(stranger, cursor)
    errors = payload["errors"] or payload["results"][0]["errors"]
    expected = "NOT_FOUND" if role is None else "NOT_ALLOWED"
    assert [error["code"] for error in errors] == [expected]
    assert payload["updated"] == 0
    title = await account.data("query ($id: ID!) { todo(id: $id) { title } }", id=todo["id"])
    assert title["todo"]["title"] == "New"


async def test_moves_to_lists_that_a_member_has_left_stay(
    account: Account, stranger: Account, list_id: str
) -> None:
    """A member can't take a todo back to a list that they aren't in any more."""
    second = (await make_list(account))["id"]
    await share(account, second, stranger)
    todo = await account.create(to={"listId": list_id})
    moved = await stranger.data(MOVE, id=todo["id"], to={"listId": second})
    await unshare(account, list_id, stranger)
    payload = await undo(stranger, moved["payload"]["undoCursor"])
    assert [error["code"] for error in payload["results"][0]["errors"]] == ["CONFLICT"]


async def test_moves_between_owners_are_not_undone(
    account: Account, stranger: Account, list_id: str
) -> None:
    """A todo that came from another owner stays where it is, instead of going to the trash as a new one would."""
    todo = await account.create(to={"listId": list_id})
    await stranger.data(MOVE, id=todo["id"], to={"listId": None})
    changes = await stranger.data("{ changes(first: 100) { edges { cursor node { action } } } }")
    [cursor] = [
        edge["cursor"]
        for edge in changes["changes"]["edges"][-2:]
        if edge["node"]["action"] == "CREATED"
    ][-1:]
    payload = await undo(stranger, cursor)
    assert [error["code"] for error in payload["results"][0]["errors"]] == ["CONFLICT"]
    shown = await stranger.data("query ($id: ID!) { todo(id: $id) { deletedAt } }", id=todo["id"])
    assert shown["todo"] == {"deletedAt": None}


async def test_occurrences_of_others_are_completed_and_taken_back(
    account: Account, stranger: Account, list_id: str
) -> None:
    """A member completes an occurrence of a repeating todo of the list, and takes that back."""
    rule = {"rule": "FREQ=DAILY", "mode": "SCHEDULE"}
    todo = await account.create(dueDate="2999-01-01", recurrence=rule, to={"listId": list_id})
    completed = await stranger.data(
        "mutation ($id: ID!) { payload: todoComplete(id: $id) { todo { dueDate } completedOccurrence { id }"
        " errors { code } } }",
        id=todo["id"],
    )
    assert completed["payload"]["todo"] == {"dueDate": "2999-01-02"}
    assert len(await feed_of(stranger)) == 3
    undone = await stranger.data(
        "mutation ($id: ID!) { payload: todoUndoOccurrence(id: $id) { todo { dueDate } errors { code } } }",
        id=completed["payload"]["completedOccurrence"]["id"],
    )
    assert undone["payload"] == {"todo": {"dueDate": "2999-01-01"}, "errors": []}
    assert len(await feed_of(stranger)) == len(await feed_of(account)) - 1
