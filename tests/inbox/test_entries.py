"""What is entered into inboxes: once, counted, and with the times at which it is sent besides."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.inboxes import entered, entry, prefer, stored, unread_count
from todo_gql.database.connection import Row, fetch, transaction
from todo_gql.database.models import NotificationKind
from todo_gql.inbox.entries import enter

AGE = "UPDATE notifications SET created_at = created_at - $2::interval WHERE owner_id = $1"
READ = "UPDATE notifications SET read_at = now() WHERE owner_id = $1"
SUBSCRIBE = """
INSERT INTO push_subscriptions (id, owner_id, endpoint, endpoint_hash, p256dh, auth, created_at)
VALUES (gen_random_uuid(), $1, 'https://push.example/1', '\\x01', 'key', 'secret', now())
"""
SILENT = frozenset(NotificationKind) - {
    NotificationKind.REMINDER,
    NotificationKind.ASSIGNED,
    NotificationKind.MENTIONED,
    NotificationKind.INVITED,
    NotificationKind.SECURITY,
}


def delay(row: Row, column: str) -> timedelta | None:
    """How long after an entry it is sent, to the second."""
    at: datetime | None = row[column]
    return timedelta(seconds=round((at - row["created_at"]).total_seconds())) if at else None


async def test_same_source_is_entered_once(account: Account) -> None:
    """What is entered again, at once or later, neither adds an entry nor counts one up."""
    once, other = entry(account, source="a"), entry(account, source="b")
    assert await entered(once, once) == 1
    assert await entered(once, other) == 1
    assert [row["source"] for row in await stored(account)] == ["a", "b"]
    assert await unread_count(account) == 2


async def test_reminder_of_the_same_source_is_entered_once(account: Account) -> None:
    """A reminder that two workers enter is one entry; another moment of it is another one."""
    subject = str(uuid4())
    first, second = (
        entry(account, NotificationKind.REMINDER, source=source, subject=subject)
        for source in ("9:00", "10:00")
    )
    numbers = await asyncio.gather(*(entered(first) for _ in range(5)))
    assert sorted(numbers) == [0, 0, 0, 0, 1]
    assert await entered(first, second) == 1
    assert await unread_count(account) == 2


async def test_same_subject_within_five_minutes_counts_up(
    account: Account, stranger: Account
) -> None:
    """Events of one todo and kind are one unread entry with their number and the last who acted."""
    subject = str(uuid4())
    events = [entry(account, subject=subject) for _ in range(3)]
    assert await entered(*events[:2]) == 1
    last = entry(account, subject=subject, actor=stranger)
    assert await entered(events[2], last) == 0
    [row] = await stored(account)
    assert (row["event_count"], str(row["actor_id"]), row["seq"]) == (4, stranger.id, 2)
    assert await unread_count(account) == 1


async def test_entered_source_is_left_out_of_a_count(account: Account) -> None:
    """An event that an entry was made of isn't counted again beside a new one of its subject."""
    subject = str(uuid4())
    first, second = entry(account, subject=subject), entry(account, subject=subject)
    await entered(first)
    await fetch(READ, UUID(account.id))
    assert await entered(first, second) == 1
    assert [row["event_count"] for row in await stored(account)] == [1, 1]


@pytest.mark.parametrize("other", ["subject", "kind", "read", "old"])
async def test_what_else_happens_is_an_entry_of_its_own(account: Account, other: str) -> None:
    """Another todo, another kind, an entry that was read, and an older one are not counted up."""
    subject = str(uuid4())
    await entered(entry(account, subject=subject))
    kind = NotificationKind.COMMENTED if other == "kind" else NotificationKind.COMPLETED
    if other == "read":
        await fetch(READ, UUID(account.id))
    if other == "old":
        await fetch(AGE, UUID(account.id), timedelta(minutes=5))
    again = entry(account, kind, subject=str(uuid4()) if other == "subject" else subject)
    assert await entered(again) == 1
    assert [row["event_count"] for row in await stored(account)] == [1, 1]


async def test_own_acts_are_not_entered(account: Account, stranger: Account) -> None:
    """Nobody is notified of what they did, but for what concerns their security."""
    assert await entered(entry(account, actor=account)) == 0
    security = entry(account, NotificationKind.SECURITY, actor=account)
    assert await entered(security, entry(account, actor=stranger)) == 2


async def test_account_that_is_gone_gets_nothing(account: Account, stranger: Account) -> None:
    """Entries of others are made although one account was deleted."""
    await fetch("DELETE FROM users WHERE id = $1", UUID(stranger.id))
    assert await entered(entry(stranger), entry(account)) == 1


async def test_rolled_back_entry_leaves_nothing(account: Account) -> None:
    """An entry is part of the transaction of what causes it."""

    async def enter_and_fail() -> None:
        async with transaction() as connection:
            await enter(connection, [entry(account)])
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await enter_and_fail()
    assert await stored(account) == []
    assert await unread_count(account) == 0


async def test_opposite_batches_do_not_deadlock(account: Account, stranger: Account) -> None:
    """Inboxes are locked in one order, whatever the order of the entries."""
    batches = [
        [entry(one, source=f"{number}") for one in owners]
        for number in range(10)
        for owners in ((account, stranger), (stranger, account))
    ]
    await asyncio.gather(*(entered(*batch) for batch in batches))
    for one in (account, stranger):
        rows = await stored(one)
        assert len(rows) == await unread_count(one) == 10
        assert len({row["seq"] for row in rows}) == 10


@pytest.mark.parametrize("kind", NotificationKind)
async def test_when_an_entry_is_sent_by_default(account: Account, kind: NotificationKind) -> None:
    """Mails wait five minutes but for reminders; what concerns the person alone is pushed at once.

    What protects the account, and invitations, are mailed by themselves.
    """
    await fetch(SUBSCRIBE, UUID(account.id))
    await entered(entry(account, kind, subject=str(uuid4())))
    [row] = await stored(account)
    by_themselves = dict.fromkeys((NotificationKind.SECURITY, NotificationKind.INVITED))
    mailed = {NotificationKind.REMINDER: timedelta(0)} | by_themselves
    assert delay(row, "email_at") == mailed.get(kind, timedelta(minutes=5))
    assert delay(row, "push_at") == (None if kind in SILENT else timedelta(0))


@pytest.mark.parametrize("kind", NotificationKind)
async def test_kind_that_is_switched_off_is_entered_only(
    account: Account, kind: NotificationKind
) -> None:
    """Preferences decide what is sent, but SECURITY is pushed whatever they say."""
    await fetch(SUBSCRIBE, UUID(account.id))
    await prefer(account, {each.name: {"email": False, "push": False} for each in NotificationKind})
    await entered(entry(account, kind))
    [row] = await stored(account)
    assert row["email_at"] is None
    assert (row["push_at"] is not None) is (kind is NotificationKind.SECURITY)


async def test_quiet_entry_is_in_the_inbox_only(account: Account) -> None:
    """What comes too late to be sent is entered without a time for it."""
    await fetch(SUBSCRIBE, UUID(account.id))
    assert await entered(entry(account, NotificationKind.REMINDER, is_quiet=True)) == 1
    [row] = await stored(account)
    assert row["email_at"] is row["push_at"] is None
    assert await unread_count(account) == 1


async def test_nothing_is_pushed_without_a_browser(account: Account) -> None:
    """An entry of somebody who has subscribed no browser has no time at which it is pushed."""
    await entered(entry(account, NotificationKind.REMINDER))
    [row] = await stored(account)
    assert row["push_at"] is None


async def test_quiet_hours_put_off_what_is_sent(account: Account) -> None:
    """Mails and pushes wait for the end of quiet hours; those about security don't."""
    await fetch(SUBSCRIBE, UUID(account.id))
    today = (await fetch("SELECT (now() AT TIME ZONE 'UTC')::date AS day"))[0]["day"]
    # Two whole days, whichever of them it is by the time of the entry.
    days = {(today + timedelta(days=number)).isoweekday() for number in (0, 1)}
    await prefer(account, None, [{"weekday": d, "from": "00:00", "to": "00:00"} for d in days])
    await entered(
        entry(account, NotificationKind.REMINDER), entry(account, NotificationKind.SECURITY)
    )
    reminder, security = await stored(account)
    assert reminder["email_at"] == reminder["push_at"]
    assert reminder["push_at"].date() == today + timedelta(days=2)
    assert delay(security, "push_at") == timedelta(0)


async def test_person_who_is_never_reachable_finds_it_in_the_inbox(account: Account) -> None:
    """Quiet hours around the clock let nothing be sent, and everything be entered."""
    week = [{"weekday": day, "from": "00:00", "to": "00:00"} for day in range(1, 8)]
    await prefer(account, None, week)
    assert await entered(entry(account, NotificationKind.REMINDER)) == 1
    assert (await stored(account))[0]["email_at"] is None


async def test_number_of_statements_does_not_grow_with_entries(
    account: Account, stranger: Account, recorded: object
) -> None:
    """A thousand entries of several accounts take as many statements as one."""
    await entered(entry(account), entry(stranger))
    with recorded() as few:  # type: ignore[operator]
        await entered(entry(account, NotificationKind.REMINDER))
    with recorded() as many:  # type: ignore[operator]
        entries = [
            entry(one, NotificationKind.REMINDER) for one in (account, stranger) for _ in range(500)
        ]
        assert await entered(*entries) == 1_000
    assert len(many) == len(few)
