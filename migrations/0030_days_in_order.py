"""Indexes of the days on which todos are due and start, in the order of the sorts by them."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently

INDEX = (
    "CREATE INDEX todos_by_{0}_day ON todos (owner_id, {0}_on, (coalesce({0}_at, 'infinity'::timestamptz)), id)"
    " WHERE deleted_at IS NULL AND {0}_on IS NOT NULL"
)


class Migration(migrations.Migration):
    dependencies = [("models", "0029_ended_snoozes")]

    initial = False
    atomic = False

    operations = [
        # What starts on no day costs nothing.
        CreateIndexConcurrently(INDEX.format("due")),
        CreateIndexConcurrently(INDEX.format("start")),
    ]
