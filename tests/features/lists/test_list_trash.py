"""Lists in the trash, with what was in them."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.lists import (
    assert_counted,
    make_list,
    make_section,
    make_todos,
    put_in_list,
    put_under,
    write_list,
    write_section,
)
from todo_gql.database.connection import fetch
from todo_gql.features.feature import WorkerSetup
from todo_gql.features.lists import bulk_changes
from todo_gql.features.lists.trash import purge_lists
from todo_gql.features.registry import FEATURES, LARGE_TABLES
from todo_gql.features.todos.recount import recount_accounts
from todo_gql.features.todos.trash import purge_trash
from todo_gql.jobs.worker import WorkerTasks
from todo_gql.settings import Settings

DELETE, RESTORE = "listDelete(id: $id)", "listRestore(id: $id)"
STATE = """query ($id: ID!) {
  lists { nodes { id } } trash: lists(isDeleted: true) { nodes { id deletedAt } }
  stats { total } todos { nodes { id } } deleted: todos(filter: { isDeleted: true }) { nodes { id } }
  node(id: $id) { id }
}"""


async def state(account: Account, list_id: str) -> dict[str, Any]:
    """What the account shows of its lists and todos, by ids in order."""
    data = await account.data(STATE, id=list_id)
    shown = {
        name: sorted(node["id"] for node in data[name]["nodes"])
        for name in ("lists", "trash", "todos", "deleted")
    }
    return shown | {"total": data["stats"]["total"], "node": data["node"]}


async def delete_todo(account: Account, todo_id: str) -> None:
    """Move one todo to the trash."""
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=todo_id)


async def nested(account: Account, list_id: str) -> list[str]:
    """The ids of a parent, its child and grandchild in a list, of which the child is completed."""
    ids = await make_todos(account, 3, list_id, tags=["nested"], dueAt="2030-01-01T12:00:00Z")
    await account.data("mutation ($id: ID!) { todoComplete(id: $id) { todo { id } } }", id=ids[1])
    for child, parent in zip(ids[1:], ids, strict=False):
        await put_under(account, child, parent)
    return ids


@pytest.fixture(params=["at once", "in batches"])
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of the usual size, and of two todos."""
    if request.param == "in batches":
        monkeypatch.setattr(bulk_changes, "BATCH_SIZE", 2)


@pytest.mark.usefixtures("batches")
async def test_a_list_takes_its_todos_into_the_trash_and_back(account: Account) -> None:
    """What is in a list goes to the trash with it and comes back with it; what was there before stays."""
    made, other = await make_list(account), await make_list(account)
    ids = await make_todos(account, 4, made["id"], tags=["a", "b"], priority="HIGH")
    ids += await nested(account, made["id"])
    outside = await make_todos(account, 2, other["id"], tags=["a"]) + [
        (await account.create(tags=["b"]))["id"]
    ]
    await delete_todo(account, ids[0])
    await assert_counted(account, made["id"], other["id"])
    before = await rows_of(account)
    deleted = await write_list(account, DELETE, id=made["id"])
    assert deleted["errors"] == []
    assert deleted["list"]["deletedAt"]
    assert deleted["list"]["stats"]["total"] == 0
    assert await state(account, made["id"]) == {
        "lists": [other["id"]],
        "trash": [made["id"]],
        "todos": sorted(outside),
        "deleted": sorted(ids),
        "total": 3,
        "node": None,
    }
    await assert_counted(account, made["id"], other["id"])
    restored = await write_list(account, RESTORE, id=made["id"])
    assert (restored["errors"], restored["list"]["deletedAt"]) == ([], None)
    assert await state(account, made["id"]) == {
        "lists": sorted([made["id"], other["id"]]),
        "trash": [],
        "todos": sorted([*outside, *ids[1:]]),
        "deleted": ids[:1],
        "total": 9,
        "node": {"id": made["id"]},
    }
    await assert_counted(account, made["id"], other["id"])
    assert await rows_of(account) == before


async def rows_of(account: Account) -> list[str]:
    """All that is stored of an account's todos and lists but for versions and times of changes."""
    return [
        row["row"]
        for table in ("todos", "lists", "sections")
        for row in await fetch(
            f"SELECT (to_jsonb(x) - '{{version,updated_at}}'::text[])::text AS row FROM {table} x"
            " WHERE owner_id = $1 ORDER BY id",
            UUID(account.id),
        )
    ]


@pytest.mark.usefixtures("batches")
async def test_a_very_long_list_is_not_deleted(account: Account) -> None:
    """A list with more todos than can be restored at once, done ones included, isn't deleted."""
    target = await make_list(account)
    await make_todos(account, 1, target["id"])
    count = "UPDATE lists SET completed_count = $2 WHERE id = $1"
    await fetch(count, UUID(target["id"]), 20_000)
    payload = await write_list(account, DELETE, id=target["id"])
    assert payload["list"]["deletedAt"] is None
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("TOO_MANY", ["id"])
    assert (await state(account, target["id"]))["deleted"] == []
    await fetch(count, UUID(target["id"]), 19_999)
    assert (await write_list(account, DELETE, id=target["id"]))["errors"] == []


async def test_each_todo_has_its_line_of_the_log(account: Account) -> None:
    """A list goes to the trash by its own change, then those of its todos, parents before children."""
    made = await make_list(account)
    ids = await nested(account, made["id"])
    for call, action in ((DELETE, 6), (RESTORE, 7)):
        cursor = (await account.data("{ changeCursor }"))["changeCursor"]
        await write_list(account, call, id=made["id"])
        rows = await fetch(
            "SELECT kind, action, todo_id, entity_id, list_id, seq, first_seq, diff::text FROM changes"
            " WHERE owner_id = $1 ORDER BY seq DESC LIMIT 4",
            UUID(account.id),
        )
        first, *rest = reversed(rows)
        assert (first["kind"], str(first["entity_id"])) == (1, made["id"])
        assert [str(row["todo_id"]) for row in rest] == ids
        assert {row["action"] for row in rest} == {action}
        assert {str(row["list_id"]) for row in rows} == {made["id"]}
        assert {row["first_seq"] for row in rows} == {first["seq"]}
        fields = await account.data(
            "query ($after: String) { changes(after: $after) { nodes { todoId action"
            " fields { name before after } todo { deletedAt version } } } }",
            after=cursor,
        )
        for node in fields["changes"]["nodes"]:
            [field] = node["fields"]
            now = field["after" if action == 6 else "before"]
            assert (field["name"], now is not None) == ("deletedAt", True)
            if action == 6:
                assert node["todo"]["deletedAt"] == now
        assert len(fields["changes"]["nodes"]) == 3


async def test_the_bytes_of_the_log_are_counted(account: Account) -> None:
    """What lists write to the log counts as stored, as a recount of the account does."""
    made = await make_list(account, name="é", description="x" * 100)
    section = await make_section(account, made["id"])
    ids = await make_todos(account, 3, made["id"])
    await put_in_list(account, ids[:2], made["id"], section["id"])
    await write_section(account, "sectionDelete(id: $id)", id=section["id"])
    await write_list(account, DELETE, id=made["id"])
    await write_list(account, RESTORE, id=made["id"])
    stored = "SELECT stored_bytes, mirrored_seq, counted_seq FROM users WHERE id = $1"
    [before] = await fetch(stored, UUID(account.id))
    await fetch("UPDATE feeds SET counted_seq = -1 WHERE owner_id = $1", UUID(account.id))
    await recount_accounts()
    [after] = await fetch(stored, UUID(account.id))
    assert dict(after) == dict(before)


async def test_a_list_in_the_trash_cannot_be_written(account: Account) -> None:
    """Every write of a list in the trash, or of its sections, is NOT_FOUND but to restore it."""
    made = await make_list(account)
    section = await make_section(account, made["id"])
    await write_list(account, DELETE, id=made["id"])
    codes = []
    for call, further in (
        ("listUpdate(id: $id, input: $update)", {"update": {"name": "x"}}),
        ("listMove(id: $id, place: $place)", {"place": {"first": True}}),
        (DELETE, {}),
    ):
        payload = await write_list(account, call, id=made["id"], **further)
        codes += [(error["code"], error["path"]) for error in payload["errors"]]
    for call, variables in (
        ("sectionCreate(listId: $listId, name: $name)", {"listId": made["id"], "name": "x"}),
        ("sectionUpdate(id: $id, name: $name)", {"id": section["id"], "name": "x"}),
        ("sectionDelete(id: $id)", {"id": section["id"]}),
    ):
        payload = await write_section(account, call, **variables)
        codes += [(error["code"], error["path"]) for error in payload["errors"]]
    assert codes == [("NOT_FOUND", ["id"])] * 3 + [
        ("NOT_FOUND", ["listId"]),
        ("NOT_FOUND", ["id"]),
        ("NOT_FOUND", ["id"]),
    ]
    nodes = await account.data(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[made["id"], section["id"]]
    )
    assert nodes["nodes"] == [None, None]
    trash = await account.data("{ lists(isDeleted: true) { nodes { sections { id } } } }")
    assert trash["lists"]["nodes"] == [{"sections": [{"id": section["id"]}]}]


async def test_restoring_what_is_not_in_the_trash_changes_nothing(account: Account) -> None:
    """A list outside the trash stays as it is."""
    made = await make_list(account)
    assert await write_list(account, RESTORE, id=made["id"]) == {"list": made, "errors": []}


async def test_an_archived_list_is_in_the_trash_too(account: Account) -> None:
    """The trash shows archived lists as well, and they come back archived."""
    made = await make_list(account)
    archive = {"isArchived": True}
    await write_list(account, "listUpdate(id: $id, input: $update)", id=made["id"], update=archive)
    await write_list(account, DELETE, id=made["id"])
    query = """query ($isArchived: Boolean) {
      lists(isDeleted: true, isArchived: $isArchived) { nodes { id } }
    }"""
    found = [
        len((await account.data(query, isArchived=value))["lists"]["nodes"])
        for value in (None, True, False)
    ]
    assert found == [1, 1, 0]
    restored = await write_list(account, RESTORE, id=made["id"])
    assert restored["list"]["archivedAt"]


async def test_a_list_whose_time_is_over_cannot_be_restored(account: Account) -> None:
    """A list is NOT_FOUND after the retention time, whether it is purged already or not."""
    made = await make_list(account)
    await make_todos(account, 2, made["id"])
    await write_list(account, DELETE, id=made["id"])
    await age(account)
    payload = await write_list(account, RESTORE, id=made["id"])
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [
        ("NOT_FOUND", ["id"])
    ]


async def age(account: Account) -> None:
    """Put what is in the trash of an account 31 days into the past."""
    for table in ("todos", "lists", "sections"):
        await fetch(
            f"UPDATE {table} SET deleted_at = deleted_at - interval '31 days' WHERE owner_id = $1",
            UUID(account.id),
        )


async def test_purged_lists_are_gone(account: Account, stranger: Account) -> None:
    """A list is purged after the retention time, with its sections and after its todos; others stay."""
    made, present, fresh = [await make_list(account, name=name) for name in "abc"]
    section = await make_section(account, made["id"])
    deleted = await make_section(account, present["id"])
    ids = await make_todos(account, 2, made["id"])
    await put_in_list(account, ids[:1], made["id"], section["id"])
    await write_section(account, "sectionDelete(id: $id)", id=deleted["id"])
    await write_list(account, DELETE, id=made["id"])
    await age(account)
    await write_list(account, DELETE, id=fresh["id"])
    others = await make_list(stranger)
    await write_list(stranger, DELETE, id=others["id"])
    # Its todos first, as the worker does.
    await purge_lists(30)
    assert await stored_ids(account) == sorted(
        [made["id"], present["id"], fresh["id"], section["id"]]
    )
    await purge_trash(30)
    await purge_lists(30)
    assert await stored_ids(account) == sorted([present["id"], fresh["id"]])
    assert await stored_ids(stranger) == [others["id"]]
    assert await purge_lists(0) == 0
    await assert_counted(account, present["id"], fresh["id"])


async def stored_ids(account: Account) -> list[str]:
    """The ids of all lists and sections of an account that are stored."""
    rows = await fetch(
        "SELECT id::text FROM lists WHERE owner_id = $1 UNION ALL"
        " SELECT id::text FROM sections WHERE owner_id = $1 ORDER BY 1",
        UUID(account.id),
    )
    return [row["id"] for row in rows]


async def test_the_worker_purges_todos_before_their_lists(
    account: Account, settings: Settings
) -> None:
    """One round of the worker's maintenance purges a list and all that was in it, when nobody is its member."""
    made = await make_list(account)
    await make_todos(account, 2, made["id"])
    await write_list(account, DELETE, id=made["id"])
    await age(account)
    setup = WorkerSetup(settings, LARGE_TABLES)
    steps = WorkerTasks.merged([feature.tasks(setup) for feature in FEATURES]).maintenance
    trash = [step for step in steps if step.done.endswith("of the trash")]
    assert [step.done for step in trash] == [
        "deleted %d todos of the trash",
        "deleted %d members of the trash",
        "deleted %d lists of the trash",
    ]
    for step in trash:
        await step.run()
    assert await stored_ids(account) == []
    rows = await fetch("SELECT FROM todos WHERE owner_id = $1", UUID(account.id))
    assert rows == []
