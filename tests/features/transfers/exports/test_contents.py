"""What an export has: everything that is a person's own, and nothing else."""

import re
from collections.abc import AsyncIterator
from itertools import pairwise
from uuid import UUID

from uuid_utils.compat import uuid7

from tests.support.accounts import Account
from tests.support.calendars import make_feed
from tests.support.comments import commented, delete
from tests.support.exports import exported
from tests.support.inboxes import prefer
from tests.support.lists import make_list, make_section, write_list
from tests.support.reminders import added, relative
from tests.support.repeating import completed, repeating
from tests.support.sharing import share
from tests.support.views import save
from todo_gql.database.connection import fetch
from todo_gql.database.models import AttachmentState
from todo_gql.settings import Settings
from todo_gql.storage.stores import file_store

SNOOZE = """
mutation ($id: ID!, $until: DateTime) { todoSnooze(id: $id, until: $until) { errors { code } } }
"""
TOOK = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { actualMinutes: 5 }) { errors { code } } }
"""
TRASH = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"


async def test_a_todo_is_written_as_the_api_names_it(account: Account, settings: Settings) -> None:
    """Each value of a todo is a key of its line, with its reminders, comments, tags and snooze."""
    list_ = await make_list(account, name="Home", color="#aabbcc", description="All of it")
    section = await make_section(account, list_["id"], "Kitchen")
    parent = await account.create(title="Cook", to={"listId": list_["id"]})
    todo = await account.create(
        title="Buy „Spaghetti“",
        description="500 g\nof them",
        priority="URGENT",
        status="IN_PROGRESS",
        dueAt="2030-05-01T07:00:00+02:00",
        dueTimeZone="Europe/Berlin",
        startDate="2030-04-29",
        estimatedMinutes=20,
        tags=["food", "shop"],
        metadata={"a": None, "b": [1, 2.5, "ü"]},
        to={"listId": list_["id"], "sectionId": section["id"], "parentId": parent["id"]},
    )
    await account.data(TOOK, id=todo["id"])
    reminder = await added(account, todo["id"], relative("-PT15M"))
    comment = await commented(account, todo["id"], "Which *brand*?")
    gone = await commented(account, todo["id"], "Nonsense")
    await delete(account, gone["id"])
    await account.data(SNOOZE, id=todo["id"], until="2999-01-01T00:00:00Z")
    archive = await exported(account, settings)
    [line] = [one for one in archive.of("todo") if one["id"] == todo["id"]]
    position = line.pop("position")
    assert position > next(one["position"] for one in archive.of("todo") if one["title"] == "Cook")
    assert line == {
        "type": "todo",
        "id": todo["id"],
        "title": "Buy „Spaghetti“",
        "description": "500 g\nof them",
        "status": "IN_PROGRESS",
        "priority": "URGENT",
        "tags": ["food", "shop"],
        "listId": list_["id"],
        "sectionId": section["id"],
        "parentId": parent["id"],
        "dueAt": "2030-05-01T05:00:00.000000Z",
        "dueTimeZone": "Europe/Berlin",
        "startDate": "2030-04-29",
        "estimatedMinutes": 20,
        "actualMinutes": 5,
        "metadata": {"a": None, "b": [1, 2.5, "ü"]},
        "snoozedUntil": "2999-01-01T00:00:00.000000Z",
        "createdAt": todo["createdAt"],
        "updatedAt": line["updatedAt"],
        "reminders": [{"id": reminder["id"], "anchor": "DUE", "offset": "-PT15M"}],
        "comments": [
            {
                "id": comment["id"],
                "author": account.username,
                "isOwn": True,
                "body": "Which *brand*?",
                "createdAt": comment["createdAt"],
            }
        ],
    }
    [shown] = archive.of("list")
    assert (shown["name"], shown["color"], shown["description"]) == ("Home", "#aabbcc", "All of it")
    assert [(one["id"], one["name"]) for one in shown["sections"]] == [(section["id"], "Kitchen")]
    assert [tag["name"] for tag in archive.of("tag")] == ["food", "shop"]


async def test_lines_stand_between_a_header_and_their_counts(
    account: Account, settings: Settings
) -> None:
    """The first line names the format and its version, and the last one how many lines there are of each type."""
    await make_list(account)
    await account.create()
    archive = await exported(account, settings)
    assert archive.names() == [
        *("data.jsonl", "history.jsonl", "todos.txt", "tasks.taskwarrior.json", "todos.ics"),
    ]
    for name, content in (("data.jsonl", "data"), ("history.jsonl", "history")):
        first, *lines, last = archive.lines(name)
        assert (first["type"], first["format"], first["version"], first["content"]) == (
            *("header", "todo_gql", 1, content),
        )
        assert last["type"] == "end"
        types = [line["type"] for line in lines]
        assert last["counts"] == {type_: types.count(type_) for type_ in types}
    assert [line["type"] for line in archive.lines()] == [
        "header",
        "account",
        "list",
        "todo",
        "end",
    ]
    [own] = archive.of("account")
    assert (own["username"], own["email"]) == (account.username, account.email)


async def test_todos_are_in_the_order_of_their_lists(account: Account, settings: Settings) -> None:
    """Todos come list by list in the order of their positions, those of the inbox first."""
    one, other = await make_list(account, name="One"), await make_list(account, name="Other")
    for title, list_id in (("c", other["id"]), ("a", None), ("d", other["id"]), ("b", one["id"])):
        await account.create(title=title, to={"listId": list_id})
    place = {"first": True}
    await account.create(title="first", to={"listId": other["id"], "place": place})
    todos = (await exported(account, settings)).of("todo")
    by_list: dict[str | None, list[str]] = {}
    for todo in todos:
        by_list.setdefault(todo.get("listId"), []).append(todo["title"])
    assert by_list == {None: ["a"], one["id"]: ["b"], other["id"]: ["first", "c", "d"]}
    lists = [todo.get("listId") for todo in todos]
    assert sum(before != after for before, after in pairwise(lists)) == 2


async def test_the_trash_is_marked(account: Account, settings: Settings) -> None:
    """Deleted todos and lists are in the lines with the moment of their deletion, and in no other format."""
    list_ = await make_list(account, name="Gone")
    todo = await account.create(title="Trashed")
    await account.data(TRASH, id=todo["id"])
    await write_list(account, "listDelete(id: $id)", id=list_["id"])
    archive = await exported(account, settings)
    assert "deletedAt" in archive.of("list")[0]
    assert "deletedAt" in archive.of("todo")[0]
    for name in ("todos.txt", "tasks.taskwarrior.json", "todos.ics"):
        assert b"Trashed" not in archive.text(name)


async def test_series_and_their_completed_occurrences_are_told_apart(
    account: Account, settings: Settings
) -> None:
    """A repeating todo has its rule, and a completed occurrence the id of what it was one of."""
    todo = await repeating(account, "FREQ=WEEKLY;COUNT=5", "2030-01-05")
    await completed(account, todo["id"])
    open_, done = sorted(
        (await exported(account, settings)).of("todo"), key=lambda one: one["status"], reverse=True
    )
    assert open_["recurrence"] == {
        "rule": "FREQ=WEEKLY;COUNT=5",
        "mode": "SCHEDULE",
        "timeZone": "UTC",
        "anchor": "2030-01-05",
        "time": None,
        "done": 1,
        "catchesUp": False,
    }
    assert (done["seriesId"], done["status"], done["dueDate"]) == (
        *(todo["id"], "COMPLETED", "2030-01-05"),
    )


async def test_settings_are_in_it_without_secrets(account: Account, settings: Settings) -> None:
    """Views, preferences and feeds are in the lines, and nothing that opens anything."""
    await save(account, name="Focus", filter={"priority": {"gte": "HIGH"}})
    await prefer(account, {"JOB": {"email": False}}, [])
    feed = await make_feed(account, label="Work")
    archive = await exported(account, settings)
    [view], [preferences], [shown] = (
        archive.of(type_) for type_ in ("savedView", "notificationPreferences", "calendarFeed")
    )
    assert (view["name"], view["filter"]) == ("Focus", {"priority": {"gte": "HIGH"}})
    assert preferences["kinds"]["JOB"]["email"] is False
    assert shown == {
        "type": "calendarFeed",
        "id": feed["id"],
        "label": "Work",
        "asEvents": True,
        "createdAt": feed["createdAt"],
    }
    text = archive.text("data.jsonl").decode()
    secret = feed["url"].rpartition("/")[2].removesuffix(".ics")
    assert secret not in text
    assert account.token not in text
    assert not re.search("secret|hash|password", text, re.IGNORECASE)


async def test_of_others_there_is_what_they_wrote_on_own_todos(
    account: Account, stranger: Account, settings: Settings
) -> None:
    """Comments and members of own lists are in it by their user names, and lists of others aren't."""
    own, theirs = await make_list(account, name="Own"), await make_list(stranger, name="Theirs")
    await share(account, own["id"], stranger)
    await share(stranger, theirs["id"], account)
    todo = await account.create(title="Talk", to={"listId": own["id"]}, assigneeId=stranger.id)
    other = await stranger.create(title="Secret", to={"listId": theirs["id"]})
    await commented(stranger, todo["id"], "From elsewhere")
    await commented(account, other["id"], "Said there")
    archive = await exported(account, settings)
    [list_], [line] = archive.of("list"), archive.of("todo")
    assert [(one["username"], one["role"]) for one in list_["members"]] == [
        (stranger.username, "EDITOR")
    ]
    assert line["assignee"] == stranger.username
    [comment] = line["comments"]
    assert (comment["author"], comment["body"]) == (stranger.username, "From elsewhere")
    assert "isOwn" not in comment
    everything = b"".join(archive.text(name) for name in archive.names()).decode()
    for word in ("Secret", "Theirs", "Said there", stranger.email, theirs["id"]):
        assert word not in everything


async def test_the_history_is_in_a_file_of_its_own(account: Account, settings: Settings) -> None:
    """Each change of the owner's log is a line, with who made it and what it changed."""
    todo = await account.create(title="Old")
    await account.data(
        'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "New" }) { errors { code } } }',
        id=todo["id"],
    )
    _, created, updated, _ = (await exported(account, settings)).lines("history.jsonl")
    assert (created["number"], created["action"], created["kind"]) == (1, "CREATED", "TODO")
    assert (updated["number"], updated["actor"], updated["todoId"]) == (
        *(2, account.username, todo["id"]),
    )
    assert updated["fields"] == [{"name": "title", "before": "Old", "after": "New"}]
    rows = await fetch("SELECT count(*) AS n FROM changes WHERE owner_id = $1", UUID(account.id))
    assert rows[0]["n"] == 2


ATTACH = """
INSERT INTO attachments (id, owner_id, todo_id, file_name, size, content_type, sha256, state, thumbnail_sizes,
    created_at)
VALUES ($1, $2, $3, $4, $5, 'text/plain', sha256('x'), $6, '[]', now())
"""


async def test_files_are_in_it_if_they_were_asked_for(account: Account, settings: Settings) -> None:
    """Attachments are members of the archive under names without a path, and one that is gone is empty."""
    todo = await account.create(title="Read")
    names = ("../ü/notes?.txt", "gone.txt", "unfinished.txt")
    ids = [uuid7() for _ in names]
    for id, name in zip(ids, names, strict=True):
        state = AttachmentState.UPLOADING if name == "unfinished.txt" else AttachmentState.READY
        await fetch(ATTACH, id, UUID(account.id), UUID(todo["id"]), name, 5, state.value)

    async def content() -> AsyncIterator[bytes]:
        yield b"notes"

    await file_store(settings).write(f"attachments/{ids[0]}/original", content(), "text/plain")
    archive = await exported(account, settings, with_files=True)
    [line] = archive.of("todo")
    paths = [f"files/{ids[0]}/_ü_notes_.txt", f"files/{ids[1]}/gone.txt"]
    assert [(one["fileName"], one["path"]) for one in line["files"]] == [
        *zip(names[:2], paths, strict=True)
    ]
    assert archive.names()[-2:] == paths
    assert (archive.text(paths[0]), archive.text(paths[1])) == (b"notes", b"")
    without = await exported(account, settings)
    assert "path" not in without.of("todo")[0]["files"][0]
    assert not any(name.startswith("files/") for name in without.names())
