"""Indexes of the days on which todos are due and start, in the order of the sorts by them."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0029_ended_snoozes")]

    initial = False
    atomic = False

    operations = [
        # What starts on no day costs nothing.
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_due_day ON todos (owner_id, due_on,"
            " (coalesce(due_at, 'infinity'::timestamptz)), id)"
            " WHERE deleted_at IS NULL AND due_on IS NOT NULL"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_start_day ON todos (owner_id, start_on,"
            " (coalesce(start_at, 'infinity'::timestamptz)), id)"
            " WHERE deleted_at IS NULL AND start_on IS NOT NULL"
        ),
    ]
