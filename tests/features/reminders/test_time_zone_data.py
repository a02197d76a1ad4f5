"""What is stored follows another version of the database of time zones."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.reminders import added, relative, stored_reminders
from todo_gql.database.connection import fetch
from todo_gql.features.reminders import time_zone_data
from todo_gql.features.reminders.time_zone_data import follow_time_zone_data

FORGET = "UPDATE data_versions SET version = '1900a' WHERE name = 'tzdata'"
DAYS = "SELECT due_on, start_on, version FROM todos WHERE id = $1"
SHIFT_DAYS = "UPDATE todos SET due_on = due_on - 1, start_on = start_on - 1 WHERE id = $1"
SHIFT = "UPDATE reminders SET fires_at = fires_at - $2::interval WHERE id = ANY($1)"
DUE = "2030-06-01T22:30:00Z"


@pytest.fixture(autouse=True)
async def current(app: object) -> None:
    """The version that the database follows is that of the program."""
    await follow_time_zone_data()


async def timed(account: Account) -> dict[str, Any]:
    """A todo in Berlin, where it is due on the next day already."""
    return await account.create(dueAt=DUE, dueTimeZone="Europe/Berlin", startAt=DUE)


async def test_stored_days_and_moments_follow(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days of moments and relative reminders are computed anew, in batches, and nothing else changes."""
    monkeypatch.setattr(
        time_zone_data, "TODOS", time_zone_data.TODOS.replace("LIMIT 1000", "LIMIT 2")
    )
    todos = [await timed(account) for _ in range(3)]
    id = todos[0]["id"]
    ids = [(await added(account, id, relative(offset)))["id"] for offset in ("-P1D", "-PT1H")]
    at = (await added(account, id, {"at": DUE}))["id"]
    days = [(await fetch(DAYS, todo["id"]))[0] for todo in todos]
    moments = await stored_reminders([*ids, at])
    # As if they had been computed with other rules.
    for todo in todos:
        await fetch(SHIFT_DAYS, todo["id"])
    await fetch(SHIFT, [UUID(id) for id in ids], timedelta(hours=1))
    assert await follow_time_zone_data() == 0
    await fetch(FORGET)
    assert await follow_time_zone_data() >= 1
    assert [(await fetch(DAYS, todo["id"]))[0] for todo in todos] == days
    assert await stored_reminders([*ids, at]) == moments
    assert await follow_time_zone_data() == 0


async def test_late_reminder_is_not_lost(account: Account) -> None:
    """A reminder that is due already stays due, and one that would have been due is late."""
    todo = await timed(account)
    ids = [UUID((await added(account, todo["id"], relative("-PT1H")))["id"]) for _ in range(2)]
    late, ahead = ids
    await fetch("UPDATE todos SET due_at = now() - interval '1 hour' WHERE id = $1", todo["id"])
    await fetch("UPDATE reminders SET fires_at = now() - interval '3 hours' WHERE id = $1", late)
    await fetch("UPDATE reminders SET fires_at = now() + interval '1 hour' WHERE id = $1", ahead)
    before = (await stored_reminders([late]))[late]["fires_at"]
    await fetch(FORGET)
    await follow_time_zone_data()
    after = await stored_reminders(ids)
    assert after[late]["fires_at"] == before
    [now] = await fetch("SELECT now() AS now")
    assert after[ahead]["fires_at"] < now["now"] - timedelta(hours=1)


async def test_account_that_fails_is_tried_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is stored once all accounts have followed it."""
    await timed(account)
    await fetch(FORGET)

    async def fail(_owner_id: UUID) -> None:
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr(time_zone_data, "recompute_account", fail)
        await follow_time_zone_data()
    assert await follow_time_zone_data() >= 1
    assert await follow_time_zone_data() == 0
