"""The subscription to an inbox: each entry once, in order, whatever happens meanwhile."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.inboxes import entered, entry, stored, unread_count, watched
from tests.support.subscribers import Socket, connected
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import fetch
from todo_gql.inbox import watchers
from todo_gql.inbox.snoozes import end_snoozes
from todo_gql.inbox.wake_ups import announce
from todo_gql.inbox.watchers import WatchedInboxes
from todo_gql.security.rate_limits import RateLimits
from todo_gql.security.sliding_window import EVENTS
from todo_gql.settings import Settings
from todo_gql.tasks import working

SUBSCRIBE = "subscription { notifications { id kind count excerpt } }"


async def events(socket: Socket, number: int) -> list[dict[str, Any]]:
    """The next events of a subscription to an inbox."""
    messages = [await socket.next() for _ in range(number)]
    assert [message["type"] for message in messages] == ["next"] * number, messages
    return [message["payload"]["data"]["notifications"] for message in messages]


async def enter(account: Account, *entries: Any) -> None:
    """Enter notifications and announce them, as whatever causes them does."""
    await entered(*entries)
    announce([UUID(account.id)])


async def test_entries_arrive_as_they_are_entered(account: Account, address: str) -> None:
    """New entries come in their order, and one that is counted up comes again."""
    todo = await account.create(title="Buy milk")
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await enter(account, entry(account, subject=todo["id"]), entry(account))
        first, second = await events(socket, 2)
        assert (first["excerpt"], first["count"], second["excerpt"]) == ("Buy milk", 1, None)
        await enter(account, entry(account, subject=todo["id"]))
        [again] = await events(socket, 1)
        assert again == first | {"count": 2}


async def test_earlier_entries_are_not_sent(account: Account, address: str) -> None:
    """A subscription begins with what comes next, and not with what is in the inbox."""
    await entered(entry(account))
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await enter(account, entry(account, subject=str(uuid4())))
        [event] = await events(socket, 1)
        assert event["id"] == (await newest(account))


async def newest(account: Account) -> str:
    """The id of the newest entry."""
    data = await account.data("{ notifications(first: 1) { nodes { id } } }")
    return str(data["notifications"]["nodes"][0]["id"])


async def test_others_entries_are_not_sent(
    account: Account, stranger: Account, address: str
) -> None:
    """Only one's own inbox is followed."""
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await enter(stranger, entry(stranger))
        await enter(account, entry(account))
        [event] = await events(socket, 1)
        assert event["id"] == await newest(account)


async def test_lost_wake_ups_are_made_up_for_by_polling(account: Account, address: str) -> None:
    """An entry whose announcement was lost comes with the next poll, once."""
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await entered(entry(account))
        await feed_registry.follower(WatchedInboxes).poll()
        [first] = await events(socket, 1)
        await feed_registry.follower(WatchedInboxes).poll()
        await enter(account, entry(account))
        [second] = await events(socket, 1)
        assert first["id"] != second["id"] == await newest(account)


async def test_database_failures_lose_and_repeat_nothing(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are late while the database can't be reached, and then each of them comes once."""
    failures = iter([True] * 3)

    async def failing(*values: Any) -> Any:
        if next(failures, False):
            raise ConnectionResetError
        return await fetch(*values)

    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await enter(account, entry(account))
        await events(socket, 1)
        monkeypatch.setattr(watchers, "fetch", failing)
        monkeypatch.setattr("todo_gql.changelog.positions.RETRY_SECONDS", 0.01)
        for _ in range(5):
            await enter(account, entry(account))
        received = [event["id"] for event in await events(socket, 5)]
        data = await account.data("{ notifications(first: 5) { nodes { id } } }")
        assert received == [node["id"] for node in reversed(data["notifications"]["nodes"])]


async def test_many_entries_come_in_chunks(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More entries than are read at once all come, each once."""
    monkeypatch.setattr(watchers, "PAGE_SIZE", 3)
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await enter(account, *(entry(account) for _ in range(10)))
        assert len({event["id"] for event in await events(socket, 10)}) == 10


async def test_all_subscribers_of_an_inbox_get_each_entry(account: Account, address: str) -> None:
    """Several subscriptions of one person each get everything, on one connection and on others."""
    async with (
        connected(address, account.token) as one,
        connected(address, account.token) as other,
    ):
        for socket, id in ((one, "1"), (one, "2"), (other, "1")):
            await socket.subscribe(SUBSCRIBE, id)
        await watched(account, 3)
        await asyncio.gather(*(enter(account, entry(account)) for _ in range(4)))
        received: dict[tuple[bool, str], list[str]] = {}
        for socket, number in ((one, 8), (other, 4)):
            for _ in range(number):
                message = await socket.next()
                id = message["payload"]["data"]["notifications"]["id"]
                received.setdefault((socket is one, message["id"]), []).append(id)
        assert len(received) == 3
        assert len({tuple(ids) for ids in received.values()}) == 1
    await watched(account, 0)


async def test_what_is_hidden_by_then_is_not_sent(account: Account, address: str) -> None:
    """An entry that was archived or snoozed before it is read by the subscription is left out."""
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await entered(entry(account), entry(account))
        await fetch(
            "UPDATE notifications SET archived_at = CASE WHEN seq % 2 = 0 THEN now() END,"
            " snoozed_until = CASE WHEN seq % 2 = 1 THEN now() + interval '1 day' END"
            " WHERE owner_id = $1",
            UUID(account.id),
        )
        await enter(account, entry(account))
        [event] = await events(socket, 1)
        assert event["id"] == await newest(account)


SNOOZE = """
mutation ($id: ID!, $until: DateTime!) {
  notificationsUpdate(ids: [$id], action: { snoozeUntil: $until }) { errors { code } }
}
"""
LET_SNOOZES_END = "UPDATE notifications SET snoozed_until = now() WHERE owner_id = $1"


async def test_what_was_snoozed_comes_back(account: Account, address: str) -> None:
    """An entry is sent again when its snooze ends, once by however many workers, and one that lies ahead isn't."""
    await entered(entry(account), entry(account))
    first, second = [str(row["id"]) for row in await stored(account)]
    for id in (first, second):
        await account.data(SNOOZE, id=id, until="2999-01-01T00:00:00Z")
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        await fetch(f"{LET_SNOOZES_END} AND id = $2", UUID(account.id), UUID(first))
        await asyncio.gather(*(end_snoozes() for _ in range(4)))
        await enter(account, entry(account))
        ids = [event["id"] for event in await events(socket, 2)]
        assert ids == [first, await newest(account)]
    assert await unread_count(account) == 3
    assert [row["snoozed_until"] is None for row in await stored(account)] == [False, True, True]


async def test_what_was_archived_does_not_come_back(account: Account) -> None:
    """An entry that was archived while it was snoozed is not sent again."""
    await entered(entry(account))
    [before] = await stored(account)
    await account.data(SNOOZE, id=str(before["id"]), until="2999-01-01T00:00:00Z")
    await fetch(f"{LET_SNOOZES_END}", UUID(account.id))
    await fetch(
        "UPDATE notifications SET archived_at = now() WHERE owner_id = $1", before["owner_id"]
    )
    await end_snoozes()
    assert [row["seq"] for row in await stored(account)] == [before["seq"]]


async def test_a_worker_ends_snoozes(
    account: Account, settings: Settings, database_url: str
) -> None:
    """A running worker finds snoozes that have ended."""
    await entered(entry(account))
    await fetch(LET_SNOOZES_END, UUID(account.id))

    async def has_ended() -> bool:
        return (await stored(account))[0]["snoozed_until"] is None

    async with working(settings, database_url):
        await until(has_ended)


async def test_events_are_charged(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event is charged to the viewer's limit of events, also one that is hidden."""
    charged: list[int] = []
    take = RateLimits.take

    def noting(self: RateLimits, caller: Any, kind: int, amount: int) -> Any:
        charged.extend([kind] if caller == UUID(account.id).int else [])
        return take(self, caller, kind, amount)

    monkeypatch.setattr(RateLimits, "take", noting)
    async with connected(address, account.token) as socket:
        await socket.subscribe(SUBSCRIBE)
        await watched(account)
        charged.clear()
        await entered(entry(account))
        await fetch(
            "UPDATE notifications SET archived_at = now() WHERE owner_id = $1", UUID(account.id)
        )
        await enter(account, entry(account))
        await events(socket, 1)
        assert charged == [EVENTS, EVENTS]
