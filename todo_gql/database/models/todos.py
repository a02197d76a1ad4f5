"""Todos, and what belongs to them."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.accounts import User
from todo_gql.database.models.base import Model
from todo_gql.database.models.enums import Priority, Status


class Todo(Model):
    """A todo; in the trash while `deleted_at` is set.

    It is in the inbox without a `list_id`. `position` sorts all todos of a list, or of the inbox.
    `subtask_count` is how many subtasks it has outside the trash that aren't cancelled, and
    `completed_subtask_count` how many of those are completed.

    It is due on the day `due_date`, or at the moment `due_at` in `due_time_zone`; `due_on` is the day in
    that zone, UTC without one. `start_on` is the day of `start_date` or of `start_at` in the same
    zone. `search_text` is title and description as searches
    compare them; null after a write of the release before it, until the worker fills it in.

    `recurrence` is the rule of a todo that repeats, with its mode, zone, anchor and number of completions.
    The copy that completing one leaves has its id in `series_id`, and in `series_version` the version that
    was completed.
    """

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
    list_id: UUID | None = fields.UUIDField(null=True)
    section_id: UUID | None = fields.UUIDField(null=True)
    parent_id: UUID | None = fields.UUIDField(null=True)
    position = fields.TextField()
    subtask_count = fields.IntField(default=0, db_default=0)
    completed_subtask_count = fields.IntField(default=0, db_default=0)
    due_on = fields.DateField(null=True)
    due_date = fields.DateField(null=True)
    due_time_zone = fields.CharField(64, null=True)
    start_at = fields.DatetimeField(null=True)
    start_date = fields.DateField(null=True)
    start_on = fields.DateField(null=True)
    search_text = fields.TextField(null=True)
    recurrence: fields.JSONField[Any] = fields.JSONField(null=True)
    series_id: UUID | None = fields.UUIDField(null=True)
    series_version: int | None = fields.IntField(null=True)
    assignee_id: UUID | None = fields.UUIDField(null=True)

    class Meta:
        table = "todos"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="todos_owner_id_unique"),
            CheckConstraint(check="title <> ''", name="todos_title_not_empty"),
            CheckConstraint(
                check="status = ANY ('{0,1,2,3}'::smallint[])", name="todos_status_known"
            ),
            CheckConstraint(
                check="priority = ANY ('{0,1,2,3}'::smallint[])", name="todos_priority_known"
            ),
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
            CheckConstraint(
                check="due_at IS NULL OR due_date IS NULL", name="todos_due_at_or_date"
            ),
            CheckConstraint(
                check="start_at IS NULL OR start_date IS NULL", name="todos_start_at_or_date"
            ),
            CheckConstraint(check="parent_id <> id", name="todos_parent_is_another"),
            CheckConstraint(
                check="section_id IS NULL OR list_id IS NOT NULL", name="todos_section_in_list"
            ),
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


class ListTag(Model):
    """How many todos of a list outside the trash carry a tag."""

    id = fields.BigIntField(primary_key=True)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    tag_id = fields.UUIDField()
    todo_count = fields.IntField(default=0)

    class Meta:
        table = "list_tags"
        constraints = (
            UniqueConstraint(fields=("owner_id", "list_id", "tag_id"), name="list_tags_unique"),
        )


class DueCount(Model):
    """How many todos of an owner outside the trash are due on a day: those still open, and the others.

    Of todos with a moment `due_at` (`is_timed`) the day is that in UTC, of the others it is `due_date`.
    """

    id = fields.BigIntField(primary_key=True)
    owner_id = fields.UUIDField()
    day = fields.DateField()
    is_timed = fields.BooleanField()
    open_count = fields.IntField(default=0)
    closed_count = fields.IntField(default=0)

    class Meta:
        table = "due_counts"
        constraints = (
            UniqueConstraint(fields=("owner_id", "day", "is_timed"), name="due_counts_unique"),
        )


class Comment(Model):
    """A comment on a todo, in Markdown; deleted, with an empty body, once `deleted_at` is set.

    `owner_id` is the todo's owner, and `mentions` has the ids of the members whom the body mentions.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    todo_id = fields.UUIDField()
    author_id: UUID | None = fields.UUIDField(null=True)
    body = fields.TextField()
    mentions: fields.JSONField[Any] = fields.JSONField(default=list)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "comments"
        constraints = (
            CheckConstraint(check="version >= 1", name="comments_version_positive"),
            CheckConstraint(
                check="(deleted_at IS NULL) = (body <> '')", name="comments_deleted_without_body"
            ),
        )


class Snooze(Model):
    """Until when a person has put a todo off, for themselves only."""

    id = fields.BigIntField(primary_key=True)
    owner_id = fields.UUIDField()
    todo_id = fields.UUIDField()
    person_id = fields.UUIDField()
    until = fields.DatetimeField()

    class Meta:
        table = "snoozes"
        constraints = (
            UniqueConstraint(fields=("owner_id", "todo_id", "person_id"), name="snoozes_unique"),
        )


class Reminder(Model):
    """When a person is reminded of a todo: `at` a moment, or `relative_offset` from its `anchor`.

    The offset is an ISO 8601 duration with an optional sign. `fires_at` is when it fires next, null if
    nothing lies ahead; every write that moves what it follows from computes it anew. `fired_at` is the
    moment for which it fired last.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    todo_id = fields.UUIDField()
    person_id = fields.UUIDField()
    at = fields.DatetimeField(null=True)
    anchor = fields.SmallIntField(null=True)
    relative_offset = fields.CharField(50, null=True)
    fires_at = fields.DatetimeField(null=True)
    fired_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "reminders"
        constraints = (
            CheckConstraint(
                check="(at IS NULL) = (anchor IS NOT NULL)", name="reminders_at_or_anchor"
            ),
            CheckConstraint(
                check="(anchor IS NULL) = (relative_offset IS NULL)",
                name="reminders_anchors_have_offsets",
            ),
            CheckConstraint(check="anchor BETWEEN 0 AND 1", name="reminders_anchor_known"),
        )
