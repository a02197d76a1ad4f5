"""Assignees of todos: who may be one, what follows them, and finding todos by them."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import ERRORS, Account, Client, registered
from tests.support.lists import assert_counted, make_list
from tests.support.sharing import share, unshare
from tests.support.subscribers import connected
from tests.support.waiting import until
from todo_gql.database.connection import fetch, transaction
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
SEEN = "query ($id: ID!) { todo(id: $id) { assignee { id email } } }"
SAVE = """
mutation ($input: SavedViewInput!) { savedViewCreate(input: $input) { errors { code path } } }
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
    account: Account, other: Account, client: Client
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
        counts = [
            (one["assignee"] and one["assignee"]["id"], one["count"])
            for one in rows["facets"]["assignees"]
        ]
        assert counts == expected


async def test_members_assign_todos_to_each_other(
    account: Account, other: Account, client: Client
) -> None:
    """An editor assigns to the owner and to oneself, sees who it is, and can't assign where they may only look."""
    made, viewer = await make_list(account), await registered(client)
    await share(account, made["id"], other)
    await share(account, made["id"], viewer, ListRole.VIEWER)
    to = {"listId": made["id"]}
    for somebody in (account, other):
        payload = await sent(
            other, CREATE, input={"title": "x", "to": to, "assigneeId": somebody.id}
        )
        assert (payload["errors"], payload["todo"]["assignee"]) == ([], {"id": somebody.id})
        shown = await viewer.data(SEEN, id=payload["todo"]["id"])
        assert shown["todo"]["assignee"] == {"id": somebody.id, "email": None}
    id = payload["todo"]["id"]
    refused = await sent(viewer, UPDATE, id=id, input={"assigneeId": None})
    assert [error["code"] for error in refused["errors"]] == ["NOT_ALLOWED"]
    update = await sent(other, UPDATE, id=id, input={"assigneeId": viewer.id})
    assert refusal(update) == ("INVALID", PATH)
    found = await viewer.data(FOUND, filter={"assigneeId": {"eq": other.id}})
    assert found["todos"]["totalCount"] == 1
    facets = (await viewer.data(FACETS, filter=None))["facets"]["assignees"]
    assert sorted((one["assignee"]["id"], one["count"]) for one in facets) == sorted(
        [(account.id, 1), (other.id, 1)]
    )


async def test_an_assignee_who_leaves_meanwhile_is_not_assigned(
    account: Account, other: Account
) -> None:
    """The list's members are read under the lock: an assignment waits for who is removed, and then is refused."""
    made = await make_list(account)
    await share(account, made["id"], other)
    todo = await account.create(to={"listId": made["id"]})
    async with transaction() as connection:
        await connection.execute(
            "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", UUID(account.id)
        )
        await connection.execute(
            "DELETE FROM list_members WHERE list_id = $1 AND user_id = $2",
            *(UUID(made["id"]), UUID(other.id)),
        )
        update = asyncio.create_task(
            sent(account, UPDATE, id=todo["id"], input={"assigneeId": other.id})
        )
        await until(partial(is_waiting, account))
    assert refusal(await update) == ("NOT_FOUND", PATH)
    assert await assignee_of(account, todo["id"]) is None


async def test_a_filtered_subscription_follows_an_assignee(account: Account, address: str) -> None:
    """What becomes somebody's to do enters their list, and what is given away leaves it."""
    todo = await account.create(title="A")
    async with connected(address, account.token) as socket:
        await socket.subscribe(filter={"assigneeId": {"eq": account.id}})
        await socket.settled()
        # An event says what matches when it is sent, so each change waits for that of the one before.
        told = []
        for assignee in (account.id, None):
            await sent(account, UPDATE, id=todo["id"], input={"assigneeId": assignee})
            told += await socket.changes(1)
    assert [event["matches"] for event in told] == [True, False]


async def test_a_saved_view_of_somebody_is_valid_while_lists_are_shared(
    account: Account, other: Account
) -> None:
    """A view of an assignee is stored for who shares a list with them, and invalid once they don't."""
    made = await make_list(account)
    view = {"name": "Theirs", "filter": {"assigneeId": {"eq": other.id}}}
    refused = (await account.data(SAVE, input=view))["savedViewCreate"]
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [
        ("NOT_FOUND", ["input", "filter", "assigneeId", "eq"])
    ]
    await share(account, made["id"], other)
    assert (await account.data(SAVE, input=view))["savedViewCreate"]["errors"] == []
    await sent(
        account,
        CREATE,
        input={"title": "x", "to": {"listId": made["id"]}, "assigneeId": other.id},
    )
    views = "{ savedViews { isValid todos { nodes { title } } } }"
    assert (await account.data(views))["savedViews"] == [
        {"isValid": True, "todos": {"nodes": [{"title": "x"}]}}
    ]
    await unshare(account, made["id"], other)
    assert [one["isValid"] for one in (await account.data(views))["savedViews"]] == [False]


async def is_waiting(account: Account) -> bool:
    """Whether a statement waits for an account's lock."""
    rows = await fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return bool(rows)


@pytest.fixture
async def other(client: Client) -> Account:
    """Somebody else."""
    return await registered(client)
