"""How much an account stores, and how much it may.

Bytes are those of texts and JSON as PostgreSQL writes them out, and a fixed number for each row, so
that what is counted with each write is what a count of the whole account finds.
"""

import json
from typing import Any, NamedTuple

import orjson

from todo_gql.changes.log import Entry
from todo_gql.errors import ErrorCode
from todo_gql.settings import Settings
from todo_gql.text import Problem
from todo_gql.todos.state import NO_METADATA, TodoState

ROW_BYTES = 200
TODO_BYTES = f"""({ROW_BYTES} + octet_length(title) + coalesce(octet_length(description), 0)
    + octet_length(metadata::text))"""
CHANGE_BYTES = f"({ROW_BYTES} + octet_length(diff::text))"
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
        _todo_bytes(after)
        - (_todo_bytes(before) if before else 0)
        + ROW_BYTES
        + len(diff)
        + _spaces(changed)
    )


def _todo_bytes(todo: TodoState) -> int:
    texts = len(todo.title.encode()) + len((todo.description or "").encode())
    if todo.metadata == NO_METADATA:
        return ROW_BYTES + texts + len(NO_METADATA)
    return ROW_BYTES + texts + _json_bytes(orjson.loads(todo.metadata))


def _spaces(changed: list[dict[str, Any]]) -> int:
    """How much longer PostgreSQL writes changed fields: with a space after each sign."""
    # Five in each of the fields, which have a name, a before and an after, and one between two.
    spaces = max(0, 6 * len(changed) - 1)
    for field in changed:
        for value in (field["before"], field["after"]):
            if value is None or type(value) is str:
                continue
            # A union of types would be made anew for each.
            if isinstance(value, (list, tuple)):
                spaces += max(0, len(value) - 1)
            elif isinstance(value, dict):
                spaces += _json_bytes(value) - len(orjson.dumps(value))
    return spaces


def _json_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


class Storage:
    """What an account stores in the midst of a write, and whether there is room for more."""

    def __init__(self, todos: int, stored_bytes: int) -> None:
        self.todos = todos
        self.stored_bytes = stored_bytes

    def refusal(self, entry: Entry, quota: Quota) -> Problem | None:
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

    def is_full(self, quota: Quota) -> Problem | None:
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
