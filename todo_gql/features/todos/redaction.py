"""What a viewer may see now of changes that were made in lists of others.

Somebody was a member of a list when its changes were numbered in their feed, or else they aren't there.
What is read of a change is decided when it is read: who has left the list, or can't see the todo any
more, learns only that there was a change.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from todo_gql.api.node import parse_id
from todo_gql.api.scalars import diff_entries
from todo_gql.changelog.cursors import cursor_of, others_log_keyset
from todo_gql.changelog.spans import has_source
from todo_gql.database.connection import Row, Values, fetchrow
from todo_gql.database.models import ChangeKind
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.security.authentication import Viewer

LIST_FIELD: Final = "listId"
_LIST_FIELD_NAME: Final = f'"{LIST_FIELD}"'
IS_VISIBLE: Final = "is_visible"
"""The column of a redacted change: whether the viewer sees what it is about."""

# Lists in the trash are there for their owner only, with the todos in them.
VISIBLE: Final = """
WITH member AS MATERIALIZED (
    SELECT m.list_id FROM list_members m JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id
    WHERE m.user_id = $1 AND m.list_id = ANY(
        $2::uuid[] || ARRAY(SELECT t.list_id FROM todos t WHERE t.id = ANY($3) AND t.list_id IS NOT NULL)
    ) AND (l.owner_id = $1 OR l.deleted_at IS NULL)
)
SELECT ARRAY(SELECT list_id FROM member) AS lists,
    ARRAY(SELECT l.id FROM lists l WHERE l.id = ANY($2) AND l.owner_id <> $1) AS of_others,
    ARRAY(SELECT t.id FROM todos t WHERE t.id = ANY($3)
        AND (t.owner_id = $1 OR t.list_id IN (SELECT list_id FROM member))) AS todos
"""


class _Visible(NamedTuple):
    """The lists and todos that a viewer sees, of those that some changes name.

    `lists_of_others` are all of these lists that belong to others, seen or not.
    """

    viewer_id: UUID
    lists: frozenset[UUID]
    lists_of_others: frozenset[UUID]
    todos: frozenset[UUID]

    @classmethod
    async def of(cls, viewer_id: UUID, rows: Sequence[Values], *, with_others: bool) -> Self:
        """What the viewer sees at this moment, read by one statement.

        By none if the changes are all their own, and name nothing of others. A list that was theirs may have
        been transferred since.
        """
        if all(is_own(row, viewer_id) and not (with_others and _names_lists(row)) for row in rows):
            return cls(viewer_id, frozenset(), frozenset(), frozenset())
        lists = {id for row in rows for id in (row["list_id"], *_moved_between(row)) if id}
        todos = {row["todo_id"] for row in rows if row["todo_id"]}
        row = await fetchrow(VISIBLE, viewer_id, list(lists), list(todos))
        assert row is not None
        ids = (row["lists"], row["of_others"], row["todos"])
        return cls(viewer_id, *map(frozenset, ids))

    def has_list(self, row: Values, list_id: UUID | None) -> bool:
        """Whether the viewer sees a list, or the inbox, in which a change has its todo.

        What one's own changes name was one's own, unless it is a list of somebody else's.
        """
        if list_id in self.lists:
            return True
        return is_own(row, self.viewer_id) and list_id not in self.lists_of_others

    def redacted(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A change without what the viewer doesn't see now."""
        is_of_todo = row["kind"] == ChangeKind.TODO
        if is_of_todo and not is_own(row, self.viewer_id):
            is_visible = row["todo_id"] in self.todos
        else:
            is_visible = self.has_list(row, row["list_id"])
        fields = self.fields_of(row) if is_visible or is_own(row, self.viewer_id) else []
        return {**row, "diff": fields, IS_VISIBLE: is_visible}

    def fields_of(self, row: Values) -> list[dict[str, Any]]:
        """The fields of a change, without values of when its todo was in a list that isn't seen."""
        before, after = _moved_between(row) or (row["list_id"], row["list_id"])
        hidden = [
            side
            for side, list_id in (("before", before), ("after", after))
            if not self.has_list(row, list_id)
        ]
        if not hidden:
            return list(row["diff"])
        entries = [{**entry, **dict.fromkeys(hidden)} for entry in row["diff"]]
        return [entry for entry in entries if (entry["before"], entry["after"]) != (None, None)]


def may_move(diff: str) -> bool:
    """Whether a change whose diff isn't read yet may move its todo between lists: if not, it doesn't."""
    return _LIST_FIELD_NAME in diff


def is_own(row: Values, viewer_id: UUID) -> bool:
    """Whether a change is in the viewer's own log."""
    return bool(_log_owner(row) == viewer_id)


def _log_owner(row: Any) -> UUID:
    owner_id: UUID = row["source_owner_id" if has_source([row]) else "owner_id"]
    return owner_id


def _moved_between(row: Values) -> tuple[UUID | None, UUID | None] | tuple[()]:
    """The lists between which a change moved its todo; nothing unless it did."""
    for entry in row["diff"] if row["kind"] == ChangeKind.TODO else ():
        if entry["name"] == LIST_FIELD:
            return _id(entry["before"]), _id(entry["after"])
    return ()


def _names_lists(row: Values) -> bool:
    """Whether a change names a list that may be one of others by now."""
    return row["list_id"] is not None or bool(_moved_between(row))


def _id(text: Any) -> UUID | None:
    return parse_id(text) if isinstance(text, str) else None


async def redacted(
    viewer: Viewer, rows: Iterable[Row | Mapping[str, Any]], *, has_spans: bool = False
) -> list[dict[str, Any]]:
    """Changes of known kinds as the viewer may see them at this moment: diffs are read, cursors added.

    The rows have the columns of a feed with spans, or of an owner's log with `kind`. Unless the viewer's feed
    `has_spans`, and unless they ever had company, their own changes name nothing of others.
    """
    parsed = await parse_json_column(list(rows), "diff", diff_entries)
    read = [
        {**row, "diff": diff_entries(row["diff"]) if isinstance(row["diff"], str) else row["diff"]}
        for row in parsed
    ]
    if not read:
        return []
    with_others = has_spans or viewer.has_company
    visible = await _Visible.of(viewer.id, read, with_others=with_others)
    return [{**visible.redacted(row), "cursor": _cursor(viewer.id, row)} for row in read]


async def redacted_todo_changes(
    viewer: Viewer, rows: Sequence[Row | Mapping[str, Any]]
) -> Sequence[Any]:
    """Changes of todos in owners' logs, the viewer's among them, redacted unless the viewer never had company."""
    if not viewer.has_company:
        return rows
    return await redacted(viewer, [{**row, "kind": ChangeKind.TODO} for row in rows])


def _cursor(viewer_id: UUID, row: Values) -> str:
    """The cursor of a change: in the viewer's feed, or in the log of another owner."""
    owner_id = row["owner_id"]
    if owner_id == viewer_id:
        return cursor_of(owner_id, row["seq"], row["id"])
    return others_log_keyset(owner_id).cursor(row)
