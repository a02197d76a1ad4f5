"""What is overdue: the same in every field that says so, to the instant, in each viewer's time zone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.clocks import Clock
from tests.support.lists import make_list, put_in_list
from tests.support.statements import Statements
from tests.support.subscribers import connected
from todo_gql.api.time_zones import day_of, time_zone

SET_ZONE = """
mutation ($zone: TimeZone) { profileUpdate(input: { timeZone: $zone }) { errors { code } } }
"""
UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { errors { code } }
}
"""
EVERYWHERE = """
query ($list: ID!) {
  todos(first: 100) { nodes { title isOverdue } }
  overdue: todos(first: 100, filter: { isOverdue: true }) { nodes { title } totalCount }
  others: todos(first: 100, filter: { isOverdue: false }) { nodes { title } }
  byMoment: todos(first: 100, filter: { isOverdue: true }, sort: [{ field: DUE_AT }]) {
    nodes { title }
  }
  beforeToday: todos(first: 100, filter: { due: { in: [OVERDUE] } }) { nodes { title } }
  stats { overdue }
  filtered: stats(filter: { isOverdue: true }) { total overdue }
  open: stats(filter: { status: { in: [PENDING, IN_PROGRESS] } }) { overdue }
  list: node(id: $list) {
    ... on TodoList {
      stats { overdue }
      filtered: stats(filter: { isOverdue: true }) { total overdue }
      todos(first: 100, filter: { isOverdue: true }) { nodes { title } totalCount }
    }
  }
  facets { due { group count } }
  counted: facets(filter: { priority: { eq: MEDIUM } }) { due { group count } }
}
"""
STATS = "{ stats { overdue } }"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of operations."""
    return Clock(monkeypatch)


async def overdue_todos(account: Account, list_id: str) -> tuple[set[str], set[str]]:
    """The titles of the todos that are overdue, and of those that were due before today.

    All fields are asked, and have to agree.
    """
    data = await account.data(EVERYWHERE, list=list_id)

    def titles(page: dict[str, Any]) -> set[str]:
        return {node["title"] for node in page["nodes"]}

    found = titles(data["overdue"])
    assert {node["title"] for node in data["todos"]["nodes"] if node["isOverdue"]} == found
    assert titles(data["others"]) == titles(data["todos"]) - found
    assert titles(data["byMoment"]) == titles(data["list"]["todos"]) == found
    number = {"overdue": len(found)}
    assert data["stats"] == data["open"] == data["list"]["stats"] == number
    assert data["filtered"] == data["list"]["filtered"] == {"total": len(found)} | number
    assert data["overdue"]["totalCount"] == data["list"]["todos"]["totalCount"] == len(found)
    before_today = titles(data["beforeToday"])
    for facets in (data["facets"], data["counted"]):
        assert facets["due"][0] == {"group": "OVERDUE", "count": len(before_today)}
    return found, before_today


@pytest.mark.parametrize(
    "now",
    [
        "2026-11-29T22:30:00Z",
        "2026-11-29T23:00:00Z",
        "2026-11-29T22:59:59.999999Z",
        "2026-11-29T10:00:00Z",
        "2026-11-29T12:00:00Z",
        # Clocks in Cairo skip midnight, and there are two of them in Havana.
        "2027-04-29T22:00:00Z",
        "2026-11-01T04:30:00Z",
    ],
)
async def test_all_fields_agree_in_every_zone(account: Account, clock: Clock, now: str) -> None:
    """Todos due on days and at moments are overdue alike in lists, filters, counts and facets."""
    moment = clock.set(now)
    dues = dict[str, datetime | str]()
    for days in range(-3, 4):
        day = (moment + timedelta(days)).date()
        dues[f"on {day}"] = day.isoformat()
    for seconds in (-90_000, -3600, -0.000001, 0, 0.000001, 3600, 90_000):
        due_at = moment + timedelta(seconds=seconds)
        dues[f"at {due_at}"] = due_at
    todos = await account.create_many(
        [
            {"title": title, "dueDate": due}
            if isinstance(due, str)
            else {"title": title, "dueAt": due.isoformat()}
            for title, due in dues.items()
        ]
    )
    todos += await account.create_many(
        [{"title": "closed", "dueDate": "2020-01-01", "status": "COMPLETED"}, {"title": "never"}]
    )
    list_id = (await make_list(account))["id"]
    await put_in_list(account, [todo["id"] for todo in todos], list_id)
    for zone in ("Europe/Berlin", "Asia/Tokyo", "Etc/GMT+12", "Pacific/Kiritimati", None):
        await account.data(SET_ZONE, zone=zone)
        local = time_zone(zone)
        today = day_of(moment, local)
        overdue, before_today = set(), set()
        for title, due in dues.items():
            if isinstance(due, str):
                overdue |= {title} if due < today.isoformat() else set()
                before_today |= {title} if due < today.isoformat() else set()
            else:
                overdue |= {title} if due < moment else set()
                before_today |= {title} if day_of(due, local) < today else set()
        assert (zone, await overdue_todos(account, list_id)) == (zone, (overdue, before_today))


async def test_counts_read_no_zone_without_need(
    account: Account, clock: Clock, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """Counts of overdue todos are one statement unless a todo was due on a day that is over somewhere."""
    clock.set("2026-11-29T22:30:00Z")
    await account.create(dueAt="2026-11-28T12:00:00Z")
    await account.create(dueDate="2026-11-30")
    await account.data(STATS)
    with recorded() as statements:
        assert (await account.data(STATS))["stats"]["overdue"] == 1
    assert not any("time_zone" in statement for statement in statements.texts)
    await account.data(SET_ZONE, zone="Asia/Tokyo")
    await account.create(dueDate="2026-11-29")
    assert (await account.data(STATS))["stats"]["overdue"] == 2


async def test_subscribers_follow_what_is_overdue(
    account: Account, address: str, clock: Clock
) -> None:
    """A todo that is due on a day is sent as it becomes overdue by the zone that its viewer has then."""
    await account.data(SET_ZONE, zone="Asia/Tokyo")
    clock.set("2026-11-29T22:30:00Z")
    todo = await account.create(title="A", dueDate="2026-12-01")
    async with connected(address, account.token) as one:
        await one.subscribe(filter={"isOverdue": True})
        await one.settled()
        for day, matches in (("2026-11-29", True), ("2026-11-30", False)):
            await account.data(UPDATE, id=todo["id"], input={"dueDate": day})
            [event] = await one.changes(1)
            assert (UUID(event["todoId"]), event["matches"]) == (UUID(todo["id"]), matches)
        await account.data(SET_ZONE, zone="Pacific/Honolulu")
        await account.data(UPDATE, id=todo["id"], input={"dueDate": "2026-11-28"})
        [event] = await one.changes(1)
        assert event["matches"]
