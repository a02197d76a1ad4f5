"""API tokens, webhooks, calendar feeds, files of todos, imports and exports."""

from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.migration_operations import AddCheckNotValid, LockTables


class Migration(migrations.Migration):
    dependencies = [("models", "0031_newest_of_lists")]

    initial = False

    operations = [
        # New tables refer to these.
        LockTables("users", "todos", "mails"),
        ops.CreateModel(
            name="ApiToken",
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
                ("name", fields.CharField(max_length=100)),
                ("hint", fields.CharField(max_length=20)),
                ("secret_hash", fields.BinaryField()),
                ("scopes", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("list_ids", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_tokens",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A personal API token, of which only the SHA-256 hash is stored.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="ApiToken",
            constraint=UniqueConstraint(fields=("secret_hash",), name="api_tokens_secret_unique"),
        ),
        ops.AddConstraint(
            model_name="ApiToken",
            constraint=CheckConstraint(
                check="octet_length(secret_hash) = 32", name="api_tokens_secret_hash_is_sha256"
            ),
        ),
        ops.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("todo_id", fields.UUIDField()),
                ("comment_id", fields.UUIDField(null=True)),
                ("uploaded_by_id", fields.UUIDField(null=True)),
                ("file_name", fields.CharField(max_length=255)),
                ("size", fields.BigIntField()),
                ("content_type", fields.CharField(max_length=127)),
                ("sha256", fields.BinaryField()),
                ("state", fields.SmallIntField(default=0, db_default=0)),
                ("refused_because", fields.CharField(null=True, max_length=200)),
                ("width", fields.IntField(null=True)),
                ("height", fields.IntField(null=True)),
                (
                    "thumbnail_sizes",
                    fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "upload_expires_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "attachments",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A file of a todo, or of a comment on it; its bytes are in the store of files, by its id.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Attachment",
            constraint=CheckConstraint(check="size >= 0", name="attachments_size_not_negative"),
        ),
        ops.AddConstraint(
            model_name="Attachment",
            constraint=CheckConstraint(
                check="octet_length(sha256) = 32", name="attachments_hash_is_sha256"
            ),
        ),
        ops.AddConstraint(
            model_name="Attachment",
            constraint=CheckConstraint(
                check="state IN (0, 1, 2, 3)", name="attachments_state_known"
            ),
        ),
        ops.CreateModel(
            name="CalendarFeed",
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
                ("label", fields.CharField(null=True, max_length=100)),
                ("list_ids", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("as_events", fields.BooleanField(default=True)),
                ("secret_hash", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "last_read_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "calendar_feeds",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A secret URL at which calendar programs read todos; only the hash of its secret is stored.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="CalendarFeed",
            constraint=UniqueConstraint(
                fields=("secret_hash",), name="calendar_feeds_secret_unique"
            ),
        ),
        ops.AddConstraint(
            model_name="CalendarFeed",
            constraint=CheckConstraint(
                check="octet_length(secret_hash) = 32", name="calendar_feeds_secret_hash_is_sha256"
            ),
        ),
        ops.CreateModel(
            name="DiscardedFile",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("file_key", fields.CharField(max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "discarded_files",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A file of the store that nothing refers to any more, to be deleted there.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FileUsage",
            fields=[
                (
                    "owner_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("stored_bytes", fields.BigIntField(default=0, db_default=0)),
            ],
            options={
                "table": "file_usage",
                "app": "models",
                "pk_attr": "owner_id",
                "table_description": "How many bytes the files of a person's todos take; a trigger keeps it, under the owner's lock.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ImportProblem",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("job_id", fields.UUIDField()),
                ("number", fields.IntField()),
                ("location", fields.CharField(max_length=200)),
                ("title", fields.CharField(null=True, max_length=200)),
                ("code", fields.CharField(max_length=50)),
                ("message", fields.CharField(max_length=1000)),
                ("is_loss", fields.BooleanField(default=False, db_default=False)),
            ],
            options={
                "table": "import_problems",
                "app": "models",
                "pk_attr": "id",
                "table_description": "What an import couldn't take over, or not as it was; `number` is its position in the report.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="ImportProblem",
            constraint=UniqueConstraint(
                fields=("owner_id", "job_id", "number"), name="import_problems_unique"
            ),
        ),
        ops.CreateModel(
            name="ImportedItem",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
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
                ("source", fields.SmallIntField()),
                ("foreign_id", fields.CharField(max_length=100)),
                ("kind", fields.SmallIntField()),
                ("entity_id", fields.UUIDField()),
            ],
            options={
                "table": "imported_items",
                "app": "models",
                "pk_attr": "id",
                "table_description": "What became of a thing of another program, so that importing it again adds nothing.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="ImportedItem",
            constraint=UniqueConstraint(
                fields=("owner_id", "source", "kind", "foreign_id"), name="imported_items_unique"
            ),
        ),
        ops.CreateModel(
            name="TransferJob",
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
                ("state", fields.SmallIntField(default=0, db_default=0)),
                ("format", fields.SmallIntField(null=True)),
                ("is_trial", fields.BooleanField(default=False, db_default=False)),
                ("input", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("counts", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("done", fields.IntField(default=0, db_default=0)),
                ("total", fields.IntField(null=True)),
                ("error", fields.CharField(null=True, max_length=500)),
                ("is_cancelled", fields.BooleanField(default=False, db_default=False)),
                ("file_size", fields.BigIntField(null=True)),
                ("sha256", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "transfer_jobs",
                "app": "models",
                "pk_attr": "id",
                "table_description": "An import or export of a person's data, which a worker runs, from the request to the report.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="TransferJob",
            constraint=UniqueConstraint(
                fields=("owner_id", "id"), name="transfer_jobs_owner_id_unique"
            ),
        ),
        ops.AddConstraint(
            model_name="TransferJob",
            constraint=CheckConstraint(check="kind IN (0, 1)", name="transfer_jobs_kind_known"),
        ),
        ops.AddConstraint(
            model_name="TransferJob",
            constraint=CheckConstraint(
                check="state BETWEEN 0 AND 4", name="transfer_jobs_state_known"
            ),
        ),
        ops.AddConstraint(
            model_name="TransferJob",
            constraint=CheckConstraint(check="done >= 0", name="transfer_jobs_done_not_negative"),
        ),
        ops.CreateModel(
            name="Webhook",
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
                ("url", fields.CharField(max_length=2000)),
                ("label", fields.CharField(null=True, max_length=100)),
                ("event_types", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("list_id", fields.UUIDField(null=True)),
                ("state", fields.SmallIntField(default=0, db_default=0)),
                ("disabled_because", fields.CharField(null=True, max_length=500)),
                (
                    "failing_since",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("secret_generation", fields.IntField(default=1, db_default=1)),
                (
                    "old_secrets_until",
                    fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads),
                ),
                ("seq", fields.BigIntField()),
                ("head_failures", fields.IntField(default=0, db_default=0)),
                (
                    "next_attempt_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "webhooks",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A URL that its owner's feed is sent to, from the number after `seq` on.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="Webhook",
            constraint=UniqueConstraint(fields=("owner_id", "id"), name="webhooks_owner_id_unique"),
        ),
        ops.AddConstraint(
            model_name="Webhook",
            constraint=CheckConstraint(check="state IN (0, 1, 2)", name="webhooks_state_known"),
        ),
        ops.AddConstraint(
            model_name="Webhook",
            constraint=CheckConstraint(
                check="head_failures >= 0", name="webhooks_failures_counted"
            ),
        ),
        ops.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("owner_id", fields.UUIDField()),
                ("webhook_id", fields.UUIDField()),
                ("seq", fields.BigIntField(null=True)),
                ("event_type", fields.CharField(max_length=100)),
                ("state", fields.SmallIntField(default=0, db_default=0)),
                (
                    "next_attempt_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("attempts", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "webhook_deliveries",
                "app": "models",
                "pk_attr": "id",
                "table_description": "An event that was sent to a webhook, or is to be sent again.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="WebhookDelivery",
            constraint=CheckConstraint(
                check="state IN (0, 1, 2)", name="webhook_deliveries_state_known"
            ),
        ),
        ops.AddConstraint(
            model_name="WebhookDelivery",
            constraint=CheckConstraint(
                check="next_attempt_at IS NULL OR state = 0",
                name="webhook_deliveries_attempted_while_waiting",
            ),
        ),
        ops.RemoveConstraint(
            model_name="Mail",
            name="mails_kind_known",
            fields=None,
        ),
        AddCheckNotValid(
            "Mail", CheckConstraint(check="kind BETWEEN 0 AND 8", name="mails_kind_known")
        ),
        ops.RunSQL(
            """
ALTER TABLE attachments ADD CONSTRAINT attachments_todo_exists FOREIGN KEY (owner_id, todo_id)
    REFERENCES todos (owner_id, id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE file_usage ADD CONSTRAINT file_usage_owner_exists FOREIGN KEY (owner_id)
    REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_webhook_exists
    FOREIGN KEY (owner_id, webhook_id) REFERENCES webhooks (owner_id, id) ON DELETE CASCADE;
ALTER TABLE import_problems ADD CONSTRAINT import_problems_job_exists
    FOREIGN KEY (owner_id, job_id) REFERENCES transfer_jobs (owner_id, id) ON DELETE CASCADE;

CREATE INDEX api_tokens_by_owner ON api_tokens (owner_id) WHERE revoked_at IS NULL;
CREATE INDEX webhooks_due ON webhooks (next_attempt_at) WHERE next_attempt_at IS NOT NULL AND state = 0;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (owner_id, webhook_id, created_at, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX calendar_feeds_by_owner ON calendar_feeds (owner_id);
CREATE INDEX attachments_by_todo ON attachments (owner_id, todo_id, created_at, id);
CREATE INDEX attachments_by_comment ON attachments (owner_id, comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX attachments_by_uploader ON attachments (uploaded_by_id);
CREATE INDEX attachments_unfinished ON attachments (upload_expires_at) WHERE upload_expires_at IS NOT NULL;
CREATE INDEX transfer_jobs_by_owner ON transfer_jobs (owner_id, created_at);
CREATE INDEX transfer_jobs_by_expiry ON transfer_jobs (expires_at) WHERE expires_at IS NOT NULL;

-- Whatever deletes a row, its files are deleted from the store, too.
CREATE FUNCTION discard_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_files (file_key, created_at)
        SELECT TG_TABLE_NAME || '/' || id, clock_timestamp() FROM deleted;
    RETURN NULL;
END $$;
CREATE TRIGGER attachments_discard_files AFTER DELETE ON attachments
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION discard_files();
CREATE TRIGGER transfer_jobs_discard_files AFTER DELETE ON transfer_jobs
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION discard_files();

-- In a table of its own: rows of feeds are locked in the order of owners, at the end of a write alone.
CREATE FUNCTION add_file_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO file_usage AS u (owner_id, stored_bytes)
            SELECT owner_id, sum(size) FROM added GROUP BY owner_id ORDER BY owner_id
            ON CONFLICT (owner_id) DO UPDATE SET stored_bytes = u.stored_bytes + excluded.stored_bytes;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE file_usage u SET stored_bytes = u.stored_bytes - r.size
            FROM (SELECT owner_id, sum(size) AS size FROM removed GROUP BY owner_id) r
            WHERE u.owner_id = r.owner_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attachments_inserted AFTER INSERT ON attachments
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_file_usage();
CREATE TRIGGER attachments_updated AFTER UPDATE ON attachments
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION add_file_usage();
CREATE TRIGGER attachments_deleted AFTER DELETE ON attachments
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION add_file_usage();
"""
        ),
    ]
