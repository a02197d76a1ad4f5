"""Filters by where todos stand: in which list, section, and below which parent."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.subscribers import connected
from todo_gql.database.connection import fetch

TITLES = """
query ($filter: TodoFilter) { todos(filter: $filter, first: 100) { nodes { title } totalCount } }
"""
UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { errors { code } }
}
"""
NIL = str(UUID(int=0))


async def new_list(account: Account) -> str:
    """The id of a list just inserted."""
    [row] = await fetch(
        "INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at)"
        " VALUES (gen_random_uuid(), $1, 'List', gen_random_uuid(), 1, now(), now()) RETURNING id",
        UUID(account.id),
    )
    return str(row["id"])


async def new_section(account: Account, list_id: str) -> str:
    """The id of a section just inserted."""
    [row] = await fetch(
        "INSERT INTO sections (id, owner_id, list_id, name, position, version, created_at, updated_at)"
        " VALUES (gen_random_uuid(), $1, $2, 'S', gen_random_uuid(), 1, now(), now()) RETURNING id",
        UUID(account.id),
        UUID(list_id),
    )
    return str(row["id"])


async def put(todo: dict[str, Any], **columns: str) -> None:
    """Put a todo into a list or section, or below a parent."""
    for name, value in columns.items():
        await fetch(f"UPDATE todos SET {name} = $2 WHERE id = $1", UUID(todo["id"]), UUID(value))


async def titles(account: Account, **compared: Any) -> str:
    """The titles of what a filter matches, in order."""
    page = (await account.data(TITLES, filter=compared))["todos"]
    assert page["totalCount"] == len(page["nodes"])
    return "".join(sorted(node["title"] for node in page["nodes"]))


async def test_todos_are_filtered_by_list(account: Account) -> None:
    """One list, several, all but some, the inbox, and all but the inbox."""
    one, other = await new_list(account), await new_list(account)
    for title, list_id in (("A", one), ("B", one), ("C", other)):
        await put(await account.create(title=title), list_id=list_id)
    await account.create(title="I")
    for compared, expected in (
        ({"eq": one}, "AB"),
        ({"eq": one.upper()}, "AB"),
        ({"in": [one, other]}, "ABC"),
        ({"in": []}, ""),
        ({"notIn": [one]}, "CI"),
        ({"notIn": []}, "ABCI"),
        ({"isNull": True}, "I"),
        ({"isNull": False}, "ABC"),
        ({"isNull": False, "notIn": [one]}, "C"),
        ({"isNull": True, "eq": one}, ""),
        ({"eq": str(uuid4())}, ""),
        ({"eq": "no id"}, ""),
        ({"eq": NIL}, ""),
        ({"in": [NIL, other]}, "C"),
        ({"notIn": [NIL]}, "ABCI"),
        ({"eq": None}, "ABCI"),
        ({}, "ABCI"),
    ):
        assert (compared, await titles(account, listId=compared)) == (compared, expected)
    assert await titles(account, **{"not": {"listId": {"eq": one}}}) == "CI"
    assert await titles(account, listId={"eq": one}, search="b") == "B"


async def test_todos_are_filtered_by_section_and_parent(account: Account) -> None:
    """Todos without a parent are those at the top, and those without a section are in none."""
    list_id = await new_list(account)
    section = await new_section(account, list_id)
    todos = {title: await account.create(title=title) for title in "ABCI"}
    for title in "ABC":
        await put(todos[title], list_id=list_id)
    await put(todos["B"], section_id=section, parent_id=todos["A"]["id"])
    await put(todos["C"], parent_id=todos["A"]["id"])
    for field, compared, expected in (
        ("sectionId", {"eq": section}, "B"),
        ("sectionId", {"in": [section, "no id"]}, "B"),
        ("sectionId", {"isNull": True}, "ACI"),
        ("sectionId", {"notIn": [section]}, "ACI"),
        ("sectionId", {"isNull": False}, "B"),
        ("parentId", {"eq": todos["A"]["id"]}, "BC"),
        ("parentId", {"isNull": True}, "AI"),
        ("parentId", {"isNull": False}, "BC"),
        ("parentId", {"notIn": [todos["A"]["id"]]}, "AI"),
        ("parentId", {"eq": NIL}, ""),
    ):
        assert (field, compared, await titles(account, **{field: compared})) == (
            *(field, compared, expected),
        )
    assert await titles(account, listId={"eq": list_id}, parentId={"isNull": True}) == "A"


async def test_a_list_of_somebody_else_has_nothing_for_the_viewer(
    account: Account, new_account: NewAccount
) -> None:
    """Their ids match as little as unknown ones."""
    other = await new_account()
    list_id = await new_list(other)
    todo = await other.create(title="theirs")
    await put(todo, list_id=list_id)
    assert await titles(account, listId={"eq": list_id}) == ""
    assert await titles(account, parentId={"eq": todo["id"]}) == ""


@pytest.mark.parametrize("field", ["listId", "sectionId", "parentId"])
async def test_too_many_ids_are_refused(account: Account, field: str) -> None:
    """A list in a filter has at most 100 items."""
    error = await account.error(TITLES, filter={field: {"in": [str(uuid4())] * 101}})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_subscribers_follow_a_list(account: Account, address: str) -> None:
    """Changes of what stands elsewhere aren't sent."""
    list_id = await new_list(account)
    inside, outside = await account.create(title="in"), await account.create(title="out")
    await put(inside, list_id=list_id)
    async with connected(address, account.token) as one:
        await one.subscribe(id="list", filter={"listId": {"eq": list_id}})
        await one.subscribe(id="inbox", filter={"listId": {"isNull": True}})
        await one.settled()
        for todo in (outside, inside):
            await account.data(UPDATE, id=todo["id"], input={"title": "changed"})
        events = [await one.next() for _ in range(2)]
    sent = {event["id"]: event["payload"]["data"]["changes"]["todoId"] for event in events}
    assert sent == {"inbox": outside["id"], "list": inside["id"]}
