"""Notifications, and how people get them."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.accounts import User
from todo_gql.database.models.base import Model


class Inbox(Model):
    """What a person's inbox needs beside its entries.

    `seq` is the number of the last change in their feed that was read for notifications, and
    `unread_count` how many entries are neither read nor archived. `entry_seq` is the last number that an
    entry got.
    """

    owner_id = fields.UUIDField(primary_key=True)
    seq = fields.BigIntField(default=0, db_default=0)
    entry_seq = fields.BigIntField(default=0, db_default=0)
    unread_count = fields.IntField(default=0, db_default=0)

    class Meta:
        table = "inboxes"


class Notification(Model):
    """An entry in a person's inbox; its words are made when it is read.

    The owner is whose inbox it is in. The subject is the thing it is about, by `ChangeKind` and id. `source`
    identifies what caused it, so that nothing is entered twice; `event_count` counts what was entered for the
    same subject within minutes. `seq` is its number in the inbox, a new one whenever it is counted up.
    `email_at` and `push_at` are when it is to be sent, null if it isn't or was.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    kind = fields.SmallIntField()
    source = fields.CharField(120)
    actor_id: UUID | None = fields.UUIDField(null=True)
    subject_kind = fields.SmallIntField(null=True)
    subject_id: UUID | None = fields.UUIDField(null=True)
    event_count = fields.IntField(default=1, db_default=1)
    seq = fields.BigIntField(default=0, db_default=0)
    created_at = fields.DatetimeField(auto_now_add=True)
    read_at = fields.DatetimeField(null=True)
    snoozed_until = fields.DatetimeField(null=True)
    archived_at = fields.DatetimeField(null=True)
    email_at = fields.DatetimeField(null=True)
    push_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notifications"
        constraints = (
            UniqueConstraint(
                fields=("owner_id", "kind", "source"), name="notifications_source_unique"
            ),
        )


class NotificationPreferences(Model):
    """How a person is notified; without a row, as by default.

    `kinds` has `email` and `push` by the name of a kind, `quiet_hours` a list of `weekday` (1 for Monday to
    7), `from` and `to`. The digest is sent at `digest_at`, such as 08:00, on `digest_days`, in the
    person's time zone, the next time at `next_digest_at`.
    """

    owner_id = fields.UUIDField(primary_key=True)
    kinds: fields.JSONField[Any] = fields.JSONField(default=dict)
    quiet_hours: fields.JSONField[Any] = fields.JSONField(default=list)
    digest_at = fields.CharField(5, null=True)
    digest_days: fields.JSONField[Any] = fields.JSONField(default=list)
    next_digest_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notification_preferences"


class NotificationMail(Model):
    """A mail of notifications that waits to be sent, or was."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    kind = fields.SmallIntField()
    notification_ids: fields.JSONField[Any] = fields.JSONField()
    created_at = fields.DatetimeField(auto_now_add=True)
    sent_at = fields.DatetimeField(null=True)
    unsent_reason = fields.CharField(200, null=True)

    class Meta:
        table = "notification_mails"


class PushSubscription(Model):
    """A browser that a person's notifications are pushed to (RFC 8030), until its session ends."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    session_id: UUID | None = fields.UUIDField(null=True)
    endpoint = fields.CharField(2000)
    endpoint_hash = fields.BinaryField()
    p256dh = fields.CharField(100)
    auth = fields.CharField(50)
    user_agent = fields.CharField(500, null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    last_error = fields.CharField(500, null=True)

    class Meta:
        table = "push_subscriptions"
        constraints = (
            UniqueConstraint(
                fields=("owner_id", "endpoint_hash"), name="push_subscriptions_endpoint_unique"
            ),
        )
