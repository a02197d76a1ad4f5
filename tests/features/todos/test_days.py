"""Filters by day: the days are those of the viewer's time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.clocks import Clock
from tests.support.subscribers import connected
from todo_gql.api.time_zones import time_zone
from todo_gql.database.connection import fetch

SET_ZONE = """
mutation ($zone: TimeZone) { profileUpdate(input: { timeZone: $zone }) { errors { code } } }
"""
TITLES = """
query ($filter: TodoFilter) { todos(filter: $filter, first: 100) { nodes { title } totalCount } }
"""
STATS = "query ($filter: TodoFilter) { stats(filter: $filter) { total } }"
COMPLETE = "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }"
UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { errors { code } }
}
"""
GROUPS = ["OVERDUE", "TODAY", "TOMORROW", "NEXT_7_DAYS", "LATER", "NONE"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of operations."""
    return Clock(monkeypatch)


async def titles(account: Account, **compared: Any) -> set[str]:
    """The titles of the todos that a filter matches, however it is asked."""
    page = (await account.data(TITLES, filter=compared))["todos"]
    stats = (await account.data(STATS, filter=compared))["stats"]
    assert page["totalCount"] == stats["total"] == len(page["nodes"])
    return {node["title"] for node in page["nodes"]}


async def set_date(todo: dict[str, Any], day: str, column: str = "due_date") -> None:
    """Have a todo on a day without a time."""
    await fetch(f"UPDATE todos SET {column} = $2::text::date WHERE id = $1", UUID(todo["id"]), day)


async def groups(account: Account, field: str = "due") -> dict[str, set[str]]:
    """The titles in each group that has any."""
    found = {group: await titles(account, **{field: {"in": [group]}}) for group in GROUPS}
    return {group: inside for group, inside in found.items() if inside}


async def test_a_date_is_overdue_once_the_viewers_day_is_later(
    account: Account, clock: Clock
) -> None:
    """A todo due on the date at 22:30Z is due today in Berlin, and overdue in Tokyo."""
    await set_date(await account.create(title="A"), "2026-11-29")
    clock.set("2026-11-29T22:30:00Z")
    found = {}
    for zone in ("Europe/Berlin", "Asia/Tokyo", "Pacific/Honolulu", None):
        await account.data(SET_ZONE, zone=zone)
        found[zone] = await groups(account)
    assert found == {
        "Europe/Berlin": {"TODAY": {"A"}},
        "Asia/Tokyo": {"OVERDUE": {"A"}},
        "Pacific/Honolulu": {"TODAY": {"A"}},
        None: {"TODAY": {"A"}},
    }


def moments(now: datetime) -> Iterator[datetime]:
    """Moments around the ends of days, to the microsecond, and some farther off."""
    around = now.replace(minute=0, second=0, microsecond=0)
    for hours in (*range(-50, 50, 7), 24 * 7, 24 * 9, -24 * 40, 24 * 400):
        yield around + timedelta(hours=hours)
        yield around + timedelta(hours=hours, microseconds=-1)


def group_of(day: date, today: date) -> str:
    """The group of an open todo's day."""
    days = (day - today).days
    bounds = (("OVERDUE", -1), ("TODAY", 0), ("TOMORROW", 1), ("NEXT_7_DAYS", 7))
    return next((group for group, last in bounds if days <= last), "LATER")


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("Europe/Berlin", "2026-03-28T23:30:00Z"),
        ("Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("America/Santiago", "2026-09-06T03:30:00Z"),
        ("America/Havana", "2024-11-03T04:30:00Z"),
        ("America/St_Johns", "2026-11-29T03:29:00Z"),
        ("Asia/Kathmandu", "2026-12-31T18:15:00Z"),
        ("Pacific/Kiritimati", "2028-02-28T10:00:00Z"),
        ("Etc/GMT+12", "2026-01-01T11:59:59Z"),
    ],
)
async def test_groups_are_those_of_the_viewers_days(
    account: Account, clock: Clock, zone: str, now: str
) -> None:
    """Days with 23 and 25 hours, without a midnight or with two, east and west of UTC, count as others do."""
    await account.data(SET_ZONE, zone=zone)
    moment, local = clock.set(now), time_zone(zone)
    due = [one.astimezone(UTC).isoformat() for one in moments(moment)]
    await account.create_many([{"title": one, "dueAt": one} for one in due])
    await account.create(title="never")
    today = moment.astimezone(local).date()
    expected: dict[str, set[str]] = {"NONE": {"never"}}
    for one in due:
        day = datetime.fromisoformat(one).astimezone(local).date()
        expected.setdefault(group_of(day, today), set()).add(one)
    assert await groups(account) == expected
    for days in (-2, -1, 0, 1, 7):
        day = today + timedelta(days)
        later = {one for one in due if datetime.fromisoformat(one).astimezone(local).date() >= day}
        assert await titles(account, due={"gteDays": days}) == later
        assert await titles(account, due={"gte": day.isoformat()}) == later
        assert await titles(account, due={"lteDays": days - 1}) == set(due) - later


async def test_groups_can_be_asked_for_together(account: Account, clock: Clock) -> None:
    """Any of them will do; none at all matches nothing; what is closed is never overdue."""
    clock.set("2026-11-29T12:00:00Z")
    for day in ("11-20", "11-28", "11-29", "11-30", "12-01", "12-06", "12-07"):
        await account.create(title=day, dueAt=f"2026-{day}T09:00:00Z")
    await account.create(title="never")
    done = await account.create(title="done", dueAt="2026-11-28T09:00:00Z")
    await account.data(COMPLETE, id=done["id"])
    done = await account.create(title="done today", dueAt="2026-11-29T09:00:00Z")
    await account.data(COMPLETE, id=done["id"])
    assert await titles(account, due={"in": []}) == set()
    assert await titles(account, due={"in": ["TODAY", "OVERDUE", "TODAY"]}) == {
        *("11-20", "11-28", "11-29", "done today")
    }
    assert await titles(account, due={"in": ["TOMORROW", "NONE"]}) == {"11-30", "never"}
    assert await titles(account, due={"in": ["TOMORROW", "NEXT_7_DAYS", "LATER"]}) == {
        *("11-30", "12-01", "12-06", "12-07")
    }
    assert await titles(account, due={"in": ["LATER", "TODAY"]}) == {"11-29", "done today", "12-07"}
    assert await titles(account, due={"in": GROUPS}) == {
        *("11-20", "11-28", "11-29", "11-30", "12-01", "12-06", "12-07", "never", "done today")
    }
    assert await titles(account, **{"not": {"due": {"in": GROUPS}}}) == {"done"}


async def test_all_bounds_of_a_day_must_hold(account: Account, clock: Clock) -> None:
    """Dates and numbers of days go together; null is the same as absent."""
    clock.set("2026-11-29T12:00:00Z")
    for day in ("28", "29", "30"):
        await set_date(await account.create(title=day), f"2026-11-{day}")
    await account.create(title="never")
    for compared, expected in (
        ({"gte": "2026-11-29", "lteDays": 0}, {"29"}),
        ({"gte": "2026-11-01", "gteDays": 0, "lte": None, "in": None}, {"29", "30"}),
        ({"lte": "2026-11-28", "gteDays": 1}, set()),
        ({"isNull": True}, {"never"}),
        ({"isNull": False}, {"28", "29", "30"}),
        ({"isNull": True, "lteDays": 1}, set()),
        ({"in": ["TODAY", "TOMORROW"], "gteDays": 1}, {"30"}),
        ({}, {"28", "29", "30", "never"}),
    ):
        assert (compared, await titles(account, due=compared)) == (compared, expected)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
async def test_bounds_beyond_all_calendars_are_no_bounds(
    account: Account, clock: Clock, zone: str
) -> None:
    """A day that doesn't exist is before or after all others."""
    await account.data(SET_ZONE, zone=zone)
    clock.set("2026-11-29T12:00:00Z")
    await account.create(title="A", dueAt="2026-11-29T12:00:00Z")
    await set_date(await account.create(title="B"), "2026-11-30")
    most = 2**31 - 1
    for compared, expected in (
        ({"gteDays": -most}, {"A", "B"}),
        ({"lteDays": most}, {"A", "B"}),
        ({"gteDays": most}, set()),
        ({"lteDays": -most}, set()),
        ({"gte": "0001-01-01", "lte": "9999-12-31"}, {"A", "B"}),
        ({"gte": "9999-12-31"}, set()),
        ({"lte": "0001-01-01"}, set()),
    ):
        assert (compared, await titles(account, due=compared)) == (compared, expected)


async def test_what_starts_is_grouped_in_the_same_way(account: Account, clock: Clock) -> None:
    """A day is that of a date or of a moment, in the viewer's zone."""
    await account.data(SET_ZONE, zone="Asia/Tokyo")
    clock.set("2026-11-29T22:30:00Z")
    await set_date(await account.create(title="date"), "2026-11-30", "start_date")
    timed = await account.create(title="moment")
    await fetch(
        "UPDATE todos SET start_at = '2026-11-30T15:00:00Z' WHERE id = $1", UUID(timed["id"])
    )
    await account.create(title="never", dueAt="2026-11-29T22:30:00Z")
    assert await groups(account, "start") == {
        "TODAY": {"date"},
        "TOMORROW": {"moment"},
        "NONE": {"never"},
    }


async def test_a_day_is_a_calendar_day(account: Account) -> None:
    """A time, and a day that no calendar has, are no Date."""
    for value in ("2026-02-30", "2026-11-29T00:00:00Z", "29.11.2026", 5):
        error = await account.error(TITLES, filter={"due": {"gte": value}})
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_subscribers_follow_the_days_of_their_zone(
    account: Account, address: str, clock: Clock
) -> None:
    """A todo is sent as it enters and leaves today, by the zone that its viewer has then."""
    await account.data(SET_ZONE, zone="Asia/Tokyo")
    clock.set("2026-11-29T22:30:00Z")
    todo = await account.create(title="A")
    dated = await account.create(title="date")
    await set_date(dated, "2026-11-30")
    async with connected(address, account.token) as one:
        await one.subscribe(filter={"due": {"in": ["TODAY"]}})
        await one.settled()
        for due_at, matches in (("2026-11-29T15:00:00Z", True), ("2026-11-30T15:00:00Z", False)):
            await account.data(UPDATE, id=todo["id"], input={"dueAt": due_at})
            [event] = await one.changes(1)
            assert (event["todoId"], event["matches"]) == (todo["id"], matches)
        await account.data(UPDATE, id=dated["id"], input={"title": "still today"})
        [event] = await one.changes(1)
        assert (event["todo"]["title"], event["matches"]) == ("still today", True)
        await account.data(SET_ZONE, zone="Europe/Berlin")
        await account.data(UPDATE, id=todo["id"], input={"dueAt": "2026-11-29T22:59:59Z"})
        [event] = await one.changes(1)
        assert (event["todoId"], event["matches"]) == (todo["id"], True)
