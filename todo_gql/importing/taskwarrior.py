"""Reading Taskwarrior's exports, as RFC 1 of its documents describes their JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import IO, Any, Final

from todo_gql.database.models import Priority, Status
from todo_gql.importing.contents import lines_of, read_bytes
from todo_gql.importing.drafts import Losses, foreign_id, titled
from todo_gql.importing.json_values import (
    JSONObject,
    dumped,
    json_object,
    objects,
    parse_json,
    string,
    strings,
)
from todo_gql.importing.moments import due_at, in_utc, parse_moment, rule_problem
from todo_gql.importing.records import (
    ImportedComment,
    ImportedDate,
    ImportedList,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)
from todo_gql.importing.taskwarrior_periods import rule_of

_STATUSES: Final = {
    "pending": Status.PENDING,
    "waiting": Status.PENDING,
    "recurring": Status.PENDING,
    "completed": Status.COMPLETED,
}
_PRIORITIES: Final = {"H": Priority.HIGH, "M": Priority.MEDIUM, "L": Priority.LOW}
# What says nothing about the todo itself, or is taken over under another name.
_KNOWN: Final = frozenset((
    "id", "uuid", "description", "status", "priority", "tags", "project", "due", "scheduled", "wait", "entry",
    "end", "start", "modified", "urgency", "annotations", "recur", "mask", "imask", "parent", "rtype",
    "depends", "until",
))  # fmt: skip
_MAX_EXTRAS: Final = 50


@dataclass
class _Series:
    """What the instances of a recurring task say about it."""

    next_due: str = ""
    completed: int = 0


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The tasks of an export, which is an array or has an object on each line, without deleted ones.

    Projects are lists, annotations comments. A recurring task is one todo, due when the first of its pending
    instances is; its instances are left out, with a problem for those that were completed. Raises
    `UnreadableFile`.
    """
    content = read_bytes(file)
    tasks = _array(content)
    all_series = _all_series(_tasks(content, tasks))
    lists = set[str]()
    for location, value in _tasks(content, tasks):
        if isinstance(value, str):
            yield Problem(location, ProblemCode.INVALID, value)
            continue
        if value.get("status") == "deleted" or string(value.get("parent")) in all_series:
            continue
        project = string(value.get("project")).strip()
        if project and project not in lists:
            lists.add(project)
            yield ImportedList(foreign_id(project), location, project)
        series = all_series.get(string(value.get("uuid")))
        if series and series.next_due:
            value = {**value, "due": series.next_due}  # noqa: PLW2901 # the same task, as it stands now
        yield from _todo(value, location, project, options)
        if series and series.completed:
            message = f"{series.completed} completed instances of this task aren't imported."
            title = titled(string(value.get("description")))
            yield Problem(location, ProblemCode.UNSUPPORTED, message, title[:200])


def _all_series(tasks: Iterable[tuple[str, JSONObject | str]]) -> dict[str, _Series]:
    """What is known of each recurring task of the file, by its id."""
    all_series, instances = dict[str, _Series](), list[tuple[str, str, str]]()
    for _, task in tasks:
        if not isinstance(task, dict):
            continue
        if parent := string(task.get("parent")):
            instances.append((parent, string(task.get("status")), string(task.get("due"))))
        elif task.get("status") == "recurring":
            all_series[string(task.get("uuid"))] = _Series()
    for parent, status, due in instances:
        if series := all_series.get(parent):
            series.completed += status == "completed"
            # All dates of a file are written alike, so that their texts sort as they do.
            if status in ("pending", "waiting") and due:
                series.next_due = min(due, series.next_due or due)
    return all_series


def _array(content: bytes) -> list[Any] | None:
    """The tasks of an array, or of a single object; None if there is an object on each line."""
    try:
        value = parse_json(content)
    except UnreadableFile:
        # An array with an error in it has none of its tasks on a line of its own.
        if content.count(b"}") <= 1 or b"}\n" not in content.replace(b"\r", b""):
            raise
        return None
    return value if isinstance(value, list) else [value]


def _tasks(content: bytes, tasks: list[Any] | None) -> Iterator[tuple[str, JSONObject | str]]:
    """Each task with its location, or what is wrong with it there."""
    if tasks is not None:
        return _checked((f"[{index}]", task) for index, task in enumerate(tasks))
    return _checked(_by_line(content))


def _by_line(content: bytes) -> Iterator[tuple[str, Any]]:
    for number, line in lines_of(content):
        location = f"line {number}"
        if line is None:
            yield location, "The line is too long."
        elif (text := line.strip().rstrip(",")) not in ("", "[", "]"):
            try:
                yield location, parse_json(text.encode("utf-8", "replace"))
            except UnreadableFile as error:
                yield location, str(error)


def _checked(values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, JSONObject | str]]:
    for location, value in values:
        if isinstance(value, (dict, str)):
            yield location, value
        else:
            yield location, "This is no task, which is a JSON object."


def _todo(task: JSONObject, location: str, project: str, options: ReadOptions) -> Iterator[Item]:
    title = titled(string(task.get("description")))
    losses = Losses(location, title)
    due = _date(task, "due", losses, options)
    start = _date(task, "scheduled", losses, options)
    status = _status(task, losses)
    start = _waiting(task, start, losses, options)
    rule = _rule(task, due, losses, options)
    metadata = _extras(task, losses)
    depends = task.get("depends")
    others = depends.split(",") if isinstance(depends, str) else strings(depends)
    if others:
        losses.add(
            "Depends on", ", ".join(others[:_MAX_EXTRAS]), "todos don't depend on each other"
        )
    if task.get("until") and not rule:
        losses.add("Until", string(task["until"]), "nothing expires by itself")
    yield ImportedTodo(
        foreign_id=_id(task, title),
        location=location,
        title=title,
        description=losses.described(None),
        status=status,
        priority=_PRIORITIES.get(string(task.get("priority"))),
        tags=tuple(dict.fromkeys(strings(task.get("tags")))),
        list_id=foreign_id(project) if project else None,
        due=due,
        start=start,
        rule=rule,
        created_at=_moment(task.get("entry"), options),
        completed_at=_moment(task.get("end"), options) if status == Status.COMPLETED else None,
        comments=tuple(_comments(task, options)),
        metadata=metadata,
    )
    yield from losses.problems


def _id(task: JSONObject, title: str) -> str:
    """Its id, or what makes a task the same without one."""
    uuid = string(task.get("uuid"))
    return (
        foreign_id(uuid.lower())
        if uuid
        else foreign_id("no-uuid", title, dumped(task.get("entry")))
    )


def _status(task: JSONObject, losses: Losses) -> Status:
    name = string(task.get("status")) or "pending"
    status = _STATUSES.get(name)
    if status is None:
        losses.add("Status", name, "it is not known", ProblemCode.INVALID)
        return Status.PENDING
    # A start is the moment when work on a pending task began.
    return Status.IN_PROGRESS if status == Status.PENDING and task.get("start") else status


def _moment(value: Any, options: ReadOptions) -> datetime | None:
    """A moment that is written in ISO 8601, or in seconds since 1970."""
    text = string(value).strip()
    if text.removesuffix(".0").isdecimal() and len(text) <= len("9999999999.0"):
        try:
            return in_utc(datetime.fromtimestamp(int(float(text)), UTC), options.zone)
        except ValueError:
            return None
    return parse_moment(text, options.zone)


def _date(task: JSONObject, key: str, losses: Losses, options: ReadOptions) -> ImportedDate | None:
    """A day if the moment is the zone's midnight, which is what Taskwarrior stores of a date."""
    value = task.get(key)
    if value in (None, ""):
        return None
    moment = _moment(value, options)
    if moment is None:
        losses.add(key.capitalize(), dumped(value), "it is no date", ProblemCode.INVALID)
        return None
    local = moment.astimezone(options.zone)
    return (
        ImportedDate(day=local.date()) if local.time() == time() else due_at(moment, options.zone)
    )


def _waiting(
    task: JSONObject, start: ImportedDate | None, losses: Losses, options: ReadOptions
) -> ImportedDate | None:
    """The start, which is until when a task waits if it isn't scheduled."""
    if not task.get("wait"):
        return start
    if start is None:
        return _date(task, "wait", losses, options)
    losses.add("Wait", string(task["wait"]), "the todo starts when it is scheduled")
    return start


def _rule(
    task: JSONObject, due: ImportedDate | None, losses: Losses, options: ReadOptions
) -> str | None:
    period = string(task.get("recur")).strip()
    if not period:
        return None
    rule = rule_of(period)
    if rule is None:
        problem: str | None = "no rule is known for it"
    elif task.get("status") == "completed":
        problem = "what is done doesn't repeat"
    else:
        if until := _moment(task.get("until"), options):
            rule = f"{rule};UNTIL={until:%Y%m%dT%H%M%SZ}"
        problem = rule_problem(rule, due, options.zone)
    if problem:
        losses.add("Recur", period, problem)
        return None
    return rule


def _extras(task: JSONObject, losses: Losses) -> dict[str, object]:
    """The attributes that users defined: small values as metadata, the others as losses."""
    extras: dict[str, object] = {}
    for key, value in task.items():
        if key in _KNOWN or value in (None, "", []):
            continue
        text = dumped(value)
        if len(extras) < _MAX_EXTRAS and len(key) <= 50 and len(text) <= 200:  # noqa: PLR2004 # "small"
            extras[key] = value
        else:
            losses.add(key[:50], text, "it is too large for metadata")
    return {"taskwarrior": extras} if extras else {}


def _comments(task: JSONObject, options: ReadOptions) -> Iterator[ImportedComment]:
    for annotation in objects(task.get("annotations")):
        body = string(annotation.get("description"))
        if body.strip():
            entry = string(annotation.get("entry"))
            yield ImportedComment(
                foreign_id(string(json_object(task).get("uuid")), "annotation", entry, body),
                body,
                _moment(entry, options),
            )
