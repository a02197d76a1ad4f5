"""What is stored of a todo that was read: within all limits, and what doesn't fit in its description."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.durations import Duration
from todo_gql.api.errors import UserError
from todo_gql.api.text import REFUSED, REFUSED_IN_LINES, WHITE_SPACE, read_text
from todo_gql.api.text import Problem as TextProblem
from todo_gql.api.time_zones import LocalClock, TimeZoneName, time_zone, time_zone_names
from todo_gql.database.models import ReminderAnchor
from todo_gql.features.todos.dates import completed_edit, date_problem
from todo_gql.features.todos.fields import MAX_DESCRIPTION
from todo_gql.features.todos.metadata import metadata
from todo_gql.features.todos.recurrence_types import SentRecurrence
from todo_gql.features.todos.recurring import with_recurrence
from todo_gql.features.todos.reminder_inputs import MAX_OFFSET, MAX_REMINDERS, ReminderDraft
from todo_gql.features.todos.state import TodoEdit, TodoState, schedule_of
from todo_gql.features.todos.tag_names import MAX_TAGS, read_tag_name
from todo_gql.importing.records import (
    ImportedDate,
    ImportedReminder,
    ImportedTodo,
    Problem,
    ProblemCode,
)
from todo_gql.recurrence.recurrences import RecurrenceMode

MAX_TITLE: Final = 200
MAX_MINUTES: Final = 2**31 - 1
UNTITLED: Final = "Untitled"
ELLIPSIS: Final = "…"
CUT: Final = "\n[…]"


class TodoDraft:
    """A todo to be stored in a place that is yet to be chosen, with its reminders and problems."""

    def __init__(self, read: ImportedTodo, owner_id: UUID, clock: LocalClock) -> None:
        self.read = read
        self.clock = clock
        self.problems: list[Problem] = []
        self._lines: list[str] = []
        edit = self._edit()
        state = TodoState.new(uuid7(), owner_id, edit, clock.now)
        state = self._with_recurrence(state, edit)
        self.reminders = self._reminders()
        self.state = self._with_times(state)._replace(description=self._description())

    def lose(self, code: ProblemCode, message: str, line: str) -> None:
        """Report what has no home, and append it to the description."""
        self.problems.append(
            Problem(self.read.location, code, message, self.shown_title, is_loss=True)
        )
        self._lines.append(line)

    def lose_late(self, code: ProblemCode, message: str, line: str) -> None:
        """The same, once the draft is finished."""
        self.lose(code, message, line)
        self.state = self.state._replace(description=self._description())

    @property
    def shown_title(self) -> str:
        """The title for the report."""
        return shown(self.read.title)

    def _edit(self) -> TodoEdit:
        read = self.read
        edit: TodoEdit = {"title": self._title(), "status": read.status.value}
        if read.priority is not None:
            edit["priority"] = read.priority.value
        edit["tags"] = self._tags(read.tags)
        for name in ("estimated_minutes", "actual_minutes"):
            if (minutes := getattr(read, name)) is not None and 0 <= minutes <= MAX_MINUTES:
                edit[name] = minutes
        if read.metadata:
            errors: list[UserError] = []
            stored = metadata(read.metadata, errors)
            if errors:
                self.lose(
                    ProblemCode.TOO_LONG, errors[0].message, f"Metadata: {read.metadata}"[:2_000]
                )
            else:
                edit["metadata"] = stored
        return self._with_dates(edit)

    def _title(self) -> str:
        line = " ".join(REFUSED.sub(" ", self.read.title).split())
        title, problem = read_text(line, shortest=1, longest=MAX_TITLE)
        if problem is None:
            return title
        if len(line) > MAX_TITLE:
            message = f"The title has {len(line):,} characters; {MAX_TITLE} are allowed."
            self.lose(ProblemCode.TOO_LONG, message, line)
            title, problem = read_text(line[: MAX_TITLE - 1] + ELLIPSIS, longest=MAX_TITLE)
        return UNTITLED if problem or not title else title

    def _tags(self, names: Sequence[str]) -> tuple[str, ...]:
        stored: list[str] = []
        for name in names:
            errors: list[UserError] = []
            tag = read_tag_name(name, errors)
            if errors:
                code = (
                    ProblemCode[errors[0].code.name]
                    if len(name) > MAX_TAGS
                    else ProblemCode.INVALID
                )
                self.lose(code, f"This can't be a tag. {errors[0].message}", f"Tag: {shown(name)}")
            elif tag not in stored and len(stored) == MAX_TAGS:
                message = f"A todo has {MAX_TAGS} tags at most."
                self.lose(ProblemCode.TOO_MANY, message, f"Tag: {tag}")
            elif tag not in stored:
                stored.append(tag)
        return tuple(sorted(stored))

    def _with_dates(self, edit: TodoEdit) -> TodoEdit:
        """The edit with due date and start, as far as they go together."""
        due, start = self.read.due, self.read.start
        dated = edit | _date_values("due", due) | _date_values("start", start)
        if due and due.at and due.zone in time_zone_names():
            dated["due_time_zone"] = TimeZoneName(due.zone or "UTC")
        dated = completed_edit(dated, None, self.clock)
        state = TodoState.new(UUID(int=0), UUID(int=0), dated, self.clock.now)
        if date_problem(dated, None, state, self.clock):
            assert start
            message = "The start is after the due date, and left out."
            self.lose(ProblemCode.INVALID, message, f"Start: {start.day or start.at}")
            dated |= {"start_at": None, "start_date": None}
        return dated

    def _with_recurrence(self, state: TodoState, edit: TodoEdit) -> TodoState:
        read = self.read
        if read.rule is None:
            return state
        mode = RecurrenceMode.COMPLETION if read.from_completion else RecurrenceMode.SCHEDULE
        sent = SentRecurrence(read.rule, mode, None, catches_up=False)
        begun = with_recurrence(edit | {"recurrence": sent}, None, state, self.clock)
        if isinstance(begun, TodoState):
            return begun._replace(**schedule_of(begun))
        self.lose(ProblemCode.UNSUPPORTED, begun.message, f"Repeats: {shown(read.rule)}")
        return state

    def _with_times(self, state: TodoState) -> TodoState:
        """With when it was created and completed there; nothing lies in the future."""
        read, now = self.read, self.clock.now
        created = min(read.created_at or now, now)
        completed = min(read.completed_at, now) if read.completed_at else now
        return state._replace(
            created_at=created, completed_at=completed if state.completed_at else None
        )

    def _reminders(self) -> list[ReminderDraft]:
        drafts: list[ReminderDraft] = []
        for reminder in self.read.reminders:
            draft = self._reminder(reminder)
            if draft is None:
                continue
            if len(drafts) == MAX_REMINDERS:
                message = f"A todo has {MAX_REMINDERS} reminders at most."
                line = f"Reminder: {reminder.at or reminder.offset}"
                self.lose(ProblemCode.TOO_MANY, message, line)
            else:
                drafts.append(draft)
        return drafts

    def _reminder(self, read: ImportedReminder) -> ReminderDraft | None:
        """The reminder; None for one whose moment has passed, and for one that is lost."""
        if read.at is not None:
            return ReminderDraft(read.at) if read.at > self.clock.now else None
        try:
            offset = Duration.parse(read.offset or "")
            is_valid = abs(offset.total) <= MAX_OFFSET
        except (ValueError, OverflowError):
            is_valid = False
        if not is_valid:
            message = "The offset of a reminder can't be read, or is too long."
            self.lose(ProblemCode.INVALID, message, f"Reminder: {shown(read.offset or '')}")
            return None
        anchor = ReminderAnchor.START if read.from_start else ReminderAnchor.DUE
        return ReminderDraft(None, anchor.value, offset)

    def _description(self) -> str | None:
        """The description with what has no home behind it; cut where both don't fit."""
        text = REFUSED_IN_LINES.sub(" ", self.read.description or "").replace("\r\n", "\n")
        lines = "\n".join(REFUSED_IN_LINES.sub(" ", line) for line in self._lines)
        if len(text) + len(lines) + 2 > MAX_DESCRIPTION:
            lines = lines[: MAX_DESCRIPTION // 2]
            text = self._cut(text, MAX_DESCRIPTION - len(lines) - 2)
        whole = "\n\n".join(filter(None, [text, lines]))
        stored, problem = read_text(whole, longest=MAX_DESCRIPTION, multiline=True, as_typed=True)
        return None if problem or not stored.strip(WHITE_SPACE) else stored

    def _cut(self, text: str, longest: int) -> str:
        if len(text) <= longest:
            return text
        message = f"The description has {len(text):,} characters: its end is cut off."
        problem = Problem(self.read.location, ProblemCode.TOO_LONG, message, self.shown_title)
        if problem not in self.problems:
            self.problems.append(problem)
        return text[: longest - len(CUT)] + CUT


def problem_code(problem: TextProblem) -> ProblemCode:
    """The code of the report for a problem that the API has."""
    name = problem[0].name
    return ProblemCode[name] if name in ProblemCode.__members__ else ProblemCode.INVALID


def shown(text: str, longest: int = MAX_TITLE) -> str:
    """A text for the report, in one line."""
    line = " ".join(REFUSED.sub(" ", text[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + ELLIPSIS


def _date_values(name: str, read: ImportedDate | None) -> dict[str, Any]:
    if read is None:
        return {}
    if read.day is not None:
        return {f"{name}_date": read.day}
    at = read.at
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=time_zone(read.zone))
    return {f"{name}_at": at.astimezone(UTC) if at else None}
