"""Days and snoozes of todos in shared lists: each member has their own TODAY."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.lists import make_list
from tests.support.sharing import share
from todo_gql.database.models import ListRole

TODAY = {"due": {"in": ["TODAY"]}}
PAGE = """
query ($filter: TodoFilter, $sort: [TodoSort!], $after: String) {
  todos(filter: $filter, sort: $sort, first: 2, after: $after) {
    totalCount nodes { title } pageInfo { hasNextPage endCursor }
  }
}
"""
FACETS = "{ facets { due { group count } } }"
SNOOZE = """
mutation ($id: ID!, $until: DateTime) { todoSnooze(id: $id, until: $until) { errors { code } } }
"""


@pytest.fixture
async def ids(account: Account, stranger: Account) -> dict[str, str]:
    """The ids by title of todos due today and later, of two people in turn: 1 and 3 are in a shared list."""
    list_id = (await make_list(account))["id"]
    today, ids = datetime.now(UTC).date(), {}
    for number in range(5):
        owner, to = (account, {"listId": list_id}) if number % 2 else (stranger, None)
        day = str(today + timedelta(number // 4))
        todo = await owner.create(title=str(number), dueDate=day, to=to)
        ids[str(number)] = todo["id"]
    await stranger.create(title="never")
    await share(account, list_id, stranger, ListRole.EDITOR)
    return ids


async def titles(account: Account, **variables: Any) -> str:
    """The titles of all pages."""
    found, after = list[str](), None
    while True:
        page = (await account.data(PAGE, after=after, **variables))["todos"]
        found += [node["title"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return " ".join(found)
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
async def test_pages_by_days_have_the_todos_of_all_lists(
    stranger: Account, ids: dict[str, str], nulls: str
) -> None:
    """A member's pages by DUE have their own todos and those of shared lists in one order."""
    for direction, days in (("ASC", "0 1 2 3 4"), ("DESC", "4 3 2 1 0")):
        sort = [{"field": "DUE", "direction": direction, "nulls": nulls}]
        expected = f"never {days}" if nulls == "FIRST" else f"{days} never"
        assert await titles(stranger, sort=sort) == expected
        assert await titles(stranger, sort=sort, filter=TODAY) == days.replace("4", "").strip()


async def test_a_member_snoozes_for_themselves(
    account: Account, stranger: Account, ids: dict[str, str]
) -> None:
    """What a member puts off leaves their TODAY and its counts, and those of nobody else."""
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    payload = await stranger.data(SNOOZE, id=ids["1"], until=until)
    assert payload["todoSnooze"]["errors"] == []
    sort = [{"field": "DUE"}]
    assert await titles(stranger, filter=TODAY, sort=sort) == "0 2 3"
    assert await titles(stranger, filter={"isSnoozed": True}) == "1"
    assert await titles(account, filter=TODAY, sort=sort) == "1 3"
    assert await titles(account, filter={"isSnoozed": True}) == ""
    counts = [(await one.data(FACETS))["facets"]["due"] for one in (stranger, account)]
    today = [one["count"] for due in counts for one in due if one["group"] == "TODAY"]
    assert today == [3, 2]
