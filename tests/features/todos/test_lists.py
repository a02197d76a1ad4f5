"""Lists of todos: filters, orders, and pages both ways."""

import random
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest

from tests.support.accounts import Account
from todo_gql.database.connection import acquire

LIST = """
query ($filter: TodoFilter, $sort: [TodoSort!], $first: Int, $after: String, $last: Int,
       $before: String) {
  todos(filter: $filter, sort: $sort, first: $first, after: $after, last: $last,
        before: $before) {
    edges {
      cursor
      node { id title description status priority dueAt completedAt createdAt updatedAt isOverdue
             tags { name } }
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""
PRIORITIES = ["LOW", "MEDIUM", "HIGH", "URGENT"]
STATUSES = ["PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"]
DUE = ["2020-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"]
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }"

SORT_VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "CREATED_AT": lambda todo: todo["createdAt"],
    "UPDATED_AT": lambda todo: todo["updatedAt"],
    "DUE_AT": lambda todo: todo["dueAt"],
    "COMPLETED_AT": lambda todo: todo["completedAt"],
    "PRIORITY": lambda todo: PRIORITIES.index(todo["priority"]),
    "STATUS": lambda todo: STATUSES.index(todo["status"]),
    "TITLE": lambda todo: todo["title"].lower().encode(),
}
SINGLE_ORDERS = [[order] for order in product(SORT_VALUES, ("ASC", "DESC"), ("FIRST", "LAST"))]
SEVERAL_KEYS = [
    [("PRIORITY", "DESC", "LAST"), ("DUE_AT", "ASC", "FIRST")],
    [("DUE_AT", "DESC", "LAST"), ("TITLE", "ASC", "LAST"), ("STATUS", "DESC", "LAST")],
    [("STATUS", "ASC", "LAST"), ("PRIORITY", "ASC", "LAST")],
    [("TITLE", "DESC", "LAST"), ("TITLE", "ASC", "LAST")],
]
Order = list[tuple[str, str, str]]


async def listed(account: Account, **arguments: Any) -> Any:
    """A page of todos."""
    return (await account.data(LIST, **arguments))["todos"]


def titles(page: Any) -> list[str]:
    """The titles in a page."""
    return [edge["node"]["title"] for edge in page["edges"]]


def ids(page: Any) -> list[str]:
    """The ids in a page."""
    return [edge["node"]["id"] for edge in page["edges"]]


def as_input(order: Order) -> list[dict[str, str]]:
    """An order as a client sends it."""
    return [dict(zip(("field", "direction", "nulls"), key, strict=True)) for key in order]


def in_order(todos: Iterable[dict[str, Any]], order: Order) -> list[dict[str, Any]]:
    """The todos as the documentation says they are sorted."""
    ordered = sorted(todos, key=lambda todo: todo["id"], reverse=order[0][1] == "DESC")
    for field, direction, nulls in reversed(order):
        value = SORT_VALUES[field]
        there = [todo for todo in ordered if value(todo) is not None]
        missing = [todo for todo in ordered if value(todo) is None]
        there.sort(key=value, reverse=direction == "DESC")
        ordered = missing + there if nulls == "FIRST" else there + missing
    return ordered


def varied(number: int) -> list[dict[str, Any]]:
    """Inputs with many ties and nulls."""
    chance = random.Random(number)
    names = ["apple", "Banana", "CHERRY", "äpfel", "zoo", "100%", "a_b", "back\\slash"]
    return [
        {
            "title": chance.choice(names),
            "description": chance.choice([None, "", "some words", "Apple pie"]),
            "priority": chance.choice(PRIORITIES),
            "status": chance.choice(STATUSES),
            "dueAt": chance.choice([None, *DUE]),
            "tags": chance.sample(["home", "work", "garden"], chance.randrange(4)),
        }
        for _ in range(number)
    ]


@pytest.mark.parametrize("order", SINGLE_ORDERS + SEVERAL_KEYS, ids=str)
async def test_pages_forwards_and_backwards_show_the_whole_order(
    account: Account, order: Order
) -> None:
    """Each todo once, nulls where they are asked for, and true facts about what is around."""
    await account.create_many(varied(11))
    everything = await listed(account)
    expected = [
        todo["id"] for todo in in_order((edge["node"] for edge in everything["edges"]), order)
    ]
    sort = as_input(order)
    forwards: list[str] = []
    after = None
    while len(forwards) < len(expected):
        page = await listed(account, sort=sort, first=3, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is bool(forwards)
        forwards += ids(page)
        assert page["pageInfo"]["hasNextPage"] is (len(forwards) < len(expected))
        after = page["pageInfo"]["endCursor"]
    backwards: list[str] = []
    before = None
    while len(backwards) < len(expected):
        page = await listed(account, sort=sort, last=3, before=before)
        assert page["pageInfo"]["hasNextPage"] is bool(backwards)
        backwards = ids(page) + backwards
        assert page["pageInfo"]["hasPreviousPage"] is (len(backwards) < len(expected))
        before = page["pageInfo"]["startCursor"]
    assert forwards == backwards == expected


Matches = Callable[[dict[str, Any]], bool]


def text_of(todo: dict[str, Any]) -> str:
    """What a search looks at."""
    return f"{todo['title']}\x1f{todo['description'] or ''}".lower()


def names_of(todo: dict[str, Any]) -> set[str]:
    """The names of a todo's tags."""
    return {tag["name"] for tag in todo["tags"]}


def anything(_todo: dict[str, Any]) -> bool:
    """What every todo is."""
    return True


def nothing(_todo: dict[str, Any]) -> bool:
    """What no todo is."""
    return False


FILTERS: list[tuple[dict[str, Any] | None, Matches]] = [
    (None, anything),
    ({}, anything),
    ({"status": None, "search": None, "and": None}, anything),
    ({"and": []}, anything),
    ({"or": []}, nothing),
    ({"not": {}}, nothing),
    ({"status": {"in": []}}, nothing),
    ({"status": {"notIn": []}}, anything),
    ({"status": {"eq": "PENDING"}}, lambda t: t["status"] == "PENDING"),
    ({"status": {"in": ["PENDING", "COMPLETED"]}}, lambda t: t["status"] in STATUSES[::2]),
    ({"status": {"notIn": ["PENDING"]}}, lambda t: t["status"] != "PENDING"),
    ({"priority": {"gte": "HIGH"}}, lambda t: t["priority"] in ("HIGH", "URGENT")),
    ({"priority": {"lte": "MEDIUM", "notIn": ["LOW"]}}, lambda t: t["priority"] == "MEDIUM"),
    ({"priority": {"eq": "LOW"}}, lambda t: t["priority"] == "LOW"),
    ({"dueAt": {"isNull": True}}, lambda t: t["dueAt"] is None),
    ({"dueAt": {"isNull": False}}, lambda t: t["dueAt"] is not None),
    ({"dueAt": {"lt": DUE[1]}}, lambda t: t["dueAt"] == DUE[0]),
    ({"dueAt": {"lte": DUE[1]}}, lambda t: t["dueAt"] in DUE[:2]),
    ({"dueAt": {"gt": DUE[1]}}, lambda t: t["dueAt"] == DUE[2]),
    ({"dueAt": {"gte": DUE[1], "lt": DUE[2]}}, lambda t: t["dueAt"] == DUE[1]),
    ({"not": {"dueAt": {"lt": DUE[1]}}}, lambda t: t["dueAt"] != DUE[0]),
    ({"not": {"not": {"dueAt": {"lt": DUE[1]}}}}, lambda t: t["dueAt"] == DUE[0]),
    ({"completedAt": {"isNull": False}}, lambda t: t["status"] == "COMPLETED"),
    ({"createdAt": {"lt": DUE[0]}}, nothing),
    ({"updatedAt": {"gt": DUE[0]}}, anything),
    ({"tags": {"some": ["HOME ", "x"]}}, lambda t: "home" in names_of(t)),
    ({"tags": {"some": []}}, nothing),
    ({"tags": {"every": ["home", "work"]}}, lambda t: {"home", "work"} <= names_of(t)),
    ({"tags": {"every": []}}, anything),
    ({"tags": {"every": [f"t{n}" for n in range(11)]}}, nothing),
    ({"tags": {"none": ["home", "work"]}}, lambda t: not {"home", "work"} & names_of(t)),
    ({"tags": {"none": []}}, anything),
    ({"tags": {"isEmpty": True}}, lambda t: not t["tags"]),
    ({"tags": {"isEmpty": False}}, lambda t: bool(t["tags"])),
    ({"isOverdue": True}, lambda t: bool(t["isOverdue"])),
    ({"isOverdue": False}, lambda t: not t["isOverdue"]),
    ({"not": {"isOverdue": True}}, lambda t: not t["isOverdue"]),
    ({"search": "APPLE"}, lambda t: "apple" in text_of(t)),
    ({"search": "ÄPF"}, lambda t: "äpf" in text_of(t)),
    ({"search": "0%"}, lambda t: "0%" in text_of(t)),
    ({"search": "a_b"}, lambda t: "a_b" in text_of(t)),
    ({"search": "k\\s"}, lambda t: "k\\s" in text_of(t)),
    ({"search": " \t "}, anything),
    ({"search": "oos"}, nothing),
    ({"isDeleted": False}, anything),
    ({"isDeleted": True}, nothing),
    (
        {"or": [{"status": {"eq": "PENDING"}}, {"and": [{"search": "pie"}, {"not": {}}]}]},
        lambda t: t["status"] == "PENDING",
    ),
    (
        {"status": {"eq": "PENDING"}, "not": {"tags": {"isEmpty": True}}, "search": "a"},
        lambda t: t["status"] == "PENDING" and bool(t["tags"]) and "a" in text_of(t),
    ),
]


NEWEST_FIRST = [{"field": "CREATED_AT", "direction": "DESC"}]


async def test_a_filter_matches_what_it_says_and_its_negation_the_rest(account: Account) -> None:
    """A filter selects the same todos in the list, its total and stats; `not` is its complement."""
    await account.create_many(varied(40))
    everything = [edge["node"] for edge in (await listed(account))["edges"]]
    for wanted, matches in FILTERS:
        expected = [todo["id"] for todo in everything if matches(todo)]
        # What a search finds comes best match first otherwise.
        page = await listed(account, filter=wanted, sort=NEWEST_FIRST)
        assert (ids(page), page["totalCount"]) == (expected, len(expected)), wanted
        stats = "query ($filter: TodoFilter) { stats(filter: $filter) { total overdue } }"
        overdue = sum(todo["isOverdue"] for todo in everything if matches(todo))
        counted = await account.data(stats, filter=wanted)
        assert counted["stats"] == {"total": len(expected), "overdue": overdue}, wanted
        if wanted and "isDeleted" not in wanted:
            rest = [todo["id"] for todo in everything if todo["id"] not in expected]
            assert ids(await listed(account, filter={"not": wanted})) == rest, wanted


async def test_todos_are_filtered_by_id(account: Account) -> None:
    """What is no id, or somebody else's, matches nothing."""
    made = [todo["id"] for todo in await account.create_many([{"title": "x"}] * 3)]
    for wanted, expected in (
        ({"eq": made[0].upper()}, {made[0]}),
        ({"eq": "nonsense"}, set()),
        ({"in": [made[0], made[2], "nonsense"]}, {made[0], made[2]}),
        ({"notIn": [made[0], "nonsense"]}, set(made[1:])),
    ):
        assert set(ids(await listed(account, filter={"id": wanted}))) == expected


async def test_the_list_begins_with_the_newest_fifty(account: Account) -> None:
    """The list begins with the newest fifty by default."""
    made = await account.create_many([{"title": f"{n}"} for n in range(51)])
    page = await listed(account)
    assert ids(page) == [todo["id"] for todo in reversed(made)][:50]
    assert page["totalCount"] == 51
    assert page["pageInfo"]["hasNextPage"] is True


async def test_the_newest_is_what_was_made_last_whatever_ids_clients_gave(account: Account) -> None:
    """Ids are no times: some makers of version 7 count so that theirs read as of the year 2205."""
    given = ["06c1fb08-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"]
    first, second = [await account.create(id=id) for id in given]
    third = await account.create()
    page = await listed(account)
    assert ids(page) == [third["id"], second["id"], first["id"]]


async def test_the_last_without_a_cursor_are_the_end_of_the_list(account: Account) -> None:
    """The last items without a cursor are the end of the list in its own order."""
    await account.create_many([{"title": f"{n}"} for n in range(5)])
    assert titles(await listed(account, last=2)) == ["1", "0"]


async def test_first_and_before_narrow_each_other(account: Account) -> None:
    """First with before, and last with after, narrow each other to the items between."""
    await account.create_many([{"title": f"{n}"} for n in range(6)])
    cursors = [edge["cursor"] for edge in (await listed(account))["edges"]]
    page = await listed(account, first=3, after=cursors[0], before=cursors[3])
    assert titles(page) == ["4", "3"]
    assert page["pageInfo"]["hasNextPage"] is page["pageInfo"]["hasPreviousPage"] is True
    page = await listed(account, last=1, after=cursors[3])
    assert titles(page) == ["0"]
    assert page["pageInfo"] == {**page["pageInfo"], "hasNextPage": False, "hasPreviousPage": True}


async def test_a_cursor_outlives_its_todo(account: Account) -> None:
    """The page goes on from the place where it was, and the facts around it stay true."""
    made = await account.create_many([{"title": f"{n}"} for n in range(3)])
    first = await listed(account, first=1)
    await account.data(DELETE, id=made[2]["id"])
    page = await listed(account, first=5, after=first["pageInfo"]["endCursor"])
    assert titles(page) == ["1", "0"]
    assert page["pageInfo"]["hasPreviousPage"] is False
    past_the_end = await listed(account, first=5, after=page["pageInfo"]["endCursor"])
    assert past_the_end["edges"] == []
    assert past_the_end["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


async def test_a_cursor_goes_with_any_filter(account: Account) -> None:
    """It is bound to its order only."""
    await account.create_many([{"title": f"{n}", "tags": ["odd"] * (n % 2)} for n in range(6)])
    after = (await listed(account, first=1))["pageInfo"]["endCursor"]
    page = await listed(account, after=after, filter={"tags": {"some": ["odd"]}})
    assert titles(page) == ["3", "1"]


BY_TITLE = [{"field": "TITLE"}]


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 0},
        {"first": -1},
        {"first": 101},
        {"last": 0},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"after": ""},
        {"before": "nonsense", "last": 1},
        {"before": "CURSOR"},
        {"after": "CURSOR", "sort": BY_TITLE},
        {"after": "CURSOR" * 1000},
        {"sort": [{"field": name} for name in list(SORT_VALUES)[:6]]},
        {"filter": {"not": {"isDeleted": True}}},
        {"filter": {"and": [{}] * 50}},
        {"filter": {"id": {"in": ["x"] * 101}}},
        {"filter": {"not": {"not": {"not": {"not": {"not": {}}}}}}},
        {"filter": {"search": "\0"}},
        {"filter": {"tags": {"some": ["a\0"]}}},
        {"filter": {"tags": {"every": ["a\0"]}}},
        {"filter": {"tags": {"none": ["a\tb"]}}},
    ],
    ids=str,
)
async def test_arguments_that_make_no_sense_are_bad_user_input(
    account: Account, arguments: dict[str, Any]
) -> None:
    """Arguments that make no sense are BAD_USER_INPUT, with the path of the field."""
    await account.create()
    cursor = (await listed(account))["pageInfo"]["endCursor"]
    sent = {
        name: value.replace("CURSOR", cursor) if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    error = await account.error(LIST, **sent)
    assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["todos"])


async def test_who_pages_while_todos_move_sees_those_that_stay_once(account: Account) -> None:
    """Moved ones may come again or be missed."""
    made = await account.create_many([{"title": f"{n:02}"} for n in range(12)])
    moved = {todo["id"] for todo in made[::4]}
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = await listed(account, sort=BY_TITLE, first=3, after=after)
        seen += ids(page)
        after = page["pageInfo"]["endCursor"]
        async with acquire() as connection:
            await connection.execute(
                "UPDATE todos SET title = 'z' || title WHERE id = ANY($1::text[]::uuid[])",
                list(moved),
            )
    stayed = [todo["id"] for todo in made if todo["id"] not in moved]
    assert [id for id in seen if id not in moved] == stayed
