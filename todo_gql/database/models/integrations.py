"""What lets other programs in: API tokens, webhooks with their deliveries, and calendar feeds."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.accounts import User
from todo_gql.database.models.base import Model
from todo_gql.database.models.enums import DeliveryState, WebhookState


class ApiToken(Model):
    """A personal API token, of which only the SHA-256 hash is stored.

    `hint` is the beginning of its text, by which people recognise it. `scopes` are the names of the scopes
    that it has; `list_ids`, the ids of the lists that it is bound to, is null if it isn't bound to any.
    `last_used_at` is exact to the minute.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    name = fields.CharField(100)
    hint = fields.CharField(20)
    secret_hash = fields.BinaryField()
    scopes: fields.JSONField[Any] = fields.JSONField()
    list_ids: fields.JSONField[Any] = fields.JSONField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_tokens"
        constraints = (
            UniqueConstraint(fields=("secret_hash",), name="api_tokens_secret_unique"),
            CheckConstraint(
                check="octet_length(secret_hash) = 32", name="api_tokens_secret_hash_is_sha256"
            ),
        )


class Webhook(Model):
    """A URL that its owner's feed is sent to, from the number after `seq` on.

    `event_types` are the types that are sent, and `list_id` restricts them to one list. The secret that signs
    follows from the server's key and `secret_generation`; those before sign, too, until the moments in
    `old_secrets_until`, newest first. `next_attempt_at` is when a worker next reads on, null once all is read: the
    moment at which the event at the head of the line is sent again, or until which a worker has claimed the
    line. `head_failures` is how often that event has failed; `failing_since` is when deliveries began to
    fail without one that succeeded.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    url = fields.CharField(2000)
    label = fields.CharField(100, null=True)
    event_types: fields.JSONField[Any] = fields.JSONField()
    list_id: UUID | None = fields.UUIDField(null=True)
    state = fields.SmallIntField(
        default=WebhookState.ACTIVE.value, db_default=WebhookState.ACTIVE.value
    )
    disabled_because = fields.CharField(500, null=True)
    failing_since = fields.DatetimeField(null=True)
    secret_generation = fields.IntField(default=1, db_default=1)
    old_secrets_until: fields.JSONField[Any] = fields.JSONField(default=list)
    seq = fields.BigIntField()
    head_failures = fields.IntField(default=0, db_default=0)
    next_attempt_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "webhooks"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="webhooks_owner_id_unique"),
            CheckConstraint(check="state IN (0, 1, 2)", name="webhooks_state_known"),
            CheckConstraint(check="head_failures >= 0", name="webhooks_failures_counted"),
        )


class WebhookDelivery(Model):
    """An event that was sent to a webhook, or is to be sent again.

    `seq` is the number of its change in the owner's feed, null for a test. `attempts` has, for each attempt,
    `at`, `status` or `error`, and `milliseconds`. `next_attempt_at` is set while it is WAITING beside the line:
    that of the event at the head of the line stands with the webhook.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    webhook_id = fields.UUIDField()
    seq = fields.BigIntField(null=True)
    event_type = fields.CharField(100)
    state = fields.SmallIntField(
        default=DeliveryState.WAITING.value, db_default=DeliveryState.WAITING.value
    )
    next_attempt_at = fields.DatetimeField(null=True)
    attempts: fields.JSONField[Any] = fields.JSONField(default=list)
    payload: fields.JSONField[Any] = fields.JSONField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "webhook_deliveries"
        constraints = (
            CheckConstraint(check="state IN (0, 1, 2)", name="webhook_deliveries_state_known"),
            CheckConstraint(
                check="next_attempt_at IS NULL OR state = 0",
                name="webhook_deliveries_attempted_while_waiting",
            ),
        )


class CalendarFeed(Model):
    """A secret URL at which calendar programs read todos; only the hash of its secret is stored.

    `list_ids` are the ids of the lists that it shows, null for everything of the owner's.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    label = fields.CharField(100, null=True)
    list_ids: fields.JSONField[Any] = fields.JSONField(null=True)
    as_events = fields.BooleanField(default=True)
    secret_hash = fields.BinaryField()
    created_at = fields.DatetimeField(auto_now_add=True)
    last_read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "calendar_feeds"
        constraints = (
            UniqueConstraint(fields=("secret_hash",), name="calendar_feeds_secret_unique"),
            CheckConstraint(
                check="octet_length(secret_hash) = 32", name="calendar_feeds_secret_hash_is_sha256"
            ),
        )
