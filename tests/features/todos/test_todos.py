"""One todo: making it, reading it, changing it, and the rules of its values."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.support.accounts import CREATE, ERRORS, TODO, Account

READ = f"query ($id: ID!) {{ todo(id: $id) {{ ...TodoParts }} }} {TODO}"
UPDATE = (
    "mutation ($id: ID!, $input: TodoUpdateInput!, $version: Int) {"
    " todoUpdate(id: $id, input: $input, expectedVersion: $version)"
    f" {{ todo {{ ...TodoParts }} {ERRORS} }} }} {TODO}"
)
CURSOR = "{ changeCursor }"


def acting(field: str) -> str:
    """The document of a mutation that takes an id and maybe a version."""
    return (
        "mutation ($id: ID!, $version: Int) {"
        f" payload: {field}(id: $id, expectedVersion: $version)"
        f" {{ todo {{ ...TodoParts }} {ERRORS} }} }} {TODO}"
    )


START, COMPLETE = acting("todoStart"), acting("todoComplete")
DELETE, RESTORE = acting("todoDelete"), acting("todoRestore")


async def update(account: Account, id: str, version: int | None = None, **values: Any) -> Any:
    """The payload of an update."""
    data = await account.data(UPDATE, id=id, input=values, version=version)
    return data["todoUpdate"]


async def act(account: Account, document: str, id: str, version: int | None = None) -> Any:
    """The payload of an action on one todo."""
    return (await account.data(document, id=id, version=version))["payload"]


async def read(account: Account, id: str) -> Any:
    """The todo as it is stored."""
    return (await account.data(READ, id=id))["todo"]


async def refused(account: Account, **values: Any) -> list[tuple[str, list[str]]]:
    """Codes and paths of a create that must change nothing."""
    before = await account.data(CURSOR)
    data = await account.data(CREATE, input={"title": "Todo", **values})
    assert data["todoCreate"]["todo"] is None
    assert await account.data(CURSOR) == before
    return [(error["code"], error["path"]) for error in data["todoCreate"]["errors"]]


async def test_a_todo_has_defaults(account: Account) -> None:
    """What isn't given is PENDING, MEDIUM and empty."""
    todo = await account.create(title="  Water the plants \n")
    assert todo == {
        **todo,
        "title": "Water the plants",
        "description": None,
        "status": "PENDING",
        "priority": "MEDIUM",
        "dueAt": None,
        "completedAt": None,
        "estimatedMinutes": None,
        "actualMinutes": None,
        "tags": [],
        "metadata": {},
        "isOverdue": False,
        "isCompleted": False,
        "version": 1,
        "updatedAt": todo["createdAt"],
        "deletedAt": None,
    }
    assert await read(account, todo["id"]) == todo


async def test_a_todo_keeps_all_that_is_given(account: Account) -> None:
    """Every value comes back as it was sent, times in UTC to the microsecond."""
    sent = {
        "id": str(uuid4()),
        "title": "Ünïcode 🪴 é",
        "description": " two\nlines\t ",
        "status": "IN_PROGRESS",
        "priority": "URGENT",
        "dueAt": "2026-03-01T10:00:00.1234567+02:00",
        "estimatedMinutes": 0,
        "metadata": {"b": [1, 2.5, None, True], "a": {"x": "y"}},
    }
    todo = await account.create(**sent, tags=[])
    expected = {**sent, "dueAt": "2026-03-01T08:00:00.123456Z"}
    assert {name: todo[name] for name in sent} == expected


async def test_nulls_on_create_are_as_good_as_absent(account: Account) -> None:
    """A client may send all fields of its form."""
    names = ("id", "description", "status", "priority", "dueAt", "tags", "metadata")
    todo = await account.create(**dict.fromkeys(names), estimatedMinutes=None)
    assert (todo["status"], todo["priority"], todo["tags"]) == ("PENDING", "MEDIUM", [])


async def test_the_same_create_twice_makes_one_todo(account: Account) -> None:
    """The second is told ALREADY_EXISTS and given what is stored."""
    todo = await account.create(id=str(uuid4()).upper(), title="once", tags=["a"])
    sent = {"id": todo["id"], "title": "twice"}
    payload = (await account.data(CREATE, input=sent))["todoCreate"]
    assert payload["todo"] == todo
    [error] = payload["errors"]
    assert (error["__typename"], error["code"]) == ("ConflictError", "ALREADY_EXISTS")
    assert (error["path"], error["current"]) == (["input", "id"], {"id": todo["id"]})
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 1


async def test_an_id_that_cannot_be_used_is_invalid(account: Account, stranger: Account) -> None:
    """Somebody else's id gets the answer of an id that is none."""
    theirs = await stranger.create()
    answers = [
        (await account.data(CREATE, input={"title": "x", "id": id}))["todoCreate"]
        for id in (theirs["id"], "nonsense")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["todo"] is None
    [error] = answers[0]["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "id"])


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"title": ""}, "TOO_SHORT", ["title"]),
        ({"title": " \n "}, "TOO_SHORT", ["title"]),
        ({"title": "x" * 201}, "TOO_LONG", ["title"]),
        ({"title": "a\0b"}, "INVALID", ["title"]),
        ({"title": "a\nb"}, "INVALID", ["title"]),
        ({"title": "\ud800"}, "INVALID", ["title"]),
        ({"description": "x" * 5001}, "TOO_LONG", ["description"]),
        ({"description": "a\x07b"}, "INVALID", ["description"]),
        ({"estimatedMinutes": -1}, "OUT_OF_RANGE", ["estimatedMinutes"]),
        ({"tags": [f"t{n}" for n in range(11)]}, "TOO_MANY", ["tags"]),
        ({"tags": ["ok", "x" * 51]}, "TOO_LONG", ["tags", "1"]),
        ({"tags": ["ok", " "]}, "TOO_SHORT", ["tags", "1"]),
        ({"tags": ["a\0"]}, "INVALID", ["tags", "0"]),
        ({"metadata": []}, "INVALID", ["metadata"]),
        ({"metadata": "text"}, "INVALID", ["metadata"]),
        ({"metadata": {"a": "x" * 16384}}, "TOO_LONG", ["metadata"]),
        ({"metadata": {"a": "\0"}}, "INVALID", ["metadata"]),
        ({"metadata": {"\ud800": 1}}, "INVALID", ["metadata"]),
    ],
)
async def test_a_value_that_breaks_a_rule_is_refused(
    account: Account, values: dict[str, Any], code: str, path: list[str]
) -> None:
    """A value that breaks a rule is refused with a code and its path, and nothing is created."""
    # httpx refuses lone surrogates, which JSON can carry as escapes.
    body = json.dumps({"query": CREATE, "variables": {"input": {"title": "Todo", **values}}})
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    answer = (await account.http.post("/graphql", content=body, headers=headers)).json()
    payload = answer["data"]["todoCreate"]
    assert payload["todo"] is None
    errors = [(error["code"], error["path"]) for error in payload["errors"]]
    assert errors == [(code, ["input", *path])]
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0


async def test_all_that_is_wrong_is_told_at_once(account: Account) -> None:
    """Every problem of a call is reported at once, each with its path."""
    assert await refused(account, title="", estimatedMinutes=-1, id="x", tags=["", "y" * 51]) == [
        ("INVALID", ["input", "id"]),
        ("TOO_SHORT", ["input", "title"]),
        ("OUT_OF_RANGE", ["input", "estimatedMinutes"]),
        ("TOO_SHORT", ["input", "tags", "0"]),
        ("TOO_LONG", ["input", "tags", "1"]),
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"title": "t" * 200},
        {"title": "🪴" * 200},
        {"description": "x" * 5000},
        {"description": ""},
        {"estimatedMinutes": 2**31 - 1},
        {"dueAt": "1999-12-31T23:59:59.000000Z"},
        {"metadata": {"a": "x" * (16384 - len('{"a":""}'))}},
    ],
)
async def test_a_value_at_its_limit_is_taken(account: Account, values: dict[str, Any]) -> None:
    """Limits belong to what is allowed."""
    todo = await account.create(**values)
    assert {name: todo[name] for name in values} == values


@pytest.mark.parametrize(
    "literal",
    [
        'dueAt: "2026-01-01T00:00:00"',
        'dueAt: "2026-01-01"',
        'dueAt: "2026-02-30T00:00:00Z"',
        "dueAt: 5",
        "estimatedMinutes: 2147483648",
        'estimatedMinutes: "5"',
        "status: DONE",
        "unknown: 1",
    ],
)
async def test_what_coercion_refuses_is_a_top_level_error(account: Account, literal: str) -> None:
    """A literal that coercion refuses makes the document invalid."""
    error = await account.error(
        f'mutation {{ todoCreate(input: {{ title: "x", {literal} }}) {{ todo {{ id }} }} }}'
    )
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "values",
    [
        {"dueAt": "2026-01-01T00:00:00"},
        {"dueAt": "0001-01-01T00:00:00+14:00"},
        {"dueAt": "0001-01-01T00:00:00Z"},
        {"dueAt": "9999-12-31T23:59:59.9999999Z"},
        {"estimatedMinutes": 2**31},
        {"status": "DONE"},
        {"title": None},
        {"title": 5},
    ],
)
async def test_a_variable_that_coercion_refuses_is_bad_user_input(
    account: Account, values: dict[str, Any]
) -> None:
    """A variable that coercion refuses is BAD_USER_INPUT, and the message names it."""
    error = await account.error(CREATE, input={"title": "x", **values})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "$input" in error["message"]


async def test_an_update_leaves_what_is_absent(account: Account) -> None:
    """Only the version and the time of the change move with what is given."""
    todo = await account.create(description="d", tags=["a"], estimatedMinutes=5, metadata={"k": 1})
    payload = await update(account, todo["id"], title="New")
    assert payload["errors"] == []
    changed = payload["todo"]
    assert changed["updatedAt"] > todo["updatedAt"]
    assert changed == {
        **todo,
        "title": "New",
        "version": 2,
        "updatedAt": changed["updatedAt"],
    }


async def test_null_clears(account: Account) -> None:
    """What can be empty becomes empty."""
    values = {
        "description": "d",
        "dueAt": "2026-01-01T00:00:00.000000Z",
        "estimatedMinutes": 5,
        "tags": ["a"],
        "metadata": {"k": 1},
    }
    todo = await account.create(**values)
    cleared = (await update(account, todo["id"], **dict.fromkeys(values)))["todo"]
    assert {name: cleared[name] for name in values} == {
        "description": None,
        "dueAt": None,
        "estimatedMinutes": None,
        "tags": [],
        "metadata": {},
    }


@pytest.mark.parametrize("name", ["title", "status", "priority"])
async def test_what_cannot_be_cleared_refuses_null(account: Account, name: str) -> None:
    """A field that can't be cleared refuses null with REQUIRED, and nothing changes."""
    todo = await account.create()
    payload = await update(account, todo["id"], **{name: None})
    errors = [(error["code"], error["path"]) for error in payload["errors"]]
    assert errors == [("REQUIRED", ["input", name])]
    assert await read(account, todo["id"]) == todo


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"title": " Todo "},
        {"tags": ["B", "a"]},
        {"metadata": {"a": 1, "b": {"c": 2}}},
        {"dueAt": "2026-01-01T01:00:00+01:00"},
        {"status": "PENDING"},
    ],
)
async def test_an_update_that_changes_nothing_writes_nothing(
    account: Account, values: dict[str, Any]
) -> None:
    """The same version, the same time, and no change in the log."""
    todo = await account.create(
        tags=["a", "b"], metadata={"b": {"c": 2}, "a": 1}, dueAt="2026-01-01T00:00:00Z"
    )
    before = await account.data(CURSOR)
    assert (await update(account, todo["id"], **values)) == {"todo": todo, "errors": []}
    assert await account.data(CURSOR) == before


async def test_one_and_true_are_different_metadata(account: Account) -> None:
    """Values are compared as JSON, not as Python."""
    todo = await account.create(metadata={"a": 1})
    changed = (await update(account, todo["id"], metadata={"a": True}))["todo"]
    assert (changed["metadata"], changed["version"]) == ({"a": True}, 2)


@pytest.mark.parametrize("version", [0, -1, 2, 2**31 - 1])
async def test_another_version_than_expected_is_a_conflict(account: Account, version: int) -> None:
    """Another version than expected is a conflict, also where nothing would change."""
    todo = await account.create()
    payload = await update(account, todo["id"], version, title="")
    assert payload["todo"] is None
    conflict, short = payload["errors"]
    assert (conflict["__typename"], conflict["code"]) == ("ConflictError", "CONFLICT")
    assert (conflict["path"], conflict["current"]) == (["expectedVersion"], {"id": todo["id"]})
    assert (short["code"], short["path"]) == ("TOO_SHORT", ["input", "title"])
    assert (await update(account, todo["id"], version))["errors"][0]["code"] == "CONFLICT"
    assert await read(account, todo["id"]) == todo


async def test_the_expected_version_lets_every_mutation_through(account: Account) -> None:
    """Each raises it by one."""
    id = (await account.create())["id"]
    steps = [START, COMPLETE, DELETE, RESTORE]
    for version, document in enumerate(steps, 1):
        assert (await act(account, document, id, version))["todo"]["version"] == version + 1
    for document in (START, DELETE):
        assert (await act(account, document, id, 1))["errors"][0]["code"] == "CONFLICT"


async def test_completing_sets_the_time_and_leaving_clears_it(account: Account) -> None:
    """Completing by create, update or start sets the time, and leaving that status clears it."""
    made = await account.create(status="COMPLETED")
    assert made["completedAt"] == made["createdAt"]
    started = (await act(account, START, made["id"]))["todo"]
    assert (started["status"], started["completedAt"]) == ("IN_PROGRESS", None)
    completed = (await act(account, COMPLETE, made["id"]))["todo"]
    assert completed["completedAt"] == completed["updatedAt"]
    renamed = (await update(account, made["id"], title="still completed"))["todo"]
    assert renamed["completedAt"] == completed["completedAt"]
    cancelled = (await update(account, made["id"], status="CANCELLED"))["todo"]
    assert cancelled["completedAt"] is None


async def test_completing_a_completed_todo_changes_nothing(account: Account) -> None:
    """It is no error, and the first time of completion stays."""
    todo = await account.create(status="COMPLETED")
    assert await act(account, COMPLETE, todo["id"]) == {"todo": todo, "errors": []}


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"])
async def test_a_todo_is_overdue_while_it_is_open(account: Account, status: str) -> None:
    """A todo is overdue while its due date is past and it is neither completed nor cancelled."""
    past = await account.create(status=status, dueAt="2020-01-01T00:00:00Z")
    future = await account.create(status=status, dueAt="2099-01-01T00:00:00Z")
    assert past["isOverdue"] is (status in ("PENDING", "IN_PROGRESS"))
    assert future["isOverdue"] is False


async def test_a_todo_in_the_trash_is_seen_there_only(account: Account) -> None:
    """The payload shows it with deletedAt; reads by id and lists don't show it."""
    todo = await account.create(tags=["a"])
    deleted = (await act(account, DELETE, todo["id"]))["todo"]
    assert deleted["deletedAt"] is not None
    assert [tag["name"] for tag in deleted["tags"]] == ["a"]
    assert await read(account, todo["id"]) is None
    listed = "{ all: todos { totalCount nodes { id } } trash: todos(filter: { isDeleted: true })"
    lists = await account.data(listed + " { totalCount nodes { id deletedAt } } }")
    assert lists["all"] == {"totalCount": 0, "nodes": []}
    in_trash = {"id": todo["id"], "deletedAt": deleted["deletedAt"]}
    assert lists["trash"] == {"totalCount": 1, "nodes": [in_trash]}


@pytest.mark.parametrize("document", [START, COMPLETE, DELETE])
async def test_what_is_in_the_trash_is_not_found(account: Account, document: str) -> None:
    """A todo in the trash is not found by any mutation but restore."""
    todo = await account.create()
    await act(account, DELETE, todo["id"])
    payload = await act(account, document, todo["id"])
    assert payload["todo"] is None
    assert [(e["__typename"], e["code"], e["path"]) for e in payload["errors"]] == [
        ("NotFoundError", "NOT_FOUND", ["id"])
    ]
    assert (await update(account, todo["id"], title="x"))["errors"][0]["code"] == "NOT_FOUND"


async def test_a_todo_comes_back_from_the_trash_with_its_tags(account: Account) -> None:
    """Restoring what isn't in the trash changes nothing."""
    todo = await account.create(tags=["a", "b"])
    await act(account, DELETE, todo["id"])
    restored = (await act(account, RESTORE, todo["id"]))["todo"]
    assert restored == {**todo, "version": 3, "updatedAt": restored["updatedAt"]}
    assert await act(account, RESTORE, todo["id"]) == {"todo": restored, "errors": []}


@pytest.mark.parametrize("id", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "{%s}"])
async def test_an_id_of_nothing_is_null_to_read_and_not_found_to_change(
    account: Account, id: str
) -> None:
    """Malformed or unknown makes no difference."""
    id = id.replace("%s", str(uuid4()))
    assert await read(account, id) is None
    for document in (START, COMPLETE, DELETE, RESTORE):
        [error] = (await act(account, document, id))["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["id"])
    errors = (await update(account, id, title=""))["errors"]
    assert [error["code"] for error in errors] == ["NOT_FOUND", "TOO_SHORT"]


async def test_an_id_is_taken_in_any_letter_case(account: Account) -> None:
    """An id is accepted in any letter case, and sent back in canonical form."""
    todo = await account.create(id=str(uuid4()).upper())
    assert todo["id"] == todo["id"].lower()
    assert await read(account, todo["id"].upper()) == todo
    assert (await act(account, START, todo["id"].upper()))["errors"] == []


async def test_mutations_of_one_document_come_one_after_the_other(account: Account) -> None:
    """Each sees what the one before wrote, tags included."""
    todo = await account.create(tags=["a"])
    document = (
        "mutation ($id: ID!) {"
        ' one: todoUpdate(id: $id, input: { tags: ["b"] }) { todo { version tags { name } } }'
        " two: todoStart(id: $id) { todo { version tags { name } } } }"
    )
    data = await account.data(document, id=todo["id"])
    assert data["one"]["todo"] == {"version": 2, "tags": [{"name": "b"}]}
    assert data["two"]["todo"] == {"version": 3, "tags": [{"name": "b"}]}
