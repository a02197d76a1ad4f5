"""An index of notifications that are snoozed, of all owners, by when that ends."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0028_reminders_of_due_dates")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently(
            "CREATE INDEX notifications_coming_back ON notifications (snoozed_until)"
            " WHERE snoozed_until IS NOT NULL AND archived_at IS NULL"
        ),
    ]
