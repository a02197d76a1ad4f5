"""Lists with members, invitations, comments, assignees, and feeds with changes of others' lists."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.migration_operations import AddCheckNotValid, LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0024_one_check_of_changes")]

    initial = False

    operations = [
        LockTables("users", "feeds", "lists", "sections", "todos", "mails"),
        ops.CreateModel(
            name="Comment",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("todo_id", fields.UUIDField()),
                ("author_id", fields.UUIDField(null=True)),
                ("body", fields.TextField(unique=False)),
                ("mentions", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("edited_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "comments",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A comment on a todo, in Markdown; deleted, with an empty body, once `deleted_at` is set.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Comment",
            constraint=CheckConstraint(check="version >= 1", name="comments_version_positive"),
        ),
        ops.AddConstraint(
            model_name="Comment",
            constraint=CheckConstraint(
                check="(deleted_at IS NULL) = (body <> '')", name="comments_deleted_without_body"
            ),
        ),
        ops.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("list_id", fields.UUIDField()),
                ("role", fields.SmallIntField()),
                ("invited_by_id", fields.UUIDField()),
                ("invitee_id", fields.UUIDField(null=True)),
                ("address", fields.CharField(null=True, max_length=255)),
                ("address_key", fields.CharField(null=True, max_length=255)),
                ("secret_hash", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("outcome", fields.SmallIntField(null=True)),
            ],
            options={
                "table": "invitations",
                "app": "models",
                "pk_attr": "id",
                "table_description": "An invitation to a list, of which only the hash of its secret is stored.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Invitation",
            constraint=UniqueConstraint(fields=("secret_hash",), name="invitations_secret_unique"),
        ),
        ops.AddConstraint(
            model_name="Invitation",
            constraint=CheckConstraint(check="role IN (0, 1, 2)", name="invitations_role_known"),
        ),
        ops.AddConstraint(
            model_name="Invitation",
            constraint=CheckConstraint(
                check="octet_length(secret_hash) = 32", name="invitations_secret_hash_is_sha256"
            ),
        ),
        ops.AddConstraint(
            model_name="Invitation",
            constraint=CheckConstraint(
                check="invitee_id IS NOT NULL OR address_key IS NOT NULL",
                name="invitations_have_recipients",
            ),
        ),
        ops.AddConstraint(
            model_name="Invitation",
            constraint=CheckConstraint(
                check="(ended_at IS NULL) = (outcome IS NULL)", name="invitations_end_with_outcomes"
            ),
        ),
        ops.CreateModel(
            name="ListMember",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("list_id", fields.UUIDField()),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("role", fields.SmallIntField()),
                ("notify", fields.SmallIntField(default=0, db_default=0)),
                ("position", fields.TextField(unique=False)),
                ("joined_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "list_members",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A member of a list: its owner, whose row a trigger inserts, or somebody who was invited.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="ListMember",
            constraint=UniqueConstraint(fields=("list_id", "user_id"), name="list_members_unique"),
        ),
        ops.AddConstraint(
            model_name="ListMember",
            constraint=CheckConstraint(
                check="CASE WHEN user_id = owner_id THEN role = 3 ELSE role IN (0, 1, 2) END",
                name="list_members_owner_by_role",
            ),
        ),
        ops.AddConstraint(
            model_name="ListMember",
            constraint=CheckConstraint(
                check="notify IN (0, 1, 2)", name="list_members_notify_known"
            ),
        ),
        ops.CreateModel(
            name="Span",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("seq_from", fields.BigIntField()),
                ("seq_to", fields.BigIntField()),
                ("source_owner_id", fields.UUIDField()),
                ("source_from", fields.BigIntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "spans",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A run of numbers in a person's feed that are changes in another owner's log.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Span",
            constraint=UniqueConstraint(fields=("owner_id", "seq_to"), name="spans_unique"),
        ),
        ops.AddConstraint(
            model_name="Span",
            constraint=CheckConstraint(check="seq_from <= seq_to", name="spans_not_empty"),
        ),
        ops.AddField(
            model_name="Feed",
            name="has_spans",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.RemoveConstraint(
            model_name="Mail",
            name="mails_kind_known",
            fields=None,
        ),
        AddCheckNotValid(
            "Mail", CheckConstraint(check="kind BETWEEN 0 AND 7", name="mails_kind_known")
        ),
        ops.AddField(
            model_name="Todo",
            name="assignee_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="User",
            name="membership_count",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="User",
            name="shared_list_count",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.RunSQL(
            """
ALTER TABLE list_members ALTER COLUMN position TYPE text COLLATE "C";
ALTER TABLE list_members ADD CONSTRAINT list_members_list_exists FOREIGN KEY (owner_id, list_id)
    REFERENCES lists (owner_id, id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE invitations ADD CONSTRAINT invitations_list_exists FOREIGN KEY (owner_id, list_id)
    REFERENCES lists (owner_id, id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE invitations ADD CONSTRAINT invitations_invitee_exists FOREIGN KEY (invitee_id)
    REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE comments ADD CONSTRAINT comments_todo_exists FOREIGN KEY (owner_id, todo_id)
    REFERENCES todos (owner_id, id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE spans ADD CONSTRAINT spans_owner_exists FOREIGN KEY (owner_id)
    REFERENCES users (id) ON DELETE CASCADE;

CREATE INDEX list_members_by_owner ON list_members (owner_id, list_id);
-- In which lists of others somebody is.
CREATE INDEX list_members_by_user ON list_members (user_id, list_id) INCLUDE (owner_id, role)
    WHERE user_id <> owner_id;
CREATE INDEX invitations_by_list ON invitations (owner_id, list_id) WHERE ended_at IS NULL;
CREATE INDEX invitations_by_invitee ON invitations (invitee_id) WHERE ended_at IS NULL;
CREATE INDEX invitations_by_address ON invitations (address_key) WHERE ended_at IS NULL;
CREATE INDEX invitations_by_inviter ON invitations (invited_by_id, created_at);
CREATE INDEX comments_by_todo ON comments (owner_id, todo_id, created_at, id);
CREATE INDEX comments_by_author ON comments (author_id);
CREATE INDEX spans_by_time ON spans (owner_id, at);

-- Nothing reads a row by its number.
ALTER TABLE spans DROP CONSTRAINT spans_pkey, REPLICA IDENTITY USING INDEX spans_unique;

-- What moves to another owner changes its owner in several tables.
ALTER TABLE sections ALTER CONSTRAINT sections_list_exists DEFERRABLE;
ALTER TABLE list_tags ALTER CONSTRAINT list_tags_list_exists DEFERRABLE;
ALTER TABLE todos ALTER CONSTRAINT todos_list_exists DEFERRABLE;
ALTER TABLE todos ALTER CONSTRAINT todos_section_exists DEFERRABLE;
ALTER TABLE todos ALTER CONSTRAINT todos_parent_exists DEFERRABLE;
ALTER TABLE reminders ALTER CONSTRAINT reminders_todo_exists DEFERRABLE;
ALTER TABLE snoozes ALTER CONSTRAINT snoozes_todo_exists DEFERRABLE;

CREATE FUNCTION insert_owner_as_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
    VALUES (gen_random_uuid(), NEW.owner_id, NEW.id, NEW.owner_id, 3, '', NEW.created_at);
    RETURN NULL;
END $$;
CREATE TRIGGER lists_have_owners_as_members AFTER INSERT ON lists
    FOR EACH ROW EXECUTE FUNCTION insert_owner_as_member();
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
    SELECT gen_random_uuid(), owner_id, id, owner_id, 3, '', created_at FROM lists;

-- The numbers that others' changes take in a feed aren't in users: who writes that alone gets the next number
-- of the feed.
CREATE OR REPLACE FUNCTION add_to_feed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE feeds SET seq = seq + NEW.change_seq - OLD.change_seq,
        counted_seq = counted_seq - (NEW.change_seq = OLD.change_seq)::int,
        pending_count = NEW.pending_count, in_progress_count = NEW.in_progress_count,
        completed_count = NEW.completed_count, cancelled_count = NEW.cancelled_count,
        trash_count = NEW.trash_count, stored_bytes = NEW.stored_bytes
    WHERE owner_id = NEW.id AND (NEW.change_seq <> OLD.change_seq
        OR (pending_count, in_progress_count, completed_count, cancelled_count, trash_count, stored_bytes)
        IS DISTINCT FROM (NEW.pending_count, NEW.in_progress_count, NEW.completed_count,
        NEW.cancelled_count, NEW.trash_count, NEW.stored_bytes));
    NEW.change_seq := (SELECT seq FROM feeds WHERE owner_id = NEW.id);
    RETURN NEW;
END $$;
DROP TRIGGER users_written_by_the_release_before ON users;
CREATE TRIGGER users_written_by_the_release_before
    BEFORE UPDATE OF change_seq, trash_count, stored_bytes ON users
    FOR EACH ROW WHEN (NEW.mirrored_seq = OLD.mirrored_seq) EXECUTE FUNCTION add_to_feed();

-- It runs before the row of users is written, perhaps before a todo of the same statement is inserted.
CREATE OR REPLACE FUNCTION set_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.position := position_key((SELECT seq FROM feeds WHERE owner_id = NEW.owner_id))
        || substr(position_key((extract(epoch FROM clock_timestamp()) * 1000000)::bigint % 56800235584), 2) || 'V';
    RETURN NEW;
END $$;
"""
        ),
    ]
