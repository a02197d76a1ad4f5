"""What a mutation did to one todo, and the todo as it was before it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from todo_gql.database.connection import Row
from todo_gql.database.models import Action
from todo_gql.features.todos.file_changes import FIELD as FILES
from todo_gql.features.todos.history import EMPTY_VALUES
from todo_gql.features.todos.state import TodoState
from todo_gql.features.undo.values import LOGGED_VALUES, LoggedValue, stored_value


class FieldReversal(NamedTuple):
    """The stored values of a field before a mutation and after it."""

    before: Any
    after: Any


class TodoReversal(NamedTuple):
    """All that a mutation did to one todo: whether it created it, and the fields by attribute.

    `unreadable` are the names of fields in the log that this release doesn't know, or whose values it
    can't read. What it did to the todo's files, if it `changes_files`, can't be taken back: the bytes of a
    deleted file go, and deleting one that was added would make it impossible to redo that.
    """

    is_created: bool
    fields: Mapping[str, FieldReversal]
    unreadable: AbstractSet[str]
    changes_files: bool = False

    @classmethod
    def of(cls, changes: Sequence[Row]) -> "TodoReversal":
        """The sum of one or more changes of a todo, oldest first."""
        fields, unreadable, changes_files = dict[str, FieldReversal](), set[str](), False
        for change in changes:
            for entry in orjson.loads(change["diff"]):
                name = entry["name"]
                if name == FILES:
                    changes_files = True
                    continue
                try:
                    logged = LOGGED_VALUES[name]
                    before = stored_value(logged, entry["before"])
                    after = stored_value(logged, entry["after"])
                except (KeyError, ValueError, TypeError, AttributeError):
                    unreadable.add(name)
                    continue
                earlier = fields.get(logged.attribute)
                fields[logged.attribute] = FieldReversal(
                    earlier.before if earlier else before, after
                )
        is_created = changes[0]["action"] == Action.CREATED
        return cls(is_created, fields, unreadable, changes_files)

    def changed_since(self, todo: TodoState) -> list[str]:
        """The names of the fields that have another value than the mutation left, or can't be read."""
        changed = [
            logged.name for logged in LOGGED_VALUES.values() if not self._is_unchanged(logged, todo)
        ]
        return sorted({*changed, *self.unreadable})

    def _is_unchanged(self, logged: LoggedValue, todo: TodoState) -> bool:
        value = getattr(todo, logged.attribute)
        if field := self.fields.get(logged.attribute):
            return bool(value == field.after)
        # The log of a new todo leaves out values that are empty, and those that the server generates.
        if not self.is_created or logged.is_generated:
            return True
        return value in EMPTY_VALUES or bool(value == logged.empty)

    def reversed(self, todo: TodoState, now: datetime) -> TodoState:
        """The todo without what the mutation did: one that it created is in the trash."""
        if self.is_created:
            return todo._replace(deleted_at=now)
        return todo._replace(**{name: field.before for name, field in self.fields.items()})
