"""Files in archives that are imported: attached once, within the limits of all files, whatever is killed."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.features.transfers.test_imports import content_of
from tests.support.accounts import Account
from tests.support.attachments import assert_usage_is_counted, examined, picture, read
from tests.support.recounts import wrong_counts
from tests.support.stored_files import content_of as stored_content
from tests.support.transfers import begun, imported, run, uploaded
from tests.support.vikunja_exports import export
from todo_gql.database.connection import fetch
from todo_gql.features.attachments.cleanup import DiscardedFiles
from todo_gql.features.transfers.imports.importer import run_import
from todo_gql.features.transfers.runs import run_claimed
from todo_gql.settings import Settings
from todo_gql.storage.local import LocalStore
from todo_gql.storage.store import FileMissing
from todo_gql.storage.stores import file_store
from todo_gql.tasks import working

FILES = """{ todos(first: 100) { nodes { id title description version attachments {
  id fileName size contentType state sha256 url } } } }"""
COMMENTS = "{ todos(first: 2) { nodes { comments(first: 5) { nodes { body attachments { fileName } } } } } }"


def archive(files: dict[str, bytes], names: dict[str, str] | None = None) -> bytes:
    """An export of Vikunja's of one task, which has these files; `names` are others than their keys."""
    attachments = [
        {"id": number, "file": {"id": number, "name": (names or {}).get(name, name)}}
        for number, name in enumerate(files, 10)
    ]
    project = {
        "id": 1,
        "title": "Inbox",
        "tasks": [{"id": 1, "title": "A", "attachments": attachments}],
    }
    return with_bytes(
        export([project]), {f"files/{n}": one for n, one in enumerate(files.values(), 10)}
    )


def with_bytes(content: bytes, members: dict[str, bytes]) -> bytes:
    """An archive with further members."""
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as packed:
        for name, one in members.items():
            packed.writestr(name, one)
    return buffer.getvalue()


async def only_todo(account: Account) -> dict[str, Any]:
    """The todo of an account that has one, with its files."""
    [todo] = (await account.data(FILES))["todos"]["nodes"]
    return dict(todo)


async def discarded() -> list[str]:
    """What is noted to be deleted from the store."""
    return [
        row["file_key"] for row in await fetch("SELECT file_key FROM discarded_files ORDER BY id")
    ]


@pytest.fixture(autouse=True)
async def nothing_discarded(app: object) -> None:
    """Nothing is noted to be deleted before a test."""
    await fetch("DELETE FROM discarded_files")


async def test_files_are_attached_once(account: Account, settings: Settings) -> None:
    """Files get their types by their bytes, whatever their names say, and a second import adds none."""
    content = archive({"notes.exe": b"Buy milk", "holiday.txt": picture("PNG")})
    report = await imported(account, settings, "export.zip", content)
    assert report["problems"]["totalCount"] == 0
    assert report["counts"]["attachments"] == 2
    todo = await only_todo(account)
    notes, holiday = todo["attachments"]
    assert (notes["fileName"], notes["contentType"], notes["state"]) == (
        *("notes.exe", "text/plain", "READY"),
    )
    assert (holiday["contentType"], holiday["state"]) == ("image/png", "SCANNING")
    assert todo["description"] is None
    assert (await read(account, notes["url"])).content == b"Buy milk"
    again = await imported(account, settings, "export.zip", content)
    assert again["counts"]["attachments"] == 0
    assert len((await only_todo(account))["attachments"]) == 2
    assert await discarded() == []
    assert await wrong_counts(UUID(account.id)) == {}
    await assert_usage_is_counted(account)


async def test_the_file_of_another_program_is_attached(
    account: Account, settings: Settings
) -> None:
    """The picture of a real export of Vikunja's is the todo's, byte for byte."""
    content = content_of("vikunja/export.zip")
    report = await imported(account, settings, "export.zip", content)
    assert report["counts"]["attachments"] == 1
    todos = (await account.data(FILES))["todos"]["nodes"]
    [file] = [file for todo in todos for file in todo["attachments"]]
    assert (file["fileName"], file["contentType"]) == ("picture.png", "image/png")
    key = f"attachments/{file['id']}/original"
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert await stored_content(file_store(settings), key) == packed.read("files/1")


async def test_a_file_of_a_note_is_its_comments(account: Account, settings: Settings) -> None:
    """A file of a note in a backup of Todoist's is the comment's, and the link stays in its text."""
    note = """note,"Here [[file {""file_name"":""a.txt"",""file_url"":""https://f.example/a""}]]",,,,,,,"""
    rows = [
        "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG",
        "task,One,4,1,,,,",
        note,
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("Inbox [1].csv", "\n".join(rows))
        packed.writestr("attachments/a.txt", b"Milk")
    report = await imported(account, settings, "backup.zip", buffer.getvalue())
    assert (report["counts"]["attachments"], report["problems"]["totalCount"]) == (1, 0)
    [todo] = (await account.data(COMMENTS))["todos"]["nodes"]
    [comment] = todo["comments"]["nodes"]
    assert comment["body"] == "Here\n\n[a.txt](<https://f.example/a>)"
    assert [file["fileName"] for file in comment["attachments"]] == ["a.txt"]


async def test_a_file_is_a_change_of_its_todo(account: Account, settings: Settings) -> None:
    """The change after that of the new todo has the names of its files, and its version."""
    await imported(account, settings, "export.zip", archive({"a.txt": b"a", "b.txt": b"b"}))
    rows = await fetch(
        "SELECT diff FROM changes WHERE owner_id = $1 ORDER BY seq DESC LIMIT 1",
        UUID(account.id),
    )
    assert orjson.loads(rows[0]["diff"]) == [
        {"name": "attachments", "before": [], "after": ["a.txt", "b.txt"]}
    ]
    assert (await only_todo(account))["version"] == 2


async def test_what_cannot_be_attached_is_in_the_description(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are too large, damaged, or more than twenty are losses, and the others are attached."""
    monkeypatch.setattr("todo_gql.features.transfers.imports.importer.MAX_FILE_BYTES", 1024**2)
    few = {f"{number}.txt": b"x" for number in range(21)}
    content = archive({"large.bin": bytes(1024**2 + 1), "damaged.txt": b"THE-ORIGINAL", **few})
    content = damaged(content, "files/11")
    report = await imported(account, settings, "export.zip", content)
    assert (report["counts"]["todos"], report["counts"]["skipped"]) == (1, 0)
    assert report["counts"]["attachments"] == 20
    problems = report["problems"]["nodes"]
    assert [(one["code"], one["isLoss"]) for one in problems] == [
        *(("TOO_LONG", True), ("INVALID", True), ("TOO_MANY", True)),
    ]
    todo = await only_todo(account)
    assert todo["description"] == "File: large.bin\nFile: damaged.txt\nFile: 20.txt"
    assert len(todo["attachments"]) == 20


def damaged(content: bytes, name: str) -> bytes:
    """An archive in which the bytes of a member aren't those of its sum."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        entry = packed.getinfo(name)
    start = entry.header_offset + 30 + len(name) + 1
    return content[:start] + bytes([content[start] ^ 255]) + content[start + 1 :]


async def test_the_quota_of_files_holds(account: Account, settings: Settings) -> None:
    """Files beyond what the account may have aren't attached, nor stored, and smaller ones still are."""
    small = settings.model_copy(update={"account_file_bytes": 10})
    content = archive({"a": b"12345678", "b": b"123", "c": b"12"})
    report = await imported(account, small, "export.zip", content)
    [problem] = report["problems"]["nodes"]
    assert (problem["code"], problem["isLoss"]) == ("TOO_LONG", True)
    names = [file["fileName"] for file in (await only_todo(account))["attachments"]]
    assert names == ["a", "c"]
    assert await assert_usage_is_counted(account) == 10
    assert await discarded() == []


@pytest.mark.parametrize(
    ("name", "stored", "code"),
    [
        ("../../etc/passwd", "passwd", "INVALID"),
        ("C:\\notes\u202e.txt", "notes .txt", "INVALID"),
        ("..", "file", "INVALID"),
        ("ä" * 200 + ".txt", "ä" * 125 + ".txt", "TOO_LONG"),
    ],
)
async def test_names_are_made_valid(
    account: Account, settings: Settings, name: str, stored: str, code: str
) -> None:
    """A file whose name can't be stored gets another one, and its own is in the description."""
    report = await imported(account, settings, "a.zip", archive({"a": b"x"}, {"a": name}))
    [problem] = report["problems"]["nodes"]
    assert (problem["code"], problem["isLoss"]) == (code, True)
    todo = await only_todo(account)
    assert [file["fileName"] for file in todo["attachments"]] == [stored]
    assert todo["description"].startswith("File: ")


async def test_a_trial_run_stores_nothing(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial run counts files that it doesn't write."""

    async def write(*_: object) -> int:
        raise AssertionError("a trial run writes a file")

    id = await uploaded(account, "export.zip", archive({"a": b"x"}))
    monkeypatch.setattr(LocalStore, "write", write)
    report = await run(account, settings, id, is_trial=True)
    assert (report["state"], report["counts"]["attachments"]) == ("DONE", 1)
    assert await discarded() == []


async def test_a_killed_import_leaves_no_bytes_and_attaches_once(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes whose transaction was never committed are deleted later, and the next worker stores them anew."""
    store, keys = file_store(settings), list[str]()
    id = await uploaded(account, "export.zip", archive({"a": b"one", "b": b"two"}))
    first = await begun(account, id)
    write = LocalStore.write

    async def dying(self: LocalStore, key: str, chunks: AsyncIterator[bytes], kind: str) -> int:
        size = await write(self, key, chunks, kind)
        keys.append(key)
        if len(keys) == 2:
            raise ConnectionResetError("killed")
        return size

    monkeypatch.setattr(LocalStore, "write", dying)
    with pytest.raises(ConnectionResetError):
        await run_claimed(_work(settings), first, is_last_attempt=False)
    monkeypatch.undo()
    assert await discarded() == [key.removesuffix("/original") for key in keys]
    await run_claimed(_work(settings), first, is_last_attempt=True)
    files = (await only_todo(account))["attachments"]
    assert [file["fileName"] for file in files] == ["a", "b"]
    await fetch("UPDATE discarded_files SET created_at = now() - interval '1 day'")
    assert await DiscardedFiles(settings).delete() == 2
    for key in keys:
        with pytest.raises(FileMissing):
            await store.size(key)
    for file in files:
        assert await store.size(f"attachments/{file['id']}/original") == 3


async def test_bytes_that_may_be_deleted_get_no_row(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part whose bytes took so long that they may be gone is stored anew with other bytes."""
    id = await uploaded(account, "export.zip", archive({"a": b"one"}))
    one = await begun(account, id)
    write = LocalStore.write

    async def slow(self: LocalStore, key: str, chunks: AsyncIterator[bytes], kind: str) -> int:
        await fetch("UPDATE discarded_files SET created_at = now() - interval '2 hours'")
        return await write(self, key, chunks, kind)

    monkeypatch.setattr(LocalStore, "write", slow)
    with pytest.raises(TimeoutError):
        await run_claimed(_work(settings), one, is_last_attempt=False)
    assert (await account.data(FILES))["todos"]["nodes"] == []
    monkeypatch.undo()
    await run_claimed(_work(settings), one, is_last_attempt=True)
    assert len((await only_todo(account))["attachments"]) == 1


def _work(settings: Settings) -> Any:
    async def work(run: Any) -> None:
        await run_import(settings, run)

    return work


async def test_a_picture_is_examined(
    account: Account, settings: Settings, database_url: str
) -> None:
    """A worker makes the thumbnails of an imported picture, which is READY after that."""
    id = await uploaded(account, "export.zip", archive({"a.png": picture("PNG", (400, 200))}))
    await run(account, settings, id)
    file_id = (await only_todo(account))["attachments"][0]["id"]
    [row] = await fetch("SELECT id FROM pgqueuer WHERE dedupe_key = $1", f"examine {file_id}")
    await fetch("DELETE FROM pgqueuer WHERE id <> $1", row["id"])
    async with working(settings, database_url):
        file = await examined(account, file_id)
    assert (file["state"], file["width"]) == ("READY", 400)
    assert file["thumbnailUrl"]
