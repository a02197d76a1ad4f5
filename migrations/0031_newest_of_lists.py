"""The todos of lists, newest first, with all that pages of members sort by and usually filter by."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0030_days_in_order")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_list_and_creation ON todos (owner_id,"
            " (coalesce(list_id, '00000000-0000-0000-0000-000000000000'::uuid)), created_at, id)"
            " INCLUDE (list_id, status, priority, due_on, due_date, due_at, completed_at, updated_at,"
            " start_on, start_date, start_at, title)"
            " WHERE list_id IS NOT NULL AND deleted_at IS NULL"
        ),
    ]
