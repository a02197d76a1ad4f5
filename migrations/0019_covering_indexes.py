"""Indexes that hold all that counts and pages of open todos look at, in place of two that don't."""

from tortoise import migrations

from todo_gql.database.migration_operations import (
    CreateIndexConcurrently,
    DropIndexConcurrently,
    DropIndexOfNewDatabase,
)


class Migration(migrations.Migration):
    dependencies = [("models", "0018_inbox_numbers")]

    initial = False
    atomic = False

    operations = [
        # Facets and totals by these columns read no todos. All of them stand in other indexes as well, so
        # that no update has to change more indexes than before.
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_status_covering ON todos (owner_id, status, id)"
            " INCLUDE (priority, list_id, due_at, due_date) WHERE deleted_at IS NULL"
        ),
        # Its keys and rows are the same, so that the previous release reads the new one.
        DropIndexConcurrently("todos_by_status"),
        # What is due at a moment comes first, in the order of moments, and then what is due on a date.
        CreateIndexConcurrently(
            "CREATE INDEX todos_open_by_due ON todos (owner_id, due_at, due_on, list_id)"
            " WHERE deleted_at IS NULL AND status IN (0, 1) AND due_on IS NOT NULL"
        ),
        # The previous release counts overdue todos by it, without asking for `due_on`.
        DropIndexOfNewDatabase("todos_open_by_due_at"),
    ]
