"""Subscriptions with a filter: a list that follows what is told equals the list that is loaded."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from tests.support.accounts import Account
from tests.support.operations import SCHEMA
from tests.support.subscribers import Socket, connected
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings

UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { errors { code } }
}
"""
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { errors { code } } }"
RENAME = "mutation ($id: ID!, $name: String!) { tagRename(id: $id, name: $name) { tag { id } } }"
LIST = "query ($filter: TodoFilter) { todos(filter: $filter, first: 100) { nodes { id title } } }"
PAST, FUTURE = ((datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (-1, 1))


async def told(one: Socket, account: Account) -> list[Any]:
    """The events until one that tells of a last todo, which every filter here matches."""
    last = await account.create(title="last", tags=["home"], status="PENDING", dueAt=PAST)
    events: list[Any] = []
    while not events or events[-1]["todoId"] != last["id"]:
        events += await one.changes(1)
    return events[:-1]


HOME: dict[str, Any] = {"tags": {"some": ["home"]}, "status": {"eq": "PENDING"}}


async def test_what_enters_and_leaves_is_told(account: Account, address: str) -> None:
    """A change has `matches` true while the todo is in the list, and false when it has left."""
    async with connected(address, account.token) as one:
        await one.subscribe(filter=HOME)
        await one.settled()
        todo = await account.create(title="A", tags=["home"])
        told = await one.changes(1)
        for values in (
            {"title": "B"},
            {"status": "COMPLETED"},
            {"status": "PENDING"},
            {"tags": ["work"]},
        ):
            await account.data(UPDATE, id=todo["id"], input=values)
            told += await one.changes(1)
    assert [event["matches"] for event in told] == [True, True, False, True, False]
    assert [event["todo"]["title"] for event in told] == ["A", "B", "B", "B", "B"]
    assert told[2]["todo"]["status"] == "COMPLETED"


async def test_what_never_was_in_the_list_is_not_told(account: Account, address: str) -> None:
    """A todo that never was in the list is not sent, even where the change touches the filter."""
    async with connected(address, account.token) as one:
        await one.subscribe(filter=HOME)
        await one.settled()
        todo = await account.create(title="A", tags=["work"])
        for values in ({"title": "B"}, {"status": "COMPLETED"}, {"tags": ["home"]}):
            await account.data(UPDATE, id=todo["id"], input=values)
        assert await told(one, account) == []


async def test_the_trash_is_outside_every_list_but_its_own(account: Account, address: str) -> None:
    """Deleting takes a todo from the one and adds it to the other; restoring does the opposite."""
    todo = await account.create(title="A")
    async with connected(address, account.token) as one:
        await one.subscribe(id="list", filter={})
        await one.subscribe(id="trash", filter={"isDeleted": True})
        await one.subscribe(id="all")
        await one.settled()
        for mutation, matches in ((DELETE, False), (RESTORE, True)):
            await account.data(mutation, id=todo["id"])
            events = [await one.next() for _ in range(3)]
            assert {
                event["id"]: event["payload"]["data"]["changes"]["matches"] for event in events
            } == {"list": matches, "trash": not matches, "all": True}


async def test_purged_todos_leave(account: Account, address: str) -> None:
    """Whoever catches up on the changes of a todo that is gone hears that it doesn't match."""
    start = (await account.data("{ changeCursor }"))["changeCursor"]
    todo = await account.create(title="A", tags=["home"])
    await account.data(DELETE, id=todo["id"])
    await fetch("DELETE FROM todos WHERE id = $1", UUID(todo["id"]))
    async with connected(address, account.token) as one:
        await one.subscribe(filter=HOME, after=start)
        events = await told(one, account)
    assert {(event["todoId"], event["matches"], event["todo"]) for event in events} == {
        (todo["id"], False, None)
    }


async def test_a_todo_with_a_long_history_is_told(account: Account, address: str) -> None:
    """What can't be worked out cheaply is told of rather than left out."""
    start = (await account.data("{ changeCursor }"))["changeCursor"]
    todo = await account.create(title="A", tags=["work"])
    await account.create_many([{"title": "B", "tags": ["work"]}] * 100)
    for number in range(101):
        await account.data(UPDATE, id=todo["id"], input={"title": str(number)})
    async with connected(address, account.token) as one:
        await one.subscribe(filter=HOME, after=start)
        events = await told(one, account)
    assert {(event["todoId"], event["matches"]) for event in events} == {(todo["id"], False)}


FILTERS: list[dict[str, Any]] = [
    HOME,
    {},
    {"isDeleted": True},
    {"not": {"status": {"in": ["COMPLETED", "CANCELLED"]}}},
    {"or": [{"priority": {"gte": "HIGH"}}, {"tags": {"isEmpty": True}}]},
    {"search": "O"},
    {"tags": {"every": ["home", "work"]}},
    {"tags": {"none": ["home"]}, "dueAt": {"isNull": False}},
    {"isOverdue": True},
    {"completedAt": {"gt": PAST}},
    {"updatedAt": {"gt": PAST}},
    {"search": None, "createdAt": {"lt": FUTURE}},
]


async def scramble(account: Account, todos: list[str], chance: random.Random) -> None:
    """Change some todo in some way."""
    id = chance.choice(todos)
    values: dict[str, Any] = {
        "status": chance.choice(["PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"]),
        "priority": chance.choice(["LOW", "HIGH"]),
        "tags": chance.sample(["home", "work", "garden"], chance.randint(0, 3)),
        "title": chance.choice(["two", "three", "Four"]),
        "dueAt": chance.choice([None, PAST, FUTURE]),
    }
    match chance.randint(0, 5):
        case 0:
            await account.data(DELETE, id=id)
        case 1:
            await account.data(RESTORE, id=id)
        case 2:
            todos.append((await account.create(**values))["id"])
        case _:
            name = chance.choice(list(values))
            await account.data(UPDATE, id=id, input={name: values[name]})


async def told_until(one: Socket, last: str) -> AsyncIterator[Any]:
    """The events of a subscription before those of a last todo."""
    while (event := (await one.changes(1))[0])["todoId"] != last:
        yield event


@pytest.mark.parametrize("wanted", FILTERS, ids=lambda wanted: "-".join(wanted) or "all")
async def test_a_list_that_follows_stays_right(
    wanted: dict[str, Any], account: Account, address: str
) -> None:
    """What a client has that loads once and then only follows is what it would load."""
    chance, last = random.Random(7), str(uuid4())
    trash = {"isDeleted": True} if "isDeleted" in wanted else {}
    rest = {name: value for name, value in wanted.items() if name not in trash}
    followed = {**trash, "or": [rest, {"id": {"eq": last}}]}
    todos = [(await account.create(title="one", tags=["home"]))["id"]]
    for _ in range(5):
        await scramble(account, todos, chance)
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    await scramble(account, todos, chance)
    loaded = (await account.data(LIST, filter=wanted))["todos"]["nodes"]
    listed = {todo["id"]: todo["title"] for todo in loaded}
    async with connected(address, account.token) as one:
        await one.subscribe(filter=followed, after=cursor)
        for _ in range(25):
            await scramble(account, todos, chance)
        await account.create(title="last", id=last)
        if trash:
            await account.data(DELETE, id=last)
        async for event in told_until(one, last):
            if event["matches"]:
                listed[event["todoId"]] = event["todo"]["title"]
            else:
                listed.pop(event["todoId"], None)
    final = (await account.data(LIST, filter=wanted))["todos"]["nodes"]
    assert listed == {todo["id"]: todo["title"] for todo in final if todo["id"] != last}


OPERANDS: dict[str, list[Any]] = {
    "Boolean": [True, False],
    "Date": [PAST[:10]],
    "DateTime": [PAST],
    "DayGroup": ["OVERDUE"],
    "ID": [str(uuid4())],
    "Int": [0],
    "String": ["home"],
    "TodoPriority": ["HIGH"],
    "TodoStatus": ["PENDING"],
}


def operands(type_: GraphQLInputType) -> list[Any]:
    """Values of a type: of an input object one for each of its fields and their values."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLInputObjectType):
        values = OPERANDS[named.name]
        return [values] if is_list_type(get_nullable_type(type_)) else values
    return [{name: value} for name, field in named.fields.items() for value in operands(field.type)]


def every_filter() -> list[dict[str, Any]]:
    """A filter for each part of TodoFilter and each operator that the part has."""
    todo_filter = SCHEMA.type_map["TodoFilter"]
    assert isinstance(todo_filter, GraphQLInputObjectType)
    return [
        {name: value}
        for name, field in todo_filter.fields.items()
        # A filter has `isDeleted` at its top level only.
        if get_named_type(field.type) is not todo_filter and name != "isDeleted"
        for value in operands(field.type)
    ]


async def matching(
    account: Account, address: str, wanted: list[dict[str, Any]], todo: str
) -> list[dict[str, Any]]:
    """Those of some filters that match a todo after a change, as their subscriptions say."""
    last, matched = str(uuid4()), set[str]()
    async with connected(address, account.token) as one:
        for number, filter_ in enumerate(wanted):
            followed = {"or": [filter_, {"id": {"eq": last}}]}
            await one.subscribe(id=str(number), filter=followed)
        await one.settled()
        home = {"title": "home", "tags": ["home"], "priority": "HIGH", "dueAt": PAST}
        await account.data(UPDATE, id=todo, input=home)
        await account.create(id=last)
        running = {str(number) for number in range(len(wanted))}
        while running:
            message = await one.next()
            assert message["type"] == "next", (wanted[int(message["id"])], message)
            change = message["payload"]["data"]["changes"]
            if change["todoId"] == last:
                running.remove(message["id"])
            elif change["matches"]:
                matched.add(message["id"])
    return [filter_ for number, filter_ in enumerate(wanted) if str(number) in matched]


async def test_every_filter_means_the_same_in_a_subscription_and_in_a_list(
    account: Account, address: str, settings: Settings
) -> None:
    """A todo that a subscription's filter matches after a change is in the list of that filter."""
    # One operation less than the most, for the one that waits for all others.
    wanted, size = every_filter(), settings.subscriptions_per_connection - 1
    for start in range(0, len(wanted), size):
        todo = (await account.create(title="one"))["id"]
        some = wanted[start : start + size]
        matched = await matching(account, address, some, todo)
        lists = [(await account.data(LIST, filter=filter_))["todos"]["nodes"] for filter_ in some]
        assert matched == [
            filter_
            for filter_, nodes in zip(some, lists, strict=True)
            if todo in [node["id"] for node in nodes]
        ]


SEARCHES = {
    "text": "y Mil",
    "words": "MILK bu",
    "letters": "lk",
    "script": "牛奶",
    "folded": "STRASSE",
    "similar": "milc",
}
IN_STREET = {"text", "words", "letters", "folded"}
# Values of a todo, one after the other, and the searches that find it then.
TEXTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"title": "Buy milk", "description": None}, {"text", "words", "letters"}),
    ({"title": "Milk, butter"}, {"words", "letters"}),
    ({"title": "Milc, butter"}, {"similar"}),
    ({"title": "Butter", "description": "of milk"}, {"words", "letters"}),
    ({"description": "买牛奶"}, {"script"}),
    ({"description": None}, set()),
    ({"title": "Main Straße", "description": "buy milk"}, IN_STREET),
    ({"status": "COMPLETED"}, IN_STREET),
    ({"title": "Silk", "description": "buffet"}, {"letters"}),
]


async def found_by(one: Socket, last: str) -> dict[str, list[bool]]:
    """What each search of SEARCHES says of changes before those of a last todo, as they come."""
    said, running = {id: list[bool]() for id in SEARCHES}, set(SEARCHES)
    while running:
        message = await one.next()
        change = message["payload"]["data"]["changes"]
        if change["todoId"] == last:
            running.remove(message["id"])
        else:
            said[message["id"]].append(change["matches"])
    return said


async def follow_searches(one: Socket, last: str, after: str | None = None) -> None:
    """Subscribe to each search of SEARCHES, and a last todo with it."""
    for name, text in SEARCHES.items():
        filter_ = {"or": [{"search": text}, {"id": {"eq": last}}]}
        await one.subscribe(id=name, filter=filter_, after=after)


async def test_a_search_follows_what_begins_and_ceases_to_match(
    account: Account, address: str
) -> None:
    """A subscription with a search sends each change before or after which the todo is found."""
    last, found = str(uuid4()), [names for _, names in TEXTS]
    todo = (await account.create(**TEXTS[0][0]))["id"]
    async with connected(address, account.token) as one:
        await follow_searches(one, last)
        await one.settled()
        said = {name: list[bool]() for name in SEARCHES}
        for (values, now), before in zip(TEXTS[1:], found, strict=False):
            await account.data(UPDATE, id=todo, input=values)
            # Changes that come together are compared with what the todo is after the last of them.
            for _ in now | before:
                message = await one.next()
                said[message["id"]].append(message["payload"]["data"]["changes"]["matches"])
        await account.create(id=last)
        assert await found_by(one, last) == {name: [] for name in SEARCHES}
    assert said == {
        name: [name in now for before, now in pairwise(found) if name in before | now]
        for name in SEARCHES
    }


async def test_a_search_catches_up_on_what_began_and_ceased_to_match(
    account: Account, address: str
) -> None:
    """A search that catches up sends the changes before which the todo was found, or all if it is now."""
    last, start = str(uuid4()), (await account.data("{ changeCursor }"))["changeCursor"]
    todo = (await account.create(**TEXTS[0][0]))["id"]
    for values, _ in TEXTS[1:]:
        await account.data(UPDATE, id=todo, input=values)
    await account.create(id=last)
    async with connected(address, account.token) as one:
        await follow_searches(one, last, start)
        said = await found_by(one, last)
    before, now = [set[str](), *(names for _, names in TEXTS[:-1])], TEXTS[-1][1]
    assert said == {
        name: [name in now for names in before if name in names | now] for name in SEARCHES
    }
