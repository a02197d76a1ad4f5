"""The rows of a Todoist project one after another: sections, tasks within tasks, and their notes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from todo_gql.database.models import Priority
from todo_gql.importing.csv_rows import Row
from todo_gql.importing.date_words import DateInWords, WordReader
from todo_gql.importing.drafts import Losses, PathIds, foreign_id, shown, titled
from todo_gql.importing.json_values import number
from todo_gql.importing.moments import zone_or
from todo_gql.importing.records import (
    ImportedComment,
    ImportedDate,
    ImportedFile,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
)
from todo_gql.importing.todoist_comments import comment_of

# 1 is the highest here, as it is for users; the API counts the other way round.
_PRIORITIES: Final = {
    "": Priority.URGENT,
    "1": Priority.URGENT,
    "2": Priority.HIGH,
    "3": Priority.MEDIUM,
    "4": Priority.LOW,
}
_AUTHOR_ID: Final = re.compile(r"\s?\([0-9]{1,20}\)\Z")
_UNCOMPLETABLE: Final = "* "
_MAX_INDENT: Final = 10
_MAX_ESTIMATE: Final = 1_000_000


@dataclass
class TaskReader:
    """Turns the rows of one project into todos; a task is given out when its notes are known.

    With `names_authors` each note says who wrote it. `files` are the names of the archive's entries.
    """

    project_id: str
    list_id: str | None
    prefix: str
    files: list[str]
    names_authors: bool
    words: WordReader
    options: ReadOptions
    _ids: PathIds = field(default_factory=PathIds)
    _section_ids: PathIds = field(default_factory=PathIds)
    _section: tuple[str, str] | None = None
    # The tasks that the next one may be a subtask of: id and path of titles, by their indents.
    _parents: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    _todo: ImportedTodo | None = None
    _losses: Losses | None = None
    _description: str = ""

    def items(self, row: Row) -> Iterator[Item]:
        """What is complete with a row: the task before it, or a problem."""
        kind = row["type"].strip().lower()
        match kind:
            case "task":
                yield from self.finish()
                self._begin(row)
            case "section":
                yield from self.finish()
                self._section = (
                    self._section_ids.next("section", row["content"]),
                    titled(row["content"]),
                )
                self._parents.clear()
            case "note":
                self._note(row)
            case "meta" | "":
                pass
            case _:
                message = f"“{shown(row['type'])}” is no type of rows that is known."
                yield Problem(f"{self.prefix}{row.location}", ProblemCode.INVALID, message)

    def finish(self) -> Iterator[Item]:
        """The task whose notes are complete, and what has no home of it."""
        if self._todo and self._losses:
            yield replace(self._todo, description=self._losses.described(self._description))
            yield from self._losses.problems
        self._todo = self._losses = None

    def _begin(self, row: Row) -> None:
        content = row["content"].strip()
        is_completable = not content.startswith(_UNCOMPLETABLE)
        text, tags = _labels(content if is_completable else content.removeprefix(_UNCOMPLETABLE))
        title = titled(text, row["description"])
        losses = Losses(f"{self.prefix}{row.location}", title)
        if not is_completable:
            losses.add("Uncompletable", "yes", "every todo can be completed")
        if row["responsible"].strip():
            losses.add(
                "Responsible", row["responsible"].strip(), "only members of a list are assigned"
            )
        priority = row["priority"].strip()
        if priority not in _PRIORITIES:
            losses.add("Priority", priority, "there is no such priority", ProblemCode.INVALID)
        if self._section and self.list_id is None:
            losses.add("Section", self._section[1], "the inbox has no sections")
        due, rule, from_completion = self._due(row, losses)
        parent, own_id = self._enter(row, title)
        self._losses, self._description = losses, row["description"]
        self._todo = ImportedTodo(
            foreign_id=own_id,
            location=losses.location,
            title=title,
            priority=_PRIORITIES.get(priority),
            tags=tags,
            list_id=self.list_id,
            section_id=self._section[0] if self._section and self.list_id else None,
            parent_id=parent,
            due=due,
            rule=rule,
            from_completion=from_completion,
            estimated_minutes=_estimate(row, losses),
        )

    def _enter(self, row: Row, title: str) -> tuple[str | None, str]:
        """A task's parent, by its indent, and its own id; it may be the parent of those that follow."""
        indent = min(max(number(row["indent"]), 1), _MAX_INDENT)
        del self._parents[indent - 1 :]
        parent_id, path = self._parents[-1] if self._parents else (None, (self.project_id,))
        own_path = (*path, title)
        own_id = self._ids.next(*own_path)
        self._parents.append((own_id, own_path))
        return parent_id, own_id

    def _due(self, row: Row, losses: Losses) -> tuple[ImportedDate | None, str | None, bool]:
        """The date in words with its rule, or else the deadline."""
        date, deadline = row["date"].strip(), row["deadline"].strip()
        due = self._in_words(row, "date") if date else None
        if date and due is None:
            losses.add("Date", date, "it isn't understood as a whole")
        if deadline:
            deadline_date = self._in_words(row, "deadline")
            if due is None and deadline_date:
                return deadline_date.due, None, False
            losses.add("Deadline", deadline, "a todo has one due date")
        return (due.due, due.rule, due.from_completion) if due else (None, None, False)

    def _in_words(self, row: Row, name: str) -> DateInWords | None:
        zone = zone_or(row["timezone"].strip(), self.options.zone)
        return self.words.read(row[name].strip(), row[f"{name}_lang"].strip(), zone)

    def _note(self, row: Row) -> None:
        """A note belongs to the task above it; those before the first task are the project's own."""
        if self._todo is None or self._losses is None:
            return
        comment = comment_of(row["content"])
        author = _AUTHOR_ID.sub("", row["author"].strip())
        body = f"{author}: {comment.body}" if self.names_authors and author else comment.body
        note_id = foreign_id(
            self._todo.foreign_id, self._ids.next(self._todo.foreign_id, row["content"])
        )
        files = tuple(
            ImportedFile(foreign_id(note_id, name), name, path, note_id)
            for name in comment.file_names
            if (path := self._path_of(name))
        )
        for name in comment.file_names:
            if not self._path_of(name):
                self._losses.add(
                    "File",
                    name,
                    "its content isn't part of the file",
                    at=f"{self.prefix}{row.location}",
                )
        comments = self._todo.comments
        if body.strip():
            comments = (*comments, ImportedComment(note_id, body))
        self._todo = replace(self._todo, comments=comments, files=(*self._todo.files, *files))

    def _path_of(self, file_name: str) -> str | None:
        return next((path for path in self.files if path.rpartition("/")[2] == file_name), None)


def _labels(content: str) -> tuple[str, tuple[str, ...]]:
    """A task's text and its labels, which stay in the text where other words follow."""
    words = content.split(" ")
    labels = [word[1:] for word in words if len(word) > 1 and word[0] == "@" and word[1:].strip()]
    while len(words) > 1 and words[-1][:1] == "@" and len(words[-1]) > 1:
        words.pop()
    return " ".join(words), tuple(dict.fromkeys(label.strip() for label in labels))


def _estimate(row: Row, losses: Losses) -> int | None:
    """The minutes of a duration; days are none."""
    duration, unit = row["duration"].strip(), row["duration_unit"].strip().lower()
    if not duration or duration == "None":
        return None
    minutes = number(duration)
    if unit in ("minute", "minutes") and 0 < minutes <= _MAX_ESTIMATE:
        return minutes
    losses.add("Duration", f"{duration} {unit}".strip(), "only minutes are estimated")
    return None
