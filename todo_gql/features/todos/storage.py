"""How much an account stores, and how much it may.

Bytes are those of texts and JSON as PostgreSQL writes them out, and a fixed number for each row, so
that what is counted with each write is what a count of the whole account finds.
"""

from typing import Any, NamedTuple

import orjson

from todo_gql.api.errors import ErrorCode
from todo_gql.api.text import Problem
from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.json_lengths import longer_by
from todo_gql.features.todos.state import TodoState
from todo_gql.settings import Settings

TODO_BYTES = f"""({ROW_BYTES} + octet_length(title) + coalesce(octet_length(description), 0)
    + octet_length(metadata::text))"""
TODOS = "(pending_count + in_progress_count + completed_count + cancelled_count + trash_count)"


class Quota(NamedTuple):
    """The most that an account may store."""

    todos: int
    stored_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "Quota":
        """The quota of each account."""
        return cls(settings.account_todos, settings.account_bytes)


def growth(entry: Entry) -> int:
    """The bytes that a change adds, with its line in the log."""
    changed = entry.changed_fields()
    return growth_by(entry, changed, orjson.dumps(changed))


def growth_by(entry: Entry, changed: list[dict[str, Any]], diff: bytes) -> int:
    """As `growth`; `changed` are the changed fields, and `diff` is the same as JSON."""
    before, after = entry
    return (
        _bytes_beside_metadata(after)
        - (_bytes_beside_metadata(before) if before else 0)
        + _growth_by_metadata(before, after)
        + ROW_BYTES
        + len(diff)
        + _spaces(changed)
    )


def _bytes_beside_metadata(todo: TodoState) -> int:
    return ROW_BYTES + len(todo.title.encode()) + len((todo.description or "").encode())


def _growth_by_metadata(before: TodoState | None, after: TodoState) -> int:
    """What metadata adds to the todo, and to its line in the log beside the text in the diff."""
    if before is None:
        return len(after.metadata.encode()) + 2 * longer_by(after.metadata)
    # Almost no change is one of metadata, which may be long.
    if before.metadata == after.metadata:
        return 0
    grown = len(after.metadata.encode()) - len(before.metadata.encode())
    # The todo has the new one in the place of the old one, and the log has both.
    return grown + 2 * longer_by(after.metadata)


def _spaces(changed: list[dict[str, Any]]) -> int:
    """How much longer PostgreSQL writes changed fields, metadata left out: a space after each sign."""
    # Five in each of the fields, which have a name, a before and an after, and one between two.
    spaces = max(0, 6 * len(changed) - 1)
    for field in changed:
        for value in (field["before"], field["after"]):
            if value is None or type(value) is str:
                continue
            # A union of types would be made anew for each.
            if isinstance(value, (list, tuple)):
                spaces += max(0, len(value) - 1)
    return spaces


class Storage:
    """What an account stores in the midst of a write, and whether there is room for more."""

    def __init__(self, todos: int, stored_bytes: int) -> None:
        self.todos = todos
        self.stored_bytes = stored_bytes

    def reserve(self, entry: Entry, quota: Quota) -> Problem | None:
        """Why a change can't be made; None, and it is counted, if it can.

        What goes into the trash is never refused, since that is what makes room.
        """
        before, after = entry
        todos = self.todos + (before is None)
        if todos > quota.todos:
            return ErrorCode.TOO_MANY, (
                f"You have {self.todos:,} todos with those in the trash, and {quota.todos:,} is the"
                " most. Delete some, and wait until they are gone from the trash, or ask whoever runs"
                " this server."
            )
        stored = self.stored_bytes + growth(entry)
        is_deleted = before is not None and before.deleted_at is None and bool(after.deleted_at)
        if stored > quota.stored_bytes and not is_deleted:
            return _too_large(stored, quota)
        self.todos, self.stored_bytes = todos, stored
        return None

    def full_problem(self, quota: Quota) -> Problem | None:
        """Why nothing can be added whose size isn't known before; None if something can."""
        if self.stored_bytes < quota.stored_bytes:
            return None
        return _too_large(self.stored_bytes, quota)


def _too_large(stored: int, quota: Quota) -> Problem:
    return ErrorCode.TOO_LONG, (
        f"Your todos and their history would take {stored:,} bytes, and {quota.stored_bytes:,} is the"
        " most. Delete some todos, and wait until they are gone from the trash, or ask whoever runs"
        " this server."
    )
