"""What a calendar has: which todos, on which days, where repeating ones will be due, and their values."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar
from uuid_utils.compat import uuid7

from tests.support.accounts import Account
from tests.support.calendars import components, make_feed, read_feed, titles
from tests.support.repeating import SET_ZONE, completed, repeating
from todo_gql.api.order_keys import keys_between
from todo_gql.api.time_zones import LocalClock, time_zone
from todo_gql.database.connection import fetch
from todo_gql.features.calendar_feeds.entries import DAYS_AFTER, DAYS_BEFORE, MAX_ENTRIES

BERLIN = "Europe/Berlin"


def today(zone: str = "UTC") -> date:
    """The day that it is in a zone."""
    return LocalClock(datetime.now(UTC), zone).today


def in_days(days: int) -> str:
    """The day so many days after today, as clients send it."""
    return (today() + timedelta(days)).isoformat()


async def only(account: Account, **feed: Any) -> Any:
    """The one entry of a new feed."""
    [entry] = await components(account, await make_feed(account, **feed))
    return entry


async def test_a_day_is_an_event_of_a_whole_day(account: Account) -> None:
    """A todo with a due date is an event on that date, in no time zone, under its own id."""
    todo = await account.create(
        title="Renew; the, passport\\", dueDate=in_days(3), description="One\nTwo"
    )
    event = await only(account)
    assert event.name == "VEVENT"
    assert (event["UID"], event["SUMMARY"], event["DESCRIPTION"]) == (
        *(todo["id"], "Renew; the, passport\\", "One\nTwo"),
    )
    assert event["DTSTART"].dt == date.fromisoformat(in_days(3))
    assert "DURATION" not in event
    assert (event["STATUS"], event["PRIORITY"], event["TRANSP"], event["SEQUENCE"]) == (
        *("CONFIRMED", 5, "TRANSPARENT", 1),
    )


async def test_a_moment_is_an_event_in_utc_as_long_as_estimated(account: Account) -> None:
    """A todo that is due at a moment begins then, and lasts for its estimate."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(1)
    await account.create(dueAt=at.isoformat(), estimatedMinutes=95, priority="URGENT")
    event = await only(account)
    assert event["DTSTART"].dt == at
    assert event["DTSTART"].params == {}
    assert event["DURATION"].dt == timedelta(minutes=95)
    assert event["PRIORITY"] == 1


@pytest.mark.parametrize(
    ("status", "of_event", "of_task", "percent", "title"),
    [
        ("PENDING", "CONFIRMED", "NEEDS-ACTION", None, "Todo"),
        ("IN_PROGRESS", "CONFIRMED", "IN-PROCESS", None, "Todo"),
        ("COMPLETED", "CONFIRMED", "COMPLETED", 100, "✓ Todo"),
        ("CANCELLED", "CANCELLED", "CANCELLED", None, "Todo"),
    ],
)
async def test_the_status_is_shown(
    account: Account, status: str, of_event: str, of_task: str, percent: int | None, title: str
) -> None:
    """An event has the status that events may have, and a task its own with the moment of completion."""
    await account.create(status=status, dueDate=in_days(0), startDate=in_days(-2), priority="LOW")
    event, task = await only(account), await only(account, asEvents=False)
    assert (event["STATUS"], event["SUMMARY"]) == (of_event, title)
    assert (task.name, task["STATUS"], task["SUMMARY"], task["PRIORITY"]) == (
        *("VTODO", of_task, "Todo", 9),
    )
    assert task.get("PERCENT-COMPLETE") == percent
    assert ("COMPLETED" in task) is (status == "COMPLETED")
    assert task["DUE"].dt == today()
    assert task["DTSTART"].dt == today() - timedelta(2)


async def test_a_task_is_as_far_as_its_subtasks(account: Account) -> None:
    """An open task with subtasks tells how many percent of them are completed."""
    parent = await account.create(title="Move", dueDate=in_days(1))
    for status in ("COMPLETED", "PENDING", "PENDING"):
        await account.create(status=status, to={"parentId": parent["id"]})
    assert (await only(account, asEvents=False))["PERCENT-COMPLETE"] == 33


async def test_a_start_of_another_type_is_left_out(account: Account) -> None:
    """A task that is due at a moment, and starts on a day, has no start that parsers would refuse."""
    at = datetime.now(UTC) + timedelta(1)
    await account.create(dueAt=at.isoformat(), startDate=in_days(-1))
    assert "DTSTART" not in await only(account, asEvents=False)


async def test_only_days_of_the_window_are_in_it(account: Account) -> None:
    """Todos of 90 days ago to two years ahead are in the calendar, and those without a date aren't."""
    for days in (-DAYS_BEFORE - 1, -DAYS_BEFORE, 0, DAYS_AFTER, DAYS_AFTER + 1):
        await account.create(title=str(days), dueDate=in_days(days))
    await account.create(title="Whenever")
    expected = [str(-DAYS_BEFORE), "0", str(DAYS_AFTER)]
    assert await titles(account, await make_feed(account)) == expected


async def test_a_rule_is_expanded_as_the_product_reckons_it(account: Account) -> None:
    """Each occurrence is an entry of its own, without any rule, on the days of the clamped month."""
    year = today().year
    first = date(year, 1, 31) if today() < date(year, 1, 31) else date(year + 1, 1, 31)
    todo = await repeating(account, "FREQ=MONTHLY", first.isoformat())
    entries = await components(account, await make_feed(account))
    assert not any("RRULE" in entry or "RECURRENCE-ID" in entry for entry in entries)
    days = [entry["DTSTART"].dt for entry in entries]
    assert days[0] == first
    assert all((day + timedelta(1)).day == 1 for day in days)
    assert len(days) >= 12
    assert [entry["UID"] for entry in entries[:2]] == [
        *(todo["id"], f"{todo['id']}-{days[1]:%Y%m%d}"),
    ]
    assert len({str(entry["UID"]) for entry in entries}) == len(entries)


async def test_a_time_of_day_stays_where_clocks_change(account: Account) -> None:
    """A daily todo of 9 o'clock in Berlin is at 9 o'clock there in winter and in summer."""
    zone = time_zone(BERLIN)
    start = datetime.combine(today() + timedelta(1), time(9), zone)
    await repeating(account, "FREQ=DAILY", start.astimezone(UTC).isoformat(), dueTimeZone=BERLIN)
    entries = await components(account, await make_feed(account))
    moments = [entry["DTSTART"].dt.astimezone(zone) for entry in entries]
    assert {moment.time() for moment in moments} == {time(9)}
    assert len({moment.utcoffset() for moment in moments}) == 2
    assert len(moments) == DAYS_AFTER


async def test_a_completed_occurrence_stays_in_it(account: Account) -> None:
    """Completing an occurrence leaves it done on its day, and the todo on its next one."""
    todo = await repeating(account, "FREQ=WEEKLY;COUNT=3", in_days(0))
    await completed(account, todo["id"])
    feed = await make_feed(account)
    assert await titles(account, feed) == [
        *("✓ Water the plants", "Water the plants", "Water the plants"),
    ]
    entries = await components(account, feed)
    assert [entry["UID"] for entry in entries[1:]] == [
        *(todo["id"], f"{todo['id']}-{today() + timedelta(14):%Y%m%d}"),
    ]


async def test_what_repeats_by_completion_is_in_it_once(account: Account) -> None:
    """Nobody knows when a todo will be due that counts from its completion, so only its due date is shown."""
    await repeating(account, "FREQ=DAILY", in_days(2), recurrence={"mode": "COMPLETION"})
    assert (await only(account))["DTSTART"].dt == today() + timedelta(2)


async def test_a_series_that_is_long_overdue_still_comes(account: Account) -> None:
    """A todo that was due before the window is in it where its rule has further days, from today on."""
    await repeating(account, "FREQ=YEARLY", in_days(-100), recurrence={"catchesUp": True})
    entries = await components(account, await make_feed(account))
    assert len(entries) == 2
    assert all(entry["DTSTART"].dt > today() for entry in entries)


INSERT_MANY = """
INSERT INTO todos (id, owner_id, title, status, priority, metadata, version, created_at, updated_at,
    position, due_on, due_date, recurrence)
SELECT id, $1, 'Todo', 0, 1, '{}', 1, now(), now(), position, due, due, recurrence
FROM unnest($2::uuid[], $3::text[], $4::date[], $5::jsonb[]) AS u (id, position, due, recurrence)
"""


async def insert_many(owner: str, todos: list[tuple[int, str | None]]) -> None:
    """Todos that are due so many days from today, each with a recurrence or none, as rows alone."""
    await fetch(
        INSERT_MANY,
        UUID(owner),
        [uuid7() for _ in todos],
        keys_between(None, None, len(todos), "lower"),
        [today() + timedelta(day) for day, _ in todos],
        [recurrence for _, recurrence in todos],
    )


async def test_the_nearest_entries_are_shown_where_there_are_too_many(account: Account) -> None:
    """The calendar has the 5,000 entries nearest to today of more, and says so."""
    recurrence = {
        "rule": "FREQ=DAILY",
        "mode": "SCHEDULE",
        "timeZone": "UTC",
        "anchor": str(today()),
        "time": None,
        "done": 0,
        "catchesUp": False,
    }
    daily = json.dumps(recurrence)
    await insert_many(account.id, [(0, daily)] * 100 + [(-80, None), (-3, None)] * 3)
    feed = await make_feed(account)
    calendar: Any = Calendar.from_ical((await read_feed(account, feed)).content)
    assert "5,000 entries nearest to today" in calendar["DESCRIPTION"]
    days = [event["DTSTART"].dt for event in calendar.walk("VEVENT")]
    assert len(days) == MAX_ENTRIES
    assert [day for day in days if day < today()] == [today() - timedelta(3)] * 3
    assert max(days) == today() + timedelta(49)
    other = await make_feed(account, label="Work")
    calendar = Calendar.from_ical((await read_feed(account, other)).content)
    assert calendar["NAME"] == "Work"


async def test_the_days_are_those_of_the_owner(account: Account) -> None:
    """The window ends on the day that it is where the owner lives, and the calendar names that zone."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        await account.data(SET_ZONE, zone=zone)
        await account.create(title=zone, dueDate=(today(zone) + timedelta(DAYS_AFTER)).isoformat())
        await account.create(
            title="Later", dueDate=(today(zone) + timedelta(DAYS_AFTER + 1)).isoformat()
        )
        feed = await make_feed(account)
        calendar: Any = Calendar.from_ical((await read_feed(account, feed)).content)
        assert calendar["X-WR-TIMEZONE"] == zone
        days = [event["DTSTART"].dt for event in calendar.walk("VEVENT")]
        assert max(days) == today(zone) + timedelta(DAYS_AFTER)


async def test_long_descriptions_are_cut(account: Account) -> None:
    """A description of more than 500 characters ends with an ellipsis, also one of four bytes each."""
    await account.create(dueDate=in_days(0), description="🦉" * 501, title="🦉" * 200)
    event = await only(account)
    assert event["DESCRIPTION"] == "🦉" * 500 + "…"
    assert event["SUMMARY"] == "🦉" * 200
    body = (await read_feed(account, await make_feed(account))).content
    assert max(map(len, body.split(b"\r\n"))) <= 75
