"""Following changes: what was missed, then what happens, each change once and in order."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import RETITLE, Account
from tests.support.subscribers import connected, newest, streaming
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.changelog.cursors import cursor_of
from todo_gql.database.connection import fetch

BULK = """
mutation ($ids: [ID!]!) {
  todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }) { updated }
}
"""
FEED = "query ($after: String) { changes(after: $after) { nodes { cursor } } changeCursor }"


async def cursors(account: Account, after: str | None = None) -> list[str]:
    """The cursors in the feed after one, as the query gives them."""
    nodes = (await account.data(FEED, after=after))["changes"]["nodes"]
    return [node["cursor"] for node in nodes]


async def test_changes_are_told_as_they_are_made(account: Account, address: str) -> None:
    """A subscription without a cursor sends changes from now on, with the todo after the change."""
    await account.create(title="Before")
    async with connected(address, account.token) as one:
        await one.subscribe(after=None, filter=None)
        await one.settled()
        todo = await account.create(title="New", tags=["b", "a"])
        [event] = await one.changes(1)
        assert event == {
            "__typename": "Change",
            "cursor": await newest(account),
            "action": "CREATED",
            "todoId": todo["id"],
            "matches": True,
            "todo": {"title": "New", "status": "PENDING", "tags": [{"name": "a"}, {"name": "b"}]},
        }
        await account.data(BULK, ids=[todo["id"]])
        [event] = await one.changes(1)
        assert (event["action"], event["todo"]["status"]) == ("COMPLETED", "COMPLETED")


async def test_what_was_missed_comes_first(account: Account, address: str) -> None:
    """Missed changes come first in pages of the log, and then new ones without a gap."""
    await account.create()
    after = await newest(account)
    made = await account.create_many([{"title": f"Todo {n}"} for n in range(250)])
    async with connected(address, account.token) as one:
        await one.subscribe(after=after)
        begun = await one.changes(50)
        await account.data(BULK, ids=[todo["id"] for todo in made[:100]])
        told = begun + await one.changes(300)
    assert [event["todoId"] for event in told[:250]] == [todo["id"] for todo in made]
    assert len({event["cursor"] for event in told}) == 350
    assert [event["action"] for event in told] == ["CREATED"] * 250 + ["COMPLETED"] * 100
    assert told[-1]["cursor"] == await newest(account)


async def test_all_subscribers_of_an_owner_get_everything(account: Account, address: str) -> None:
    """All subscribers of an owner get everything, whenever they join and from any cursor."""
    start = await newest(account)
    async with (
        connected(address, account.token) as early,
        streaming(address, account.token, after=start) as stream,
    ):
        await early.subscribe()
        await early.settled()
        await account.create_many([{"title": "A"}] * 5)
        async with connected(address, account.token) as late:
            await late.subscribe(after=start)
            await late.subscribe(id="2")
            seen = await late.changes(5)
            await late.settled()
            await account.create_many([{"title": "B"}] * 5)
            both = [await late.next() for _ in range(10)]
        by_id: dict[str, list[Any]] = {"1": seen, "2": []}
        for message in both:
            by_id[message["id"]].append(message["payload"]["data"]["changes"])
        expected = await cursors(account, start)
        assert [event["cursor"] for event in by_id["1"]] == expected
        assert [event["cursor"] for event in by_id["2"]] == expected[5:]
        assert [event["cursor"] for event in await early.changes(10)] == expected
        assert [event["cursor"] for event in await stream.changes(10)] == expected


async def test_nobody_hears_of_others(account: Account, stranger: Account, address: str) -> None:
    """Only the viewer's own changes are told."""
    async with connected(address, stranger.token) as one:
        await one.subscribe()
        await one.settled()
        await account.create()
        own = await stranger.create()
        [event] = await one.changes(1)
        assert event["todoId"] == own["id"]


@pytest.mark.parametrize("cursor", ["nonsense", "", "of a stranger", "of the future"])
async def test_an_unknown_cursor_needs_a_resync(
    cursor: str, account: Account, stranger: Account, address: str
) -> None:
    """It is said with the newest cursor, and the subscription completes."""
    await account.create()
    after = {
        "of a stranger": await newest(stranger),
        "of the future": cursor_of(UUID(account.id), 2),
    }.get(cursor, cursor)
    async with connected(address, account.token) as one:
        await one.subscribe(after=after)
        [event] = await one.changes(1)
        assert (event["__typename"], event["cursor"]) == ("ResyncRequired", await newest(account))
        assert event["reason"]
        assert await one.next() == {"id": "1", "type": "complete"}


async def test_a_cursor_older_than_the_log_needs_a_resync(account: Account, address: str) -> None:
    """A cursor older than the log needs a resync, whether the log's start or all of it is gone."""
    await account.create_many([{"title": "A"}] * 3)
    first, second, third = await cursors(account)
    owner = UUID(account.id)
    async with connected(address, account.token) as one:
        await fetch("DELETE FROM changes WHERE owner_id = $1 AND seq <= 2", owner)
        await one.subscribe(after=first)
        assert [e["__typename"] for e in await one.changes(1)] == ["ResyncRequired"]
        assert (await one.next())["type"] == "complete"
        await one.subscribe(after=second)
        assert [e["cursor"] for e in await one.changes(1)] == [third]
        await fetch("DELETE FROM changes WHERE owner_id = $1", owner)
        await one.subscribe(id="2", after=second)
        assert [e["__typename"] for e in await one.changes(1)] == ["ResyncRequired"]
        assert (await one.next())["type"] == "complete"
        await one.subscribe(id="3", after=third)
        await one.settled()
        await account.create()
        assert {(await one.next())["id"] for _ in range(2)} == {"1", "3"}


async def test_each_event_shows_todos_as_they_are(account: Account, address: str) -> None:
    """Nothing that was loaded for one event is shown again at the next."""
    todo = await account.create(title="0")
    async with connected(address, account.token) as one, connected(address, account.token) as other:
        for each in (one, other):
            await each.subscribe()
            await each.settled()
        for title in map(str, range(1, 6)):
            await account.data(RETITLE, id=todo["id"], title=title)
            for each in (one, other):
                [event] = await each.changes(1)
                assert event["todo"]["title"] == title


async def test_who_is_ahead_of_the_others_sees_todos_as_they_are(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was just loaded for the others isn't shown with a change that they weren't told yet."""
    async with connected(address, account.token) as one, connected(address, account.token) as two:
        await account.create()
        await one.subscribe()
        await one.settled()
        todo = await account.create(title="old")
        await one.changes(1)
        monkeypatch.setattr("todo_gql.features.todos.write_transactions.announce", lambda _: None)
        await account.data(RETITLE, id=todo["id"], title="new")
        await two.subscribe(after=cursor_of(UUID(account.id), 0))
        told = await two.changes(3)
        assert (told[-1]["action"], told[-1]["todo"]["title"]) == ("UPDATED", "new")


async def test_who_follows_nothing_costs_nothing(account: Account, address: str) -> None:
    """The feed of an owner is gone with the last of their subscribers."""
    async with connected(address, account.token) as one:
        await one.subscribe()
        await one.settled()
        assert len(feed_registry.feeds()) == 1
        await one.send(id="1", type="complete")
        await until(lambda: len(feed_registry.feeds()) == 0)
