"""Pages of todos by when they are due or start, which are read in parts by most filters and orders."""

from datetime import datetime
from random import Random
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.clocks import Clock
from tests.support.varied_todos import PRIORITIES, varied_filter, varied_todos

NOW = "2026-11-29T12:00:00Z"
SIZE = 4
OVERDUE_OR_TODAY = {"due": {"in": ["OVERDUE", "TODAY", "NONE"]}}
PAGE = """
query ($filter: TodoFilter, $sort: [TodoSort!], $first: Int, $after: String, $last: Int, $before: String) {
  todos(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id dueAt priority dueDate startAt startDate }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
SAVE = """
mutation ($input: SavedViewInput!) { savedViewCreate(input: $input) { view { id } errors { message } } }
"""
VIEW = """
query ($id: ID!) { node(id: $id) { ... on SavedView { todos(first: 100) { nodes { id dueAt priority dueDate startAt startDate } } } } }
"""


async def page(account: Account, **variables: Any) -> dict[str, Any]:
    """A page of todos."""
    return dict((await account.data(PAGE, **variables))["todos"])


def by_day(
    todos: list[dict[str, Any]], name: str, *, descending: bool, nulls_first: bool
) -> list[dict[str, Any]]:
    """The todos as Python sorts them by the day that they are due or start, which is one of UTC."""

    def key(todo: dict[str, Any]) -> tuple[str, str, str]:
        moment, day = todo[f"{name}At"], todo[f"{name}Date"]
        return (moment or day)[: len("2026-11-29")], moment or "later", todo["id"]

    present = [todo for todo in todos if todo[f"{name}At"] or todo[f"{name}Date"]]
    present.sort(key=key, reverse=descending)
    absent = sorted(
        (todo for todo in todos if todo not in present),
        key=lambda todo: str(todo["id"]),
        reverse=descending,
    )
    return absent + present if nulls_first else present + absent


@pytest.mark.parametrize("field", ["DUE", "START"])
@pytest.mark.parametrize("seed", range(3))
async def test_pages_by_days_are_those_of_the_whole_list(
    account: Account, monkeypatch: pytest.MonkeyPatch, seed: int, field: str
) -> None:
    """All pages by DUE or START together are the sorted list, both ways, whatever the filter."""
    now = Clock(monkeypatch).set(NOW)
    random = Random(seed)
    list_id = await varied_todos(account, now, random)
    for number in range(12):
        day = f"2026-12-{random.randint(1, 9):02}"
        start = {"startDate": day} if number % 2 else {"startAt": f"{day}T0{number % 9}:00:00Z"}
        due = {"dueDate": f"2026-12-{random.randint(10, 12)}"} if number % 3 else {}
        await account.create(**start, **due)
    for descending in (False, True):
        for nulls_first in (False, True):
            sort = {
                "field": field,
                "direction": "DESC" if descending else "ASC",
                "nulls": "FIRST" if nulls_first else "LAST",
            }
            for wanted in (None, varied_filter(now, random, list_id), OVERDUE_OR_TODAY):
                todos = (await page(account, filter=wanted, first=100))["nodes"]
                expected = by_day(
                    todos, field.lower(), descending=descending, nulls_first=nulls_first
                )
                await check_pages(account, {"filter": wanted, "sort": [sort]}, expected)


def in_order(todos: list[dict[str, Any]], order: tuple[bool, bool, bool]) -> list[dict[str, Any]]:
    """The todos as Python sorts them: by `dueAt`, perhaps by priority, and by their ids.

    The order is whether it descends, whether nulls come first, and whether it is by priority, too.
    """
    descending, nulls_first, by_priority = order
    ordered = sorted(todos, key=lambda todo: str(todo["id"]), reverse=descending)
    if by_priority:
        ordered.sort(key=lambda todo: PRIORITIES.index(todo["priority"]))
    timed = [todo for todo in ordered if todo["dueAt"]]
    timed.sort(key=lambda todo: datetime.fromisoformat(todo["dueAt"]), reverse=descending)
    untimed = [todo for todo in ordered if not todo["dueAt"]]
    return untimed + timed if nulls_first else timed + untimed


@pytest.mark.parametrize("seed", range(6))
async def test_pages_by_due_at_are_those_of_the_whole_list(
    account: Account, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """All pages together are the sorted list, both ways, whatever the filter and the order."""
    now = Clock(monkeypatch).set(NOW)
    random = Random(seed)
    list_id = await varied_todos(account, now, random)
    for descending in (False, True):
        for nulls_first in (False, True):
            order = (descending, nulls_first, random.random() < 1 / 3)
            wanted = varied_filter(now, random, list_id) if seed else OVERDUE_OR_TODAY
            sort = [
                {
                    "field": "DUE_AT",
                    "direction": "DESC" if descending else "ASC",
                    "nulls": "FIRST" if nulls_first else "LAST",
                },
                *([{"field": "PRIORITY"}] if order[2] else []),
            ]
            todos = (await page(account, filter=wanted, first=100))["nodes"]
            await check_pages(account, {"filter": wanted, "sort": sort}, in_order(todos, order))


async def check_pages(
    account: Account, sent: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    """Read the list by pages from its start, and from its end."""
    seen, cursor = list[dict[str, Any]](), None
    while True:
        found = await page(account, **sent, first=SIZE, after=cursor)
        assert found["totalCount"] == len(expected), sent
        assert found["pageInfo"]["hasPreviousPage"] == bool(seen), sent
        seen += found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            break
        cursor = found["pageInfo"]["endCursor"]
    assert seen == expected, sent
    seen, cursor = list[dict[str, Any]](), None
    while True:
        found = await page(account, **sent, last=SIZE, before=cursor)
        assert found["pageInfo"]["hasNextPage"] == bool(seen), sent
        seen = found["nodes"] + seen
        if not found["pageInfo"]["hasPreviousPage"]:
            break
        cursor = found["pageInfo"]["startCursor"]
    assert seen == expected, sent


async def test_a_page_may_end_at_both_cursors(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page between two cursors has the todos between them, of one part of the list or both, or none."""
    now = Clock(monkeypatch).set(NOW)
    await varied_todos(account, now, Random(1))
    sent = {"filter": {"status": {"eq": "PENDING"}}, "sort": [{"field": "DUE_AT"}]}
    todos = (await page(account, **sent, first=100))["nodes"]
    cursors = list[str]()
    for number in range(len(todos)):
        before = {"after": cursors[-1]} if cursors else {}
        cursors.append((await page(account, **sent, first=1, **before))["pageInfo"]["endCursor"])
        assert len(cursors) == number + 1
    places = range(0, len(todos), 3)
    for after in places:
        for before_place in places:
            between = {"after": cursors[after], "before": cursors[before_place]}
            found = await page(account, **sent, last=100, **between)
            assert found["nodes"] == todos[after + 1 : before_place], (after, before_place)


async def test_a_view_by_due_at_shows_the_same(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A saved view has the todos of its filter, in its order."""
    now = Clock(monkeypatch).set(NOW)
    await varied_todos(account, now, Random(2))
    for name in ("OVERDUE", "TODAY", "NEXT_7_DAYS"):
        sent = {"filter": {"due": {"in": [name]}}, "sort": [{"field": "DUE_AT"}]}
        saved = (await account.data(SAVE, input={"name": name, **sent}))["savedViewCreate"]
        shown = (await account.data(VIEW, id=saved["view"]["id"]))["node"]["todos"]["nodes"]
        todos = (await page(account, filter=sent["filter"], first=100))["nodes"]
        assert shown == in_order(todos, (False, False, False))
        assert shown
