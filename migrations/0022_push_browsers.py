"""What finds the push subscriptions of a browser, which several people may use in turn."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0021_inbox_reads")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently(
            "CREATE INDEX push_subscriptions_by_browser ON push_subscriptions (endpoint_hash)"
        ),
    ]
