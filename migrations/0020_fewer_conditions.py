"""Fewer and shorter conditions, which PostgreSQL reads anew for every statement that writes.

A trigger OF columns is left out by statements that don't set them, before its condition is read.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from todo_gql.database.migration_operations import AddCheckNotValid, LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0019_covering_indexes")]

    initial = False

    operations = [
        LockTables("users", "todos"),
        # They are copies of those in feeds, which may be wrong until the worker has counted.
        ops.RemoveConstraint(model_name="User", name="users_counts_not_negative"),
        # An array is a single constant, half as long as two comparisons.
        ops.RemoveConstraint(model_name="User", name="users_week_start_known"),
        AddCheckNotValid(
            "User",
            CheckConstraint(
                check="week_start = ANY ('{1,2,3,4,5,6,7}'::smallint[])",
                name="users_week_start_known",
            ),
        ),
        ops.RemoveConstraint(model_name="Todo", name="todos_status_known"),
        AddCheckNotValid(
            "Todo",
            CheckConstraint(
                check="status = ANY ('{0,1,2,3}'::smallint[])", name="todos_status_known"
            ),
        ),
        ops.RemoveConstraint(model_name="Todo", name="todos_priority_known"),
        AddCheckNotValid(
            "Todo",
            CheckConstraint(
                check="priority = ANY ('{0,1,2,3}'::smallint[])", name="todos_priority_known"
            ),
        ),
        ops.RunSQL(
            """
-- add_to_feed does nothing where feeds has the same numbers already.
DROP TRIGGER users_written_by_the_release_before ON users;
CREATE TRIGGER users_written_by_the_release_before
    AFTER UPDATE OF change_seq, trash_count, stored_bytes ON users
    FOR EACH ROW WHEN (NEW.mirrored_seq = OLD.mirrored_seq) EXECUTE FUNCTION add_to_feed();

DROP TRIGGER todos_changed_due_day ON todos;
CREATE TRIGGER todos_changed_due_day BEFORE UPDATE OF due_at, due_date, due_time_zone ON todos
    FOR EACH ROW EXECUTE FUNCTION set_due_day();

CREATE OR REPLACE FUNCTION clear_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.title, NEW.description) IS DISTINCT FROM (OLD.title, OLD.description) THEN
        NEW.search_text := NULL;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER todos_with_old_search_text ON todos;
CREATE TRIGGER todos_with_old_search_text BEFORE UPDATE OF title, description ON todos
    FOR EACH ROW WHEN (NEW.search_text = OLD.search_text) EXECUTE FUNCTION clear_search_text();
DROP TRIGGER todos_with_same_search_text ON todos;
CREATE TRIGGER todos_with_same_search_text BEFORE UPDATE OF search_text ON todos
    FOR EACH ROW WHEN (NEW.search_text IS NULL) EXECUTE FUNCTION restore_search_text();
"""
        ),
    ]
