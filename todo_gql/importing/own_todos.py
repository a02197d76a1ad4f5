"""A todo of our own exports: names and values are those of the API."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from todo_gql.database.models import Priority, Status
from todo_gql.importing.drafts import Losses, foreign_id, titled
from todo_gql.importing.json_values import JSONObject, json_object, number, objects, string, strings
from todo_gql.importing.moments import due_at, parse_day, parse_moment, rule_problem, zone_or
from todo_gql.importing.records import (
    ImportedComment,
    ImportedDate,
    ImportedFile,
    ImportedReminder,
    ImportedTodo,
    Item,
    ProblemCode,
    ReadOptions,
)
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.rules import RuleError

Member = TypeVar("Member", Status, Priority)
_MAX_MINUTES: Final = 2**31 - 1
_COMPLETION, _START = "COMPLETION", "START"


def todo_of(
    value: JSONObject, location: str, paths: Mapping[str, str], options: ReadOptions
) -> Iterator[Item]:
    """A todo, and what has no home of it; `paths` are the archive's entries, by their paths in the export."""
    losses = Losses(location, titled(string(value.get("title"))))
    own_id = foreign_id(string(value.get("id")) or location)
    status = _member(Status, value, "status", losses) or Status.PENDING
    due, start = _date(value, "due", losses, options), _date(value, "start", losses, options)
    rule, from_completion = _rule(value, due, status, losses, options)
    priority = _member(Priority, value, "priority", losses)
    if assignee := string(value.get("assignee")):
        losses.add("Assigned to", assignee, "only members of a list are assigned")
    files = tuple(_files(value, paths, losses))
    parent_id = foreign_id(string(value.get("parentId"))) or None
    completed_at = parse_moment(string(value.get("completedAt")), options.zone)
    yield ImportedTodo(
        foreign_id=own_id,
        location=location,
        title=losses.title,
        description=losses.described(string(value.get("description"))),
        status=status,
        priority=priority,
        tags=tuple(dict.fromkeys(strings(value.get("tags")))),
        list_id=foreign_id(string(value.get("listId"))) or None,
        section_id=foreign_id(string(value.get("sectionId"))) or None,
        parent_id=None if parent_id == own_id else parent_id,
        due=due,
        start=start,
        rule=rule,
        from_completion=from_completion,
        created_at=parse_moment(string(value.get("createdAt")), options.zone),
        completed_at=completed_at if status == Status.COMPLETED else None,
        estimated_minutes=_minutes(value.get("estimatedMinutes")),
        actual_minutes=_minutes(value.get("actualMinutes")),
        reminders=tuple(_reminders(value, options)),
        comments=tuple(_comments(value, options)),
        files=files,
        metadata=json_object(value.get("metadata")),
    )
    yield from losses.problems


def _member(kind: type[Member], value: JSONObject, key: str, losses: Losses) -> Member | None:
    name = string(value.get(key))
    if name and name not in kind.__members__:
        losses.add(key.capitalize(), name, "it is not known", ProblemCode.INVALID)
    return kind[name] if name in kind.__members__ else None


def _date(
    value: JSONObject, name: str, losses: Losses, options: ReadOptions
) -> ImportedDate | None:
    if text := string(value.get(f"{name}Date")):
        if day := parse_day(text):
            return ImportedDate(day=day)
    elif text := string(value.get(f"{name}At")):
        if moment := parse_moment(text, options.zone):
            return due_at(moment, zone_or(string(value.get("dueTimeZone")), options.zone))
    else:
        return None
    losses.add(name.capitalize(), text, "it is no date", ProblemCode.INVALID)
    return None


def _rule(
    value: JSONObject,
    due: ImportedDate | None,
    status: Status,
    losses: Losses,
    options: ReadOptions,
) -> tuple[str | None, bool]:
    """The rule from the due date on, with as many repetitions as are left, and whether it counts from completion."""
    recurrence = json_object(value.get("recurrence"))
    rule = string(recurrence.get("rule"))
    if not rule:
        return None, False
    from_completion = recurrence.get("mode") == _COMPLETION
    if status in (Status.COMPLETED, Status.CANCELLED):
        problem: str | None = "what is done doesn't repeat"
    else:
        rule = _remaining(rule, number(recurrence.get("done")))
        problem = rule_problem(rule, due, options.zone, from_completion=from_completion)
    if problem:
        losses.add("Repeats", rule, problem)
        return None, False
    return rule, from_completion


def _remaining(text: str, done: int) -> str:
    """The rule without the repetitions that were done, at least one."""
    try:
        rule = parse_rule(text)
    except RuleError:
        return text
    if not rule.count or done <= 0:
        return text
    parts = (part for part in text.split(";") if not part.upper().startswith("COUNT="))
    return f"{';'.join(parts)};COUNT={max(1, rule.count - done)}"


def _minutes(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= _MAX_MINUTES else None


def _reminders(value: JSONObject, options: ReadOptions) -> Iterator[ImportedReminder]:
    for reminder in objects(value.get("reminders")):
        moment = parse_moment(string(reminder.get("at")), options.zone)
        if moment:
            yield ImportedReminder(at=moment)
        elif offset := string(reminder.get("offset")):
            yield ImportedReminder(offset=offset, from_start=reminder.get("anchor") == _START)


def _comments(value: JSONObject, options: ReadOptions) -> Iterator[ImportedComment]:
    for comment in objects(value.get("comments")):
        body, author = string(comment.get("body")), string(comment.get("author"))
        if body.strip():
            yield ImportedComment(
                foreign_id(string(comment.get("id")) or body),
                body if comment.get("isOwn") is True or not author else f"{author}: {body}",
                parse_moment(string(comment.get("createdAt")), options.zone),
            )


def _files(value: JSONObject, paths: Mapping[str, str], losses: Losses) -> Iterator[ImportedFile]:
    for file in objects(value.get("files")):
        name, path = string(file.get("fileName")) or "file", paths.get(string(file.get("path")))
        if path:
            comment_id = foreign_id(string(file.get("commentId"))) or None
            yield ImportedFile(foreign_id(string(file.get("id")) or path), name, path, comment_id)
        else:
            losses.add("File", name, "its content isn't in the archive")
