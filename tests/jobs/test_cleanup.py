"""What the worker does every so often: empty the trash, delete accounts, forget what is over."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from pgqueuer.adapters.persistence.queries import Queries
from starlette.types import ASGIApp

from tests.support.account_operations import rows_of
from tests.support.accounts import Account
from tests.support.trash import DELETE, delete
from tests.support.waiting import until
from todo_gql.database import owner_batches
from todo_gql.database.connection import fetch
from todo_gql.features.accounts import cleanup
from todo_gql.features.accounts.cleanup import delete_expired
from todo_gql.features.todos import trash
from todo_gql.features.todos.trash import purge_trash
from todo_gql.jobs import queue as jobs
from todo_gql.settings import Settings
from todo_gql.tasks import working

RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { todo { id } errors { code } } }"
TRASH = "{ todos(filter: {isDeleted: true}) { nodes { title } } }"
SEEN = """{
  todos { nodes { title tags { name todoCount } } }
  tags { nodes { name todoCount } }
  stats { total }
}"""
LOG = "{ changes(first: 100) { nodes { action todo { id } } } }"
IS_TRUE_TO_COUNTS = """
SELECT u.pending_count = (SELECT count(*) FROM todos t WHERE t.owner_id = u.id AND t.status = 0
        AND t.deleted_at IS NULL) AS todos,
    NOT EXISTS (SELECT FROM tags g WHERE g.owner_id = u.id AND g.todo_count <> (
        SELECT count(*) FROM todo_tags tt JOIN todos t ON t.id = tt.todo_id
        WHERE tt.tag_id = g.id AND t.deleted_at IS NULL)) AS tags,
    NOT EXISTS (SELECT FROM tags g WHERE g.owner_id = u.id AND NOT EXISTS (
        SELECT FROM todo_tags tt WHERE tt.tag_id = g.id)) AS no_unused_tags
FROM users u WHERE u.id = $1
"""


async def titles_in_trash(account: Account) -> list[str]:
    """What lies in an account's trash."""
    return [todo["title"] for todo in (await account.data(TRASH))["todos"]["nodes"]]


async def test_old_trash_is_purged(account: Account, stranger: Account) -> None:
    """What has lain there for the days goes for good with its tags; the log and the rest stay."""
    await purge_trash(30)
    await account.create(title="Kept", tags=["shared"])
    recent = await account.create(title="Recent", tags=["shared", "recent"])
    old = await account.create(title="Old", tags=["shared", "lost"])
    others = await stranger.create(title="Another's", tags=["lost"])
    await delete(account, recent, days_ago=29)
    await delete(account, old, days_ago=31)
    await delete(stranger, others, days_ago=29)
    assert await purge_trash(30) == 1
    assert await titles_in_trash(account) == ["Recent"]
    assert await titles_in_trash(stranger) == ["Another's"]
    shared = {"name": "shared", "todoCount": 1}
    assert await account.data(SEEN) == {
        "todos": {"nodes": [{"title": "Kept", "tags": [shared]}]},
        "tags": {"nodes": [shared]},
        "stats": {"total": 1},
    }
    log = (await account.data(LOG))["changes"]["nodes"]
    assert [change["action"] for change in log if change["todo"] is None] == ["CREATED", "DELETED"]
    names = await fetch("SELECT name FROM tags WHERE owner_id = $1", UUID(account.id))
    assert {row["name"] for row in names} == {"shared", "recent"}
    payload = (await account.data(RESTORE, id=old["id"]))["todoRestore"]
    assert payload == {"todo": None, "errors": [{"code": "NOT_FOUND"}]}


async def test_trash_can_be_kept_for_ever(account: Account) -> None:
    """Nothing is purged with 0 days, however old it is."""
    await delete(account, await account.create(title="Old"), days_ago=5_000)
    assert await purge_trash(0) == 0
    assert await titles_in_trash(account) == ["Old"]
    assert await purge_trash(4_999) == 1


async def test_much_trash_goes_in_batches(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More old todos than one statement deletes, of more owners than one page has, all go."""
    monkeypatch.setattr(trash, "BATCH_SIZE", 2)
    monkeypatch.setattr(owner_batches, "BATCH_SIZE", 2)
    for number in range(5):
        await delete(account, await account.create(title=f"Old {number}"), days_ago=31)
    assert await purge_trash(30) == 5
    assert await titles_in_trash(account) == []


async def test_purge_beside_the_owners_writes(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Todos made, deleted and restored while the trash is purged leave all counts true."""
    monkeypatch.setattr(trash, "BATCH_SIZE", 3)
    old = [await account.create(title="Old", tags=["tag", f"tag {n % 3}"]) for n in range(12)]
    for todo in old:
        await delete(account, todo, days_ago=31)

    async def write(number: int) -> None:
        todo = await account.create(title="New", tags=["tag", f"tag {number}"])
        await account.data(RESTORE, id=old[number]["id"])
        await account.data(DELETE, id=todo["id"])

    await asyncio.gather(purge_trash(30), *(write(number) for number in range(6)), purge_trash(30))
    await purge_trash(30)
    [row] = await fetch(IS_TRUE_TO_COUNTS, UUID(account.id))
    assert dict(row) == {"todos": True, "tags": True, "no_unused_tags": True}
    seen = await account.data(SEEN)
    assert {todo["title"] for todo in seen["todos"]["nodes"]} <= {"Old"}


async def test_old_mails_and_sessions_are_forgotten(account: Account, stranger: Account) -> None:
    """What was posted, or was over, more than 30 days ago is deleted; a living session isn't."""
    for column, table in (("created_at", "mails"), ("expires_at", "sessions")):
        for one, days in ((account, 31), (stranger, 29)):
            await fetch(
                f"UPDATE {table} SET {column} = now() - make_interval(days => $2)"
                " WHERE owner_id = $1",
                UUID(one.id),
                days,
            )
    await delete_expired()
    gone, kept = await rows_of(account), await rows_of(stranger)
    assert (gone["mails"], gone["sessions"]) == (0, 0)
    assert (kept["mails"], kept["sessions"]) == (1, 1)


async def test_finished_jobs_are_forgotten(account: Account) -> None:
    """What the queue noted of a job is deleted 30 days after."""
    await fetch(
        "INSERT INTO pgqueuer_log (created, job_id, status, entrypoint, priority)"
        " VALUES (now() - interval '31 days', -1, 'successful', 'send_mail', 0),"
        " (now() - interval '29 days', -2, 'successful', 'send_mail', 0)"
    )
    assert await jobs.delete_old_records(30) >= 1
    rows = await fetch("DELETE FROM pgqueuer_log WHERE job_id < 0 RETURNING job_id")
    assert [row["job_id"] for row in rows] == [-2]


async def test_much_is_forgotten_in_batches(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than one statement deletes, of more owners than one page has, all go."""
    monkeypatch.setattr(cleanup, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(owner_batches, "BATCH_SIZE", 1)
    monkeypatch.setattr(jobs, "ROWS_AT_ONCE", 2)
    for one in (account, stranger):
        await fetch(
            "INSERT INTO mails (id, owner_id, kind, address, created_at)"
            " SELECT gen_random_uuid(), $1, 5, 'a@example.com', now() - interval '31 days'"
            " FROM generate_series(1, 5)",
            UUID(one.id),
        )
    await fetch("DELETE FROM pgqueuer_log")
    await fetch(
        "INSERT INTO pgqueuer_log (created, job_id, status, entrypoint, priority)"
        " SELECT now() - interval '31 days', -1, 'successful', 'send_mail', 0"
        " FROM generate_series(1, 5)"
    )
    assert await delete_expired() == 10
    await jobs.delete_old_records(30)
    assert not await fetch("SELECT FROM pgqueuer_log WHERE job_id = -1")


async def test_failed_jobs_are_forgotten(app: ASGIApp) -> None:
    """The address that somebody typed in isn't kept longer than 30 days; other jobs stay."""
    await fetch(
        "INSERT INTO pgqueuer (priority, status, entrypoint, created, execute_after)"
        " VALUES (-1, 'failed', 'start_reset', now() - interval '31 days', now()),"
        " (-2, 'failed', 'start_reset', now() - interval '29 days', now()),"
        " (-3, 'queued', 'start_reset', now() - interval '31 days', 'infinity')"
    )
    await jobs.delete_old_records(30)
    rows = await fetch("DELETE FROM pgqueuer WHERE priority < 0 RETURNING priority")
    assert sorted(row["priority"] for row in rows) == [-3, -2]


async def test_one_owner_keeps_no_others_rows(
    account: Account, stranger: Account, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Old rows are deleted while somebody holds a row of one account."""
    for one in (account, stranger):
        await fetch(
            "UPDATE mails SET created_at = now() - interval '31 days' WHERE owner_id = $1",
            UUID(one.id),
        )
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT FROM mails WHERE owner_id = $1 FOR UPDATE", UUID(account.id))
        assert await delete_expired() == 1
    await other.close()
    assert "old mails, sessions and API tokens can't be deleted" in caplog.text
    assert await delete_expired() == 1


async def test_one_failure_keeps_nothing_else_from_being_done(
    account: Account,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Old mails are purged even when the trash can't be emptied, and the log reports it."""
    await delete(account, await account.create(title="Old"), days_ago=31)
    await fetch(
        "UPDATE mails SET created_at = now() - interval '31 days' WHERE owner_id = $1",
        UUID(account.id),
    )
    monkeypatch.setattr(trash, "PURGE", "DELETE FROM not_there")

    async def is_forgotten() -> bool:
        return (await rows_of(account))["mails"] == 0

    async def is_scheduled() -> bool:
        return bool(await fetch("SELECT FROM pgqueuer_schedules WHERE entrypoint = 'upkeep'"))

    async with working(settings, database_url):
        await until(is_scheduled)
    await fetch("UPDATE pgqueuer_schedules SET next_run = now()")
    async with working(settings, database_url):
        await until(is_forgotten)
    assert "the todos of the trash that are due can't be deleted" in caplog.text
    monkeypatch.undo()
    assert await purge_trash(30) == 1


async def test_worker_does_all_of_it(
    account: Account, settings: Settings, database_url: str
) -> None:
    """Every ten minutes a worker empties the trash and deletes what is due."""
    await delete(account, await account.create(title="Old"), days_ago=31)

    async def is_scheduled() -> bool:
        return bool(await fetch("SELECT FROM pgqueuer_schedules WHERE entrypoint = 'upkeep'"))

    async def is_purged() -> bool:
        return await titles_in_trash(account) == []

    async with working(settings, database_url):
        await until(is_scheduled)
    [row] = await fetch("SELECT *, next_run - now() AS wait FROM pgqueuer_schedules")
    assert row["expression"] == "*/10 * * * *"
    assert row["wait"] <= timedelta(minutes=10)
    assert await titles_in_trash(account) == ["Old"]
    await fetch("UPDATE pgqueuer_schedules SET next_run = now()")
    async with working(settings, database_url):
        await until(is_purged)


async def test_queue_has_the_tables_that_its_library_wants(app: ASGIApp, database_url: str) -> None:
    """The migrations make what the installed pgqueuer would make, so an upgrade adds nothing."""
    connection = await asyncpg.connect(database_url)
    plan = await Queries.from_asyncpg_connection(connection).plan_upgrade()
    await connection.close()
    assert (list(plan.statements), list(plan.notes)) == ([], [])
