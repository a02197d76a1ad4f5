"""Reading TickTick's backups, a CSV file with lines of its own before the header."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Final
from zoneinfo import ZoneInfo

from todo_gql.api.durations import Duration
from todo_gql.api.time_zones import UTC_ZONE
from todo_gql.database.models import Priority, Status
from todo_gql.importing.contents import read_bytes
from todo_gql.importing.csv_rows import Row, rows
from todo_gql.importing.drafts import MAX_TODOS, Losses, PathIds, foreign_id, titled
from todo_gql.importing.moments import day_of_midnight, due_at, parse_moment, rule_problem, zone_or
from todo_gql.importing.records import (
    ImportedDate,
    ImportedList,
    ImportedReminder,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
)

HEADER: Final = frozenset(("list name", "title", "due date", "status"))
_STATUSES: Final = {
    "-1": Status.CANCELLED,
    "0": Status.PENDING,
    "1": Status.COMPLETED,
    "2": Status.COMPLETED,
}
_PRIORITIES: Final = {
    "": None,
    "0": None,
    "1": Priority.LOW,
    "3": Priority.MEDIUM,
    "5": Priority.HIGH,
}
_INBOX: Final = "inbox"
_OPEN_ITEM, _DONE_ITEM = "▫", "▪"
_MAX_TAGS, _MAX_REMINDERS, _MAX_ITEMS = 100, 10, 500


@dataclass
class _Lists:
    """The lists of a file with their sections, and the ids of its tasks by their numbers in it."""

    sections: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The tasks of a backup; columns of boards are sections, items of checklists subtasks.

    A task's number is one of the backup alone, so that its list, title and moment of creation make its
    identity. Raises `UnreadableFile`.
    """
    content = read_bytes(file)
    lists = _lists(content)
    for (folder, name), sections in lists.sections.items():
        yield from _list(folder, name, tuple(sections))
    ids = PathIds()
    for row in rows(content, HEADER):
        if isinstance(row, Problem):
            yield row
        else:
            yield from _todo(row, _next_id(row, ids), lists, options)


def _lists(content: bytes) -> _Lists:
    lists, ids = _Lists(), PathIds()
    # Each row is a todo, and there are no more than these.
    for row in islice(rows(content, HEADER), MAX_TODOS):
        if isinstance(row, Row):
            if not _is_inbox(row):
                sections = lists.sections.setdefault((row["folder name"], row["list name"]), {})
                if section := row["column name"].strip():
                    sections[section] = None
            own_id = _next_id(row, ids)
            if row["taskid"]:
                lists.ids.setdefault(row["taskid"], own_id)
    return lists


def _next_id(row: Row, ids: PathIds) -> str:
    return ids.next(row["folder name"], row["list name"], row["title"], row["created time"])


def _is_inbox(row: Row) -> bool:
    return not row["folder name"] and row["list name"].strip().lower() in ("", _INBOX)


def _list(folder: str, name: str, sections: tuple[str, ...]) -> Iterator[Item]:
    losses = Losses(f"list {titled(name)[:100]}", titled(name))
    if folder:
        losses.add("Folder", folder, "lists stand in no folders")
    yield ImportedList(
        foreign_id=_list_id(folder, name),
        location=losses.location,
        name=losses.title,
        description=losses.described(None),
        sections=tuple((foreign_id(section), titled(section)) for section in sections),
    )
    yield from losses.problems


def _list_id(folder: str, name: str) -> str:
    return foreign_id("list", folder, name)


def _todo(row: Row, own_id: str, lists: _Lists, options: ReadOptions) -> Iterator[Item]:
    items, notes = _checklist(row)
    losses = Losses(row.location, titled(row["title"], notes))
    zone = zone_or(row["timezone"], options.zone)
    status = _status(row, losses)
    start, due = _dates(row, zone, losses)
    rule = _rule(row, due, status, zone, losses)
    list_id, section_id = _list_and_section(row, losses)
    priority = _priority(row, losses)
    reminders = tuple(_reminders(row, due, losses))
    completed_at = parse_moment(row["completed time"], UTC_ZONE)
    yield ImportedTodo(
        foreign_id=own_id,
        location=row.location,
        title=losses.title,
        description=losses.described(notes),
        status=status,
        priority=priority,
        tags=_tags(row["tags"]),
        list_id=list_id,
        section_id=section_id,
        parent_id=_parent_id(row, own_id, lists),
        due=due,
        start=start,
        rule=rule,
        created_at=parse_moment(row["created time"], UTC_ZONE),
        completed_at=completed_at if status == Status.COMPLETED else None,
        reminders=reminders,
    )
    yield from losses.problems
    ids = PathIds()
    for is_done, text in items:
        yield ImportedTodo(
            foreign_id=foreign_id(own_id, ids.next(text)),
            location=row.location,
            title=titled(text),
            status=Status.COMPLETED if is_done or status == Status.COMPLETED else Status.PENDING,
            list_id=list_id,
            parent_id=own_id,
        )


def _list_and_section(row: Row, losses: Losses) -> tuple[str | None, str | None]:
    """The ids of a task's list, None for the inbox, and of its section."""
    section = row["column name"].strip()
    if _is_inbox(row):
        if section:
            losses.add("Column", section, "the inbox has no sections")
        return None, None
    list_id = _list_id(row["folder name"], row["list name"])
    return list_id, foreign_id(section) if section else None


def _priority(row: Row, losses: Losses) -> Priority | None:
    name = row["priority"].strip()
    if name not in _PRIORITIES:
        losses.add("Priority", name, "there is no such priority", ProblemCode.INVALID)
    return _PRIORITIES.get(name)


def _checklist(row: Row) -> tuple[list[tuple[bool, str]], str]:
    """The items of a checklist, whether each is done, and the other lines of its content."""
    content = row["content"].replace("\r\n", "\n").replace("\r", "\n")
    items, others = list[tuple[bool, str]](), list[str]()
    if row["is check list"].strip().upper() != "Y":
        return items, content
    for line in content.split("\n"):
        text = line.strip()
        if (
            text.startswith((_OPEN_ITEM, _DONE_ITEM))
            and text[1:].strip()
            and len(items) < _MAX_ITEMS
        ):
            items.append((text[0] == _DONE_ITEM, text[1:].strip()))
        else:
            others.append(line)
    return items, "\n".join(others)


def _status(row: Row, losses: Losses) -> Status:
    name = row["status"].strip() or "0"
    if name not in _STATUSES:
        losses.add("Status", name, "there is no such status", ProblemCode.INVALID)
    return _STATUSES.get(name, Status.PENDING)


def _dates(
    row: Row, zone: ZoneInfo, losses: Losses
) -> tuple[ImportedDate | None, ImportedDate | None]:
    """Start and due date; a task with one date alone is due then."""
    start, due = _date(row, "start date", zone, losses), _date(row, "due date", zone, losses)
    if due is None or start == due:
        return None, due or start
    return start, due


def _date(row: Row, name: str, zone: ZoneInfo, losses: Losses) -> ImportedDate | None:
    text = row[name].strip()
    if not text:
        return None
    moment = parse_moment(text, UTC_ZONE)
    if moment is None:
        losses.add(name.capitalize(), text, "it is no date", ProblemCode.INVALID)
        return None
    if row["is all day"].strip().lower() == "true":
        return ImportedDate(day=day_of_midnight(moment, zone))
    return due_at(moment, zone)


def _rule(
    row: Row, due: ImportedDate | None, status: Status, zone: ZoneInfo, losses: Losses
) -> str | None:
    text = row["repeat"].strip()
    if not text:
        return None
    rule = text.upper().removeprefix("RRULE:")
    if status in (Status.COMPLETED, Status.CANCELLED):
        problem: str | None = "what is done doesn't repeat"
    else:
        problem = rule_problem(rule, due, zone)
    if problem:
        losses.add("Repeat", text, problem)
        return None
    return rule


def _tags(text: str) -> tuple[str, ...]:
    tags = (tag.strip().removeprefix("#") for tag in text.split(",", _MAX_TAGS)[:_MAX_TAGS])
    return tuple(dict.fromkeys(filter(None, tags)))


def _reminders(row: Row, due: ImportedDate | None, losses: Losses) -> Iterator[ImportedReminder]:
    """Reminders are offsets from the due date, several with commas between them."""
    for text in row["reminder"].split(",", _MAX_REMINDERS)[:_MAX_REMINDERS]:
        offset = text.strip().upper().removeprefix("TRIGGER:")
        if not offset:
            continue
        try:
            duration = Duration.parse(offset)
        except ValueError:
            losses.add("Reminder", text.strip(), "it is no duration", ProblemCode.INVALID)
            continue
        if due is None:
            losses.add("Reminder", text.strip(), "there is no due date to count from")
        else:
            yield ImportedReminder(offset=str(duration))


def _parent_id(row: Row, own_id: str, lists: _Lists) -> str | None:
    parent_id = lists.ids.get(row["parentid"].strip())
    return None if parent_id == own_id else parent_id
