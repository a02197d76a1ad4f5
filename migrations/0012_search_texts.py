"""The index of the texts that searches look through."""

from tortoise import migrations
from tortoise.migrations import operations as ops

from todo_gql.database.migration_operations import (
    CreateIndexConcurrently,
    DropIndexOfNewDatabase,
    VacuumAnalyze,
)


class Migration(migrations.Migration):
    dependencies = [("models", "0011_positions_and_search_texts")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_search_text ON todos"
            " USING gin (owner_id, search_text gin_trgm_ops)"
        ),
        # How rare a text is decides between this index and the one of the order. With the usual hundred
        # samples a single lucky one would make a rare word look common.
        ops.RunSQL("ALTER TABLE todos ALTER COLUMN search_text SET STATISTICS 1000"),
        VacuumAnalyze("todos"),
        # Searches of the release before read it.
        DropIndexOfNewDatabase("todos_by_text"),
    ]
