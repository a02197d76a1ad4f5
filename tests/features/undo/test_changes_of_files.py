"""Undo of mutations that changed a todo's files: refused, with nothing changed."""

import pytest

from tests.features.transfers.test_imported_files import archive, only_todo
from tests.features.undo.test_undo import outcomes, undo
from tests.support.accounts import Account
from tests.support.attachments import attached, delete, files_of
from tests.support.stored_states import stored_state
from tests.support.transfers import imported
from todo_gql.settings import Settings

RENAME = 'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "y" }) { undoCursor } }'


@pytest.mark.parametrize("is_deleted", [False, True], ids=["added", "deleted"])
async def test_files_are_not_undone(account: Account, *, is_deleted: bool) -> None:
    """A file that was added stays, one that was deleted stays away, and the todo is as it was: CONFLICT says why."""
    todo = await account.create(title="x")
    file = await attached(account, todo["id"])
    if is_deleted:
        await delete(account, file["id"])
    before = await stored_state(account)
    payload = await undo(account)
    [result] = payload["results"]
    [error] = result["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["cursor"])
    assert error["message"] == "What it did to the todo's files can't be undone."
    assert (result["todoId"], payload["updated"], payload["undoCursor"]) == (todo["id"], 0, None)
    assert await stored_state(account) == before
    ids = [one["id"] for one in await files_of(account, todo["id"])]
    assert ids == ([] if is_deleted else [file["id"]])


async def test_a_todo_that_was_imported_with_files_is_undone(
    account: Account, settings: Settings
) -> None:
    """It goes to the trash with its files, and comes back with them when that is undone."""
    await imported(account, settings, "vikunja.zip", archive({"notes.txt": b"Buy milk"}))
    todo = await only_todo(account)
    assert [file["fileName"] for file in todo["attachments"]] == ["notes.txt"]
    payload = await undo(account)
    assert outcomes(payload) == [[]]
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0
    assert outcomes(await undo(account, payload["undoCursor"])) == [[]]
    [file] = await files_of(account, todo["id"])
    assert (file["id"], file["state"]) == (todo["attachments"][0]["id"], "READY")


async def test_a_todo_with_a_file_of_later_is_undone(account: Account) -> None:
    """What was done to a todo before it got a file is taken back, and the file stays."""
    todo = await account.create(title="x")
    before = await stored_state(account)
    renamed = await account.data(RENAME, id=todo["id"])
    file = await attached(account, todo["id"])
    assert outcomes(await undo(account, renamed["todoUpdate"]["undoCursor"])) == [[]]
    assert await stored_state(account) == before
    assert [one["id"] for one in await files_of(account, todo["id"])] == [file["id"]]
