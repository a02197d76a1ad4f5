"""The first tables, with their constraints and indexes."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="TodoTag",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("todo_id", fields.UUIDField()),
                ("tag_id", fields.UUIDField()),
            ],
            options={
                "table": "todo_tags",
                "app": "models",
                "pk_attr": "id",
                "table_description": "That a todo carries a tag, both of one owner.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("username", fields.CharField(max_length=50)),
                ("username_key", fields.CharField(max_length=50)),
                ("email", fields.CharField(max_length=255)),
                ("email_key", fields.CharField(max_length=255)),
                ("password_hash", fields.CharField(max_length=72)),
                ("first_name", fields.CharField(null=True, max_length=100)),
                ("last_name", fields.CharField(null=True, max_length=100)),
                ("bio", fields.CharField(null=True, max_length=1000)),
                ("avatar_url", fields.CharField(null=True, max_length=500)),
                ("is_active", fields.BooleanField(default=True)),
                ("is_superuser", fields.BooleanField(default=False)),
                (
                    "email_verified_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "last_login_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("change_seq", fields.BigIntField(default=0)),
                ("pending_count", fields.IntField(default=0)),
                ("in_progress_count", fields.IntField(default=0)),
                ("completed_count", fields.IntField(default=0)),
                ("cancelled_count", fields.IntField(default=0)),
            ],
            options={
                "table": "users",
                "app": "models",
                "pk_attr": "id",
                "table_description": "An account, and the row whose lock puts its owner's writes in a line.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Change",
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
                ("seq", fields.BigIntField()),
                ("todo_id", fields.UUIDField()),
                ("actor_id", fields.UUIDField()),
                ("action", fields.SmallIntField()),
                ("diff", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "changes",
                "app": "models",
                "pk_attr": "id",
                "table_description": "One committed change of one todo, numbered by its owner's `change_seq` without gaps.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
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
                ("refresh_hash", fields.BinaryField()),
                (
                    "spent_hashes",
                    fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "last_used_at",
                    fields.DatetimeField(auto_now=False, auto_now_add=True),
                ),
                (
                    "expires_at",
                    fields.DatetimeField(auto_now=False, auto_now_add=False),
                ),
                (
                    "ended_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("user_agent", fields.CharField(null=True, max_length=500)),
                ("ip_address", fields.CharField(null=True, max_length=45)),
            ],
            options={
                "table": "sessions",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A signed-in device: one family of refresh tokens, of which only hashes are stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Tag",
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
                ("name", fields.CharField(max_length=50)),
                ("todo_count", fields.IntField(default=0)),
            ],
            options={
                "table": "tags",
                "app": "models",
                "pk_attr": "id",
                "table_description": "An owner's tag, with how many todos outside the trash carry it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Todo",
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
                ("title", fields.CharField(max_length=200)),
                ("description", fields.CharField(null=True, max_length=5000)),
                ("status", fields.SmallIntField(default=0)),
                ("priority", fields.SmallIntField(default=1)),
                (
                    "due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "completed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("estimated_minutes", fields.IntField(null=True)),
                ("actual_minutes", fields.IntField(null=True)),
                (
                    "metadata",
                    fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "deleted_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "todos",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A todo; in the trash while `deleted_at` is set.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            "TodoTag",
            UniqueConstraint(fields=("owner_id", "todo_id", "tag_id"), name="todo_tags_unique"),
        ),
        ops.AddConstraint(
            "User",
            UniqueConstraint(fields=("username_key",), name="users_username_unique"),
        ),
        ops.AddConstraint(
            "User", UniqueConstraint(fields=("email_key",), name="users_email_unique")
        ),
        ops.AddConstraint(
            "User",
            CheckConstraint(
                check="pending_count >= 0 AND in_progress_count >= 0 AND completed_count >= 0 AND cancelled_count >= 0",
                name="users_counts_not_negative",
            ),
        ),
        ops.AddConstraint(
            "Change",
            UniqueConstraint(fields=("owner_id", "seq"), name="changes_owner_seq_unique"),
        ),
        ops.AddConstraint(
            "Change",
            CheckConstraint(check="action BETWEEN 0 AND 7", name="changes_action_known"),
        ),
        ops.AddConstraint(
            "Session",
            CheckConstraint(
                check="octet_length(refresh_hash) = 32",
                name="sessions_refresh_hash_is_sha256",
            ),
        ),
        ops.AddConstraint(
            "Tag",
            UniqueConstraint(fields=("owner_id", "id"), name="tags_owner_id_unique"),
        ),
        ops.AddConstraint(
            "Tag",
            UniqueConstraint(fields=("owner_id", "name"), name="tags_owner_name_unique"),
        ),
        ops.AddConstraint("Tag", CheckConstraint(check="name <> ''", name="tags_name_not_empty")),
        ops.AddConstraint(
            "Tag",
            CheckConstraint(check="todo_count >= 0", name="tags_todo_count_not_negative"),
        ),
        ops.AddConstraint(
            "Todo",
            UniqueConstraint(fields=("owner_id", "id"), name="todos_owner_id_unique"),
        ),
        ops.AddConstraint(
            "Todo", CheckConstraint(check="title <> ''", name="todos_title_not_empty")
        ),
        ops.AddConstraint(
            "Todo",
            CheckConstraint(check="status BETWEEN 0 AND 3", name="todos_status_known"),
        ),
        ops.AddConstraint(
            "Todo",
            CheckConstraint(check="priority BETWEEN 0 AND 3", name="todos_priority_known"),
        ),
        ops.AddConstraint(
            "Todo",
            CheckConstraint(
                check="(status = 2) = (completed_at IS NOT NULL)",
                name="todos_completed_at_follows_status",
            ),
        ),
        ops.AddConstraint(
            "Todo",
            CheckConstraint(
                check="estimated_minutes >= 0",
                name="todos_estimated_minutes_not_negative",
            ),
        ),
        ops.AddConstraint(
            "Todo",
            CheckConstraint(check="actual_minutes >= 0", name="todos_actual_minutes_not_negative"),
        ),
        ops.AddConstraint(
            "Todo",
            CheckConstraint(
                check="jsonb_typeof(metadata) = 'object'",
                name="todos_metadata_is_object",
            ),
        ),
        ops.AddConstraint(
            "Todo", CheckConstraint(check="version >= 1", name="todos_version_positive")
        ),
        ops.RunSQL(
            """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Every write raises change_seq: free room on the page keeps those updates off the indexes.
ALTER TABLE users SET (fillfactor = 70);

ALTER TABLE tags ALTER COLUMN name TYPE varchar(50) COLLATE "C";

ALTER TABLE todo_tags
    ADD CONSTRAINT todo_tags_todo_exists FOREIGN KEY (owner_id, todo_id)
        REFERENCES todos (owner_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT todo_tags_tag_exists FOREIGN KEY (owner_id, tag_id)
        REFERENCES tags (owner_id, id) ON DELETE CASCADE;

CREATE INDEX sessions_by_owner ON sessions (owner_id, id);

CREATE INDEX todos_by_created_at ON todos (owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX todos_by_updated_at ON todos (owner_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX todos_by_status ON todos (owner_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX todos_by_priority ON todos (owner_id, priority, id) WHERE deleted_at IS NULL;
CREATE INDEX todos_by_title ON todos (owner_id, (lower(title) COLLATE "C"), id)
    WHERE deleted_at IS NULL;

-- A null sorts as an infinity, so that a page begins inside the index wherever nulls are placed.
CREATE INDEX todos_by_due_at_nulls_high
    ON todos (owner_id, (coalesce(due_at, 'infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
CREATE INDEX todos_by_due_at_nulls_low
    ON todos (owner_id, (coalesce(due_at, '-infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
CREATE INDEX todos_by_completed_at_nulls_high
    ON todos (owner_id, (coalesce(completed_at, 'infinity'::timestamptz)), id)
    WHERE deleted_at IS NULL;
CREATE INDEX todos_by_completed_at_nulls_low
    ON todos (owner_id, (coalesce(completed_at, '-infinity'::timestamptz)), id)
    WHERE deleted_at IS NULL;

CREATE INDEX todos_open_by_due_at ON todos (owner_id, due_at)
    WHERE deleted_at IS NULL AND status IN (0, 1) AND due_at IS NOT NULL;
CREATE INDEX todos_in_trash ON todos (owner_id, created_at, id) WHERE deleted_at IS NOT NULL;

-- U+001F stands in no text, so nothing matches across title and description.
CREATE INDEX todos_by_text ON todos
    USING gin (owner_id, lower(title || E'\\x1f' || coalesce(description, '')) gin_trgm_ops);
-- How rare a text is decides between this index and the one of the order. With the usual hundred
-- samples a single lucky one would make a rare word look common.
ALTER INDEX todos_by_text ALTER COLUMN 2 SET STATISTICS 1000;

CREATE INDEX tags_by_use ON tags (owner_id, (-todo_count), name, id) WHERE todo_count > 0;
CREATE INDEX todo_tags_by_tag ON todo_tags (owner_id, tag_id, todo_id);
CREATE INDEX changes_by_todo ON changes (owner_id, todo_id, seq);
"""
        ),
    ]
