"""What becomes of prepared statements when the schema or the session changes under the server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tortoise.transactions import in_transaction

from tests.support.accounts import CREATE, PASSWORD, Account
from todo_gql.database.connection import acquire
from todo_gql.database.models import User
from todo_gql.database.retry import retried

OPERATIONS = {
    "read": "{ todos { nodes { title version tags { name todoCount } } } viewer { bio } }",
    "search": '{ todos(filter: { search: "x" }) { nodes { version } } }',
    "update": 'mutation { todoUpdate(id: "ID", input: { title: "New", tags: ["b"] })'
    " { todo { version tags { id name } } errors { code } } }",
    "bulk": 'mutation { todoBulkUpdate(ids: ["ID"], action: { addTags: ["c"] })'
    " { results { todo { tags { id } } } errors { code } } }",
    "rename": 'mutation { tagRename(id: "TAG", name: "d") { tag { name } errors { code } } }',
    "create": 'mutation { todoCreate(input: { title: "x", tags: ["b"] })'
    " { todo { version tags { id name } } errors { code } } }",
    "completed": 'mutation { todoCreate(input: { title: "x", tags: ["b"], status: COMPLETED })'
    " { todo { version tags { id name } } errors { code } } }",
    "profile": 'mutation { profileUpdate(input: { bio: "x" }) { user { bio } errors { code } } }',
    "login": f'mutation {{ login(input: {{ usernameOrEmail: "USER", password: "{PASSWORD}" }})'
    " { user { bio } errors { code } } }",
    "history": '{ todo(id: "ID") { version history(first: 5) { nodes { fields { name } } } } }',
}
# What an administrator does, and what undoes it.
CHANGES = {
    "types": (
        """
        ALTER TABLE todos ALTER COLUMN version TYPE bigint;
        ALTER TABLE tags ALTER COLUMN todo_count TYPE bigint;
        ALTER TABLE users ALTER COLUMN bio TYPE varchar(1000)
        """,
        """
        ALTER TABLE todos ALTER COLUMN version TYPE integer;
        ALTER TABLE tags ALTER COLUMN todo_count TYPE integer;
        ALTER TABLE users ALTER COLUMN bio TYPE text
        """,
    ),
    "columns and indexes": (
        """
        ALTER TABLE todos ADD COLUMN extra text;
        ALTER TABLE users ADD COLUMN extra text;
        CREATE INDEX extra ON todos (owner_id, version)
        """,
        """
        DROP INDEX extra;
        ALTER TABLE todos DROP COLUMN extra;
        ALTER TABLE users DROP COLUMN extra
        """,
    ),
}


@pytest.fixture
async def administrator(
    database_url: str,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of somebody else's."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def changed(
    administrator: "asyncpg.Connection[asyncpg.Record]", change: str
) -> AsyncIterator[None]:
    """Within the block the schema is another one."""
    there, back = CHANGES[change]
    await administrator.execute(there)
    try:
        yield
    finally:
        await administrator.execute(back)


async def answer(account: Account, operation: str, todo: dict[str, Any]) -> None:
    """Do an operation, which has to succeed."""
    text = OPERATIONS[operation].replace("ID", todo["id"]).replace("USER", account.username)
    data = await account.data(text.replace("TAG", todo["tags"][0]["id"]))
    assert all(not part.get("errors") for part in data.values())


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_schema_may_change_under_the_server(
    account: Account,
    administrator: "asyncpg.Connection[asyncpg.Record]",
    operation: str,
    change: str,
) -> None:
    """What was prepared before is prepared again, and nobody notices: there and back."""
    todo = await account.create(tags=["a"])
    await answer(account, operation, todo)
    async with changed(administrator, change):
        await answer(account, operation, todo)
        await answer(account, operation, todo)
    await answer(account, operation, todo)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_session_may_lose_what_was_prepared(account: Account, operation: str) -> None:
    """A session may lose its prepared statements, as behind a pooler that resets it."""
    todo = await account.create(tags=["a"])
    await answer(account, operation, todo)
    async with acquire() as connection:
        await connection.execute("DISCARD ALL")
    await answer(account, operation, todo)


async def test_a_transaction_of_tortoises_may_lose_what_was_prepared(account: Account) -> None:
    """It is done anew, though nothing has noticed the loss before it."""

    @retried
    async def count() -> int:
        async with in_transaction():
            return await User.filter(id=account.id).count()

    assert await count() == 1
    async with acquire() as connection:
        await connection.execute("DISCARD ALL")
    assert await count() == 1


async def test_a_write_that_is_prepared_again_is_done_once(
    account: Account, administrator: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It raises the version by one, and writes one change."""
    todo = await account.create(tags=["a"])
    await answer(account, "update", await account.create(tags=["z"]))
    async with changed(administrator, "types"):
        await answer(account, "update", todo)
    read = await account.data(
        "query ($id: ID!) { todo(id: $id) { version history { nodes { action } } } }", id=todo["id"]
    )
    assert read["todo"]["version"] == 2
    assert len(read["todo"]["history"]["nodes"]) == 2


async def test_a_create_that_is_prepared_again_is_done_once(account: Account) -> None:
    """Its message is one transaction, which PostgreSQL has refused."""
    await account.create(tags=["a"])
    async with acquire() as connection:
        await connection.execute("DEALLOCATE ALL")
    payload = (await account.data(CREATE, input={"title": "x", "tags": ["a"]}))["todoCreate"]
    assert payload["errors"] == []
    data = await account.data("{ stats { total } tags { nodes { todoCount } } }")
    assert data == {"stats": {"total": 2}, "tags": {"nodes": [{"todoCount": 2}]}}
