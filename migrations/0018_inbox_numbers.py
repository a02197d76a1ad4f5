"""What follows an inbox as it grows: a number for each entry, and how many are snoozed."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0017_series")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Inbox",
            name="entry_seq",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Notification",
            name="seq",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.RunSQL(
            """
-- No release has written notifications yet, so the table is empty.
CREATE INDEX notifications_by_seq ON notifications (owner_id, seq);
CREATE INDEX notifications_snoozed ON notifications (owner_id, snoozed_until)
    WHERE snoozed_until IS NOT NULL AND read_at IS NULL AND archived_at IS NULL;
"""
        ),
    ]
