"""Reading Microsoft To Do as Graph has it: todoTask and todoTaskList of its API, version 1.0."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, Final

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from todo_gql.database.models import Priority, Status
from todo_gql.importing.contents import read_bytes
from todo_gql.importing.drafts import Losses, PathIds, foreign_id, titled
from todo_gql.importing.html_text import as_markdown
from todo_gql.importing.json_values import (
    JSONObject,
    dumped,
    json_object,
    objects,
    parse_json,
    string,
    strings,
)
from todo_gql.importing.microsoft_recurrence import rule_of
from todo_gql.importing.moments import (
    day_of_midnight,
    parse_day,
    parse_moment,
    rule_problem,
    zone_or,
)
from todo_gql.importing.records import (
    ImportedDate,
    ImportedList,
    ImportedReminder,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)

_STATUSES: Final = {
    "notStarted": Status.PENDING,
    "inProgress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "waitingOnOthers": Status.PENDING,
    "deferred": Status.PENDING,
}
_PRIORITIES: Final = {"high": Priority.HIGH, "normal": None, "low": Priority.LOW}
# Seven digits of a second, of which datetime has six.
_FRACTION: Final = re.compile(r"\.[0-9]+")
_INBOX: Final = "defaultList"


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The tasks of an answer of Graph: one, a list of them, `{value: []}`, or lists with their tasks.

    Checklist items are subtasks. Raises `UnreadableFile`.
    """
    value = parse_json(read_bytes(file))
    if not isinstance(value, (dict, list)):
        raise UnreadableFile("The file has no tasks of Microsoft To Do.")
    ids = PathIds()
    yield from _entries(value, "", None, options, ids)


def _entries(
    value: Any, location: str, list_id: str | None, options: ReadOptions, ids: PathIds
) -> Iterator[Item]:
    """What a value has: an answer, a list, a task, or several of these."""
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _entry(entry, f"{location}[{index}]", list_id, options, ids)
    elif any(isinstance(value.get(key), list) for key in ("value", "lists")) and not _is_list(
        value
    ):
        for key in ("lists", "value"):
            if isinstance(value.get(key), list):
                yield from _entries(value[key], _joined(location, key), list_id, options, ids)
    else:
        yield from _entry(value, location or "the only value", list_id, options, ids)


def _entry(
    value: Any, location: str, list_id: str | None, options: ReadOptions, ids: PathIds
) -> Iterator[Item]:
    if not isinstance(value, dict):
        yield Problem(location, ProblemCode.INVALID, "This is neither a task nor a list.")
    elif "@removed" in value:
        return
    elif _is_list(value):
        yield from _list(value, location, options, ids)
    elif value.get("title") is None and value.get("id") is None:
        yield Problem(location, ProblemCode.INVALID, "This is neither a task nor a list.")
    else:
        yield from _todo(value, location, list_id, options, ids)


def _is_list(value: JSONObject) -> bool:
    return "displayName" in value and "title" not in value


def _joined(location: str, key: str) -> str:
    return f"{location}.{key}" if location else key


def _list(value: JSONObject, location: str, options: ReadOptions, ids: PathIds) -> Iterator[Item]:
    name = titled(string(value.get("displayName")))
    list_id = None
    # The list that everybody has is the inbox here.
    if value.get("wellknownListName") != _INBOX:
        list_id = foreign_id(string(value.get("id")) or ids.next("list", name))
        yield ImportedList(list_id, location, name)
    tasks = value.get("tasks")
    if isinstance(tasks, dict):
        tasks = tasks.get("value")
    if tasks is None:
        tasks = value.get("value")
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        task_location = f"{location}.tasks[{index}]"
        # Lists have no lists in them, so that this goes no deeper.
        if isinstance(task, dict) and not _is_list(task):
            yield from _entry(task, task_location, list_id, options, ids)
        else:
            yield Problem(task_location, ProblemCode.INVALID, "This is no task.")


def _todo(
    task: JSONObject, location: str, list_id: str | None, options: ReadOptions, ids: PathIds
) -> Iterator[Item]:
    title = titled(string(task.get("title")))
    losses = Losses(location, title)
    own_id = foreign_id(string(task.get("id")) or ids.next(list_id or "", title))
    status_name = string(task.get("status")) or "notStarted"
    status = _STATUSES.get(status_name, Status.PENDING)
    if status_name not in _STATUSES or status_name in ("waitingOnOthers", "deferred"):
        losses.add("Status", status_name, "there is no such status")
    due = _day(task, "dueDateTime", losses, options)
    start = _day(task, "startDateTime", losses, options)
    rule = _rule(task, due, status, losses, options)
    for link in objects(task.get("linkedResources")):
        words = " ".join(filter(None, (string(link.get(key)) for key in ("displayName", "webUrl"))))
        losses.add("Link", words or string(link.get("applicationName")), "todos have no links")
    for attachment in objects(task.get("attachments")):
        losses.add("File", string(attachment.get("name")), "its content isn't part of the file")
    reminders = tuple(_reminders(task, losses, options))
    yield ImportedTodo(
        foreign_id=own_id,
        location=location,
        title=title,
        description=losses.described(_body(json_object(task.get("body")))),
        status=status,
        priority=_PRIORITIES.get(string(task.get("importance"))),
        tags=tuple(dict.fromkeys(strings(task.get("categories")))),
        list_id=list_id,
        due=due,
        start=start,
        rule=rule,
        created_at=_stamp(task.get("createdDateTime"), options),
        completed_at=(
            _moment(task.get("completedDateTime"), options) if status == Status.COMPLETED else None
        ),
        reminders=reminders,
    )
    yield from losses.problems
    yield from _checklist(task, location, own_id, list_id, options)


def _checklist(
    task: JSONObject, location: str, parent_id: str, list_id: str | None, options: ReadOptions
) -> Iterator[Item]:
    ids = PathIds()
    for index, item in enumerate(objects(task.get("checklistItems"))):
        is_checked = item.get("isChecked") is True
        title = titled(string(item.get("displayName")))
        yield ImportedTodo(
            foreign_id=foreign_id(parent_id, string(item.get("id")) or ids.next(title)),
            location=f"{location}.checklistItems[{index}]",
            title=title,
            status=Status.COMPLETED if is_checked else Status.PENDING,
            list_id=list_id,
            parent_id=parent_id,
            created_at=_stamp(item.get("createdDateTime"), options),
            completed_at=_stamp(item.get("checkedDateTime"), options) if is_checked else None,
        )


def _body(body: JSONObject) -> str:
    content = string(body.get("content"))
    return as_markdown(content) if body.get("contentType") == "html" else content


def _stamp(value: Any, options: ReadOptions) -> datetime | None:
    return parse_moment(_FRACTION.sub("", string(value)[:40]), options.zone)


def _moment(value: Any, options: ReadOptions) -> datetime | None:
    """The moment of a dateTimeTimeZone, whose zone may have Windows' name or that of the IANA database."""
    fields = json_object(value)
    name = string(fields.get("timeZone"))
    zone = zone_or(WINDOWS_TO_OLSON.get(name, name), options.zone)
    return parse_moment(_FRACTION.sub("", string(fields.get("dateTime"))[:40]), zone)


def _day(task: JSONObject, key: str, losses: Losses, options: ReadOptions) -> ImportedDate | None:
    """The day of a date, which is stored as the midnight of wherever it was set."""
    fields = json_object(task.get(key))
    if not fields:
        return None
    text, name = string(fields.get("dateTime")), string(fields.get("timeZone"))
    moment = _moment(fields, options)
    if moment is None:
        losses.add(
            key.removesuffix("DateTime").capitalize(),
            text or str(fields),
            "it is no date",
            ProblemCode.INVALID,
        )
        return None
    # In a zone of its own, the date is the one that is written.
    if name not in ("", "UTC") and (day := parse_day(text[:10])):
        return ImportedDate(day=day)
    return ImportedDate(day=day_of_midnight(moment, options.zone))


def _rule(
    task: JSONObject, due: ImportedDate | None, status: Status, losses: Losses, options: ReadOptions
) -> str | None:
    recurrence = json_object(task.get("recurrence"))
    if not recurrence:
        return None
    rule, words = rule_of(recurrence)
    if rule is None:
        problem: str | None = "no rule is known for it"
    elif status == Status.COMPLETED:
        problem = "what is done doesn't repeat"
    else:
        problem = rule_problem(rule, due, options.zone)
    if problem:
        losses.add("Repeats", words, problem)
        return None
    return rule


def _reminders(
    task: JSONObject, losses: Losses, options: ReadOptions
) -> Iterator[ImportedReminder]:
    if task.get("isReminderOn") is not True or "reminderDateTime" not in task:
        return
    moment = _moment(task["reminderDateTime"], options)
    if moment:
        yield ImportedReminder(at=moment)
    else:
        text = dumped(task["reminderDateTime"])
        losses.add("Reminder", text, "it is no date", ProblemCode.INVALID)
