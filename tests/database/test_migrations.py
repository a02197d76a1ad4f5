"""Migrations on a database that is in use: a table held locked, and a kill."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from tests.support.migration_commands import APPLIED, ended, migrating
from tests.support.processes import STOP_SECONDS

ONE_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock')"
)
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
    async with asyncio.timeout(STOP_SECONDS):
        while not await watcher.fetchval(ONE_WAITS):
            await watcher.execute("SELECT pg_sleep(0.05)")
    await watcher.close()


async def test_table_in_use_is_waited_for_in_short_tries(
    empty_url: str, half_migrated: Connection
) -> None:
    """A table that is held for longer than a try takes is told of, and made once it is free."""
    with migrating(empty_url) as process:
        assert process.stderr
        assert "A table is in use; migrating again in 1 s." in process.stderr.readline()
        await half_migrated.execute("ROLLBACK")
        assert ended(process)[0] == APPLIED


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
