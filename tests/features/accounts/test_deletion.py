"""Leaving, and staying after all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tortoise.transactions import in_transaction

from tests.support.account_operations import DELETE_ACCOUNT, close, rows_of
from tests.support.accounts import PASSWORD, Account, Client, NewAccount
from tests.support.email_links import REQUEST_RESET, TAKEN, login, payload, reset, reset_token
from tests.support.mailbox import Mailbox, text_of
from tests.support.waiting import until
from todo_gql.api.errors import UserError
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.accounts import deletion
from todo_gql.features.accounts.account import wrong_password
from todo_gql.features.accounts.deletion import purge_accounts
from todo_gql.features.registry import LARGE_TABLES
from todo_gql.settings import Settings

TRASH_IT = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
LOCK_A_TODO = "SELECT FROM todos WHERE owner_id = $1 ORDER BY id LIMIT 1 FOR UPDATE"
IS_IN_THE_WAY = (
    "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
    " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


def notified(before: dict[str, int]) -> dict[str, int]:
    """How many rows there are of what tells somebody that their account is to go."""
    return {"mails": before["mails"] + 1, "notifications": 1, "inboxes": 1}


async def let_days_pass(account: Account, days: int) -> None:
    """Let the account have been deleted so much earlier."""
    await fetch(
        "UPDATE users SET deletion_at = deletion_at - $2::interval WHERE id = $1",
        UUID(account.id),
        timedelta(days=days),
    )


async def test_deleting_ends_all_sessions_at_once(account: Account, client: Client) -> None:
    """Nothing is deleted yet, and nobody is signed in any more."""
    todo = await account.create(tags=["kept"])
    await close(account)
    assert await account.data("{ viewer { id } }") == {"viewer": None}
    assert await fetch("SELECT FROM todos WHERE id = $1", UUID(todo["id"]))


async def test_deleting_takes_the_password(account: Account) -> None:
    """Who finds a device unlocked can't delete what is there."""
    refused = await payload(account, DELETE_ACCOUNT, password="Wrong4sure")
    error = {"__typename": "AuthError", "code": "INVALID_CREDENTIALS", "path": ["currentPassword"]}
    assert refused == {"ok": False, "errors": [error]}
    assert (await account.data("{ viewer { id } }"))["viewer"] == {"id": account.id}


async def test_a_mail_tells_until_when_one_can_stay(
    mailbox: Mailbox, account: Account, settings: Settings
) -> None:
    """The day stands in it, and what to do."""
    await close(account)
    mail = await mailbox.arrival(account.email, "Your account will be deleted")
    row = await fetchrow(
        "SELECT deletion_at, now() AS now FROM users WHERE id = $1", UUID(account.id)
    )
    assert row is not None
    left = row["deletion_at"] - row["now"]
    assert left > timedelta(days=settings.account_deletion_grace_days, minutes=-5)
    assert f"{row['deletion_at']:%-d %B %Y}" in " ".join(text_of(mail).split())
    assert "sign in before that day" in " ".join(text_of(mail).split())


async def test_after_the_grace_period_nobody_gets_in(
    account: Account, client: Client, settings: Settings
) -> None:
    """Nobody gets into an account after the grace period, even before it is purged."""
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days)
    assert await login(client, account, PASSWORD) == ["INVALID_CREDENTIALS"]


async def test_everything_goes_when_it_is_due(
    account: Account, stranger: Account, settings: Settings
) -> None:
    """Nothing goes before the grace period is over; then all does, and of nobody else."""
    for one in (account, stranger):
        todo = await one.create(title="Old", tags=["tag"])
        await one.data(TRASH_IT, id=todo["id"])
        await one.create(title="New", tags=["tag"])
    before, others = await rows_of(account), await rows_of(stranger)
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days - 1)
    await purge_accounts(LARGE_TABLES)
    assert await rows_of(account) == before | notified(before)
    await let_days_pass(account, 1)
    assert await purge_accounts(LARGE_TABLES) == 1
    assert set((await rows_of(account)).values()) == {0}
    assert await rows_of(stranger) == others


async def test_signing_in_keeps_the_account(
    account: Account, client: Client, settings: Settings
) -> None:
    """Who signs in within the grace period has everything back, and it stays."""
    await account.create(title="Dear to me", tags=["tag"])
    before = await rows_of(account)
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days - 1)
    assert await login(client, account, PASSWORD) == []
    await let_days_pass(account, 2)
    assert await purge_accounts(LARGE_TABLES) == 0
    more = notified(before) | {"sessions": before["sessions"] + 1}
    assert await rows_of(account) == before | more


async def test_interrupted_purge_is_completed_later(
    account: Account,
    client: Client,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A purge that fails halfway is told and leaves the account closed; the next one ends it."""
    monkeypatch.setattr(deletion, "BATCH_SIZE", 2)
    for _ in range(3):
        await account.create(tags=["tag"])
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days)
    assert await purge_accounts(("changes", "not_there")) == 0
    assert "an account can't be deleted" in caplog.text
    left = await rows_of(account)
    assert (left["changes"], left["todos"], left["users"]) == (0, 3, 1)
    assert await login(client, account, PASSWORD) == ["INVALID_CREDENTIALS"]
    assert await purge_accounts(LARGE_TABLES) == 1
    assert set((await rows_of(account)).values()) == {0}


async def test_one_that_stays_keeps_no_other_from_going(
    account: Account, stranger: Account, settings: Settings, database_url: str
) -> None:
    """Due accounts are deleted while somebody holds a row of another one."""
    for one in (account, stranger):
        await one.create()
        await close(one)
        await let_days_pass(one, settings.account_deletion_grace_days)
    async with another_connection(database_url) as other, other.transaction():
        await other.execute(LOCK_A_TODO, UUID(account.id))
        assert await purge_accounts(LARGE_TABLES) == 1
    assert set((await rows_of(stranger)).values()) == {0}
    assert await purge_accounts(LARGE_TABLES) == 1


@asynccontextmanager
async def another_connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside those of the application."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def purging_once(begins: asyncio.Event) -> int:
    """What a purge does in a task of its own, begun in time."""
    await begins.wait()
    return await purge_accounts(LARGE_TABLES)


@pytest.fixture
async def purge() -> AsyncIterator[Callable[[], asyncio.Task[int]]]:
    """Begins a purge on a connection of its own, whatever transaction surrounds the call."""
    begins = asyncio.Event()
    task = asyncio.create_task(purging_once(begins))

    def begin() -> asyncio.Task[int]:
        begins.set()
        return task

    yield begin
    begins.set()
    await task


async def is_in_the_way() -> bool:
    """Whether somebody waits for a lock of the surrounding transaction."""
    [row] = await fetch(IS_IN_THE_WAY)
    return bool(row[0])


async def test_sign_in_beside_a_purge_is_refused(
    account: Account,
    client: Client,
    database_url: str,
    purge: Callable[[], asyncio.Task[int]],
) -> None:
    """One that began before the account was due can't keep it once its rows are being deleted."""
    await account.create()
    await close(account)
    async with another_connection(database_url) as other:
        async with in_transaction():
            await fetch("SELECT now()")
            await other.execute(
                "UPDATE users SET deletion_at = clock_timestamp() WHERE id = $1", UUID(account.id)
            )
            async with other.transaction():
                await other.execute(LOCK_A_TODO, UUID(account.id))
                purged = purge()
                await until(lambda: other.fetchval(IS_IN_THE_WAY))
                assert await login(client, account, PASSWORD) == ["INVALID_CREDENTIALS"]
        assert await purged == 1
    assert set((await rows_of(account)).values()) == {0}


async def test_purge_behind_a_sign_in_leaves_everything(
    account: Account,
    client: Client,
    database_url: str,
    purge: Callable[[], asyncio.Task[int]],
) -> None:
    """One that holds the account when it becomes due keeps all of it."""
    await account.create()
    await close(account)
    async with another_connection(database_url) as other:
        async with in_transaction():
            await fetch("SELECT now()")
            await other.execute(
                "UPDATE users SET deletion_at = clock_timestamp() WHERE id = $1", UUID(account.id)
            )
            assert await login(client, account, PASSWORD) == []
            purged = purge()
            await until(is_in_the_way)
        assert await purged == 0
    rows = await rows_of(account)
    assert (rows["users"], rows["todos"], rows["changes"]) == (1, 1, 1)


async def test_an_account_about_to_go_can_be_recovered(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Who has forgotten the password meanwhile may still set a new one and stay."""
    await close(account)
    token = await reset_token(mailbox, client, account)
    assert await reset(client, token) == TAKEN
    assert await login(client, account, "Battery2staple") == []


async def test_an_account_that_is_due_is_mailed_nothing(
    mailbox: Mailbox, account: Account, stranger: Account, client: Client, settings: Settings
) -> None:
    """It counts as gone."""
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days)
    assert await payload(client, REQUEST_RESET, email=account.email) == TAKEN
    await reset_token(mailbox, client, stranger)
    assert "Set a new password" not in {mail["Subject"] for mail in mailbox.to(account.email)}


@pytest.fixture
async def no_superusers() -> None:
    """Nobody administers accounts, whatever other tests left behind."""
    await fetch("UPDATE users SET is_superuser = false WHERE is_superuser")


async def test_the_last_active_superuser_stays(
    no_superusers: None, account: Account, new_account: NewAccount
) -> None:
    """Somebody has to be left who administers accounts."""
    await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    refused = await payload(account, DELETE_ACCOUNT, password=PASSWORD)
    error = {"__typename": "ValidationError", "code": "INVALID", "path": []}
    assert refused == {"ok": False, "errors": [error]}
    second = await new_account()
    await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(second.id))
    await close(account)


async def test_who_is_promoted_meanwhile_stays(
    no_superusers: None, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who becomes the last superuser while the password is checked can't leave."""

    async def promoted(*given: Any) -> list[UserError]:
        await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
        return await wrong_password(*given)

    monkeypatch.setattr(deletion, "wrong_password", promoted)
    assert (await payload(account, DELETE_ACCOUNT, password=PASSWORD))["ok"] is False


async def test_the_change_log_goes_with_its_account(account: Account) -> None:
    """The log has what was written after a deletion too, in the same statement."""
    await account.create()
    owner_id = UUID(account.id)
    assert await fetch("SELECT FROM changes WHERE owner_id = $1", owner_id)
    await fetch("DELETE FROM users WHERE id = $1", owner_id)
    for table in ("changes", "todos", "feeds"):
        assert await fetch(f"SELECT FROM {table} WHERE owner_id = $1", owner_id) == []
