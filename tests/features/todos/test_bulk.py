"""Bulk actions: many todos in one transaction."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import ERRORS, TODO, Account, Client, visiting
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings

RESULTS = f"""
  results {{ index id todo {{ ...TodoParts }} {ERRORS} }} processed updated {ERRORS}
"""
CREATE = (
    "mutation ($inputs: [TodoCreateInput!]!, $onError: BulkErrorPolicy!, $dryRun: Boolean!) {"
    " payload: todoBulkCreate(inputs: $inputs, onError: $onError, dryRun: $dryRun)"
    f" {{ {RESULTS} }} }} {TODO}"
)
UPDATE = (
    "mutation ($ids: [ID!]!, $action: TodoBulkAction!, $onError: BulkErrorPolicy!,"
    " $dryRun: Boolean!) {"
    " payload: todoBulkUpdate(ids: $ids, action: $action, onError: $onError, dryRun: $dryRun)"
    f" {{ {RESULTS} }} }} {TODO}"
)


def by_ids(field: str) -> str:
    """The document of a bulk action that takes ids only."""
    return (
        "mutation ($ids: [ID!]!, $onError: BulkErrorPolicy!, $dryRun: Boolean!) {"
        f" payload: {field}(ids: $ids, onError: $onError, dryRun: $dryRun)"
        f" {{ {RESULTS} }} }} {TODO}"
    )


DELETE, RESTORE = by_ids("todoBulkDelete"), by_ids("todoBulkRestore")
EVERYTHING = (
    "{ all: todos { nodes { ...TodoParts } } trash: todos(filter: { isDeleted: true })"
    " { nodes { ...TodoParts } } tags { nodes { id name todoCount } } stats { total completed }"
    f" changeCursor }} {TODO}"
)


async def bulk(
    account: Account, document: str, *, skip: bool = False, dry: bool = False, **arguments: Any
) -> Any:
    """The payload of a bulk action."""
    policy = "SKIP_FAILED" if skip else "ABORT_ALL"
    data = await account.data(document, onError=policy, dryRun=dry, **arguments)
    return data["payload"]


async def todos(account: Account, number: int, **values: Any) -> list[dict[str, Any]]:
    """Todos to act on."""
    return await account.create_many([{"title": f"Todo {n}", **values} for n in range(number)])


def codes(result: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Codes and paths of the errors of a payload or result."""
    return [(error["code"], error["path"]) for error in result["errors"]]


async def test_every_todo_gets_the_status(account: Account) -> None:
    """Results come in the order of the ids; one that has it already counts as processed only."""
    first, second, third = await todos(account, 3)
    await bulk(account, UPDATE, ids=[second["id"]], action={"setStatus": "COMPLETED"})
    ids = [third["id"], second["id"], first["id"]]
    payload = await bulk(account, UPDATE, ids=ids, action={"setStatus": "COMPLETED"})
    assert (payload["processed"], payload["updated"], payload["errors"]) == (3, 2, [])
    assert [(r["index"], r["id"]) for r in payload["results"]] == list(enumerate(ids))
    assert [r["todo"]["version"] for r in payload["results"]] == [2, 2, 2]
    assert all(result["todo"]["completedAt"] for result in payload["results"])


async def test_any_number_of_tags_may_be_removed(account: Account) -> None:
    """The list of tags to remove may be longer than any todo's, and have names that none carries."""
    first, second = await account.create_many(
        [{"title": "x", "tags": [f"é{n}" for n in range(10)]}, {"title": "x", "tags": ["é990"]}]
    )
    ids = [first["id"], second["id"]]
    action = {"removeTags": [f"É{n}".ljust(40, " ") for n in range(1, 1000)]}
    payload = await bulk(account, UPDATE, ids=ids, action=action)
    tags = [[tag["name"] for tag in result["todo"]["tags"]] for result in payload["results"]]
    assert (payload["updated"], tags) == (2, [["é0"], []])


async def test_a_list_of_tags_to_add_has_100_names_at_most(account: Account) -> None:
    """It is refused by its number, before any name is looked at."""
    [todo] = await todos(account, 1)
    action = {"addTags": ["\0"] * 101}
    payload = await bulk(account, UPDATE, ids=[todo["id"]], action=action)
    assert codes(payload) == [("TOO_MANY", ["action", "addTags"])]


async def test_a_todo_over_the_limit_of_tags_can_be_reduced(account: Account) -> None:
    """A todo that carries more than ten tags keeps them, loses some, and can't get another."""
    [todo] = await todos(account, 1, tags=[f"t{n}" for n in range(10)])
    await todos(account, 1, tags=["more", "most"])
    await fetch(
        "INSERT INTO todo_tags (owner_id, todo_id, tag_id) SELECT owner_id, $1, id FROM tags"
        " WHERE owner_id = $2 AND name LIKE 'mo%'",
        *(UUID(todo["id"]), UUID(account.id)),
    )
    updated = []
    for action in ({"addTags": ["t0"]}, {"addTags": ["new"]}, {"removeTags": ["t0"]}):
        payload = await bulk(account, UPDATE, skip=True, ids=[todo["id"]], action=action)
        [result] = payload["results"]
        updated.append((payload["updated"], codes(result), len(result["todo"]["tags"])))
    assert updated == [(0, [], 12), (0, [("TOO_MANY", ["ids", "0"])], 12), (1, [], 11)]


async def test_an_eleventh_tag_cannot_be_added(account: Account) -> None:
    """Eleven names at once are more than any todo may carry."""
    [todo] = await todos(account, 1)
    action = {"addTags": [f"t{n}" for n in range(11)]}
    payload = await bulk(account, UPDATE, ids=[todo["id"]], action=action)
    assert codes(payload) == [("TOO_MANY", ["action", "addTags"])]


@pytest.mark.parametrize(
    ("action", "field", "expected"),
    [
        ({"setPriority": "URGENT"}, "priority", "URGENT"),
        ({"addTags": ["New", "a"]}, "tags", ["a", "b", "new"]),
        ({"removeTags": ["A", "z"]}, "tags", ["b"]),
    ],
)
async def test_other_actions(
    account: Account, action: dict[str, Any], field: str, expected: Any
) -> None:
    """Priorities are set, tags are added to those there are or taken from them."""
    ids = [todo["id"] for todo in await todos(account, 2, tags=["a", "b"])]
    payload = await bulk(account, UPDATE, ids=ids, action=action)
    assert payload["updated"] == 2
    for result in payload["results"]:
        value = result["todo"][field]
        assert ([tag["name"] for tag in value] if field == "tags" else value) == expected


async def test_a_todo_that_would_carry_too_many_tags_fails(account: Account) -> None:
    """A todo that would carry too many tags fails at its index; others change where allowed."""
    [full] = await todos(account, 1, tags=[f"t{n}" for n in range(10)])
    [free] = await todos(account, 1)
    arguments: dict[str, Any] = {"action": {"addTags": ["more"]}}
    arguments["ids"] = [full["id"], free["id"]]
    payload = await bulk(account, UPDATE, skip=True, **arguments)
    assert (payload["processed"], payload["updated"], payload["errors"]) == (2, 1, [])
    failed, changed = payload["results"]
    assert (codes(failed), failed["todo"]) == ([("TOO_MANY", ["ids", "0"])], full)
    assert [tag["name"] for tag in changed["todo"]["tags"]] == ["more"]


@pytest.mark.parametrize("document", [UPDATE, DELETE, RESTORE], ids=["update", "delete", "restore"])
async def test_one_failing_id_and_nothing_is_changed(
    account: Account, stranger: Account, document: str
) -> None:
    """One failing id stops all changes unless failing ones may be skipped."""
    made = await todos(account, 2)
    if document == RESTORE:
        await bulk(account, DELETE, ids=[todo["id"] for todo in made])
    theirs = await stranger.create()
    ids = [made[0]["id"], theirs["id"], "nonsense", made[1]["id"]]
    arguments: dict[str, Any] = {"ids": ids}
    if document == UPDATE:
        arguments["action"] = {"setStatus": "CANCELLED"}
    before = await account.data(EVERYTHING)
    payload = await bulk(account, document, **arguments)
    assert await account.data(EVERYTHING) == before
    assert (payload["processed"], payload["updated"]) == (2, 0)
    assert codes(payload) == [("INVALID", ["ids"])]
    assert payload["errors"][0]["__typename"] == "ValidationError"
    results = payload["results"]
    assert [result["id"] for result in results] == ids
    expected = [[], [("NOT_FOUND", ["ids", "1"])], [("NOT_FOUND", ["ids", "2"])], []]
    assert [codes(result) for result in results] == expected
    assert [result["todo"] and result["todo"]["id"] for result in results] == [
        ids[0],
        None,
        None,
        ids[3],
    ]
    payload = await bulk(account, document, skip=True, **arguments)
    assert (payload["processed"], payload["updated"], payload["errors"]) == (2, 2, [])


async def test_todos_go_to_the_trash_and_come_back(account: Account) -> None:
    """Todos go to the trash and come back with their tags and counts."""
    ids = [todo["id"] for todo in await todos(account, 3, tags=["a"])]
    before = await account.data(EVERYTHING)
    payload = await bulk(account, DELETE, ids=ids)
    assert payload["updated"] == 3
    assert all(result["todo"]["deletedAt"] for result in payload["results"])
    emptied = await account.data(EVERYTHING)
    assert (emptied["all"]["nodes"], emptied["tags"]["nodes"]) == ([], [])
    assert emptied["stats"]["total"] == 0
    again = await bulk(account, DELETE, ids=ids)
    assert codes(again["results"][0]) == [("NOT_FOUND", ["ids", "0"])]
    payload = await bulk(account, RESTORE, ids=ids)
    assert payload["updated"] == 3
    after = await account.data(EVERYTHING)
    assert (after["tags"], after["stats"]) == (before["tags"], before["stats"])
    assert (await bulk(account, RESTORE, ids=ids))["updated"] == 0


async def test_many_todos_are_made_in_one_call(account: Account) -> None:
    """Up to a hundred todos are created in one call, in the order of the inputs."""
    inputs = [{"title": f"Todo {n}", "tags": ["all", f"t{n % 3}"]} for n in range(100)]
    payload = await bulk(account, CREATE, inputs=inputs)
    assert (payload["processed"], payload["updated"], payload["errors"]) == (100, 100, [])
    assert [r["todo"]["title"] for r in payload["results"]] == [i["title"] for i in inputs]
    tags = "{ tags { nodes { name todoCount } } }"
    assert (await account.data(tags))["tags"]["nodes"] == [
        {"name": "all", "todoCount": 100},
        {"name": "t0", "todoCount": 34},
        {"name": "t1", "todoCount": 33},
        {"name": "t2", "todoCount": 33},
    ]


async def test_one_failing_input_and_nothing_is_made(account: Account, stranger: Account) -> None:
    """Each input tells what is wrong with it, and ids that exist tell what is stored."""
    mine, theirs = await account.create(), await stranger.create()
    fresh = str(uuid4())
    inputs = [
        {"title": "fine", "id": fresh},
        {"title": "", "tags": ["x" * 51]},
        {"title": "taken", "id": mine["id"]},
        {"title": "theirs", "id": theirs["id"]},
    ]
    before = await account.data(EVERYTHING)
    payload = await bulk(account, CREATE, inputs=inputs)
    assert await account.data(EVERYTHING) == before
    assert (payload["updated"], codes(payload)) == (0, [("INVALID", ["inputs"])])
    assert [codes(result) for result in payload["results"]] == [
        [],
        [("TOO_SHORT", ["inputs", "1", "title"]), ("TOO_LONG", ["inputs", "1", "tags", "0"])],
        [("ALREADY_EXISTS", ["inputs", "2", "id"])],
        [("INVALID", ["inputs", "3", "id"])],
    ]
    assert [result["id"] for result in payload["results"]] == [
        fresh,
        None,
        mine["id"],
        theirs["id"],
    ]
    assert [result["todo"] for result in payload["results"]] == [None, None, mine, None]
    payload = await bulk(account, CREATE, inputs=inputs, skip=True)
    assert (payload["updated"], payload["errors"]) == (1, [])
    assert [result["todo"] and result["todo"]["title"] for result in payload["results"]] == [
        "fine",
        None,
        "Todo",
        None,
    ]


REFUSED: list[tuple[str, dict[str, Any], tuple[str, list[str]]]] = [
    (UPDATE, {"ids": [], "action": {"setStatus": "PENDING"}}, ("TOO_SHORT", ["ids"])),
    (DELETE, {"ids": ["x"] * 101}, ("TOO_MANY", ["ids"])),
    (RESTORE, {"ids": ["a", "b", "A"]}, ("INVALID", ["ids", "2"])),
    (CREATE, {"inputs": []}, ("TOO_SHORT", ["inputs"])),
    (CREATE, {"inputs": [{"title": "x"}] * 101}, ("TOO_MANY", ["inputs"])),
    (CREATE, {"inputs": [{"title": "x", "id": "y"}] * 2}, ("INVALID", ["inputs", "1", "id"])),
    (
        UPDATE,
        {"ids": ["x"], "action": {"addTags": [""]}},
        ("TOO_SHORT", ["action", "addTags", "0"]),
    ),
    (
        UPDATE,
        {"ids": ["x"], "action": {"removeTags": ["y" * 51]}},
        ("TOO_LONG", ["action", "removeTags", "0"]),
    ),
]


@pytest.mark.parametrize(("document", "arguments", "expected"), REFUSED)
async def test_a_call_that_makes_no_sense_is_refused(
    account: Account, document: str, arguments: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    """A call that makes no sense is refused whole, with no results, whatever the policy."""
    payload = await bulk(account, document, skip=True, **arguments)
    assert expected in codes(payload)
    assert (payload["results"], payload["processed"], payload["updated"]) == ([], 0, 0)


async def test_a_result_names_its_todo_twice(account: Account) -> None:
    """A result names its todo as `todoId`, and as the deprecated `id`, in every outcome."""
    parts = "results { id todoId todo { id } } updated"
    todo = await account.create(title="A")
    unknown, own = str(uuid4()), str(uuid4())
    made = await account.data(
        "mutation ($inputs: [TodoCreateInput!]!) {"
        f" todoBulkCreate(inputs: $inputs, onError: SKIP_FAILED) {{ {parts} }} }}",
        inputs=[{"title": "B"}, {"title": "C", "id": own}, {"title": ""}],
    )
    first, second, third = made["todoBulkCreate"]["results"]
    assert first["todoId"] == first["id"] == first["todo"]["id"]
    assert second == {"id": own, "todoId": own, "todo": {"id": own}}
    assert third == {"id": None, "todoId": None, "todo": None}
    for field in ("todoBulkDelete", "todoBulkRestore"):
        done = await account.data(
            f"mutation ($ids: [ID!]!) {{ {field}(ids: $ids, onError: SKIP_FAILED) {{ {parts} }} }}",
            ids=[todo["id"], unknown],
        )
        assert [(one["id"], one["todoId"]) for one in done[field]["results"]] == [
            (todo["id"], todo["id"]),
            (unknown, unknown),
        ]


async def test_the_id_of_a_result_is_deprecated_with_a_date(client: Client) -> None:
    """Which tools that write code tell their users."""
    answer = await client.execute(
        '{ __type(name: "TodoBulkResult") { fields(includeDeprecated: true)'
        " { name isDeprecated deprecationReason } } }"
    )
    fields = {one["name"]: one for one in answer["data"]["__type"]["fields"]}
    assert not fields["todoId"]["isDeprecated"]
    assert fields["id"]["isDeprecated"]
    assert "`todoId`" in fields["id"]["deprecationReason"]
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", fields["id"]["deprecationReason"])


NOT_ONE = {
    "two": ("", "{ setStatus: COMPLETED, setPriority: HIGH }"),
    "none": ("", "{}"),
    "null": ("", "{ setStatus: null }"),
    "one and null": ("", "{ setStatus: COMPLETED, setPriority: null }"),
    "a nullable variable": ("($a: TodoStatus)", "{ setStatus: $a }"),
    "a nullable variable with a default": ("($a: TodoStatus = PENDING)", "{ setStatus: $a }"),
    "a variable beside another": ("($a: [String!]!)", "{ setStatus: PENDING, addTags: $a }"),
    "the default of a variable": (
        "($a: TodoBulkAction! = { setStatus: COMPLETED, setPriority: HIGH })",
        "$a",
    ),
    "a nullable variable in a fragment": ("", "in a fragment"),
}
IN_A_FRAGMENT = """
mutation ($a: TodoStatus) { ...Half }
fragment Half on Mutation {
  todoCreate(input: { title: "half" }) { errors { code } }
  todoBulkUpdate(ids: [], action: { setStatus: $a }) { errors { code } }
}
"""


@pytest.fixture(params=["breadth-first", "graphql-core"])
async def either(
    request: pytest.FixtureRequest, app: ASGIApp, settings: Settings, database_url: str
) -> AsyncIterator[Client]:
    """Somebody at a server with one engine or the other."""
    changed = settings.model_copy(update={"execution_engine": request.param})
    async with visiting(create_app(changed, database_url)) as client:
        yield client


@pytest.mark.parametrize(("variables", "action"), NOT_ONE.values(), ids=NOT_ONE)
async def test_a_document_with_more_or_less_than_one_thing_is_invalid(
    either: Client, account: Account, variables: str, action: str
) -> None:
    """A document with more or less than one thing is invalid, whatever its variables."""
    document = (
        IN_A_FRAGMENT
        if action == "in a fragment"
        else (
            f"mutation Half{variables} {{"
            ' todoCreate(input: { title: "half" }) { errors { code } }'
            f" todoBulkUpdate(ids: [], action: {action}) {{ errors {{ code }} }} }}"
        )
    )
    answer = await either.execute(document, {"a": ["x"]}, account.token)
    told = {error["extensions"]["code"] for error in answer["errors"]}
    assert told == {"GRAPHQL_VALIDATION_FAILED"}
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0


@pytest.mark.parametrize(
    "action",
    [
        *({"setStatus": "PENDING", "setPriority": "LOW"}, {}, {"addTags": None}),
        *({"setStatus": "PENDING", "addTags": None}, {"nonsense": 1}),
    ],
    ids=str,
)
async def test_variables_with_more_or_less_than_one_thing_are_refused(
    either: Client, account: Account, action: dict[str, Any]
) -> None:
    """Variables with more or less than one thing are refused before anything is executed."""
    document = (
        "mutation ($action: TodoBulkAction!) {"
        ' todoCreate(input: { title: "half" }) { errors { code } }'
        " todoBulkUpdate(ids: [], action: $action) { errors { code } } }"
    )
    answer = await either.execute(document, {"action": action}, account.token)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0


async def test_one_thing_may_be_a_variable_that_is_not_null(
    either: Client, account: Account
) -> None:
    """The one thing may be a variable that is not null, also as a whole."""
    todo = await account.create(title="A")
    field = "todoBulkUpdate(ids: [$id], action: %s) { updated }"
    value = f"mutation ($id: ID!, $status: TodoStatus!) {{ {field % '{ setStatus: $status }'} }}"
    whole = f"mutation ($id: ID!, $action: TodoBulkAction!) {{ {field % '$action'} }}"
    asked: list[tuple[str, dict[str, Any]]] = [
        (value, {"status": "COMPLETED"}),
        (whole, {"action": {"setPriority": "HIGH"}}),
    ]
    for document, variables in asked:
        answer = await either.execute(document, {"id": todo["id"], **variables}, account.token)
        assert answer == {"data": {"todoBulkUpdate": {"updated": 1}}}


async def test_an_action_is_exactly_one_thing(account: Account) -> None:
    """Two, none, or null are errors of the request."""
    for action in ({"setStatus": "PENDING", "setPriority": "LOW"}, {}, {"addTags": None}):
        variables = {"ids": ["x"], "action": action, "onError": "ABORT_ALL", "dryRun": False}
        error = await account.error(UPDATE, **variables)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


def without_times(payload: Any) -> Any:
    """A payload without what two calls can't have in common: times and the ids of new tags."""
    if isinstance(payload, list):
        return [without_times(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    times = {"createdAt", "updatedAt", "completedAt", "deletedAt"}
    return {
        name: without_times(value)
        for name, value in payload.items()
        if name not in times and not (name == "id" and "todoCount" in payload)
    }


DRY_RUNS: list[tuple[str, dict[str, Any]]] = [
    (UPDATE, {"action": {"setStatus": "COMPLETED"}}),
    (UPDATE, {"action": {"addTags": ["new", "a"]}}),
    (UPDATE, {"action": {"removeTags": ["a"]}}),
    (DELETE, {}),
    (RESTORE, {}),
]


@pytest.mark.parametrize("skip", [False, True], ids=["abort", "skip"])
@pytest.mark.parametrize(("document", "arguments"), DRY_RUNS)
async def test_a_dry_run_tells_exactly_what_would_happen(
    account: Account, document: str, arguments: dict[str, Any], skip: bool
) -> None:
    """Versions, tags and their counts as they would be; and it changes nothing."""
    made = await todos(account, 3, tags=["a", "b"])
    await bulk(account, DELETE, ids=[made[2]["id"]])
    ids = [todo["id"] for todo in made] + (["nonsense"] if skip else [])
    ids = ids if document == RESTORE or skip else ids[:2]
    before = await account.data(EVERYTHING)
    dry = await bulk(account, document, skip=skip, dry=True, ids=ids, **arguments)
    assert await account.data(EVERYTHING) == before
    real = await bulk(account, document, skip=skip, ids=ids, **arguments)
    assert dry["updated"] > 0
    assert without_times(dry) == without_times(real)


async def test_a_dry_run_of_creates_tells_exactly_what_would_happen(account: Account) -> None:
    """Including which ids are taken."""
    mine = await account.create(tags=["a"])
    inputs = [
        {"title": "x", "id": str(uuid4()), "tags": ["a", "new"]},
        {"title": "y", "id": mine["id"]},
        {"title": ""},
    ]
    before = await account.data(EVERYTHING)
    dry = await bulk(account, CREATE, skip=True, dry=True, inputs=inputs)
    assert await account.data(EVERYTHING) == before
    assert (dry["updated"], dry["results"][0]["todo"]["version"]) == (1, 1)
    real = await bulk(account, CREATE, skip=True, inputs=inputs)
    assert without_times(dry) == without_times(real)
