"""Accounts, their sessions, and the mails with links."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.base import Model


class User(Model):
    """An account, and the row whose lock puts its owner's writes in a line.

    `mailbox_key` stands for all addresses of the mailbox, where `email_key`, the address in lower
    case, isn't what does so. `week_start` is the first day of the week, from 1 for Monday to 7.

    `change_seq` and the counts are copies of those in `feeds` for the release before it, which reads and
    writes them here; `mirrored_seq` is the number of the last change that was copied, so that a trigger
    recognizes that release's writes, which it adds to `feeds`.

    `shared_list_count` is how many of the person's lists have other members, and `membership_count` in how many
    lists of others they are.
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
    mirrored_seq = fields.BigIntField(default=0, db_default=0)
    time_zone = fields.CharField(64, null=True)
    week_start = fields.SmallIntField(null=True)
    shared_list_count = fields.IntField(default=0, db_default=0)
    membership_count = fields.IntField(default=0, db_default=0)

    class Meta:
        table = "users"
        constraints = (
            UniqueConstraint(fields=("username_key",), name="users_username_unique"),
            UniqueConstraint(fields=("email_key",), name="users_email_unique"),
            CheckConstraint(
                check="week_start = ANY ('{1,2,3,4,5,6,7}'::smallint[])",
                name="users_week_start_known",
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
            CheckConstraint(check="kind BETWEEN 0 AND 8", name="mails_kind_known"),
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
