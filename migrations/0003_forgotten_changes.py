"""Which change each owner's log has forgotten last, so that who stands there can be told."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0002_mails_and_jobs")]

    initial = False

    operations = [
        ops.AddField(
            model_name="User",
            name="forgotten_change_id",
            field=fields.UUIDField(null=True),
        ),
    ]
