"""Sections of a list."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.lists import (
    assert_counted,
    make_list,
    make_section,
    make_todos,
    put_in_list,
    write_list,
    write_section,
)
from todo_gql.database.connection import fetch
from todo_gql.features.lists import bulk_changes
from todo_gql.features.lists.section_actions import MAX_SECTIONS

CREATE = "sectionCreate(listId: $listId, name: $name)"
CREATE_AT = "sectionCreate(listId: $listId, name: $name, place: $place)"
UPDATE = "sectionUpdate(id: $id, name: $name, place: $place)"
DELETE = "sectionDelete(id: $id)"


async def names(account: Account, list_id: str) -> list[str]:
    """The names of a list's sections in their order."""
    query = "query ($id: ID!) { node(id: $id) { ... on TodoList { sections { name } } } }"
    return [one["name"] for one in (await account.data(query, id=list_id))["node"]["sections"]]


async def test_sections_come_in_their_order(account: Account) -> None:
    """A new section stands last or where it is put, and moves among those of its list."""
    made, other = await make_list(account), await make_list(account)
    await make_section(account, other["id"], "other")
    a = await make_section(account, made["id"], " a ")
    b = await make_section(account, made["id"], "b")
    assert (a["name"], a["version"], a["list"]) == ("a", 1, {"id": made["id"]})
    place = {"before": b["id"]}
    await write_section(account, CREATE_AT, listId=made["id"], name="c", place=place)
    assert await names(account, made["id"]) == ["a", "c", "b"]
    moved = await write_section(
        account, "sectionUpdate(id: $id, place: $place)", id=a["id"], place={"last": True}
    )
    assert (moved["section"]["name"], moved["section"]["version"]) == ("a", 2)
    assert await names(account, made["id"]) == ["c", "b", "a"]
    both = await write_section(account, UPDATE, id=a["id"], name="x", place={"first": True})
    assert both["section"]["version"] == 3
    assert await names(account, made["id"]) == ["x", "c", "b"]
    again = await write_section(account, UPDATE, id=a["id"], name="x", place={"first": True})
    assert again == both


async def test_a_section_is_refused_at_the_path_of_what_is_wrong(
    account: Account, stranger: Account
) -> None:
    """Unknown lists, sections and neighbours are NOT_FOUND, and names have rules."""
    made, other = await make_list(account), await make_list(account)
    section, elsewhere = (
        await make_section(account, made["id"]),
        await make_section(account, other["id"]),
    )
    theirs = await make_list(stranger)
    tries: list[tuple[str, dict[str, Any], str, list[str]]] = [
        (CREATE, {"listId": theirs["id"], "name": "x"}, "NOT_FOUND", ["listId"]),
        (CREATE, {"listId": "nonsense", "name": "x"}, "NOT_FOUND", ["listId"]),
        (CREATE, {"listId": made["id"], "name": " "}, "TOO_SHORT", ["name"]),
        (CREATE, {"listId": made["id"], "name": "x" * 121}, "TOO_LONG", ["name"]),
        (
            CREATE_AT,
            {"listId": made["id"], "name": "x", "place": {"after": elsewhere["id"]}},
            "NOT_FOUND",
            ["place", "after"],
        ),
        (
            "sectionUpdate(id: $id, name: $name)",
            {"id": str(uuid4()), "name": "x"},
            "NOT_FOUND",
            ["id"],
        ),
        (
            "sectionUpdate(id: $id, name: $name)",
            {"id": section["id"], "name": None},
            "REQUIRED",
            ["name"],
        ),
        (
            "sectionUpdate(id: $id, name: $name)",
            {"id": section["id"], "name": "\t"},
            "TOO_SHORT",
            ["name"],
        ),
        (
            "sectionUpdate(id: $id, place: $place)",
            {"id": section["id"], "place": {"before": elsewhere["id"]}},
            "NOT_FOUND",
            ["place", "before"],
        ),
        (
            "sectionUpdate(id: $id, name: $name, expectedVersion: $version)",
            {"id": section["id"], "name": "x", "version": 2},
            "CONFLICT",
            ["expectedVersion"],
        ),
        (DELETE, {"id": made["id"]}, "NOT_FOUND", ["id"]),
    ]
    for call, variables, code, path in tries:
        payload = await write_section(account, call, **variables)
        assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, path)]
    assert await names(account, made["id"]) == ["Section"]


async def test_a_list_has_a_hundred_sections_at_most(account: Account) -> None:
    """One more is TOO_MANY, and deleted ones don't count."""
    made = await make_list(account)
    one = await make_section(account, made["id"])
    await fetch(
        "INSERT INTO sections (id, owner_id, list_id, name, position, version, created_at, updated_at)"
        " SELECT gen_random_uuid(), $1, $2, 'x', 'z' || n, 1, now(), now()"
        " FROM generate_series(2, $3) AS n",
        *(UUID(account.id), UUID(made["id"]), MAX_SECTIONS),
    )
    payload = await write_section(account, CREATE, listId=made["id"], name="x")
    assert [(e["code"], e["path"]) for e in payload["errors"]] == [("TOO_MANY", ["listId"])]
    await write_section(account, DELETE, id=one["id"])
    await make_section(account, made["id"])


@pytest.mark.parametrize("batch", [2, 5_000])
async def test_deleting_a_section_keeps_its_todos(
    account: Account, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its todos stay in the list, in no section, each by a change of its own."""
    monkeypatch.setattr(bulk_changes, "BATCH_SIZE", batch)
    made = await make_list(account)
    section, other = [await make_section(account, made["id"], name) for name in ("a", "b")]
    ids = await make_todos(account, 5, made["id"])
    await put_in_list(account, ids[:3], made["id"], section["id"])
    await put_in_list(account, ids[3:4], made["id"], other["id"])
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=ids[2])
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    payload = await write_section(account, DELETE, id=section["id"])
    assert (payload["section"]["id"], payload["errors"]) == (section["id"], [])
    query = """query ($id: ID!, $after: String) {
      node(id: $id) { ... on TodoList { sections { id } todos { nodes { id section { id } } } } }
      changes(after: $after) { nodes { todoId action fields { name before after } } }
    }"""
    data = await account.data(query, id=made["id"], after=cursor)
    assert data["node"]["sections"] == [{"id": other["id"]}]
    assert data["node"]["todos"]["nodes"] == [
        {"id": ids[0], "section": None},
        {"id": ids[1], "section": None},
        {"id": ids[3], "section": {"id": other["id"]}},
        {"id": ids[4], "section": None},
    ]
    field = {"name": "sectionId", "before": section["id"], "after": None}
    assert data["changes"]["nodes"] == [
        {"todoId": id, "action": "UPDATED", "fields": [field]} for id in ids[:3]
    ]
    await assert_counted(account, made["id"])


async def test_sections_go_with_their_list(account: Account) -> None:
    """A list comes back from the trash with its sections, and its todos in them."""
    made = await make_list(account)
    section = await make_section(account, made["id"])
    [todo_id] = await make_todos(account, 1, made["id"])
    await put_in_list(account, [todo_id], made["id"], section["id"])
    await write_list(account, "listDelete(id: $id)", id=made["id"])
    restored = await write_list(account, "listRestore(id: $id)", id=made["id"])
    assert restored["list"]["sections"] == [{"id": section["id"], "name": "Section"}]
    todo = await account.data("query ($id: ID!) { todo(id: $id) { section { id } } }", id=todo_id)
    assert todo["todo"]["section"] == {"id": section["id"]}
