"""The write path with an actor other than the owner: whose log, counts and lock a write takes."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from tests.support.accounts import Account
from tests.support.subscribers import connected
from tests.support.waiting import IS_IN_THE_WAY, until
from todo_gql.api.errors import ConflictError, NotFoundError
from todo_gql.api.scalars import SCALARS
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import fetch, transaction
from todo_gql.database.models import Action, Status
from todo_gql.features.todos.actions import change_todo, create_todo, delete, restore, set_values
from todo_gql.features.todos.bulk import BulkOptions, change_todos, create_todos
from todo_gql.features.todos.inputs import BulkErrorPolicy, TodoCreateInput
from todo_gql.features.todos.payloads import TagPayload, TodoBulkPayload, TodoPayload
from todo_gql.features.todos.tag_rename import rename_tag
from todo_gql.features.todos.writes import OwnerGone, owner_write
from todo_gql.operation.context import Context, Info
from todo_gql.schema import Query
from todo_gql.security.authentication import Viewer
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

OPTIONS = BulkOptions("ids", BulkErrorPolicy.SKIP_FAILED, dry_run=False)
COMPLETE = set_values({"status": Status.COMPLETED.value})
TAGS = "SELECT id::text FROM tags WHERE owner_id = $1 AND name = $2"
LOG = """
SELECT seq, todo_id::text, actor_id::text, action FROM changes WHERE owner_id = $1 ORDER BY seq
"""
ACCOUNT = """
SELECT change_seq, counted_seq, trash_count, stored_bytes,
    pending_count + in_progress_count + completed_count + cancelled_count AS todos,
    (SELECT count(*) FROM todos WHERE owner_id = $1) AS todo_rows,
    (SELECT count(*) FROM tags WHERE owner_id = $1) AS tag_rows,
    (SELECT count(*) FROM changes WHERE owner_id = $1) AS log_rows
FROM users WHERE id = $1
"""
LOCK = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
Write: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


@strawberry.type
class OthersMutation:
    """The functions below the mutations, with the owner as an argument."""

    @strawberry.field
    async def create(self, info: Info, owner: str, input: TodoCreateInput) -> TodoPayload:
        return await create_todo(info, UUID(owner), input)

    @strawberry.field
    async def complete(self, info: Info, owner: str, id: str) -> TodoPayload:
        return await change_todo(info, UUID(owner), id, COMPLETE)

    @strawberry.field
    async def delete(self, info: Info, owner: str, id: str) -> TodoPayload:
        return await change_todo(info, UUID(owner), id, delete)

    @strawberry.field
    async def restore(self, info: Info, owner: str, id: str) -> TodoPayload:
        return await change_todo(info, UUID(owner), id, restore, trash=True)

    @strawberry.field
    async def create_many(
        self, info: Info, owner: str, inputs: list[TodoCreateInput]
    ) -> TodoBulkPayload:
        return await create_todos(info, UUID(owner), inputs, OPTIONS)

    @strawberry.field
    async def complete_many(self, info: Info, owner: str, ids: list[str]) -> TodoBulkPayload:
        return await change_todos(info, UUID(owner), ids, COMPLETE, OPTIONS)

    @strawberry.field
    async def rename(self, info: Info, owner: str, id: str, name: str) -> TagPayload:
        return await rename_tag(info.context, UUID(owner), id, name)


SCHEMA = strawberry.Schema(
    Query,
    OthersMutation,
    types=[ConflictError, NotFoundError],
    config=StrawberryConfig(scalar_map=SCALARS),
)
ERRORS = "errors { code path }"
TODO = f"{{ todo {{ id version }} {ERRORS} }}"
MANY = f"{{ updated results {{ id {ERRORS} }} {ERRORS} }}"
DOCUMENTS = {
    "create": f"($owner: String!, $input: TodoCreateInput!) {{ r: create(owner: $owner, input: $input) {TODO} }}",
    "complete": f"($owner: String!, $id: String!) {{ r: complete(owner: $owner, id: $id) {TODO} }}",
    "delete": f"($owner: String!, $id: String!) {{ r: delete(owner: $owner, id: $id) {TODO} }}",
    "restore": f"($owner: String!, $id: String!) {{ r: restore(owner: $owner, id: $id) {TODO} }}",
    "createMany": "($owner: String!, $inputs: [TodoCreateInput!]!)"
    f" {{ r: createMany(owner: $owner, inputs: $inputs) {MANY} }}",
    "completeMany": "($owner: String!, $ids: [String!]!)"
    f" {{ r: completeMany(owner: $owner, ids: $ids) {MANY} }}",
    "rename": "($owner: String!, $id: String!, $name: String!)"
    f" {{ r: rename(owner: $owner, id: $id, name: $name) {{ tag {{ id name }} {ERRORS} }} }}",
}


@pytest.fixture
def write(settings: Settings, account: Account, stranger: Account) -> Write:
    """Lets `stranger` write to the todos of `account`, and expects errors with these codes."""
    viewer = Viewer(UUID(stranger.id), uuid4(), stranger.username, is_superuser=False)

    async def write(name: str, /, *codes: str, **variables: Any) -> Any:
        answer = await SCHEMA.execute(
            f"mutation {DOCUMENTS[name]}",
            {"owner": account.id, **variables},
            Context(settings, RateLimits(settings), viewer),
        )
        assert answer.errors is None, answer.errors
        assert answer.data is not None
        assert [error["code"] for error in answer.data["r"]["errors"]] == list(codes)
        return answer.data["r"]

    return write


async def log_of(account: Account) -> list[tuple[int, str, str, Action]]:
    """An account's log: number, todo, actor and action of each change."""
    rows = await fetch(LOG, UUID(account.id))
    return [(row["seq"], row["todo_id"], row["actor_id"], Action(row["action"])) for row in rows]


async def is_untouched(account: Account) -> bool:
    """Whether nothing was ever written to an account."""
    [row] = await fetch(ACCOUNT, UUID(account.id))
    return not any(row.values())


async def test_create_is_logged_for_the_owner_by_the_actor(
    write: Write, account: Account, stranger: Account
) -> None:
    """A create in one message and one under the lock both write the owner's todo, by the actor."""
    ids = [
        (await write("create", input={"title": "A", "tags": ["a"], "status": status}))["todo"]["id"]
        for status in ("PENDING", "COMPLETED")
    ]
    assert await log_of(account) == [
        (number, id, stranger.id, Action.CREATED) for number, id in enumerate(ids, 1)
    ]
    seen = await account.data("{ stats { pending completed } tags { nodes { name todoCount } } }")
    assert seen["stats"] == {"pending": 1, "completed": 1}
    assert seen["tags"]["nodes"] == [{"name": "a", "todoCount": 2}]
    assert await is_untouched(stranger)


async def test_changes_are_logged_for_the_owner_by_the_actor(
    write: Write, account: Account, stranger: Account
) -> None:
    """The owner's own changes and those of the actor stand in one log, each with who did it."""
    id = (await account.create(tags=["a"]))["id"]
    for name in ("complete", "delete", "restore"):
        assert (await write(name, id=id))["todo"]["id"] == id
    assert await log_of(account) == [
        (1, id, account.id, Action.CREATED),
        (2, id, stranger.id, Action.COMPLETED),
        (3, id, stranger.id, Action.DELETED),
        (4, id, stranger.id, Action.RESTORED),
    ]
    todo = await account.data("query ($id: ID!) { todo(id: $id) { version isCompleted } }", id=id)
    assert todo["todo"] == {"version": 4, "isCompleted": True}
    assert (await account.data("{ stats { total completed } }"))["stats"] == {
        "total": 1,
        "completed": 1,
    }
    assert await is_untouched(stranger)


async def test_bulk_actions_are_logged_for_the_owner_by_the_actor(
    write: Write, account: Account, stranger: Account
) -> None:
    """Bulk creates and changes write to the owner's log and counts alone."""
    inputs = [{"title": f"Todo {number}"} for number in range(3)]
    ids = [made["id"] for made in (await write("createMany", inputs=inputs))["results"]]
    assert (await write("completeMany", ids=ids))["updated"] == 3
    assert await log_of(account) == [
        (number, id, stranger.id, action)
        for number, (action, id) in enumerate(
            ((action, id) for action in (Action.CREATED, Action.COMPLETED) for id in ids), 1
        )
    ]
    assert (await account.data("{ stats { completed } }"))["stats"] == {"completed": 3}
    assert await is_untouched(stranger)


async def test_tag_rename_is_logged_for_the_owner_by_the_actor(
    write: Write, account: Account, stranger: Account
) -> None:
    """The owner's tag is renamed, and the change of each todo names the actor."""
    todo = await account.create(tags=["old"])
    renamed = await write("rename", id=todo["tags"][0]["id"], name="new")
    assert renamed["tag"] == {"id": todo["tags"][0]["id"], "name": "new"}
    assert (await log_of(account))[1:] == [(2, todo["id"], stranger.id, Action.UPDATED)]
    assert len(await fetch(TAGS, UUID(account.id), "new")) == 1
    assert await is_untouched(stranger)


async def test_id_of_the_owner_can_not_be_used_again_by_the_actor(
    write: Write, account: Account, stranger: Account
) -> None:
    """An id is in use if the owner's log has it, whoever the actor is."""
    todo = await account.create()
    await write("create", "ALREADY_EXISTS", input={"title": "Again", "id": todo["id"]})
    assert len(await log_of(account)) == 1
    assert await is_untouched(stranger)


async def test_own_todo_is_not_found_under_another_owner(
    write: Write, account: Account, stranger: Account
) -> None:
    """A todo of the actor's own can't be changed by naming another owner."""
    own = await stranger.create()
    await write("complete", "NOT_FOUND", id=own["id"])
    assert len(await log_of(stranger)) == 1
    assert await is_untouched(account)


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED"])
async def test_write_waits_for_the_owners_lock_and_not_for_the_actors(
    write: Write, account: Account, stranger: Account, status: str
) -> None:
    """A write goes through while the actor's row is locked, and waits while the owner's is."""
    values = {"title": "A", "status": status}
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


async def test_subscribers_of_the_owner_alone_are_woken(
    write: Write, account: Account, stranger: Account, address: str
) -> None:
    """A write reaches who follows the owner's log at once, and never the actor's own feed."""
    async with (
        connected(address, account.token) as owners,
        connected(address, stranger.token) as actors,
    ):
        for socket in (owners, actors):
            await socket.subscribe()
            await socket.settled()
        made = (await write("create", input={"title": "A"}))["todo"]
        [event] = await owners.changes(1)
        assert event["todoId"] == made["id"]
        own = await stranger.create()
        [event] = await actors.changes(1)
        assert event["todoId"] == own["id"]


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
    """A write to the todos of an account that is gone fails as such, and not as unauthenticated."""
    await fetch("DELETE FROM users WHERE id = $1", UUID(account.id))
    with pytest.raises(OwnerGone):
        async with owner_write(owner_id=UUID(account.id), actor_id=UUID(stranger.id)):
            pass
