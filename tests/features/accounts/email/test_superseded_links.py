"""Which of several links to an account is good: the newest of its kind, while its asker stays."""

import asyncio
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from tortoise.migrations.operations import RunSQL

from tests.support.account_operations import (
    LOGOUT,
    REVOKE,
    SESSIONS,
    another_session,
    change_sessions,
    let_seconds_pass,
    refresh,
)
from tests.support.accounts import PASSWORD, Account, Client
from tests.support.email_links import (
    CHANGE,
    CHANGE_PASSWORD,
    CONFIRM_CHANGE,
    NEW_PASSWORD,
    REFUSED,
    REFUSED_RESET,
    REQUEST_CHANGE,
    REQUEST_VERIFICATION,
    TAKEN,
    VERIFICATION,
    VERIFY,
    VIEWER,
    change_token,
    payload,
    reset,
    reset_token,
)
from tests.support.mailbox import Mailbox, delivering, token_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings

GOOD_LINKS = (
    "SELECT address FROM mails WHERE owner_id = $1 AND kind = 2 AND used_at IS NULL ORDER BY id"
)


async def good_addresses(account: Account) -> list[str]:
    """The new addresses that the account has links for which nothing has made void."""
    return [row["address"] for row in await fetch(GOOD_LINKS, UUID(account.id))]


async def ask(account: Account, email: str) -> dict[str, Any]:
    """What a request to change the address answers."""
    return await payload(account, REQUEST_CHANGE, email=email, password=PASSWORD)


async def test_a_newer_request_makes_the_link_to_a_mistyped_address_void(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Who reads the mails of the address that was typed first doesn't get the account."""
    mistyped = await change_token(mailbox, account, f"typo-{account.email}")
    right = await change_token(mailbox, account, f"new-{account.email}")
    assert await payload(client, CONFIRM_CHANGE, token=mistyped) == REFUSED
    assert (await client.http.get(f"/account/email?token={mistyped}")).status_code == 410
    confirmed = await payload(client, CONFIRM_CHANGE, token=right)
    assert confirmed["user"]["email"] == f"new-{account.email}"


async def test_asking_for_the_address_that_one_has_only_makes_links_void(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Nothing is sent, and no link to another address is good any more."""
    regretted = await change_token(mailbox, account, f"new-{account.email}")
    posted = await fetch("SELECT id FROM mails WHERE owner_id = $1 ORDER BY id", UUID(account.id))
    assert await ask(account, account.email) == TAKEN
    assert await payload(client, CONFIRM_CHANGE, token=regretted) == REFUSED
    assert (
        await fetch("SELECT id FROM mails WHERE owner_id = $1 ORDER BY id", UUID(account.id))
        == posted
    )


async def test_taking_a_change_back_is_never_too_often(account: Account) -> None:
    """The last link can be voided after as many requests as an hour allows."""
    for number in range(3):
        assert await ask(account, f"{number}-{account.email}") == TAKEN
    assert await good_addresses(account) == [f"2-{account.email}"]
    assert await ask(account, account.email) == TAKEN
    assert await good_addresses(account) == []


async def test_a_request_that_is_refused_leaves_the_link_before_it(account: Account) -> None:
    """One too many in the hour, a wrong password and a bad address change nothing."""
    for number in range(3):
        await ask(account, f"{number}-{account.email}")
    assert (await ask(account, f"3-{account.email}"))["errors"][0]["code"] == "RATE_LIMITED"
    assert (await ask(account, "nothing"))["ok"] is False
    wrong = await payload(account, REQUEST_CHANGE, email=account.email, password="Wrong4sure")
    assert wrong["ok"] is False
    assert await good_addresses(account) == [f"2-{account.email}"]


async def test_of_requests_at_once_one_link_is_good(account: Account) -> None:
    """Each makes those before it void, whichever comes last."""
    emails = [f"{number}-{account.email}" for number in range(3)]
    assert await asyncio.gather(*(ask(account, email) for email in emails)) == [TAKEN] * 3
    assert len(await good_addresses(account)) == 1


async def test_a_request_and_a_confirmation_at_once_end_in_one_order(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Either the older link moved the account and voids the newer one, or it was void."""
    older = await change_token(mailbox, account, f"old-{account.email}")
    confirmed, asked = await asyncio.gather(
        payload(client, CONFIRM_CHANGE, token=older), ask(account, f"new-{account.email}")
    )
    assert asked == TAKEN
    email = (await account.data(VIEWER))["viewer"]["email"]
    assert email == (f"old-{account.email}" if confirmed["user"] else account.email)
    assert await payload(client, CONFIRM_CHANGE, token=older) == REFUSED


async def test_a_mail_whose_link_is_void_is_not_sent(
    account: Account, settings: Settings, database_url: str
) -> None:
    """The worker sends only the newest link, and none of a session that has ended."""
    await fetch("DELETE FROM pgqueuer")
    other = await another_session(account)
    await ask(account, f"typo-{account.email}")
    await ask(account, f"new-{account.email}")
    await payload(account, REQUEST_VERIFICATION)
    sent = await account.execute(REQUEST_VERIFICATION, token=other["accessToken"])
    assert sent["data"]["emailVerificationRequest"] == TAKEN
    await account.execute(LOGOUT, token=other["accessToken"])
    box = Mailbox()
    async with delivering(box, settings, database_url):
        await box.arrival(f"new-{account.email}", CHANGE)
        await until(is_idle)
    assert box.to(f"typo-{account.email}") == []
    assert [mail for mail in box.to(account.email) if mail["Subject"] == VERIFICATION] == []


async def is_idle() -> bool:
    """Whether no job is left to do."""
    return not await fetch("SELECT FROM pgqueuer WHERE status <> 'failed'")


async def sign_out(account: Account) -> None:
    """End the session by its own word."""
    await account.data(LOGOUT)


async def revoke(account: Account) -> None:
    """End the session from another device."""
    other = await another_session(account)
    sessions = (await account.data(SESSIONS))["sessions"]
    [own] = [session["id"] for session in sessions if session["isCurrent"]]
    revoked = await account.execute(REVOKE, {"id": own}, token=other["accessToken"])
    assert revoked["data"]["sessionRevoke"]["ok"] is True


async def reuse(account: Account) -> None:
    """End the session by using a refresh token again, later."""
    await refresh(account, account.refresh_token)
    await let_seconds_pass(account, 11)
    assert (await refresh(account, account.refresh_token))["tokens"] is None


async def change_password_elsewhere(account: Account) -> None:
    """End the session by a new password that is set on another device."""
    other = await another_session(account)
    given = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    changed = await account.execute(CHANGE_PASSWORD, {"input": given}, token=other["accessToken"])
    assert changed["data"]["passwordChange"]["errors"] == []


async def let_expire(account: Account) -> None:
    """Let the session have been left alone for as long as it lasts."""
    await change_sessions(account, "expires_at = now()")


@pytest.mark.parametrize(
    "end",
    [sign_out, revoke, reuse, change_password_elsewhere, let_expire],
    ids=lambda end: end.__name__,
)
async def test_a_link_ends_with_the_session_that_asked_for_it(
    mailbox: Mailbox, account: Account, client: Client, end: Any
) -> None:
    """A link ends with the session that asked for it, however the session ends."""
    token = await change_token(mailbox, account, f"new-{account.email}")
    await end(account)
    assert await payload(client, CONFIRM_CHANGE, token=token) == REFUSED
    assert (await client.http.get(f"/account/email?token={token}")).status_code == 410


async def test_a_link_stays_when_another_session_ends(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Only the session that asked counts."""
    other = await another_session(account)
    token = await change_token(mailbox, account, f"new-{account.email}")
    await account.execute(LOGOUT, token=other["accessToken"])
    assert (await payload(client, CONFIRM_CHANGE, token=token))["errors"] == []


async def test_a_newer_verification_makes_the_older_void(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The mail of the registration is void once another was asked for."""
    first = token_of(await mailbox.arrival(account.email, VERIFICATION))
    assert await payload(account, REQUEST_VERIFICATION) == TAKEN
    await until(lambda: len(mailbox.to(account.email)) == 2)
    second = token_of(mailbox.to(account.email)[1])
    assert await payload(client, VERIFY, token=first) == REFUSED
    assert (await payload(client, VERIFY, token=second))["errors"] == []


async def test_the_link_of_a_registration_outlives_its_session(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """No session asked for it, so that one can register, sign out and then look at one's mails."""
    token = token_of(await mailbox.arrival(account.email, VERIFICATION))
    await sign_out(account)
    assert (await payload(client, VERIFY, token=token))["errors"] == []


async def test_a_verification_that_was_asked_for_ends_with_the_session(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """A verification ends with the session that asked for it, as every such link does."""
    await mailbox.arrival(account.email, VERIFICATION)
    await payload(account, REQUEST_VERIFICATION)
    await until(lambda: len(mailbox.to(account.email)) == 2)
    token = token_of(mailbox.to(account.email)[1])
    await sign_out(account)
    assert await payload(client, VERIFY, token=token) == REFUSED


async def test_a_newer_reset_makes_the_older_void(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """An old mail that somebody finds sets no password once there is a newer one."""
    older = await reset_token(mailbox, client, account)
    newer = await reset_token(mailbox, client, account)
    assert await reset(client, older) == REFUSED_RESET
    assert await reset(client, newer) == TAKEN


async def test_a_reset_that_its_user_asked_for_signed_in_ends_with_the_session(
    mailbox: Mailbox, account: Account, stranger: Account, client: Client
) -> None:
    """One that somebody else was signed in for, or nobody, is no matter of a session."""
    own = await reset_token(mailbox, account, account)
    await sign_out(account)
    assert await reset(client, own) == REFUSED_RESET
    strangers = await reset_token(mailbox, stranger, account)
    await sign_out(stranger)
    assert await reset(client, strangers) == TAKEN


async def test_links_of_other_kinds_and_accounts_stay(
    mailbox: Mailbox, account: Account, stranger: Account, client: Client
) -> None:
    """A request makes void what it replaces, and nothing else."""
    verification = token_of(await mailbox.arrival(account.email, VERIFICATION))
    theirs = await change_token(mailbox, stranger, f"new-{stranger.email}")
    await change_token(mailbox, account, f"new-{account.email}")
    assert (await payload(client, VERIFY, token=verification))["errors"] == []
    assert (await payload(client, CONFIRM_CHANGE, token=theirs))["errors"] == []


async def test_a_migration_makes_void_what_newer_links_had_not(account: Account) -> None:
    """Links that were mailed before newer ones made them void are void once it is done."""
    await fetch(
        "INSERT INTO mails (id, owner_id, kind, address, link_hash, created_at, expires_at)"
        " SELECT gen_random_uuid(), $1, 2, number || '@example.com', sha256('x'),"
        " now() - make_interval(mins => number), now() + interval '1 hour'"
        " FROM generate_series(1, 3) number",
        UUID(account.id),
    )
    migration = import_module("migrations.0004_links_of_sessions").Migration
    [repair] = [one for one in migration.operations if isinstance(one, RunSQL)]
    await fetch(str(repair.sql))
    assert await good_addresses(account) == ["1@example.com"]
