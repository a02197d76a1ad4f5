"""What opens an account no more once its user, or an administrator, has taken everything back."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

import pytest

from tests.support.account_operations import close
from tests.support.accounts import PASSWORD, Account, Client
from tests.support.email_links import (
    CHANGE_PASSWORD,
    CONFIRM_CHANGE,
    NEW_PASSWORD,
    REFUSED,
    REFUSED_RESET,
    REQUEST_CHANGE,
    TAKEN,
    VERIFICATION,
    VERIFY,
    change_token,
    login,
    payload,
    reset,
    reset_token,
)
from tests.support.mailbox import Mailbox, token_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.administration import AccountChanges, administer

LOG_OUT = "mutation ($everywhere: Boolean!) { logout(everywhere: $everywhere) { ok } }"
VIEWER = "{ viewer { id } }"


class Links(NamedTuple):
    """The tokens that an account was mailed, one of each kind."""

    verification: str
    reset: str
    change: str


async def mailed(mailbox: Mailbox, client: Client, account: Account) -> Links:
    """A link of each kind, as an intruder may have asked for."""
    return Links(
        token_of(await mailbox.arrival(account.email, VERIFICATION)),
        await reset_token(mailbox, client, account),
        await change_token(mailbox, account, f"evil-{account.email}"),
    )


async def change_password(account: Account, _client: Client, _links: Links) -> str:
    """Set another password, and keep this session."""
    given = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert (await payload(account, CHANGE_PASSWORD, input=given))["errors"] == []
    return NEW_PASSWORD


async def reset_password(_account: Account, client: Client, links: Links) -> str:
    """Set another password by the link for it."""
    assert await reset(client, links.reset) == TAKEN
    return NEW_PASSWORD


async def delete(account: Account, _client: Client, _links: Links) -> str:
    """Delete the account, which can be kept yet."""
    await close(account)
    return PASSWORD


async def be_disabled(account: Account, _client: Client, _links: Links) -> str:
    """Have an administrator disable the account, and enable it again."""
    for is_active in (False, True):
        await administer(account.username, AccountChanges(is_active=is_active))
    return PASSWORD


async def log_out_everywhere(account: Account, _client: Client, _links: Links) -> str:
    """End all sessions."""
    assert await payload(account, LOG_OUT, everywhere=True) == {"ok": True}
    return PASSWORD


Way: TypeAlias = Callable[[Account, Client, Links], Awaitable[str]]
"""Takes everything back, and tells the password from then on."""


@pytest.mark.parametrize(
    "way", [change_password, reset_password, delete, be_disabled, log_out_everywhere]
)
async def test_all_links_are_void(
    mailbox: Mailbox, account: Account, client: Client, way: Way
) -> None:
    """Whoever knew the password and had links mailed to themselves can't take the account."""
    links = await mailed(mailbox, client, account)
    password = await way(account, client, links)
    assert await login(client, account, password) == []
    assert await payload(client, CONFIRM_CHANGE, token=links.change) == REFUSED
    assert await payload(client, VERIFY, token=links.verification) == REFUSED
    assert await reset(client, links.reset, "Another3horse") == REFUSED_RESET


@pytest.mark.parametrize(
    "way", [change_password, reset_password, delete, be_disabled, log_out_everywhere]
)
async def test_other_sessions_are_ended(
    mailbox: Mailbox, account: Account, client: Client, way: Way
) -> None:
    """Nobody else stays signed in; who changes the password does."""
    links = await mailed(mailbox, client, account)
    sessions = "SELECT FROM sessions WHERE owner_id = $1::text::uuid AND ended_at IS NULL"
    assert await login(client, account, PASSWORD) == []
    assert len(await fetch(sessions, account.id)) == 2
    await way(account, client, links)
    kept = (await account.data(VIEWER))["viewer"]
    assert kept == ({"id": account.id} if way is change_password else None)
    assert len(await fetch(sessions, account.id)) == (1 if kept else 0)


async def test_one_sign_out_leaves_the_links(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Who signs out of one device may open the mail on another."""
    token = token_of(await mailbox.arrival(account.email, VERIFICATION))
    assert await payload(account, LOG_OUT, everywhere=False) == {"ok": True}
    assert (await payload(client, VERIFY, token=token))["errors"] == []


async def test_a_void_link_is_not_mailed(mailbox: Mailbox, account: Account) -> None:
    """A mail that waited until its link was void has no reason any more."""
    await mailbox.arrival(account.email, VERIFICATION)
    mailbox.refusals = mailbox.tries + 100
    evil = f"evil-{account.email}"
    assert await payload(account, REQUEST_CHANGE, email=evil, password=PASSWORD) == TAKEN
    await mailbox.is_tried_again()
    assert await payload(account, LOG_OUT, everywhere=True) == {"ok": True}
    [mail] = await fetch("SELECT id FROM mails WHERE address = $1", evil)

    async def is_given_up() -> bool:
        await fetch("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'")
        about_it = "SELECT FROM pgqueuer WHERE strpos(convert_from(payload, 'UTF8'), $1) > 0"
        return not await fetch(about_it, str(mail["id"]))

    # While everything is refused, a job that is tried stays.
    await until(is_given_up)
    assert mailbox.to(evil) == []
