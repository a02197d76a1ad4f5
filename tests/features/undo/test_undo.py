"""Undo: what one mutation did is taken back, as far as nothing changed since."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import ERRORS, TODO, Account, NewAccount
from tests.support.statements import Statements
from tests.support.stored_states import stored_state
from tests.support.tag_operations import tag_id
from todo_gql.changelog.cursors import cursor_of
from todo_gql.database.connection import fetch

UNDO = (
    "mutation ($cursor: String!) { todoUndo(cursor: $cursor) { processed updated undoCursor"
    f" results {{ index id todoId todo {{ ...TodoParts }} {ERRORS} }} {ERRORS} }} }} {TODO}"
)
UPDATE = (
    "mutation ($id: ID!, $input: TodoUpdateInput!) { payload: todoUpdate(id: $id, input: $input)"
    f" {{ {ERRORS} }} }}"
)


async def undo(account: Account, cursor: str | None = None) -> dict[str, Any]:
    """The payload of an undo, of the newest change without a cursor."""
    if cursor is None:
        cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    return dict((await account.data(UNDO, cursor=cursor))["todoUndo"])


async def call(account: Account, field: str, selection: str = "errors { code }") -> Any:
    """The payload of a mutation without variables, which must have no errors."""
    payload = (await account.data(f"mutation {{ payload: {field} {{ {selection} }} }}"))["payload"]
    assert payload.get("errors", []) == [], payload
    return payload


def codes(result: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Codes and paths of the errors of a payload or result."""
    return [(error["code"], error["path"]) for error in result["errors"]]


def outcomes(payload: dict[str, Any]) -> list[list[str]]:
    """The codes of the errors of each result."""
    assert payload["errors"] == [], payload
    return [[error["code"] for error in result["errors"]] for result in payload["results"]]


async def test_an_update_is_undone(account: Account) -> None:
    """Every field has its value from before, and the todo a new version."""
    todo = await account.create(
        title="One", description="a\n", dueAt="2026-01-31T09:30:00.123456Z", tags=["a", "b"],
        metadata={"n": [1e300, 1.0, 1], "é": None}, priority="LOW", estimatedMinutes=0,
    )  # fmt: skip
    before = await stored_state(account)
    values: dict[str, Any] = {"title": "Two", "description": None, "dueAt": None, "tags": ["b", "c"],
              "metadata": {}, "priority": "URGENT", "estimatedMinutes": None,
              "actualMinutes": 5, "status": "COMPLETED"}  # fmt: skip
    await account.data(UPDATE, id=todo["id"], input=values)
    after = await stored_state(account)
    payload = await undo(account)
    assert (payload["processed"], payload["updated"], outcomes(payload)) == (1, 1, [[]])
    [result] = payload["results"]
    assert (result["index"], result["todoId"], result["todo"]["version"]) == (0, todo["id"], 3)
    assert result["todo"]["tags"][1]["todoCount"] == 1
    assert await stored_state(account) == before
    assert outcomes(await undo(account, payload["undoCursor"])) == [[]]
    assert await stored_state(account) == after


async def test_a_create_is_undone_by_moving_the_todo_to_the_trash(account: Account) -> None:
    """The todo is in the trash, from where undoing the undo takes it."""
    todo = await account.create(tags=["a"], status="COMPLETED")
    created = await stored_state(account)
    [result] = (await undo(account))["results"]
    assert (result["errors"], result["todo"]["deletedAt"] is None) == ([], False)
    assert (await account.data("{ todos { totalCount } tags { totalCount } }")) == {
        "todos": {"totalCount": 0},
        "tags": {"totalCount": 0},
    }
    [result] = (await undo(account))["results"]
    assert (result["todoId"], result["todo"]["deletedAt"]) == (todo["id"], None)
    assert await stored_state(account) == created


async def test_what_changed_since_stays(account: Account) -> None:
    """A todo of which a field changed since gets CONFLICT with what is stored; others are undone."""
    first, second, third = await account.create_many([{"title": f"{n}"} for n in range(3)])
    ids = [third["id"], first["id"], second["id"]]
    await account.data(
        "mutation ($ids: [ID!]!) { todoBulkUpdate(ids: $ids, action: { setPriority: HIGH })"
        " { updated } }",
        ids=ids,
    )
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    await account.data(UPDATE, id=first["id"], input={"priority": "URGENT"})
    await account.data(UPDATE, id=second["id"], input={"title": "Other field"})
    payload = await undo(account, cursor)
    assert [result["todoId"] for result in payload["results"]] == ids
    assert (payload["processed"], payload["updated"]) == (3, 2)
    assert outcomes(payload) == [[], ["CONFLICT"], []]
    [error] = payload["results"][1]["errors"]
    assert (error["path"], error["current"]["id"]) == (["cursor"], first["id"])
    assert "priority" in error["message"]
    assert [result["todo"]["priority"] for result in payload["results"]] == [
        "MEDIUM",
        "URGENT",
        "MEDIUM",
    ]
    assert payload["results"][2]["todo"]["title"] == "Other field"


async def test_a_value_that_was_changed_and_changed_back_is_undone(account: Account) -> None:
    """Only values count, not how often a todo changed."""
    todo = await account.create(title="One")
    await account.data(UPDATE, id=todo["id"], input={"title": "Two"})
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    for title in ("Three", "Two"):
        await account.data(UPDATE, id=todo["id"], input={"title": title})
    [result] = (await undo(account, cursor))["results"]
    assert (result["errors"], result["todo"]["title"]) == ([], "One")


async def test_an_undo_that_is_sent_again_changes_nothing(account: Account) -> None:
    """The second time the fields have other values than the mutation left: CONFLICT."""
    todo = await account.create(title="One")
    await account.data(UPDATE, id=todo["id"], input={"title": "Two"})
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    await undo(account, cursor)
    payload = await undo(account, cursor)
    assert (payload["updated"], outcomes(payload)) == (0, [["CONFLICT"]])
    assert payload["results"][0]["todo"]["version"] == 3


async def test_any_change_of_a_mutation_names_it(account: Account) -> None:
    """The cursor of each change of a bulk action undoes all of them, and of nothing else."""
    todos = await account.create_many([{"title": f"{n}"} for n in range(3)])
    await account.create(title="Beside")
    await call(account, f'todoComplete(id: "{todos[0]["id"]}")')
    edges = (await account.data("{ changes { edges { cursor } } }"))["changes"]["edges"]
    payload = await undo(account, edges[1]["cursor"])
    assert outcomes(payload) == [["CONFLICT"], [], []]
    assert [result["todo"]["title"] for result in payload["results"]] == ["0", "1", "2"]


async def test_changes_of_an_earlier_release_belong_together_by_their_time(
    account: Account,
) -> None:
    """Neighbours of one time are one mutation without the number of the first change."""
    await account.create_many([{"title": f"{n}"} for n in range(3)])
    await account.create_many([{"title": f"{n}"} for n in range(2)])
    await fetch("UPDATE changes SET first_seq = NULL WHERE owner_id = $1", UUID(account.id))
    edges = (await account.data("{ changes { edges { cursor } } }"))["changes"]["edges"]
    assert outcomes(await undo(account, edges[1]["cursor"])) == [[]] * 3
    assert outcomes(await undo(account, edges[3]["cursor"])) == [[]] * 2


@pytest.mark.parametrize("kind", ["nonsense", "empty log", "foreign", "unknown", "expired", "lost"])
async def test_a_cursor_that_names_no_change_is_not_found(
    account: Account, new_account: NewAccount, kind: str
) -> None:
    """Nothing changes, and the call as a whole has the error."""
    start = (await account.data("{ changeCursor }"))["changeCursor"]
    await account.create_many([{"title": "x"}, {"title": "y"}])
    own = (await account.data("{ changeCursor }"))["changeCursor"]
    stranger = await new_account()
    await stranger.create()
    cursors = {
        "nonsense": "x" * 500,
        "empty log": start,
        "foreign": (await stranger.data("{ changeCursor }"))["changeCursor"],
        "unknown": cursor_of(UUID(account.id), 2**62, uuid4()),
        "expired": own,
        "lost": cursor_of(UUID(account.id), 2, uuid4()),
    }
    if kind == "expired":
        # The rest of the mutation alone can't be undone.
        await fetch("UPDATE changes SET first_seq = 1 WHERE owner_id = $1", UUID(account.id))
        await fetch("DELETE FROM changes WHERE owner_id = $1 AND seq = 1", UUID(account.id))
    before = await stored_state(account)
    payload = await undo(account, cursors[kind])
    assert codes(payload) == [("NOT_FOUND", ["cursor"])]
    assert (payload["results"], payload["processed"], payload["updated"]) == ([], 0, 0)
    assert await stored_state(account) == before


async def test_a_purged_todo_is_not_found(account: Account) -> None:
    """Its result names it, and the others are undone."""
    first, second = await account.create_many([{"title": "x"}, {"title": "y"}])
    await fetch("DELETE FROM todos WHERE id = $1", UUID(first["id"]))
    payload = await undo(account)
    assert outcomes(payload) == [["NOT_FOUND"], []]
    assert (payload["processed"], payload["updated"]) == (1, 1)
    assert [(r["todoId"], r["todo"] is None) for r in payload["results"]] == [
        (first["id"], True),
        (second["id"], False),
    ]


async def test_a_field_of_another_release_is_a_conflict(account: Account) -> None:
    """What this release can't restore stays as it is."""
    todo = await account.create()
    await account.data(UPDATE, id=todo["id"], input={"title": "New"})
    await fetch(
        'UPDATE changes SET diff = diff || \'[{"name": "mood", "before": 1, "after": 2}]\''
        " WHERE owner_id = $1 AND seq = 2",
        UUID(account.id),
    )
    payload = await undo(account)
    assert (outcomes(payload), payload["results"][0]["todo"]["title"]) == ([["CONFLICT"]], "New")
    assert "mood" in payload["results"][0]["errors"][0]["message"]


async def test_a_deleted_tag_is_undone(account: Account) -> None:
    """The tag is there again under its name, on the todos that had it, those in the trash too."""
    todos = await account.create_many(
        [{"title": "1", "tags": ["a"]}, {"title": "2", "tags": ["a", "b"]}]
    )
    await call(account, f'todoDelete(id: "{todos[0]["id"]}")')
    before = await stored_state(account)
    id = await tag_id(account, "a")
    payload = await call(account, f'tagDelete(id: "{id}")', "undoCursor errors { code }")
    after = await stored_state(account)
    assert outcomes(await undo(account, payload["undoCursor"])) == [[], []]
    assert await stored_state(account) == before
    await undo(account)
    assert await stored_state(account) == after


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ('todoCreate(input: { title: "x", tags: ["x"] })', 1),
        ('todoCreate(input: { title: "x" })', 1),
        ('todoCreate(input: { title: "x", status: COMPLETED })', 1),
        ('todoUpdate(id: "TODO", input: { title: "x" })', 1),
        ('todoUpdate(id: "TODO", input: {})', 0),
        ('todoDelete(id: "OTHER")', 0),
        ('todoBulkCreate(inputs: [{ title: "x" }, { title: "y" }])', 2),
        ('todoBulkCreate(inputs: [{ title: "x" }], dryRun: true)', 0),
        ('todoBulkCreate(inputs: [{ title: "x" }, { title: "y", id: "TODO" }], onError: SKIP_FAILED)', 1),
        ('todoBulkDelete(ids: ["TODO", "OTHER"], onError: SKIP_FAILED)', 1),
        ('todoBulkDelete(ids: ["TODO", "OTHER"])', 0),
        ('tagRename(id: "TAG", name: "b")', 2),
        ('tagRename(id: "TAG", name: "a")', 0),
        ('tagDelete(id: "TAG")', 2),
    ],
)  # fmt: skip
async def test_a_payload_has_the_cursor_that_undoes_it(
    account: Account, field: str, number: int
) -> None:
    """The cursor is that of the mutation's first change, also if others were made since."""
    todo, _ = await account.create_many(
        [{"title": "1", "tags": ["a"]}, {"title": "2", "tags": ["a"]}]
    )
    for word, value in (
        ("TODO", todo["id"]),
        ("TAG", todo["tags"][0]["id"]),
        ("OTHER", account.id),
    ):
        field = field.replace(word, value)
    before = (await account.data("{ changeCursor }"))["changeCursor"]
    payload = (await account.data(f"mutation {{ p: {field} {{ undoCursor }} }}"))["p"]
    changes = "query ($after: String) { changes(after: $after) { nodes { cursor } } }"
    nodes = (await account.data(changes, after=before))["changes"]["nodes"]
    assert (len(nodes), payload["undoCursor"]) == (number, nodes[0]["cursor"] if nodes else None)
    if number:
        await account.create(title="Beside")
        assert outcomes(await undo(account, payload["undoCursor"])) == [[]] * number


async def test_a_merge_of_tags_is_undone(account: Account) -> None:
    """The tag that went into another one is there again, with the todos that it had."""
    await account.create_many(
        [{"title": "1", "tags": ["a"]}, {"title": "2", "tags": ["a", "b"]}, {"title": "3", "tags": ["b"]}]
    )  # fmt: skip
    before = await stored_state(account)
    await call(account, f'tagRename(id: "{await tag_id(account, "a")}", name: "b")')
    after = await stored_state(account)
    assert outcomes(await undo(account)) == [[], []]
    assert await stored_state(account) == before
    await undo(account)
    assert await stored_state(account) == after


async def test_a_mutation_of_many_todos_is_undone_at_once(
    account: Account, recorded: Callable[[], AbstractContextManager[Statements]]
) -> None:
    """A rename of a tag that more todos carry than a bulk action changes, with all results."""
    await account.create_many([{"title": f"{n}", "tags": ["a", "b"]} for n in range(250)])
    before = await stored_state(account)
    await call(account, f'tagRename(id: "{await tag_id(account, "a")}", name: "c")')
    with recorded() as statements:
        payload = await undo(account)
    # Else plans from when the tables were nearly empty read all of the account's todos for each one.
    assert "DISCARD PLANS" in statements.texts
    assert outcomes(payload) == [[]] * 250
    assert [result["index"] for result in payload["results"]] == list(range(250))
    assert await stored_state(account) == before
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    more = UNDO.replace("...TodoParts", "...TodoParts history { nodes { id } }")
    payload = (await account.data(more, cursor=cursor))["todoUndo"]
    assert codes(payload) == [("TOO_MANY", ["cursor"])]
    assert "250" in payload["errors"][0]["message"]


async def test_more_than_10000_changes_cannot_be_undone(account: Account) -> None:
    """They would hold the account's lock for too long; the error says the limit."""
    todo = await account.create()
    await fetch(
        "INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at, first_seq)"
        " SELECT gen_random_uuid(), $1, n, $2, $1, 1, '[]', now(), 2"
        " FROM generate_series(2, 10002) n",
        *(UUID(account.id), UUID(todo["id"])),
    )
    payload = await undo(account, cursor_of(UUID(account.id), 300))
    assert codes(payload) == [("TOO_MANY", ["cursor"])]
    assert "10,000" in payload["errors"][0]["message"]
