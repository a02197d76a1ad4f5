"""The change log, its end in each person's feed, and the versions of data outside the database."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.accounts import User
from todo_gql.database.models.base import Model
from todo_gql.database.models.enums import ChangeKind


class Feed(Model):
    """The end of an owner's change log, and the counts that every write updates.

    Every account has a row, which a trigger inserts. `seq` is the number of the newest change. The
    counts are of all todos: by status and by priority outside the trash, and in the trash. They are right
    where `counted_seq` is `seq`: what the release before them writes is counted by the worker.

    With `has_spans`, some numbers are of changes in lists of others, of which rows of `spans` say, or changes of
    their own name lists of others: all are redacted when they are read.
    """

    owner_id = fields.UUIDField(primary_key=True)
    seq = fields.BigIntField(default=0, db_default=0)
    counted_seq = fields.BigIntField(default=0, db_default=0)
    pending_count = fields.IntField(default=0, db_default=0)
    in_progress_count = fields.IntField(default=0, db_default=0)
    completed_count = fields.IntField(default=0, db_default=0)
    cancelled_count = fields.IntField(default=0, db_default=0)
    trash_count = fields.IntField(default=0, db_default=0)
    low_count = fields.IntField(default=0, db_default=0)
    medium_count = fields.IntField(default=0, db_default=0)
    high_count = fields.IntField(default=0, db_default=0)
    urgent_count = fields.IntField(default=0, db_default=0)
    stored_bytes = fields.BigIntField(default=0, db_default=0)
    has_spans = fields.BooleanField(default=False, db_default=False)

    class Meta:
        table = "feeds"


class Span(Model):
    """A run of numbers in a person's feed that are changes in another owner's log.

    The numbers from `seq_from` to `seq_to` are the changes of `source_owner_id` from `source_from` on.
    """

    id = fields.BigIntField(primary_key=True)
    owner_id = fields.UUIDField()
    seq_from = fields.BigIntField()
    seq_to = fields.BigIntField()
    source_owner_id = fields.UUIDField()
    source_from = fields.BigIntField()
    at = fields.DatetimeField()

    class Meta:
        table = "spans"
        constraints = (
            UniqueConstraint(fields=("owner_id", "seq_to"), name="spans_unique"),
            CheckConstraint(check="seq_from <= seq_to", name="spans_not_empty"),
        )


class Change(Model):
    """One committed change of one thing, numbered by its owner's `change_seq` without gaps.

    `kind` is a `ChangeKind`. A change of a todo names it by `todo_id`; a change of anything else names
    that by `entity_id`, and by `todo_id` and `list_id` what it belongs to, if anything. Of a member of a list
    `entity_id` is the person, and the diff has the name of their `role`. `first_seq` is the
    number of the first change of the same mutation; the release before it leaves it null.
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
    first_seq: int | None = fields.BigIntField(null=True)

    class Meta:
        table = "changes"
        constraints = (
            UniqueConstraint(fields=("owner_id", "seq"), name="changes_owner_seq_unique"),
            CheckConstraint(
                check="CASE WHEN kind = 0 THEN todo_id IS NOT NULL AND entity_id IS NULL"
                " AND action = ANY ('{0,1,2,3,4,5,6,7}'::smallint[])"
                " ELSE entity_id IS NOT NULL END",
                name="changes_values_by_kind",
            ),
        )


class DataVersion(Model):
    """The version of data outside the database from which stored values follow, such as time zones."""

    name = fields.CharField(50, primary_key=True)
    version = fields.CharField(100)

    class Meta:
        table = "data_versions"
