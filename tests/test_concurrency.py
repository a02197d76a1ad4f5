"""Writers at the same time."""

import asyncio
from typing import Any

from tests.conftest import Account
from todo_gql import db

UPDATE = """
mutation ($id: ID!, $title: String!, $version: Int) {
  todoUpdate(id: $id, input: { title: $title }, expectedVersion: $version) {
    todo { version }
    errors { code path ... on ConflictError { current { ... on Todo { version title } } } }
  }
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
    rows = await db.fetch(
        "SELECT seq FROM changes WHERE owner_id = $1::text::uuid ORDER BY seq", account.id
    )
    assert [row["seq"] for row in rows] == list(range(1, 22))


async def test_bulk_actions_in_opposite_orders_do_not_deadlock(account: Account) -> None:
    """All of them change all todos."""
    ids = [todo["id"] for todo in await account.create_many([{"title": "x"}] * 50)]
    sent = [{"ids": ids[:: 1 if n % 2 else -1], "tags": [f"tag {n}"]} for n in range(10)]
    answers = await asyncio.gather(*(account.execute(BULK, variables) for variables in sent))
    payloads = [answer["data"]["todoBulkUpdate"] for answer in answers]
    assert payloads == [{"updated": 50, "errors": []}] * 10


async def test_owners_do_not_wait_for_each_other(account: Account, stranger: Account) -> None:
    """While somebody holds one owner's lock, another's write goes through."""
    async with db.transaction() as connection:
        await connection.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        waiting = asyncio.create_task(account.create(title="waits"))
        assert (await stranger.create(title="goes on"))["version"] == 1
        assert not waiting.done()
    assert (await waiting)["title"] == "waits"
