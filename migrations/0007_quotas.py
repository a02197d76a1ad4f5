"""What an account stores, counted as it is written.

The counts of accounts from before are made by the worker's upkeep, one account after the other.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0006_recipients")]

    initial = False

    operations = [
        ops.AddField(
            model_name="User", name="trash_count", field=fields.IntField(default=0, db_default=0)
        ),
        ops.AddField(
            model_name="User",
            name="stored_bytes",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="User",
            name="counted_seq",
            field=fields.BigIntField(default=0, db_default=0),
        ),
    ]
