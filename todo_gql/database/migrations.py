"""Migrations: applying them, and writing those that the models still lack."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from inspect import isclass
from typing import Any, TypeVar

import asyncpg
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.operations import AddConstraint, CreateModel, Operation
from tortoise.migrations.schema_editor.asyncpg import AsyncpgSchemaEditor
from tortoise.models import Model
from tortoise.transactions import in_transaction

from todo_gql.database import models
from todo_gql.database.character_type import UnfitDatabase, advice_on
from todo_gql.database.connection import acquire
from todo_gql.database.tortoise_backend import MIGRATIONS, tortoise_config
from todo_gql.settings import Settings

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

# The advisory lock under which migrations run, one process at a time; an arbitrary 64-bit constant.
MIGRATION_LOCK = 0x746F646F_67716C

# The waits before each retry when a table is in use.
MIGRATION_BACKOFF_SECONDS = (1, 2, 4, 8, 15, 15, 15)
TABLE_IN_USE = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
BEGIN_MIGRATION = f"""
SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); SET LOCAL lock_timeout = '2s'
"""
# Of our own tables alone: another application may use the same database.
NOT_VALIDATED = """
SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', conrelid::regclass, conname) AS statement
FROM pg_constraint WHERE NOT convalidated AND conrelid = ANY(
    SELECT to_regclass(name) FROM unnest($1::text[]) AS name)
ORDER BY conname
"""
TABLES = [
    model._meta.db_table
    for model in vars(models).values()
    if isclass(model) and issubclass(model, Model) and model is not Model
]


def _app_config() -> dict[str, dict[str, Any]]:
    return {"models": {"models": ["todo_gql.database.models"], "migrations": MIGRATIONS}}


async def migrate(*, any_letters: bool = False) -> list[str]:
    """Apply the missing migrations in one transaction, and return their names.

    Constraints that a migration added as NOT VALID are validated afterwards, in a transaction of their
    own, beside other transactions that read and write.

    Waits for another process that migrates, but at most 2 s for a table that is in use; then all is
    rolled back and retried after a while, so that other transactions don't queue behind this one.
    Raises asyncpg's `LockNotAvailableError` when the table was in use at every attempt, and
    `UnfitDatabase` for a new database whose locale doesn't know letters, unless `any_letters`.
    """
    applied = await _retried_while_in_use(partial(_migrate, any_letters=any_letters))
    await _retried_while_in_use(_validate_constraints)
    return applied


async def _retried_while_in_use(step: Callable[[], Awaitable[Result]]) -> Result:
    for seconds in MIGRATION_BACKOFF_SECONDS:
        try:
            return await step()
        except TABLE_IN_USE:
            logger.warning("A table is in use; migrating again in %s s.", seconds)
        await asyncio.sleep(seconds)
    return await step()


async def _validate_constraints() -> None:
    """Validate what isn't: whatever the last run added, or one before that was interrupted."""
    async with in_transaction() as transaction:
        await transaction.execute_script(BEGIN_MIGRATION)
        for row in await transaction.execute_query_dict(NOT_VALIDATED, [TABLES]):
            await transaction.execute_script(row["statement"])


async def _migrate(*, any_letters: bool) -> list[str]:
    applied: list[str] = []

    def note(event: str, _app: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    async with in_transaction() as transaction:
        await transaction.execute_script(BEGIN_MIGRATION)
        executor = MigrationExecutor(transaction, _app_config())
        # Otherwise the executor would query a missing table, which fails the transaction.
        await executor.recorder.ensure_schema(AsyncpgSchemaEditor(transaction))
        # The executor treats an error, such as a lock timeout, as an empty table.
        await transaction.execute_script("LOCK TABLE tortoise_migrations IN EXCLUSIVE MODE")
        is_new = not await executor.recorder.applied_migrations()
        await executor.migrate(progress=note)
        if is_new and not any_letters and (advice := await advice_on_letters()):
            raise UnfitDatabase(advice)
    return applied


async def advice_on_letters() -> str | None:
    """Advice for a migrated database whose locale doesn't know letters; None for any other."""
    async with acquire() as acquired:
        return await advice_on(acquired)


async def unapplied_migrations() -> list[str]:
    """The names of the migrations that are not applied yet."""
    executor = MigrationExecutor(get_connection("default"), _app_config())
    return [step.migration.name for step in await executor.plan()]


@asynccontextmanager
async def _detector() -> AsyncIterator[MigrationAutodetector]:
    config = tortoise_config("postgresql://nowhere/nothing", Settings())
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        assert context.apps is not None
        yield MigrationAutodetector(context.apps, _app_config())


async def models_without_migration() -> list[str]:
    """The operations that migrations lack, compared with the models; needs no database."""
    async with _detector() as detector:
        writers = await detector.changes()
    return [operation.describe() for writer in writers for operation in writer.operations]


async def write_migration() -> list[str]:
    """Write a migration for what `models_without_migration` lists, and return its path."""
    async with _detector() as detector:
        writers = await detector.changes()
        for writer in writers:
            writer.operations = list(with_constraints(writer.operations))
        return [str(writer.write()) for writer in writers]


def with_constraints(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The operations, with the constraints of each new table added by operations of their own.

    Tortoise writes them as options of `CreateModel`, which creates the table without them.
    """
    for operation in operations:
        if not isinstance(operation, CreateModel):
            yield operation
            continue
        options = dict(operation.options or {})
        constraints = options.pop("constraints", ())
        yield CreateModel(operation.name, operation.fields, options, operation.bases)
        for constraint in constraints:
            yield AddConstraint(operation.name, constraint)
