"""Mails, the deletion of accounts, and the queue of jobs."""

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint
from uuid_utils.compat import uuid7


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Mail",
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
                ("address", fields.CharField(max_length=255)),
                ("link_hash", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "expires_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "mails",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A mail to an account, and the hash of the secret in its link, if it has one.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="User",
            name="deletion_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddConstraint(
            "Mail", CheckConstraint(check="kind BETWEEN 0 AND 6", name="mails_kind_known")
        ),
        ops.AddConstraint(
            "Mail",
            CheckConstraint(
                check="(link_hash IS NULL) = (expires_at IS NULL)", name="mails_links_expire"
            ),
        ),
        ops.AddConstraint(
            "Mail",
            CheckConstraint(check="octet_length(link_hash) = 32", name="mails_link_hash_is_sha256"),
        ),
        ops.RunSQL(
            """
CREATE INDEX mails_by_owner ON mails (owner_id, kind, created_at);
CREATE INDEX todos_by_deletion ON todos (owner_id, deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX users_by_deletion ON users (deletion_at) WHERE deletion_at IS NOT NULL;
CREATE INDEX users_by_creation ON users (created_at, id);
"""
        ),
        # The queue's tables are described by the library that uses them.
        ops.RunSQL(QueryBuilderEnvironment().build_install_query(create_schema=False)),
    ]
