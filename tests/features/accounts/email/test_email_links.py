"""Accounts by mail: a real SMTP server, from the mutation that causes a mail to its link's use."""

from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import PASSWORD, REGISTER, Account, Client
from tests.support.email_links import (
    CHANGE_PASSWORD,
    CONFIRM_CHANGE,
    NEW_PASSWORD,
    REFUSED,
    REFUSED_RESET,
    REQUEST_CHANGE,
    REQUEST_RESET,
    REQUEST_VERIFICATION,
    RESET,
    TAKEN,
    VERIFICATION,
    VERIFY,
    VIEWER,
    change_token,
    let_links_age,
    login,
    payload,
    reset,
    reset_token,
)
from tests.support.mailbox import Mailbox, text_of, token_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch, fetchrow


async def test_a_new_account_proves_its_address(mailbox: Mailbox, account: Account) -> None:
    """Who registers is mailed a link, and its token verifies the account, once."""
    mail = await mailbox.arrival(account.email, VERIFICATION)
    token = token_of(mail)
    assert f"https://todo.example/app/account/verify?token={token}" in text_of(mail)
    assert (await account.data(VIEWER))["viewer"]["isVerified"] is False
    verified = await payload(account, VERIFY, token=token)
    assert verified["errors"] == []
    assert verified["user"]["isVerified"] is True
    assert verified["user"]["emailVerifiedAt"] is not None
    assert await payload(account, VERIFY, token=token) == REFUSED


async def test_a_link_verifies_without_a_session(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The mail may be opened on a device that isn't signed in."""
    token = token_of(await mailbox.arrival(account.email, VERIFICATION))
    verified = await payload(client, VERIFY, token=token)
    assert (verified["user"]["email"], verified["user"]["isVerified"]) == (account.email, True)


async def test_a_link_can_be_asked_for_again(mailbox: Mailbox, account: Account) -> None:
    """Each mail has another token, and the first one used voids the others."""
    first = token_of(await mailbox.arrival(account.email, VERIFICATION))
    assert await payload(account, REQUEST_VERIFICATION) == TAKEN
    await until(lambda: len(mailbox.to(account.email)) == 2)
    second = token_of(mailbox.to(account.email)[1])
    assert second != first
    assert (await payload(account, VERIFY, token=second))["errors"] == []
    assert await payload(account, VERIFY, token=first) == REFUSED


async def test_who_is_verified_is_sent_nothing_more(mailbox: Mailbox, account: Account) -> None:
    """There is nothing left to prove, and that is no error."""
    token = token_of(await mailbox.arrival(account.email, VERIFICATION))
    await payload(account, VERIFY, token=token)
    assert await payload(account, REQUEST_VERIFICATION) == TAKEN
    posted = await fetch("SELECT FROM mails WHERE owner_id = $1", UUID(account.id))
    assert len(posted) == 1


async def test_three_mails_an_hour_are_enough(account: Account) -> None:
    """The fourth of a kind is refused, and an hour later it isn't."""
    for _ in range(2):
        assert await payload(account, REQUEST_VERIFICATION) == TAKEN
    refused = await payload(account, REQUEST_VERIFICATION)
    assert refused == {"ok": False, "errors": [{"code": "RATE_LIMITED", "path": None}]}
    await fetch(
        "UPDATE mails SET created_at = now() - interval '61 minutes' WHERE owner_id = $1",
        UUID(account.id),
    )
    assert await payload(account, REQUEST_VERIFICATION) == TAKEN


async def test_notices_are_always_sent(mailbox: Mailbox, account: Account) -> None:
    """Who changes the password again and again can't keep the user from being told each time."""
    passwords = [PASSWORD, *(f"Battery{number}staple" for number in range(5))]
    for old, new in pairwise(passwords):
        given = {"currentPassword": old, "newPassword": new}
        assert (await payload(account, CHANGE_PASSWORD, input=given))["errors"] == []
    notice = "Your password was changed"
    await until(lambda: [mail["Subject"] for mail in mailbox.to(account.email)].count(notice) == 5)


async def test_a_forgotten_password_is_replaced(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The link sets a new password; old sessions and the old password open nothing any more."""
    token = await reset_token(mailbox, client, account)
    assert await reset(client, token) == TAKEN
    assert await account.data(VIEWER) == {"viewer": None}
    assert await login(client, account, PASSWORD) == ["INVALID_CREDENTIALS"]
    assert await login(client, account, NEW_PASSWORD) == []
    await mailbox.arrival(account.email, "Your password was changed")


async def test_a_reset_is_good_once(mailbox: Mailbox, account: Account, client: Client) -> None:
    """Neither the same link nor another one that was mailed before sets a password after it."""
    first = await reset_token(mailbox, client, account)
    second = await reset_token(mailbox, client, account)
    assert await reset(client, second) == TAKEN
    assert await reset(client, second) == REFUSED_RESET
    assert await reset(client, first) == REFUSED_RESET


async def test_a_reset_proves_the_address(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Who opens a mail's link has its address."""
    await reset(client, await reset_token(mailbox, client, account))
    row = await fetchrow("SELECT email_verified_at FROM users WHERE id = $1", UUID(account.id))
    assert row is not None
    assert row["email_verified_at"] is not None


async def test_a_weak_password_does_not_use_the_link_up(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The rules are those of a registration, one's own name among them."""
    token = await reset_token(mailbox, client, account)
    for password, code in (("short", "TOO_SHORT"), ("Password1", "WEAK_PASSWORD")):
        errors = [{"code": code, "path": ["input", "newPassword"]}]
        assert await reset(client, token, password) == {"ok": False, "errors": errors}
    assert await reset(client, token) == TAKEN


async def test_bad_token_and_weak_password_are_told_together(client: Client) -> None:
    """A bad token and a weak password are reported together."""
    refused = await reset(client, "x" * 86, "short")
    assert [error["path"][-1] for error in refused["errors"]] == ["token", "newPassword"]


async def test_links_expire(mailbox: Mailbox, account: Account, client: Client) -> None:
    """A link that is too old opens nothing, whatever it was for."""
    verification = token_of(await mailbox.arrival(account.email, VERIFICATION))
    reset_link = await reset_token(mailbox, client, account)
    change = await change_token(mailbox, account, f"new-{account.email}")
    await let_links_age(account)
    assert await payload(client, VERIFY, token=verification) == REFUSED
    assert await reset(client, reset_link) == REFUSED_RESET
    assert await payload(client, CONFIRM_CHANGE, token=change) == REFUSED


async def test_links_open_only_what_they_are_for(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """A token of one kind of mail is no good for another."""
    verification = token_of(await mailbox.arrival(account.email, VERIFICATION))
    reset_link = await reset_token(mailbox, client, account)
    assert await reset(client, verification) == REFUSED_RESET
    assert await payload(client, VERIFY, token=reset_link) == REFUSED
    assert await payload(client, CONFIRM_CHANGE, token=reset_link) == REFUSED


async def test_links_of_others_are_refused(
    mailbox: Mailbox, account: Account, stranger: Account, client: Client
) -> None:
    """Whoever is signed in uses their own links, and somebody else's stay good."""
    verification = token_of(await mailbox.arrival(account.email, VERIFICATION))
    token = await reset_token(mailbox, client, account)
    change = await change_token(mailbox, account, f"new-{account.email}")
    assert await payload(stranger, VERIFY, token=verification) == REFUSED
    assert await reset(stranger, token) == REFUSED_RESET
    assert await payload(stranger, CONFIRM_CHANGE, token=change) == REFUSED
    assert (await payload(account, VERIFY, token=verification))["errors"] == []


@pytest.mark.parametrize("text", ["", "x", "A" * 86, "é" * 86, "a\0b", "A" * 10_000])
async def test_what_is_no_token_is_refused(client: Client, text: str) -> None:
    """A guess is refused, whatever it looks like."""
    assert await payload(client, VERIFY, token=text) == REFUSED
    assert await payload(client, CONFIRM_CHANGE, token=text) == REFUSED
    assert await reset(client, text) == REFUSED_RESET


async def test_nothing_readable_is_stored_of_a_link(mailbox: Mailbox, account: Account) -> None:
    """Neither the mail's row nor the waiting job holds its token."""
    token = token_of(await mailbox.arrival(account.email, VERIFICATION))
    rows = await fetch("SELECT * FROM mails WHERE owner_id = $1", UUID(account.id))
    jobs = await fetch("SELECT convert_from(payload, 'UTF8') AS text FROM pgqueuer")
    stored = repr([tuple(row.values()) for row in (*rows, *jobs)])
    assert token not in stored
    assert token[43:] not in stored


async def test_a_reset_of_nobodys_address_sends_nothing(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The answer is that for an account, and only the worker finds that there is none."""
    assert await payload(client, REQUEST_RESET, email=f"x{account.email}") == TAKEN
    await reset_token(mailbox, client, account)
    assert mailbox.to(f"x{account.email}") == []


async def test_a_disabled_account_is_mailed_no_reset(
    mailbox: Mailbox, account: Account, stranger: Account, client: Client
) -> None:
    """Nobody could sign in with the new password."""
    await fetch("UPDATE users SET is_active = false WHERE id = $1", UUID(account.id))
    assert await payload(client, REQUEST_RESET, email=account.email) == TAKEN
    await reset_token(mailbox, client, stranger)
    assert [mail["Subject"] for mail in mailbox.to(account.email)] == [VERIFICATION]


async def test_an_address_that_is_none_is_told(client: Client) -> None:
    """That says nothing about who there is."""
    refused = await payload(client, REQUEST_RESET, email="ada")
    assert refused == {"ok": False, "errors": [{"code": "INVALID", "path": ["email"]}]}


async def test_addresses_in_any_script_have_good_links(mailbox: Mailbox, client: Client) -> None:
    """Python writes a final sigma and the dot of İ otherwise than PostgreSQL; the links open."""
    for letters in ("ΝΙΚΟΣ", "İDİL"):
        email = f"{letters}@{uuid4().hex}.example.com"
        given = {"username": uuid4().hex, "email": email, "password": PASSWORD}
        answer = await client.execute(REGISTER, {"input": given})
        assert answer["data"]["register"]["errors"] == []
        verification = token_of(await mailbox.arrival(email, VERIFICATION))
        verified = await payload(client, VERIFY, token=verification)
        assert verified["user"]["isVerified"] is True
        assert await payload(client, REQUEST_RESET, email=email) == TAKEN
        assert await reset(client, token_of(await mailbox.arrival(email, RESET))) == TAKEN


async def test_an_address_in_any_script_is_somebodys(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Who asks for an address that another account has in such letters gets no link to it."""
    email = f"ΝΙΚΟΣ@{uuid4().hex}.example.com"
    given = {"username": uuid4().hex, "email": email, "password": PASSWORD}
    await client.execute(REGISTER, {"input": given})
    asked = await payload(account, REQUEST_CHANGE, email=email, password=PASSWORD)
    assert asked == TAKEN
    mail = await mailbox.arrival(email, "This address has an account already")
    assert "token=" not in mail.as_string()
