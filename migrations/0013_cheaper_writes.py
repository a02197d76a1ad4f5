"""Fewer indexes and checks for every write, in place of what feeds and positions add to it."""

from tortoise import migrations
from tortoise.migrations import operations as ops

from todo_gql.database.migration_operations import LockTables

DIGITS = "'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'"
POWERS = ("916132832", "14776336", "238328", "3844", "62", "1")
KEY = " || ".join(f"substr({DIGITS}, (n / {power} % 62)::int + 1, 1)" for power in POWERS)


class Migration(migrations.Migration):
    dependencies = [("models", "0012_search_texts")]

    initial = False

    operations = [
        LockTables("users", "todo_tags", "tags", "changes"),
        ops.RunSQL(
            f"""
-- One expression, which PostgreSQL evaluates in the statement of the write.
CREATE OR REPLACE FUNCTION position_key(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'f' || {KEY}
$$;

-- An index with the count made every update of a tag insert into all indexes; an owner's tags are sorted
-- in memory. Free room on the page lets updates stay on it.
DROP INDEX tags_by_use;
ALTER TABLE tags SET (fillfactor = 50);

-- The lock on the owner's row proves at every write that the account exists. What is written after a
-- deletion has gone through the log goes with the account.
ALTER TABLE changes DROP CONSTRAINT changes_owner_id_fkey;
CREATE FUNCTION delete_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM changes WHERE owner_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER users_deleted_with_changes AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION delete_changes();

-- Nothing reads a row by its number.
ALTER TABLE todo_tags DROP CONSTRAINT todo_tags_pkey,
    REPLICA IDENTITY USING INDEX todo_tags_unique;
"""
        ),
    ]
