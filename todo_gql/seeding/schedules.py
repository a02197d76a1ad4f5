"""When seeded todos are due and start, how some repeat, and what people are reminded of."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from todo_gql.api.durations import Duration
from todo_gql.api.time_zones import LocalClock, TimeZoneName, day_of, time_zone
from todo_gql.database.models import ReminderAnchor, Status
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.actions import set_values
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.recurring import due_of, step_of
from todo_gql.features.todos.reminder_inputs import ReminderDraft
from todo_gql.features.todos.state import TodoEdit, TodoState, sorted_json
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import RecurrenceMode

DAY_ONLY_PERCENT = 60
ELSEWHERE_PERCENT = 8
START_PERCENT = 25
REMINDED_PERCENT = 60
ELSEWHERE = ("America/New_York", "Asia/Tokyo", "Australia/Sydney", "Europe/London")
HOURS = (9, 11, 14, 16, 18)

MAX_PAST = 5
"""How many occurrences of a todo were completed at most."""

# Each with about how many days lie between two occurrences.
INTERVALS = {
    "FREQ=DAILY": 1,
    "FREQ=DAILY;INTERVAL=3": 3,
    "FREQ=WEEKLY": 7,
    "FREQ=MONTHLY": 30,
    "FREQ=YEARLY": 365,
}
RULES = INTERVALS | {
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": 1,
    "FREQ=WEEKLY;BYDAY=MO,TH": 4,
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA": 14,
    "FREQ=MONTHLY;BYMONTHDAY=-1": 30,
    "FREQ=MONTHLY;BYDAY=1MO": 30,
}
OF_A_MOMENT: tuple[str, ...] = ("-PT1H", "-PT15M", "-P1D")
OF_A_DAY: tuple[str, ...] = ("PT9H", "-PT15H")
TICK = timedelta(microseconds=1)


class Step(NamedTuple):
    """A todo that goes on with its next occurrence, and the copy of the one that is completed."""

    change: Entry
    copy: Entry


def first_dates(clock: LocalClock, random: Random) -> TodoEdit:
    """When a new todo is due, in a day to a month, and when some start: most on days, others at times."""
    day = clock.today + timedelta(days=random.randint(1, 30))
    dates = due_on(day, clock.zone_name, random)
    if _chance(START_PERCENT, random):
        dates["start_date"] = max(clock.today, day - timedelta(days=random.randint(1, 7)))
    return dates


def due_on(day: date, zone_name: str | None, random: Random) -> TodoEdit:
    """A due date on this day: the day itself, or a time of it in the person's zone or elsewhere."""
    if _chance(DAY_ONLY_PERCENT, random):
        return {"due_date": day}
    name = random.choice(ELSEWHERE) if _chance(ELSEWHERE_PERCENT, random) else zone_name or "UTC"
    local = datetime.combine(day, time(random.choice(HOURS)), time_zone(name))
    return {"due_at": local.astimezone(UTC), "due_time_zone": name}


def later_dates(todo: TodoState) -> TodoEdit:
    """The due date of a todo put off by a week."""
    name = "due_at" if todo.due_at else "due_date"
    return {name: getattr(todo, name) + timedelta(days=7)}


def soon(todo: TodoState, clock: LocalClock, random: Random) -> TodoEdit:
    """The due date of a todo put off to one of the days from today on, at its time if it has one."""
    day = clock.today + timedelta(days=random.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 9)))
    if todo.due_at is None:
        return {"due_date": day}
    zone = time_zone(todo.due_time_zone)
    clock_time = todo.due_at.astimezone(zone).time()
    return {"due_at": datetime.combine(day, clock_time, zone).astimezone(UTC)}


def repetition(created_at: datetime, clock: LocalClock, most: int, random: Random) -> TodoEdit:
    """How a todo repeats that was created at a moment, so that some occurrences are over by now.

    There are at most so many of these, and the next one is due within a week.
    """
    mode = random.choice((RecurrenceMode.SCHEDULE, *RecurrenceMode))
    rules = RULES if mode == RecurrenceMode.SCHEDULE else INTERVALS
    rule, days = random.choice(list(rules.items()))
    past = timedelta(days=days * random.randint(0, min(most, MAX_PAST)))
    soon = clock.today + timedelta(days=random.randint(0, 6))
    day = max(day_of(created_at, clock.zone) + timedelta(days=1), soon - past)
    due = due_on(day, clock.zone_name, random)
    first = due.get("due_at") or due["due_date"]
    zone_name = TimeZoneName(due.get("due_time_zone") or clock.zone_name or "UTC")
    recurrence, moved_to = begin(rule, mode, zone_name, first)
    if moved_to:
        due |= {"due_at": moved_to.at} if moved_to.at else {"due_date": moved_to.date}
    return due | {"recurrence": sorted_json(recurrence.to_json())}


def steps(todo: TodoState, clock: LocalClock, most: int, random: Random) -> Iterator[Step]:
    """The completions of a repeating todo until the clock's moment: each on the day on which it was due."""
    for _ in range(min(most, MAX_PAST)):
        moment = max(_done_at(todo, clock, random), todo.updated_at + TICK)
        if moment > clock.now:
            return
        at_that_moment = LocalClock(moment, clock.zone_name)
        completed = set_values({"status": Status.COMPLETED.value})(todo, at_that_moment)
        assert isinstance(completed, TodoState)
        step = step_of(todo, completed, at_that_moment)
        if step is None:
            return
        moved = step.todo._replace(version=todo.version + 1, updated_at=moment)
        yield Step(Entry(todo, moved), Entry(None, step.occurrence))
        todo = moved


def _done_at(todo: TodoState, clock: LocalClock, random: Random) -> datetime:
    due = due_of(todo)
    assert due is not None
    if isinstance(due, datetime):
        return due - random.random() * timedelta(hours=3)
    return clock.start_of(due) + timedelta(hours=random.uniform(8, 20))


def reminder_drafts(todo: TodoState, now: datetime, random: Random) -> Sequence[ReminderDraft]:
    """What the owner of a todo is reminded of: before some open ones are due, or on that morning."""
    due = due_of(todo)
    if due is None or todo.status not in OPEN_STATUSES or todo.deleted_at:
        return ()
    if isinstance(due, datetime):
        is_ahead, offsets = due > now, OF_A_MOMENT
    else:
        is_ahead, offsets = due > now.date(), OF_A_DAY
    if not is_ahead or not _chance(REMINDED_PERCENT, random):
        return ()
    chosen = random.sample(offsets, random.choice((1, 1, 2)))
    return [ReminderDraft(None, ReminderAnchor.DUE.value, Duration.parse(text)) for text in chosen]


def _chance(percent: float, random: Random) -> bool:
    return random.random() * 100 < percent
