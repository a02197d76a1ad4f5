"""Realistic histories of todos, and of the subtasks that some of them have."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.time_zones import LocalClock
from todo_gql.database.models import Priority, Status
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.actions import Edit, delete, restore, set_values
from todo_gql.features.todos.canonical_json import canonical_json
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.occurrences import CopyOf
from todo_gql.features.todos.recurring import due_of
from todo_gql.features.todos.reminder_inputs import ReminderDraft
from todo_gql.features.todos.state import TodoEdit, TodoState
from todo_gql.seeding.schedules import (
    TICK,
    first_dates,
    later_dates,
    reminder_drafts,
    repetition,
    soon,
    steps,
)
from todo_gql.seeding.vocabulary import ANYWHERE, AREAS, PEOPLE, Area

PRIORITIES = (
    (Priority.LOW,) * 5 + (Priority.MEDIUM,) * 9 + (Priority.HIGH,) * 4 + (Priority.URGENT,)
)
ESTIMATES = (5, 10, 15, 15, 30, 30, 30, 45, 60, 60, 90, 120, 180, 240, 480)
SOURCES = ("mail", "phone", "meeting", "chat")

REPEATING_PERCENT = 4

USUAL_SPAN = timedelta(days=100)
# How long ago the last changes were made.
LATELY = timedelta(days=3)
# How soon after a todo its subtasks are thought of.
SOON = timedelta(hours=2)


class Placement(NamedTuple):
    """A list, or a section of it, in which todos are created."""

    list_id: UUID
    section_id: UUID | None


class Placements(NamedTuple):
    """Where todos of each area are created: so many percent in one of these, the others in the inbox."""

    percent: float
    by_area: Mapping[Area, Sequence[Placement]]


INBOX = Placements(0, {})


class History(NamedTuple):
    """The changes of a todo in order, and what its owner is reminded of at last."""

    entries: list[Entry]
    reminders: Sequence[ReminderDraft] = ()
    copy_of: CopyOf | None = None

    @property
    def last(self) -> TodoState:
        """The todo as it is at last."""
        return self.entries[-1].after


def todo_histories(
    owner_id: UUID,
    number: int,
    since: datetime,
    until: LocalClock,
    random: Random,
    placements: Placements = INBOX,
    *,
    is_latest: bool = False,
) -> Iterator[History]:
    """The histories of todos between two times; the days and times of the latter's zone.

    A parent comes right before its subtasks. Of the latest ones some repeat, each right before the copies
    of its completed occurrences, and are due soon.
    """
    # In a short time everything goes faster, so that most of it is done by the end.
    pace = min(1.0, (until.now - since) / USUAL_SPAN)
    moments = sorted(_between(since, until.now, random) for _ in range(number))
    while moments:
        area, left = random.choice(AREAS), len(moments) - 1
        created = _initial_state(owner_id, area, LocalClock(moments[0], until.zone_name), random)
        created = _placed(created, area, placements, random)
        if is_latest and _chance(REPEATING_PERCENT, random):
            histories = _repeating(created, until, left, random)
        else:
            history = _history(created, until.now, pace, random)
            if is_latest:
                history += _put_off(history[-1].after, until, random)
            drafts = reminder_drafts(history[-1].after, until.now, random)
            subtasks = _subtasks(history, area, left, until.now, random)
            histories = [History(history, drafts), *map(History, subtasks)]
        yield from histories
        del moments[: len(histories)]


def _repeating(created: TodoState, until: LocalClock, most: int, random: Random) -> list[History]:
    """A repeating todo, and at most so many copies of its completed occurrences."""
    dates = {"due_at": None, "due_time_zone": None, "due_date": None, "start_date": None}
    dates |= repetition(created.created_at, until, most, random)
    entries, copies = [Entry(None, created._replace(**dates))], list[History]()
    for change, copy in steps(entries[0].after, until, most, random):
        assert change.before is not None
        copy_of = CopyOf(change.before.id, change.before.version)
        entries.append(change)
        copies.append(History([copy], copy_of=copy_of))
    return [History(entries, reminder_drafts(entries[-1].after, until.now, random)), *copies]


def _placed(todo: TodoState, area: Area, placements: Placements, random: Random) -> TodoState:
    if not _chance(placements.percent, random):
        return todo
    list_id, section_id = random.choice(placements.by_area[area])
    return todo._replace(list_id=list_id, section_id=section_id)


def _between(since: datetime, until: datetime, random: Random) -> datetime:
    return since + random.random() * (until - since)


def _chance(percent: float, random: Random) -> bool:
    return random.random() * 100 < percent


def _initial_state(owner_id: UUID, area: Area, clock: LocalClock, random: Random) -> TodoState:
    """A todo as it is created."""
    edit: TodoEdit = {
        "title": _text(random.choice(area.tasks), area, random),
        "priority": random.choice(PRIORITIES).value,
        "tags": _tags(area, random),
    }
    if _chance(55, random):
        remarks = random.sample(area.remarks, random.choice((1, 1, 2)))
        edit["description"] = " ".join(_text(remark, area, random) for remark in remarks)
    if _chance(65, random):
        edit |= first_dates(clock, random)
    if _chance(50, random):
        edit["estimated_minutes"] = random.choice(ESTIMATES)
    if _chance(30, random):
        edit["metadata"] = canonical_json(
            {"source": random.choice(SOURCES), "reference": str(_number(random))}
        )
    return TodoState.new(uuid7(), owner_id, edit, clock.now)


def _text(pattern: str, area: Area, random: Random) -> str:
    """A pattern with its placeholders filled in, also those in the thing."""
    thing = random.choice(area.things)
    text = pattern.replace("{thing}", thing).replace("{number}", str(_number(random)))
    return text.replace("{person}", random.choice(PEOPLE))


def _number(random: Random) -> int:
    return random.randint(1000, 99_999)


def _tags(area: Area, random: Random) -> tuple[str, ...]:
    """Two or three tags; the first ones of an area are the most used."""
    number = random.choice((2, 3))
    weights = [1 / rank for rank in range(1, len(area.tags) + 1)]
    tags = {area.tags[0], *random.choices(area.tags, weights)}
    while len(tags) < number:
        tags.add(random.choice((*area.tags, *ANYWHERE)))
    return tuple(sorted(tags))


def _history(created: TodoState, until: datetime, pace: float, random: Random) -> list[Entry]:
    """The changes of a todo until a moment."""
    entries = [Entry(None, created)]
    for days, edit in _plan(created, random):
        before = entries[-1].after
        delay = timedelta(days=random.expovariate(1 / days)) * pace
        now = before.updated_at + delay + TICK
        if now > until:
            break
        entries += _change(before, edit, now)
    return entries


def _put_off(todo: TodoState, until: LocalClock, random: Random) -> list[Entry]:
    """The change that puts off an open todo whose day is over: most are done later than planned."""
    is_late = todo.due_on is not None and todo.due_on < until.today
    is_open = todo.status in OPEN_STATUSES and not todo.deleted_at
    if not (is_late and is_open and _chance(60, random)):
        return []
    moment = _between(max(todo.updated_at + TICK, until.now - LATELY), until.now, random)
    return _change(todo, set_values(soon(todo, until, random)), moment)


def _change(before: TodoState, edit: Edit, now: datetime) -> list[Entry]:
    """The entry of an edit; none if it changes nothing."""
    after = edit(before, LocalClock(now))
    if not isinstance(after, TodoState) or after == before:
        return []
    return [Entry(before, after._replace(version=before.version + 1, updated_at=now))]


def _subtasks(
    parent: Sequence[Entry], area: Area, most: int, until: datetime, random: Random
) -> Iterator[list[Entry]]:
    """The histories of a todo's subtasks, if it has any: all are done when the parent is completed."""
    if any(entry.after.deleted_at for entry in parent) or not _chance(12, random):
        return
    first = parent[0].after
    done_at = [entry.after.updated_at for entry in parent if entry.after.completed_at]
    end = done_at[0] if done_at else until
    number = min(most, random.randint(2, len(area.steps)))
    for step in sorted(random.sample(area.steps, number), key=area.steps.index):
        now = first.created_at + random.random() * min(SOON, (end - first.created_at) / 4)
        edit: TodoEdit = {
            "title": _text(step, area, random),
            "priority": first.priority,
            "tags": first.tags,
        }
        created = TodoState.new(uuid7(), first.owner_id, edit, now)._replace(
            list_id=first.list_id, section_id=first.section_id, parent_id=first.id
        )
        history = [Entry(None, created)]
        if done_at or _chance(45, random):
            status = Status.CANCELLED if _chance(8, random) else Status.COMPLETED
            moment = _between(now + TICK, end, random)
            history += _change(created, set_values({"status": status.value}), moment)
        yield history


def _plan(todo: TodoState, random: Random) -> Sequence[tuple[float, Edit]]:
    """The planned edits of a todo, each with its mean delay in days."""
    plan: list[tuple[float, Edit]] = []
    if _chance(15, random):
        plan.append((3, set_values(_revision(todo, random))))
    outcome = random.choice(OUTCOMES)
    done: TodoEdit = {"status": Status.COMPLETED.value}
    if todo.estimated_minutes:
        done["actual_minutes"] = max(5, round(todo.estimated_minutes * random.uniform(0.5, 2)))
    steps: dict[str, tuple[float, Edit]] = {
        "start": (4, set_values({"status": Status.IN_PROGRESS.value})),
        "complete": (3, set_values(done)),
        "reopen": (2, set_values({"status": Status.PENDING.value})),
        "cancel": (12, set_values({"status": Status.CANCELLED.value})),
        "delete": (20, delete),
        "restore": (1, restore),
    }
    return [*plan, *(steps[step] for step in outcome.split())]


# The steps that a todo can go through, weighted by how often they are listed.
OUTCOMES = (
    *[""] * 2,
    *["start"] * 2,
    *["start complete"] * 12,
    *["complete"] * 6,
    *["cancel"] * 2,
    "start complete reopen start complete",
    "start complete delete",
    "delete restore start",
)


def _revision(todo: TodoState, random: Random) -> TodoEdit:
    """An edit before the work begins."""
    if due_of(todo) and _chance(60, random):
        return later_dates(todo)
    if todo.priority < Priority.URGENT:
        return {"priority": todo.priority + 1}
    return {"description": f"{todo.title}, and soon."}
