"""Operations of migrations that Tortoise lacks.

A migration with `atomic = False` isn't run in a transaction, and is recorded once all of its operations
are done, so each of them can be repeated: an interrupted run leaves some done, and the next one begins
with the first. On a new database every migration is part of one transaction, and the tables are empty.
"""

import logging
import re
import time
from abc import ABC, abstractmethod

from tortoise.fields.base import Field
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

from todo_gql.database.connection import Connection
from todo_gql.database.migration_session import connection_of

logger = logging.getLogger(__name__)

INDEX_STATEMENT = re.compile(
    r"CREATE (?P<unique>UNIQUE )?INDEX (?P<name>\w+)\s+(?P<rest>ON .+)", re.DOTALL
)
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)"
IS_NOT_NULL = """
SELECT attnotnull FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = $2
"""
HAS_CONSTRAINT = """
SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = $1::text::regclass AND conname = $2)
"""


class AddCheckNotValid(ops.AddConstraint):
    """Adds a check for new rows; `migrate` validates the existing rows after its transaction.

    `AddConstraint` would read the whole table while it holds the table's exclusive lock.
    """

    def __init__(self, model_name: str, constraint: CheckConstraint) -> None:
        super().__init__(model_name, constraint)
        self.check = constraint

    async def database_forward(
        self,
        app_label: str,
        old_state: State,  # noqa: ARG002 - Tortoise's signature
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Add the check as NOT VALID."""
        if state_editor:
            table = new_state.apps.get_model(f"{app_label}.{self.model_name}")._meta.db_table
            await state_editor.client.execute_script(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{self.check.name}"'
                f" CHECK ({self.check.check}) NOT VALID"
            )


class ConnectionOperation(TortoiseOperation, ABC):
    """An operation that changes no model, and needs the connection that the migration runs on."""

    async def database_forward(
        self,
        app_label: str,  # noqa: ARG002 - Tortoise's signature
        old_state: State,  # noqa: ARG002
        new_state: State,  # noqa: ARG002
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Apply the operation."""
        if state_editor:
            await self.apply(await connection_of(state_editor))

    @abstractmethod
    async def apply(self, connection: Connection) -> None:
        """Apply the operation, inside or outside of a transaction."""


class LockTables(ConnectionOperation):
    """Locks the tables that a migration's transaction changes, in the order in which writes lock them.

    A migration that locked them in the order of its operations could get into a deadlock with a write.
    """

    def __init__(self, *tables: str) -> None:
        self.tables = tables

    async def apply(self, connection: Connection) -> None:
        """Lock them for the rest of the transaction."""
        # Servers wait for the first table while this waits for the others.
        await connection.execute("SET LOCAL lock_timeout = '200ms'")
        for table in self.tables:
            await connection.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
        await connection.execute("SET LOCAL lock_timeout TO DEFAULT")


class CreateIndexConcurrently(ConnectionOperation):
    """Creates an index while others write to the table.

    An invalid index, which an interrupted run has left, is dropped and created again.
    """

    def __init__(self, statement: str) -> None:
        match = INDEX_STATEMENT.fullmatch(statement.strip())
        if match is None:
            raise ValueError(f"no statement that creates an index: {statement}")
        self.statement = statement
        self.name: str = match["name"]
        self.concurrent_statement = (
            f"CREATE {match['unique'] or ''}INDEX CONCURRENTLY {self.name} {match['rest']}"
        )

    async def apply(self, connection: Connection) -> None:
        """Create the index, unless there is a valid one of this name."""
        if connection.is_in_transaction():
            await connection.execute(self.statement)
        else:
            await self._create_concurrently(connection)

    async def _create_concurrently(self, connection: Connection) -> None:
        is_valid = await connection.fetchval(IS_VALID, self.name)
        if is_valid:
            return
        await DropIndexConcurrently(self.name).apply(connection)
        begin = time.monotonic()
        await _execute_without_lock_timeout(connection, self.concurrent_statement)
        logger.info("Created the index %s in %.1f s.", self.name, time.monotonic() - begin)


class DropIndexConcurrently(ConnectionOperation):
    """Drops an index in whose place there is another one, while others read and write the table."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def apply(self, connection: Connection) -> None:
        """Drop the index, unless it is gone already."""
        if connection.is_in_transaction():
            await connection.execute(f"DROP INDEX {self.name}")
        else:
            statement = f"DROP INDEX CONCURRENTLY IF EXISTS {self.name}"
            await _execute_without_lock_timeout(connection, statement)


class DropIndexOfNewDatabase(ConnectionOperation):
    """Drops an index that only the previous release needs, where that can't be running.

    A migration of the next release drops it from other databases.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    async def apply(self, connection: Connection) -> None:
        """Drop the index in the transaction that creates the whole schema."""
        if connection.is_in_transaction():
            await connection.execute(f"DROP INDEX {self.name}")


async def _execute_without_lock_timeout(connection: Connection, statement: str) -> None:
    """Execute a statement CONCURRENTLY, which may wait for old transactions, and nobody for it."""
    await connection.execute("SET lock_timeout = 0")
    try:
        await connection.execute(statement)
    finally:
        if not connection.is_closed():
            await connection.execute("RESET lock_timeout")


class VacuumAnalyze(ConnectionOperation):
    """Removes what a backfill has left of earlier rows, and updates the planner's statistics."""

    def __init__(self, table: str) -> None:
        self.table = table

    async def apply(self, connection: Connection) -> None:
        """Vacuum the table, beside others that read and write."""
        if not connection.is_in_transaction():
            # To return pages to the file system would take an exclusive lock.
            statement = f'VACUUM (ANALYZE, TRUNCATE false) "{self.table}"'
            await _execute_without_lock_timeout(connection, statement)


class SetNotNull(ops.AlterField):
    """Forbids null in a column that has none, without reading the table under an exclusive lock."""

    def __init__(self, model_name: str, name: str, field: Field) -> None:  # type: ignore[type-arg]
        super().__init__(model_name, name, field)

    async def database_forward(
        self,
        app_label: str,
        old_state: State,  # noqa: ARG002 - Tortoise's signature
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Validate a check of the column first, which PostgreSQL then takes as proof."""
        if state_editor is None:
            return
        table = new_state.apps.get_model(f"{app_label}.{self.model_name}")._meta.db_table
        connection = await connection_of(state_editor)
        set_not_null = f'ALTER TABLE "{table}" ALTER COLUMN "{self.name}" SET NOT NULL'
        if connection.is_in_transaction():
            await connection.execute(set_not_null)
            return
        if await connection.fetchval(IS_NOT_NULL, table, self.name):
            return
        # PostgreSQL 18 itself names the constraint NOT NULL with _not_null in the end.
        check = f"{table}_{self.name}_is_filled"
        alter = f'ALTER TABLE "{table}"'
        if not await connection.fetchval(HAS_CONSTRAINT, table, check):
            add = f'{alter} ADD CONSTRAINT "{check}" CHECK ("{self.name}" IS NOT NULL) NOT VALID'
            await connection.execute(add)
        await connection.execute(f'{alter} VALIDATE CONSTRAINT "{check}"')
        # One transaction: a script of several statements.
        await connection.execute(f'{set_not_null}; {alter} DROP CONSTRAINT "{check}"')
