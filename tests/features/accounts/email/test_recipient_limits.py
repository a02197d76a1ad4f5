"""How many mails one recipient is sent, over all accounts."""

from datetime import timedelta
from secrets import token_hex
from uuid import UUID

import pytest

from tests.support.account_operations import register
from tests.support.accounts import PASSWORD, Account, Client, registered
from tests.support.email_links import (
    CHANGE,
    CHANGE_PASSWORD,
    REQUEST_CHANGE,
    REQUEST_RESET,
    REQUEST_VERIFICATION,
    TAKEN,
    VERIFICATION,
    VERIFY,
    payload,
    reset,
    reset_token,
    resets,
)
from tests.support.mailbox import Mailbox, token_of
from tests.support.waiting import until
from todo_gql.api.login_identifiers import recipient_key
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.deletion import purge_accounts
from todo_gql.features.registry import LARGE_TABLES

MOST = 5
WAITING = "SELECT FROM pgqueuer WHERE status IN ('queued', 'picked')"


async def all_are_handled() -> None:
    """Wait until no mail is left to be sent."""

    async def nothing_waits() -> bool:
        return not await fetch(WAITING)

    await until(nothing_waits)


async def ask_for_change(client: Client, email: str, accounts: int = 1) -> None:
    """Have accounts ask for an address; the answer is always the same."""
    for _ in range(accounts):
        account = await registered(client)
        assert await payload(account, REQUEST_CHANGE, email=email, password=PASSWORD) == TAKEN


async def prove(mailbox: Mailbox, account: Account) -> None:
    """Verify an account by the mail that it was sent."""
    token = token_of(await mailbox.arrival(account.email, VERIFICATION))
    assert (await payload(account, VERIFY, token=token))["errors"] == []


async def pass_minutes(account: Account, minutes: float) -> None:
    """Date an account's mails back by so many minutes."""
    await fetch(
        "UPDATE mails SET created_at = created_at - $2::interval, expires_at = expires_at - $2"
        " WHERE owner_id = $1",
        UUID(account.id),
        timedelta(minutes=minutes),
    )


async def test_many_accounts_send_one_stranger_few_mails(mailbox: Mailbox, client: Client) -> None:
    """A stranger is sent five of the mails that seven accounts ask for, and all get one answer."""
    victim = f"victim-{token_hex(4)}@example.com"
    await ask_for_change(client, victim, accounts=7)
    await all_are_handled()
    assert len(mailbox.to(victim)) == MOST


@pytest.mark.parametrize(
    "email",
    [
        "ADA@Example.com",
        "ada+shop@example.com",
        "a.d.a@example.com",
        "ada+a+b@example.com.",
        "\uff41da@example.com",
    ],
)
def test_addresses_that_reach_one_mailbox_are_one_recipient(email: str) -> None:
    """Letter case, sub-addresses and full stops make no other one."""
    assert recipient_key(email) == recipient_key("ada@example.com")


@pytest.mark.parametrize("email", ["ida@example.com", "ada@example.org", "+ada@example.com", "@"])
def test_addresses_of_others_are_other_recipients(email: str) -> None:
    """What begins with a plus sign is a name of its own."""
    assert recipient_key(email) not in {
        recipient_key("ada@example.com"),
        recipient_key("+ida@example.com"),
    }


async def test_every_kind_of_mail_counts(mailbox: Mailbox, client: Client) -> None:
    """Registrations with sub-addresses, their resets and verifications, and changes of others."""
    person = f"victim{token_hex(4)}"
    for number in range(4):
        email = f"{person}+{number}@example.com"
        assert (await register(client, email))["errors"] == []
        assert await payload(client, REQUEST_RESET, email=email) == TAKEN
    await ask_for_change(client, f"{person}@example.com", accounts=3)
    await all_are_handled()
    assert len([mail for mail in mailbox.mails if mail["To"].startswith(person)]) == MOST


async def test_strangers_keep_no_reset_from_an_owner(mailbox: Mailbox, client: Client) -> None:
    """Who has proven the address is mailed its own links, and has five mails in the hour at most."""
    owner = await registered(client)
    await prove(mailbox, owner)
    await ask_for_change(client, owner.email, accounts=6)
    for number in range(3):
        assert await payload(client, REQUEST_RESET, email=owner.email) == TAKEN
        await until(lambda: len(resets(mailbox, owner)) > number)  # noqa: B023 - waited for
    await all_are_handled()
    assert len(mailbox.to(owner.email)) == MOST


async def test_a_notice_reaches_who_has_had_enough_links(mailbox: Mailbox, client: Client) -> None:
    """That the password was changed is news, proven address or not."""
    owner = await registered(client)
    await ask_for_change(client, owner.email, accounts=6)
    new = {"currentPassword": PASSWORD, "newPassword": "Battery2staple"}
    assert (await payload(owner, CHANGE_PASSWORD, input=new))["errors"] == []
    await mailbox.arrival(owner.email, "Your password was changed")


async def test_notices_to_an_address_that_is_not_proven_are_few(
    mailbox: Mailbox, client: Client
) -> None:
    """Whoever registers with somebody's address can't mail them by changing the password."""
    account = await registered(client)
    given = {"currentPassword": PASSWORD, "newPassword": PASSWORD}
    for _ in range(MOST + 3):
        assert (await payload(account, CHANGE_PASSWORD, input=given))["errors"] == []
    await all_are_handled()
    subjects = [mail["Subject"] for mail in mailbox.to(account.email)]
    assert subjects.count("Your password was changed") == MOST


async def test_a_link_that_is_not_sent_leaves_the_earlier_one_good(
    mailbox: Mailbox, client: Client
) -> None:
    """Strangers can't make the link useless that somebody waits for."""
    owner = await registered(client)
    first = token_of(await mailbox.arrival(owner.email, VERIFICATION))
    await ask_for_change(client, owner.email, accounts=6)
    assert await payload(owner, REQUEST_VERIFICATION) == TAKEN
    assert (await payload(owner, VERIFY, token=first))["errors"] == []


async def test_an_hour_later_the_recipient_is_sent_mails_again(
    mailbox: Mailbox, client: Client
) -> None:
    """What wasn't sent isn't counted, so that nobody can be kept from mails for ever."""
    victim = f"victim-{token_hex(4)}@example.com"
    await ask_for_change(client, victim, accounts=8)
    await all_are_handled()
    ages = "UPDATE mails SET created_at = created_at - interval '1 hour' WHERE sent_at IS NOT NULL"
    await fetch(ages)
    await ask_for_change(client, victim)
    await until(lambda: len(mailbox.to(victim)) == MOST + 1)
    assert mailbox.to(victim)[-1]["Subject"] == CHANGE


async def test_mails_count_though_their_account_is_deleted(
    mailbox: Mailbox, client: Client
) -> None:
    """Who registers and deletes one account after the other sends nobody more mails."""
    # What other tests have left to be deleted.
    await purge_accounts(LARGE_TABLES)
    victim = f"victim-{token_hex(4)}@example.com"
    for _ in range(MOST + 2):
        assert (await register(client, victim))["errors"] == []
        await all_are_handled()
        await fetch("UPDATE users SET deletion_at = now() WHERE email = $1", victim)
        assert await purge_accounts(LARGE_TABLES) == 1
    assert len(mailbox.to(victim)) == MOST


async def test_mails_of_deleted_accounts_are_forgotten_after_an_hour(
    mailbox: Mailbox, client: Client
) -> None:
    """Nothing is left of a deleted account once its mails count for nobody any more."""
    email = f"victim-{token_hex(4)}@example.com"
    assert (await register(client, email))["errors"] == []
    await mailbox.arrival(email, VERIFICATION)
    await fetch("UPDATE users SET deletion_at = now() WHERE email = $1", email)
    await purge_accounts(LARGE_TABLES)
    assert await fetch("SELECT FROM purged_mails")
    await fetch("UPDATE purged_mails SET created_at = created_at - interval '61 minutes'")
    await purge_accounts(LARGE_TABLES)
    assert await fetch("SELECT FROM purged_mails") == []


async def test_an_owner_is_sent_a_reset_once_the_last_one_is_half_over(
    mailbox: Mailbox, client: Client
) -> None:
    """Strangers who request all resets of an hour leave the owner a link that is valid, or a new one."""
    owner = await registered(client)
    await prove(mailbox, owner)
    for number in range(3):
        assert await payload(client, REQUEST_RESET, email=owner.email) == TAKEN
        await until(lambda: len(resets(mailbox, owner)) > number)  # noqa: B023 - waited for
    assert await payload(client, REQUEST_RESET, email=owner.email) == TAKEN
    await all_are_handled()
    assert len(resets(mailbox, owner)) == 3
    await pass_minutes(owner, 16)
    token = await reset_token(mailbox, client, owner)
    assert len(resets(mailbox, owner)) == 4
    assert await reset(client, token) == TAKEN


async def test_a_withheld_reset_delays_none_that_may_be_sent(
    mailbox: Mailbox, client: Client
) -> None:
    """A stranger's request that the recipient isn't sent doesn't count as the owner's last link."""
    owner = await registered(client)
    await prove(mailbox, owner)
    for minutes in (0, 0, 0, 15.5, 15.5, 15.5):
        await pass_minutes(owner, minutes)
        assert await payload(client, REQUEST_RESET, email=owner.email) == TAKEN
        await all_are_handled()
    assert len(resets(mailbox, owner)) == MOST
    await pass_minutes(owner, 14.5)
    token = await reset_token(mailbox, client, owner)
    assert len(resets(mailbox, owner)) == MOST + 1
    assert await reset(client, token) == TAKEN
