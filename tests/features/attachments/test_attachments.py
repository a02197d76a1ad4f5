"""Files of todos: announcing, uploading, finishing, reading and deleting them."""

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.attachments import (
    NODE,
    announce,
    announcement,
    assert_usage_is_counted,
    attached,
    delete,
    files_of,
    finish,
    read,
    upload,
)
from tests.support.comments import codes
from tests.support.recounts import wrong_counts
from todo_gql.database.connection import fetch
from todo_gql.features.attachments.cleanup import DiscardedFiles, delete_unfinished
from todo_gql.settings import Settings
from todo_gql.storage.stores import local_store

CHANGES = """query ($id: ID!) { todo(id: $id) { version history(first: 10) {
  nodes { action fields { name before after } actor { id } }
} } }"""
TRASH = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


async def test_a_file_is_announced_uploaded_and_finished(account: Account) -> None:
    """A file comes back as it was sent, under its name, to be saved."""
    todo, content = await account.create(), "Notes: ä\n".encode()
    payload = await announce(account, todo["id"], content, fileName="  Notizen für ä.txt ")
    file = payload["attachment"]
    assert payload["errors"] == []
    assert (file["state"], file["url"], file["thumbnailUrl"]) == ("UPLOADING", None, None)
    assert file["fileName"] == "Notizen für ä.txt"
    assert file["uploadedBy"] == {"id": account.id}
    assert (await upload(account, payload, content)).status_code == 200
    finished = await finish(account, file["id"])
    assert (finished["errors"], finished["upload"]) == ([], None)
    ready = finished["attachment"]
    assert ready["state"] == "READY"
    assert ready["contentType"] == "text/plain"
    assert ready["sha256"] == sha256(content).hexdigest()
    answer = await read(account, ready["url"])
    assert answer.content == content
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Notizen f_r _.txt\"; filename*=UTF-8''Notizen%20f%C3%BCr%20%C3%A4.txt"
    )
    [listed] = await files_of(account, todo["id"])
    assert {**listed, "url": None} == {**ready, "url": None}
    assert await assert_usage_is_counted(account) == len(content)
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"fileName": ""}, "TOO_SHORT", "fileName"),
        ({"fileName": " \u200b "}, "TOO_SHORT", "fileName"),
        ({"fileName": "../../etc/passwd"}, "INVALID", "fileName"),
        ({"fileName": "C:\\autoexec.bat"}, "INVALID", "fileName"),
        ({"fileName": ".."}, "INVALID", "fileName"),
        ({"fileName": "a\u0000.txt"}, "INVALID", "fileName"),
        ({"fileName": "a\r\nSet-Cookie: b"}, "INVALID", "fileName"),
        ({"fileName": "photo\u202egpj.exe"}, "INVALID", "fileName"),
        ({"fileName": "x" * 256}, "TOO_LONG", "fileName"),
        ({"fileName": "ä" * 128}, "TOO_LONG", "fileName"),
        ({"size": -1}, "OUT_OF_RANGE", "size"),
        ({"size": 25 * 1024 * 1024 + 1}, "OUT_OF_RANGE", "size"),
        ({"contentType": "html"}, "INVALID", "contentType"),
        ({"contentType": "text/html\r\nX: y"}, "INVALID", "contentType"),
        ({"contentType": "x" * 200}, "INVALID", "contentType"),
        ({"sha256": "0" * 63}, "INVALID", "sha256"),
        ({"sha256": "g" * 64}, "INVALID", "sha256"),
        ({"id": "1"}, "INVALID", "id"),
    ],
)
async def test_what_is_announced_has_to_be_valid(
    account: Account, changes: dict[str, Any], code: str, field: str
) -> None:
    """Names without folders and tricks, sizes, types and hashes are checked, each with its path."""
    todo = await account.create()
    payload = await announce(account, todo["id"], b"content", **changes)
    assert codes(payload) == [(code, ["input", field])]
    assert (payload["attachment"], payload["upload"]) == (None, None)


async def test_all_problems_are_reported_together(account: Account) -> None:
    """A todo that isn't there doesn't hide what else is wrong."""
    payload = await announce(account, str(uuid4()), b"content", fileName="", size=-1)
    assert codes(payload) == [
        ("NOT_FOUND", ["todoId"]),
        ("TOO_SHORT", ["input", "fileName"]),
        ("OUT_OF_RANGE", ["input", "size"]),
    ]
    assert payload["errors"][-1]["message"] == "A file has at most 25 MiB."


async def test_types_are_said_without_parameters_or_not_at_all(account: Account) -> None:
    """Browsers know no type of many files; the upload then has the one for unknown bytes."""
    todo = await account.create()
    for sent, announced in (
        ("", "application/octet-stream"),
        ("Text/Plain; charset=utf-8", "text/plain"),
    ):
        payload = await announce(account, todo["id"], b"content", contentType=sent)
        assert payload["upload"]["headers"] == [{"name": "Content-Type", "value": announced}]


async def test_a_retry_announces_nothing_twice(account: Account) -> None:
    """The same id again gives the stored file and the URL for its bytes, as long as these are awaited."""
    todo, id = await account.create(), str(uuid4())
    await announce(account, todo["id"], b"content", id=id)
    again = await announce(account, todo["id"], b"content", id=id)
    assert codes(again) == [("ALREADY_EXISTS", ["input", "id"])]
    assert again["attachment"]["id"] == id
    assert (await upload(account, again, b"content")).status_code == 200
    await finish(account, id)
    again = await announce(account, todo["id"], b"content", id=id)
    assert (again["attachment"]["state"], again["upload"]) == ("READY", None)
    assert len(await files_of(account, todo["id"])) == 1


async def test_finishing_twice_answers_the_same(account: Account) -> None:
    """A finish whose answer was lost can be sent again, and is one change."""
    todo = await account.create()
    file = await attached(account, todo["id"])
    again = await finish(account, file["id"])
    assert again["errors"] == []
    assert again["attachment"]["state"] == "READY"
    assert (await account.data(CHANGES, id=todo["id"]))["todo"]["version"] == 2


async def test_what_is_not_uploaded_yet_can_not_be_finished(account: Account) -> None:
    """A finish before the upload says where the bytes go, and changes nothing."""
    todo = await account.create()
    id = (await announce(account, todo["id"], b"content"))["attachment"]["id"]
    payload = await finish(account, id)
    assert codes(payload) == [("INVALID", ["id"])]
    assert payload["attachment"]["state"] == "UPLOADING"
    assert (await upload(account, payload, b"content")).status_code == 200
    assert (await finish(account, id))["attachment"]["state"] == "READY"


@pytest.mark.parametrize("stored", [b"CONTENT", b"contents", b"", b"x" * 1_000_000])
async def test_what_a_store_lets_through_is_refused(
    account: Account, settings: Settings, stored: bytes
) -> None:
    """Other bytes than were announced are refused at the end, whatever the store has checked."""
    todo = await account.create()
    id = (await announce(account, todo["id"], b"content"))["attachment"]["id"]
    path = local_store(settings).path(f"attachments/{id}/original")
    path.parent.mkdir(parents=True)
    path.write_bytes(stored)
    file = (await finish(account, id))["attachment"]
    assert (file["state"], file["url"]) == ("REFUSED", None)
    assert file["refusedBecause"].startswith("What was uploaded isn't what was announced")
    assert (await account.data(CHANGES, id=todo["id"]))["todo"]["version"] == 1


async def test_files_are_told_as_changes_of_the_todo(account: Account) -> None:
    """A file that is READY, and one that is deleted, raise the version, and the log has the names."""
    todo = await account.create()
    first = await attached(account, todo["id"], fileName="a, b: c.txt")
    second = await attached(account, todo["id"], fileName="“ü”.txt")
    assert (await delete(account, first["id"]))["ok"] is True
    told = (await account.data(CHANGES, id=todo["id"]))["todo"]
    assert told["version"] == 4
    assert [entry["fields"] for entry in told["history"]["nodes"][:3]] == [
        [{"name": "attachments", "before": ["a, b: c.txt", "“ü”.txt"], "after": ["“ü”.txt"]}],
        [{"name": "attachments", "before": ["a, b: c.txt"], "after": ["a, b: c.txt", "“ü”.txt"]}],
        [{"name": "attachments", "before": [], "after": ["a, b: c.txt"]}],
    ]
    assert {entry["action"] for entry in told["history"]["nodes"][:3]} == {"UPDATED"}
    assert [file["id"] for file in await files_of(account, todo["id"])] == [second["id"]]
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_deleted_file_is_gone(account: Account) -> None:
    """Deleting a file twice is NOT_FOUND, it can't be read by id, and its bytes are counted no more."""
    todo = await account.create()
    file = await attached(account, todo["id"])
    assert (await delete(account, file["id"]))["ok"] is True
    again = await delete(account, file["id"])
    assert (again["ok"], codes(again)) == (False, [("NOT_FOUND", ["id"])])
    assert (await account.data(NODE, id=file["id"]))["node"] is None
    assert await assert_usage_is_counted(account) == 0


async def test_files_that_never_came_are_no_change(account: Account) -> None:
    """An upload that is given up is deleted without a line in the log."""
    todo = await account.create()
    id = (await announce(account, todo["id"], b"content"))["attachment"]["id"]
    assert (await delete(account, id))["ok"] is True
    assert (await account.data(CHANGES, id=todo["id"]))["todo"]["version"] == 1


async def test_a_todo_has_twenty_files(account: Account) -> None:
    """One more is refused, those on their way included, and may come when another one is gone."""
    todo = await account.create()
    ids = [(await announce(account, todo["id"], b"content"))["attachment"]["id"] for _ in range(20)]
    payload = await announce(account, todo["id"], b"content")
    assert codes(payload) == [("TOO_MANY", ["todoId"])]
    await delete(account, ids[0])
    assert (await announce(account, todo["id"], b"content"))["errors"] == []


async def test_an_account_has_so_many_bytes_of_files(account: Account) -> None:
    """The quota counts what is announced, so that uploads at once can't exceed it together."""
    todo, others = await account.create(), await account.create()
    sent = announcement(b"content", size=25 * 1024 * 1024)
    for number in range(40):
        todo_id = (todo if number < 20 else others)["id"]
        assert (await announce(account, todo_id, b"content", size=sent["size"]))["errors"] == []
    last = await account.create()
    payload = await announce(account, last["id"], b"content", size=sent["size"])
    assert codes(payload) == [("TOO_LONG", ["input", "size"])]
    assert "1,073,741,824 are allowed" in payload["errors"][0]["message"]
    assert await assert_usage_is_counted(account) == 40 * sent["size"]


async def test_files_of_the_trash_are_there_again_when_it_is(account: Account) -> None:
    """A file of a todo in the trash can't be read by id, deleted or finished."""
    todo = await account.create()
    file = await attached(account, todo["id"])
    awaited = (await announce(account, todo["id"], b"more"))["attachment"]["id"]
    await account.data(TRASH, id=todo["id"])
    assert (await account.data(NODE, id=file["id"]))["node"] is None
    assert codes(await delete(account, file["id"])) == [("NOT_FOUND", ["id"])]
    assert codes(await finish(account, awaited)) == [("NOT_FOUND", ["id"])]
    assert codes(await announce(account, todo["id"], b"x")) == [("NOT_FOUND", ["todoId"])]


async def test_bytes_of_what_is_deleted_go(account: Account, settings: Settings) -> None:
    """The store has a file no more some time after anything has deleted it, such as a purge."""
    store = local_store(settings)
    todos = [await account.create() for _ in range(2)]
    files = [await attached(account, todo["id"]) for todo in todos]
    kept = await attached(account, (await account.create())["id"])
    await delete(account, files[0]["id"])
    await fetch("DELETE FROM todos WHERE id = $1", UUID(todos[1]["id"]))
    sweep = DiscardedFiles(settings)
    await sweep.delete()
    for file in files:
        # Whoever had a URL may still have been uploading.
        assert store.path(f"attachments/{file['id']}/original").exists()
    await fetch("UPDATE discarded_files SET created_at = created_at - interval '1 day'")
    assert await sweep.delete() >= 2
    for file in files:
        assert not store.path(f"attachments/{file['id']}/original").parent.exists()
    assert store.path(f"attachments/{kept['id']}/original").exists()
    assert await fetch("SELECT FROM discarded_files") == []


async def test_unfinished_uploads_are_deleted_after_a_day(account: Account) -> None:
    """What never came is deleted, what is READY isn't."""
    todo = await account.create()
    file = await attached(account, todo["id"])
    await announce(account, todo["id"], b"content")
    await delete_unfinished()
    assert len(await files_of(account, todo["id"])) == 2
    earlier = (
        "UPDATE attachments SET upload_expires_at = now() - interval '1 s' WHERE owner_id = $1"
    )
    await fetch(f"{earlier} AND state = 0", UUID(account.id))
    assert await delete_unfinished() >= 1
    assert [each["id"] for each in await files_of(account, todo["id"])] == [file["id"]]
    assert await assert_usage_is_counted(account) == 7


async def test_files_are_loaded_together(account: Account) -> None:
    """Files of many todos have their own lists each, in the order of announcement."""
    todos = [await account.create() for _ in range(3)]
    for number, todo in enumerate(todos):
        for file in range(number):
            await announce(account, todo["id"], b"content", fileName=f"{file}.txt")
    data = await account.data("{ todos(first: 3) { nodes { id attachments { fileName } } } }")
    listed = {
        node["id"]: [f["fileName"] for f in node["attachments"]] for node in data["todos"]["nodes"]
    }
    assert listed == {
        todos[0]["id"]: [],
        todos[1]["id"]: ["0.txt"],
        todos[2]["id"]: ["0.txt", "1.txt"],
    }


async def test_another_one_s_id_can_not_be_used(account: Account, new_account: NewAccount) -> None:
    """An id of a stranger's file is refused in the words for what is no UUID."""
    other = await new_account()
    id = (await announce(other, (await other.create())["id"], b"content"))["attachment"]["id"]
    todo = await account.create()
    payload = await announce(account, todo["id"], b"content", id=id)
    assert codes(payload) == [("INVALID", ["input", "id"])]
    assert payload["attachment"] is None
