"""Migrations on a database that is in use: a table held locked, and a kill."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account
from tests.support.migration_commands import APPLIED, ended, migrate_to, migrating
from tests.support.waiting import until
from todo_gql.database.connection import fetch

pytestmark = pytest.mark.own_schema

ONE_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock')"
)
EARLIER_OWNER = """
INSERT INTO users (id, username, username_key, email, email_key, password_hash, is_active,
    is_superuser, created_at, change_seq, pending_count, in_progress_count, completed_count,
    cancelled_count)
VALUES ('00000000-0000-0000-0000-000000000001', 'a', 'a', 'a@a.example', 'a@a.example', 'x', true,
    false, now(), 0, 0, 0, 0, 0)
"""
EARLIER_CHANGE = """
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
SELECT gen_random_uuid(), id, $1, gen_random_uuid(), id, 0, '[]', now() FROM users
"""
FILE_OF_LOG = "SELECT pg_relation_filenode('changes')"
NOT_VALIDATED = "SELECT count(*) FROM pg_constraint WHERE NOT convalidated"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def half_migrated(empty_url: str) -> AsyncIterator[Connection]:
    """A transaction that holds a table, which a migration makes after others."""
    holder = await asyncpg.connect(empty_url)
    await holder.execute("BEGIN; CREATE TABLE todo_tags (id int)")
    yield holder
    await holder.close()


async def until_one_waits(url: str) -> None:
    """Wait until somebody in the database waits for a lock."""
    watcher = await asyncpg.connect(url)
    await until(lambda: watcher.fetchval(ONE_WAITS))
    await watcher.close()


async def test_table_in_use_is_waited_for_in_short_tries(
    empty_url: str, half_migrated: Connection
) -> None:
    """A table that is held for longer than a try takes is told of, and made once it is free."""
    with migrating(empty_url) as process:
        assert "A table is in use; migrating again in 1 s." in process.stderr.readline()
        await half_migrated.execute("ROLLBACK")
        assert ended(process)[0] == APPLIED


@pytest.fixture
async def earlier(empty_url: str) -> AsyncIterator[Connection]:
    """A database of the release before the log had kinds, with a change in it."""
    await migrate_to(empty_url, "0008_purged_mails")
    connection = await asyncpg.connect(empty_url)
    await connection.execute(EARLIER_OWNER)
    await connection.execute(EARLIER_CHANGE, 1)
    yield connection
    await connection.close()


async def test_log_gets_kinds_without_a_rewrite_and_beside_writes(
    empty_url: str, earlier: Connection
) -> None:
    """Rows stay where they are, the release before goes on writing, and the checks hold for all."""
    file = await earlier.fetchval(FILE_OF_LOG)
    with migrating(empty_url) as process:
        assert await asyncio.to_thread(ended, process)
    assert await earlier.fetchval(FILE_OF_LOG) == file
    await earlier.execute(EARLIER_CHANGE, 2)
    rows = await earlier.fetch("SELECT kind, entity_id, list_id FROM changes")
    assert [tuple(row) for row in rows] == [(0, None, None)] * 2
    assert await earlier.fetchval(NOT_VALIDATED) == 0


async def test_interrupted_validation_is_made_up_for_beside_a_write(
    empty_url: str, earlier: Connection
) -> None:
    """The next run validates what isn't, and waits for no transaction that writes to the table."""
    with migrating(empty_url) as process:
        ended(process)
    await earlier.execute(
        "ALTER TABLE changes DROP CONSTRAINT changes_values_by_kind,"
        " ADD CONSTRAINT changes_values_by_kind CHECK (kind <> 0 OR todo_id IS NOT NULL) NOT VALID"
    )
    async with earlier.transaction():
        await earlier.execute(EARLIER_CHANGE, 2)
        with migrating(empty_url) as process:
            assert await asyncio.to_thread(ended, process) == ["Nothing to apply."]
    assert await earlier.fetchval(NOT_VALIDATED) == 0


@pytest.mark.parametrize(
    ("kind", "entity", "todo", "action"),
    [(0, True, True, 1), (0, False, False, 1), (0, False, True, 9), (1, False, True, 1)],
)
async def test_change_names_its_thing_by_its_kind(
    app: ASGIApp, account: Account, *, kind: int, entity: bool, todo: bool, action: int
) -> None:
    """A change of a todo has the todo's id alone and a known action, any other the thing's id."""
    values = (
        UUID(account.id),
        kind,
        uuid4() if entity else None,
        uuid4() if todo else None,
        action,
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await fetch(
            "INSERT INTO changes (id, owner_id, seq, actor_id, diff, at, kind, entity_id, todo_id,"
            " action) VALUES (gen_random_uuid(), $1, 1, $1, '[]', now(), $2, $3, $4, $5)",
            *values,
        )


async def test_killed_migration_completes_on_the_next_run(
    empty_url: str, half_migrated: Connection
) -> None:
    """What was half done when it was killed is undone, and done by the next one."""
    with migrating(empty_url) as process:
        await until_one_waits(empty_url)
        process.kill()
    await half_migrated.execute("ROLLBACK")
    with migrating(empty_url) as process:
        assert ended(process)[0] == APPLIED
    assert await half_migrated.fetchval("SELECT to_regclass('users') IS NOT NULL")
