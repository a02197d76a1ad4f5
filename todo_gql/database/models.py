"""The tables: one foreign-key graph and one migration history.

Indexes that Tortoise can't describe (partial, expression, trigram) and the foreign keys that span
the owner and the id are in the migrations.
"""

from enum import IntEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise import models as tortoise_models
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model
from uuid_utils.compat import uuid7

# Tortoise looks for comments on columns in the source of each model, and parses this whole module again
# for each of them: 0.18 s of every program's start. There are no such comments (`#:`).
tortoise_models._get_comments = lambda _: {}  # type: ignore[assignment]  # noqa: SLF001 - no setting


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
    LIST = 1
    SECTION = 2
    MEMBER = 3
    COMMENT = 4


class ListRole(IntEnum):
    """What a member may do with a list, in ascending order: each may do what those before it may."""

    VIEWER = 0
    EDITOR = 1
    MANAGER = 2
    OWNER = 3


class ListNotifyLevel(IntEnum):
    """Which of a list's events a member is notified of."""

    ALL = 0
    MINE = 1
    NONE = 2


class InvitationOutcome(IntEnum):
    """What became of an invitation."""

    ACCEPTED = 0
    DECLINED = 1
    REVOKED = 2


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


class EntityAction(IntEnum):
    """What a change did to a list, a section, a member of a list or a comment."""

    CREATED = 0
    UPDATED = 1
    DELETED = 2
    RESTORED = 3
    JOINED = 4
    LEFT = 5
    ROLE_CHANGED = 6


class ReminderAnchor(IntEnum):
    """What a relative reminder is relative to."""

    DUE = 0
    START = 1


class NotificationKind(IntEnum):
    """Why somebody is notified."""

    ASSIGNED = 0
    MENTIONED = 1
    COMMENTED = 2
    COMPLETED = 3
    REMINDER = 4
    INVITED = 5
    MEMBERSHIP = 6
    JOB = 7
    SECURITY = 8


class NotificationMailKind(IntEnum):
    """What a mail of notifications is: those of the last minutes, or the daily digest."""

    BUNDLE = 0
    DIGEST = 1


class MailKind(IntEnum):
    """Why a mail is sent."""

    VERIFICATION = 0
    PASSWORD_RESET = 1
    EMAIL_CHANGE = 2
    EMAIL_CHANGE_REQUESTED = 3
    EMAIL_CHANGED = 4
    PASSWORD_CHANGED = 5
    ACCOUNT_DELETION = 6
    INVITATION = 7


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
            CheckConstraint(check="kind BETWEEN 0 AND 7", name="mails_kind_known"),
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


class TodoList(Model):
    """A list of todos, with the counts of its todos by status outside the trash.

    In the trash while `deleted_at` is set. `position` sorts an owner's lists.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    name = fields.CharField(120)
    description = fields.CharField(5000, null=True)
    color = fields.CharField(7, null=True)
    position = fields.TextField()
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)
    archived_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)
    pending_count = fields.IntField(default=0, db_default=0)
    in_progress_count = fields.IntField(default=0, db_default=0)
    completed_count = fields.IntField(default=0, db_default=0)
    cancelled_count = fields.IntField(default=0, db_default=0)

    class Meta:
        table = "lists"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="lists_owner_id_unique"),
            CheckConstraint(check="name <> ''", name="lists_name_not_empty"),
            CheckConstraint(check="version >= 1", name="lists_version_positive"),
        )


class Section(Model):
    """A section of a list; `position` sorts those of one list. Deleted once `deleted_at` is set."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    name = fields.CharField(120)
    position = fields.TextField()
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "sections"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="sections_owner_id_unique"),
            CheckConstraint(check="name <> ''", name="sections_name_not_empty"),
            CheckConstraint(check="version >= 1", name="sections_version_positive"),
        )


class ListMember(Model):
    """A member of a list: its owner, whose row a trigger inserts, or somebody who was invited.

    `owner_id` is the list's owner, and `position` sorts the list among those of a member who isn't the owner.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    user_id: UUID
    role = fields.SmallIntField()
    notify = fields.SmallIntField(
        default=ListNotifyLevel.ALL.value, db_default=ListNotifyLevel.ALL.value
    )
    position = fields.TextField()
    joined_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "list_members"
        constraints = (
            UniqueConstraint(fields=("list_id", "user_id"), name="list_members_unique"),
            CheckConstraint(
                check="CASE WHEN user_id = owner_id THEN role = 3 ELSE role IN (0, 1, 2) END",
                name="list_members_owner_by_role",
            ),
            CheckConstraint(check="notify IN (0, 1, 2)", name="list_members_notify_known"),
        )


class Invitation(Model):
    """An invitation to a list, of which only the hash of its secret is stored.

    `owner_id` is the list's owner. It is for the account `invitee_id`, or for whose verified address is
    `address_key`; open until it expires or ends with an `outcome`.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    role = fields.SmallIntField()
    invited_by_id = fields.UUIDField()
    invitee_id: UUID | None = fields.UUIDField(null=True)
    address = fields.CharField(255, null=True)
    address_key = fields.CharField(255, null=True)
    secret_hash = fields.BinaryField()
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    outcome = fields.SmallIntField(null=True)

    class Meta:
        table = "invitations"
        constraints = (
            UniqueConstraint(fields=("secret_hash",), name="invitations_secret_unique"),
            CheckConstraint(check="role IN (0, 1, 2)", name="invitations_role_known"),
            CheckConstraint(
                check="octet_length(secret_hash) = 32", name="invitations_secret_hash_is_sha256"
            ),
            CheckConstraint(
                check="invitee_id IS NOT NULL OR address_key IS NOT NULL",
                name="invitations_have_recipients",
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (outcome IS NULL)", name="invitations_end_with_outcomes"
            ),
        )


class SavedView(Model):
    """A filter and an order of todos under a name, as the JSON of the inputs of the API."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    name = fields.CharField(120)
    position = fields.TextField()
    todo_filter: fields.JSONField[Any] = fields.JSONField()
    todo_sort: fields.JSONField[Any] = fields.JSONField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "saved_views"
        constraints = (
            CheckConstraint(check="name <> ''", name="saved_views_name_not_empty"),
            CheckConstraint(check="version >= 1", name="saved_views_version_positive"),
        )


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


class DataVersion(Model):
    """The version of data outside the database from which stored values follow, such as time zones."""

    name = fields.CharField(50, primary_key=True)
    version = fields.CharField(100)

    class Meta:
        table = "data_versions"


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


def column_types(model: type[Model]) -> dict[str, str]:
    """PostgreSQL's type of each column."""
    types = {
        field.source_field or name: str(field.get_for_dialect("postgres", "SQL_TYPE"))
        for name, field in model._meta.fields_map.items()
        if name in model._meta.fields_db_projection
    }
    for name in ("owner", "user"):
        if name in model._meta.fields_map:
            types[f"{name}_id"] = "UUID"
    return types
