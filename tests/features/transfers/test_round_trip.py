"""What leaves by an export comes back by an import: lists, todos, and all that belongs to them."""

from typing import Any
from uuid import UUID

from tests.support.accounts import Account, NewAccount
from tests.support.attachments import attached
from tests.support.comments import commented
from tests.support.exports import Archive, exported
from tests.support.lists import make_list, make_section
from tests.support.recounts import wrong_counts
from tests.support.reminders import added, relative
from tests.support.transfers import imported
from todo_gql.settings import Settings

# Ids, positions and versions are those of the account; what else differs isn't the same.
OF_THE_ACCOUNT = {"id", "position", "updatedAt", "listId", "sectionId", "parentId", "type"}


def comparable(archive: Archive) -> dict[str, Any]:
    """The lists and todos of an export by their names, as far as they don't depend on the account."""
    names = {
        line["id"]: line.get("title") or line["name"]
        for line in archive.of("list") + archive.of("todo")
    }
    sections = {
        one["id"]: one["name"] for line in archive.of("list") for one in line.get("sections", ())
    }
    lists = {
        line["name"]: {
            key: value
            for key, value in line.items()
            if key not in {*OF_THE_ACCOUNT, "sections", "createdAt"}
        }
        | {"sections": [one["name"] for one in line.get("sections", ())]}
        for line in archive.of("list")
    }
    todos = {
        line["title"]: {key: value for key, value in line.items() if key not in OF_THE_ACCOUNT}
        | {
            "list": names.get(line.get("listId")),
            "parent": names.get(line.get("parentId")),
            "section": sections.get(line.get("sectionId")),
            "reminders": [without_id(one) for one in line.get("reminders", ())],
            "comments": [one["body"] for one in line.get("comments", ())],
            "files": [same_file(archive, line, one) for one in line.get("files", ())],
        }
        for line in archive.of("todo")
    }
    return {"lists": lists, "todos": todos}


def same_file(archive: Archive, todo: dict[str, Any], file: dict[str, Any]) -> list[Any]:
    """A file with its content, and the comment that it belongs to."""
    comments = {one["id"]: one["body"] for one in todo.get("comments", ())}
    values = [file[name] for name in ("fileName", "contentType", "size", "sha256")]
    content = archive.text(file["path"]) if "path" in file else None
    return [*values, content, comments.get(file.get("commentId"))]


def without_id(value: dict[str, Any]) -> dict[str, Any]:
    """An object without its id."""
    return {key: one for key, one in value.items() if key != "id"}


async def test_what_an_export_has_comes_back(
    account: Account, new_account: NewAccount, settings: Settings
) -> None:
    """A second account that imports an export has the same lists and todos, and a second time adds nothing."""
    home = await make_list(account, name="Home", color="#aabbcc", description="All of it")
    section = await make_section(account, home["id"], "Kitchen")
    parent = await account.create(title="Cook", to={"listId": home["id"]})
    meal = await account.create(
        title="Buy „Spaghetti“ 🍝",
        description="500 g\nof them",
        priority="URGENT",
        status="IN_PROGRESS",
        dueAt="2030-05-01T07:00:00+02:00",
        dueTimeZone="Europe/Berlin",
        startDate="2030-04-29",
        estimatedMinutes=20,
        tags=["food", "shop"],
        metadata={"a": None, "b": [1, 2.5, "ü"]},
        to={"listId": home["id"], "sectionId": section["id"], "parentId": parent["id"]},
    )
    await added(account, meal["id"], relative("-PT15M"))
    await commented(account, meal["id"], "Which *brand*?")
    await account.create(title="Done", status="COMPLETED", dueDate="2026-01-01")
    await account.create(title="In the inbox", priority="LOW")
    before = await exported(account, settings)
    other = await new_account()
    report = await imported(other, settings, "export.zip", before.content)
    assert report["problems"]["totalCount"] == 0
    assert comparable(await exported(other, settings)) == comparable(before)
    again = await imported(other, settings, "export.zip", before.content)
    assert (again["format"], again["problems"]["totalCount"]) == ("TODO_GQL", 0)
    assert comparable(await exported(other, settings)) == comparable(before)
    assert len((await exported(other, settings)).of("todo")) == 4


async def test_files_come_back(
    account: Account, new_account: NewAccount, settings: Settings
) -> None:
    """An account that imports an export with files has the same ones, those of comments and subtasks too, once."""
    parent = await account.create(title="Cook")
    meal = await account.create(title="Buy", to={"parentId": parent["id"]})
    await attached(account, parent["id"], b"500 g", fileName="Rezept „alt“?.txt")
    await attached(account, parent["id"], b"", fileName="empty")
    comments = "$id: ID!, $files: [ID!]!"
    file = await attached(account, meal["id"], b"%PDF-1.7", fileName="receipt.pdf")
    made = await account.data(
        f'mutation ({comments}) {{ commentCreate(todoId: $id, input: {{ body: "Here", attachmentIds: $files }})'
        " { errors { code } } }",
        id=meal["id"],
        files=[file["id"]],
    )
    assert made["commentCreate"]["errors"] == []
    before = await exported(account, settings, with_files=True)
    other = await new_account()
    for number in (3, 0):
        report = await imported(other, settings, "export.zip", before.content)
        assert (report["counts"]["attachments"], report["problems"]["totalCount"]) == (number, 0)
        after = await exported(other, settings, with_files=True)
        assert comparable(after) == comparable(before)
    assert [len(todo["files"]) for todo in comparable(before)["todos"].values()] == [2, 1]
    assert await wrong_counts(UUID(other.id)) == {}
