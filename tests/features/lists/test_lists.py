"""Lists: made, changed, archived and put in order."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.lists import make_list, make_todos, write_list
from todo_gql.api.order_keys import MAX_KEY
from todo_gql.database.connection import fetch
from todo_gql.features.lists.list_actions import MAX_LISTS

LISTS = """query ($isArchived: Boolean, $isDeleted: Boolean, $first: Int, $after: String) {
  lists(isArchived: $isArchived, isDeleted: $isDeleted, first: $first, after: $after) {
    nodes { name } totalCount pageInfo { hasNextPage endCursor }
  }
}"""
UPDATE = "listUpdate(id: $id, input: $update)"
MOVE = "listMove(id: $id, place: $place)"


async def names(account: Account, **arguments: Any) -> list[str]:
    """The names of the lists that are found, in their order."""
    found = (await account.data(LISTS, **arguments))["lists"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


async def test_a_new_list_has_what_was_sent(account: Account) -> None:
    """A list has the values that its creator sent, trimmed, and those of every new list."""
    made = await make_list(
        account, name="  Groceries  ", description=" for\nSaturday", color="#1E90fF"
    )
    assert made | {"id": "", "position": "", "createdAt": "", "updatedAt": ""} == {
        "id": "",
        "name": "Groceries",
        "description": " for\nSaturday",
        "color": "#1e90ff",
        "position": "",
        "version": 1,
        "createdAt": "",
        "updatedAt": "",
        "archivedAt": None,
        "deletedAt": None,
        "viewerRole": "OWNER",
        "isShared": False,
        "owner": {"id": account.id},
        "sections": [],
        "stats": {"total": 0, "pending": 0, "completed": 0},
    }


@pytest.mark.parametrize(
    ("sent", "code", "path"),
    [
        ({"name": ""}, "TOO_SHORT", "name"),
        ({"name": " \u200b "}, "TOO_SHORT", "name"),
        ({"name": "x" * 121}, "TOO_LONG", "name"),
        ({"name": "a\nb"}, "INVALID", "name"),
        ({"name": "x", "description": "x" * 5_001}, "TOO_LONG", "description"),
        ({"name": "x", "color": "red"}, "INVALID", "color"),
        ({"name": "x", "color": "#12345"}, "INVALID", "color"),
        ({"name": "x", "color": "#1234567"}, "INVALID", "color"),
        ({"name": "x", "color": "#12345\u0661"}, "INVALID", "color"),
        ({"name": "x", "id": "nonsense"}, "INVALID", "id"),
    ],
)
async def test_a_wrong_value_is_refused_at_its_path(
    account: Account, sent: dict[str, Any], code: str, path: str
) -> None:
    """A list with a value that breaks a rule isn't made, and the error says where it is."""
    payload = await write_list(account, "listCreate(input: $create)", create=sent)
    assert payload["list"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [
        (code, ["input", path])
    ]
    assert await names(account) == []


async def test_a_retried_create_makes_nothing_twice(account: Account) -> None:
    """A create with an id that the owner has used is ALREADY_EXISTS, with what is stored."""
    made = await make_list(account, id=str(uuid4()), name="First")
    again = {"id": made["id"].upper(), "name": "Second"}
    payload = await write_list(account, "listCreate(input: $create)", create=again)
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("ALREADY_EXISTS", ["input", "id"])
    assert error["current"] == {"id": made["id"]}
    assert payload["list"] == made
    assert await names(account) == ["First"]


async def test_an_id_of_anything_else_is_refused(account: Account, stranger: Account) -> None:
    """The id of a purged list and of a todo were used already; that of somebody else is INVALID."""
    purged = await make_list(account)
    await fetch("DELETE FROM lists WHERE id = $1", UUID(purged["id"]))
    todo, other = await account.create(), await make_list(stranger)
    codes = []
    for used in (purged, todo, other):
        sent = {"name": "x", "id": used["id"]}
        payload = await write_list(account, "listCreate(input: $create)", create=sent)
        assert payload["list"] is None
        codes += [(error["code"], error.get("current")) for error in payload["errors"]]
    assert codes == [("ALREADY_EXISTS", None), ("ALREADY_EXISTS", None), ("INVALID", None)]


async def test_lists_come_in_their_order(account: Account) -> None:
    """A new list stands behind all others, or where its creator puts it; pages go on where they end."""
    a = await make_list(account, name="a")
    await make_list(account, name="b")
    await make_list(account, name="c", place={"first": True})
    await make_list(account, name="d", place={"after": a["id"]})
    await make_list(account, name="e", place={"before": a["id"]})
    assert await names(account) == ["c", "e", "a", "d", "b"]
    first = (await account.data(LISTS, first=2))["lists"]
    assert first["pageInfo"]["hasNextPage"]
    rest = (await account.data(LISTS, first=10, after=first["pageInfo"]["endCursor"]))["lists"]
    assert [node["name"] for node in rest["nodes"]] == ["a", "d", "b"]
    assert (rest["totalCount"], rest["pageInfo"]["hasNextPage"]) == (5, False)


async def test_moving_changes_one_list(account: Account) -> None:
    """A list moves among the others by one change of its own; where it stands already is none."""
    made = {name: await make_list(account, name=name) for name in "abc"}
    moved = await write_list(account, MOVE, id=made["c"]["id"], place={"before": made["b"]["id"]})
    assert moved["list"]["version"] == 2
    assert await names(account) == ["a", "c", "b"]
    for place in ({"after": made["a"]["id"]}, {"before": made["b"]["id"]}):
        again = await write_list(account, MOVE, id=made["c"]["id"], place=place)
        assert (again["list"], again["errors"]) == (moved["list"], [])
    assert await log_of(account) == [
        *[("CREATED", made[name]["id"], ["name"]) for name in "abc"],
        ("UPDATED", made["c"]["id"], ["position"]),
    ]


async def log_of(account: Account) -> list[tuple[str, str, list[str]]]:
    """The changes of lists in the log: what was done, to which, and to which fields."""
    rows = await fetch(
        "SELECT action, entity_id, list_id, jsonb_path_query_array(diff, '$[*].name')"
        "::text AS names FROM changes WHERE owner_id = $1 AND kind = 1 ORDER BY seq",
        UUID(account.id),
    )
    actions = ["CREATED", "UPDATED", "DELETED", "RESTORED"]
    assert all(row["entity_id"] == row["list_id"] for row in rows)
    return [
        (
            actions[row["action"]],
            str(row["entity_id"]),
            [name for name in row["names"].strip("[]").replace('"', "").split(", ") if name],
        )
        for row in rows
    ]


async def test_a_neighbour_must_be_there(account: Account, stranger: Account) -> None:
    """A neighbour that is no list of the owner's outside the trash is NOT_FOUND at its path."""
    moved, gone, other = [
        await make_list(account),
        await make_list(account),
        await make_list(stranger),
    ]
    await write_list(account, "listDelete(id: $id)", id=gone["id"])
    for anchor in (gone["id"], other["id"], str(uuid4()), "nonsense"):
        payload = await write_list(account, MOVE, id=moved["id"], place={"after": anchor})
        [error] = payload["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["place", "after"])
        sent = {"name": "x", "place": {"before": anchor}}
        payload = await write_list(account, "listCreate(input: $create)", create=sent)
        [error] = payload["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "place", "before"])
    itself = await write_list(account, MOVE, id=moved["id"], place={"after": moved["id"]})
    assert [error["code"] for error in itself["errors"]] == ["INVALID"]
    false = await write_list(account, MOVE, id=moved["id"], place={"first": False})
    [error] = false["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["place", "first"])


async def test_keys_of_order_stay_short(account: Account) -> None:
    """All lists get short keys where one would be too long, each as a change of its own."""
    made = {name: await make_list(account, name=name) for name in "abc"}
    long = made["a"]["position"] + "0" * (MAX_KEY - 3) + "1"
    await fetch("UPDATE lists SET position = $2 WHERE id = $1", UUID(made["b"]["id"]), long)
    await write_list(account, MOVE, id=made["c"]["id"], place={"after": made["a"]["id"]})
    assert await names(account) == ["a", "c", "b"]
    rows = await fetch("SELECT position FROM lists WHERE owner_id = $1", UUID(account.id))
    assert max(len(row["position"]) for row in rows) < 10
    changed = [id for action, id, _ in await log_of(account) if action == "UPDATED"]
    assert set(changed) == {one["id"] for one in made.values()}


async def test_archived_lists_are_hidden_until_asked_for(account: Account) -> None:
    """An archived list is in `lists` only when asked for, and leaves the archive unchanged."""
    kept, archived = await make_list(account, name="kept"), await make_list(account, name="old")
    payload = await write_list(account, UPDATE, id=archived["id"], update={"isArchived": True})
    assert payload["list"]["archivedAt"]
    again = await write_list(account, UPDATE, id=archived["id"], update={"isArchived": True})
    assert again["list"] == payload["list"]
    assert await names(account) == ["kept"]
    assert await names(account, isArchived=False) == ["kept"]
    assert await names(account, isArchived=True) == ["old"]
    back = await write_list(account, UPDATE, id=archived["id"], update={"isArchived": False})
    assert back["list"]["archivedAt"] is None
    assert await names(account) == ["kept", "old"]
    assert kept["version"] == 1


async def test_todos_of_an_archived_list_are_todos_like_others(account: Account) -> None:
    """Archiving a list takes its todos from no page and no count, and they can be changed."""
    made = await make_list(account)
    [todo_id] = await make_todos(account, 1, made["id"])
    await write_list(account, UPDATE, id=made["id"], update={"isArchived": True})
    payload = await account.data(
        "mutation ($id: ID!) { todoComplete(id: $id) { todo { list { archivedAt } } errors { code } } }",
        id=todo_id,
    )
    assert payload["todoComplete"]["errors"] == []
    assert payload["todoComplete"]["todo"]["list"]["archivedAt"]
    found = await account.data("{ todos { nodes { id } } stats { completed } }")
    assert found == {"todos": {"nodes": [{"id": todo_id}]}, "stats": {"completed": 1}}


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"name": " New "}, {"name": "New"}),
        ({"description": "Other"}, {"description": "Other"}),
        ({"description": None}, {"description": None}),
        ({"color": "#ABCDEF"}, {"color": "#abcdef"}),
        ({"color": None}, {"color": None}),
        (
            {"name": "a", "description": "b", "color": "#000000"},
            {"name": "a", "description": "b", "color": "#000000"},
        ),
    ],
)
async def test_an_update_leaves_what_it_does_not_name(
    account: Account, update: dict[str, Any], expected: dict[str, Any]
) -> None:
    """What is absent stays, null clears, and the log names the fields that changed."""
    made = await make_list(account, name="Old", description="Old", color="#ff0000")
    changed = (await write_list(account, UPDATE, id=made["id"], update=update))["list"]
    assert changed["updatedAt"] > made["updatedAt"]
    ignored = {"updatedAt": ""}
    assert changed | ignored == made | expected | {"version": 2} | ignored
    assert (await log_of(account))[1:] == [("UPDATED", made["id"], sorted(expected))]


@pytest.mark.parametrize(
    "update", [{}, {"name": "Old"}, {"color": "#FF0000"}, {"isArchived": False}]
)
async def test_an_update_of_nothing_is_no_change(account: Account, update: dict[str, Any]) -> None:
    """The values that a list has already change neither its version nor the log."""
    made = await make_list(account, name="Old", color="#ff0000")
    payload = await write_list(account, UPDATE, id=made["id"], update=update)
    assert payload == {"list": made, "errors": []}
    assert len(await log_of(account)) == 1


@pytest.mark.parametrize("name", ["name", "isArchived"])
async def test_null_is_refused_where_something_must_be(account: Account, name: str) -> None:
    """Null for the name or for isArchived is REQUIRED at its path."""
    made = await make_list(account)
    payload = await write_list(account, UPDATE, id=made["id"], update={name: None})
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("REQUIRED", ["input", name])


async def test_a_list_that_changed_meanwhile_is_a_conflict(account: Account) -> None:
    """Nothing changes with another version than expected, and the stored list is shown."""
    made = await make_list(account)
    await write_list(account, UPDATE, id=made["id"], update={"name": "New"})
    for call, further in (
        (
            "listUpdate(id: $id, input: $update, expectedVersion: $version)",
            {"update": {"name": "x"}},
        ),
        ("listDelete(id: $id, expectedVersion: $version)", {}),
    ):
        payload = await write_list(account, call, id=made["id"], version=1, **further)
        [error] = payload["errors"]
        assert (error["code"], error["path"]) == ("CONFLICT", ["expectedVersion"])
        assert error["current"] == {"id": made["id"]}
    call = "listUpdate(id: $id, input: $update, expectedVersion: $version)"
    payload = await write_list(account, call, id=made["id"], version=2, update={"name": "x"})
    assert payload["errors"] == []


async def test_there_are_five_hundred_lists_at_most(account: Account) -> None:
    """One more list is TOO_MANY, archived ones counted and those in the trash not; so is a restore."""
    one = await make_list(account)
    await fetch(
        "INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at, archived_at)"
        " SELECT gen_random_uuid(), $1, 'x', 'z' || n, 1, now(), now(), now()"
        " FROM generate_series(2, $2) AS n",
        UUID(account.id),
        MAX_LISTS,
    )
    payload = await write_list(account, "listCreate(input: $create)", create={"name": "x"})
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [
        ("TOO_MANY", ["input"])
    ]
    await write_list(account, "listDelete(id: $id)", id=one["id"])
    await make_list(account)
    payload = await write_list(account, "listRestore(id: $id)", id=one["id"])
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("TOO_MANY", ["id"])]


TODOS = """query ($id: ID!, $filter: TodoFilter, $sort: [TodoSort!], $first: Int, $after: String) {
  node(id: $id) { ... on TodoList {
    stats(filter: $filter) { total pending completed overdue }
    todos(filter: $filter, sort: $sort, first: $first, after: $after) {
      nodes { id list { id } } totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  } }
}"""


async def test_a_list_has_its_todos_and_their_counts(account: Account) -> None:
    """The todos of a list come in their order, and its counts are of them alone, filtered or not."""
    made, other = await make_list(account), await make_list(account)
    ids = await make_todos(account, 3, made["id"], dueAt="2020-01-01T00:00:00Z")
    await make_todos(account, 2, other["id"], dueAt="2020-01-01T00:00:00Z")
    await account.create()
    await account.data("mutation ($id: ID!) { todoComplete(id: $id) { todo { id } } }", id=ids[1])
    found = (await account.data(TODOS, id=made["id"]))["node"]
    assert found["stats"] == {"total": 3, "pending": 2, "completed": 1, "overdue": 2}
    assert found["todos"]["nodes"] == [{"id": id, "list": {"id": made["id"]}} for id in ids]
    assert found["todos"]["totalCount"] == 3
    pending = {"status": {"eq": "PENDING"}}
    found = (await account.data(TODOS, id=made["id"], filter=pending))["node"]
    assert found["stats"] == {"total": 2, "pending": 2, "completed": 0, "overdue": 2}
    assert [node["id"] for node in found["todos"]["nodes"]] == [ids[0], ids[2]]
    assert found["todos"]["totalCount"] == 2


async def test_pages_of_a_list_go_on_where_they_end(account: Account) -> None:
    """Pages of several lists at once, sorted as asked, hold each todo once."""
    lists = [await make_list(account, name=name) for name in "abc"]
    expected = [await make_todos(account, number, one["id"]) for number, one in enumerate(lists)]
    query = """query ($first: Int, $after: String, $last: Int, $sort: [TodoSort!]) { lists { nodes {
      todos(first: $first, after: $after, last: $last, sort: $sort) {
        nodes { id } pageInfo { hasNextPage } totalCount edges { cursor }
      } } } }"""
    found = (await account.data(query, first=1))["lists"]["nodes"]
    assert [[node["id"] for node in one["todos"]["nodes"]] for one in found] == [
        ids[:1] for ids in expected
    ]
    assert [one["todos"]["pageInfo"]["hasNextPage"] for one in found] == [False, False, True]
    assert [one["todos"]["totalCount"] for one in found] == [0, 1, 2]
    backwards = (await account.data(query, last=2))["lists"]["nodes"]
    assert [[node["id"] for node in one["todos"]["nodes"]] for one in backwards] == expected
    newest = [{"field": "CREATED_AT", "direction": "DESC"}]
    found = (await account.data(query, first=5, sort=newest))["lists"]["nodes"]
    assert [[node["id"] for node in one["todos"]["nodes"]] for one in found] == [
        ids[::-1] for ids in expected
    ]
    cursor = (await account.data(TODOS, id=lists[2]["id"], first=1))["node"]["todos"]["pageInfo"]
    page = await account.data(TODOS, id=lists[2]["id"], first=1, after=cursor["endCursor"])
    assert [node["id"] for node in page["node"]["todos"]["nodes"]] == expected[2][1:]
    assert page["node"]["todos"]["pageInfo"]["hasPreviousPage"]


async def test_the_log_says_which_list_a_todo_was_in(account: Account) -> None:
    """A change of a todo names the list that it was in after it, and no list in the inbox."""
    made = await make_list(account)
    [todo_id] = await make_todos(account, 1, made["id"])
    changes = await account.data(
        "{ changes { nodes { action todoId list { id } fields { name } } } }"
    )
    assert changes["changes"]["nodes"] == [
        {
            "action": "CREATED",
            "todoId": todo_id,
            "list": None,
            "fields": [{"name": name} for name in ("priority", "status", "title")],
        },
        {
            "action": "UPDATED",
            "todoId": todo_id,
            "list": {"id": made["id"]},
            "fields": [{"name": "listId"}],
        },
    ]


async def test_a_full_account_makes_no_more_lists(account: Account) -> None:
    """A list can't be created or changed without room for more bytes, but deleted."""
    made = await make_list(account)
    await fetch("UPDATE users SET stored_bytes = 10 ^ 15 WHERE id = $1", UUID(account.id))
    created = await write_list(account, "listCreate(input: $create)", create={"name": "x"})
    assert [error["code"] for error in created["errors"]] == ["TOO_LONG"]
    updated = await write_list(account, UPDATE, id=made["id"], update={"name": "x"})
    assert [(error["code"], error["path"]) for error in updated["errors"]] == [("TOO_LONG", ["id"])]
    deleted = await write_list(account, "listDelete(id: $id)", id=made["id"])
    assert deleted["errors"] == []
