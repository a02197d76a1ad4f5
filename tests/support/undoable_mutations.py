"""Random calls of every mutation that changes todos, for what undo is to take back.

A mutation that isn't named here is missing in `test_every_mutation.py`, by name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from tests.support.accounts import Account
from tests.support.operations import field_of

THINGS = """{
  todos(first: 100) { nodes { id } }
  trash: todos(first: 100, filter: { isDeleted: true }) { nodes { id } }
  tags(first: 100) { nodes { id } }
  lists(first: 100) { nodes { id sections { id } } }
}"""
# Some with capital letters, which tags lose, and of several forms, of which titles keep their own.
NAMES = ["a", "b", "Home", "STRASSE", "Çay", "ﬁx", "x y"]
STATUSES = ["PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"]
PRIORITIES = ["LOW", "MEDIUM", "HIGH", "URGENT"]
RECURRENCES = [
    {"rule": "FREQ=DAILY", "timeZone": "Asia/Tokyo"},
    {"rule": "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=3", "catchesUp": True},
    {"rule": "FREQ=MONTHLY;UNTIL=20270131", "mode": "COMPLETION"},
]


@dataclass(frozen=True)
class Things:
    """The ids of what an account has."""

    todos: list[str]
    trash: list[str]
    tags: list[str]
    lists: list[str]
    sections: list[str]

    @classmethod
    async def of(cls, account: Account) -> "Things":
        """Everything that there is now."""
        data = await account.data(THINGS)
        lists = data["lists"]["nodes"]
        sections = [section["id"] for one in lists for section in one["sections"]]
        ids = [[node["id"] for node in page["nodes"]] for page in data.values()]
        todos, trash, tags, list_ids = ids
        return cls(todos, trash, tags, list_ids, sections)


Arguments: TypeAlias = Callable[[Random, Things], dict[str, Any] | None]
"""The arguments of a call; None if there is nothing that it could be about."""


def some(random: Random, items: list[str]) -> list[str]:
    """One or more of the items."""
    return random.sample(items, random.randint(1, min(4, len(items))))


def names(random: Random) -> list[str]:
    """Names of tags, or none."""
    return random.sample(NAMES, random.randint(0, 3))


def moment(random: Random) -> str | None:
    """A time to the microsecond, or none."""
    day, second, micro = random.randint(1, 28), random.randint(0, 59), random.randint(0, 999_999)
    return random.choice([None, f"2026-11-{day:02}T23:59:{second:02}.{micro:06}-05:30"])


def values(random: Random) -> dict[str, Any]:
    """Values of some fields of a todo, null where they can be cleared."""
    every: dict[str, Any] = {
        "title": random.choice(NAMES) + str(random.randint(0, 9)),
        "description": random.choice([None, "", " as\n typed ", "é" * 50]),
        "status": random.choice(STATUSES),
        "priority": random.choice(PRIORITIES),
        "dueAt": moment(random),
        "estimatedMinutes": random.choice([None, 0, 5]),
        "tags": names(random),
        "dueDate": random.choice([None, "2026-11-30", "2026-12-01"]),
        "dueTimeZone": random.choice([None, "Asia/Tokyo", "America/Lima"]),
        "startAt": random.choice([None, "2026-10-01T01:30:00Z"]),
        "startDate": random.choice([None, "2026-10-02"]),
        "metadata": random.choice([None, {}, {"b": [1, 1.0, 1e300, None], "a": {"é": "\u2028"}}]),
    }
    chosen = {name: every[name] for name in random.sample(sorted(every), random.randint(1, 8))}
    # A moment or a day, and a zone with the moment that it is of.
    for moment_name, day_name in (("dueAt", "dueDate"), ("startAt", "startDate")):
        if chosen.get(moment_name) and chosen.get(day_name):
            del chosen[day_name]
    if chosen.get("dueTimeZone") and not chosen.get("dueAt"):
        del chosen["dueTimeZone"]
    if random.random() < 0.3:
        chosen["recurrence"] = random.choice([None, *RECURRENCES])
    # Without a due date nothing repeats.
    elif None in (chosen.get("dueAt", ""), chosen.get("dueDate", "")):
        chosen["recurrence"] = None
    return chosen


def created(random: Random, things: Things) -> dict[str, Any]:
    """The values of a new todo, which may be a subtask."""
    to = {"parentId": random.choice([None, *things.todos])} if random.random() < 0.7 else None
    return {"title": "New", **values(random), "to": to}


def destination(random: Random, things: Things) -> dict[str, Any]:
    """Where todos are to be moved: to another parent or to none, and to a place in the order."""
    to: dict[str, Any] = {}
    if random.random() < 0.4:
        to["parentId"] = random.choice([None, *things.todos])
    elif random.random() < 0.5:
        to["listId"] = random.choice([None, *things.lists])
    elif things.sections:
        to["sectionId"] = random.choice([None, *things.sections])
    if not to or random.random() < 0.7:
        places = [{"first": True}, {"last": True}]
        anchors = [
            {side: random.choice(things.todos)} for side in ("before", "after") if things.todos
        ]
        to["place"] = random.choice([*places, *anchors])
    return {"to": to}


def on_todo(random: Random, things: Things) -> dict[str, Any] | None:
    """The id of a todo outside the trash."""
    return {"id": random.choice(things.todos)} if things.todos else None


def on_todos(random: Random, things: Things) -> dict[str, Any] | None:
    """The ids of todos outside the trash."""
    return {"ids": some(random, things.todos)} if things.todos else None


def on_trash(random: Random, things: Things) -> dict[str, Any] | None:
    """The ids of todos in the trash."""
    return {"ids": some(random, things.trash)} if things.trash else None


def on_tag(random: Random, things: Things) -> dict[str, Any] | None:
    """The id of a tag."""
    return {"id": random.choice(things.tags)} if things.tags else None


def on_list(random: Random, things: Things) -> dict[str, Any] | None:
    """The id of a list."""
    return {"id": random.choice(things.lists)} if things.lists else None


def on_section(random: Random, things: Things) -> dict[str, Any] | None:
    """The id of a section."""
    return {"id": random.choice(things.sections)} if things.sections else None


def with_more(arguments: Arguments, more: Callable[[Random, Things], dict[str, Any]]) -> Arguments:
    """The arguments with more of them."""

    def both(random: Random, things: Things) -> dict[str, Any] | None:
        found = arguments(random, things)
        return None if found is None else found | more(random, things)

    return both


def bulk_action(random: Random, _things: Things) -> dict[str, Any]:
    """One of the actions of a bulk update."""
    actions: list[dict[str, Any]] = [
        {"setStatus": random.choice(STATUSES)},
        {"setPriority": random.choice(PRIORITIES)},
        {"addTags": names(random)},
        {"removeTags": names(random)},
    ]
    return {"action": random.choice(actions), "onError": "SKIP_FAILED"}


UNDOABLE: dict[str, Arguments] = {
    "todoCreate": lambda random, things: {"input": created(random, things)},
    "todoUpdate": with_more(on_todo, lambda random, _things: {"input": values(random)}),
    "todoStart": on_todo,
    "todoComplete": on_todo,
    "todoDelete": on_todo,
    "todoRestore": lambda random, things: (
        {"id": random.choice(things.trash)} if things.trash else None
    ),
    "todoBulkCreate": lambda random, things: {
        "inputs": [created(random, things) for _ in range(random.randint(1, 3))]
    },
    "todoMove": with_more(on_todo, destination),
    "todoBulkMove": with_more(
        on_todos, lambda random, things: {**destination(random, things), "onError": "SKIP_FAILED"}
    ),
    "todoBulkUpdate": with_more(on_todos, bulk_action),
    "todoBulkDelete": on_todos,
    "todoBulkRestore": on_trash,
    "tagRename": with_more(on_tag, lambda random, _things: {"name": random.choice(NAMES)}),
    "tagDelete": on_tag,
    "listCreate": lambda random, _things: {"input": {"name": random.choice(NAMES)}},
    "listUpdate": with_more(
        on_list,
        lambda random, _things: {
            "input": {"isArchived": random.random() < 0.5, "color": "#00ff00"}
        },
    ),
    "listMove": with_more(on_list, lambda *_: {"place": {"first": True}}),
    "listDelete": on_list,
    "sectionCreate": lambda random, things: (
        {"listId": random.choice(things.lists), "name": "x"} if things.lists else None
    ),
    "sectionUpdate": with_more(
        on_section, lambda random, _things: {"name": random.choice(NAMES), "place": {"last": True}}
    ),
    "sectionDelete": on_section,
}
# It is tried after each of the others.
UNDO = "todoUndo"


async def call(account: Account, name: str, arguments: dict[str, Any]) -> str | None:
    """Call a mutation, and return what undoes it; None if it changed nothing."""
    field = field_of(("Mutation", name))
    defined = ", ".join(f"${each}: {field.args[each].type}" for each in arguments)
    given = ", ".join(f"{each}: ${each}" for each in arguments)
    document = f"mutation ({defined}) {{ p: {name}({given}) {{ undoCursor }} }}"
    cursor: str | None = (await account.data(document, **arguments))["p"]["undoCursor"]
    return cursor
