"""Imports from the file to the todos: reports, limits, and nothing twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.imports import SHARED
from tests.support.recounts import wrong_counts
from tests.support.transfers import CREATE, START, announced, imported, run, uploaded
from todo_gql.database.connection import fetch
from todo_gql.features.transfers.imports.importer import LIST_GONE
from todo_gql.settings import Settings

FILES = {
    "icalendar/apple-date_time_reminder.ics": "ICALENDAR",
    "microsoft/task_with_subtasks.json": "MICROSOFT_TODO",
    "ticktick/export.csv": "TICKTICK",
    "todoist/four-levels.csv": "TODOIST",
    "todotxt/with-dates.txt": "TODO_TXT",
    "vikunja/export.zip": "VIKUNJA",
}
DELETE_LIST = "mutation ($id: ID!) { listDelete(id: $id) { errors { code } } }"
TODOS = """{ todos(first: 100, sort: [{ field: POSITION, direction: ASC }]) { nodes {
  title description status priority createdAt completedAt dueAt dueDate tags { name }
  list { name } section { name } parent { title } recurrence { rule } reminders { offset at }
} } }"""


def tasks(*values: dict[str, Any]) -> bytes:
    """A file of Taskwarrior's with these tasks, each with an id unless it has one."""
    return json.dumps(
        [
            {"uuid": str(uuid4()), "status": "pending", "description": "Task", **one}
            for one in values
        ]
    ).encode()


async def todos_of(account: Account) -> list[dict[str, Any]]:
    """The todos of an account, in the order by hand."""
    nodes: list[dict[str, Any]] = (await account.data(TODOS))["todos"]["nodes"]
    return nodes


def content_of(file: str) -> bytes:
    """What a file of another program has; the test is skipped where there are none."""
    path = SHARED / file
    if not path.exists():
        pytest.skip("the files of other programs aren't here")
    return path.read_bytes()


async def test_a_file_becomes_todos(account: Account, settings: Settings) -> None:
    """A trial run reports what a real run does, which creates todos as they were."""
    content = tasks(
        {
            "description": "Buy milk",
            "entry": "20260102T030405Z",
            "due": "20300105T120000Z",
            "tags": ["Home", "next week"],
            "priority": "H",
            "project": "Household",
        },
        {
            "description": "Done",
            "status": "completed",
            "entry": "20260102T030405Z",
            "end": "20260203T040506Z",
        },
    )
    report = await imported(account, settings, "tasks.json", content)
    assert (report["state"], report["format"], report["counts"]["todos"]) == (
        "DONE",
        "TASKWARRIOR",
        2,
    )
    assert report["done"] == report["total"]
    milk, done = sorted(await todos_of(account), key=lambda todo: todo["title"])
    assert (milk["title"], milk["priority"], milk["createdAt"]) == (
        "Buy milk",
        "HIGH",
        "2026-01-02T03:04:05.000000Z",
    )
    assert milk["list"]["name"] == "Household"
    assert [tag["name"] for tag in milk["tags"]] == ["home", "next week"]
    assert (done["status"], done["completedAt"]) == ("COMPLETED", "2026-02-03T04:05:06.000000Z")
    assert await wrong_counts(UUID(account.id)) == {}


async def test_importing_again_adds_nothing(account: Account, settings: Settings) -> None:
    """A second import of a file counts all as imported, and brings nothing back that was deleted."""
    content = tasks({"description": "A", "project": "P"}, {"description": "B", "project": "P"})
    first = await imported(account, settings, "tasks.json", content)
    assert (first["counts"]["todos"], first["counts"]["lists"]) == (2, 1)
    nodes = (await account.data("{ todos { nodes { id title } } }"))["todos"]["nodes"]
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=nodes[0]["id"]
    )
    second = await imported(account, settings, "other.json", content)
    assert second["counts"]["todos"] == second["counts"]["lists"] == 0
    assert second["counts"]["alreadyImported"] == 3
    assert [todo["title"] for todo in await todos_of(account)] == [nodes[1]["title"]]


async def test_new_todos_of_a_source_are_added(account: Account, settings: Settings) -> None:
    """A later file of the same source adds what is new, to the lists that it had created."""
    old = {"uuid": str(uuid4()), "description": "Old", "project": "P"}
    await imported(account, settings, "tasks.json", tasks(old))
    report = await imported(
        account, settings, "tasks.json", tasks(old, {"description": "New", "project": "P"})
    )
    assert (report["counts"]["todos"], report["counts"]["lists"]) == (1, 0)
    assert [(todo["title"], todo["list"]["name"]) for todo in await todos_of(account)] == [
        ("Old", "P"),
        ("New", "P"),
    ]


async def test_a_deleted_list_is_not_brought_back(account: Account, settings: Settings) -> None:
    """A new todo of a list that was deleted here goes to the inbox, and the report says so."""
    old = {"uuid": str(uuid4()), "description": "Old", "project": "P"}
    await imported(account, settings, "tasks.json", tasks(old))
    [one] = (await account.data("{ lists { nodes { id } } }"))["lists"]["nodes"]
    await account.data(DELETE_LIST, id=one["id"])
    new = {"description": "New", "project": "P"}
    report = await imported(account, settings, "tasks.json", tasks(old, new))
    [problem] = report["problems"]["nodes"]
    assert (problem["code"], problem["isLoss"], problem["title"]) == ("INVALID", True, "New")
    [todo] = await todos_of(account)
    assert (todo["title"], todo["list"]) == ("New", None)
    assert "List:" in todo["description"]


async def test_a_missing_list_is_named_as_in_the_file(account: Account, settings: Settings) -> None:
    """The description has the name of a list that was deleted here, also for todos of later parts."""
    head = "TYPE,CONTENT,PRIORITY,INDENT\n"
    await imported(account, settings, "Work.csv", head.encode())
    [one] = (await account.data("{ lists { nodes { id } } }"))["lists"]["nodes"]
    await account.data(DELETE_LIST, id=one["id"])
    rows = "".join(f"task,Task {number},4,1\n" for number in range(501))
    await imported(account, settings, "Work.csv", (head + rows).encode())
    stored = await fetch(
        "SELECT DISTINCT description FROM todos WHERE owner_id = $1", UUID(account.id)
    )
    assert [row["description"] for row in stored] == ["List: Work"]


async def test_the_list_for_the_rest_has_to_be_there(account: Account, settings: Settings) -> None:
    """An import fails in words if the list that was named for it is deleted before it begins."""
    created = await account.data(
        'mutation { listCreate(input: { name: "Later" }) { list { id } errors { code } } }'
    )
    list_id = created["listCreate"]["list"]["id"]
    id = await uploaded(account, "todo.txt", b"Call Ada\n", listId=list_id)
    await account.data(DELETE_LIST, id=list_id)
    report = await run(account, settings, id)
    [row] = await fetch("SELECT error FROM transfer_jobs WHERE id = $1", UUID(id))
    assert (report["state"], row["error"]) == ("FAILED", LIST_GONE)
    assert await todos_of(account) == []


async def test_what_does_not_fit_is_in_the_description(
    account: Account, settings: Settings
) -> None:
    """A long title is cut and kept whole in the description, with tags that can't be tags or are too many."""
    title = "word " * 60
    content = tasks({"description": title, "tags": [f"tag{n}" for n in range(12)] + ["x" * 60]})
    report = await imported(account, settings, "tasks.json", content)
    [todo] = await todos_of(account)
    assert len(todo["title"]) == 200
    assert title.strip() in todo["description"]
    assert "Tag: " in todo["description"]
    assert len(todo["tags"]) == 10
    problems = report["problems"]["nodes"]
    assert {problem["code"] for problem in problems} == {"TOO_LONG", "TOO_MANY"}
    assert all(problem["isLoss"] for problem in problems)
    assert (report["counts"]["todos"], report["counts"]["skipped"]) == (1, 0)


async def test_full_lists_and_accounts_are_reported(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Todos without room in their list or account are skipped, with their places, in trials alike."""
    monkeypatch.setattr("todo_gql.features.todos.surroundings.MAX_OPEN_TODOS", 2)
    content = tasks(
        *({"description": f"{n}", "project": "P"} for n in range(4)),
        {"description": "Done", "project": "P", "status": "completed"},
    )
    report = await imported(account, settings, "tasks.json", content)
    assert (report["counts"]["todos"], report["counts"]["skipped"]) == (3, 2)
    assert [problem["code"] for problem in report["problems"]["nodes"]] == ["TOO_MANY"] * 2
    small = settings.model_copy(update={"account_todos": 4})
    more = await imported(
        account, small, "tasks.json", tasks(*({"description": f"{n}"} for n in range(3)))
    )
    assert (more["counts"]["todos"], more["counts"]["skipped"]) == (1, 2)
    assert more["problems"]["totalCount"] == 1
    assert await wrong_counts(UUID(account.id)) == {}


async def test_the_report_is_the_same_in_parts(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children find their parents of earlier parts, in trial runs, too."""
    content = "\n".join(
        ["TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG"]
        + [f"task,Task {n},4,{n % 4 + 1},,,," for n in range(1_203)]
    ).encode()
    report = await imported(account, settings, "Project.csv", content)
    assert report["counts"]["todos"] == 1_203
    rows = await fetch(
        "SELECT count(parent_id) AS children FROM todos WHERE owner_id = $1", UUID(account.id)
    )
    assert rows[0]["children"] == 1_203 - 301
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"size": 0}, "OUT_OF_RANGE", "size"),
        ({"size": 20_000_001}, "OUT_OF_RANGE", "size"),
        ({"sha256": "x"}, "INVALID", "sha256"),
        ({"fileName": " "}, "TOO_SHORT", "fileName"),
        ({"listId": str(uuid4())}, "NOT_FOUND", "listId"),
    ],
)
async def test_wrong_announcements_are_refused(
    account: Account, changes: dict[str, Any], code: str, path: str
) -> None:
    """What can't be imported is said before anything is uploaded."""
    data = await account.data(CREATE, input=announced("a.txt", b"x") | changes)
    assert data["importCreate"] == {
        "job": None,
        "upload": None,
        "errors": [{"code": code, "path": ["input", path]}],
    }


async def test_a_file_has_to_be_uploaded_first(account: Account) -> None:
    """An import isn't started before its file is there."""
    data = await account.data(CREATE, input=announced("a.txt", b"x"))
    started = await account.data(START, id=data["importCreate"]["job"]["id"])
    assert [error["code"] for error in started["importStart"]["errors"]] == ["REQUIRED"]


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"[[[[", b"PK\x03\x04nonsense"])
async def test_unreadable_files_fail_with_words(
    account: Account, settings: Settings, content: bytes
) -> None:
    """A file that nobody can read is FAILED, in trial runs, too."""
    id = await uploaded(account, "file.bin", content)
    for is_trial in (True, False):
        report = await run(account, settings, id, is_trial=is_trial)
        assert report["state"] == "FAILED"
    [row] = await fetch("SELECT error FROM transfer_jobs WHERE id = $1", UUID(id))
    assert row["error"].endswith(".")


@pytest.mark.parametrize("file", FILES)
async def test_files_of_other_programs_are_imported(
    account: Account, settings: Settings, file: str
) -> None:
    """A real file of another program is imported as its trial run reports it, and once only."""
    name, content = Path(file).name, content_of(file)
    report = await imported(account, settings, name, content)
    assert (report["state"], report["format"]) == ("DONE", FILES[file])
    assert report["counts"]["todos"] > 0
    assert await wrong_counts(UUID(account.id)) == {}
    again = await run(account, settings, await uploaded(account, name, content))
    assert again["counts"]["todos"] == 0
    assert again["counts"]["alreadyImported"] == sum(
        report["counts"][name] for name in ("lists", "sections", "todos")
    )


async def test_changes_are_told_to_everybody(account: Account, settings: Settings) -> None:
    """Each imported todo is a change in the feed, numbered like all others."""
    await imported(account, settings, "tasks.json", tasks(*({} for _ in range(3))))
    changes = (await account.data("{ changes { nodes { action todo { title } } } }"))["changes"]
    assert [one["action"] for one in changes["nodes"]] == ["CREATED"] * 3


async def test_reminders_that_passed_are_left_out(account: Account, settings: Settings) -> None:
    """A reminder in the future is imported, and one that has passed isn't."""
    soon = datetime.now(UTC) + timedelta(days=3)
    content = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VTODO
UID:1
SUMMARY:Call
DUE:{soon:%Y%m%dT%H%M%SZ}
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER;VALUE=DATE-TIME:20200101T000000Z
END:VALARM
END:VTODO
END:VCALENDAR
""".replace("\n", "\r\n").encode()
    report = await imported(account, settings, "a.ics", content)
    assert report["counts"]["reminders"] == 1
    [todo] = await todos_of(account)
    assert [reminder["offset"] for reminder in todo["reminders"]] == ["-PT15M"]
