"""Search texts stay where a todo's new title or description is the same to searches."""

from tortoise import migrations
from tortoise.migrations import operations as ops

from todo_gql.database.migration_operations import LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0013_cheaper_writes")]

    initial = False

    operations = [
        LockTables("todos"),
        ops.RunSQL(
            """
-- The trigger before it, by name, clears a text that stays the same while the title changes. The release
-- before didn't write that text, but a statement that sets it has found the same one again.
CREATE FUNCTION restore_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_text := OLD.search_text;
    RETURN NEW;
END $$;
CREATE TRIGGER todos_with_same_search_text BEFORE UPDATE OF search_text ON todos
    FOR EACH ROW WHEN (NEW.search_text IS NULL AND OLD.search_text IS NOT NULL)
    EXECUTE FUNCTION restore_search_text();
"""
        ),
    ]
