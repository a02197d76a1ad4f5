"""Counts of todos."""

from fractions import Fraction
from itertools import product
from math import nextafter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.accounts import Account
from todo_gql.features.stats.types import TodoStats

COUNTS = "total pending inProgress completed cancelled overdue completionRate"
STATS = f"query ($filter: TodoFilter) {{ stats(filter: $filter) {{ {COUNTS} }} }}"
STATUSES = ["PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"]
DUE = [None, "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]
EMPTY = {
    "total": 0,
    "pending": 0,
    "inProgress": 0,
    "completed": 0,
    "cancelled": 0,
    "overdue": 0,
    "completionRate": 0.0,
}


async def stats(account: Account, wanted: dict[str, Any] | None = None) -> Any:
    """The counts of the todos that a filter matches."""
    return (await account.data(STATS, filter=wanted))["stats"]


async def test_nothing_counts_as_nothing(account: Account) -> None:
    """The rate of completion is 0 then, with a filter too."""
    assert await stats(account) == EMPTY
    await account.create()
    assert await stats(account, {"search": "no such text"}) == EMPTY


async def test_kept_and_counted_stats_agree(account: Account) -> None:
    """What the write path keeps is what a filter that matches everything counts."""
    inputs = [{"title": "x", "status": s, "dueAt": d} for s, d in product(STATUSES, DUE)]
    made = await account.create_many(inputs + inputs[:4])
    await account.data(
        "mutation ($ids: [ID!]!) { todoBulkDelete(ids: $ids) { updated } }",
        ids=[todo["id"] for todo in made[:3]],
    )
    kept = await stats(account)
    assert kept == await stats(account, {"and": []})
    assert kept == {
        "total": 13,
        "pending": 3,
        "inProgress": 4,
        "completed": 3,
        "cancelled": 3,
        "overdue": 2,
        "completionRate": 300 / 13,
    }


async def test_a_user_has_their_stats(account: Account) -> None:
    """The same counts as the viewer's."""
    await account.create(status="COMPLETED")
    data = await account.data(f"{{ viewer {{ stats {{ {COUNTS} }} }} stats {{ {COUNTS} }} }}")
    assert data["viewer"]["stats"] == data["stats"]
    assert (data["stats"]["total"], data["stats"]["completionRate"]) == (1, 100.0)


async def test_the_trash_has_stats_of_its_own(account: Account) -> None:
    """The trash has stats of its own, which are computed when they are selected."""
    todo = await account.create(status="COMPLETED")
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=todo["id"])
    assert await stats(account) == EMPTY
    assert (await stats(account, {"isDeleted": True}))["completed"] == 1


async def test_a_rate_of_completion_is_the_nearest_number(account: Account) -> None:
    """29 of 100 are 29 percent, as kept and as counted."""
    await account.create_many([{"title": "x", "status": "COMPLETED"}] * 29)
    await account.create_many([{"title": "x"}] * 71)
    assert (await stats(account))["completionRate"] == 29.0
    assert (await stats(account, {"and": []}))["completionRate"] == 29.0


@given(st.integers(0, 2**53), st.integers(0, 2**53))
def test_no_float_is_nearer_than_a_rate_of_completion(completed: int, pending: int) -> None:
    """No float is nearer to the rate of completion than the one that is sent."""
    counts = {"pending": pending, "in_progress": 0, "completed": completed, "cancelled": 0}
    row: Any = {f"{name}_count": number for name, number in counts.items()} | {"id": None}
    rate = TodoStats.from_counts(row).completion_rate
    exact = Fraction(100 * completed, max(completed + pending, 1))
    distance = abs(Fraction(rate) - exact)
    assert all(distance <= abs(Fraction(nextafter(rate, to)) - exact) for to in (-1.0, 101.0))
