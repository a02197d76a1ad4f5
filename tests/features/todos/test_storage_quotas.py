"""How much an account may store: todos, and bytes of todos and their history."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account
from todo_gql.app import create_app
from todo_gql.changelog.retention import purge_changes
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.todos.recount import recount_accounts
from todo_gql.features.todos.trash import purge_trash
from todo_gql.settings import Settings

Limited: TypeAlias = Callable[..., Any]

ERRORS = "errors { code path message }"
CREATE = f"mutation ($i: TodoCreateInput!) {{ todoCreate(input: $i) {{ todo {{ id }} {ERRORS} }} }}"
UPDATE = (
    "mutation ($id: ID!, $i: TodoUpdateInput!) { todoUpdate(id: $id, input: $i)"
    f" {{ todo {{ title }} {ERRORS} }} }}"
)
DELETE = f"mutation ($id: ID!) {{ todoDelete(id: $id) {{ {ERRORS} }} }}"
RESTORE = f"mutation ($id: ID!) {{ todoRestore(id: $id) {{ {ERRORS} }} }}"
RENAME = f"mutation ($id: ID!, $name: String!) {{ tagRename(id: $id, name: $name) {{ {ERRORS} }} }}"
BULK = (
    "mutation ($i: [TodoCreateInput!]!, $e: BulkErrorPolicy!, $dry: Boolean!) {"
    " todoBulkCreate(inputs: $i, onError: $e, dryRun: $dry)"
    f" {{ updated results {{ todoId {ERRORS} }} {ERRORS} }} }}"
)
BULK_UPDATE = (
    "mutation ($ids: [ID!]!, $a: TodoBulkAction!) {"
    f" todoBulkUpdate(ids: $ids, action: $a, onError: SKIP_FAILED) {{ updated results {{ {ERRORS} }} }} }}"
)
STORED = """
SELECT trash_count, stored_bytes, counted_seq, change_seq, pending_count + in_progress_count
    + completed_count + cancelled_count AS todos FROM users WHERE id = $1
"""


@pytest.fixture
def limited(app: ASGIApp, settings: Settings, database_url: str, account: Account) -> Limited:
    """Opens the account on an application with quotas."""

    @asynccontextmanager
    async def open_(**quotas: int) -> AsyncIterator[Account]:
        limited = create_app(settings.model_copy(update=quotas), database_url)
        transport = httpx.ASGITransport(limited)
        async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
            yield replace(account, http=http)

    return open_


async def asked(account: Account, document: str, **variables: Any) -> dict[str, Any]:
    """What the one field of an operation answers."""
    [value] = (await account.data(document, **variables)).values()
    return dict(value)


async def made(account: Account, title: str = "Water", **values: Any) -> str:
    """The id of a todo that is made."""
    answer = await asked(account, CREATE, i={"title": title, **values})
    assert answer["errors"] == []
    return str(answer["todo"]["id"])


def problems(answer: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """The codes and paths of what is wrong."""
    return [(error["code"], error["path"]) for error in answer["errors"]]


async def stored(account: Account) -> dict[str, int]:
    """The counts that are kept of an account."""
    row = await fetchrow(STORED, UUID(account.id))
    assert row is not None
    return dict(row)


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED"])
async def test_an_account_has_so_many_todos(limited: Limited, status: str) -> None:
    """The trash counts too, and whoever restores from it needs no more room."""
    async with limited(account_todos=2) as account:
        first = await made(account)
        await made(account)
        refused = await asked(account, CREATE, i={"title": "Third", "status": status})
        assert problems(refused) == [("TOO_MANY", ["input"])]
        assert "2 todos" in refused["errors"][0]["message"]
        assert problems(await asked(account, DELETE, id=first)) == []
        assert problems(await asked(account, CREATE, i={"title": "Third"})) == [
            ("TOO_MANY", ["input"])
        ]
        assert problems(await asked(account, RESTORE, id=first)) == []
        assert (await stored(account))["todos"] == 2


async def test_what_is_purged_makes_room(limited: Limited) -> None:
    """An emptied trash makes room for as many todos."""
    async with limited(account_todos=1) as account:
        first = await made(account)
        await asked(account, DELETE, id=first)
        await fetch("UPDATE todos SET deleted_at = '2020-01-01' WHERE id = $1", UUID(first))
        assert await purge_trash(1) >= 1
        assert (await stored(account))["trash_count"] == 0
        await made(account)


async def test_a_create_that_is_sent_again_tells_what_there_is(limited: Limited) -> None:
    """A retry at the quota finds its todo."""
    async with limited(account_todos=1) as account:
        id = str(uuid4())
        await made(account, id=id)
        again = await asked(account, CREATE, i={"title": "Water", "id": id})
        assert problems(again) == [("ALREADY_EXISTS", ["input", "id"])]
        inputs = [{"title": "Water", "id": id}, {"title": "Other"}]
        bulk = await asked(account, BULK, i=inputs, e="SKIP_FAILED", dry=False)
        assert [problems(result) for result in bulk["results"]] == [
            [("ALREADY_EXISTS", ["inputs", "0", "id"])],
            [("TOO_MANY", ["inputs", "1"])],
        ]


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize(("policy", "made_of_it"), [("SKIP_FAILED", 2), ("ABORT_ALL", 0)])
async def test_a_bulk_keeps_to_the_quota(
    limited: Limited, policy: str, made_of_it: int, dry: bool
) -> None:
    """What fits is made, or nothing, and a dry run says the same."""
    async with limited(account_todos=3) as account:
        await made(account)
        inputs = [{"title": f"Number {number}"} for number in range(4)]
        bulk = await asked(account, BULK, i=inputs, e=policy, dry=dry)
        assert bulk["updated"] == made_of_it
        assert [problems(result) for result in bulk["results"]] == [
            [],
            [],
            [("TOO_MANY", ["inputs", "2"])],
            [("TOO_MANY", ["inputs", "3"])],
        ]
        assert (await stored(account))["todos"] == 1 + (0 if dry else made_of_it)


async def test_an_account_has_so_many_bytes(limited: Limited) -> None:
    """Nothing grows any more; what goes into the trash does."""
    async with limited(account_bytes=6_000) as account:
        id = await made(account, description="x" * 2_000, tags=["home"])
        refused = await asked(account, CREATE, i={"title": "More", "description": "x" * 2_000})
        assert problems(refused) == [("TOO_LONG", ["input"])]
        edit = {"description": "y" * 2_000}
        assert problems(await asked(account, UPDATE, id=id, i=edit)) == [("TOO_LONG", ["id"])]
        assert problems(await asked(account, DELETE, id=id)) == []


async def test_what_repeats_comes_to_an_end(limited: Limited) -> None:
    """A title that changes to and fro fills the log, which counts, one by one and in bulk."""
    async with limited(account_bytes=3_000) as account:
        id = await made(account, tags=["home"])
        tag = (await account.data("{ tags { nodes { id } } }"))["tags"]["nodes"][0]["id"]
        for number in range(20):
            answer = await asked(account, UPDATE, id=id, i={"title": f"Number {number % 2}"})
        assert problems(answer) == [("TOO_LONG", ["id"])]
        assert answer["todo"] is not None
        bulk = await asked(account, BULK_UPDATE, ids=[id], a={"setPriority": "HIGH"})
        assert problems(bulk["results"][0]) == [("TOO_LONG", ["ids", "0"])]
        await fetch("UPDATE users SET stored_bytes = 3000 WHERE id = $1", UUID(account.id))
        renamed = await asked(account, RENAME, id=tag, name="house")
        assert problems(renamed) == [("TOO_LONG", ["name"])]


async def test_tags_can_always_be_removed(limited: Limited) -> None:
    """Beyond the quota tags are taken from todos, by a bulk action or an update of nothing else."""
    async with limited() as account:
        ids = [await made(account, tags=["a", "b"]) for _ in range(2)]
    async with limited(account_bytes=1) as account:
        bulk = await asked(account, BULK_UPDATE, ids=ids, a={"removeTags": ["a"]})
        assert (bulk["updated"], [problems(result) for result in bulk["results"]]) == (2, [[], []])
        assert problems(await asked(account, UPDATE, id=ids[0], i={"tags": []})) == []
        for edit in ({"tags": ["c"]}, {"tags": [], "title": "New"}):
            assert problems(await asked(account, UPDATE, id=ids[1], i=edit)) == [
                ("TOO_LONG", ["id"])
            ]


async def test_what_is_counted_is_what_there_is(limited: Limited) -> None:
    """The stored counts equal a count of all rows after writes of every kind."""
    async with limited() as account:
        metadata = {
            "é": [1, 2.5, {"x": None}],
            "b": 'quote " and \\, : line\n',
            "n": [1e300, -1.5e-9],
        }
        ids = [
            await made(account, title="Çay ☕", description="ü\n\t" * 9, tags=["a", "b"]),
            await made(account, metadata=metadata, dueAt="2026-01-01T00:00:00Z"),
            await made(account, status="COMPLETED"),
            await made(account, dueDate="2026-01-31", recurrence={"rule": "FREQ=MONTHLY"}),
            await made(
                account, dueAt="2026-01-31T09:30:15.5Z", recurrence={"rule": "FREQ=DAILY;COUNT=12"}
            ),
        ]
        await asked(account, UPDATE, id=ids[3], i={"status": "COMPLETED"})
        await asked(account, UPDATE, id=ids[3], i={"recurrence": None})
        await asked(account, DELETE, id=ids[4])
        edit = {
            "title": "New ☕",
            "metadata": {"a": {"b": [True, "ß"]}, "1e5": 1e20},
            "tags": ["c", "d"],
        }
        await asked(account, UPDATE, id=ids[0], i=edit)
        await asked(account, DELETE, id=ids[1])
        await asked(account, BULK_UPDATE, ids=[ids[0], ids[2]], a={"addTags": ["e"]})
        inputs = [{"title": "One", "tags": ["a"]}, {"title": ""}]
        await asked(account, BULK, i=inputs, e="SKIP_FAILED", dry=False)
        tag = (await account.data("{ tags { nodes { id } } }"))["tags"]["nodes"][0]["id"]
        assert problems(await asked(account, RENAME, id=tag, name="other")) == []
        await fetch("UPDATE todos SET deleted_at = '2020-01-01' WHERE id = $1", UUID(ids[1]))
        await fetch("UPDATE todos SET deleted_at = '2020-01-01' WHERE id = $1", UUID(ids[4]))
        assert await purge_trash(1) >= 2
        await asked(account, DELETE, id=ids[2])
        await fetch(
            "UPDATE changes SET at = '2020-01-01' WHERE owner_id = $1 AND seq < 4", UUID(account.id)
        )
        assert await purge_changes(30) >= 3
        counted = await stored(account)
        assert counted["counted_seq"] == counted["change_seq"]
        await fetch(
            "UPDATE feeds SET counted_seq = 0, trash_count = 7, stored_bytes = 7"
            " WHERE owner_id = $1",
            UUID(account.id),
        )
        assert await recount_accounts() >= 1
        assert await stored(account) == counted
        assert await recount_accounts() == 0
