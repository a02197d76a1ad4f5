"""Writers at the same time."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from tests.support.accounts import CREATE, Account
from tests.support.waiting import IS_IN_THE_WAY, until
from todo_gql.database.connection import fetch, transaction
from todo_gql.features.todos.write_locks import LOCK_AND_LOAD

UPDATE = """
mutation ($id: ID!, $title: String!, $version: Int) {
  todoUpdate(id: $id, input: { title: $title }, expectedVersion: $version) {
    todo { version }
    errors { code path ... on ConflictError { current { ... on Todo { version title } } } }
  }
}
"""
UPDATE_TITLE = """
mutation($id: ID!) {
  todoUpdate(id: $id, input: { title: "new" }) { todo { title priority version } }
}
"""
BULK = """
mutation ($ids: [ID!]!, $tags: [String!]!) {
  todoBulkUpdate(ids: $ids, action: { addTags: $tags }) { updated errors { code } }
}
"""


async def updates(account: Account, id: str, version: int | None) -> list[dict[str, Any]]:
    """The payloads of 20 updates at once."""
    sent = [{"id": id, "title": f"Title {n}", "version": version} for n in range(20)]
    answers = await asyncio.gather(*(account.execute(UPDATE, variables) for variables in sent))
    return [answer["data"]["todoUpdate"] for answer in answers]


async def test_of_twenty_updates_of_one_version_one_wins(account: Account) -> None:
    """The others are told what is stored now."""
    todo = await account.create()
    payloads = await updates(account, todo["id"], 1)
    [won] = [payload for payload in payloads if not payload["errors"]]
    assert won["todo"]["version"] == 2
    lost = [error for payload in payloads for error in payload["errors"]]
    assert len(lost) == 19
    stored = await account.data("query ($id: ID!) { todo(id: $id) { title } }", id=todo["id"])
    current = {"version": 2, "title": stored["todo"]["title"]}
    expected = {"code": "CONFLICT", "path": ["expectedVersion"], "current": current}
    assert lost == [expected] * 19


async def test_twenty_updates_make_twenty_versions(account: Account) -> None:
    """Each has its line in the log, and the log has no gap."""
    todo = await account.create()
    payloads = await updates(account, todo["id"], None)
    assert sorted(payload["todo"]["version"] for payload in payloads) == list(range(2, 22))
    rows = await fetch(
        "SELECT seq FROM changes WHERE owner_id = $1::text::uuid ORDER BY seq", account.id
    )
    assert [row["seq"] for row in rows] == list(range(1, 22))


async def test_twenty_creates_are_in_a_line(account: Account) -> None:
    """The times of todos follow the log, and a tag that all of them bring is made once."""
    made = await asyncio.gather(
        *(account.create(title=f"{n}", tags=["new", f"new {n % 2}"]) for n in range(20))
    )
    rows = await fetch(
        "SELECT c.seq, c.todo_id::text AS id, c.at, t.created_at FROM changes c"
        " JOIN todos t ON t.id = c.todo_id WHERE c.owner_id = $1::text::uuid ORDER BY c.seq",
        account.id,
    )
    assert [row["seq"] for row in rows] == list(range(1, 21))
    assert [row["id"] for row in rows] == [
        todo["id"] for todo in sorted(made, key=lambda todo: str(todo["createdAt"]))
    ]
    assert all(row["at"] == row["created_at"] for row in rows)
    counts = await fetch(
        "SELECT name, todo_count FROM tags WHERE owner_id = $1::text::uuid ORDER BY name",
        account.id,
    )
    assert [tuple(row) for row in counts] == [("new", 20), ("new 0", 10), ("new 1", 10)]


async def test_the_same_create_twice_at_once_makes_one_todo(account: Account) -> None:
    """All that send it are given what one of them made."""
    sent = {"id": str(uuid4()), "title": "once"}
    answers = await asyncio.gather(
        *(account.execute(CREATE, {"input": sent | {"tags": ["a"]}}) for _ in range(5))
    )
    payloads = [answer["data"]["todoCreate"] for answer in answers]
    errors = [error["code"] for payload in payloads for error in payload["errors"]]
    assert errors == ["ALREADY_EXISTS"] * 4
    [todo] = (payload["todo"] for payload in payloads if not payload["errors"])
    assert all(payload["todo"] == todo for payload in payloads)


async def test_a_write_of_an_account_that_is_gone_is_refused(account: Account) -> None:
    """A write of a deleted account is refused, also while its token is cached."""
    await account.execute("{ viewer { id } }")
    await fetch("DELETE FROM users WHERE id = $1::text::uuid", account.id)
    for status in ("PENDING", "COMPLETED"):
        answer = await account.execute(CREATE, {"input": {"title": "x", "status": status}})
        assert answer["data"]["todoCreate"] is None
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_create_sees_what_it_waited_for(account: Account) -> None:
    """A tag that the holder of the lock makes meanwhile is taken, at a time after that."""
    async with transaction() as connection:
        await connection.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        waiting = asyncio.create_task(account.create(tags=["new"]))
        await until(partial(connection.fetchval, IS_IN_THE_WAY))
        tag_id = await connection.fetchval(
            "INSERT INTO tags (id, owner_id, name, todo_count)"
            " VALUES (gen_random_uuid(), $1::text::uuid, 'new', 0) RETURNING id",
            account.id,
        )
        before = await connection.fetchval("SELECT clock_timestamp()")
    todo = await waiting
    assert todo["tags"] == [{"id": str(tag_id), "name": "new", "todoCount": 1}]
    assert datetime.fromisoformat(todo["createdAt"]) > before


async def test_a_change_sees_what_it_waited_for(account: Account) -> None:
    """A change applies to the todo as the holder of the lock leaves it."""
    todo = await account.create(title="old", priority="LOW")
    async with transaction() as connection:
        await connection.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        waiting = asyncio.create_task(account.execute(UPDATE_TITLE, {"id": todo["id"]}))
        await until(partial(connection.fetchval, IS_IN_THE_WAY))
        await connection.execute(
            "UPDATE todos SET priority = 3, version = 7 WHERE id = $1::text::uuid", todo["id"]
        )
    answer = await waiting
    assert answer["data"]["todoUpdate"] == {
        "todo": {"title": "new", "priority": "URGENT", "version": 8}
    }


async def test_a_lock_says_if_a_write_came_before_it(account: Account) -> None:
    """A statement that locks after another write ended, but began before that, says so."""
    todo = await account.create(title="old")
    values = UUID(account.id), UUID(todo["id"])
    async with transaction() as connection:
        # It begins here, and is executed by `fetchrow`.
        begun = await connection.cursor(LOCK_AND_LOAD, *values)
        await account.execute(UPDATE_TITLE, {"id": todo["id"]})
        row = await begun.fetchrow()
        assert row is not None
        assert (row["is_current"], row["title"]) == (False, "old")
        row = await connection.fetchrow(LOCK_AND_LOAD, *values)
        assert row is not None
        assert (row["is_current"], row["title"]) == (True, "new")


async def test_bulk_actions_in_opposite_orders_do_not_deadlock(account: Account) -> None:
    """All of them change all todos."""
    ids = [todo["id"] for todo in await account.create_many([{"title": "x"}] * 50)]
    sent = [{"ids": ids[:: 1 if n % 2 else -1], "tags": [f"tag {n}"]} for n in range(10)]
    answers = await asyncio.gather(*(account.execute(BULK, variables) for variables in sent))
    payloads = [answer["data"]["todoBulkUpdate"] for answer in answers]
    assert payloads == [{"updated": 50, "errors": []}] * 10


async def test_owners_do_not_wait_for_each_other(account: Account, stranger: Account) -> None:
    """A write goes through while somebody holds another owner's lock."""
    async with transaction() as connection:
        await connection.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        waiting = asyncio.create_task(account.create(title="waits"))
        assert (await stranger.create(title="goes on"))["version"] == 1
        assert not waiting.done()
    assert (await waiting)["title"] == "waits"
