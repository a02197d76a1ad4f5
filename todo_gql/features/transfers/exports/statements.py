"""What an export reads of the account `$1`: statements whose columns are named as the API names their values.

Names of columns in quotes are keys of the export. Enums come by name, nested objects as JSON.
"""

from enum import IntEnum
from typing import Final

from todo_gql.database.models import (
    Action,
    AttachmentState,
    ChangeKind,
    EntityAction,
    ListRole,
    Priority,
    ReminderAnchor,
    Status,
    WebhookState,
)
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.list_access import LIST_OR_INBOX


def _named(enum: type[IntEnum], column: str) -> str:
    """SQL for the name of an enum's value in a column."""
    return f"('{{{','.join(member.name for member in enum)}}}'::text[])[{column} + 1]"


def _moment(column: str) -> str:
    """SQL for a moment as the API writes it."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def _objects(keys: dict[str, str], source: str, order: str) -> str:
    """SQL for the rows of a source as a JSON array of objects without nulls; null without any."""
    pairs = ", ".join(f"'{key}', {column}" for key, column in keys.items())
    return (
        f"(SELECT json_agg(json_strip_nulls(json_build_object({pairs})) ORDER BY {order})"
        f" FROM {source})"
    )


SECTIONS: Final = _objects(
    {"id": "s.id", "name": "s.name", "position": "s.position"},
    "sections s WHERE s.owner_id = l.owner_id AND s.list_id = l.id AND s.deleted_at IS NULL",
    "s.position",
)
MEMBERS: Final = _objects(
    {
        "username": "u.username",
        "role": _named(ListRole, "m.role"),
        "joinedAt": _moment("m.joined_at"),
    },
    "list_members m JOIN users u ON u.id = m.user_id"
    " WHERE m.owner_id = l.owner_id AND m.list_id = l.id AND m.user_id <> l.owner_id",
    "m.joined_at, m.id",
)
REMINDERS: Final = _objects(
    {
        "id": "r.id",
        "at": _moment("r.at"),
        "anchor": _named(ReminderAnchor, "r.anchor"),
        "offset": "r.relative_offset",
    },
    "reminders r WHERE r.owner_id = t.owner_id AND r.todo_id = t.id AND r.person_id = $1",
    "r.created_at, r.id",
)
COMMENTS: Final = _objects(
    {
        "id": "c.id",
        "author": "u.username",
        "isOwn": "nullif(c.author_id = $1, false)",
        "body": "c.body",
        "createdAt": _moment("c.created_at"),
        "editedAt": _moment("c.edited_at"),
    },
    "comments c LEFT JOIN users u ON u.id = c.author_id"
    " WHERE c.owner_id = t.owner_id AND c.todo_id = t.id AND c.deleted_at IS NULL",
    "c.created_at, c.id",
)
FILES: Final = _objects(
    {
        "id": "a.id",
        "fileName": "a.file_name",
        "contentType": "a.content_type",
        "size": "a.size",
        "sha256": "encode(a.sha256, 'hex')",
        "commentId": "a.comment_id",
        "createdAt": _moment("a.created_at"),
    },
    "attachments a WHERE a.owner_id = t.owner_id AND a.todo_id = t.id"
    f" AND a.state = {AttachmentState.READY.value}",
    "a.created_at, a.id",
)

ACCOUNT: Final = """
SELECT u.username, u.email, u.first_name AS "firstName", u.last_name AS "lastName", u.bio,
    u.avatar_url AS "avatarUrl", u.time_zone AS "timeZone", u.week_start AS "weekStart",
    u.created_at AS "createdAt"
FROM users u WHERE u.id = $1
"""
LISTS: Final = f"""
SELECT l.id, l.name, l.description, l.color, l.position, l.created_at AS "createdAt",
    l.updated_at AS "updatedAt", l.archived_at AS "archivedAt", l.deleted_at AS "deletedAt",
    {SECTIONS} AS sections, {MEMBERS} AS members
FROM lists l WHERE l.owner_id = $1 ORDER BY l.position, l.id
"""
TODOS: Final = f"""
SELECT t.id, t.title, t.description, {_named(Status, "t.status")} AS status,
    {_named(Priority, "t.priority")} AS priority, {TAG_NAMES}, t.list_id AS "listId",
    t.section_id AS "sectionId", t.parent_id AS "parentId", t.position, t.due_date AS "dueDate",
    t.due_at AS "dueAt", t.due_time_zone AS "dueTimeZone", t.start_date AS "startDate", t.start_at AS "startAt",
    t.completed_at AS "completedAt", t.estimated_minutes AS "estimatedMinutes",
    t.actual_minutes AS "actualMinutes", nullif(t.metadata, '{{}}') AS metadata, t.recurrence,
    t.series_id AS "seriesId", p.username AS assignee,
    (SELECT z.until FROM snoozes z
        WHERE z.owner_id = t.owner_id AND z.todo_id = t.id AND z.person_id = $1) AS "snoozedUntil",
    t.created_at AS "createdAt", t.updated_at AS "updatedAt", t.deleted_at AS "deletedAt",
    {REMINDERS} AS reminders, {COMMENTS} AS comments, {FILES} AS files
FROM todos t LEFT JOIN users p ON p.id = t.assignee_id
WHERE t.owner_id = $1 ORDER BY {LIST_OR_INBOX}, t.position
"""
TAGS: Final = "SELECT g.name FROM tags g WHERE g.owner_id = $1 ORDER BY g.name"
SAVED_VIEWS: Final = """
SELECT v.id, v.name, v.position, v.todo_filter AS filter, v.todo_sort AS sort
FROM saved_views v WHERE v.owner_id = $1 ORDER BY v.position
"""
PREFERENCES: Final = """
SELECT n.kinds, n.quiet_hours AS "quietHours", n.digest_at AS "digestAt", n.digest_days AS "digestDays"
FROM notification_preferences n WHERE n.owner_id = $1
"""
WEBHOOKS: Final = f"""
SELECT w.id, w.url, w.label, w.event_types AS "eventTypes", w.list_id AS "listId",
    {_named(WebhookState, "w.state")} AS state, w.created_at AS "createdAt"
FROM webhooks w WHERE w.owner_id = $1 ORDER BY w.created_at, w.id
"""
API_TOKENS: Final = """
SELECT k.id, k.name, k.hint, k.scopes, k.list_ids AS "listIds", k.created_at AS "createdAt",
    k.expires_at AS "expiresAt", k.last_used_at AS "lastUsedAt", k.revoked_at AS "revokedAt"
FROM api_tokens k WHERE k.owner_id = $1 ORDER BY k.created_at, k.id
"""
CALENDAR_FEEDS: Final = """
SELECT f.id, f.label, f.list_ids AS "listIds", f.as_events AS "asEvents", f.created_at AS "createdAt",
    f.last_read_at AS "lastReadAt"
FROM calendar_feeds f WHERE f.owner_id = $1 ORDER BY f.created_at, f.id
"""
# The log only grows, so that what it was at a number can be read by numbers at any time.
CHANGES: Final = f"""
SELECT c.seq, c.id, c.owner_id, c.at, u.username AS actor, c.kind, c.todo_id, c.entity_id, c.list_id, c.diff,
    {_named(ChangeKind, "c.kind")} AS kind_name,
    CASE c.kind WHEN {ChangeKind.TODO.value} THEN {_named(Action, "c.action")}
        ELSE {_named(EntityAction, "c.action")} END AS action
FROM changes c LEFT JOIN users u ON u.id = c.actor_id
WHERE c.owner_id = $1 AND c.seq > $2 AND c.seq <= $3 ORDER BY c.seq LIMIT $4
"""
NUMBERS: Final = f"""
SELECT u.username, u.membership_count > 0 AS is_member, f.seq,
    (SELECT count(*) FROM todos t WHERE t.owner_id = $1) AS todos,
    (SELECT count(*) FROM attachments a WHERE a.owner_id = $1 AND a.state = {AttachmentState.READY.value}) AS files
FROM users u JOIN feeds f ON f.owner_id = u.id WHERE u.id = $1
"""
"""How much there is to export, and the number of the last change."""

ROWS: Final = {
    "account": ACCOUNT,
    "list": LISTS,
    "todo": TODOS,
    "tag": TAGS,
    "savedView": SAVED_VIEWS,
    "notificationPreferences": PREFERENCES,
    "webhook": WEBHOOKS,
    "apiToken": API_TOKENS,
    "calendarFeed": CALENDAR_FEEDS,
}
"""The statement of each type of lines, in their order."""

JSON_COLUMNS: Final = frozenset((
    "metadata", "recurrence", "reminders", "comments", "files", "sections", "members", "filter", "sort", "kinds",
    "quietHours", "digestDays", "eventTypes", "scopes", "listIds",
))  # fmt: skip
"""Columns that come as JSON texts."""
