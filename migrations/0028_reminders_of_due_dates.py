"""Reminders follow due dates that the previous release moves, too."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0027_snoozes_ahead")]

    initial = False

    operations = [
        ops.RunSQL(
            """
-- The release before writes due_at alone: what it leaves follows from that. When reminders of what it
-- moved fire is computed anew by a worker.
CREATE OR REPLACE FUNCTION set_due_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.due_at, NEW.due_date, NEW.due_time_zone)
            IS NOT DISTINCT FROM (OLD.due_at, OLD.due_date, OLD.due_time_zone) THEN
            RETURN NEW;
        ELSIF NEW.due_at IS NOT NULL AND OLD.due_date IS NOT NULL THEN
            NEW.due_date := NULL;
        END IF;
        UPDATE reminders SET fires_at = '-infinity'
        WHERE owner_id = NEW.owner_id AND todo_id = NEW.id AND anchor = 0;
    END IF;
    IF NEW.due_at IS NULL THEN
        NEW.due_time_zone := NULL;
    END IF;
    NEW.due_on := coalesce(NEW.due_date, (NEW.due_at AT TIME ZONE coalesce(NEW.due_time_zone, 'UTC'))::date);
    RETURN NEW;
END $$;
"""
        ),
    ]
