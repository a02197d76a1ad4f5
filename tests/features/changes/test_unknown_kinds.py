"""Changes of kinds that this release doesn't know, as the next release may write them: read over."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import CREATE, Account
from tests.support.subscribers import connected, newest, streaming
from todo_gql.changelog.feed_registry import announce
from todo_gql.changelog.retention import purge_changes
from todo_gql.database.connection import fetch

# What stands in it is nothing that this release could read.
INSERT = """
WITH counted AS (
    UPDATE users SET change_seq = change_seq + $2, counted_seq = counted_seq + $2
    WHERE id = $1 RETURNING change_seq - $2 AS seq
)
INSERT INTO changes (id, owner_id, seq, kind, entity_id, todo_id, list_id, actor_id, action, diff, at)
SELECT gen_random_uuid(), $1, seq + n, 99, gen_random_uuid(), $3, gen_random_uuid(), $1, 42,
    '{"body": "Not a list of fields"}', now()
FROM counted, generate_series(1, $2) AS n RETURNING id::text
"""
NUMBERS = "SELECT seq FROM changes WHERE owner_id = $1 ORDER BY seq"
AGE = "UPDATE changes SET at = at - make_interval(days => 10) WHERE owner_id = $1 AND seq <= $2"
FEED = """
query ($after: String, $first: Int) {
  changes(after: $after, first: $first) {
    nodes { todoId } pageInfo { hasNextPage endCursor }
  }
  changeCursor
}
"""
HISTORY = """
query ($id: ID!, $after: String) {
  todo(id: $id) { history(after: $after) { nodes { action cursor } pageInfo { hasPreviousPage } } }
}
"""


async def insert(account: Account, number: int = 1, todo_id: str | None = None) -> list[str]:
    """Append changes of an unknown kind to an account's log; returns their ids."""
    owner_id = UUID(account.id)
    rows = await fetch(INSERT, owner_id, number, UUID(todo_id) if todo_id else None)
    announce(owner_id)
    return [row["id"] for row in rows]


async def feed(account: Account, after: str | None = None, first: int | None = None) -> Any:
    """A page of the feed."""
    return (await account.data(FEED, after=after, first=first))["changes"]


async def test_pages_of_the_feed_leave_unknown_kinds_out(account: Account) -> None:
    """Pages are as full as without them, and go on behind them."""
    ids = list[str]()
    for _ in range(3):
        ids.append((await account.create())["id"])
        await insert(account, 2, ids[-1])
    first = await feed(account, first=2)
    assert [node["todoId"] for node in first["nodes"]] == ids[:2]
    assert first["pageInfo"]["hasNextPage"] is True
    second = await feed(account, first["pageInfo"]["endCursor"], 1)
    assert [node["todoId"] for node in second["nodes"]] == ids[2:]
    assert second["pageInfo"]["hasNextPage"] is False


async def test_newest_cursor_may_stand_after_an_unknown_kind(account: Account) -> None:
    """The query goes on from there, and numbers go on without a gap."""
    await account.create()
    await insert(account)
    cursor = await newest(account)
    assert (await feed(account, cursor))["nodes"] == []
    todo = await account.create()
    assert (await feed(account, cursor))["nodes"] == [{"todoId": todo["id"]}]
    rows = await fetch(NUMBERS, UUID(account.id))
    assert [row["seq"] for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("filter", [None, {"priority": {"eq": "MEDIUM"}}])
async def test_subscribers_are_sent_nothing_of_unknown_kinds(
    account: Account, address: str, filter: Any
) -> None:
    """Those that are live go on with the next change of a todo, with a filter too."""
    todo = await account.create()
    async with (
        connected(address, account.token) as socket,
        streaming(address, account.token, after=await newest(account), filter=filter) as stream,
    ):
        await socket.subscribe(filter=filter)
        await socket.settled()
        await insert(account, 3, todo["id"])
        following = await account.create()
        await insert(account)
        last = await account.create()
        for one in (socket, stream):
            events = await one.changes(2)
            assert [event["todoId"] for event in events] == [following["id"], last["id"]]
            assert all(event["matches"] for event in events)


async def test_resuming_goes_on_behind_pages_of_unknown_kinds(
    account: Account, address: str
) -> None:
    """A subscription goes on from a cursor before them or among them, over reads with no other kind."""
    todo = await account.create()
    before = await newest(account)
    await insert(account, 250, todo["id"])
    among = await newest(account)
    await insert(account, 120)
    following = await account.create()
    async with connected(address, account.token) as socket:
        for id, cursor in (("before", before), ("among", among)):
            await socket.subscribe(id=id, after=cursor)
            message = await socket.next()
            event = message["payload"]["data"]["changes"]
            assert (message["id"], event["todoId"]) == (id, following["id"])


async def test_filter_sees_past_states_of_a_todo_that_unknown_kinds_name(
    account: Account, address: str
) -> None:
    """What a todo was before a change is worked out from the changes of the todo alone."""
    todo = await account.create(priority="LOW")
    start = await newest(account)
    update = """
    mutation ($id: ID!, $input: TodoUpdateInput!) {
      todoUpdate(id: $id, input: $input) { errors { code } }
    }
    """
    await insert(account, 1, todo["id"])
    await account.data(update, id=todo["id"], input={"priority": "HIGH"})
    await insert(account, 1, todo["id"])
    await account.data(update, id=todo["id"], input={"title": "Other"})
    await insert(account, 120, todo["id"])
    async with streaming(
        address, account.token, after=start, filter={"priority": {"eq": "LOW"}}
    ) as stream:
        [left] = await stream.changes(1)
        assert (left["action"], left["matches"]) == ("UPDATED", False)
        last = await account.create(priority="LOW")
        [event] = await stream.changes(1)
        assert (event["todoId"], event["matches"]) == (last["id"], True)


async def test_history_leaves_unknown_kinds_out(account: Account) -> None:
    """A change of something that belongs to the todo is no change of the todo."""
    todo = await account.create()
    await insert(account, 2, todo["id"])
    history = (await account.data(HISTORY, id=todo["id"]))["todo"]["history"]
    assert [node["action"] for node in history["nodes"]] == ["CREATED"]
    later = await account.data(HISTORY, id=todo["id"], after=await newest(account))
    assert later["todo"]["history"]["pageInfo"] == {"hasPreviousPage": False}


async def test_unknown_kind_is_no_node(account: Account) -> None:
    """Its id finds nothing, as if it were not there."""
    todo = await account.create()
    [id] = await insert(account, 1, todo["id"])
    assert (await account.data("query ($id: ID!) { node(id: $id) { id } }", id=id)) == {
        "node": None
    }


async def test_retention_deletes_unknown_kinds_in_their_order(account: Account) -> None:
    """Old ones are deleted with the changes before them, and a cursor after the last stays good."""
    # Other tests may have left old ones.
    await purge_changes(9)
    await account.create()
    first = await newest(account)
    await insert(account, 2)
    cursor = await newest(account)
    await insert(account)
    following = await account.create()
    await fetch(AGE, UUID(account.id), 3)
    assert await purge_changes(9) == 3
    assert (await feed(account, cursor))["nodes"] == [{"todoId": following["id"]}]
    error = await account.error(FEED, after=first)
    assert error["extensions"]["reason"] == "RESYNC_REQUIRED"


async def test_all_that_is_left_may_be_of_unknown_kinds(account: Account, address: str) -> None:
    """A log without any change of a todo is read and followed like an empty one."""
    await insert(account, 3)
    assert await feed(account) == {
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
    }
    async with streaming(address, account.token, after=await newest(account)) as stream:
        await insert(account)
        todo = await account.create()
        [event] = await stream.changes(1)
        assert event["todoId"] == todo["id"]


async def test_id_that_only_an_unknown_kind_names_stays_used(account: Account) -> None:
    """The id of a purged todo can't be used again while anything in the log names it."""
    purged = str(uuid4())
    await insert(account, 1, purged)
    answer = await account.data(CREATE, input={"title": "Again", "id": purged})
    [error] = answer["todoCreate"]["errors"]
    assert error["code"] == "ALREADY_EXISTS"
