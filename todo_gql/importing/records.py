"""The form that every format is read into: lists, todos, and the problems met on the way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from typing import IO, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from todo_gql.database.models import Priority, Status


class ProblemCode(Enum):
    """Why something isn't taken over as it was, by names that the schema has."""

    INVALID = "INVALID"
    TOO_LONG = "TOO_LONG"
    TOO_MANY = "TOO_MANY"
    UNSUPPORTED = "UNSUPPORTED"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that couldn't be read, or has no home here.

    `location` is where it stands in the file, such as `line 12` or `tasks[3].due`. With `is_loss`, it belongs to
    a todo that is imported, and its text is kept in the todo's description; otherwise the thing itself isn't
    imported.
    """

    location: str
    code: ProblemCode
    message: str
    title: str | None = None
    is_loss: bool = False


@dataclass(frozen=True, slots=True)
class ImportedList:
    """A list; `foreign_id` identifies it in its source. Sections come in their order, by id and name."""

    foreign_id: str
    location: str
    name: str
    description: str | None = None
    color: str | None = None
    sections: tuple[tuple[str, str], ...] = ()
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class ImportedDate:
    """A day, or a moment with the zone that its wall clock is in; exactly one of `day` and `at` is set."""

    day: date | None = None
    at: datetime | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedReminder:
    """A moment, or an ISO 8601 offset from the due date or, with `from_start`, from the start."""

    at: datetime | None = None
    offset: str | None = None
    from_start: bool = False


@dataclass(frozen=True, slots=True)
class ImportedComment:
    """A comment; whoever wrote it is named in the body if it was somebody else."""

    foreign_id: str
    body: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file of a todo within the archive that is imported, by its path there.

    `comment_id` is the id in the source of the todo's comment that it belongs to.
    """

    foreign_id: str
    file_name: str
    path: str
    comment_id: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedTodo:
    """A todo; a parent stands before its children in the order of the file or not.

    Titles and texts are as in the source: whoever stores them cuts what is too long, and reports it.
    `rule` is an RFC 5545 RRULE; with `from_completion` it repeats from when a todo is done.
    """

    foreign_id: str
    location: str
    title: str
    description: str | None = None
    status: Status = Status.PENDING
    priority: Priority | None = None
    tags: tuple[str, ...] = ()
    list_id: str | None = None
    section_id: str | None = None
    parent_id: str | None = None
    due: ImportedDate | None = None
    start: ImportedDate | None = None
    rule: str | None = None
    from_completion: bool = False
    created_at: datetime | None = None
    completed_at: datetime | None = None
    estimated_minutes: int | None = None
    actual_minutes: int | None = None
    reminders: tuple[ImportedReminder, ...] = ()
    comments: tuple[ImportedComment, ...] = ()
    files: tuple[ImportedFile, ...] = ()
    metadata: dict[str, object] = field(default_factory=dict)


Item: TypeAlias = ImportedList | ImportedTodo | Problem


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader has to know beside the file: its name, and the zone of times that name none.

    `now` is the moment that dates in words count from, such as tomorrow.
    """

    file_name: str
    zone: ZoneInfo
    now: datetime = field(default_factory=partial(datetime.now, UTC))


class UnreadableFile(ValueError):
    """The whole file can't be read; the message says why, in words for users."""


class Reader(Protocol):
    """Reads one format."""

    def __call__(self, file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
        """What the file has, lists before what is in them; raises `UnreadableFile`.

        What can't be read of it is a `Problem`, and the rest goes on.
        """
