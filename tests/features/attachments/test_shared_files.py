"""Files in shared lists and of comments: who sees and deletes them, and where they go."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.attachments import (
    announce,
    assert_usage_is_counted,
    attached,
    delete,
    files_of,
    finish,
    put_file,
    read,
    upload,
)
from tests.support.comments import codes, create
from tests.support.comments import delete as delete_comment
from tests.support.lists import make_list
from tests.support.recounts import wrong_counts
from tests.support.sharing import share, unshare
from todo_gql.database.connection import fetch
from todo_gql.database.models import ListRole

MOVE = """mutation ($id: ID!, $to: TodoPlaceInput!) {
  payload: todoMove(id: $id, to: $to) { todo { id } errors { code message path } }
}"""
TRANSFER = """mutation ($id: ID!, $toId: ID!, $password: String!) {
  payload: listTransfer(id: $id, toId: $toId, currentPassword: $password) {
    errors { code message path }
  }
}"""
OF_COMMENTS = """query ($id: ID!) { todo(id: $id) {
  version attachments { id } comments { nodes { attachments { id fileName } } }
} }"""


class Shared:
    """An owner's todo in a list that an editor and a viewer are in."""

    def __init__(self, owner: Account, editor: Account, viewer: Account) -> None:
        self.owner, self.editor, self.viewer = owner, editor, viewer
        self.list_id = self.todo_id = ""

    async def meet(self) -> "Shared":
        """Make the list and the todo, and share them."""
        self.list_id = (await make_list(self.owner))["id"]
        self.todo_id = (await self.owner.create(to={"listId": self.list_id}))["id"]
        await share(self.owner, self.list_id, self.editor)
        await share(self.owner, self.list_id, self.viewer, ListRole.VIEWER)
        return self


@pytest.fixture
async def shared(account: Account, stranger: Account, new_account: NewAccount) -> Shared:
    """A list of `account`, which `stranger` may change."""
    return await Shared(account, stranger, await new_account()).meet()


async def comment_with(account: Account, todo_id: str, ids: list[str]) -> dict[str, Any]:
    """The payload of a comment with files."""
    return await create(account, todo_id, attachmentIds=ids)


async def test_members_see_what_is_there(shared: Shared) -> None:
    """An editor's file counts for the owner, and is read by all; one on its way is the editor's alone."""
    file = await attached(shared.editor, shared.todo_id, b"content")
    awaited = (await announce(shared.editor, shared.todo_id, b"more"))["attachment"]["id"]
    for person in (shared.owner, shared.viewer):
        [seen] = await files_of(person, shared.todo_id)
        assert seen["id"] == file["id"]
        assert (await read(person, seen["url"])).content == b"content"
        assert codes(await finish(person, awaited)) == [("NOT_FOUND", ["id"])]
    assert len(await files_of(shared.editor, shared.todo_id)) == 2
    assert await assert_usage_is_counted(shared.owner) == 11
    assert await assert_usage_is_counted(shared.editor) == 0


async def test_viewers_attach_and_delete_nothing(shared: Shared) -> None:
    """A VIEWER's attempts are NOT_ALLOWED."""
    file = await attached(shared.owner, shared.todo_id)
    assert codes(await announce(shared.viewer, shared.todo_id, b"x")) == [
        ("NOT_ALLOWED", ["todoId"])
    ]
    assert codes(await delete(shared.viewer, file["id"])) == [("NOT_ALLOWED", ["id"])]
    assert (await delete(shared.editor, file["id"]))["ok"] is True


async def test_who_was_removed_sees_no_file(shared: Shared) -> None:
    """A removed member gets no more URLs, and can't finish what they had begun."""
    payload = await announce(shared.editor, shared.todo_id, b"content")
    await upload(shared.editor, payload, b"content")
    await unshare(shared.owner, shared.list_id, shared.editor)
    assert codes(await finish(shared.editor, payload["attachment"]["id"])) == [
        ("NOT_FOUND", ["id"])
    ]
    assert await files_of(shared.owner, shared.todo_id) == []


async def test_a_comment_has_files(shared: Shared) -> None:
    """Files of a comment are its author's to delete, or a MANAGER's, and go with the comment."""
    file = await attached(shared.editor, shared.todo_id, fileName="a.txt")
    other = await attached(shared.editor, shared.todo_id, fileName="b.txt")
    payload = await comment_with(shared.editor, shared.todo_id, [file["id"], other["id"]])
    assert payload["errors"] == []
    todo = (await shared.viewer.data(OF_COMMENTS, id=shared.todo_id))["todo"]
    [comment] = todo["comments"]["nodes"]
    assert [each["fileName"] for each in comment["attachments"]] == ["a.txt", "b.txt"]
    assert len(todo["attachments"]) == 2
    assert codes(await delete(shared.viewer, file["id"])) == [("NOT_ALLOWED", ["id"])]
    assert (await delete(shared.owner, other["id"]))["ok"] is True
    await delete_comment(shared.editor, payload["comment"]["id"])
    todo = (await shared.owner.data(OF_COMMENTS, id=shared.todo_id))["todo"]
    assert todo["attachments"] == []
    # Two files came and went.
    assert todo["version"] == 5
    assert await wrong_counts(UUID(shared.owner.id)) == {}


async def test_a_comment_s_files_are_its_author_s_own(shared: Shared) -> None:
    """What isn't uploaded by the author, finished, of this todo, and free, is NOT_FOUND with its place."""
    mine = await attached(shared.editor, shared.todo_id)
    theirs = await attached(shared.owner, shared.todo_id)
    awaited = (await announce(shared.editor, shared.todo_id, b"x"))["attachment"]["id"]
    elsewhere = await put_file((await shared.editor.create())["id"])
    sent = [mine["id"], theirs["id"], awaited, elsewhere, "x", mine["id"]]
    payload = await comment_with(shared.editor, shared.todo_id, sent)
    path = ["input", "attachmentIds"]
    assert codes(payload) == [
        *(("NOT_FOUND", [*path, str(index)]) for index in (1, 2, 3, 4)),
        ("INVALID", [*path, "5"]),
    ]
    assert codes(await comment_with(shared.editor, shared.todo_id, ["x"] * 11)) == [
        ("TOO_MANY", path)
    ]
    assert (await comment_with(shared.editor, shared.todo_id, [mine["id"]]))["errors"] == []
    again = await comment_with(shared.editor, shared.todo_id, [mine["id"]])
    assert codes(again) == [("NOT_FOUND", [*path, "0"])]


async def test_files_go_with_their_todo_to_another_owner(shared: Shared) -> None:
    """A moved todo takes its files along, whose bytes count for its new owner."""
    file = await attached(shared.editor, shared.todo_id)
    target = (await make_list(shared.editor))["id"]
    data = await shared.editor.data(MOVE, id=shared.todo_id, to={"listId": target})
    assert data["payload"]["errors"] == []
    [moved] = await files_of(shared.editor, shared.todo_id)
    assert moved["id"] == file["id"]
    assert (await read(shared.editor, moved["url"])).content == b"content"
    assert await assert_usage_is_counted(shared.owner) == 0
    assert await assert_usage_is_counted(shared.editor) == 7
    for person in (shared.owner, shared.editor):
        assert await wrong_counts(UUID(person.id)) == {}


async def test_files_need_room_at_their_new_owner(shared: Shared) -> None:
    """A todo whose files exceed the new owner's quota stays where it is."""
    await attached(shared.editor, shared.todo_id)
    own = (await shared.editor.create())["id"]
    await put_file(own)
    full = "UPDATE attachments SET size = 1073741820 WHERE owner_id = $1"
    await fetch(full, UUID(shared.editor.id))
    target = (await make_list(shared.editor))["id"]
    data = await shared.editor.data(MOVE, id=shared.todo_id, to={"listId": target})
    assert codes(data["payload"]) == [("TOO_LONG", ["id"])]
    assert await assert_usage_is_counted(shared.owner) == 7


async def test_a_transferred_list_takes_files_along(shared: Shared) -> None:
    """All files of a list, those of comments too, belong to the list's new owner."""
    file = await attached(shared.editor, shared.todo_id)
    await comment_with(shared.editor, shared.todo_id, [file["id"]])
    await attached(shared.owner, shared.todo_id, b"more")
    sent = {"id": shared.list_id, "toId": shared.editor.id, "password": shared.owner.password}
    data = await shared.owner.data(TRANSFER, **sent)
    assert data["payload"]["errors"] == []
    assert len(await files_of(shared.editor, shared.todo_id)) == 2
    assert await assert_usage_is_counted(shared.owner) == 0
    assert await assert_usage_is_counted(shared.editor) == 11
