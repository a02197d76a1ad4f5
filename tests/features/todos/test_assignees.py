"""Assignees of todos: who may be one, what follows them, and finding todos by them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import ERRORS, Account, registered
from tests.support.lists import assert_counted, make_list
from tests.support.sharing import share, unshare
from todo_gql.database.connection import fetch
from todo_gql.database.models import ListRole

SHOWN = f"todo {{ id version assignee {{ id }} list {{ id }} }} {ERRORS}"
CREATE = f"mutation ($input: TodoCreateInput!) {{ payload: todoCreate(input: $input) {{ {SHOWN} undoCursor }} }}"
CREATE_MANY = f"""
mutation ($inputs: [TodoCreateInput!]!) {{
  payload: todoBulkCreate(inputs: $inputs, onError: SKIP_FAILED) {{ results {{ {SHOWN} }} }}
}}
"""
UPDATE = f"""
mutation ($id: ID!, $input: TodoUpdateInput!) {{
  payload: todoUpdate(id: $id, input: $input) {{ {SHOWN} undoCursor }}
}}
"""
MOVE = f"""
mutation ($id: ID!, $to: TodoPlaceInput!) {{ payload: todoMove(id: $id, to: $to) {{ {SHOWN} undoCursor }} }}
"""
UNDO = f"""
mutation ($cursor: String!) {{ payload: todoUndo(cursor: $cursor) {{ results {{ {SHOWN} }} {ERRORS} }} }}
"""
HISTORY = """
query ($id: ID!) { todo(id: $id) { history { nodes { action fields { name before after } } } } }
"""
FOUND = "query ($filter: TodoFilter) { todos(filter: $filter) { totalCount nodes { title } } }"
FACETS = """
query ($filter: TodoFilter) { facets(filter: $filter) { assignees { assignee { id } count } } }
"""
PATH = ["input", "assigneeId"]


async def sent(account: Account, document: str, **variables: Any) -> dict[str, Any]:
    """The payload of a mutation."""
    return dict((await account.data(document, **variables))["payload"])


async def assignee_of(account: Account, id: str) -> str | None:
    """The stored assignee of an account's todo."""
    [row] = await fetch(
        "SELECT assignee_id FROM todos WHERE owner_id = $1 AND id = $2", UUID(account.id), UUID(id)
    )
    return row["assignee_id"] and str(row["assignee_id"])


def refusal(payload: dict[str, Any]) -> tuple[str, list[str]]:
    """The code and path of a payload's only error."""
    [error] = payload["errors"]
    return error["code"], error["path"]


async def test_a_todo_of_the_inbox_is_assigned_to_oneself_alone(
    account: Account, other: Account
) -> None:
    """Nobody else is found in the inbox and in a private list, whether or not there is such an account."""
    made = await make_list(account)
    for to in ({}, {"to": {"listId": made["id"]}}):
        payload = await sent(account, CREATE, input={"title": "x", "assigneeId": account.id, **to})
        assert (payload["errors"], payload["todo"]["assignee"]) == ([], {"id": account.id})
        for nobody in (other.id, str(uuid4()), "x"):
            refused = await sent(account, CREATE, input={"title": "x", "assigneeId": nobody, **to})
            assert refusal(refused) == ("NOT_FOUND", PATH)
            refused = await sent(
                account, UPDATE, id=payload["todo"]["id"], input={"assigneeId": nobody}
            )
            assert refusal(refused) == ("NOT_FOUND", PATH)
        cleared = await sent(account, UPDATE, id=payload["todo"]["id"], input={"assigneeId": None})
        assert cleared["todo"]["assignee"] is None
    await assert_counted(account, made["id"])


async def test_a_todo_of_a_shared_list_is_assigned_to_who_may_change_it(
    account: Account, other: Account, client: Any
) -> None:
    """An editor can be the assignee; a viewer is refused by name, and a stranger isn't found."""
    made, viewer = await make_list(account), await registered(client)
    await share(account, made["id"], other)
    await share(account, made["id"], viewer, ListRole.VIEWER)
    stranger = await registered(client)
    values = {"title": "x", "to": {"listId": made["id"]}}
    payload = await sent(account, CREATE, input={**values, "assigneeId": other.id})
    assert payload["errors"] == []
    id = payload["todo"]["id"]
    assert await assignee_of(account, id) == other.id
    for somebody, code in ((viewer, "INVALID"), (stranger, "NOT_FOUND")):
        update = await sent(account, UPDATE, id=id, input={"assigneeId": somebody.id})
        assert refusal(update) == (code, PATH)
        create = await sent(account, CREATE, input={**values, "assigneeId": somebody.id})
        assert refusal(create) == (code, PATH)
    assert await assignee_of(account, id) == other.id
    data = await account.data(HISTORY, id=id)
    [created] = data["todo"]["history"]["nodes"]
    assert {"name": "assigneeId", "before": None, "after": other.id} in created["fields"]


async def test_many_todos_are_created_with_their_own_assignees(
    account: Account, other: Account
) -> None:
    """Each input that assigns to somebody who can't be there has an error, and no other one has."""
    made = await make_list(account)
    await share(account, made["id"], other)
    to = {"listId": made["id"]}
    inputs = [
        {"title": "1", "assigneeId": other.id, "to": to},
        {"title": "2", "assigneeId": other.id},
        {"title": "3", "assigneeId": account.id},
        {"title": "4"},
    ]
    results = (await sent(account, CREATE_MANY, inputs=inputs))["results"]
    assert [[(e["code"], e["path"]) for e in one["errors"]] for one in results] == [
        [],
        [("NOT_FOUND", ["inputs", "1", "assigneeId"])],
        [],
        [],
    ]
    assert await assignee_of(account, results[0]["todo"]["id"]) == other.id


async def test_the_same_create_again_is_one_whoever_left_since(
    account: Account, other: Account
) -> None:
    """A create that is sent again answers with what is stored, also once its assignee has left the list."""
    made, id = await make_list(account), str(uuid4())
    await share(account, made["id"], other)
    values = {"id": id, "title": "x", "to": {"listId": made["id"]}, "assigneeId": other.id}
    assert (await sent(account, CREATE, input=values))["errors"] == []
    await unshare(account, made["id"], other)
    again = await sent(account, CREATE, input=values)
    assert ([error["code"] for error in again["errors"]], again["todo"]["id"]) == (
        ["ALREADY_EXISTS"],
        id,
    )


async def test_a_move_to_another_list_clears_an_assignee_who_cannot_change_it(
    account: Account, other: Account
) -> None:
    """What moves with its subtasks loses the assignees who can't be there; undo gives them back if they can."""
    shared, private = await make_list(account), await make_list(account)
    await share(account, shared["id"], other)
    to = {"listId": shared["id"]}
    parent = await sent(account, CREATE, input={"title": "x", "to": to, "assigneeId": other.id})
    below = {"title": "y", "to": {"parentId": parent["todo"]["id"]}, "assigneeId": account.id}
    child = await sent(account, CREATE, input=below)
    ids = parent["todo"]["id"], child["todo"]["id"]
    moved = await sent(account, MOVE, id=ids[0], to={"listId": private["id"]})
    assert moved["errors"] == []
    assert [await assignee_of(account, id) for id in ids] == [None, account.id]
    undone = await sent(account, UNDO, cursor=moved["undoCursor"])
    assert undone["errors"] == []
    assert [await assignee_of(account, id) for id in ids] == [other.id, account.id]
    moved = await sent(account, MOVE, id=ids[0], to={"listId": private["id"]})
    await unshare(account, shared["id"], other)
    undone = await sent(account, UNDO, cursor=moved["undoCursor"])
    assert [one["errors"] for one in undone["results"]] == [[], []]
    assert [await assignee_of(account, id) for id in ids] == [None, account.id]


async def test_completed_occurrences_keep_their_assignee(account: Account) -> None:
    """The copy that a repeating todo leaves has the assignee who completed it, and so has the next one."""
    values = {"dueDate": "2030-01-01", "recurrence": {"rule": "FREQ=DAILY"}}
    todo = await account.create(**values, assigneeId=account.id)
    data = await account.data(
        """mutation ($id: ID!) { todoComplete(id: $id) {
          todo { assignee { id } } completedOccurrence { assignee { id } } } }""",
        id=todo["id"],
    )
    assert data["todoComplete"] == {
        "todo": {"assignee": {"id": account.id}},
        "completedOccurrence": {"assignee": {"id": account.id}},
    }


async def test_todos_are_found_and_counted_by_assignee(account: Account, other: Account) -> None:
    """Lists, totals and facets agree, with a filter and without one, and the trash is left out."""
    made = await make_list(account)
    await share(account, made["id"], other)
    to = {"listId": made["id"]}
    for title, assignee in (("a", account.id), ("b", other.id), ("c", other.id), ("d", None)):
        values = {"title": title, "to": to} | ({"assigneeId": assignee} if assignee else {})
        assert (await sent(account, CREATE, input=values))["errors"] == []
    trashed = await account.create(title="e", assigneeId=account.id)
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }", id=trashed["id"]
    )
    for comparator, titles in (
        ({"eq": other.id}, {"b", "c"}),
        ({"in": [other.id, account.id]}, {"a", "b", "c"}),
        ({"notIn": [other.id]}, {"a", "d"}),
        ({"isNull": True}, {"d"}),
        ({"isNull": False}, {"a", "b", "c"}),
        ({"eq": str(uuid4())}, set()),
    ):
        found = (await account.data(FOUND, filter={"assigneeId": comparator}))["todos"]
        assert {todo["title"] for todo in found["nodes"]} == titles
        assert found["totalCount"] == len(titles)
    expected = sorted(
        [(None, 1), (account.id, 1), (other.id, 2)], key=lambda one: (-one[1], one[0] or "")
    )
    filters: list[dict[str, Any] | None] = [None, {"not": {"id": {"in": []}}}]
    for facet_filter in filters:
        rows = await account.data(FACETS, filter=facet_filter)
        # An account that the viewer doesn't see has no name here.
        counts = [one["count"] for one in rows["facets"]["assignees"]]
        assert counts == [count for _, count in expected]


@pytest.fixture
async def other(client: Any) -> Account:
    """Somebody else."""
    return await registered(client)
