"""Leaving, and staying after all."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.conftest import PASSWORD, Account, Client, NewAccount
from tests.mailbox import Mailbox, text_of
from tests.test_mails import REQUEST_RESET, TAKEN, login, payload, reset, reset_token
from todo_gql import db
from todo_gql.accounts.deletion import purge_accounts
from todo_gql.settings import Settings

DELETE = """mutation ($password: String!) { accountDelete(currentPassword: $password) {
  ok errors { __typename code path }
} }"""
TABLES = ("sessions", "mails", "todos", "tags", "todo_tags", "changes")


async def close(account: Account) -> None:
    """Delete an account by its own mutation."""
    assert await payload(account, DELETE, password=PASSWORD) == TAKEN


async def let_days_pass(account: Account, days: int) -> None:
    """Let the account have been deleted so much earlier."""
    await db.fetch(
        "UPDATE users SET deletion_at = deletion_at - $2::interval WHERE id = $1",
        UUID(account.id),
        timedelta(days=days),
    )


async def rows_of(account: Account) -> int:
    """How many rows of the account there are in all tables."""
    counts = [
        await db.fetch(f"SELECT FROM {table} WHERE owner_id = $1", UUID(account.id))
        for table in TABLES
    ]
    user = await db.fetch("SELECT FROM users WHERE id = $1", UUID(account.id))
    return sum(map(len, counts)) + len(user)


async def test_deleting_ends_all_sessions_at_once(account: Account, client: Client) -> None:
    """Nothing is deleted yet, and nobody is signed in any more."""
    todo = await account.create(tags=["kept"])
    await close(account)
    assert await account.data("{ viewer { id } }") == {"viewer": None}
    assert await db.fetch("SELECT FROM todos WHERE id = $1", UUID(todo["id"]))


async def test_deleting_takes_the_password(account: Account) -> None:
    """Who finds a device unlocked can't delete what is there."""
    refused = await payload(account, DELETE, password="Wrong4sure")
    error = {"__typename": "AuthError", "code": "INVALID_CREDENTIALS", "path": ["currentPassword"]}
    assert refused == {"ok": False, "errors": [error]}
    assert (await account.data("{ viewer { id } }"))["viewer"] == {"id": account.id}


async def test_a_mail_tells_until_when_one_can_stay(
    mailbox: Mailbox, account: Account, settings: Settings
) -> None:
    """The day stands in it, and what to do."""
    await close(account)
    mail = await mailbox.arrival(account.email, "Your account will be deleted")
    row = await db.fetchrow(
        "SELECT deletion_at, now() AS now FROM users WHERE id = $1", UUID(account.id)
    )
    assert row is not None
    left = row["deletion_at"] - row["now"]
    assert left > timedelta(days=settings.account_deletion_grace_days, minutes=-5)
    assert f"{row['deletion_at']:%-d %B %Y}" in " ".join(text_of(mail).split())
    assert "sign in before that day" in " ".join(text_of(mail).split())


async def test_signing_in_within_the_grace_period_keeps_the_account(
    account: Account, client: Client, settings: Settings
) -> None:
    """Everything is there as it was, and stays."""
    await account.create(title="Kept", tags=["kept"])
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days - 1)
    assert await login(client, account, PASSWORD) == []
    await let_days_pass(account, 2)
    await purge_accounts()
    assert await db.fetch("SELECT FROM todos WHERE owner_id = $1", UUID(account.id))


async def test_after_the_grace_period_nobody_gets_in(
    account: Account, client: Client, settings: Settings
) -> None:
    """Even before it is purged the account is as good as gone."""
    await close(account)
    await let_days_pass(account, settings.account_deletion_grace_days)
    assert await login(client, account, PASSWORD) == ["INVALID_CREDENTIALS"]


async def test_after_the_grace_period_everything_is_gone(
    account: Account, stranger: Account, settings: Settings
) -> None:
    """No table holds a row of the account, and nobody else misses one."""
    await account.create_many([{"title": f"{n}", "tags": ["gone"]} for n in range(3)])
    await stranger.create(tags=["kept"])
    before = await rows_of(stranger)
    await close(account)
    await purge_accounts()
    assert await rows_of(account) > 10
    await let_days_pass(account, settings.account_deletion_grace_days)
    assert await purge_accounts() >= 1
    assert await rows_of(account) == 0
    assert await rows_of(stranger) == before


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
    await db.fetch("UPDATE users SET is_superuser = false WHERE is_superuser")


async def test_the_last_active_superuser_stays(
    no_superusers: None, account: Account, new_account: NewAccount
) -> None:
    """Somebody has to be left who administers accounts."""
    await db.fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    refused = await payload(account, DELETE, password=PASSWORD)
    error = {"__typename": "ValidationError", "code": "INVALID", "path": []}
    assert refused == {"ok": False, "errors": [error]}
    second = await new_account()
    await db.fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(second.id))
    await close(account)
