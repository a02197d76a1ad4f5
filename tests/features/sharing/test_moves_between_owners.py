"""Todos that move between lists of different owners: what goes along, what stays, and who hears of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, NewAccount
from tests.support.feeds import feed_of
from tests.support.lists import assert_counted, make_list
from tests.support.recounts import wrong_counts
from tests.support.sharing import share
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.database.models import Action, ListRole
from todo_gql.settings import Settings

ERRORS = "errors { __typename code path message ... on NotAllowedError { needed } }"
MOVE = (
    "mutation ($id: ID!, $to: TodoPlaceInput!) { payload: todoMove(id: $id, to: $to) {"
    f" todo {{ id title version position }} undoCursor {ERRORS} }} }}"
)
BULK_MOVE = (
    "mutation ($ids: [ID!]!, $to: TodoPlaceInput!, $dry: Boolean!) {"
    " payload: todoBulkMove(ids: $ids, to: $to, dryRun: $dry) {"
    f" updated undoCursor results {{ todo {{ id position }} {ERRORS} }} {ERRORS} }} }}"
)
COMMENT = """
WITH added AS (
    INSERT INTO comments (id, owner_id, todo_id, author_id, body, mentions, version, created_at)
    VALUES (gen_random_uuid(), $1, $2, $3, 'Text', '[]', 1, now()) RETURNING 1
), counted AS (
    UPDATE feeds SET stored_bytes = stored_bytes + 204 FROM added WHERE owner_id = $1 RETURNING *
), mirrored AS (
    UPDATE users u SET stored_bytes = c.stored_bytes, mirrored_seq = c.seq FROM counted c WHERE u.id = $1
) SELECT
"""
OF_TODO = "SELECT owner_id::text, list_id::text, version FROM todos WHERE id = $1"


class People:
    """A mover who may write to `source`, a list of `owner`, and to `target`, one of `receiver`."""

    def __init__(self, owner: Account, receiver: Account, mover: Account) -> None:
        self.owner, self.receiver, self.mover = owner, receiver, mover
        self.source = self.target = ""

    async def meet(self) -> "People":
        """Make the lists, and share them with the mover."""
        self.source = (await make_list(self.owner))["id"]
        self.target = (await make_list(self.receiver))["id"]
        await share(self.owner, self.source, self.mover)
        await share(self.receiver, self.target, self.mover)
        return self

    async def move(self, id: str, **to: Any) -> Any:
        """The payload of a move of the mover's that has no errors."""
        payload = (await self.mover.data(MOVE, id=id, to=to))["payload"]
        assert payload["errors"] == []
        return payload

    async def assert_counted(self) -> None:
        """All counts of the owner and the receiver are those of a recount."""
        for person, list_id in ((self.owner, self.source), (self.receiver, self.target)):
            await assert_counted(person, list_id)
            assert not await wrong_counts(UUID(person.id))


async def add_comment(author: Account, owner: Account, todo_id: str) -> None:
    """Store a comment on an owner's todo."""
    await fetch(COMMENT, UUID(owner.id), UUID(todo_id), UUID(author.id))


@pytest.fixture
async def people(account: Account, stranger: Account, new_account: NewAccount) -> People:
    """`account` has the list from which `new_account()` moves todos to one of `stranger`."""
    return await People(account, stranger, await new_account()).meet()


async def test_moved_todo_stays_the_same_todo_of_another_owner(people: People) -> None:
    """A todo moves with its values and tags to the list of another owner, whose counts have it from then on."""
    to = {"listId": people.source}
    todo = await people.owner.create(title="Moved", tags=["a", "b"], dueDate="2999-01-01", to=to)
    await people.owner.create(tags=["a"], to=to)
    await people.receiver.create(tags=["b"], to={"listId": people.target})
    payload = await people.move(todo["id"], listId=people.target)
    assert payload["todo"]["version"] == 2
    assert payload["undoCursor"] is None
    [row] = await fetch(OF_TODO, UUID(todo["id"]))
    assert tuple(row) == (people.receiver.id, people.target, 2)
    shown = "query ($id: ID!) { todo(id: $id) { title dueDate tags { name todoCount } } }"
    assert (await people.receiver.data(shown, id=todo["id"]))["todo"] == {
        "title": "Moved",
        "dueDate": "2999-01-01",
        "tags": [{"name": "a", "todoCount": 1}, {"name": "b", "todoCount": 2}],
    }
    assert (await people.owner.data(shown, id=todo["id"]))["todo"] is None
    tags = await people.owner.data("{ tags { nodes { name todoCount } } }")
    assert tags["tags"]["nodes"] == [{"name": "a", "todoCount": 1}]
    await people.assert_counted()


async def test_each_list_hears_its_half_of_a_move(people: People, new_account: NewAccount) -> None:
    """Members of the list before hear of an update, those of the list after of a new todo, and none of the other half."""
    before, after = await new_account(), await new_account()
    await share(people.owner, people.source, before, ListRole.VIEWER)
    await share(people.receiver, people.target, after, ListRole.VIEWER)
    todo = await people.owner.create(to={"listId": people.source})
    await people.move(todo["id"], listId=people.target)
    expected = {
        before.id: [(people.owner.id, Action.CREATED), (people.owner.id, Action.UPDATED)],
        after.id: [(people.receiver.id, Action.CREATED)],
        people.mover.id: [
            (people.owner.id, Action.CREATED),
            (people.owner.id, Action.UPDATED),
            (people.receiver.id, Action.CREATED),
        ],
    }
    for person in (before, after, people.mover):
        feed = await feed_of(person)
        assert [(row.owner_id, row.action) for row in feed] == expected[person.id]
        assert {row.of for row in feed} == {todo["id"]}
    # Its history begins anew: the diff is that of a todo with these values, not the earlier ones.
    [created] = [row for row in await feed_of(people.receiver) if row.of == todo["id"]]
    assert (created.action, created.list_id) == (Action.CREATED, people.target)


async def test_subtasks_go_along(people: People) -> None:
    """A todo moves with all that is below it, in their order, away from its parent."""
    to = {"listId": people.source}
    parent = await people.owner.create(to=to)
    top = await people.owner.create(to={"parentId": parent["id"]})
    children = [(await people.owner.create(to={"parentId": top["id"]}))["id"] for _ in range(2)]
    await people.owner.data(
        "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }", id=children[0]
    )
    await people.move(top["id"], listId=people.target)
    tree = (
        "query ($id: ID!) { todo(id: $id) { parent { id } progress { total completed }"
        " subtasks { nodes { id } } } }"
    )
    assert (await people.receiver.data(tree, id=top["id"]))["todo"] == {
        "parent": None,
        "progress": {"total": 2, "completed": 1},
        "subtasks": {"nodes": [{"id": id} for id in children]},
    }
    left = (await people.owner.data(tree, id=parent["id"]))["todo"]
    assert left == {
        "parent": None,
        "progress": {"total": 0, "completed": 0},
        "subtasks": {"nodes": []},
    }
    await people.assert_counted()


async def test_todos_move_below_todos_of_another_owner(people: People) -> None:
    """A parent of another owner's is a destination, too, whose progress counts what comes."""
    parent = await people.receiver.create(to={"listId": people.target})
    todo = await people.owner.create(to={"listId": people.source})
    await people.move(todo["id"], parentId=parent["id"])
    progress = "query ($id: ID!) { todo(id: $id) { progress { total } } }"
    answer = await people.receiver.data(progress, id=parent["id"])
    assert answer["todo"]["progress"]["total"] == 1
    await people.assert_counted()


async def test_inbox_is_the_movers_own(people: People) -> None:
    """A todo of a shared list that goes to no list is in the inbox of who moves it."""
    todo = await people.owner.create(tags=["a"], to={"listId": people.source})
    await people.move(todo["id"], listId=None)
    [row] = await fetch(OF_TODO, UUID(todo["id"]))
    assert tuple(row) == (people.mover.id, None, 2)
    await people.move(todo["id"], listId=people.target)
    [row] = await fetch(OF_TODO, UUID(todo["id"]))
    assert tuple(row) == (people.receiver.id, people.target, 3)
    assert not await wrong_counts(UUID(people.mover.id))
    await people.assert_counted()


async def test_bulk_moves_gather_todos_of_several_owners(people: People) -> None:
    """Todos of three owners move to one list, one behind the other in the order of the ids."""
    ids = [
        (await people.owner.create(to={"listId": people.source}))["id"],
        (await people.receiver.create(to={"listId": people.target}))["id"],
        (await people.mover.create())["id"],
        (await people.receiver.create())["id"],
    ]
    variables = {"ids": ids[:3], "to": {"listId": people.target, "place": {"first": True}}}
    dry = (await people.mover.data(BULK_MOVE, **variables, dry=True))["payload"]
    real = (await people.mover.data(BULK_MOVE, **variables, dry=False))["payload"]
    assert dry["results"] == real["results"]
    # The one that stands where it is to stand stays as it is.
    assert real["updated"] == 2
    assert real["undoCursor"] is None
    positions = [result["todo"]["position"] for result in real["results"]]
    assert positions == sorted(positions)
    in_order = (
        "query ($id: ID!) { node(id: $id) { ... on TodoList { todos(sort: [{ field: POSITION }])"
        " { nodes { id } } } } }"
    )
    nodes = (await people.receiver.data(in_order, id=people.target))["node"]["todos"]["nodes"]
    assert [node["id"] for node in nodes] == ids[:3]
    refused = (await people.mover.data(BULK_MOVE, ids=[ids[3]], to={"listId": None}, dry=False))[
        "payload"
    ]
    assert [error["code"] for error in refused["results"][0]["errors"]] == ["NOT_FOUND"]
    assert not await wrong_counts(UUID(people.mover.id))
    await people.assert_counted()


@pytest.mark.parametrize("side", ["source", "target"])
async def test_moves_need_editors_on_both_sides(
    people: People, side: str, new_account: NewAccount
) -> None:
    """Who may only look at one of the two lists moves nothing between them."""
    mover = await new_account()
    roles = {"source": ListRole.EDITOR, "target": ListRole.EDITOR} | {side: ListRole.VIEWER}
    await share(people.owner, people.source, mover, roles["source"])
    await share(people.receiver, people.target, mover, roles["target"])
    todo = await people.owner.create(to={"listId": people.source})
    payload = (await mover.data(MOVE, id=todo["id"], to={"listId": people.target}))["payload"]
    path = ["id"] if side == "source" else ["to", "listId"]
    assert [(error["code"], error["path"], error["needed"]) for error in payload["errors"]] == [
        ("NOT_ALLOWED", path, "EDITOR")
    ]
    [row] = await fetch(OF_TODO, UUID(todo["id"]))
    assert row["owner_id"] == people.owner.id


async def test_what_people_have_goes_along_if_they_see_the_todo_there(people: People) -> None:
    """Reminders, snoozes and comments of who is in both lists go along with a todo, all others end."""
    todo = await people.owner.create(to={"listId": people.source})
    remind = (
        'mutation ($id: ID!) { reminderAdd(todoId: $id, input: { at: "2999-01-01T00:00:00Z" })'
        ' { errors { code } } todoSnooze(id: $id, until: "2999-01-01T00:00:00Z") { errors { code } } }'
    )
    for person in (people.owner, people.mover):
        await person.data(remind, id=todo["id"])
        await add_comment(person, people.owner, todo["id"])
    await people.move(todo["id"], listId=people.target)
    rows = await fetch(
        "SELECT owner_id::text, person_id::text FROM reminders WHERE todo_id = $1"
        " UNION ALL SELECT owner_id::text, person_id::text FROM snoozes WHERE todo_id = $1"
        " UNION ALL SELECT owner_id::text, author_id::text FROM comments WHERE todo_id = $1",
        UUID(todo["id"]),
    )
    assert [tuple(row) for row in rows] == [(people.receiver.id, people.mover.id)] * 3
    await people.assert_counted()


async def test_assignees_stay_only_where_they_may_write(
    people: People, new_account: NewAccount
) -> None:
    """A todo keeps an assignee who may write to its new list, and loses any other one."""
    viewer = await new_account()
    await share(people.owner, people.source, viewer)
    await share(people.receiver, people.target, viewer, ListRole.VIEWER)
    for assignee, expected in (
        (people.mover.id, people.mover.id),
        (viewer.id, None),
        (people.owner.id, None),
    ):
        todo = await people.owner.create(assigneeId=assignee, to={"listId": people.source})
        await people.move(todo["id"], listId=people.target)
        [row] = await fetch("SELECT assignee_id::text FROM todos WHERE id = $1", UUID(todo["id"]))
        assert row["assignee_id"] == expected


@pytest.fixture
async def full(
    app: ASGIApp, settings: Settings, database_url: str, people: People
) -> AsyncIterator[Account]:
    """The mover, on an application that allows an account one todo."""
    limited = create_app(settings.model_copy(update={"account_todos": 1}), database_url)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(limited), base_url="http://todo.test"
    ) as http:
        yield replace(people.mover, http=http)


async def test_quota_is_that_of_who_gets_the_todo(people: People, full: Account) -> None:
    """A full account gets no todo more, and how full it is isn't said to others; leaving one is always possible."""
    moved = await people.owner.create(to={"listId": people.source})
    await people.receiver.create(to={"listId": people.target})
    payload = (await full.data(MOVE, id=moved["id"], to={"listId": people.target}))["payload"]
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("TOO_MANY", ["id"])
    assert error["message"] == "The account of the list's owner has no room for this."
    payload = (await full.data(MOVE, id=moved["id"], to={"listId": None}))["payload"]
    assert payload["errors"] == []
