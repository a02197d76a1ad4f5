"""What tests of imports share: reading bytes with a reader, and the fixtures of the checkout and beside it."""

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from todo_gql.importing.records import (
    ImportedList,
    ImportedTodo,
    Problem,
    Reader,
    ReadOptions,
)

# Real files of other programs stand beside the checkout, or above its work tree, where it is developed.
SHARED = next(
    (
        folder
        for parent in Path(__file__).parents[3:]
        if (folder := parent / "shared" / "fixtures").is_dir()
    ),
    Path(__file__).parents[3] / "shared" / "fixtures",
)
OWN = Path(__file__).parents[1] / "importing" / "fixtures"
BERLIN = ZoneInfo("Europe/Berlin")
CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass
class Import:
    """What a reader gave, sorted by what it is."""

    lists: list[ImportedList] = field(default_factory=list)
    todos: list[ImportedTodo] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """The titles of the todos, in their order."""
        return [todo.title for todo in self.todos]

    @property
    def losses(self) -> list[Problem]:
        """What went into descriptions."""
        return [problem for problem in self.problems if problem.is_loss]

    @property
    def failures(self) -> list[Problem]:
        """What wasn't imported."""
        return [problem for problem in self.problems if not problem.is_loss]

    def todo(self, title: str) -> ImportedTodo:
        """The only todo of a title."""
        (todo,) = [each for each in self.todos if each.title == title]
        return todo


def imported(
    read: Reader,
    content: bytes | str,
    *,
    name: str = "file",
    zone: ZoneInfo = BERLIN,
    now: datetime = NOW,
) -> Import:
    """What a reader reads from bytes, or from a text in UTF-8."""
    raw = content.encode() if isinstance(content, str) else content
    result = Import()
    for item in read(io.BytesIO(raw), ReadOptions(name, zone, now)):
        match item:
            case ImportedList():
                result.lists.append(item)
            case ImportedTodo():
                result.todos.append(item)
            case Problem():
                result.problems.append(item)
    return result


def fixtures(pattern: str) -> list[Path]:
    """The files of a pattern, both of the checkout and beside it."""
    return [path for folder in (OWN, SHARED) for path in sorted(folder.glob(pattern))]
