"""What finds the completed occurrences of a todo that repeats, and changes that others made."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0016_time")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently(
            "CREATE UNIQUE INDEX todos_by_series ON todos (owner_id, series_id, series_version)"
            " WHERE series_id IS NOT NULL"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX changes_by_others ON changes (owner_id, seq) WHERE actor_id <> owner_id"
        ),
    ]
