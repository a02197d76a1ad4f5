"""Lists, sections, subtasks, an order of one's own, saved views, days, and a feed's end in a narrow row.

It takes no lock for long: what has to read existing rows is done by the next one.
"""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.migration_operations import AddCheckNotValid, LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0009_kinds_of_changes")]

    initial = False

    operations = [
        LockTables("users", "todos", "changes"),
        ops.CreateModel(
            name="DueCount",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("day", fields.DateField()),
                ("is_timed", fields.BooleanField()),
                ("open_count", fields.IntField(default=0)),
                ("closed_count", fields.IntField(default=0)),
            ],
            options={
                "table": "due_counts",
                "app": "models",
                "pk_attr": "id",
                "table_description": "How many todos of an owner outside the trash are due on a day: those still open, and the others.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="DueCount",
            constraint=UniqueConstraint(
                fields=("owner_id", "day", "is_timed"), name="due_counts_unique"
            ),
        ),
        ops.CreateModel(
            name="Feed",
            fields=[
                (
                    "owner_id",
                    fields.UUIDField(primary_key=True, unique=True, db_index=True),
                ),
                ("seq", fields.BigIntField(default=0, db_default=0)),
                ("counted_seq", fields.BigIntField(default=0, db_default=0)),
                ("pending_count", fields.IntField(default=0, db_default=0)),
                ("in_progress_count", fields.IntField(default=0, db_default=0)),
                ("completed_count", fields.IntField(default=0, db_default=0)),
                ("cancelled_count", fields.IntField(default=0, db_default=0)),
                ("trash_count", fields.IntField(default=0, db_default=0)),
                ("low_count", fields.IntField(default=0, db_default=0)),
                ("medium_count", fields.IntField(default=0, db_default=0)),
                ("high_count", fields.IntField(default=0, db_default=0)),
                ("urgent_count", fields.IntField(default=0, db_default=0)),
                ("stored_bytes", fields.BigIntField(default=0, db_default=0)),
            ],
            options={
                "table": "feeds",
                "app": "models",
                "pk_attr": "owner_id",
                "table_description": "The end of an owner's change log, and the counts that every write updates.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ListTag",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("list_id", fields.UUIDField()),
                ("tag_id", fields.UUIDField()),
                ("todo_count", fields.IntField(default=0)),
            ],
            options={
                "table": "list_tags",
                "app": "models",
                "pk_attr": "id",
                "table_description": "How many todos of a list outside the trash carry a tag.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="ListTag",
            constraint=UniqueConstraint(
                fields=("owner_id", "list_id", "tag_id"), name="list_tags_unique"
            ),
        ),
        ops.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "owner",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="owner_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=120)),
                ("position", fields.TextField(unique=False)),
                ("todo_filter", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("todo_sort", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "saved_views",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A filter and an order of todos under a name, as the JSON of the inputs of the API.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="SavedView",
            constraint=CheckConstraint(check="name <> ''", name="saved_views_name_not_empty"),
        ),
        ops.AddConstraint(
            model_name="SavedView",
            constraint=CheckConstraint(check="version >= 1", name="saved_views_version_positive"),
        ),
        ops.CreateModel(
            name="Section",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("list_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=120)),
                ("position", fields.TextField(unique=False)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sections",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A section of a list; `position` sorts those of one list. Deleted once `deleted_at` is set.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Section",
            constraint=UniqueConstraint(fields=("owner_id", "id"), name="sections_owner_id_unique"),
        ),
        ops.AddConstraint(
            model_name="Section",
            constraint=CheckConstraint(check="name <> ''", name="sections_name_not_empty"),
        ),
        ops.AddConstraint(
            model_name="Section",
            constraint=CheckConstraint(check="version >= 1", name="sections_version_positive"),
        ),
        ops.CreateModel(
            name="TodoList",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "owner",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="owner_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=120)),
                ("description", fields.CharField(null=True, max_length=5000)),
                ("color", fields.CharField(null=True, max_length=7)),
                ("position", fields.TextField(unique=False)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "archived_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("pending_count", fields.IntField(default=0, db_default=0)),
                ("in_progress_count", fields.IntField(default=0, db_default=0)),
                ("completed_count", fields.IntField(default=0, db_default=0)),
                ("cancelled_count", fields.IntField(default=0, db_default=0)),
            ],
            options={
                "table": "lists",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A list of todos, with the counts of its todos by status outside the trash.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="TodoList",
            constraint=UniqueConstraint(fields=("owner_id", "id"), name="lists_owner_id_unique"),
        ),
        ops.AddConstraint(
            model_name="TodoList",
            constraint=CheckConstraint(check="name <> ''", name="lists_name_not_empty"),
        ),
        ops.AddConstraint(
            model_name="TodoList",
            constraint=CheckConstraint(check="version >= 1", name="lists_version_positive"),
        ),
        ops.AddField(
            model_name="Change",
            name="first_seq",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="completed_subtask_count",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Todo",
            name="due_date",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="due_on",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="due_time_zone",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="Todo",
            name="list_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="parent_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="position",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Todo",
            name="search_text",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Todo",
            name="section_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="start_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Todo",
            name="start_date",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="subtask_count",
            field=fields.IntField(default=0, db_default=0),
        ),
        AddCheckNotValid(
            "Todo",
            CheckConstraint(
                check="due_at IS NULL OR due_date IS NULL", name="todos_due_at_or_date"
            ),
        ),
        AddCheckNotValid(
            "Todo",
            CheckConstraint(
                check="start_at IS NULL OR start_date IS NULL", name="todos_start_at_or_date"
            ),
        ),
        AddCheckNotValid(
            "Todo",
            CheckConstraint(check="parent_id <> id", name="todos_parent_is_another"),
        ),
        AddCheckNotValid(
            "Todo",
            CheckConstraint(
                check="section_id IS NULL OR list_id IS NOT NULL", name="todos_section_in_list"
            ),
        ),
        ops.AddField(
            model_name="User",
            name="mirrored_seq",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="User",
            name="time_zone",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="User",
            name="week_start",
            field=fields.SmallIntField(null=True),
        ),
        AddCheckNotValid(
            "User",
            CheckConstraint(check="week_start BETWEEN 1 AND 7", name="users_week_start_known"),
        ),
        ops.RunSQL(
            """
-- Keys sort by code points, like the text of a program.
ALTER TABLE todos ALTER COLUMN position TYPE text COLLATE "C";
ALTER TABLE lists ALTER COLUMN position TYPE text COLLATE "C";
ALTER TABLE sections ALTER COLUMN position TYPE text COLLATE "C";
ALTER TABLE saved_views ALTER COLUMN position TYPE text COLLATE "C";

CREATE UNIQUE INDEX lists_by_position ON lists (owner_id, position);
CREATE UNIQUE INDEX sections_by_position ON sections (owner_id, list_id, position);
CREATE UNIQUE INDEX saved_views_by_position ON saved_views (owner_id, position);

ALTER TABLE sections
    ADD CONSTRAINT sections_list_exists FOREIGN KEY (owner_id, list_id)
        REFERENCES lists (owner_id, id) ON DELETE CASCADE;
ALTER TABLE list_tags
    ADD CONSTRAINT list_tags_list_exists FOREIGN KEY (owner_id, list_id)
        REFERENCES lists (owner_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT list_tags_tag_exists FOREIGN KEY (owner_id, tag_id)
        REFERENCES tags (owner_id, id) ON DELETE CASCADE;
CREATE INDEX list_tags_by_tag ON list_tags (owner_id, tag_id);
ALTER TABLE feeds
    ADD CONSTRAINT feeds_owner_exists FOREIGN KEY (owner_id)
        REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE due_counts
    ADD CONSTRAINT due_counts_owner_exists FOREIGN KEY (owner_id)
        REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE todos
    ADD CONSTRAINT todos_list_exists FOREIGN KEY (owner_id, list_id)
        REFERENCES lists (owner_id, id) ON DELETE CASCADE NOT VALID,
    ADD CONSTRAINT todos_section_exists FOREIGN KEY (owner_id, section_id)
        REFERENCES sections (owner_id, id) ON DELETE SET NULL (section_id) NOT VALID,
    ADD CONSTRAINT todos_parent_exists FOREIGN KEY (owner_id, parent_id)
        REFERENCES todos (owner_id, id) ON DELETE CASCADE NOT VALID;

-- Every write updates a row: free room on the page keeps those updates off the indexes.
ALTER TABLE feeds SET (fillfactor = 50);
ALTER TABLE lists SET (fillfactor = 70);
ALTER TABLE list_tags SET (fillfactor = 50);
ALTER TABLE due_counts SET (fillfactor = 50);

CREATE FUNCTION position_key(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'f' || substr(d, (n / 916132832 % 62)::int + 1, 1)
        || substr(d, (n / 14776336 % 62)::int + 1, 1) || substr(d, (n / 238328 % 62)::int + 1, 1)
        || substr(d, (n / 3844 % 62)::int + 1, 1) || substr(d, (n / 62 % 62)::int + 1, 1)
        || substr(d, (n % 62)::int + 1, 1)
    FROM (VALUES ('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')) AS digits (d)
$$;
COMMENT ON FUNCTION position_key IS
    'The key of order, in base 62, that a todo has which nobody moved: n is the number of its first '
    'change, from 1 to 62^6 - 1. Keys sort like their numbers.';

CREATE FUNCTION insert_feed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feeds (owner_id, seq, counted_seq) VALUES (NEW.id, NEW.change_seq, NEW.change_seq)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER users_have_feeds AFTER INSERT ON users
    FOR EACH ROW EXECUTE FUNCTION insert_feed();

-- The release before writes change_seq and the counts of users alone.
CREATE FUNCTION add_to_feed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE feeds SET seq = NEW.change_seq,
        pending_count = NEW.pending_count, in_progress_count = NEW.in_progress_count,
        completed_count = NEW.completed_count, cancelled_count = NEW.cancelled_count,
        trash_count = NEW.trash_count, stored_bytes = NEW.stored_bytes
    WHERE owner_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER users_written_by_the_release_before AFTER UPDATE ON users
    FOR EACH ROW WHEN ((NEW.change_seq, NEW.trash_count, NEW.stored_bytes)
        IS DISTINCT FROM (OLD.change_seq, OLD.trash_count, OLD.stored_bytes)
        AND NEW.mirrored_seq = OLD.mirrored_seq)
    EXECUTE FUNCTION add_to_feed();

CREATE FUNCTION set_due_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.due_on := coalesce(NEW.due_date, (NEW.due_at AT TIME ZONE coalesce(NEW.due_time_zone, 'UTC'))::date);
    RETURN NEW;
END $$;
CREATE TRIGGER todos_created_with_due_day BEFORE INSERT ON todos
    FOR EACH ROW WHEN (NEW.due_at IS NOT NULL OR NEW.due_date IS NOT NULL)
    EXECUTE FUNCTION set_due_day();
CREATE TRIGGER todos_changed_due_day BEFORE UPDATE ON todos
    FOR EACH ROW WHEN ((NEW.due_at, NEW.due_date, NEW.due_time_zone)
        IS DISTINCT FROM (OLD.due_at, OLD.due_date, OLD.due_time_zone))
    EXECUTE FUNCTION set_due_day();

-- The release before gives no position: behind all there are, in the order of the rows.
CREATE FUNCTION set_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.position := position_key((SELECT seq + 1 FROM feeds WHERE owner_id = NEW.owner_id))
        || substr(position_key((extract(epoch FROM clock_timestamp()) * 1000000)::bigint % 56800235584), 2) || 'V';
    RETURN NEW;
END $$;
CREATE TRIGGER todos_without_position BEFORE INSERT ON todos
    FOR EACH ROW WHEN (NEW.position IS NULL) EXECUTE FUNCTION set_position();

-- Nor does it know the text that searches compare.
CREATE FUNCTION clear_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_text := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER todos_with_old_search_text BEFORE UPDATE ON todos
    FOR EACH ROW WHEN ((NEW.title, NEW.description) IS DISTINCT FROM (OLD.title, OLD.description)
        AND NEW.search_text = OLD.search_text)
    EXECUTE FUNCTION clear_search_text();
"""
        ),
    ]
