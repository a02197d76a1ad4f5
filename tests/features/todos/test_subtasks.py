"""Subtasks: what is below a todo, how far it is, and what becomes of it with its parent."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.recounts import wrong_counts
from tests.support.trees import (
    CREATE,
    ERRORS,
    TREE_FIELDS,
    add,
    add_line,
    add_list,
    codes,
    log,
    move,
    move_all,
    moved,
    rows,
    subtasks,
)
from todo_gql.database.connection import fetch

COMPLETE = "todoComplete(id: $id)"
DELETE = "todoDelete(id: $id)"
RESTORE = "todoRestore(id: $id)"
START = "todoStart(id: $id)"


async def change(account: Account, field: str, id: str) -> dict[str, Any]:
    """The payload of a mutation of one todo."""
    document = f"mutation ($id: ID!) {{ payload: {field} {{ todo {{ {TREE_FIELDS} }} {ERRORS} }} }}"
    return dict((await account.data(document, id=id))["payload"])


async def change_all(
    account: Account, field: str, ids: list[str], arguments: str = ""
) -> dict[str, Any]:
    """The payload of a bulk action."""
    document = f"""mutation ($ids: [ID!]!) {{ payload: {field}(ids: $ids{arguments}) {{
      processed updated {ERRORS} results {{ todoId todo {{ {TREE_FIELDS} }} {ERRORS} }}
    }} }}"""
    return dict((await account.data(document, ids=ids))["payload"])


async def by_title(account: Account, column: str) -> dict[str, Any]:
    """A column of each todo by its title."""
    return {row["title"]: row[column] for row in (await rows(account)).values()}


async def add_family(account: Account) -> dict[str, str]:
    """A parent with two children, of which one has a child too; and a todo beside them."""
    ids = {"parent": await add(account, "parent")}
    ids["child"] = await add(account, "child", to={"parentId": ids["parent"]})
    ids["other"] = await add(account, "other", to={"parentId": ids["parent"]})
    ids["grandchild"] = await add(account, "grandchild", to={"parentId": ids["child"]})
    ids["beside"] = await add(account, "beside")
    return ids


async def test_subtasks_come_in_pages_in_their_order(account: Account) -> None:
    """Pages of subtasks go both ways by position, and those in the trash are left out."""
    parent = await add(account)
    ids = [await add(account, title, to={"parentId": parent}) for title in "ABCDE"]
    await moved(account, ids[4], place={"first": True})
    await change(account, DELETE, ids[1])

    async def page(**arguments: Any) -> tuple[str, bool, bool]:
        found = await subtasks(account, parent, **arguments)
        info = found["pageInfo"]
        assert found["totalCount"] == 4
        assert all(node["parent"]["id"] == parent for node in found["nodes"])
        titles = "".join(node["title"] for node in found["nodes"])
        return titles, info["hasPreviousPage"], info["hasNextPage"]

    assert await page() == ("EACD", False, False)
    assert await page(first=2) == ("EA", False, True)
    assert await page(last=1) == ("D", True, False)
    cursors = [edge["cursor"] for edge in (await subtasks(account, parent))["edges"]]
    assert await page(first=2, after=cursors[0]) == ("AC", True, True)
    assert await page(first=2, after=cursors[2]) == ("D", True, False)
    assert await page(last=2, before=cursors[3]) == ("AC", True, True)
    assert await page(last=2, before=cursors[1]) == ("E", False, True)
    answer = await account.execute(
        "query ($id: ID!) { todo(id: $id) { subtasks(first: 1, last: 1) { nodes { id } } } }",
        {"id": parent},
    )
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("statuses", "progress"),
    [
        ([], (0, 0, 0)),
        (["CANCELLED"], (0, 0, 0)),
        (["COMPLETED", "PENDING"], (2, 1, 50)),
        (["COMPLETED", "PENDING", "IN_PROGRESS", "CANCELLED"], (3, 1, 33)),
        (["COMPLETED", "COMPLETED", "IN_PROGRESS"], (3, 2, 67)),
        (["COMPLETED", "CANCELLED"], (1, 1, 100)),
    ],
)
async def test_progress_counts_what_is_not_cancelled(
    account: Account, statuses: list[str], progress: tuple[int, int, int]
) -> None:
    """The progress of a todo is that of its own subtasks outside the trash that aren't cancelled."""
    parent = await add(account)
    for status in [*statuses, "COMPLETED"]:
        last = await add(account, status=status, to={"parentId": parent})
    await add(account, to={"parentId": last})
    await change(account, DELETE, last)
    assert tuple((await subtasks(account, parent))["progress"].values()) == progress


async def test_only_a_complete_todo_is_at_100_percent(account: Account) -> None:
    """A parent with 499 of 500 subtasks completed is at 99 percent, and takes no other subtask."""
    parent = await add(account)
    for _ in range(5):
        await account.create_many(
            [{"title": "x", "status": "COMPLETED", "to": {"parentId": parent}}] * 100
        )
    last = (await subtasks(account, parent, last=1))["nodes"][0]["id"]
    await change(account, START, last)
    page = await subtasks(account, parent)
    assert page["progress"] == {"total": 500, "completed": 499, "percent": 99}
    assert page["totalCount"] == 500
    full = (await account.data(CREATE, input={"title": "x", "to": {"parentId": parent}}))[
        "todoCreate"
    ]
    assert codes(full["errors"]) == [("TOO_MANY", ["input", "to", "parentId"])]
    beside = await add(account)
    assert codes((await move(account, beside, {"parentId": parent}))["errors"]) == [
        ("TOO_MANY", ["to", "parentId"])
    ]
    assert (await move(account, last, {"place": {"first": True}, "parentId": parent}))[
        "errors"
    ] == []


async def test_subtasks_are_five_deep(account: Account) -> None:
    """A todo has at most five todos above it, whether it is created there or moved with its subtree."""
    line = await add_line(account, 6)
    too_deep = (await account.data(CREATE, input={"title": "x", "to": {"parentId": line[5]}}))[
        "todoCreate"
    ]
    assert codes(too_deep["errors"]) == [("TOO_MANY", ["input", "to", "parentId"])]
    pair = await add_line(account, 2)
    errors = (await move(account, pair[0], {"parentId": line[4]}))["errors"]
    assert codes(errors) == [("TOO_MANY", ["to", "parentId"])]
    assert (await move(account, pair[0], {"parentId": line[3]}))["errors"] == []
    assert await wrong_counts(UUID(account.id)) == {}


async def test_no_todo_is_below_itself(account: Account) -> None:
    """A todo can't be moved below itself, nor below anything that is below it."""
    line = await add_line(account, 3)
    before = await rows(account)
    for parent in line:
        errors = (await move(account, line[0], {"parentId": parent}))["errors"]
        assert codes(errors) == [("INVALID", ["to", "parentId"])]
    bulk = await move_all(account, [line[1], line[0]], {"parentId": line[2]}, onError="SKIP_FAILED")
    assert [codes(result["errors"]) for result in bulk["results"]] == [
        [("INVALID", ["to", "parentId"])]
    ] * 2
    assert await rows(account) == before


async def test_completing_a_todo_completes_what_is_open_below(account: Account) -> None:
    """Open subtasks at all depths are completed, each a change of its own after that of its parent."""
    ids = await add_family(account)
    await account.data(
        "mutation ($id: ID!) { todoUpdate(id: $id, input: { status: CANCELLED }) { errors { code } } }",
        id=ids["child"],
    )
    number = len(await log(account))
    todo = (await change(account, COMPLETE, ids["parent"]))["todo"]
    assert todo["progress"] == {"total": 1, "completed": 1, "percent": 100}
    assert await by_title(account, "status") == {
        "parent": 2,
        "child": 3,
        "other": 2,
        "grandchild": 2,
        "beside": 0,
    }
    changes = (await log(account))[number:]
    assert [change["todoId"] for change in changes] == [
        ids[name] for name in ("parent", "other", "grandchild")
    ]
    assert {change["action"] for change in changes} == {"COMPLETED"}
    assert await wrong_counts(UUID(account.id)) == {}
    open_child = await add(account, "new", to={"parentId": ids["parent"]})
    before = await rows(account)
    await change(account, COMPLETE, ids["parent"])
    assert await rows(account) == before
    await change(account, COMPLETE, open_child)
    await change(account, START, ids["parent"])
    assert (await by_title(account, "status"))["new"] == 2


@pytest.mark.parametrize("road", ["todoUpdate", "todoBulkUpdate"])
async def test_every_way_to_complete_a_todo_completes_its_subtasks(
    account: Account, road: str
) -> None:
    """An update of the status, and a bulk update, complete what is open below too."""
    ids = await add_family(account)
    if road == "todoUpdate":
        await change(account, "todoUpdate(id: $id, input: { status: COMPLETED })", ids["parent"])
    else:
        named = [ids["grandchild"], ids["parent"]]
        arguments = ", action: { setStatus: COMPLETED }"
        dry = await change_all(account, "todoBulkUpdate", named, arguments + ", dryRun: true")
        assert set((await by_title(account, "status")).values()) == {0}
        real = await change_all(account, "todoBulkUpdate", named, arguments)
        for payload in (dry, real):
            for result in payload["results"]:
                result["todo"].pop("completedAt")
        assert dry == real
        assert (real["processed"], real["updated"]) == (2, 2)
    statuses = await by_title(account, "status")
    assert statuses.pop("beside") == 0
    assert set(statuses.values()) == {2}
    assert set((await by_title(account, "version")).values()) == {1, 2}
    assert await wrong_counts(UUID(account.id)) == {}


async def test_the_last_subtask_completes_no_parent(account: Account) -> None:
    """Nothing that is done to a subtask changes the todos above it, but for their progress."""
    parent, child = await add_line(account, 2)
    await change(account, COMPLETE, child)
    [result] = [row for id, row in (await rows(account)).items() if id == parent]
    assert (result["status"], result["version"]) == (0, 1)
    assert (await subtasks(account, parent))["progress"]["percent"] == 100
    assert len(await log(account)) == 3


@pytest.mark.parametrize("is_bulk", [False, True])
async def test_a_subtree_goes_to_the_trash_and_comes_back(account: Account, is_bulk: bool) -> None:
    """A todo takes its subtree to the trash with one time, and brings back what has that time."""
    ids = await add_family(account)
    await change(account, DELETE, ids["other"])
    number = len(await log(account))

    async def act(single: str, bulk: str) -> None:
        if is_bulk:
            assert (await change_all(account, bulk, [ids["parent"]]))["errors"] == []
        else:
            assert (await change(account, single, ids["parent"]))["errors"] == []

    await act(DELETE, "todoBulkDelete")
    deleted = await by_title(account, "deleted_at")
    assert deleted["parent"] == deleted["child"] == deleted["grandchild"] != deleted["other"]
    assert deleted["beside"] is None
    await act(RESTORE, "todoBulkRestore")
    deleted = await by_title(account, "deleted_at")
    assert [name for name, at in deleted.items() if at] == ["other"]
    assert set((await by_title(account, "parent_id")).values()) == {
        None,
        UUID(ids["parent"]),
        UUID(ids["child"]),
    }
    names = ["parent", "child", "grandchild"]
    assert [change["todoId"] for change in (await log(account))[number:]] == [
        *(ids[name] for name in names),
        *(ids[name] for name in names),
    ]
    await change(account, RESTORE, ids["other"])
    assert (await by_title(account, "parent_id"))["other"] == UUID(ids["parent"])
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_subtask_restored_alone_has_no_parent(account: Account) -> None:
    """A subtask whose parent stays in the trash comes back at the top, with what is below it."""
    ids = await add_family(account)
    await change(account, DELETE, ids["parent"])
    todo = (await change(account, RESTORE, ids["child"]))["todo"]
    assert todo["parent"] is None
    assert (await log(account))[-2]["fields"] == {"deletedAt": None, "parentId": None}
    parents = await by_title(account, "parent_id")
    assert parents["grandchild"] == UUID(ids["child"])
    await change(account, RESTORE, ids["parent"])
    assert (await by_title(account, "parent_id"))["child"] is None
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_subtask_restored_with_its_parent_stays_below_it(account: Account) -> None:
    """Todos of one bulk restore stay below each other, whatever their order, and change once."""
    ids = await add_family(account)
    await change(account, DELETE, ids["grandchild"])
    await change(account, DELETE, ids["child"])
    await change(account, DELETE, ids["parent"])
    named = [ids[name] for name in ("grandchild", "child", "parent")]
    payload = await change_all(account, "todoBulkRestore", named)
    assert payload["updated"] == 3
    parents = await by_title(account, "parent_id")
    assert parents["grandchild"] == UUID(ids["child"])
    assert parents["child"] == UUID(ids["parent"])
    assert (await by_title(account, "version")) == {
        "parent": 3,
        "child": 3,
        "other": 3,
        "grandchild": 3,
        "beside": 1,
    }
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize("named", [(0, 2), (2, 0), (0, 1, 3), (0, 2, 3)])
async def test_a_subtree_comes_back_whole_when_parts_of_it_are_named(
    account: Account, named: tuple[int, ...]
) -> None:
    """Todos of one bulk restore that others lie between come back with what is below each of them."""
    line = await add_line(account, 4)
    await change(account, DELETE, line[0])
    payload = await change_all(account, "todoBulkRestore", [line[each] for each in named])
    assert (payload["errors"], payload["updated"]) == ([], len(named))
    stored = await rows(account)
    assert [todo_id for todo_id in line if stored[todo_id]["deleted_at"]] == []
    assert stored[line[3]]["parent_id"] == UUID(line[2])
    assert stored[line[1]]["parent_id"] == UUID(line[0])
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_subtask_restored_into_another_list_has_no_parent(account: Account) -> None:
    """A subtask whose parent was moved to another list meanwhile comes back in its own list."""
    parent, child = await add_line(account, 2)
    await change(account, DELETE, child)
    await moved(account, parent, listId=await add_list(account))
    todo = (await change(account, RESTORE, child))["todo"]
    assert todo["parent"] is None
    assert (await rows(account))[child]["list_id"] is None


async def test_todos_of_a_deleted_list_are_restored_to_the_inbox(account: Account) -> None:
    """A todo whose list is in the trash comes back in the inbox, with its subtree."""
    list_id = await add_list(account)
    parent, child = await add_line(account, 2, to={"listId": list_id})
    await change(account, DELETE, parent)
    await fetch("UPDATE lists SET deleted_at = now() WHERE id = $1", UUID(list_id))
    await add(account)
    await change(account, RESTORE, parent)
    stored = await rows(account)
    assert stored[parent]["list_id"] is stored[child]["list_id"] is None
    assert stored[child]["parent_id"] == UUID(parent)
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_restored_todo_needs_room_in_its_list(account: Account) -> None:
    """A list of 5,000 open todos takes no other back from the trash."""
    todo = await add(account, to={"listId": (list_id := await add_list(account))})
    await change(account, DELETE, todo)
    await fetch("UPDATE lists SET pending_count = 5000 WHERE id = $1", UUID(list_id))
    assert codes((await change(account, RESTORE, todo))["errors"]) == [("TOO_MANY", ["id"])]
    bulk = await change_all(account, "todoBulkRestore", [todo])
    assert codes(bulk["results"][0]["errors"]) == [("TOO_MANY", ["ids", "0"])]


async def test_a_reopened_todo_needs_room_in_its_list(account: Account) -> None:
    """A list of 5,000 open todos has none reopened, and nothing is stored then."""
    list_id = await add_list(account)
    first, second = [
        await add(account, status="COMPLETED", to={"listId": list_id}) for _ in range(2)
    ]
    started = await add(account, to={"listId": list_id})
    await change(account, COMPLETE, started)
    completion = (await account.data("{ changeCursor }"))["changeCursor"]
    await fetch("UPDATE lists SET pending_count = 5000 WHERE id = $1", UUID(list_id))
    before = await rows(account)
    reopen = 'todoUpdate(id: $id, input: { status: PENDING, title: "Again" })'
    for field in (START, reopen):
        payload = await change(account, field, first)
        assert codes(payload["errors"]) == [("TOO_MANY", ["id"])]
        assert payload["todo"]["status"] == "COMPLETED"
    undone = (
        await account.data(
            f"mutation ($at: String!) {{ todoUndo(cursor: $at) {{ updated results {{ {ERRORS} }} }} }}",
            at=completion,
        )
    )["todoUndo"]
    assert undone["updated"] == 0
    assert codes(undone["results"][0]["errors"]) == [("TOO_MANY", ["cursor"])]
    bulk = await change_all(
        account, "todoBulkUpdate", [first, second], ", action: { setStatus: PENDING }"
    )
    assert codes(bulk["errors"]) == [("INVALID", ["ids"])]
    assert await rows(account) == before
    await fetch("UPDATE lists SET pending_count = 4999 WHERE id = $1", UUID(list_id))
    bulk = await change_all(
        *(account, "todoBulkUpdate", [first, second]),
        ", action: { setStatus: PENDING }, onError: SKIP_FAILED",
    )
    errors = [codes(result["errors"]) for result in bulk["results"]]
    assert errors == [[], [("TOO_MANY", ["ids", "1"])]]
    assert (await change(account, START, first))["errors"] == []
    inbox = await add(account, status="CANCELLED")
    assert (await change(account, START, inbox))["errors"] == []


async def test_todos_named_together_are_deleted_once(account: Account) -> None:
    """A todo that is named and also below a named one changes once, and a dry run says the same."""
    ids = await add_family(account)
    named = [ids["parent"], ids["grandchild"]]
    dry = await change_all(account, "todoBulkDelete", named, ", dryRun: true")
    real = await change_all(account, "todoBulkDelete", named)
    for payload in (dry, real):
        for result in payload["results"]:
            assert result["todo"].pop("deletedAt")
            result["todo"].pop("parent")
    assert dry == real
    assert real["updated"] == 2
    assert len(await log(account)) == 5 + 4
    assert set((await by_title(account, "version")).values()) == {1, 2}
    assert await wrong_counts(UUID(account.id)) == {}


async def test_parents_in_a_list_are_loaded_together(account: Account) -> None:
    """Each todo of a list shows its parent and the subtasks of that, and none at the top."""
    ids = await add_family(account)
    nodes = (
        await account.data(
            """{ todos(sort: [{ field: POSITION }]) { nodes {
              title parent { title subtasks(first: 2) { nodes { title } totalCount } }
            } } }"""
        )
    )["todos"]["nodes"]
    assert [node["parent"] and node["parent"]["title"] for node in nodes] == [
        None,
        "parent",
        "parent",
        "child",
        None,
    ]
    below = nodes[1]["parent"]["subtasks"]
    assert ([node["title"] for node in below["nodes"]], below["totalCount"]) == (
        ["child", "other"],
        2,
    )
    assert ids
