"""Todos that an undo can't bring back to their lists, parents and positions as they were."""

from uuid import UUID

import pytest

from tests.features.undo.test_undo import call, outcomes, undo
from tests.support.accounts import Account
from todo_gql.database.connection import fetch
from todo_gql.features.undo import structure

CURSOR = "undoCursor errors { code }"


async def new_todo(account: Account, to: str = "") -> str:
    """The id of a new todo, at `to`."""
    place = f", to: {{ {to} }}" if to else ""
    payload = await call(account, f'todoCreate(input: {{ title: "x"{place} }})', "todo { id }")
    return str(payload["todo"]["id"])


async def cursor_of_call(account: Account, field: str) -> str:
    """What undoes a mutation."""
    return str((await call(account, field, CURSOR))["undoCursor"])


async def test_a_list_that_is_full_gets_no_todo_back(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The todo stays where it is, with TOO_MANY, as long as the list has no room."""
    made = await call(account, 'listCreate(input: { name: "Home" })', "list { id }")
    to = f'listId: "{made["list"]["id"]}"'
    todo = await new_todo(account, to)
    cursor = await cursor_of_call(account, f'todoMove(id: "{todo}", to: {{ listId: null }})')
    other = await new_todo(account, to)
    monkeypatch.setattr(structure, "MAX_OPEN_TODOS", 1)
    assert outcomes(await undo(account, cursor)) == [["TOO_MANY"]]
    await call(account, f'todoComplete(id: "{other}")')
    assert outcomes(await undo(account, cursor)) == [[]]


async def test_a_parent_that_is_full_gets_no_subtask_back(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The todo stays in the trash, with TOO_MANY, as long as the parent has too many subtasks."""
    parent = await new_todo(account)
    subtask = await new_todo(account, f'parentId: "{parent}"')
    cursor = await cursor_of_call(account, f'todoDelete(id: "{subtask}")')
    other = await new_todo(account, f'parentId: "{parent}"')
    monkeypatch.setattr(structure, "MAX_SUBTASKS", 1)
    assert outcomes(await undo(account, cursor)) == [["TOO_MANY"]]
    await call(account, f'todoDelete(id: "{other}")')
    assert outcomes(await undo(account, cursor)) == [[]]


async def test_subtasks_do_not_become_too_deep(account: Account) -> None:
    """A todo that got subtasks of its own since doesn't return below a parent where they don't fit."""
    line = [await new_todo(account)]
    for _ in range(5):
        line.append(await new_todo(account, f'parentId: "{line[-1]}"'))
    cursor = await cursor_of_call(account, f'todoMove(id: "{line[-1]}", to: {{ parentId: null }})')
    await new_todo(account, f'parentId: "{line[-1]}"')
    payload = await undo(account, cursor)
    assert outcomes(payload) == [["CONFLICT"]]
    assert "5 deep" in payload["results"][0]["errors"][0]["message"]


async def test_no_todo_becomes_its_own_ancestor(account: Account) -> None:
    """A todo doesn't return below a parent that was moved below it since."""
    parent = await new_todo(account)
    subtask = await new_todo(account, f'parentId: "{parent}"')
    cursor = await cursor_of_call(account, f'todoMove(id: "{subtask}", to: {{ parentId: null }})')
    await call(account, f'todoMove(id: "{parent}", to: {{ parentId: "{subtask}" }})')
    payload = await undo(account, cursor)
    assert outcomes(payload) == [["CONFLICT"]]
    assert "below it" in payload["results"][0]["errors"][0]["message"]


async def test_a_position_that_is_taken_is_replaced_by_the_next(account: Account) -> None:
    """The todo returns right behind the one that has its position now."""
    made = await call(account, 'listCreate(input: { name: "Home" })', "list { id }")
    to = f'listId: "{made["list"]["id"]}"'
    first, moved, last = [await new_todo(account, to) for _ in range(3)]
    positions = await fetch("SELECT position FROM todos WHERE id = $1", UUID(moved))
    cursor = await cursor_of_call(account, f'todoMove(id: "{moved}", to: {{ listId: null }})')
    between = await new_todo(account, to)
    await fetch(
        "UPDATE todos SET position = $2 WHERE id = $1", UUID(between), positions[0]["position"]
    )
    assert outcomes(await undo(account, cursor)) == [[]]
    rows = await fetch(
        "SELECT id FROM todos WHERE list_id = $1 ORDER BY position", UUID(made["list"]["id"])
    )
    assert [str(row["id"]) for row in rows] == [first, between, moved, last]
