"""The tables: one foreign-key graph and one migration history.

Indexes that Tortoise can't describe (partial, expression, trigram) and the foreign keys that span
the owner and the id are in the migrations.
"""

from enum import IntEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model
from uuid_utils.compat import uuid7


class Status(IntEnum):
    """The status of a todo, in the order in which statuses sort."""

    PENDING = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    CANCELLED = 3


class Priority(IntEnum):
    """The priority of a todo, in the order in which priorities sort."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    URGENT = 3


class ChangeKind(IntEnum):
    """What kind of thing a change is of.

    A release reads over the kinds that it doesn't know; one is first written by the release after the
    one that can read it.
    """

    TODO = 0


class Action(IntEnum):
    """What a change did to its todo; changes of other kinds have actions of their own."""

    CREATED = 0
    UPDATED = 1
    STARTED = 2
    COMPLETED = 3
    REOPENED = 4
    CANCELLED = 5
    DELETED = 6
    RESTORED = 7


class MailKind(IntEnum):
    """Why a mail is sent."""

    VERIFICATION = 0
    PASSWORD_RESET = 1
    EMAIL_CHANGE = 2
    EMAIL_CHANGE_REQUESTED = 3
    EMAIL_CHANGED = 4
    PASSWORD_CHANGED = 5
    ACCOUNT_DELETION = 6


class User(Model):
    """An account, and the row whose lock puts its owner's writes in a line.

    `mailbox_key` stands for all addresses of the mailbox, where `email_key`, the address in lower
    case, isn't what does so. `trash_count` and `stored_bytes` are right where `counted_seq` is
    `change_seq`: the release before them raises the latter alone.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    username = fields.CharField(50)
    username_key = fields.CharField(50)
    email = fields.CharField(255)
    email_key = fields.CharField(255)
    mailbox_key = fields.CharField(255, null=True)
    password_hash = fields.CharField(72)
    first_name = fields.CharField(100, null=True)
    last_name = fields.CharField(100, null=True)
    bio = fields.CharField(1000, null=True)
    avatar_url = fields.CharField(500, null=True)
    is_active = fields.BooleanField(default=True)
    is_superuser = fields.BooleanField(default=False)
    email_verified_at = fields.DatetimeField(null=True)
    last_login_at = fields.DatetimeField(null=True)
    deletion_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    change_seq = fields.BigIntField(default=0)
    forgotten_change_id: UUID | None = fields.UUIDField(null=True)
    pending_count = fields.IntField(default=0)
    in_progress_count = fields.IntField(default=0)
    completed_count = fields.IntField(default=0)
    cancelled_count = fields.IntField(default=0)
    trash_count = fields.IntField(default=0, db_default=0)
    stored_bytes = fields.BigIntField(default=0, db_default=0)
    counted_seq = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "users"
        constraints = (
            UniqueConstraint(fields=("username_key",), name="users_username_unique"),
            UniqueConstraint(fields=("email_key",), name="users_email_unique"),
            CheckConstraint(
                check="pending_count >= 0 AND in_progress_count >= 0"
                " AND completed_count >= 0 AND cancelled_count >= 0",
                name="users_counts_not_negative",
            ),
        )


class Session(Model):
    """A signed-in device: one family of refresh tokens, of which only hashes are stored."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    refresh_hash = fields.BinaryField()
    spent_hashes: fields.JSONField[Any] = fields.JSONField(default=dict)
    created_at = fields.DatetimeField(auto_now_add=True)
    last_used_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    user_agent = fields.CharField(500, null=True)
    ip_address = fields.CharField(45, null=True)

    class Meta:
        table = "sessions"
        constraints = (
            CheckConstraint(
                check="octet_length(refresh_hash) = 32",
                name="sessions_refresh_hash_is_sha256",
            ),
        )


class Mail(Model):
    """A mail to an account, and the hash of the secret in its link, if it has one.

    `used_at` is when the link was used or made void; `session_id` is the session that asked for it.
    `recipient_hash` is what mails to one recipient are counted by.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    kind = fields.SmallIntField()
    address = fields.CharField(255)
    link_hash = fields.BinaryField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField(null=True)
    used_at = fields.DatetimeField(null=True)
    session_id = fields.UUIDField(null=True)
    sent_at = fields.DatetimeField(null=True)
    recipient_hash = fields.BinaryField(null=True)

    class Meta:
        table = "mails"
        constraints = (
            CheckConstraint(check="kind BETWEEN 0 AND 6", name="mails_kind_known"),
            CheckConstraint(
                check="(link_hash IS NULL) = (expires_at IS NULL)", name="mails_links_expire"
            ),
            CheckConstraint(check="octet_length(link_hash) = 32", name="mails_link_hash_is_sha256"),
        )


class PurgedMail(Model):
    """A mail to an account that was deleted, which counts for its recipient until an hour is over."""

    id = fields.UUIDField(primary_key=True)
    recipient_hash = fields.BinaryField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "purged_mails"


class Todo(Model):
    """A todo; in the trash while `deleted_at` is set."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    title = fields.CharField(200)
    description = fields.CharField(5000, null=True)
    status = fields.SmallIntField(default=Status.PENDING.value)
    priority = fields.SmallIntField(default=Priority.MEDIUM.value)
    due_at = fields.DatetimeField(null=True)
    completed_at = fields.DatetimeField(null=True)
    estimated_minutes = fields.IntField(null=True)
    actual_minutes = fields.IntField(null=True)
    metadata: fields.JSONField[Any] = fields.JSONField(default=dict)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "todos"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="todos_owner_id_unique"),
            CheckConstraint(check="title <> ''", name="todos_title_not_empty"),
            CheckConstraint(check="status BETWEEN 0 AND 3", name="todos_status_known"),
            CheckConstraint(check="priority BETWEEN 0 AND 3", name="todos_priority_known"),
            CheckConstraint(
                check="(status = 2) = (completed_at IS NOT NULL)",
                name="todos_completed_at_follows_status",
            ),
            CheckConstraint(
                check="estimated_minutes >= 0",
                name="todos_estimated_minutes_not_negative",
            ),
            CheckConstraint(check="actual_minutes >= 0", name="todos_actual_minutes_not_negative"),
            CheckConstraint(
                check="jsonb_typeof(metadata) = 'object'",
                name="todos_metadata_is_object",
            ),
            CheckConstraint(check="version >= 1", name="todos_version_positive"),
        )


class Tag(Model):
    """An owner's tag, with how many todos outside the trash carry it."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    name = fields.CharField(50)
    todo_count = fields.IntField(default=0)

    class Meta:
        table = "tags"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="tags_owner_id_unique"),
            UniqueConstraint(fields=("owner_id", "name"), name="tags_owner_name_unique"),
            CheckConstraint(check="name <> ''", name="tags_name_not_empty"),
            CheckConstraint(check="todo_count >= 0", name="tags_todo_count_not_negative"),
        )


class TodoTag(Model):
    """That a todo carries a tag, both of one owner."""

    id = fields.BigIntField(primary_key=True)
    owner_id = fields.UUIDField()
    todo_id = fields.UUIDField()
    tag_id = fields.UUIDField()

    class Meta:
        table = "todo_tags"
        constraints = (
            UniqueConstraint(fields=("owner_id", "todo_id", "tag_id"), name="todo_tags_unique"),
        )


class Change(Model):
    """One committed change of one thing, numbered by its owner's `change_seq` without gaps.

    `kind` is a `ChangeKind`. A change of a todo names it by `todo_id`; a change of anything else names
    that by `entity_id`, and by `todo_id` and `list_id` what it belongs to, if anything.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    seq = fields.BigIntField()
    todo_id: UUID | None = fields.UUIDField(null=True)
    actor_id = fields.UUIDField()
    action = fields.SmallIntField()
    diff: fields.JSONField[Any] = fields.JSONField()
    at = fields.DatetimeField()
    kind = fields.SmallIntField(default=ChangeKind.TODO.value, db_default=ChangeKind.TODO.value)
    entity_id: UUID | None = fields.UUIDField(null=True)
    list_id: UUID | None = fields.UUIDField(null=True)

    class Meta:
        table = "changes"
        constraints = (
            UniqueConstraint(fields=("owner_id", "seq"), name="changes_owner_seq_unique"),
            CheckConstraint(
                check="CASE WHEN kind = 0 THEN todo_id IS NOT NULL AND entity_id IS NULL"
                " ELSE entity_id IS NOT NULL END",
                name="changes_entity_by_kind",
            ),
            CheckConstraint(
                check="kind <> 0 OR action BETWEEN 0 AND 7", name="changes_action_known"
            ),
        )


def column_types(model: type[Model]) -> dict[str, str]:
    """PostgreSQL's type of each column."""
    types = {
        field.source_field or name: str(field.get_for_dialect("postgres", "SQL_TYPE"))
        for name, field in model._meta.fields_map.items()
        if name in model._meta.fields_db_projection
    }
    if "owner" in model._meta.fields_map:
        types["owner_id"] = "UUID"
    return types
