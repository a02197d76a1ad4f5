"""Days of due dates and starts as the program writes them."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from todo_gql.database.migration_operations import LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0022_push_browsers")]

    initial = False

    operations = [
        LockTables("users", "todos"),
        ops.AddField(model_name="Todo", name="start_on", field=fields.DateField(null=True)),
        ops.RunSQL(
            """
-- The release before writes due_at alone: what it leaves follows from that.
CREATE OR REPLACE FUNCTION set_due_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.due_at, NEW.due_date, NEW.due_time_zone)
            IS NOT DISTINCT FROM (OLD.due_at, OLD.due_date, OLD.due_time_zone) THEN
            RETURN NEW;
        ELSIF NEW.due_at IS NOT NULL AND OLD.due_date IS NOT NULL THEN
            NEW.due_date := NULL;
        END IF;
    END IF;
    IF NEW.due_at IS NULL THEN
        NEW.due_time_zone := NULL;
    END IF;
    NEW.due_on := coalesce(NEW.due_date, (NEW.due_at AT TIME ZONE coalesce(NEW.due_time_zone, 'UTC'))::date);
    RETURN NEW;
END $$;
DROP TRIGGER todos_created_with_due_day ON todos;
CREATE TRIGGER todos_created_with_due_day BEFORE INSERT ON todos
    FOR EACH ROW WHEN (NEW.due_on IS NULL AND (NEW.due_at IS NOT NULL OR NEW.due_date IS NOT NULL))
    EXECUTE FUNCTION set_due_day();

-- The day that this release writes stays as it is, by its own database of time zones: a setting of the
-- transaction says that it was written. Triggers run in the order of their names.
CREATE FUNCTION note_due_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('todo_gql.writes_due_day', 'on', true);
    RETURN NEW;
END $$;
CREATE TRIGGER todos_assigned_due_day BEFORE UPDATE OF due_on ON todos
    FOR EACH ROW EXECUTE FUNCTION note_due_day();
DROP TRIGGER todos_changed_due_day ON todos;
CREATE TRIGGER todos_changed_due_day BEFORE UPDATE OF due_at, due_date, due_time_zone ON todos
    FOR EACH ROW WHEN (current_setting('todo_gql.writes_due_day', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION set_due_day();
"""
        ),
    ]
