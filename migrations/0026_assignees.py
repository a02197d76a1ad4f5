"""What finds the todos that are assigned to somebody."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0025_sharing")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_assignee ON todos (owner_id, assignee_id, id)"
            " WHERE assignee_id IS NOT NULL"
        ),
    ]
