"""Vikunja's tasks as todos: zero times are none, descriptions HTML, and repetitions seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from todo_gql.database.models import Priority, Status
from todo_gql.importing.drafts import Losses, foreign_id, titled
from todo_gql.importing.html_text import as_markdown
from todo_gql.importing.json_values import JSONObject, json_object, number, objects, string
from todo_gql.importing.moments import due_at, parse_moment, rule_problem
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

_PRIORITIES: Final = {
    1: Priority.LOW,
    2: Priority.MEDIUM,
    3: Priority.HIGH,
    4: Priority.URGENT,
    5: Priority.URGENT,
}
_AFTER_DUE, _MONTHLY, _AFTER_COMPLETION = 0, 1, 2
_DAY: Final = 24 * 60 * 60
_WEEK: Final = 7 * _DAY
_MAX_RELATED: Final = 20
_FROM_START: Final = "start_date"
_ANCHORS: Final = ("due_date", _FROM_START)


@dataclass(frozen=True)
class TaskReader:
    """Reads the tasks of one project; `parents` are those that parents themselves name, by their children."""

    list_id: str | None
    sections: frozenset[str]
    owner: str
    parents: dict[str, str]
    file_names: frozenset[str]
    options: ReadOptions

    def items(self, task: JSONObject, location: str) -> Iterator[Item]:
        """A task, and what has no home of it."""
        losses = Losses(location, titled(string(task.get("title"))))
        task_id = string(task.get("id"))
        is_done = task.get("done") is True
        due, start = self._date(task, "due_date"), self._date(task, "start_date")
        rule, from_completion = self._rule(task, due, is_done, losses)
        section_id = foreign_id("bucket", string(task.get("bucket_id")))
        self._describe(task, due, losses)
        reminders = tuple(self._reminders(task, due, start, losses))
        files = tuple(self._files(task, losses))
        yield ImportedTodo(
            foreign_id=foreign_id(task_id or location),
            location=location,
            title=losses.title,
            description=losses.described(as_markdown(string(task.get("description")))),
            status=Status.COMPLETED if is_done else Status.PENDING,
            priority=_PRIORITIES.get(number(task.get("priority"))),
            tags=_labels(task),
            list_id=self.list_id,
            section_id=section_id if section_id in self.sections else None,
            parent_id=self._parent_id(task, task_id),
            due=due,
            start=start,
            rule=rule,
            from_completion=from_completion,
            created_at=self._moment(task.get("created")),
            completed_at=self._moment(task.get("done_at")) if is_done else None,
            reminders=reminders,
            comments=tuple(self._comments(task)),
            files=files,
        )
        yield from losses.problems

    def _moment(self, value: Any) -> datetime | None:
        """A moment; None for the year 1, which stands for none."""
        return parse_moment(string(value), self.options.zone)

    def _date(self, task: JSONObject, key: str) -> ImportedDate | None:
        moment = self._moment(task.get(key))
        return due_at(moment, self.options.zone) if moment else None

    def _parent_id(self, task: JSONObject, task_id: str) -> str | None:
        related = json_object(task.get("related_tasks"))
        named = [string(each.get("id")) for each in objects(related.get("parenttask"))]
        parent = next(filter(None, named), None) or self.parents.get(task_id)
        return foreign_id(parent) if parent and parent != task_id else None

    def _rule(
        self, task: JSONObject, due: ImportedDate | None, is_done: bool, losses: Losses
    ) -> tuple[str | None, bool]:
        """The rule of a repetition, and whether it counts from completion."""
        mode, seconds = number(task.get("repeat_mode")), number(task.get("repeat_after"))
        if mode == _MONTHLY:
            rule, words = "FREQ=MONTHLY", "every month"
        elif seconds <= 0:
            return None, False
        else:
            words = f"every {seconds} seconds"
            rule = _interval(seconds)
        from_completion = mode == _AFTER_COMPLETION
        if is_done:
            problem: str | None = "what is done doesn't repeat"
        elif not rule:
            problem = "only whole days are counted"
        else:
            problem = rule_problem(rule, due, self.options.zone, from_completion=from_completion)
        if problem:
            losses.add("Repeats", words, problem)
            return None, False
        return rule, from_completion

    def _reminders(
        self,
        task: JSONObject,
        due: ImportedDate | None,
        start: ImportedDate | None,
        losses: Losses,
    ) -> Iterator[ImportedReminder]:
        for reminder in objects(task.get("reminders")):
            anchor, seconds = (
                string(reminder.get("relative_to")),
                number(reminder.get("relative_period")),
            )
            moment = self._moment(reminder.get("reminder"))
            if anchor in _ANCHORS and (start if anchor == _FROM_START else due):
                sign = "-" if seconds < 0 else ""
                yield ImportedReminder(
                    offset=f"{sign}PT{abs(seconds)}S", from_start=anchor == _FROM_START
                )
            elif moment:
                yield ImportedReminder(at=moment)
            else:
                losses.add(
                    "Reminder",
                    f"{seconds} seconds from {anchor or 'nothing'}",
                    "there is no such date",
                )
        # Before 0.21, reminders were moments alone.
        dates = task.get("reminder_dates")
        for value in dates if isinstance(dates, list) else ():
            if moment := self._moment(value):
                yield ImportedReminder(at=moment)
            else:
                losses.add("Reminder", string(value), "it is no date", ProblemCode.INVALID)

    def _comments(self, task: JSONObject) -> Iterator[ImportedComment]:
        for comment in objects(task.get("comments")):
            body = as_markdown(string(comment.get("comment")))
            author = json_object(comment.get("author"))
            name = string(author.get("name")) or string(author.get("username"))
            if name and string(author.get("username")) != self.owner:
                body = f"{name}: {body}"
            if body:
                comment_id = foreign_id("comment", string(comment.get("id")) or body)
                yield ImportedComment(comment_id, body, self._moment(comment.get("created")))

    def _files(self, task: JSONObject, losses: Losses) -> Iterator[ImportedFile]:
        for attachment in objects(task.get("attachments")):
            file = json_object(attachment.get("file"))
            name, path = string(file.get("name")), f"files/{string(file.get('id'))}"
            if path in self.file_names:
                attachment_id = foreign_id("attachment", string(attachment.get("id")) or path)
                yield ImportedFile(attachment_id, name or "file", path)
            else:
                losses.add("File", name or path, "its content isn't in the archive")

    def _describe(self, task: JSONObject, due: ImportedDate | None, losses: Losses) -> None:
        end = self._date(task, "end_date")
        if end and end.at and end != due:
            losses.add("End", end.at.isoformat(), "a todo has no end besides its due date")
        percent = task.get("percent_done")
        if isinstance(percent, (int, float)) and 0 < percent < 1:
            losses.add("Percent", f"{percent:.0%}", "progress comes from subtasks")
        people = [
            string(each.get("name")) or string(each.get("username"))
            for each in objects(task.get("assignees"))
        ]
        if people:
            losses.add("Assigned to", ", ".join(people), "only members of a list are assigned")
        for kind, others in list(json_object(task.get("related_tasks")).items())[:_MAX_RELATED]:
            titles = [string(other.get("title")) for other in objects(others)[:_MAX_RELATED]]
            if kind not in ("subtask", "parenttask") and titles:
                losses.add(
                    kind.capitalize()[:50], ", ".join(titles), "todos are related as parents only"
                )


def _interval(seconds: int) -> str:
    """The rule of an interval of whole weeks or days; empty for others."""
    if seconds % _WEEK == 0:
        return f"FREQ=WEEKLY;INTERVAL={seconds // _WEEK}"
    return f"FREQ=DAILY;INTERVAL={seconds // _DAY}" if seconds % _DAY == 0 else ""


def _labels(task: JSONObject) -> tuple[str, ...]:
    titles = (string(label.get("title")).strip() for label in objects(task.get("labels")))
    return tuple(dict.fromkeys(filter(None, titles)))
