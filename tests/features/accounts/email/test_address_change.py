"""Moving an account to another address."""

from uuid import UUID

from tests.support.accounts import PASSWORD, Account, Client
from tests.support.email_links import (
    ASKED,
    CHANGE,
    CHANGED,
    CONFIRM_CHANGE,
    EXISTS,
    REFUSED,
    REQUEST_CHANGE,
    TAKEN,
    VERIFICATION,
    VERIFY,
    VIEWER,
    change_token,
    login,
    payload,
    reset,
    reset_token,
)
from tests.support.mailbox import Mailbox, token_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch
from todo_gql.database.models import MailKind


async def test_an_address_changes_once_the_new_one_is_confirmed(
    mailbox: Mailbox, account: Account
) -> None:
    """An account keeps its address until the new one is confirmed, and the old one gets notices."""
    new = f"New-{account.email}"
    token = await change_token(mailbox, account, new)
    await mailbox.arrival(account.email, ASKED)
    assert (await account.data(VIEWER))["viewer"] == {"email": account.email, "isVerified": False}
    confirmed = await payload(account, CONFIRM_CHANGE, token=token)
    assert confirmed == {"user": {"email": new, "isVerified": True}, "errors": []}
    await mailbox.arrival(account.email, CHANGED)
    assert mailbox.to(new)[0]["Subject"] == CHANGE
    assert await payload(account, CONFIRM_CHANGE, token=token) == REFUSED


async def test_links_to_the_former_address_are_void(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Whoever reads its mails can neither verify the new address nor reset the password."""
    verification = token_of(await mailbox.arrival(account.email, VERIFICATION))
    old_reset = await reset_token(mailbox, client, account)
    token = await change_token(mailbox, account, f"new-{account.email}")
    await payload(client, CONFIRM_CHANGE, token=token)
    assert await payload(client, VERIFY, token=verification) == REFUSED
    assert (await reset(client, old_reset))["ok"] is False
    assert await login(client, account, PASSWORD) == []


async def test_only_who_knows_the_password_can_ask(account: Account) -> None:
    """A wrong password and a bad address are told together."""
    refused = await payload(account, REQUEST_CHANGE, email="ada", password="Wrong4sure")
    assert refused["ok"] is False
    assert [(error["code"], error["path"]) for error in refused["errors"]] == [
        ("INVALID", ["email"]),
        ("INVALID_CREDENTIALS", ["currentPassword"]),
    ]


async def test_an_address_that_is_taken_gets_no_link(
    mailbox: Mailbox, account: Account, stranger: Account
) -> None:
    """The answer is the usual one, and only who has the address is told that it is taken."""
    asked = await payload(account, REQUEST_CHANGE, email=stranger.email, password=PASSWORD)
    assert asked == TAKEN
    mail = await mailbox.arrival(stranger.email, "This address has an account already")
    assert "token=" not in mail.as_string()


async def test_an_address_that_was_taken_meanwhile_is_a_conflict(
    mailbox: Mailbox, account: Account, stranger: Account
) -> None:
    """Two may ask for one address; the first to confirm has it, and the other stays as it was."""
    new = f"new-{account.email}"
    first = await change_token(mailbox, account, new)
    assert await payload(stranger, REQUEST_CHANGE, email=new, password=PASSWORD) == TAKEN
    await until(lambda: len(mailbox.to(new)) == 2)
    second = token_of(mailbox.to(new)[1])
    assert (await payload(account, CONFIRM_CHANGE, token=first))["errors"] == []
    assert await payload(stranger, CONFIRM_CHANGE, token=second) == EXISTS
    assert (await stranger.data(VIEWER))["viewer"]["email"] == stranger.email


async def test_the_first_change_confirmed_voids_the_others(
    mailbox: Mailbox, account: Account
) -> None:
    """An address that one thought better of can't be taken later."""
    regretted = await change_token(mailbox, account, f"other-{account.email}")
    token = await change_token(mailbox, account, f"new-{account.email}")
    await payload(account, CONFIRM_CHANGE, token=token)
    assert await payload(account, CONFIRM_CHANGE, token=regretted) == REFUSED


async def test_three_new_addresses_an_hour_are_enough(account: Account) -> None:
    """An account may ask for three new addresses an hour, so that nobody's mailbox is flooded."""
    for number in range(3):
        email = f"{number}-{account.email}"
        assert await payload(account, REQUEST_CHANGE, email=email, password=PASSWORD) == TAKEN
    refused = await payload(account, REQUEST_CHANGE, email="x@example.com", password=PASSWORD)
    assert refused == {"ok": False, "errors": [{"code": "RATE_LIMITED", "path": None}]}


async def test_another_letter_case_is_no_other_address(mailbox: Mailbox, account: Account) -> None:
    """Who writes their own address otherwise is mailed the link, and no false alarm."""
    email = f"{account.username.upper()}@example.com"
    token = await change_token(mailbox, account, email)
    confirmed = await payload(account, CONFIRM_CHANGE, token=token)
    assert confirmed["user"]["email"] == email
    rows = await fetch("SELECT kind FROM mails WHERE owner_id = $1 ORDER BY id", UUID(account.id))
    assert [row["kind"] for row in rows] == [MailKind.VERIFICATION, MailKind.EMAIL_CHANGE]
