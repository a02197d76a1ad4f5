"""Undo of what was done to lists and sections, with the todos in them."""

import pytest

from tests.features.undo.test_undo import call, codes, outcomes, undo
from tests.support.accounts import Account
from tests.support.stored_states import stored_state

CURSOR = "undoCursor errors { code }"


async def make_list(account: Account) -> tuple[str, str]:
    """The ids of a list and of its section, in which there are todos."""
    made = (await call(account, 'listCreate(input: { name: "Home" })', "list { id }"))["list"]
    section = await call(
        account, f'sectionCreate(listId: "{made["id"]}", name: "Now")', "section { id }"
    )
    to = f'to: {{ listId: "{made["id"]}", sectionId: "{section["section"]["id"]}" }}'
    for number in range(3):
        await call(account, f'todoCreate(input: {{ title: "{number}", tags: ["a"], {to} }})')
    return made["id"], section["section"]["id"]


@pytest.mark.parametrize(
    "field",
    ['listDelete(id: "LIST")', 'sectionDelete(id: "SECTION")',
     'listUpdate(id: "LIST", input: { name: "Other", isArchived: true, color: "#00ff00" })',
     'sectionUpdate(id: "SECTION", name: "Later")'],
)  # fmt: skip
async def test_what_was_done_to_a_list_is_undone(account: Account, field: str) -> None:
    """The list is as before with all that is in it; undoing that is doing it again."""
    list_id, section_id = await make_list(account)
    before = await stored_state(account)
    field = field.replace("LIST", list_id).replace("SECTION", section_id)
    payload = await call(account, field, CURSOR)
    after = await stored_state(account)
    assert after != before
    undone = await undo(account, payload["undoCursor"])
    number = 3 if "Delete" in field else 0
    assert (outcomes(undone), undone["updated"]) == ([[]] * number, number)
    assert await stored_state(account) == before
    await undo(account, undone["undoCursor"])
    assert await stored_state(account) == after


async def test_a_restored_list_goes_back_to_the_trash(account: Account) -> None:
    """A list that has got todos since stays, and nothing is changed."""
    list_id, _ = await make_list(account)
    await call(account, f'listDelete(id: "{list_id}")')
    before = await stored_state(account)
    cursor = (await call(account, f'listRestore(id: "{list_id}")', CURSOR))["undoCursor"]
    redo = (await undo(account, cursor))["undoCursor"]
    assert await stored_state(account) == before
    cursor = (await undo(account, redo))["undoCursor"]
    await call(account, f'todoCreate(input: {{ title: "x", to: {{ listId: "{list_id}" }} }})')
    with_more = await stored_state(account)
    assert codes(await undo(account, cursor)) == [("CONFLICT", ["cursor"])]
    assert await stored_state(account) == with_more


async def test_a_created_list_goes_to_the_trash(account: Account) -> None:
    """A list without todos goes, and undoing that brings it back."""
    payload = await call(account, 'listCreate(input: { name: "Home" })', CURSOR)
    before = await stored_state(account)
    redo = (await undo(account, payload["undoCursor"]))["undoCursor"]
    assert (await stored_state(account))["lists"][0]["deleted_at"] is not None
    await undo(account, redo)
    assert await stored_state(account) == before


async def test_a_todo_does_not_return_to_a_list_that_is_gone(account: Account) -> None:
    """The todo stays where it was moved to, with CONFLICT."""
    list_id, _ = await make_list(account)
    data = await account.data("{ todos { nodes { id } } }")
    todo_id = data["todos"]["nodes"][0]["id"]
    move = f'todoMove(id: "{todo_id}", to: {{ listId: null }})'
    cursor = (await call(account, move, CURSOR))["undoCursor"]
    await call(account, f'listDelete(id: "{list_id}")')
    assert outcomes(await undo(account, cursor)) == [["CONFLICT"]]
