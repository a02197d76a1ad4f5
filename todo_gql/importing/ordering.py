"""The order in which what a file has is stored: lists first, and parents before their subtasks.

Otherwise things stay in the file's order. What would be too deep is moved up, and a parent that isn't there,
or that is below its own subtask, is none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from todo_gql.importing.records import ImportedList, ImportedTodo, Item, Problem, ProblemCode

MAX_DEPTH: Final = 5
"""How many todos a subtask may have above it."""


@dataclass
class _Todos:
    """The todos of a file, and where those stand that are ordered already."""

    by_id: dict[str, ImportedTodo] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)

    def line(self, todo: ImportedTodo) -> list[ImportedTodo]:
        """A todo and those above it that aren't ordered yet, the topmost one first."""
        line, seen = [todo], {todo.foreign_id}
        while (parent_id := line[-1].parent_id) is not None:
            parent = self.by_id.get(parent_id)
            if parent is None or parent_id in self.depths or parent_id in seen:
                break
            line.append(parent)
            seen.add(parent_id)
        line.reverse()
        return line

    def ordered(self, todo: ImportedTodo) -> Iterator[Item]:
        """A todo whose parent is ordered if it has one, with the problem of its parent."""
        id, parent_id = todo.foreign_id, todo.parent_id
        if parent_id is not None and parent_id not in self.depths:
            yield _lost_parent(todo, "Its parent isn't in the file, or is one of its own subtasks.")
            todo, parent_id = _without_parent(todo, parent_id), None
        elif parent_id is not None and self.depths[parent_id] >= MAX_DEPTH:
            named = self.by_id[parent_id].title
            message = (
                f"Subtasks are at most {MAX_DEPTH} levels deep: it is moved up from “{named}”."
            )
            yield _lost_parent(todo, message)
            while self.depths[parent_id] >= MAX_DEPTH:
                above = self.parents[parent_id]
                assert above is not None
                parent_id = above
            todo = replace(_without_parent(todo, named), parent_id=parent_id)
        self.depths[id] = 0 if parent_id is None else self.depths[parent_id] + 1
        self.parents[id] = parent_id
        yield todo


def ordered(items: Iterable[Item]) -> list[Item]:
    """All that was read, in the order in which it can be stored."""
    lists, rest, todos = list[Item](), list[Item](), _Todos()
    for item in items:
        if isinstance(item, ImportedList):
            lists.append(item)
        elif isinstance(item, ImportedTodo) and item.foreign_id in todos.by_id:
            message = "The file has another todo with the same id."
            rest.append(Problem(item.location, ProblemCode.INVALID, message, item.title))
        else:
            rest.append(item)
            if isinstance(item, ImportedTodo):
                todos.by_id[item.foreign_id] = item
    result = lists
    for item in rest:
        if isinstance(item, Problem):
            result.append(item)
        elif isinstance(item, ImportedTodo) and item.foreign_id not in todos.depths:
            for todo in todos.line(item):
                result += todos.ordered(todo)
    return result


def _lost_parent(todo: ImportedTodo, message: str) -> Problem:
    return Problem(todo.location, ProblemCode.UNSUPPORTED, message, todo.title, is_loss=True)


def _without_parent(todo: ImportedTodo, parent: str) -> ImportedTodo:
    line = f"Subtask of: {parent}"
    description = f"{todo.description}\n\n{line}" if todo.description else line
    return replace(todo, parent_id=None, description=description)
