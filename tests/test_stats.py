"""Counts of todos."""

from itertools import product
from typing import Any

from tests.conftest import Account

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
        "completionRate": 3 / 13 * 100,
    }


async def test_a_user_has_their_stats(account: Account) -> None:
    """The same counts as the viewer's."""
    await account.create(status="COMPLETED")
    data = await account.data(f"{{ viewer {{ stats {{ {COUNTS} }} }} stats {{ {COUNTS} }} }}")
    assert data["viewer"]["stats"] == data["stats"]
    assert (data["stats"]["total"], data["stats"]["completionRate"]) == (1, 100.0)


async def test_the_trash_has_stats_of_its_own(account: Account) -> None:
    """When it is asked for."""
    todo = await account.create(status="COMPLETED")
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=todo["id"])
    assert await stats(account) == EMPTY
    assert (await stats(account, {"isDeleted": True}))["completed"] == 1
