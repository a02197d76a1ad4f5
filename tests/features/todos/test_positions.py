"""The position of a todo, which sorts its list or the inbox."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from todo_gql.database.connection import fetchrow

CREATE = """
mutation ($input: TodoCreateInput!) {
  todoCreate(input: $input) { todo { id position completedAt } errors { code } }
}
"""
CREATE_MANY = """
mutation ($inputs: [TodoCreateInput!]!, $onError: BulkErrorPolicy, $dryRun: Boolean) {
  todoBulkCreate(inputs: $inputs, onError: $onError, dryRun: $dryRun) {
    results { todo { id position } errors { code } }
  }
}
"""
STORED = "{ todos(sort: [{ field: CREATED_AT }], first: 100) { nodes { id position } } }"


async def create(account: Account, **values: Any) -> dict[str, Any]:
    """A new todo."""
    payload = (await account.data(CREATE, input={"title": "Todo", **values}))["todoCreate"]
    assert payload["errors"] == []
    return dict(payload["todo"])


async def create_many(account: Account, *inputs: dict[str, Any], **options: Any) -> list[Any]:
    """The results of a bulk create."""
    sent = [{"title": "Todo", **values} for values in inputs]
    data = await account.data(CREATE_MANY, inputs=sent, **options)
    return list(data["todoBulkCreate"]["results"])


async def stored_positions(account: Account) -> dict[str, str]:
    """The position of each todo by its id."""
    nodes = (await account.data(STORED))["todos"]["nodes"]
    return {node["id"]: node["position"] for node in nodes}


async def key_of(number: int) -> str:
    """The position of the todo whose first change has this number."""
    row = await fetchrow("SELECT position_key($1) AS key", number)
    assert row is not None
    return str(row["key"])


@pytest.mark.parametrize("values", [{}, {"tags": ["home", "work"]}, {"status": "COMPLETED"}])
async def test_a_new_todo_stands_behind_all_others(
    account: Account, values: dict[str, Any]
) -> None:
    """Positions ascend in the order of creation, whatever else is written between two creates."""
    todos = []
    for _ in range(3):
        todos.append(await create(account, **values))
        await account.data(
            "mutation ($id: ID!) { todoDelete(id: $id) { todo { position } } }", id=todos[0]["id"]
        )
        await account.data(
            "mutation ($id: ID!) { todoRestore(id: $id) { errors { code } } }", id=todos[0]["id"]
        )
    positions = [todo["position"] for todo in todos]
    assert positions == sorted(set(positions))
    assert await stored_positions(account) == {todo["id"]: todo["position"] for todo in todos}
    assert positions == [await key_of(number) for number in (1, 4, 7)]


async def test_todos_of_a_bulk_create_stand_in_the_order_of_the_inputs(account: Account) -> None:
    """Each has a position of its own, behind all others."""
    first = await create(account)
    results = await create_many(account, *[{"tags": ["home"]}] * 40)
    last = await create(account)
    todos = [first, *(result["todo"] for result in results), last]
    positions = [todo["position"] for todo in todos]
    assert positions == [await key_of(number) for number in range(1, 43)]
    assert await stored_positions(account) == {todo["id"]: todo["position"] for todo in todos}


@pytest.mark.parametrize("used", [[0], [1], [2], [0, 2], [0, 1], [1, 2]])
async def test_a_bulk_create_that_skips_used_ids_leaves_no_hole(
    account: Account, stranger: Account, used: list[int]
) -> None:
    """Positions follow from the numbers of the changes, also where ids of somebody else are skipped."""
    ids = [str(uuid4()) for _ in range(3)]
    for index in used:
        await create(stranger if index == used[0] else account, id=ids[index])
    before = await stored_positions(account)
    results = await create_many(account, *({"id": id} for id in ids), onError="SKIP_FAILED")
    assert [bool(result["errors"]) for result in results] == [index in used for index in range(3)]
    later = await create(account)
    new = [result["todo"] for index, result in enumerate(results) if index not in used] + [later]
    numbers = range(len(before) + 1, len(before) + 1 + len(new))
    assert [todo["position"] for todo in new] == [await key_of(number) for number in numbers]
    stored = await stored_positions(account)
    assert stored == before | {todo["id"]: todo["position"] for todo in new}


async def test_a_dry_run_shows_the_positions_that_the_call_would_give(account: Account) -> None:
    """The same call afterwards gives the same positions."""
    tried, real = [
        [result["todo"]["position"] for result in await create_many(account, {}, {}, dryRun=dry)]
        for dry in (True, False)
    ]
    assert tried == real


async def test_todos_created_side_by_side_have_different_positions(account: Account) -> None:
    """Creates of one owner that run at the same time wait for each other."""
    single = [create(account, tags=["home"]) for _ in range(10)]
    many = [create_many(account, {}, {"status": "COMPLETED"}) for _ in range(5)]
    await asyncio.gather(*single, *many)
    positions = (await stored_positions(account)).values()
    assert len(set(positions)) == len(positions) == 20


async def test_the_log_of_a_new_todo_has_no_position(account: Account) -> None:
    """The server made it, and no client has set it."""
    todo = await create(account)
    row = await fetchrow("SELECT diff FROM changes WHERE todo_id = $1", UUID(todo["id"]))
    assert row is not None
    assert "position" not in row["diff"]
