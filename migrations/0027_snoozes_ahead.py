"""An index of what each person has put off until after a moment, in place of one of all that they ever did."""

from tortoise import migrations

from todo_gql.database.migration_operations import CreateIndexConcurrently, DropIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("models", "0026_assignees")]

    initial = False
    atomic = False

    operations = [
        CreateIndexConcurrently("CREATE INDEX snoozes_ahead ON snoozes (person_id, until)"),
        DropIndexConcurrently("snoozes_by_person"),
    ]
