"""Changes of a todo's files in its change log: the names that it has before and after."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Self

from todo_gql.database.models import AttachmentState
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite

FIELD: Final = "attachments"
NAMES: Final = f"""
SELECT file_name FROM attachments WHERE owner_id = $1 AND todo_id = $2 AND state = {AttachmentState.READY}
ORDER BY created_at, id
"""


class FileChange:
    """Tells what a block does to the files of a todo that are READY, as one change of the todo.

    The log has their names, before and after. Other changes that the write has recorded are stored with it.
    """

    def __init__(self, write: OwnerWrite, todo: TodoState) -> None:
        self.write, self.todo = write, todo

    async def __aenter__(self) -> Self:
        self._before = await self._names()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._record(await self._names())

    async def _names(self) -> list[str]:
        rows = await self.write.connection.fetch(NAMES, self.write.owner_id, self.todo.id)
        return [row["file_name"] for row in rows]

    async def _record(self, names: list[str]) -> None:
        if names != self._before:
            self.write.record([file_entry(self.todo, self._before, names, self.write.now)])
        await self.write.store()


def file_entry(
    todo: TodoState, before: Sequence[str], after: Sequence[str], now: datetime
) -> Entry:
    """The change of a todo whose files that are READY have other names than before."""
    entry = Entry(todo, todo._replace(version=todo.version + 1, updated_at=now))
    entry.other_fields = [{"name": FIELD, "before": before, "after": after}]
    return entry
