"""Repeating todos, reminders, the inbox, and how people are notified."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.migration_operations import LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0015_uncounted_purges")]

    initial = False

    operations = [
        LockTables("users", "todos"),
        ops.CreateModel(
            name="DataVersion",
            fields=[
                (
                    "name",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=50),
                ),
                ("version", fields.CharField(max_length=100)),
            ],
            options={
                "table": "data_versions",
                "app": "models",
                "pk_attr": "name",
                "table_description": "The version of data outside the database from which stored values follow, such as time zones.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Inbox",
            fields=[
                (
                    "owner_id",
                    fields.UUIDField(primary_key=True, unique=True, db_index=True),
                ),
                ("seq", fields.BigIntField(default=0, db_default=0)),
                ("unread_count", fields.IntField(default=0, db_default=0)),
            ],
            options={
                "table": "inboxes",
                "app": "models",
                "pk_attr": "owner_id",
                "table_description": "What a person's inbox needs beside its entries.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Notification",
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
                ("kind", fields.SmallIntField()),
                ("source", fields.CharField(max_length=120)),
                ("actor_id", fields.UUIDField(null=True)),
                ("subject_kind", fields.SmallIntField(null=True)),
                ("subject_id", fields.UUIDField(null=True)),
                ("event_count", fields.IntField(default=1, db_default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "snoozed_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "archived_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("email_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("push_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "notifications",
                "app": "models",
                "pk_attr": "id",
                "table_description": "An entry in a person's inbox; its words are made when it is read.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Notification",
            constraint=UniqueConstraint(
                fields=("owner_id", "kind", "source"), name="notifications_source_unique"
            ),
        ),
        ops.CreateModel(
            name="NotificationMail",
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
                ("kind", fields.SmallIntField()),
                ("notification_ids", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("unsent_reason", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "notification_mails",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A mail of notifications that waits to be sent, or was.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NotificationPreferences",
            fields=[
                (
                    "owner_id",
                    fields.UUIDField(primary_key=True, unique=True, db_index=True),
                ),
                ("kinds", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("quiet_hours", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("digest_at", fields.CharField(null=True, max_length=5)),
                ("digest_days", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                (
                    "next_digest_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "notification_preferences",
                "app": "models",
                "pk_attr": "owner_id",
                "table_description": "How a person is notified; without a row, as by default.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PushSubscription",
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
                ("session_id", fields.UUIDField(null=True)),
                ("endpoint", fields.CharField(max_length=2000)),
                ("endpoint_hash", fields.BinaryField()),
                ("p256dh", fields.CharField(max_length=100)),
                ("auth", fields.CharField(max_length=50)),
                ("user_agent", fields.CharField(null=True, max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("last_error", fields.CharField(null=True, max_length=500)),
            ],
            options={
                "table": "push_subscriptions",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A browser that a person's notifications are pushed to (RFC 8030), until its session ends.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="PushSubscription",
            constraint=UniqueConstraint(
                fields=("owner_id", "endpoint_hash"), name="push_subscriptions_endpoint_unique"
            ),
        ),
        ops.CreateModel(
            name="Reminder",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("todo_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("anchor", fields.SmallIntField(null=True)),
                ("relative_offset", fields.CharField(null=True, max_length=50)),
                ("fires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("fired_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "reminders",
                "app": "models",
                "pk_attr": "id",
                "table_description": "When a person is reminded of a todo: `at` a moment, or `relative_offset` from its `anchor`.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Reminder",
            constraint=CheckConstraint(
                check="(at IS NULL) = (anchor IS NOT NULL)", name="reminders_at_or_anchor"
            ),
        ),
        ops.AddConstraint(
            model_name="Reminder",
            constraint=CheckConstraint(
                check="(anchor IS NULL) = (relative_offset IS NULL)",
                name="reminders_anchors_have_offsets",
            ),
        ),
        ops.AddConstraint(
            model_name="Reminder",
            constraint=CheckConstraint(
                check="anchor BETWEEN 0 AND 1", name="reminders_anchor_known"
            ),
        ),
        ops.CreateModel(
            name="Snooze",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("todo_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snoozes",
                "app": "models",
                "pk_attr": "id",
                "table_description": "Until when a person has put a todo off, for themselves only.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Snooze",
            constraint=UniqueConstraint(
                fields=("owner_id", "todo_id", "person_id"), name="snoozes_unique"
            ),
        ),
        ops.AddField(
            model_name="Todo",
            name="recurrence",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        ops.AddField(
            model_name="Todo",
            name="series_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Todo",
            name="series_version",
            field=fields.IntField(null=True),
        ),
        ops.RunSQL(
            """
ALTER TABLE inboxes ADD CONSTRAINT inboxes_owner_exists FOREIGN KEY (owner_id)
    REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE notification_preferences ADD CONSTRAINT notification_preferences_owner_exists
    FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE reminders ADD CONSTRAINT reminders_todo_exists FOREIGN KEY (owner_id, todo_id)
    REFERENCES todos (owner_id, id) ON DELETE CASCADE;
ALTER TABLE reminders ADD CONSTRAINT reminders_person_exists FOREIGN KEY (person_id)
    REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE snoozes ADD CONSTRAINT snoozes_todo_exists FOREIGN KEY (owner_id, todo_id)
    REFERENCES todos (owner_id, id) ON DELETE CASCADE;
ALTER TABLE snoozes ADD CONSTRAINT snoozes_person_exists FOREIGN KEY (person_id)
    REFERENCES users (id) ON DELETE CASCADE;

CREATE INDEX reminders_by_todo ON reminders (owner_id, todo_id);
CREATE INDEX reminders_by_person ON reminders (person_id);
-- What workers look for, of all owners.
CREATE INDEX reminders_ahead ON reminders (fires_at) WHERE fires_at IS NOT NULL;
CREATE INDEX snoozes_by_person ON snoozes (person_id);
CREATE INDEX notifications_by_time ON notifications (owner_id, created_at, id);
CREATE INDEX notifications_by_subject ON notifications (owner_id, subject_id, kind, created_at);
CREATE INDEX notifications_to_mail ON notifications (email_at) WHERE email_at IS NOT NULL;
CREATE INDEX notifications_to_push ON notifications (push_at) WHERE push_at IS NOT NULL;
CREATE INDEX notification_mails_by_owner ON notification_mails (owner_id, created_at);
CREATE INDEX digests_ahead ON notification_preferences (next_digest_at)
    WHERE next_digest_at IS NOT NULL;
"""
        ),
    ]
