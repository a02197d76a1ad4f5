"""Todos that people put off for themselves: who sees it, where they are left out, and when it ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, registered, visiting
from tests.support.clocks import Clock
from tests.support.lists import make_list, put_in_list
from tests.support.repeating import COMPLETE, repeating
from tests.support.subscribers import connected
from tests.support.views import save
from todo_gql.database.connection import fetch

SNOOZE = """
mutation ($id: ID!, $until: DateTime) {
  todoSnooze(id: $id, until: $until) {
    todo { id title version updatedAt snoozedUntil } completedOccurrence { id } undoCursor
    errors { code path }
  }
}
"""
UNTIL = "query ($id: ID!) { todo(id: $id) { snoozedUntil version } changeCursor }"
TITLES = """
query ($filter: TodoFilter, $sort: [TodoSort!]) {
  todos(filter: $filter, sort: $sort) { nodes { title } totalCount }
  stats(filter: $filter) { total }
  facets(filter: $filter) { total due { group count } }
}
"""
ALL_FACETS = "{ facets { total due { group count } } }"
UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { errors { code } }
}
"""
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
TODAY = {"due": {"in": ["TODAY"]}}
NOON = "2026-11-30T12:00:00Z"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of operations."""
    return Clock(monkeypatch)


def after(**span: float) -> str:
    """A moment so long from now on."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


async def snooze(account: Account, id: str, until: str | None) -> dict[str, Any]:
    """The payload of putting a todo off."""
    return dict((await account.data(SNOOZE, id=id, until=until))["todoSnooze"])


async def titles(account: Account, **compared: Any) -> set[str]:
    """The titles of the todos that a filter matches, which counts agree with, in any order."""
    found = set()
    for sort in ([], [{"field": "DUE_AT"}], [{"field": "DUE", "direction": "DESC"}]):
        data = await account.data(TITLES, filter=compared, sort=sort)
        found.add(frozenset(node["title"] for node in data["todos"]["nodes"]))
        numbers = data["todos"]["totalCount"], data["stats"]["total"], data["facets"]["total"]
        assert set(numbers) == {len(data["todos"]["nodes"])}
    [same] = found
    return set(same)


async def today(account: Account) -> list[int]:
    """How many todos of all are due today, as counters and as counted ones have it."""
    stored = (await account.data(ALL_FACETS))["facets"]
    counted = (await account.data(TITLES, filter={"not": {"id": {"in": []}}}))["facets"]
    assert stored == counted
    return [one["count"] for one in stored["due"] if one["group"] == "TODAY"]


async def test_snoozing_is_no_change_of_the_todo(account: Account) -> None:
    """It is answered and read at once, while version, log and undo know nothing of it."""
    todo = await account.create(title="A")
    before = await account.data(UNTIL, id=todo["id"])
    until = after(days=1)
    payload = await snooze(account, todo["id"], until)
    assert datetime.fromisoformat(payload["todo"]["snoozedUntil"]) == datetime.fromisoformat(until)
    assert payload["todo"]["updatedAt"] == todo["updatedAt"]
    assert (payload["undoCursor"], payload["completedOccurrence"]) == (None, None)
    data = await account.data(UNTIL, id=todo["id"])
    assert data["todo"].pop("snoozedUntil") == payload["todo"]["snoozedUntil"]
    del before["todo"]["snoozedUntil"]
    assert data == before


@pytest.mark.parametrize("until", [None, "2000-01-01T00:00:00Z"])
async def test_null_or_a_moment_that_has_passed_ends_it(
    account: Account, until: str | None
) -> None:
    """A todo is shown again at once, and ending what isn't snoozed is no error."""
    todo = await account.create(title="A")
    await snooze(account, todo["id"], after(days=1))
    await snooze(account, todo["id"], after(days=2))
    for _ in range(2):
        payload = await snooze(account, todo["id"], until)
        assert (payload["errors"], payload["todo"]["snoozedUntil"]) == ([], None)
    assert await fetch("SELECT FROM snoozes WHERE todo_id = $1", UUID(todo["id"])) == []


async def test_a_snooze_without_a_moment_ends_it(account: Account) -> None:
    """Leaving `until` out is the same as null."""
    todo = await account.create(title="A")
    await snooze(account, todo["id"], after(days=1))
    query = "mutation ($id: ID!) { todoSnooze(id: $id) { todo { snoozedUntil } } }"
    payload = (await account.data(query, id=todo["id"]))["todoSnooze"]
    assert payload == {"todo": {"snoozedUntil": None}}


async def test_today_leaves_out_what_is_snoozed_and_nothing_else_does(
    account: Account, clock: Clock
) -> None:
    """Other groups, days and lists have snoozed todos, due on dates or at moments, like all others."""
    clock.set(NOON)
    dues: list[dict[str, str]] = [
        {"dueDate": "2026-11-30"},
        {"dueAt": "2026-11-30T20:00:00Z"},
        {"dueDate": "2026-11-29"},
        {"dueDate": "2026-12-01"},
        {},
    ]
    for number, values in enumerate(dues):
        for name in "ab":
            todo = await account.create(title=f"{name}{number}", **values)
            if name == "a":
                await snooze(account, todo["id"], after(days=2_000))
    assert await titles(account, **TODAY) == {"b0", "b1"}
    assert await today(account) == [2]
    assert await titles(account, due={"in": ["TODAY", "TOMORROW"]}) == {"b0", "b1", "a3", "b3"}
    assert await titles(account, due={"in": ["OVERDUE", "TODAY", "NONE"]}) == {
        *("a2", "b2", "b0", "b1", "a4", "b4"),
    }
    assert await titles(account, due={"gteDays": 0, "lteDays": 0}) == {"a0", "b0", "a1", "b1"}
    assert await titles(account, isOverdue=True) == {"a2", "b2"}
    assert await titles(account, isSnoozed=True) == {f"a{n}" for n in range(5)}
    assert await titles(account, isSnoozed=False) == {f"b{n}" for n in range(5)}
    assert await titles(account, **{"not": {"isSnoozed": True}, **TODAY}) == {"b0", "b1"}
    assert await titles(account, **{"or": [TODAY, {"isSnoozed": True}]}) == {
        *("b0", "b1", *(f"a{n}" for n in range(5))),
    }
    assert len(await titles(account)) == 10


async def test_it_ends_to_the_instant(account: Account, clock: Clock) -> None:
    """A todo is in TODAY again at its moment, and shows no moment any more."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=900)
    for title in "AB":
        todo = await account.create(title=title, dueDate=until.date().isoformat())
    await snooze(account, todo["id"], until.isoformat())
    clock.set((until - timedelta(microseconds=1)).isoformat())
    assert (await titles(account, **TODAY), await today(account)) == ({"A"}, [1])
    assert (await account.data(UNTIL, id=todo["id"]))["todo"]["snoozedUntil"] is not None
    clock.set(until.isoformat())
    assert (await titles(account, **TODAY), await today(account)) == ({"A", "B"}, [2])
    assert await titles(account, isSnoozed=True) == set()
    assert (await account.data(UNTIL, id=todo["id"]))["todo"]["snoozedUntil"] is None


async def test_what_has_ended_goes_with_the_next_snooze(account: Account) -> None:
    """Rows of snoozes that have ended are deleted, and those of others aren't."""
    first, second = [await account.create() for _ in range(2)]
    for todo in (first, second):
        await snooze(account, todo["id"], after(days=1))
    expire = "UPDATE snoozes SET until = now() - interval '1 day' WHERE todo_id = $1"
    await fetch(expire, UUID(first["id"]))
    await snooze(account, second["id"], after(days=2))
    rows = await fetch("SELECT todo_id FROM snoozes WHERE person_id = $1", UUID(account.id))
    assert [str(row["todo_id"]) for row in rows] == [second["id"]]


async def test_lists_and_saved_views_leave_it_out_alike(account: Account) -> None:
    """TODAY of a list, its stats and a saved view, whose filter may name snoozed todos too."""
    list_id = (await make_list(account, name="L"))["id"]
    day = datetime.now(UTC).date().isoformat()
    for title in "AB":
        todo = await account.create(title=title, dueDate=day)
        await put_in_list(account, [todo["id"]], list_id)
    await snooze(account, todo["id"], after(days=1))
    query = """query ($id: ID!, $filter: TodoFilter) {
      node(id: $id) { ... on TodoList {
        todos(filter: $filter) { nodes { title } totalCount } stats(filter: $filter) { total }
      } }
    }"""
    found = (await account.data(query, id=list_id, filter=TODAY))["node"]
    assert found["todos"] == {"nodes": [{"title": "A"}], "totalCount": 1}
    assert found["stats"] == {"total": 1}
    for todo_filter, title in ((TODAY, "A"), ({"isSnoozed": True}, "B")):
        await save(account, name=title, filter=todo_filter)
    views = (
        await account.data("{ savedViews { name filter isValid todos { nodes { title } } } }")
    )["savedViews"]
    assert {one["name"]: [node["title"] for node in one["todos"]["nodes"]] for one in views} == {
        "A": ["A"],
        "B": ["B"],
    }
    assert all(one["isValid"] for one in views)


async def test_it_is_the_viewers_own(app: ASGIApp, account: Account) -> None:
    """Others' todos aren't found, and what somebody else put off is shown to the viewer."""
    todo = await account.create(title="A", dueDate=datetime.now(UTC).date().isoformat())
    async with visiting(app) as visitor:
        stranger = await registered(visitor)
        assert await snooze(stranger, todo["id"], after(days=1)) == {
            **dict.fromkeys(("todo", "completedOccurrence", "undoCursor")),
            "errors": [{"code": "NOT_FOUND", "path": ["id"]}],
        }
        # As a member of a list of the owner's would have put it off.
        await fetch(
            "INSERT INTO snoozes (owner_id, todo_id, person_id, until)"
            " VALUES ($1, $2, $3, now() + interval '1 day')",
            *(UUID(account.id), UUID(todo["id"]), UUID(stranger.id)),
        )
    assert (await account.data(UNTIL, id=todo["id"]))["todo"]["snoozedUntil"] is None
    await snooze(account, (await account.create())["id"], after(days=1))
    assert (await titles(account, **TODAY), await today(account)) == ({"A"}, [1])
    await snooze(account, todo["id"], None)
    rows = await fetch("SELECT person_id FROM snoozes WHERE todo_id = $1", UUID(todo["id"]))
    assert [str(row["person_id"]) for row in rows] == [stranger.id]


async def test_what_is_not_there_is_not_found(account: Account) -> None:
    """What is in the trash, unknown, or no id at all."""
    todo = await account.create()
    await account.data(DELETE, id=todo["id"])
    for id in (todo["id"], str(uuid4()), "x"):
        payload = await snooze(account, id, after(days=1))
        assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["id"]}]


async def test_snoozes_and_completions_at_once_leave_none(account: Account) -> None:
    """A completion ends every snooze before it, whichever of many is stored first."""
    todo = await repeating(account, "FREQ=DAILY", "2027-01-04")
    await asyncio.gather(
        *(snooze(account, todo["id"], after(days=1)) for _ in range(5)),
        account.data(COMPLETE, id=todo["id"]),
        *(snooze(account, todo["id"], after(days=1)) for _ in range(5)),
    )
    rows = await fetch("SELECT count(*) AS n FROM snoozes WHERE todo_id = $1", UUID(todo["id"]))
    assert rows[0]["n"] <= 1
    await account.data(COMPLETE, id=todo["id"])
    assert (await account.data(UNTIL, id=todo["id"]))["todo"]["snoozedUntil"] is None


async def test_a_subscription_takes_what_is_snoozed_as_it_is_now(
    account: Account, address: str
) -> None:
    """Snoozing is no event; later changes are told by what is put off then, and so is what it ended."""
    day = datetime.now(UTC).date().isoformat()
    todo = await account.create(title="A", dueDate=day)
    repeated = await repeating(account, "FREQ=DAILY", day)
    await snooze(account, repeated["id"], after(days=1))
    async with (
        connected(address, account.token) as shown,
        connected(address, account.token) as hidden,
    ):
        await shown.subscribe(filter=TODAY)
        await hidden.subscribe(filter={"isSnoozed": True})
        for one in (shown, hidden):
            await one.settled()
        await account.data(UPDATE, id=todo["id"], input={"title": "B"})
        [event] = await shown.changes(1)
        assert (event["todo"]["title"], event["matches"]) == ("B", True)
        await snooze(account, todo["id"], after(days=1))
        await account.data(UPDATE, id=todo["id"], input={"title": "C"})
        [event] = await hidden.changes(1)
        assert (event["todo"]["title"], event["matches"]) == ("C", True)
        await snooze(account, todo["id"], None)
        await account.data(UPDATE, id=todo["id"], input={"title": "D"})
        [event] = await shown.changes(1)
        assert (event["todo"]["title"], event["matches"]) == ("D", True)
        await account.data(COMPLETE, id=repeated["id"])
        [event] = await hidden.changes(1)
        assert (event["todoId"], event["matches"]) == (repeated["id"], False)
