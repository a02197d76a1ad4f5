"""The worker tells each person of each reminder once, in order, and of nothing that is done."""

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.reminders import (
    added,
    let_come,
    put_reminders,
    relative,
    reminded_of,
    reminder_id,
    stored_reminders,
)
from tests.support.waiting import until
from todo_gql.database.connection import fetch, transaction
from todo_gql.features.reminders import firing
from todo_gql.features.reminders.firing import fire_due_reminders
from todo_gql.observability.metrics import metrics
from todo_gql.reminder_times.due import due_reminders
from todo_gql.settings import Settings
from todo_gql.tasks import working

COMPLETE = "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }"
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { errors { code } } }"
REOPEN = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { status: PENDING }) { errors { code } } }
"""
CANCEL = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { status: CANCELLED }) { errors { code } } }
"""
INBOX = """
{ notifications { unreadCount nodes { kind count actor { id } subject { id } excerpt readAt } } }
"""
MOVE = """
mutation ($id: ID!) {
  todoUpdate(id: $id, input: { dueAt: "2030-02-02T00:00:00Z" }) { errors { code } }
}
"""
AGAIN = "UPDATE reminders SET fires_at = fired_at WHERE id = ANY($1)"
ON_TIME, DAY = timedelta(), timedelta(hours=24)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture(autouse=True)
async def nothing_else(app: object) -> None:
    """No reminders of other tests."""
    await fetch("DELETE FROM reminders")


async def test_due_reminders_fire_in_order(account: Account) -> None:
    """Reminders that are due are entered earliest first, and those that lie ahead wait."""
    todo = await account.create()
    minutes = [timedelta(minutes=number) for number in (5, 1, 9, 3)]
    ids = await put_reminders(todo, *minutes)
    [ahead] = await put_reminders(todo, timedelta(minutes=-1))
    assert await fire_due_reminders() == 4
    entries = await reminded_of(account)
    assert [reminder_id(entry) for entry in sorted(entries, key=lambda entry: entry["seq"])] == [
        ids[2],
        ids[0],
        ids[3],
        ids[1],
    ]
    assert {str(entry["subject_id"]) for entry in entries} == {todo["id"]}
    stored = await stored_reminders([*ids, ahead])
    assert all(stored[id]["fires_at"] is None and stored[id]["fired_at"] for id in ids)
    assert stored[ahead]["fires_at"]
    assert stored[ahead]["fired_at"] is None


async def test_reminder_fires_once_for_its_moment(account: Account) -> None:
    """What was entered for a moment isn't entered for it again, whatever the clock or the row says."""
    ids = await put_reminders(await account.create(), ON_TIME)
    assert await fire_due_reminders() == 1
    await fetch(AGAIN, ids)
    assert await fire_due_reminders() == 1
    assert await fire_due_reminders() == 0
    assert len(await reminded_of(account)) == 1


async def test_late_reminders_are_not_lost(account: Account) -> None:
    """Each reminder is entered, however long no worker ran; over 24 hours late in the inbox only."""
    todo = await account.create()
    ids = await put_reminders(todo, DAY - timedelta(minutes=1), DAY + MOMENT, 400 * DAY)
    assert await fire_due_reminders() == 3
    entries = {reminder_id(entry): entry for entry in await reminded_of(account)}
    assert [entries[id]["email_at"] is not None for id in ids] == [True, False, False]
    assert all(entry["push_at"] is None for entry in entries.values())


@pytest.mark.parametrize(
    ("operation", "reason"), [(COMPLETE, "done"), (CANCEL, "done"), (DELETE, "trashed")]
)
async def test_nobody_is_reminded_of_what_is_done(
    account: Account, caplog: pytest.LogCaptureFixture, operation: str, reason: str
) -> None:
    """Reminders of what is completed, cancelled or in the trash end untold, and the log says why."""
    todo = await account.create()
    ids = await put_reminders(todo, ON_TIME)
    await account.data(operation, id=todo["id"])
    skipped = metrics().reminders_skipped.labels(reason)
    before = skipped._value.get()
    with caplog.at_level(logging.INFO, "todo_gql.features.reminders.firing"):
        assert await fire_due_reminders() == 1
    assert skipped._value.get() == before + 1
    assert f"its todo is {reason}: {ids[0]}" in caplog.text
    assert await reminded_of(account) == []
    stored = (await stored_reminders(ids))[ids[0]]
    assert (stored["fires_at"], stored["fired_at"]) == (None, None)
    # It doesn't come when its moment is over, either.
    await account.data(RESTORE if reason == "trashed" else REOPEN, id=todo["id"])
    assert await fire_due_reminders() == 0


@pytest.mark.parametrize(
    ("operation", "back"), [(COMPLETE, REOPEN), (CANCEL, REOPEN), (DELETE, RESTORE)]
)
async def test_what_is_open_again_in_time_is_told(
    account: Account, operation: str, back: str
) -> None:
    """A todo that was done for a while before the reminder's moment has its reminder still."""
    todo = await account.create()
    ids = await put_reminders(todo, ON_TIME)
    await account.data(operation, id=todo["id"])
    await account.data(back, id=todo["id"])
    assert await fire_due_reminders() == 1
    assert [reminder_id(entry) for entry in await reminded_of(account)] == ids


async def test_nobody_is_reminded_of_what_they_do_not_see(
    account: Account, stranger: Account
) -> None:
    """A reminder of a todo that its person can't see any more ends untold."""
    await put_reminders(await account.create(), ON_TIME, person=stranger)
    assert await fire_due_reminders() == 1
    assert await reminded_of(stranger) == await reminded_of(account) == []


async def test_two_workers_share_what_is_due(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers side by side take what the others leave, and nothing is entered twice."""
    monkeypatch.setattr(
        firing, "CLAIM", firing.CLAIM.replace(f"LIMIT {firing.BATCH_SIZE}", "LIMIT 7")
    )
    for one in (account, stranger):
        todos = await one.create_many([{"title": f"{number}"} for number in range(50)])
        for todo in todos:
            await put_reminders(todo, ON_TIME, timedelta(hours=1))
    numbers = await asyncio.gather(*(fire_due_reminders() for _ in range(3)))
    # What one had locked at the end of another is the first one's.
    assert sum(numbers) == 200
    assert all(numbers)
    for one in (account, stranger):
        entries = await reminded_of(one)
        assert len({entry["source"] for entry in entries}) == len(entries) == 100


async def test_todo_that_is_being_written_waits(account: Account) -> None:
    """A reminder whose todo somebody is just changing is decided by what is committed."""
    todo, other = await account.create(), await account.create()
    await put_reminders(todo, timedelta(minutes=1))
    ids = await put_reminders(other, ON_TIME)
    async with transaction() as connection:
        await connection.execute("UPDATE todos SET status = 3 WHERE id = $1", UUID(todo["id"]))
        assert await fire_due_reminders() == 1
    assert await fire_due_reminders() == 1
    assert [reminder_id(entry) for entry in await reminded_of(account)] == ids


async def test_account_that_is_being_deleted_stops_nobody(
    account: Account, stranger: Account
) -> None:
    """The worker leaves out an account that is locked for deletion, and goes on with others."""
    await put_reminders(await account.create(), timedelta(minutes=1))
    await put_reminders(await stranger.create(), ON_TIME)
    async with transaction() as connection:
        await connection.execute("DELETE FROM users WHERE id = $1", UUID(account.id))
        assert await fire_due_reminders() == 1
    assert await fire_due_reminders() == 0
    assert len(await reminded_of(stranger)) == 1


async def test_batch_that_fails_is_taken_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that fails in the midst of a batch leaves all of it as it was."""
    ids = await put_reminders(await account.create(), ON_TIME, ON_TIME)

    async def fail(*_: object) -> None:
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr(firing, "_end", fail)
        with pytest.raises(ArithmeticError):
            await fire_due_reminders()
    assert await reminded_of(account) == []
    assert all(row["fires_at"] for row in (await stored_reminders(ids)).values())
    assert await fire_due_reminders() == 2


async def test_lag_is_measured(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gauge shows how late the earliest reminder is, also while none can be claimed."""
    todo = await account.create()
    await put_reminders(todo, timedelta(minutes=2), timedelta(minutes=1))
    async with transaction() as connection:
        await connection.execute("SELECT FROM todos WHERE id = $1 FOR UPDATE", UUID(todo["id"]))
        assert await fire_due_reminders() == 0
        assert 120 <= metrics().reminders_lag._value.get() < 180
    assert await fire_due_reminders() == 2
    assert metrics().reminders_lag._value.get() == 0


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Niue"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of the machine that the worker runs on."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


async def test_zone_of_the_worker_does_not_matter(account: Account, machine_zone: str) -> None:
    """A worker in another zone than the server fires what is due, and nothing else."""
    todo = await account.create()
    [due] = await put_reminders(todo, ON_TIME)
    [ahead] = await put_reminders(todo, timedelta(minutes=-1))
    assert await fire_due_reminders() == 1
    [entry] = await reminded_of(account)
    assert reminder_id(entry) == due
    assert (await stored_reminders([ahead]))[ahead]["fires_at"]


async def test_worker_fires_what_becomes_due(
    account: Account, settings: Settings, database_url: str
) -> None:
    """A running worker enters a reminder soon after its moment, and never before."""
    todo = await account.create()
    async with working(settings, database_url):
        [id] = await put_reminders(todo, timedelta(seconds=-1.5))

        async def is_told() -> bool:
            return bool(await reminded_of(account))

        await until(is_told)
    [entry] = await reminded_of(account)
    fired_at = (await stored_reminders([id]))[id]["fired_at"]
    assert fired_at <= entry["created_at"] < fired_at + timedelta(seconds=5)


async def test_moving_races_with_firing(account: Account) -> None:
    """A reminder that moves while the worker is at it has fired for its old moment or not, and fires anew."""
    todos = [await account.create(dueAt="2030-01-01T00:00:00Z") for _ in range(10)]
    ids = [(await added(account, todo["id"], relative("-PT1H")))["id"] for todo in todos]
    await let_come(ids)
    moving = [account.data(MOVE, id=todo["id"]) for todo in todos]
    await asyncio.gather(*moving, *(fire_due_reminders() for _ in range(5)))
    told = {str(reminder_id(entry)) for entry in await reminded_of(account)}
    stored = await stored_reminders(ids)
    assert len(await reminded_of(account)) == len(told)
    assert {str(id) for id, row in stored.items() if row["fired_at"]} == told
    assert {row["fires_at"] for row in stored.values()} == {datetime(2030, 2, 1, 23, tzinfo=UTC)}


async def test_inbox_shows_the_reminder(account: Account) -> None:
    """Somebody who is reminded sees an unread entry of their inbox with the todo and its title."""
    todo = await account.create(title="Water the plants")
    await put_reminders(todo, ON_TIME)
    await fire_due_reminders()
    shown = (await account.data(INBOX))["notifications"]
    assert shown == {
        "unreadCount": 1,
        "nodes": [
            {
                "kind": "REMINDER",
                "count": 1,
                "actor": None,
                "subject": {"id": todo["id"]},
                "excerpt": "Water the plants",
                "readAt": None,
            }
        ],
    }


MOVE_WITHOUT_REMINDERS = "UPDATE todos SET due_at = $2 WHERE id = $1"
"""As the release before moves a due date, which knows no reminders."""


@pytest.mark.parametrize(
    ("stored", "moved", "fires"),
    [
        (timedelta(hours=1), timedelta(days=2), timedelta(days=2)),
        (timedelta(days=2), timedelta(hours=1), timedelta(hours=1)),
        (timedelta(days=2), timedelta(hours=-1), None),
        (timedelta(days=2), None, None),
        (timedelta(hours=-1), timedelta(hours=1), timedelta(hours=1)),
        (None, timedelta(hours=1), timedelta(hours=1)),
    ],
)
async def test_what_the_release_before_moves_fires_by_its_new_date(
    account: Account,
    stored: timedelta | None,
    moved: timedelta | None,
    fires: timedelta | None,
) -> None:
    """A worker computes anew when relative reminders fire, tells nobody of the old moment, and shows none."""
    now = datetime.now(UTC)
    todo = await account.create(dueAt=stored and (now + stored).isoformat())
    reminder = await added(account, todo["id"], relative("PT0S"))
    other = await added(account, todo["id"], {"at": (now + timedelta(days=9)).isoformat()})
    await fetch(MOVE_WITHOUT_REMINDERS, UUID(todo["id"]), moved and now + moved)
    query = "query ($id: ID!) { node(id: $id) { ... on Reminder { firesAt } } }"
    assert (await account.data(query, id=reminder["id"]))["node"] == {"firesAt": None}
    assert await fire_due_reminders() == 1
    assert await reminded_of(account) == []
    rows = await stored_reminders([reminder["id"], other["id"]])
    assert rows[UUID(reminder["id"])]["fires_at"] == (fires and now + fires)
    assert rows[UUID(other["id"])]["fires_at"] == now + timedelta(days=9)


@pytest.mark.parametrize("fires_in", [timedelta(hours=-1), timedelta(hours=1)])
async def test_a_reminder_of_another_moment_than_the_stored_one_waits_for_it(
    account: Account, fires_in: timedelta
) -> None:
    """What is due by what is stored fires by its date: later if that lies ahead, and at once if it is late."""
    moment = datetime.now(UTC) + timedelta(days=1)
    todo = await account.create(dueAt=moment.isoformat())
    id = UUID((await added(account, todo["id"], relative("-P1DT2H")))["id"])
    moment = datetime.now(UTC).replace(microsecond=0) + fires_in
    await fetch("UPDATE reminders SET relative_offset = 'PT0S' WHERE id = $1", id)
    await fetch(MOVE_WITHOUT_REMINDERS, UUID(todo["id"]), moment)
    await fetch("UPDATE reminders SET fires_at = now() - interval '3 hours' WHERE id = $1", id)
    assert await fire_due_reminders() == 1
    row = (await stored_reminders([id]))[id]
    is_late = fires_in < timedelta()
    assert (row["fires_at"], row["fired_at"]) == ((None, moment) if is_late else (moment, None))
    assert len(await reminded_of(account)) == is_late


async def test_unknown_moments_are_not_late(account: Account) -> None:
    """A reminder whose moment is to be computed anew shows in no lag, and in no list of late ones."""
    todo = await account.create(dueAt="2030-01-01T00:00:00Z")
    await added(account, todo["id"], relative("PT0S"))
    await fetch(MOVE_WITHOUT_REMINDERS, UUID(todo["id"]), datetime(2031, 1, 1, tzinfo=UTC))
    assert await due_reminders(10) == []
    await fire_due_reminders()
    assert metrics().reminders_lag._value.get() == 0
