"""The command `todo-gql migrate` as a process, and databases of earlier releases."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.forked import Forked
from tests.support.processes import STOP_SECONDS, clean_environment

APPLIED = "Applied the migration 0001_initial."
MIGRATE_TO = """
import asyncio, sys
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.schema_editor.asyncpg import AsyncpgSchemaEditor
from tortoise.transactions import in_transaction
from todo_gql.database.migrations import _app_config
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.settings import Settings

async def main(url, name):
    await connect(url, Settings(_env_file=None))
    async with in_transaction() as transaction:
        executor = MigrationExecutor(transaction, _app_config())
        await executor.recorder.ensure_schema(AsyncpgSchemaEditor(transaction))
        await executor.migrate([MigrationTarget("models", name)])
    await disconnect()

asyncio.run(main(*sys.argv[1:]))
"""


async def migrate_to(url: str, name: str) -> None:
    """Apply the migrations up to one, as the release that ended with it did."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE_TO, url, name)
    assert await process.wait() == 0


@contextmanager
def migrating(url: str) -> Iterator[Forked]:
    """A `todo-gql migrate` that runs, and is ended with the block."""
    environment = clean_environment() | {"DATABASE_URL": url}
    with Forked("todo_gql", "migrate", folder=Path.cwd(), environment=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: Forked) -> list[str]:
    """What a command said that ended well."""
    said, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0, process.stderr.read()
    return said.splitlines()
