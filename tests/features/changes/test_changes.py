"""The change log: history, feed, and what they say of each write."""

from typing import Any

import pytest

from tests.support.accounts import Account
from todo_gql.database.connection import acquire

FEED = """
query ($after: String, $first: Int) {
  changes(after: $after, first: $first) {
    nodes {
      id cursor action todoId at todo { title deletedAt } actor { username }
      fields { name before after }
    }
    edges { cursor }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
  changeCursor
}
"""
HISTORY = """
query ($id: ID!, $first: Int, $after: String) {
  todo(id: $id) {
    history(first: $first, after: $after) {
      nodes { action cursor fields { name before after } }
      edges { cursor node { cursor } }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { todo { updatedAt completedAt deletedAt } errors { code } }
}
"""
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { todo { deletedAt } } }"
RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { todo { id } } }"
BULK = """
mutation ($ids: [ID!]!) {
  todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }) { updated }
}
"""


async def feed(account: Account, **arguments: Any) -> Any:
    """A page of the feed, and the newest cursor."""
    return await account.data(FEED, **arguments)


async def history(account: Account, id: str, **arguments: Any) -> Any:
    """A page of a todo's history."""
    return (await account.data(HISTORY, id=id, **arguments))["todo"]["history"]


async def update(account: Account, id: str, **values: Any) -> Any:
    """The todo after an update."""
    return (await account.data(UPDATE, id=id, input=values))["todoUpdate"]["todo"]


async def test_creating_lists_every_field_that_is_not_empty(account: Account) -> None:
    """Sorted by name, with `before` null; the actor, the todo and the time are told."""
    todo = await account.create(
        title="New", tags=["b", "a"], description="", dueAt="2026-01-01T00:00:00Z", metadata={}
    )
    [change] = (await feed(account))["changes"]["nodes"]
    assert change == {
        **change,
        "action": "CREATED",
        "todoId": todo["id"],
        "at": todo["createdAt"],
        "todo": {"title": "New", "deletedAt": None},
        "actor": {"username": account.username},
        "fields": [
            {"name": "dueAt", "before": None, "after": "2026-01-01T00:00:00.000000Z"},
            {"name": "priority", "before": None, "after": "MEDIUM"},
            {"name": "status", "before": None, "after": "PENDING"},
            {"name": "tags", "before": None, "after": ["a", "b"]},
            {"name": "title", "before": None, "after": "New"},
        ],
    }


async def test_updating_lists_every_field_that_changed(account: Account) -> None:
    """Updating lists each changed field with both values, but not version and updatedAt."""
    todo = await account.create(title="Old", estimatedMinutes=5, metadata={"a": [1]}, tags=["x"])
    sent = {
        "title": "New",
        "description": "d",
        "priority": "HIGH",
        "estimatedMinutes": None,
        "actualMinutes": 0,
        "tags": ["y", "x"],
        "metadata": {"a": [2]},
    }
    after = await update(account, todo["id"], **sent)
    change = (await feed(account))["changes"]["nodes"][1]
    assert (change["action"], change["at"]) == ("UPDATED", after["updatedAt"])
    assert change["fields"] == [
        {"name": "actualMinutes", "before": None, "after": 0},
        {"name": "description", "before": None, "after": "d"},
        {"name": "estimatedMinutes", "before": 5, "after": None},
        {"name": "metadata", "before": {"a": [1]}, "after": {"a": [2]}},
        {"name": "priority", "before": "MEDIUM", "after": "HIGH"},
        {"name": "tags", "before": ["x"], "after": ["x", "y"]},
        {"name": "title", "before": "Old", "after": "New"},
    ]


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ("PENDING", "IN_PROGRESS", "STARTED"),
        ("PENDING", "COMPLETED", "COMPLETED"),
        ("COMPLETED", "PENDING", "REOPENED"),
        ("COMPLETED", "CANCELLED", "CANCELLED"),
        ("CANCELLED", "IN_PROGRESS", "STARTED"),
    ],
)
async def test_the_action_follows_the_status(
    account: Account, before: str, after: str, action: str
) -> None:
    """The action follows the status whatever else changed; completedAt is listed where it did."""
    todo = await account.create(status=before)
    await update(account, todo["id"], status=after, title="also this")
    change = (await feed(account))["changes"]["nodes"][1]
    names = [field["name"] for field in change["fields"]]
    completed = ["completedAt"] if "COMPLETED" in (before, after) else []
    assert (change["action"], names) == (action, [*completed, "status", "title"])


async def test_going_to_the_trash_and_back_lists_deleted_at(account: Account) -> None:
    """Change.todo shows the todo in the trash."""
    todo = await account.create(title="x")
    deleted = (await account.data(DELETE, id=todo["id"]))["todoDelete"]["todo"]["deletedAt"]
    in_trash = (await feed(account))["changes"]["nodes"][1]
    assert (in_trash["action"], in_trash["todo"]["deletedAt"]) == ("DELETED", deleted)
    assert in_trash["fields"] == [{"name": "deletedAt", "before": None, "after": deleted}]
    await account.data(RESTORE, id=todo["id"])
    restored = (await feed(account))["changes"]["nodes"][2]
    assert (restored["action"], restored["todo"]["deletedAt"]) == ("RESTORED", None)
    assert restored["fields"] == [{"name": "deletedAt", "before": deleted, "after": None}]


async def test_a_bulk_action_makes_one_change_for_each_in_the_order_of_the_ids(
    account: Account,
) -> None:
    """Todos that are as asked already make none."""
    made = await account.create_many([{"title": f"{n}"} for n in range(3)])
    await update(account, made[1]["id"], status="COMPLETED")
    start = (await feed(account))["changeCursor"]
    await account.data(BULK, ids=[todo["id"] for todo in reversed(made)])
    changes = (await feed(account, after=start))["changes"]["nodes"]
    assert [change["todoId"] for change in changes] == [made[2]["id"], made[0]["id"]]


async def test_the_feed_comes_in_pages_oldest_first(account: Account) -> None:
    """An edge's cursor is its change's, and the last is where changeCursor stands."""
    made = await account.create_many([{"title": f"{n}"} for n in range(5)])
    first = await feed(account, first=3)
    assert [change["todoId"] for change in first["changes"]["nodes"]] == [t["id"] for t in made[:3]]
    cursors = [change["cursor"] for change in first["changes"]["nodes"]]
    assert [edge["cursor"] for edge in first["changes"]["edges"]] == cursors
    assert first["changes"]["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "endCursor": cursors[-1],
    }
    rest = await feed(account, after=cursors[-1])
    assert [change["todoId"] for change in rest["changes"]["nodes"]] == [t["id"] for t in made[3:]]
    assert rest["changes"]["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "endCursor": first["changeCursor"],
    }


async def test_the_newest_cursor_stands_before_what_comes_next(account: Account) -> None:
    """The newest cursor stands before the next change, also in an account without changes."""
    start = (await feed(account))["changeCursor"]
    assert (await feed(account, after=start))["changes"]["nodes"] == []
    todo = await account.create()
    [change] = (await feed(account, after=start))["changes"]["nodes"]
    assert change["todoId"] == todo["id"]


async def test_history_is_newest_first_and_of_one_todo(account: Account) -> None:
    """History is of one todo, newest first, in pages by the cursors of the feed."""
    todo, _other = await account.create_many([{"title": "a"}, {"title": "b"}])
    for minutes in (1, 2, 3):
        await update(account, todo["id"], estimatedMinutes=minutes)
    page = await history(account, todo["id"], first=2)
    after = [[field["after"] for field in change["fields"]] for change in page["nodes"]]
    assert after == [[3], [2]]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (True, False)
    assert all(edge["cursor"] == edge["node"]["cursor"] for edge in page["edges"])
    rest = await history(account, todo["id"], after=page["pageInfo"]["endCursor"])
    assert [change["action"] for change in rest["nodes"]] == ["UPDATED", "CREATED"]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    later = await feed(account, after=rest["nodes"][1]["cursor"])
    assert len(later["changes"]["nodes"]) == 4


async def test_a_cursor_of_nothing_asks_to_load_again(account: Account, stranger: Account) -> None:
    """Malformed, of somebody else's feed, beyond the newest, or older than the log."""
    todo = await account.create()
    await update(account, todo["id"], title="x")
    for _ in range(9):
        await stranger.create()
    own = [change["cursor"] for change in (await feed(account))["changes"]["nodes"]]
    theirs = (await feed(stranger))["changeCursor"]
    async with acquire() as connection:
        await connection.execute(
            "DELETE FROM changes WHERE owner_id = $1::text::uuid AND seq = 1", account.id
        )
        assert len((await feed(account, after=own[0]))["changes"]["nodes"]) == 1
        await connection.execute("DELETE FROM changes WHERE owner_id = $1::text::uuid", account.id)
    assert (await feed(account, after=own[1]))["changes"]["nodes"] == []
    for cursor in ("nonsense", "", theirs, own[0]):
        error = await account.error(FEED, after=cursor)
        assert error["path"] == ["changes"]
        expected = {"code": "BAD_USER_INPUT", "reason": "RESYNC_REQUIRED"}
        assert error["extensions"] == expected


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_page_has_one_to_a_hundred_changes(account: Account, first: int) -> None:
    """A page of the feed and of a history has one to a hundred changes."""
    todo = await account.create()
    error = await account.error(FEED, first=first)
    assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["changes"])
    error = await account.error(HISTORY, id=todo["id"], first=first)
    assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["todo", "history"])


async def test_a_history_refuses_a_cursor_of_another_list(account: Account) -> None:
    """A history refuses a cursor of another list, as every list does."""
    todo = await account.create()
    cursor = (await account.data("{ todos { pageInfo { endCursor } } }"))["todos"]["pageInfo"]
    for after in ("nonsense", cursor["endCursor"]):
        error = await account.error(HISTORY, id=todo["id"], after=after)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_log_replays_to_what_is_stored(account: Account) -> None:
    """Its numbers have no gap, and each change begins where the one before ended."""
    todo = await account.create(tags=["a"])
    for values in ({"tags": ["b"]}, {"status": "COMPLETED"}, {"title": "x", "tags": None}):
        await update(account, todo["id"], **values)
    state: dict[str, Any] = {}
    for change in (await feed(account))["changes"]["nodes"]:
        for field in change["fields"]:
            assert state.get(field["name"]) == field["before"]
            state[field["name"]] = field["after"]
    read = await account.data(
        "query ($id: ID!) { todo(id: $id) { title status completedAt tags { name } } }",
        id=todo["id"],
    )
    assert {**read["todo"], "tags": []} == {
        name: state[name] for name in ("title", "status", "completedAt", "tags")
    }
