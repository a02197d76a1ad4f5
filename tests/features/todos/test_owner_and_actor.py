"""The write path with an actor other than the owner: whose log, counts and lock a write takes."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.lists import make_list
from tests.support.sharing import share
from tests.support.waiting import IS_IN_THE_WAY, until
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import fetch, transaction
from todo_gql.database.models import Action
from todo_gql.database.retry import OwnerChanged
from todo_gql.features.todos.writes import owner_write
from todo_gql.security.authentication import Viewer

LOG = """
SELECT seq, todo_id::text, actor_id::text, action FROM changes WHERE owner_id = $1 AND kind = 0 ORDER BY seq
"""
ACCOUNT = """
SELECT trash_count, stored_bytes,
    pending_count + in_progress_count + completed_count + cancelled_count AS todos,
    (SELECT count(*) FROM todos WHERE owner_id = $1) AS todo_rows,
    (SELECT count(*) FROM tags WHERE owner_id = $1) AS tag_rows,
    (SELECT count(*) FROM changes WHERE owner_id = $1) AS log_rows
FROM users WHERE id = $1
"""
LOCK = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
Write: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


ERRORS = "errors { code path }"
TODO = f"{{ todo {{ id version }} {ERRORS} }}"
MANY = f"{{ updated results {{ id {ERRORS} }} {ERRORS} }}"
DOCUMENTS = {
    "create": f"($input: TodoCreateInput!) {{ r: todoCreate(input: $input) {TODO} }}",
    "complete": f"($id: ID!) {{ r: todoComplete(id: $id) {TODO} }}",
    "delete": f"($id: ID!) {{ r: todoDelete(id: $id) {TODO} }}",
    "restore": f"($id: ID!) {{ r: todoRestore(id: $id) {TODO} }}",
    "createMany": f"($inputs: [TodoCreateInput!]!) {{ r: todoBulkCreate(inputs: $inputs) {MANY} }}",
    "completeMany": "($ids: [ID!]!) { r: todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED })"
    f" {MANY} }}",
}


@pytest.fixture
async def to(account: Account, stranger: Account) -> dict[str, str]:
    """A list of `account` in which `stranger` is an editor, as where to create todos."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    return {"listId": shared["id"]}


@pytest.fixture
def write(stranger: Account) -> Write:
    """Lets `stranger` write, and expects errors with these codes."""

    async def write(name: str, /, *codes: str, **variables: Any) -> Any:
        payload = (await stranger.data(f"mutation {DOCUMENTS[name]}", **variables))["r"]
        assert [error["code"] for error in payload["errors"]] == list(codes)
        return payload

    return write


async def log_of(account: Account) -> list[tuple[int, str, str, Action]]:
    """An account's log: number, todo, actor and action of each change."""
    rows = await fetch(LOG, UUID(account.id))
    return [(row["seq"], row["todo_id"], row["actor_id"], Action(row["action"])) for row in rows]


async def is_untouched(account: Account) -> bool:
    """Whether nothing was ever written to an account, whose feed may have changes of others."""
    [row] = await fetch(ACCOUNT, UUID(account.id))
    return not any(row.values())


async def test_create_is_logged_for_the_owner_by_the_actor(
    write: Write, to: dict[str, str], account: Account, stranger: Account
) -> None:
    """What a member creates in a list is its owner's todo, logged by the member."""
    ids = [
        (await write("create", input={"title": "A", "tags": ["a"], "status": status, "to": to}))[
            "todo"
        ]["id"]
        for status in ("PENDING", "COMPLETED")
    ]
    assert await log_of(account) == [
        (number, id, stranger.id, Action.CREATED) for number, id in enumerate(ids, 2)
    ]
    seen = await account.data("{ stats { pending completed } tags { nodes { name todoCount } } }")
    assert seen["stats"] == {"pending": 1, "completed": 1}
    assert seen["tags"]["nodes"] == [{"name": "a", "todoCount": 2}]
    assert await is_untouched(stranger)


async def test_changes_are_logged_for_the_owner_by_the_actor(
    write: Write, to: dict[str, str], account: Account, stranger: Account
) -> None:
    """The owner's own changes and those of the actor stand in one log, each with who did it."""
    id = (await account.create(tags=["a"], to=to))["id"]
    for name in ("complete", "delete", "restore"):
        assert (await write(name, id=id))["todo"]["id"] == id
    assert await log_of(account) == [
        (2, id, account.id, Action.CREATED),
        (3, id, stranger.id, Action.COMPLETED),
        (4, id, stranger.id, Action.DELETED),
        (5, id, stranger.id, Action.RESTORED),
    ]
    todo = await account.data("query ($id: ID!) { todo(id: $id) { version isCompleted } }", id=id)
    assert todo["todo"] == {"version": 4, "isCompleted": True}
    assert (await account.data("{ stats { total completed } }"))["stats"] == {
        "total": 1,
        "completed": 1,
    }
    assert await is_untouched(stranger)


async def test_bulk_actions_are_logged_for_the_owner_by_the_actor(
    write: Write, to: dict[str, str], account: Account, stranger: Account
) -> None:
    """Bulk creates and changes write to the owner's log and counts alone."""
    inputs = [{"title": f"Todo {number}", "to": to} for number in range(3)]
    ids = [made["id"] for made in (await write("createMany", inputs=inputs))["results"]]
    assert (await write("completeMany", ids=ids))["updated"] == 3
    assert await log_of(account) == [
        (number, id, stranger.id, action)
        for number, (action, id) in enumerate(
            ((action, id) for action in (Action.CREATED, Action.COMPLETED) for id in ids), 2
        )
    ]
    assert (await account.data("{ stats { completed } }"))["stats"] == {"completed": 3}
    assert await is_untouched(stranger)


async def test_id_of_the_list_can_not_be_used_again_by_the_actor(
    write: Write, to: dict[str, str], account: Account, stranger: Account
) -> None:
    """An id is in use if a todo of the list has it, whoever created that."""
    todo = await account.create(to=to)
    await write("create", "ALREADY_EXISTS", input={"title": "Again", "id": todo["id"], "to": to})
    assert len(await log_of(account)) == 1
    assert await is_untouched(stranger)


async def test_private_id_of_the_owner_is_that_of_a_stranger(
    write: Write, to: dict[str, str], account: Account
) -> None:
    """That a todo of the owner's in no shared list has an id, or had it, isn't said to members."""
    private, purged = await account.create(), await account.create()
    await fetch("DELETE FROM todos WHERE id = $1", UUID(purged["id"]))
    for id in (private["id"], purged["id"]):
        await write("create", "INVALID", input={"title": "Again", "id": id, "to": to})


async def test_own_todo_is_not_found_under_another_owner(
    to: dict[str, str], account: Account, stranger: Account
) -> None:
    """A todo of the actor's own isn't there for a write to what another owner has."""
    own = UUID((await stranger.create())["id"])
    async with owner_write(owner_id=UUID(account.id), actor_id=UUID(stranger.id)) as write:
        assert await write.load([own]) == {}


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED"])
async def test_write_waits_for_the_owners_lock_and_not_for_the_actors(
    write: Write, to: dict[str, str], account: Account, stranger: Account, status: str
) -> None:
    """A write goes through while the actor's row is locked, and waits while the owner's is."""
    values = {"title": "A", "status": status, "to": to}
    async with transaction() as connection:
        await connection.execute(LOCK, UUID(stranger.id))
        await write("create", input=values)
    async with transaction() as connection:
        await connection.execute(LOCK, UUID(account.id))
        waiting = asyncio.create_task(write("create", input=values))
        await until(partial(connection.fetchval, IS_IN_THE_WAY))
        assert len(await log_of(account)) == 1
    await waiting
    assert len(await log_of(account)) == 2


async def test_viewers_of_one_log_share_nothing_that_was_loaded(
    account: Account, stranger: Account
) -> None:
    """What is loaded for an event is shared by subscriptions of one viewer, not by those of a log."""
    viewers = [
        Viewer(UUID(one.id), uuid4(), one.username, is_superuser=False)
        for one in (account, stranger, account)
    ]
    with feed_registry.feeds().subscribed(UUID(account.id)) as feed:
        first, other, same = (feed.shared(viewer) for viewer in viewers)
    assert first is same
    assert other is not first
    assert other.viewer == viewers[1]


async def test_deleted_owner_does_not_sign_the_actor_out(
    account: Account, stranger: Account
) -> None:
    """A write to the todos of an account that is gone is to look for its owner again."""
    await fetch("DELETE FROM users WHERE id = $1", UUID(account.id))
    with pytest.raises(OwnerChanged):
        async with owner_write(owner_id=UUID(account.id), actor_id=UUID(stranger.id)):
            pass
