"""Of which changes in a feed its owner is notified: assignments, mentions, comments and completions by others.

What matters is what they see when the feed is read, and how they want to be notified of the list: of all that
others do in it, of what concerns them, or of nothing. A todo is theirs if they created it, are to do it or
have commented on it.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from todo_gql.database.connection import Connection, Row
from todo_gql.database.models import (
    Action,
    ChangeKind,
    EntityAction,
    ListNotifyLevel,
    NotificationKind,
)
from todo_gql.inbox.entries import Entry

IS_ASSIGNMENT: Final = f"""
c.kind = {ChangeKind.TODO.value}
    AND c.diff @> jsonb_build_array(jsonb_build_object('name', 'assigneeId', 'after', $1::uuid::text))
"""
"""SQL for whether a change `c` assigns its todo to the user `$1`."""

OF_TODOS: Final = frozenset({Action.CREATED.value, Action.COMPLETED.value})
OF_COMMENTS: Final = frozenset({EntityAction.CREATED.value, EntityAction.UPDATED.value})
# The todos and comments of changes as they are now, as far as the user `$1` sees them. A completed occurrence
# is a copy of the todo that people know.
SITUATIONS: Final = f"""
SELECT e.change_id, t.id AS todo_id, t.series_id IS NOT NULL AS is_occurrence,
    coalesce(m.notify, {ListNotifyLevel.ALL.value}) AS level, t.assignee_id IS NOT DISTINCT FROM $1 AS is_assignee,
    t.assignee_id IS NOT DISTINCT FROM $1
        OR EXISTS (SELECT FROM comments c WHERE c.owner_id = t.owner_id AND c.todo_id = k.id
            AND c.author_id = $1)
        OR EXISTS (SELECT FROM changes c WHERE c.owner_id = t.owner_id AND c.todo_id = k.id
            AND c.kind = {ChangeKind.TODO.value} AND c.action = {Action.CREATED.value} AND c.actor_id = $1)
        AS is_theirs,
    o.id AS comment_id, o.mentions ? $1::text AS is_mentioned
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS e (change_id, todo_id, comment_id)
    JOIN todos t ON t.id = e.todo_id AND t.deleted_at IS NULL
    CROSS JOIN LATERAL (SELECT coalesce(t.series_id, t.id) AS id) k
    LEFT JOIN list_members m ON m.list_id = t.list_id AND m.user_id = $1
    LEFT JOIN comments o ON o.owner_id = t.owner_id AND o.todo_id = t.id AND o.id = e.comment_id
        AND o.deleted_at IS NULL
WHERE t.owner_id = $1 OR (m.id IS NOT NULL AND EXISTS (
    SELECT FROM lists l WHERE l.owner_id = t.owner_id AND l.id = t.list_id AND l.deleted_at IS NULL))
"""


async def entries_of(connection: Connection, owner_id: UUID, changes: Sequence[Row]) -> list[Entry]:
    """What to enter into somebody's inbox of changes in their feed, in the order of these."""
    relevant = [change for change in changes if _may_concern(owner_id, change)]
    if not relevant:
        return []
    columns = zip(
        *((change["id"], change["todo_id"], change["entity_id"]) for change in relevant),
        strict=True,
    )
    rows = await connection.fetch(SITUATIONS, owner_id, *map(list, columns))
    situations = {row["change_id"]: row for row in rows}
    return [
        entry
        for change in relevant
        if (situation := situations.get(change["id"]))
        for entry in _entries(owner_id, change, situation)
    ]


def _may_concern(owner_id: UUID, change: Row) -> bool:
    if not change["is_recent"] or change["actor_id"] == owner_id or change["todo_id"] is None:
        return False
    if change["kind"] == ChangeKind.TODO:
        return bool(change["is_assignment"] or change["action"] in OF_TODOS)
    return bool(change["kind"] == ChangeKind.COMMENT and change["action"] in OF_COMMENTS)


def _entries(owner_id: UUID, change: Row, situation: Row) -> Iterator[Entry]:
    if situation["level"] == ListNotifyLevel.NONE:
        return
    hears_all = situation["level"] == ListNotifyLevel.ALL or situation["is_theirs"]
    actor_id, of_todo = change["actor_id"], (ChangeKind.TODO, situation["todo_id"])
    if change["kind"] == ChangeKind.TODO:
        source = f"change {change['id']}"
        if change["is_assignment"] and situation["is_assignee"]:
            yield Entry(owner_id, NotificationKind.ASSIGNED, source, actor_id, *of_todo)
        if hears_all and _is_completion(change, situation):
            yield Entry(owner_id, NotificationKind.COMPLETED, source, actor_id, *of_todo)
    elif situation["comment_id"]:
        # Of a comment that is edited only those hear whom it hasn't mentioned before.
        source = f"comment {change['entity_id']}"
        if situation["is_mentioned"]:
            of_comment = (ChangeKind.COMMENT, situation["comment_id"])
            yield Entry(owner_id, NotificationKind.MENTIONED, source, actor_id, *of_comment)
        elif hears_all and change["action"] == EntityAction.CREATED:
            yield Entry(owner_id, NotificationKind.COMMENTED, source, actor_id, *of_todo)


def _is_completion(change: Row, situation: Row) -> bool:
    """Whether a change completed a todo, or left the copy of an occurrence that was completed."""
    return bool(change["action"] == Action.COMPLETED or situation["is_occurrence"])
