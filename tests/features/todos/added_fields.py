"""What the API does with fields that have nothing but an entry, run by `test_added_fields.py`."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.support.accounts import Account
from tests.support.added_fields import MIGRATION
from tests.support.subscribers import connected
from todo_gql.database.connection import fetch
from todo_gql.features.todos.recount import recount

PARTS = "id title scratchText scratchNumber scratchEnum scratchFlag version"
CREATE = f"""
mutation ($input: TodoCreateInput!) {{
  todoCreate(input: $input) {{ todo {{ {PARTS} }} errors {{ code path }} }}
}}
"""
CREATE_MANY = f"""
mutation ($inputs: [TodoCreateInput!]!) {{
  todoBulkCreate(inputs: $inputs) {{ results {{ todo {{ {PARTS} }} errors {{ code path }} }} }}
}}
"""
UPDATE = f"""
mutation ($id: ID!, $input: TodoUpdateInput!) {{
  todoUpdate(id: $id, input: $input) {{ todo {{ {PARTS} }} errors {{ code path }} }}
}}
"""
UPDATE_MANY = f"""
mutation ($ids: [ID!]!, $action: TodoBulkAction!) {{
  todoBulkUpdate(ids: $ids, action: $action) {{
    results {{ todo {{ {PARTS} }} }} errors {{ code path }}
  }}
}}
"""
DELETE = f"mutation ($id: ID!) {{ todoDelete(id: $id) {{ todo {{ {PARTS} }} }} }}"
RESTORE = f"mutation ($id: ID!) {{ todoRestore(id: $id) {{ todo {{ {PARTS} }} }} }}"
READ = f"""
query ($id: ID!) {{
  todo(id: $id) {{ {PARTS} history {{ nodes {{ action fields {{ name before after }} }} }} }}
  node(id: $id) {{ ... on Todo {{ {PARTS} }} }}
}}
"""
LIST = """
query ($filter: TodoFilter, $sort: [TodoSort!], $first: Int, $after: String) {
  todos(filter: $filter, sort: $sort, first: $first, after: $after) {
    nodes { title scratchText } pageInfo { hasNextPage endCursor } totalCount
  }
}
"""


@pytest.fixture(scope="session")
async def database_url(database_url: str) -> str:
    """The run's database, with the columns of the fields."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(MIGRATION)
    await connection.close()
    return database_url


async def created(account: Account, **values: Any) -> dict[str, Any]:
    """A new todo."""
    payload = (await account.data(CREATE, input={"title": "Todo", **values}))["todoCreate"]
    assert payload["errors"] == []
    return dict(payload["todo"])


async def updated(account: Account, id: str, **values: Any) -> dict[str, Any]:
    """A todo after an update."""
    payload = (await account.data(UPDATE, id=id, input=values))["todoUpdate"]
    assert payload["errors"] == []
    return dict(payload["todo"])


async def test_values_are_created_updated_cleared_and_logged(account: Account) -> None:
    """The field is in payloads, in reads by id, and in each line of the history that touches it."""
    todo = await created(account, scratchText=" Office ", scratchEnum="LOW")
    assert (todo["scratchText"], todo["scratchEnum"], todo["scratchNumber"]) == (
        "Office",
        "LOW",
        None,
    )
    await updated(account, todo["id"], scratchText="Home", scratchEnum="URGENT", scratchNumber=5)
    same = await updated(account, todo["id"], scratchText="Home", title="Todo")
    assert same["version"] == 2
    cleared = await updated(account, todo["id"], scratchText=None, scratchEnum=None)
    assert (cleared["scratchText"], cleared["scratchEnum"], cleared["scratchNumber"]) == (
        None,
        None,
        5,
    )
    read = await account.data(READ, id=todo["id"])
    history = read["todo"].pop("history")["nodes"]
    assert read["todo"] == read["node"] == cleared
    assert [change["fields"] for change in history] == [
        [
            {"name": "scratchEnum", "before": "URGENT", "after": None},
            {"name": "scratchText", "before": "Home", "after": None},
        ],
        [
            {"name": "scratchEnum", "before": "LOW", "after": "URGENT"},
            {"name": "scratchNumber", "before": None, "after": 5},
            {"name": "scratchText", "before": "Office", "after": "Home"},
        ],
        [
            {"name": "priority", "before": None, "after": "MEDIUM"},
            {"name": "scratchEnum", "before": None, "after": "LOW"},
            {"name": "scratchFlag", "before": None, "after": False},
            {"name": "scratchText", "before": None, "after": "Office"},
            {"name": "status", "before": None, "after": "PENDING"},
            {"name": "title", "before": None, "after": "Todo"},
        ],
    ]


async def test_invalid_values_are_errors_with_their_path(account: Account) -> None:
    """The validator of the entry runs for creates and updates, of one todo and of many."""
    refused = {"scratchText": "x" * 201, "scratchNumber": -1}
    problems = [("TOO_LONG", "scratchText"), ("OUT_OF_RANGE", "scratchNumber")]
    sent = {"title": "Todo", **refused}
    payload = (await account.data(CREATE, input=sent))["todoCreate"]
    assert payload["errors"] == [{"code": code, "path": ["input", name]} for code, name in problems]
    todo = await created(account)
    payload = (await account.data(UPDATE, id=todo["id"], input=refused))["todoUpdate"]
    assert payload["errors"] == [{"code": code, "path": ["input", name]} for code, name in problems]
    [result] = (await account.data(CREATE_MANY, inputs=[sent]))["todoBulkCreate"]["results"]
    assert result["errors"] == [
        {"code": code, "path": ["inputs", "0", name]} for code, name in problems
    ]
    action = {"setScratchNumber": -1}
    payload = (await account.data(UPDATE_MANY, ids=[todo["id"]], action=action))["todoBulkUpdate"]
    assert payload["errors"] == [{"code": "OUT_OF_RANGE", "path": ["action", "setScratchNumber"]}]


async def test_many_todos_are_created_and_changed_at_once(account: Account) -> None:
    """A bulk create writes the field, and a bulk action sets it."""
    inputs = [{"title": "a", "scratchText": "Office"}, {"title": "b", "scratchText": None}]
    results = (await account.data(CREATE_MANY, inputs=inputs))["todoBulkCreate"]["results"]
    assert [result["todo"]["scratchText"] for result in results] == ["Office", None]
    ids = [result["todo"]["id"] for result in results]
    changed = await account.data(UPDATE_MANY, ids=ids, action={"setScratchNumber": 7})
    assert [
        (result["todo"]["scratchNumber"], result["todo"]["scratchText"])
        for result in changed["todoBulkUpdate"]["results"]
    ] == [(7, "Office"), (7, None)]


async def test_the_trash_and_back_change_no_value(account: Account) -> None:
    """A todo that was deleted and restored has the value that it had."""
    todo = await created(account, scratchText="Office", scratchNumber=3, scratchEnum="HIGH")
    deleted = (await account.data(DELETE, id=todo["id"]))["todoDelete"]["todo"]
    restored = (await account.data(RESTORE, id=todo["id"]))["todoRestore"]["todo"]
    assert deleted == todo | {"version": 2}
    assert restored == todo | {"version": 3}


TEXTS = {"a": "office", "b": "Home", "c": None, "d": "Garden", "e": None, "f": "50% off_ice"}


@pytest.mark.parametrize(
    ("comparator", "titles"),
    [
        ({"eq": "Home"}, "b"),
        ({"eq": "home"}, ""),
        ({"eq": "x" * 201}, ""),
        ({"in": ["Home", "Garden"]}, "bd"),
        ({"notIn": ["Home"]}, "acdef"),
        ({"contains": "OFF"}, "af"),
        ({"contains": "0%"}, "f"),
        ({"contains": "f_i"}, "f"),
        ({"isNull": True}, "ce"),
        ({"isNull": False, "notIn": ["Home"]}, "adf"),
        ({"eq": None}, "abcdef"),
    ],
)
async def test_a_list_is_filtered_by_it(
    account: Account, comparator: dict[str, Any], titles: str
) -> None:
    """Each operator of the comparator, its opposite too."""
    for title, text in TEXTS.items():
        await created(account, title=title, scratchText=text)
    by_title = [{"field": "TITLE"}]
    wanted = {"scratchText": comparator}
    for filter_, expected in (
        (wanted, titles),
        ({"not": wanted}, "".join(title for title in TEXTS if title not in titles)),
    ):
        todos = (await account.data(LIST, filter=filter_, sort=by_title))["todos"]
        assert "".join(todo["title"] for todo in todos["nodes"]) == expected
        assert todos["totalCount"] == len(expected)


async def test_a_filter_with_an_unusable_text_is_refused(account: Account) -> None:
    """U+0000, which PostgreSQL can't compare with, is an error that names the field."""
    for comparator in ({"eq": "a\0"}, {"in": ["a\0"]}, {"contains": "a\0"}):
        error = await account.error(LIST, filter={"scratchText": comparator})
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["message"].startswith("scratchText: ")


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
@pytest.mark.parametrize("field", ["SCRATCH_TEXT", "SCRATCH_NUMBER"])
async def test_a_list_is_sorted_by_it(
    account: Account, field: str, nulls: str, direction: str
) -> None:
    """Nulls stand where they are asked for, in whatever pages the list is read."""
    minutes = {"a": 4, "b": 2, "c": None, "d": 1, "e": None, "f": 0}
    for title, text in TEXTS.items():
        await created(account, title=title, scratchText=text, scratchNumber=minutes[title])
    in_order = {"SCRATCH_TEXT": "fdba", "SCRATCH_NUMBER": "fdba"}[field]
    values = in_order if direction == "ASC" else in_order[::-1]
    sort = [{"field": field, "direction": direction, "nulls": nulls}]
    for size in (1, 2, 50):
        titles, after, has_next = "", None, True
        while has_next:
            todos = await account.data(LIST, sort=sort, first=size, after=after)
            titles += "".join(todo["title"] for todo in todos["todos"]["nodes"])
            page = todos["todos"]["pageInfo"]
            after, has_next = page["endCursor"], page["hasNextPage"]
        without = titles.replace("c", "").replace("e", "")
        assert without == values
        ends = titles[:2] if nulls == "FIRST" else titles[-2:]
        assert set(ends) == {"c", "e"}


async def test_a_flag_is_filtered_and_sorted_and_never_null(account: Account) -> None:
    """A Boolean is compared with true or false, and stands in an order as 0 or 1."""
    for title, flag in {"a": True, "b": None, "c": True}.items():
        await created(account, title=title, scratchFlag=flag)
    for flag, expected in ((True, "ac"), (False, "b")):
        listed = await account.data(LIST, filter={"scratchFlag": flag}, sort=[{"field": "TITLE"}])
        assert "".join(todo["title"] for todo in listed["todos"]["nodes"]) == expected
    sort, titles, after = [{"field": "SCRATCH_FLAG"}, {"field": "TITLE"}], "", None
    for _ in range(3):
        todos = (await account.data(LIST, sort=sort, first=1, after=after))["todos"]
        titles, after = titles + todos["nodes"][0]["title"], todos["pageInfo"]["endCursor"]
    assert titles == "bac"
    todo = await created(account)
    sent = {"scratchFlag": None}
    payload = (await account.data(UPDATE, id=todo["id"], input=sent))["todoUpdate"]
    assert payload["errors"] == [{"code": "REQUIRED", "path": ["input", "scratchFlag"]}]


@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ({"scratchText": {"eq": "Office"}}, {"scratchText": "Office"}, {"scratchText": "Home"}),
        ({"scratchText": {"contains": "OFF"}}, {"scratchText": "Office"}, {"scratchText": None}),
        ({"scratchText": {"isNull": True}}, {"scratchText": None}, {"scratchText": "Home"}),
        ({"scratchEnum": {"gte": "HIGH"}}, {"scratchEnum": "URGENT"}, {"scratchEnum": "LOW"}),
        ({"scratchEnum": {"in": ["LOW"]}}, {"scratchEnum": "LOW"}, {"scratchEnum": None}),
        ({"scratchFlag": True}, {"scratchFlag": True}, {"scratchFlag": False}),
    ],
)
async def test_a_filtered_subscription_says_what_enters_and_leaves(
    account: Account,
    address: str,
    wanted: dict[str, Any],
    inside: dict[str, Any],
    outside: dict[str, Any],
) -> None:
    """Changes arrive that make the filter match or no longer match, and none of other todos."""
    todo, other = await created(account, **outside), await created(account, **outside)
    async with connected(address, account.token) as one:
        await one.subscribe(filter=wanted)
        await one.settled()
        events = list[Any]()
        for values in (inside, {"title": "inside"}, outside, inside):
            await updated(account, other["id"], **outside, title=str(len(events)))
            await updated(account, todo["id"], **values)
            events += await one.changes(1)
        await account.data(DELETE, id=todo["id"])
        events += await one.changes(1)
    assert [event["matches"] for event in events] == [True, True, False, True, False]
    assert {event["todoId"] for event in events} == {todo["id"]}


async def test_its_bytes_count_as_a_recount_counts_them(account: Account) -> None:
    """A text takes as many bytes of the account's storage as its UTF-8 has."""
    todo = await created(account, scratchText="Büro", scratchNumber=3)
    await updated(account, todo["id"], scratchText="Café Ömer")
    await updated(account, todo["id"], scratchText=None)
    await updated(account, todo["id"], scratchText="日本")
    owner = UUID(account.id)
    [counted] = await fetch("SELECT stored_bytes FROM feeds WHERE owner_id = $1", owner)
    assert await recount(owner)
    [recounted] = await fetch("SELECT stored_bytes FROM feeds WHERE owner_id = $1", owner)
    assert counted == recounted
