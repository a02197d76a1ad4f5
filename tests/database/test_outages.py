"""What becomes of reads and writes when PostgreSQL ends their connections or undoes them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.support.accounts import CREATE, PASSWORD, REGISTER, Account, Client
from tests.support.subscribers import PATIENCE
from todo_gql.database.connection import fetch
from todo_gql.database.retry import OutcomeUnknown
from todo_gql.security.passwords import hash_password
from todo_gql.settings import Settings

TITLES = "{ todos { nodes { title } } }"
RENAME = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "Renamed" }) { todo { version } } }
"""
LOGIN = """
mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } errors { code } } }
"""
WHO_WAITS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> ALL($1::int[])
"""
# What happens when a transaction of one owner's ends.
AT_COMMIT = """
CREATE FUNCTION harm() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN {harm}; RETURN NULL; END $body$;
CREATE CONSTRAINT TRIGGER harm AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.owner_id = '{owner}') EXECUTE FUNCTION harm()
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def harmed_at_commit(
    connection: "asyncpg.Connection[asyncpg.Record]",
    account: Account,
    harm: str,
    table: str = "changes",
) -> AsyncIterator[None]:
    """Within the block this happens whenever a write of the account's is committed."""
    await connection.execute(AT_COMMIT.format(harm=harm, owner=account.id, table=table))
    try:
        yield
    finally:
        await connection.execute("DROP FUNCTION harm CASCADE")


async def who_waits(
    connection: "asyncpg.Connection[asyncpg.Record]", *, but: Sequence[int] = ()
) -> int:
    """The process of PostgreSQL that waits for a lock, other than some, as soon as there is one."""
    async with asyncio.timeout(PATIENCE):
        while (pid := await connection.fetchval(WHO_WAITS, but)) is None:
            await connection.execute("SELECT pg_sleep(0.01)")
    return int(pid)


async def end_who_waits(
    connection: "asyncpg.Connection[asyncpg.Record]", *, but: Sequence[int] = ()
) -> int:
    """End such a process, as an administrator may; which it was."""
    pid = await who_waits(connection, but=but)
    await connection.execute("SELECT pg_terminate_backend($1)", pid)
    return pid


async def test_a_read_outlives_its_connection(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It is sent once more, and nobody notices."""
    await account.create(title="Kept")
    async with connection.transaction():
        await connection.execute("LOCK TABLE todos IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(account.data(TITLES))
        await end_who_waits(connection)
    assert (await reading)["todos"]["nodes"] == [{"title": "Kept"}]


async def test_a_read_is_sent_twice_at_most(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Who loses a second connection is told to come back."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE todos IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(account.error(TITLES))
        first = await end_who_waits(connection)
        await end_who_waits(connection, but=[first])
        assert (await reading)["extensions"] == {"code": "UNAVAILABLE"}


async def test_a_statement_that_writes_is_never_sent_twice(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A statement that writes is never sent twice, as nobody knows whether it was done."""
    async with connection.transaction():
        await connection.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", account.id)
        writing = asyncio.create_task(
            fetch("UPDATE users SET bio = 'x' WHERE id = $1::text::uuid", account.id)
        )
        await end_who_waits(connection)
        with pytest.raises(OutcomeUnknown):
            await writing


async def test_a_deadlock_is_resolved(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The write that PostgreSQL ends to resolve it is done once the other is through."""
    todo = await account.create()
    # PostgreSQL ends the one that has waited for its timeout; so this one never.
    await connection.execute("SET deadlock_timeout = '20s'")
    async with connection.transaction():
        await connection.execute("SELECT FROM todos WHERE id = $1 FOR UPDATE", todo["id"])
        writing = asyncio.create_task(account.data(RENAME, id=todo["id"]))
        await who_waits(connection)
        await connection.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", account.id)
    assert (await writing)["todoUpdate"]["todo"] == {"version": 2}


async def test_a_login_that_is_undone_is_done_anew(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]", settings: Settings
) -> None:
    """A login that was rolled back is done anew, also one that stores a new hash."""
    dearer = settings.model_copy(update={"bcrypt_rounds": settings.bcrypt_rounds + 1})
    outdated = await hash_password(account.password, dearer)
    await connection.execute(
        "UPDATE users SET password_hash = $2 WHERE id = $1::text::uuid", account.id, outdated
    )
    await connection.execute("CREATE SEQUENCE tries")
    harm = "IF nextval('tries') % 2 = 1 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END IF"
    given = {"usernameOrEmail": account.username, "password": account.password}
    async with harmed_at_commit(connection, account, harm, "sessions"):
        payload = (await account.data(LOGIN, input=given))["login"]
    assert await connection.fetchval("SELECT last_value FROM tries") == 2
    await connection.execute("DROP SEQUENCE tries")
    assert payload["errors"] == []


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_what_is_undone_every_time_is_unavailable(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]", code: str
) -> None:
    """A write that is rolled back four times is UNAVAILABLE, and nothing is stored."""
    await connection.execute("CREATE SEQUENCE tries")
    harm = f"PERFORM nextval('tries'); RAISE EXCEPTION 'no' USING ERRCODE = '{code}'"
    async with harmed_at_commit(connection, account, harm):
        error = await account.error(CREATE, input={"title": "Undone"})
    assert error["extensions"] == {"code": "UNAVAILABLE"}
    assert await connection.fetchval("SELECT last_value FROM tries") == 4
    await connection.execute("DROP SEQUENCE tries")
    assert (await account.data(TITLES))["todos"]["nodes"] == []


async def test_a_lost_commit_is_told_as_unknown(
    account: Account, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A lost commit is reported as unknown with a machine-readable reason, and not retried."""
    harm = "PERFORM pg_terminate_backend(pg_backend_pid())"
    async with harmed_at_commit(connection, account, harm):
        error = await account.error(CREATE, input={"title": "Lost"})
    assert error["extensions"] == {"code": "UNAVAILABLE", "reason": "OUTCOME_UNKNOWN"}
    assert (await account.create(title="Made"))["version"] == 1
    assert (await account.data(TITLES))["todos"]["nodes"] == [{"title": "Made"}]


async def test_a_lost_end_of_an_account_is_told_as_unknown(
    client: Client, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Transactions of Tortoise's tell it, too."""
    await connection.execute(
        """
        CREATE FUNCTION harm() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $body$;
        CREATE CONSTRAINT TRIGGER harm AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION harm()
        """
    )
    sent = {"username": "unlucky", "email": "unlucky@example.com", "password": PASSWORD}
    [error] = (await client.execute(REGISTER, {"input": sent}))["errors"]
    await connection.execute("DROP FUNCTION harm CASCADE")
    assert error["extensions"] == {"code": "UNAVAILABLE", "reason": "OUTCOME_UNKNOWN"}
