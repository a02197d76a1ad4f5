"""Migrations: applying them, and writing those that the models still lack."""

import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from inspect import isclass
from typing import Any, NamedTuple

from tortoise import BaseDBAsyncClient
from tortoise import models as tortoise_models
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.migration import Migration
from tortoise.migrations.operations import AddConstraint, CreateModel, Operation
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor.asyncpg import AsyncpgSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model

from todo_gql.database import models
from todo_gql.database.character_type import UnfitDatabase, advice_on
from todo_gql.database.connection import Connection, acquire, fetch
from todo_gql.database.migration_operations import ConnectionOperation
from todo_gql.database.migration_session import (
    SessionClient,
    migration_session,
    retried_while_in_use,
)
from todo_gql.database.tortoise_backend import MIGRATIONS, tortoise_config
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

# The name of the application in Tortoise's configuration.
APP = "models"
# What Tortoise calls for each field of a model.
CREATE_FILTERS = "get_filters_for_field"
# Of our own tables alone: another application may use the same database.
NOT_VALIDATED = """
SELECT conname AS name,
    format('ALTER TABLE %s VALIDATE CONSTRAINT %I', conrelid::regclass, conname) AS statement
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


class ModelsAtStep(StateApps):
    """The models at a step, from which tables are written and nothing is queried.

    Tortoise prepares each for queries at every step, which takes most of the time of a migration.
    """

    def _build_initial_querysets(self) -> None:
        for app in self.apps.values():
            for model in app.values():
                model._meta.finalise_fields()
                for index in model._meta.indexes:
                    if isinstance(index, Index):
                        index.resolve_expressions(model)


class Step(NamedTuple):
    """An operation, and the models before and after it."""

    operation: Operation
    before: State
    after: State


class PendingMigration(NamedTuple):
    """A migration that isn't applied yet."""

    migration: Migration
    steps: list[Step]


async def migrate(*, any_letters: bool = False) -> list[str]:
    """Apply the missing migrations, and return their names.

    Each is one transaction, or, with `atomic = False`, one operation after the other, each of which
    commits by itself; it is recorded as applied when the last is done. On a new database all are one
    transaction. Constraints that a migration added as NOT VALID are validated afterwards, beside other
    transactions that read and write.

    Waits for another process that migrates, but at most 500 ms for a table that is in use; then the
    transaction is rolled back and retried after a while, so that others don't queue behind this one.
    Raises asyncpg's `LockNotAvailableError` when the table was in use at every attempt, and
    `UnfitDatabase` for a new database whose locale doesn't know letters, unless `any_letters`.
    """
    async with migration_session() as (client, connection):
        applied = await _applied_migrations(connection)
        pending = await _pending_migrations(client, applied)
        if not applied:
            create = partial(_create_schema, client, connection, pending, any_letters=any_letters)
            await retried_while_in_use(create)
        else:
            for migration in pending:
                await _apply(client, connection, migration)
        await _validate_constraints(connection)
    return [migration.name for migration, _ in pending]


async def _applied_migrations(connection: Connection) -> set[str]:
    if await connection.fetchval("SELECT to_regclass('tortoise_migrations') IS NULL"):
        return set()
    rows = await connection.fetch("SELECT name FROM tortoise_migrations WHERE app = $1", APP)
    return {row["name"] for row in rows}


async def _pending_migrations(client: SessionClient, applied: set[str]) -> list[PendingMigration]:
    """The missing migrations, with the models at each step.

    Those take longer than the statements themselves, so they are prepared before anything is locked.
    """
    pending: list[PendingMigration] = []
    migrations = await _all_migrations(client)
    if applied.issuperset(migration.name for migration in migrations):
        return pending
    state = State(models={}, apps=ModelsAtStep(default_connections={APP: "default"}))
    with _models_without_filters():
        for migration in migrations:
            if migration.name in applied:
                await migration.apply(state, dry_run=True)
            else:
                pending.append(PendingMigration(migration, list(_steps(migration, state))))
                state = pending[-1].steps[-1].after
    return pending


@contextmanager
def _models_without_filters() -> Iterator[None]:
    """Create models without the filters of their fields, which only queries need.

    Tortoise creates every model again at each step, and its filters took two thirds of a migration.
    """
    create_filters = getattr(tortoise_models, CREATE_FILTERS)
    setattr(tortoise_models, CREATE_FILTERS, lambda **_: {})
    try:
        yield
    finally:
        setattr(tortoise_models, CREATE_FILTERS, create_filters)


async def _all_migrations(client: BaseDBAsyncClient) -> list[Migration]:
    """All migrations of this version, each behind those that it depends on."""
    executor = MigrationExecutor(client, _app_config())
    await executor.loader.build_graph()
    graph = executor.loader.graph
    [last] = graph.leaf_nodes(APP)
    migrations = (graph.nodes[key] for key in graph.forwards_plan(last))
    return [migration for migration in migrations if migration is not None]


def _steps(migration: Migration, state: State) -> Iterator[Step]:
    for operation in migration.operations:
        before = state
        # Only these leave the models as they are.
        if not isinstance(operation, ops.RunSQL | ops.RunPython | ConnectionOperation):
            state = before.clone()
            operation.state_forward(migration.app_label, state)
        yield Step(operation, before, state)


async def _create_schema(
    client: SessionClient,
    connection: Connection,
    pending: list[PendingMigration],
    *,
    any_letters: bool,
) -> None:
    """Apply all migrations to a new database; all or none."""
    async with connection.transaction():
        await MigrationRecorder(client).ensure_schema(AsyncpgSchemaEditor(client))
        for migration, steps in pending:
            for step in steps:
                await _run(client, migration, step)
            await _record(connection, migration)
        if not any_letters and (advice := await advice_on(connection)):
            raise UnfitDatabase(advice)


async def _apply(client: SessionClient, connection: Connection, pending: PendingMigration) -> None:
    """Apply a migration to a database that may be in use."""
    migration, steps = pending
    begin = time.monotonic()
    if migration.atomic:
        await retried_while_in_use(partial(_apply_in_transaction, client, connection, pending))
    else:
        for step in steps:
            await retried_while_in_use(partial(_run, client, migration, step))
        await _record(connection, migration)
    logger.info("Applied %s in %.1f s.", migration.name, time.monotonic() - begin)


async def _apply_in_transaction(
    client: SessionClient, connection: Connection, pending: PendingMigration
) -> None:
    async with connection.transaction():
        for step in pending.steps:
            await _run(client, pending.migration, step)
        await _record(connection, pending.migration)


async def _run(client: SessionClient, migration: Migration, step: Step) -> None:
    editor = AsyncpgSchemaEditor(client)
    operation, before, after = step
    await operation.database_forward(migration.app_label, before, after, editor)


async def _record(connection: Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ($1, $2, now())",
        APP,
        migration.name,
    )


async def _validate_constraints(connection: Connection) -> None:
    """Validate what isn't: whatever this run added, or one before that was interrupted."""
    for row in await connection.fetch(NOT_VALIDATED, TABLES):
        await retried_while_in_use(partial(connection.execute, row["statement"]))


async def advice_on_letters() -> str | None:
    """Advice for a migrated database whose locale doesn't know letters; None for any other."""
    async with acquire() as acquired:
        return await advice_on(acquired)


async def unapplied_migrations() -> list[str]:
    """The names of the migrations, and of the constraints they added, that `migrate` has yet to finish."""
    executor = MigrationExecutor(get_connection("default"), _app_config())
    missing = [step.migration.name for step in await executor.plan()]
    rows = await fetch(NOT_VALIDATED, TABLES)
    return missing + [f"the validation of {row['name']}" for row in rows]


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
