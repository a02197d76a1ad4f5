"""What mails to one recipient are counted by."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0005_mailboxes")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Mail",
            name="recipient_hash",
            field=fields.BinaryField(null=True),
        ),
        # Of mails from before nothing is counted: an hour later none of them would be.
        ops.RunSQL(
            "CREATE INDEX mails_by_recipient ON mails (recipient_hash, created_at)"
            " WHERE recipient_hash IS NOT NULL;"
        ),
    ]
