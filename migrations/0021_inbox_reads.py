"""What finds unread notifications, and archived ones by their age."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0020_fewer_conditions")]

    initial = False

    operations = [
        ops.RunSQL(
            """
-- No release has written notifications yet, so the table is empty.
CREATE INDEX notifications_unread ON notifications (owner_id, created_at, id)
    WHERE read_at IS NULL AND archived_at IS NULL;
CREATE INDEX notifications_archived ON notifications (owner_id, archived_at)
    WHERE archived_at IS NOT NULL;
"""
        ),
    ]
