"""Todos of all kinds, and filters of all kinds, by a random number generator."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from tests.support.accounts import Account
from tests.support.lists import make_list, put_in_list
from todo_gql.database.connection import fetch

STATUSES = ("PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED")
PRIORITIES = ("LOW", "MEDIUM", "HIGH", "URGENT")
GROUPS = ("OVERDUE", "TODAY", "TOMORROW", "NEXT_7_DAYS", "LATER", "NONE")
TAGS = ("a", "b", "c")


async def varied_todos(account: Account, now: datetime, random: Random, number: int = 60) -> str:
    """Make todos due at moments, on dates and never, some at the same; returns a list that has some."""
    made = await account.create_many([_varied(now, random) for _ in range(number)])
    dated = [UUID(todo["id"]) for todo in made if random.random() < 0.4]
    days = [now.date() + timedelta(random.randrange(-4, 12)) for _ in dated]
    await fetch(
        "UPDATE todos t SET due_at = NULL, due_date = n.day"
        " FROM unnest($1::uuid[], $2::date[]) AS n (id, day) WHERE t.id = n.id",
        dated,
        days,
    )
    list_id = str((await make_list(account))["id"])
    await put_in_list(account, [todo["id"] for todo in random.sample(made, number // 3)], list_id)
    return list_id


def _varied(now: datetime, random: Random) -> dict[str, Any]:
    due_at = now + timedelta(hours=6 * random.randrange(-20, 60))
    return {
        "title": "x",
        "status": random.choice(STATUSES),
        "priority": random.choice(PRIORITIES),
        "tags": random.sample(TAGS, random.randrange(len(TAGS))),
        "dueAt": due_at.isoformat() if random.random() < 0.6 else None,
    }


def varied_filter(now: datetime, random: Random, list_id: str, depth: int = 1) -> dict[str, Any]:
    """A filter by one to three fields, with other filters in it."""
    moment = (now + timedelta(hours=random.randrange(-30, 100))).isoformat()
    day = (now.date() + timedelta(random.randrange(-3, 9))).isoformat()
    parts: list[dict[str, Any]] = [
        {"status": {"in": random.sample(STATUSES, random.randrange(1, 4))}},
        {"status": {"eq": random.choice(STATUSES[:2])}},
        {"status": {"notIn": random.sample(STATUSES, 2)}},
        {"priority": {random.choice(("gte", "lte")): random.choice(PRIORITIES)}},
        {"tags": {random.choice(("some", "none")): random.sample(TAGS, 2)}},
        {"listId": random.choice(({"eq": list_id}, {"isNull": True}))},
        {"dueAt": {random.choice(("lt", "lte", "gt", "gte")): moment}},
        {"dueAt": {"isNull": random.choice((True, False))}},
        {"due": {"in": random.sample(GROUPS, random.randrange(1, 4))}},
        {"due": {"in": ["OVERDUE", *random.sample(GROUPS, random.randrange(3))]}},
        {"due": {"isNull": random.choice((True, False))}},
        {"due": {random.choice(("gte", "lte")): day}},
        {"due": {"gteDays": random.randrange(-2, 3), "lteDays": random.randrange(1, 9)}},
        {"isOverdue": random.choice((True, False))},
    ]
    chosen: dict[str, Any] = {}
    for part in random.sample(parts, random.randrange(1, 4)):
        chosen |= part
    if depth < 3 and random.random() < 0.5:
        inner = [varied_filter(now, random, list_id, depth + 1) for _ in range(2)]
        chosen |= random.choice(({"and": inner}, {"or": inner}, {"not": inner[0]}))
    return chosen
