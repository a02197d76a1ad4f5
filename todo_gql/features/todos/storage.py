"""An account's storage and its quota.

Bytes are the UTF-8 bytes of texts and of JSON as PostgreSQL writes it, and a fixed number for each
row, so that the sum over all writes equals a recount of the whole account.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from todo_gql.api.errors import ErrorCode
from todo_gql.api.text import Problem
from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.json_lengths import postgres_overhead
from todo_gql.features.todos.state import TodoState
from todo_gql.settings import Settings

TEXTS = [
    field.name for field in stored_fields() if field.value_type is str and not field.is_generated
]
_texts = attrgetter(*TEXTS)
TODO_BYTES = f"""({ROW_BYTES} + {" + ".join(f"coalesce(octet_length({name}), 0)" for name in TEXTS)}
    + octet_length(metadata::text) + coalesce(octet_length(recurrence::text), 0))"""
COMMENT_BYTES = f"({ROW_BYTES} + octet_length(body))"
"""SQL for the bytes of a row of comments."""
COMMENTS_OF_TODO_BYTES = f"""(SELECT coalesce(sum({COMMENT_BYTES}), 0)::bigint FROM comments c
    WHERE c.owner_id = todos.owner_id AND c.todo_id = todos.id)"""
"""SQL for the bytes of the comments on a row of `todos`."""
TODO_COUNT = "(pending_count + in_progress_count + completed_count + cancelled_count + trash_count)"


# After the colon of each of its seven keys, and after the six commas.
_RECURRENCE_SPACES = 13


# How much others have is theirs to know.
OTHERS_ARE_FULL = "The account of the list's owner has no room for this."


class Quota(NamedTuple):
    """The most that an account may store: a number of todos, bytes of these, and bytes of files."""

    todos: int
    stored_bytes: int
    file_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "Quota":
        """The quota of each account."""
        return cls(settings.account_todos, settings.account_bytes, settings.account_file_bytes)


def growth(entry: Entry) -> int:
    """The bytes that a change adds to the account, with its row of the change log."""
    (before, after), (changed, diff) = entry, entry.logged
    log_row = ROW_BYTES + len(diff) + _spaces(entry, changed)
    if before is None:
        metadata = len(after.metadata.encode()) + 2 * postgres_overhead(after.metadata)
        return _bytes_without_metadata(after) + metadata + log_row
    todo_growth = _bytes_without_metadata(after) - _bytes_without_metadata(before)
    return todo_growth + _growth_by_metadata(before, after) + log_row


def growth_by_departure(entry: Entry) -> int:
    """The bytes that an account grows by when another owner gets its todo: less than 0 as a rule."""
    before, (changed, diff) = entry.before, entry.logged
    assert before
    stored = _bytes_without_metadata(before) + len(before.metadata.encode())
    stored += postgres_overhead(before.metadata)
    return ROW_BYTES + len(diff) + _spaces(entry, changed) - stored


def _bytes_without_metadata(todo: TodoState) -> int:
    recurrence = len(todo.recurrence) + _RECURRENCE_SPACES if todo.recurrence else 0
    return ROW_BYTES + len("".join(filter(None, _texts(todo))).encode()) + recurrence


def _growth_by_metadata(before: TodoState, after: TodoState) -> int:
    """What metadata adds to the todo, and to its log row beyond the compact text in the diff."""
    # Metadata may be long, and hardly any change touches it.
    if before.metadata == after.metadata:
        return 0
    todo_growth = len(after.metadata.encode()) - len(before.metadata.encode())
    # The todo holds the new one only, the log row holds both.
    return todo_growth + 2 * postgres_overhead(after.metadata)


def spaces_of(changed: Sequence[object]) -> int:
    """The spaces that PostgreSQL writes into a diff of so many fields, without those in values."""
    # Five in each object of name, before and after, and one between two objects.
    return 6 * len(changed) - 1 if changed else 0


def _spaces(entry: Entry, changed: list[dict[str, Any]]) -> int:
    """The spaces that PostgreSQL writes into a diff after commas and colons, without metadata's."""
    before, after = entry
    spaces = spaces_of(changed)
    # Tags and other fields are the only lists: a space after each but the last. Recurrence is the only object.
    for field in entry.other_fields:
        spaces += sum(max(0, len(field[side]) - 1) for side in ("before", "after"))
    old_tags = before.tags if before else ()
    if old_tags != after.tags:
        spaces += max(0, len(old_tags) - 1) + max(0, len(after.tags) - 1)
    old_recurrence = before.recurrence if before else None
    if old_recurrence != after.recurrence:
        spaces += _RECURRENCE_SPACES * sum(map(bool, (old_recurrence, after.recurrence)))
    return spaces


class Storage:
    """An account's storage during a write, and whether there is room for more."""

    def __init__(self, todos: int, stored_bytes: int, *, is_own: bool = True) -> None:
        self.todos = todos
        self.stored_bytes = stored_bytes
        self.is_own = is_own

    def reserve(self, entry: Entry, quota: Quota) -> Problem | None:
        """Count a change, or return the problem if it exceeds the quota.

        Moving a todo to the trash is always allowed, since that is how room is freed, and so is taking
        tags from it.
        """
        todos = self.todos + (entry.before is None)
        if todos > quota.todos and not self.is_own:
            return ErrorCode.TOO_MANY, OTHERS_ARE_FULL
        if todos > quota.todos:
            return ErrorCode.TOO_MANY, (
                f"You have {self.todos:,} todos, those in the trash included; {quota.todos:,} are"
                " allowed. Delete some and wait until they are purged from the trash, or ask"
                " whoever runs this server."
            )
        stored = self.stored_bytes + growth(entry)
        if stored > quota.stored_bytes and not _takes_away(entry):
            return self._too_large(stored, quota)
        self.todos, self.stored_bytes = todos, stored
        return None

    def reserve_bytes(self, number: int, quota: Quota) -> Problem | None:
        """Count bytes other than those of a change of a todo, or return the problem if they exceed the quota."""
        stored = self.stored_bytes + number
        if number > 0 and stored > quota.stored_bytes:
            return self._too_large(stored, quota)
        self.stored_bytes = stored
        return None

    def full_problem(self, quota: Quota) -> Problem | None:
        """The problem if the quota is used up; for changes whose size isn't known before."""
        if self.stored_bytes < quota.stored_bytes:
            return None
        return self._too_large(self.stored_bytes, quota)

    def _too_large(self, stored: int, quota: Quota) -> Problem:
        if not self.is_own:
            return ErrorCode.TOO_LONG, OTHERS_ARE_FULL
        return ErrorCode.TOO_LONG, (
            f"Your todos and their history would take {stored:,} bytes; {quota.stored_bytes:,} are"
            " allowed. Delete some todos and wait until they are purged from the trash, or ask"
            " whoever runs this server."
        )


def _takes_away(entry: Entry) -> bool:
    """Whether a change moves a todo to the trash, or does nothing but take tags from it."""
    before, after = entry
    if before is None:
        return False
    moves_to_trash = before.deleted_at is None and bool(after.deleted_at)
    return moves_to_trash or (
        set(after.tags) < set(before.tags)
        and [field["name"] for field in entry.logged.fields] == ["tags"]
    )
