"""The mails of deleted accounts, which their recipients were sent all the same."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0007_quotas")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PurgedMail",
            fields=[
                ("id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("recipient_hash", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "purged_mails",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A mail to an account that was deleted, which counts for its recipient until an hour is over.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(
            "CREATE INDEX purged_mails_by_recipient ON purged_mails (recipient_hash, created_at);"
        ),
    ]
