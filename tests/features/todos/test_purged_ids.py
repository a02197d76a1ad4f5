"""The ids of todos that were purged: each has had its one life."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.support.accounts import CREATE, ERRORS, Account
from tests.support.trash import delete
from tests.support.waiting import until
from todo_gql.changelog.retention import purge_changes
from todo_gql.database.connection import fetch
from todo_gql.features.todos.trash import purge_trash

BULK = (
    "mutation ($inputs: [TodoCreateInput!]!, $onError: BulkErrorPolicy!, $dryRun: Boolean!) {"
    " todoBulkCreate(inputs: $inputs, onError: $onError, dryRun: $dryRun) { processed updated"
    f" results {{ id todo {{ title }} {ERRORS} }} {ERRORS} }} }}"
)
SEEN = "{ changeCursor todos { nodes { id title version } } stats { total } }"
LOG = "{ changes(first: 100) { nodes { action todo { title } } } }"
GONE = {
    "__typename": "ConflictError",
    "code": "ALREADY_EXISTS",
    "message": "A todo with this id was created already, and has been purged since. Use a new id.",
    "current": None,
}
WAITS_FOR_A_LOCK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def purged(account: Account) -> str:
    """The id of a todo of the account's that was purged."""
    todo = await account.create(title="Once")
    await purge(account, todo)
    return str(todo["id"])


async def purge(account: Account, todo: dict[str, Any]) -> None:
    """Delete a todo for good."""
    await delete(account, todo, days_ago=31)
    assert await purge_trash(30) >= 1


async def create(account: Account, id: str, **values: Any) -> Any:
    """The payload of a create."""
    return (await account.data(CREATE, input={"id": id, "title": "Late", **values}))["todoCreate"]


async def create_many(account: Account, *ids: str, skip: bool, dry: bool) -> Any:
    """The payload of a create in bulk."""
    inputs = [{"id": id, "title": "Late", "tags": ["late"]} for id in ids]
    policy = "SKIP_FAILED" if skip else "ABORT_ALL"
    return (await account.data(BULK, inputs=inputs, onError=policy, dryRun=dry))["todoBulkCreate"]


@pytest.mark.parametrize(
    "values", [{}, {"status": "COMPLETED"}, {"tags": ["a"]}], ids=["plain", "completed", "tagged"]
)
async def test_a_purged_id_is_not_used_again(
    account: Account, purged: str, values: dict[str, Any]
) -> None:
    """A create that comes late finds that the todo was there, and writes nothing."""
    before = await account.data(SEEN)
    for id in (purged, purged.upper()):
        payload = await create(account, id, **values)
        assert payload == {"todo": None, "errors": [GONE | {"path": ["input", "id"]}]}
    assert await account.data(SEEN) == before
    log = (await account.data(LOG))["changes"]["nodes"]
    assert [change["action"] for change in log] == ["CREATED", "DELETED"]


@pytest.mark.parametrize("dry", [False, True], ids=["real", "dry"])
@pytest.mark.parametrize("skip", [False, True], ids=["ABORT_ALL", "SKIP_FAILED"])
async def test_a_purged_id_fails_in_bulk(
    account: Account, purged: str, skip: bool, dry: bool
) -> None:
    """A purged id fails alone with SKIP_FAILED, and fails all with ABORT_ALL."""
    before, new = await account.data(SEEN), str(uuid4())
    payload = await create_many(account, new, purged, skip=skip, dry=dry)
    other, failed = payload["results"]
    gone = [GONE | {"path": ["inputs", "1", "id"]}]
    assert failed == {"id": purged, "todo": None, "errors": gone}
    assert payload["updated"] == skip
    assert [error["path"] for error in payload["errors"]] == ([] if skip else [["inputs"]])
    assert other["todo"] == ({"title": "Late"} if skip else None)
    after = await account.data(SEEN)
    if skip and not dry:
        assert [todo["id"] for todo in after["todos"]["nodes"]] == [new]
    else:
        assert after == before


async def test_an_id_in_the_trash_is_not_purged(account: Account) -> None:
    """The todo in the trash is what a create that comes late is shown."""
    todo = await account.create(title="Once")
    await delete(account, todo)
    payload = await create(account, todo["id"])
    assert payload["todo"]["title"] == "Once"
    assert payload["errors"][0]["current"] == {"id": todo["id"]}


async def test_an_id_that_another_purged_is_like_any_new_one(
    stranger: Account, purged: str
) -> None:
    """Nobody learns of a todo of somebody else's that is gone."""
    payload = await create(stranger, purged)
    assert (payload["todo"]["id"], payload["errors"]) == (purged, [])


async def test_a_purged_id_that_another_uses_now_is_told_as_purged(
    account: Account, stranger: Account, purged: str
) -> None:
    """Its first owner hears of their own todo, and nothing of the other's."""
    await create(stranger, purged)
    payload = await create(account, purged)
    assert payload == {"todo": None, "errors": [GONE | {"path": ["input", "id"]}]}


async def test_an_id_of_which_no_todo_was_made_is_free(account: Account) -> None:
    """A dry run and a create that was refused have used nothing up."""
    id = str(uuid4())
    await create_many(account, id, skip=False, dry=True)
    await create(account, id, title="")
    assert (await create(account, id))["errors"] == []


async def test_what_the_log_has_forgotten_is_free(account: Account, purged: str) -> None:
    """CHANGES_RETENTION_DAYS limits how long the id of a purged todo is refused."""
    # What other tests have left to be deleted.
    await purge_changes(9)
    await fetch(
        "UPDATE changes SET at = at - interval '10 days' WHERE owner_id = $1", UUID(account.id)
    )
    assert await purge_changes(9) == 2
    assert (await create(account, purged))["errors"] == []


async def waits_for_a_lock() -> bool:
    """Whether a statement in the database waits for a lock."""
    [row] = await fetch(WAITS_FOR_A_LOCK)
    return bool(row["count"])


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED"])
async def test_a_todo_may_be_purged_while_a_create_waits(
    account: Account, database_url: str, status: str
) -> None:
    """The create sees what is there once it has the owner's lock."""
    todo = await account.create(title="Once")
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", UUID(account.id)
            )
            creating = asyncio.create_task(create(account, todo["id"], status=status))

            await until(waits_for_a_lock)
            await connection.execute("DELETE FROM todos WHERE id = $1", UUID(todo["id"]))
    finally:
        await connection.close()
    assert await creating == {"todo": None, "errors": [GONE | {"path": ["input", "id"]}]}
