"""The reader of feeds: what others did is entered once, and nothing else is."""

import asyncio
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.inboxes import stored, unread_count
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.changelog.grown_logs import GrownLogs
from todo_gql.database.connection import Connection, fetch
from todo_gql.database.models import Action, ChangeKind, NotificationKind
from todo_gql.features.notifications import feed_reader
from todo_gql.features.notifications.feed_reader import FeedReader, read_feed
from todo_gql.inbox.entries import Entry, enter
from todo_gql.settings import Settings
from todo_gql.tasks import working

# A change of the newest todo, as if somebody had made it; the log has it in order, under the lock.
CHANGE = """
WITH moved AS (UPDATE feeds SET seq = seq + 1 WHERE owner_id = $1 RETURNING seq)
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at, kind)
SELECT gen_random_uuid(), $1, moved.seq, $2, $3, $4, '[]', now() - $5 * interval '1 hour', 0
FROM moved
"""
POSITION = "SELECT seq FROM inboxes WHERE owner_id = $1"


async def change(
    owner: Account,
    actor: Account,
    todo_id: str,
    action: Action = Action.COMPLETED,
    hours_ago: float = 0,
) -> None:
    """Log a change of somebody's todo."""
    values = (UUID(owner.id), UUID(todo_id), UUID(actor.id), action.value, hours_ago)
    await fetch(CHANGE, *values)


async def read(account: Account) -> list[tuple[NotificationKind, int]]:
    """Read a feed; the kinds and counts of what is in the inbox then."""
    await read_feed(UUID(account.id))
    return [(NotificationKind(row["kind"]), row["event_count"]) for row in await stored(account)]


async def test_completion_by_somebody_else_is_entered(account: Account, stranger: Account) -> None:
    """What somebody else completed is in the inbox once, however often the feed is read."""
    todo = await account.create()
    await change(account, stranger, todo["id"])
    for _ in range(2):
        assert await read(account) == [(NotificationKind.COMPLETED, 1)]
    [row] = await stored(account)
    assert (str(row["subject_id"]), str(row["actor_id"])) == (todo["id"], stranger.id)
    assert row["subject_kind"] == ChangeKind.TODO
    assert await stored(stranger) == []


async def test_own_acts_are_not_entered(account: Account) -> None:
    """Nobody is notified of what they completed themselves."""
    todo = await account.create()
    await account.data(
        "mutation ($id: ID!) { todoComplete(id: $id) { todo { id } } }", id=todo["id"]
    )
    assert await read(account) == []


@pytest.mark.parametrize("action", set(Action) - {Action.COMPLETED})
async def test_other_actions_are_not_entered(
    account: Account, stranger: Account, action: Action
) -> None:
    """Changes that nobody is notified of are read over."""
    todo = await account.create()
    await change(account, stranger, todo["id"], action)
    assert await read(account) == []


async def test_what_is_older_than_a_day_is_not_entered(account: Account, stranger: Account) -> None:
    """A reader that was away for long enters what happened in the last 24 hours only."""
    todo = await account.create()
    await change(account, stranger, todo["id"], hours_ago=24.1)
    await change(account, stranger, (await account.create())["id"], hours_ago=23.9)
    assert await read(account) == [(NotificationKind.COMPLETED, 1)]


async def test_several_readers_enter_each_change_once(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that read one feed at the same time enter each change once, in batches too."""
    monkeypatch.setattr(feed_reader, "CHANGES_AT_ONCE", 3)
    for _ in range(10):
        await change(account, stranger, (await account.create())["id"])
    await asyncio.gather(*(read_feed(UUID(account.id)) for _ in range(5)))
    assert len(await stored(account)) == await unread_count(account) == 10


async def test_reader_that_fails_enters_nothing_and_goes_on(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that is ended after it entered, but before it commits, repeats all of it."""

    async def failing(connection: Connection, entries: list[Entry]) -> int:
        await enter(connection, entries)
        raise ArithmeticError

    await change(account, stranger, (await account.create())["id"])
    with monkeypatch.context() as patch:
        patch.setattr(feed_reader, "enter", failing)
        with pytest.raises(ArithmeticError):
            await read_feed(UUID(account.id))
    assert await stored(account) == []
    assert await read(account) == [(NotificationKind.COMPLETED, 1)]


async def test_changes_of_unknown_kinds_are_read_over(account: Account, stranger: Account) -> None:
    """A newer release's kinds of changes are no reason to stop."""
    todo = await account.create()
    await change(account, stranger, todo["id"])
    await fetch(
        "UPDATE changes SET kind = 99, entity_id = todo_id, todo_id = NULL"
        " WHERE owner_id = $1 AND actor_id <> owner_id",
        UUID(account.id),
    )
    await change(account, stranger, todo["id"])
    assert await read(account) == [(NotificationKind.COMPLETED, 1)]


async def test_sweep_finds_what_was_not_announced(account: Account, stranger: Account) -> None:
    """Feeds whose growth nobody announced are read when all are looked through."""
    await change(account, stranger, (await account.create())["id"])
    await FeedReader().run()
    assert len(await stored(account)) == 1


async def test_announced_feeds_are_read_at_once(account: Account, stranger: Account) -> None:
    """A reader reads the feeds that were announced between two sweeps, and no others."""
    reader = FeedReader()
    await reader.run()
    for owner, other in ((account, stranger), (stranger, account)):
        await change(owner, other, (await owner.create())["id"])
    feed_registry.follower(GrownLogs).take()
    feed_registry.announce(UUID(account.id))
    await reader.run()
    assert (len(await stored(account)), len(await stored(stranger))) == (1, 0)


async def test_worker_reads_feeds(
    account: Account, stranger: Account, settings: Settings, database_url: str
) -> None:
    """A worker enters what others did while it runs."""
    async with working(settings, database_url):
        await change(account, stranger, (await account.create())["id"])
        feed_registry.announce(UUID(account.id))

        async def is_entered() -> bool:
            return bool(await stored(account))

        await until(is_entered)
