"""Migrations that are killed at any moment."""

import asyncio
import random

from tests.support.databases import fresh_database
from tests.support.migration_commands import APPLIED, ended, migrating

KILLS = 2
# About what a migration of an empty database takes.
LONGEST_SECONDS = 1.5


async def test_killed_migrations_are_completed(chance: random.Random, server_url: str) -> None:
    """The next migration brings the database up to date, however far the killed ones came."""
    async with fresh_database(server_url) as url:
        for _ in range(KILLS):
            with migrating(url) as process:
                await asyncio.sleep(chance.uniform(0, LONGEST_SECONDS))
                process.kill()
        with migrating(url) as process:
            assert ended(process)[0] in {APPLIED, "Nothing to apply."}
        with migrating(url) as process:
            assert ended(process) == ["Nothing to apply."]
