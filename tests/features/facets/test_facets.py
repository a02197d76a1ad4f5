"""Facets: how many todos of a filter have each value."""

from collections import Counter
from datetime import UTC, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.clocks import Clock
from tests.support.lists import make_list, make_todos, put_in_list, write_list
from tests.support.varied_todos import GROUPS, varied_filter, varied_todos
from todo_gql.database.connection import fetch

PARTS = """{ total isComplete status { status count } priority { priority count }
  tags(first: 3) { tag { name } count } lists { list { name } count } assignees { assignee { id } count } due { group count } }"""
ALL = f"{{ facets {PARTS} }}"
FILTERED = f"query ($filter: TodoFilter) {{ facets(filter: $filter) {PARTS} }}"
# It matches everything, but nobody sees that at once.
ANY: dict[str, Any] = {"not": {"id": {"in": []}}}
SET_ZONE = """
mutation ($zone: TimeZone) { profileUpdate(input: { timeZone: $zone }) { errors { code } } }
"""
COUNT = "query ($filter: TodoFilter) { todos(filter: $filter) { totalCount } }"
SET_STATUS = """
mutation ($id: ID!, $status: TodoStatus!) {
  todoUpdate(id: $id, input: { status: $status }) { errors { code } }
}
"""
ARCHIVE = "listUpdate(id: $id, input: $update)"
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"


async def facets(account: Account, **variables: Any) -> dict[str, Any]:
    """All facets, of all todos or of a filter."""
    document = FILTERED if variables else ALL
    return dict((await account.data(document, **variables))["facets"])


def counts(facets: list[dict[str, Any]], name: str) -> dict[str, int]:
    """The counts by the values of a facet, without those of none."""
    return {one[name]: one["count"] for one in facets if one["count"]}


def by_list(facets: dict[str, Any]) -> list[tuple[str | None, int]]:
    """The name of each list, None for the inbox, and its count."""
    return [(one["list"] and one["list"]["name"], one["count"]) for one in facets["lists"]]


async def test_todos_are_counted_by_each_of_their_values(account: Account) -> None:
    """Each status, priority and group is there, also with none; the trash is left out."""
    empty = await facets(account)
    assert [one["count"] for one in empty["status"]] == [0] * 4
    assert [one["group"] for one in empty["due"]] == [
        *("OVERDUE", "TODAY", "TOMORROW", "NEXT_7_DAYS", "LATER", "NONE"),
    ]
    assert (empty["total"], empty["tags"], empty["assignees"]) == (0, [], [])
    await account.create(title="A", priority="HIGH", tags=["b", "a"])
    await account.create(title="B", tags=["c", "a"])
    done = await account.create(title="C", tags=["d"])
    await account.data(SET_STATUS, id=done["id"], status="COMPLETED")
    trashed = await account.create(title="D", tags=["a"])
    await account.data(DELETE, id=trashed["id"])
    for found in (await facets(account), await facets(account, filter=ANY)):
        assert (found["total"], found["isComplete"]) == (3, True)
        assert counts(found["status"], "status") == {"PENDING": 2, "COMPLETED": 1}
        assert counts(found["priority"], "priority") == {"MEDIUM": 2, "HIGH": 1}
        assert [(one["tag"]["name"], one["count"]) for one in found["tags"]] == [
            *(("a", 2), ("b", 1), ("c", 1)),
        ]
        assert found["assignees"] == [{"assignee": None, "count": 3}]
        assert counts(found["due"], "group") == {"NONE": 3}
    high = await facets(account, filter={"priority": {"eq": "HIGH"}})
    assert (high["total"], counts(high["status"], "status")) == (1, {"PENDING": 1})
    trash = await facets(account, filter={"isDeleted": True})
    assert [(one["tag"]["name"], one["count"]) for one in trash["tags"]] == [("a", 1)]


async def test_todos_are_counted_by_list(account: Account) -> None:
    """Those with most todos come first, then the inbox, then in their order; archived ones, too."""
    lists = [await make_list(account, name=name) for name in ("One", "Two", "Empty", "Gone", "Old")]
    one, two, _, gone, old = (made["id"] for made in lists)
    assert (await facets(account))["lists"] == []
    inbox = await account.create_many([{"title": "x", "priority": "HIGH"}] * 3)
    await put_in_list(account, [inbox[0]["id"]], one)
    for key, number in ((two, 3), (gone, 2), (old, 2)):
        await make_todos(account, number, key)
    await write_list(account, ARCHIVE, id=old, update={"isArchived": True})
    [trashed] = await make_todos(account, 1, one)
    await account.data(DELETE, id=trashed)
    await write_list(account, "listDelete(id: $id)", id=gone)
    for found in (await facets(account), await facets(account, filter=ANY)):
        assert by_list(found) == [("Two", 3), (None, 2), ("Old", 2), ("One", 1)]
    assert by_list(await facets(account, filter={"priority": {"eq": "HIGH"}})) == [
        *((None, 2), ("One", 1)),
    ]
    assert by_list(await facets(account, filter={"listId": {"isNull": True}})) == [(None, 2)]
    trash = await facets(account, filter={"isDeleted": True})
    assert by_list(trash) == [("Gone", 2), ("One", 1)]
    two_lists = "{ facets { lists(first: 2) { list { name } count } } }"
    found = (await account.data(two_lists))["facets"]
    assert by_list(found) == [("Two", 3), (None, 2)]


@pytest.mark.parametrize(
    "zone",
    [None, "Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"],
)
async def test_groups_of_days_are_counted_to_the_moment(
    account: Account, monkeypatch: pytest.MonkeyPatch, zone: str | None
) -> None:
    """The counters of days give what the filters match, wherever the viewer's days begin."""
    now = Clock(monkeypatch).set("2026-11-29T22:30:00Z")
    await account.data(SET_ZONE, zone=zone)
    around = now.replace(minute=0).astimezone(UTC)
    moments = [around + timedelta(hours=hours) for hours in range(-60, 240, 5)]
    made = await account.create_many(
        [
            {"title": "x", "dueAt": one.isoformat(), "status": status}
            for number, one in enumerate(moments)
            for status in (["PENDING", "COMPLETED"] if number % 2 else ["IN_PROGRESS"])
        ]
    )
    await account.create(title="never")
    await account.data(DELETE, id=made[0]["id"])
    expected = {}
    for group in ("OVERDUE", "TODAY", "TOMORROW", "NEXT_7_DAYS", "LATER", "NONE"):
        compared = {"due": {"in": [group]}}
        expected[group] = (await account.data(COUNT, filter=compared))["todos"]["totalCount"]
    assert all(expected.values())
    for found in (await facets(account), await facets(account, filter=ANY)):
        assert counts(found["due"], "group") == expected


async def test_what_is_not_counted_yet_is_counted_at_once(account: Account) -> None:
    """The counters aren't trusted until the worker has counted what another release wrote."""
    made = await account.create(
        title="A", priority="HIGH", tags=["a"], dueAt="2020-01-01T00:00:00Z"
    )
    in_list = await make_list(account, name="List")
    await put_in_list(account, [made["id"]], in_list["id"])
    before = await facets(account)
    assert by_list(before) == [("List", 1)]
    await fetch(
        "UPDATE feeds SET counted_seq = -1, high_count = 7 WHERE owner_id = $1", UUID(account.id)
    )
    await fetch("DELETE FROM due_counts WHERE owner_id = $1", UUID(account.id))
    await fetch("UPDATE lists SET pending_count = 0 WHERE owner_id = $1", UUID(account.id))
    assert await facets(account) == before


TODOS = """
query ($filter: TodoFilter) {
  todos(filter: $filter, first: 100) { nodes { status priority tags { name } list { name } } }
}
"""


@pytest.mark.parametrize("seed", range(3))
async def test_facets_are_a_recount_of_what_the_filter_finds(
    account: Account, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each count is that of the todos that the filter finds, whatever the filter."""
    now = Clock(monkeypatch).set("2026-11-29T12:00:00Z")
    random = Random(seed)
    list_id = await varied_todos(account, now, random)
    for _ in range(8):
        wanted = varied_filter(now, random, list_id)
        found = await facets(account, filter=wanted)
        todos = (await account.data(TODOS, filter=wanted))["todos"]["nodes"]
        assert found["total"] == len(todos), wanted
        assert counts(found["status"], "status") == Counter(todo["status"] for todo in todos)
        assert counts(found["priority"], "priority") == Counter(one["priority"] for one in todos)
        tags = Counter(tag["name"] for todo in todos for tag in todo["tags"])
        assert {one["tag"]["name"]: one["count"] for one in found["tags"]} == tags, wanted
        lists = Counter(todo["list"] and todo["list"]["name"] for todo in todos)
        assert dict(by_list(found)) == lists, wanted
        for group in GROUPS:
            of_group = {"and": [wanted, {"due": {"in": [group]}}]}
            number = (await account.data(COUNT, filter=of_group))["todos"]["totalCount"]
            assert counts(found["due"], "group").get(group, 0) == number, (wanted, group)


async def test_too_many_todos_are_only_counted_together(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit all lists are empty, and the total is right nevertheless."""
    monkeypatch.setattr("todo_gql.features.facets.counted.MAX_COUNTED", 2)
    await account.create_many([{"title": "x", "tags": ["a"]}] * 4)
    found = await facets(account, filter=ANY)
    assert found == {
        "total": 4,
        "isComplete": False,
        **{name: [] for name in ("status", "priority", "tags", "lists", "assignees", "due")},
    }
    assert (await facets(account))["isComplete"]


@pytest.mark.parametrize("name", ["tags", "lists", "assignees"])
async def test_a_facet_has_1_to_100_values(account: Account, name: str) -> None:
    """Another number is refused."""
    for first in (0, 101):
        error = await account.error(f"{{ facets {{ {name}(first: {first}) {{ count }} }} }}")
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
