"""Believable todos, and what becomes of them over the days."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.database.models import Priority, Status
from todo_gql.features.todos.actions import Edit, delete, restore, set_values
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoEdit, TodoState, canonical_json
from todo_gql.seeding.vocabulary import ANYWHERE, AREAS, PEOPLE, Area

PRIORITIES = (
    (Priority.LOW,) * 5 + (Priority.MEDIUM,) * 9 + (Priority.HIGH,) * 4 + (Priority.URGENT,)
)
ESTIMATES = (5, 10, 15, 15, 30, 30, 30, 45, 60, 60, 90, 120, 180, 240, 480)
SOURCES = ("mail", "phone", "meeting", "chat")

UNHURRIED = timedelta(days=100)


def lives(
    owner_id: UUID, number: int, since: datetime, until: datetime, random: Random
) -> Iterator[list[Entry]]:
    """The lives of so many todos, made and changed between two moments: each life's changes."""
    # In a short time everything goes faster, so that most of it is done by the end.
    pace = min(1.0, (until - since) / UNHURRIED)
    moments = sorted(_between(since, until, random) for _ in range(number))
    for moment in moments:
        yield _life(_written_down(owner_id, moment, random), until, pace, random)


def _between(since: datetime, until: datetime, random: Random) -> datetime:
    return since + random.random() * (until - since)


def _chance(percent: float, random: Random) -> bool:
    return random.random() * 100 < percent


def _written_down(owner_id: UUID, now: datetime, random: Random) -> TodoState:
    """A todo as somebody first writes it down."""
    area = random.choice(AREAS)
    edit: TodoEdit = {
        "title": _text(random.choice(area.tasks), area, random),
        "priority": random.choice(PRIORITIES).value,
        "tags": _tags(area, random),
    }
    if _chance(55, random):
        remarks = random.sample(area.remarks, random.choice((1, 1, 2)))
        edit["description"] = " ".join(_text(remark, area, random) for remark in remarks)
    if _chance(65, random):
        edit["due_at"] = _evening(now + timedelta(days=random.randint(1, 30)))
    if _chance(50, random):
        edit["estimated_minutes"] = random.choice(ESTIMATES)
    if _chance(30, random):
        edit["metadata"] = canonical_json(
            {"source": random.choice(SOURCES), "reference": str(_number(random))}
        )
    return TodoState.new(uuid7(), owner_id, edit, now)


def _text(pattern: str, area: Area, random: Random) -> str:
    """A pattern with its gaps filled, those of the thing in it, too."""
    thing = random.choice(area.things)
    text = pattern.replace("{thing}", thing).replace("{number}", str(_number(random)))
    return text.replace("{person}", random.choice(PEOPLE))


def _number(random: Random) -> int:
    return random.randint(1000, 99_999)


def _evening(moment: datetime) -> datetime:
    return moment.replace(hour=18, minute=0, second=0, microsecond=0)


def _tags(area: Area, random: Random) -> tuple[str, ...]:
    """Two or three tags; the first ones of an area are the most used."""
    number = random.choice((2, 3))
    weights = [1 / place for place in range(1, len(area.tags) + 1)]
    tags = {area.tags[0], *random.choices(area.tags, weights)}
    while len(tags) < number:
        tags.add(random.choice((*area.tags, *ANYWHERE)))
    return tuple(sorted(tags))


def _life(created: TodoState, until: datetime, pace: float, random: Random) -> list[Entry]:
    """What becomes of a todo up to a moment."""
    entries = [Entry(None, created)]
    for days, edit in _plan(created, random):
        before = entries[-1].after
        delay = timedelta(days=random.expovariate(1 / days)) * pace
        now = before.updated_at + delay + timedelta(microseconds=1)
        if now > until:
            break
        after = edit(before, now)
        if isinstance(after, TodoState) and after != before:
            changed = after._replace(version=before.version + 1, updated_at=now)
            entries.append(Entry(before, changed))
    return entries


def _plan(todo: TodoState, random: Random) -> Sequence[tuple[float, Edit]]:
    """What is to happen to a todo, each after so many days on the average."""
    plan: list[tuple[float, Edit]] = []
    if _chance(15, random):
        plan.append((3, set_values(_second_thought(todo, random))))
    fate = random.choice(FATES)
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
    return [*plan, *(steps[step] for step in fate.split())]


# What becomes of a todo in the end, each as often as it stands here.
FATES = (
    *[""] * 2,
    *["start"] * 2,
    *["start complete"] * 12,
    *["complete"] * 6,
    *["cancel"] * 2,
    "start complete reopen start complete",
    "start complete delete",
    "delete restore start",
)


def _second_thought(todo: TodoState, random: Random) -> TodoEdit:
    """A change of mind before anything is done."""
    if todo.due_at and _chance(60, random):
        return {"due_at": todo.due_at + timedelta(days=7)}
    if todo.priority < Priority.URGENT:
        return {"priority": todo.priority + 1}
    return {"description": f"{todo.title}, and soon."}
