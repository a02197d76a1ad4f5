"""Addresses of one mailbox, however they are typed: one account, which each of them finds."""

import asyncio
from functools import partial
from importlib import import_module
from secrets import token_hex
from typing import Any
from uuid import UUID

import pytest
from starlette.types import ASGIApp
from tortoise.connection import get_connection
from tortoise.migrations.schema_editor.asyncpg import AsyncpgSchemaEditor

from tests.support.account_operations import full_width, promoted, register, users
from tests.support.accounts import PASSWORD, Account, Client, visiting
from tests.support.email_links import (
    ASKED,
    CHANGE,
    CHANGED,
    CONFIRM_CHANGE,
    EXISTS,
    NEW_PASSWORD,
    REQUEST_CHANGE,
    REQUEST_RESET,
    RESET,
    TAKEN,
    VERIFICATION,
    VERIFY,
    payload,
    reset,
)
from tests.support.mailbox import Mailbox, token_of
from tests.support.waiting import until
from todo_gql.api.login_identifiers import mailbox_key, name_key
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.administration import AccountChanges, administer
from todo_gql.features.accounts.lookup import account_named
from todo_gql.operation.credential_limits import key_for_input
from todo_gql.settings import Settings

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  user { id email } errors { code path }
} }"""
MAIL = "{ viewer { email } }"

# Each in several forms, whose letters are the same but for a random number in them.
MAILBOXES = [
    ["ada{}@bücher.example", "ADA{}@BÜCHER.example", "ada{}@bu\u0308cher.example"],
    ["ada{}@bücher.example", "ada{}@xn--bcher-kva.example", "Ada{}@XN--BCHER-KVA.Example"],
    ["ada{}@xn--bcher-kva.example", "ada{}@bücher.example", "ada{}@bücher\u3002example"],
    ["ad\u00e9{}@example.com", "ade\u0301{}@example.com", "ADE\u0301{}@EXAMPLE.com"],
    ["ade\u0301{}@example.com", "AD\u00c9{}@example.com", "  ad\u00e9{}@example.com\u3000"],
    ["ada{}@example.com", f"ada{{}}@{full_width('example.com')}", "ada{}\uff20example.com"],
    ["ada{}@example.com", "\uff41\uff44\uff41{}@example.com", "\xa0ADA{}@Example.COM "],
    ["I{}@example.com", "i{}@example.com", "\u0130{}@example.com"],
]


async def login(client: Client, name: str, password: str = PASSWORD) -> dict[str, Any]:
    """What `login` answers."""
    return await payload(client, LOGIN, input={"usernameOrEmail": name, "password": password})


def problems(answer: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """The codes and places of a payload's errors."""
    return [(error["code"], error["path"]) for error in answer["errors"]]


@pytest.mark.parametrize("forms", MAILBOXES)
async def test_one_mailbox_has_one_account_which_every_form_finds(
    client: Client, forms: list[str]
) -> None:
    """One mailbox has one account, which can be registered once and found in every form."""
    number = token_hex(4)
    first, *others = (form.format(number) for form in forms)
    made = await register(client, first)
    assert made["errors"] == []
    for form in (first, *others, f" {first} "):
        assert (await login(client, form))["user"]["id"] == made["user"]["id"]
        refused = await register(client, form)
        assert problems(refused) == [("ALREADY_EXISTS", ["input", "email"])]


async def test_other_mailboxes_are_others(client: Client) -> None:
    """What only looks alike, or is another domain, has an account of its own."""
    number = token_hex(4)
    for form in (
        "ada{}@strasse.example",
        "ada{}@straße.example",
        "ada{}@bücher.example",
        "ada{}@bucher.example",
        "adé{}@bucher.example",
        "ада{}@bucher.example",
        "ada.{}@bucher.example",
    ):
        assert (await register(client, form.format(number)))["errors"] == []


async def test_registrations_of_one_mailbox_at_once_make_one_account(client: Client) -> None:
    """The database sees to it, whichever comes first."""
    number = token_hex(4)
    forms = ["ada{}@bücher.example", "ada{}@xn--bcher-kva.example", "ADA{}@BU\u0308CHER.example"]
    answers = await asyncio.gather(
        *(register(client, form.format(number)) for form in forms for _ in range(3))
    )
    assert len([answer for answer in answers if answer["user"]]) == 1
    for answer in answers:
        assert answer["user"] or problems(answer) == [("ALREADY_EXISTS", ["input", "email"])]


async def test_an_address_is_kept_as_it_was_typed(mailbox: Mailbox, client: Client) -> None:
    """An address is shown and mailed as typed, without spaces around, in composed letters."""
    number = token_hex(4)
    typed = f"  Ade\u0301{number}@BÜCHER.example "
    made = await register(client, typed, f"  Ada-{number} ")
    shown = await client.execute(
        "{ viewer { email username } }", token=made["tokens"]["accessToken"]
    )
    assert shown["data"]["viewer"] == {
        "email": f"Ad\u00e9{number}@BÜCHER.example",
        "username": f"Ada-{number}",
    }
    mail = await mailbox.arrival(f"Ad\u00e9{number}@xn--bcher-kva.example", VERIFICATION)
    assert (await payload(client, VERIFY, token=token_of(mail)))["user"]["isVerified"] is True


async def test_a_name_is_found_with_space_around_it(client: Client, account: Account) -> None:
    """The user name as the address, in any letter case and width."""
    wide = full_width(account.username)
    for name in (f" {account.username}", f"{account.email.upper()} \t", f"\u3000{wide}\xa0"):
        assert (await login(client, name))["user"]["id"] == account.id
    for name in (f"{account.username[:3]} {account.username[3:]}", f"{account.email}\0", " ", "@"):
        assert problems(await login(client, name)) == [("INVALID_CREDENTIALS", ["input"])]


async def test_a_reset_is_asked_for_in_any_form(mailbox: Mailbox, client: Client) -> None:
    """The mail goes to the address of the account, in the form that it has there."""
    number = token_hex(4)
    await register(client, f"ada{number}@bücher.example")
    asked = await payload(client, REQUEST_RESET, email=f" ADA{number}@XN--BCHER-KVA.example ")
    assert asked == TAKEN
    mail = await mailbox.arrival(f"ada{number}@xn--bcher-kva.example", RESET)
    assert await reset(client, token_of(mail)) == TAKEN
    assert (await login(client, f"ada{number}@bücher.example", NEW_PASSWORD))["user"]


async def test_an_address_in_another_form_is_no_other_mailbox(
    mailbox: Mailbox, client: Client, account: Account
) -> None:
    """One can change to another form of one's own address, and to none of somebody else's."""
    number = token_hex(4)
    assert (await register(client, f"ada{number}@xn--bcher-kva.example"))["errors"] == []
    theirs = f"ada{number}@bücher.example"
    assert await payload(account, REQUEST_CHANGE, email=theirs, password=PASSWORD) == TAKEN
    mail = await mailbox.arrival(
        f"ada{number}@xn--bcher-kva.example", "This address has an account already"
    )
    assert "token=" not in mail.as_string()
    own = f"  {account.username}@ExAmPlE.com "
    assert await payload(account, REQUEST_CHANGE, email=own, password=PASSWORD) == TAKEN
    token = token_of(await mailbox.arrival(f"{account.username}@example.com", CHANGE))
    moved = await payload(client, CONFIRM_CHANGE, token=token)
    assert moved["user"]["email"] == own.strip()


async def test_another_form_of_an_address_is_told_at_the_former(
    mailbox: Mailbox, client: Client, account: Account
) -> None:
    """Folded they are one, but who moves the account may read the mails of another mailbox."""
    wide = f"{full_width(account.username[0])}{account.username[1:]}@example.com"
    assert await payload(account, REQUEST_CHANGE, email=wide, password=PASSWORD) == TAKEN
    await mailbox.arrival(account.email, ASKED)
    token = token_of(await mailbox.arrival(wide, CHANGE))
    assert (await payload(client, CONFIRM_CHANGE, token=token))["user"]["email"] == wide
    await mailbox.arrival(account.email, CHANGED)
    assert (await login(client, account.email))["user"]["id"] == account.id


async def test_a_mailbox_that_was_taken_meanwhile_is_a_conflict(
    mailbox: Mailbox, client: Client, account: Account
) -> None:
    """Whoever confirms later stays as they were, though the two typed it differently."""
    number = token_hex(4)
    new = f"ada{number}@bücher.example"
    assert await payload(account, REQUEST_CHANGE, email=new, password=PASSWORD) == TAKEN
    token = token_of(await mailbox.arrival(f"ada{number}@xn--bcher-kva.example", CHANGE))
    assert (await register(client, f"ada{number}@xn--bcher-kva.example"))["errors"] == []
    assert await payload(client, CONFIRM_CHANGE, token=token) == EXISTS


async def test_asking_for_ones_address_with_space_around_it_only_makes_links_void(
    account: Account,
) -> None:
    """It is the address that the account has."""
    asked = await payload(account, REQUEST_CHANGE, email=f" {account.email} ", password=PASSWORD)
    assert asked == TAKEN
    posted = await fetch("SELECT FROM mails WHERE owner_id = $1 AND kind = 2", UUID(account.id))
    assert posted == []


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("\tada@example.com", "INVALID"),
        ("ada@example.com\n", "INVALID"),
        ("ada @example.com", "INVALID"),
        ("ada@exam\u200bple.com", "INVALID"),
        ("ada@example.com.", "INVALID"),
        ("\ufdfa" * 60 + "@example.com", "TOO_LONG"),
        ("\u0130" * 200 + "@example.com", "TOO_LONG"),
        ("\u0301" * 100_000, "TOO_LONG"),
    ],
)
async def test_what_is_no_address_is_told(client: Client, email: str, code: str) -> None:
    """Nothing but space around it is dropped, and its length counts in every form."""
    assert problems(await register(client, email)) == [(code, ["input", "email"])]


async def test_an_account_has_its_tries_however_it_is_typed(
    settings: Settings, database_url: str, app: ASGIApp
) -> None:
    """Sign-ins and resets of one mailbox are counted together, whether there is an account or not."""
    limited = create_app(settings.model_copy(update={"rate_limit_credentials": 3}), database_url)
    number = token_hex(4)
    forms = ["ada{}@bücher.example", " ADA{}@XN--BCHER-KVA.example", "ada{}@bu\u0308cher.example."]
    async with visiting(limited) as client:
        for form in forms:
            assert problems(await login(client, form.format(number)))[0][0] == "INVALID_CREDENTIALS"
        for form in forms:
            assert problems(await login(client, form.format(number)))[0][0] == "RATE_LIMITED"
        asked = await payload(client, REQUEST_RESET, email=f"ada{number}@bücher.example")
        assert problems(asked)[0][0] == "RATE_LIMITED"


@pytest.mark.parametrize(
    "text", ["", "@", "\ud800@\ud800", "a\0@b", "@" * 200_000, "\u0301" * 200_000, "x@" + "ü" * 900]
)
def test_whatever_is_typed_has_a_key(text: str) -> None:
    """What can be no address is nobody's, and fails nothing."""
    assert mailbox_key(mailbox_key(text)) == mailbox_key(text)
    assert name_key(f" {text} ") == name_key(text)
    assert key_for_input(text)


async def test_administrators_find_an_account_in_any_form(client: Client) -> None:
    """Whoever runs the server names it as whoever signs in does."""
    number = token_hex(4)
    made = await register(client, f"ada{number}@bücher.example")
    outcome = await administer(
        f" ADA{number}@xn--bcher-kva.example", AccountChanges(is_active=False)
    )
    assert outcome.row["id"] == UUID(made["user"]["id"])
    outcome = await administer(
        outcome.row["username"].upper() + " ", AccountChanges(is_active=True)
    )
    assert outcome.changed


@pytest.mark.parametrize(
    "forms",
    [
        ["ada{}@xn--bcher-kva.example", "Ada{}@bücher.example"],
        ["ad\u00e9{}@example.com", "ade\u0301{}@example.com", "\uff41d\u00e9{}@example.com"],
    ],
)
async def test_accounts_that_share_a_mailbox_already_are_found_by_their_own_address(
    mailbox: Mailbox, client: Client, forms: list[str]
) -> None:
    """Accounts that shared a mailbox before the rule are found by their own address."""
    number = token_hex(4)
    emails = [form.format(number) for form in forms]
    made = [await register(client, f"{number}-{place}@example.com") for place in range(len(forms))]
    for answer, email in zip(made, emails, strict=True):
        await fetch(
            "UPDATE users SET email = $2, email_key = $3 WHERE id = $1",
            UUID(answer["user"]["id"]),
            email,
            email.lower(),
        )
    for answer, email in zip(made, emails, strict=True):
        assert (await login(client, email.upper()))["user"]["id"] == answer["user"]["id"]
        found = await account_named(email)
        assert found
        assert str(found.id) == answer["user"]["id"]
        assert (await administer(email, AccountChanges(is_verified=True))).row["id"] == found.id
        assert await payload(client, REQUEST_RESET, email=f" {email} ") == TAKEN
        await until(partial(has_reset, found.id))
        assert problems(await register(client, email)) == [("ALREADY_EXISTS", ["input", "email"])]


async def has_reset(account_id: UUID) -> bool:
    """Whether the account was posted a mail to reset its password."""
    posted = "SELECT FROM mails WHERE owner_id = $1 AND kind = 1"
    return bool(await fetch(posted, account_id))


async def test_administrators_search_accounts_in_any_form(client: Client, account: Account) -> None:
    """A part of an address, or all of it in another form, finds the account."""
    administrator = await promoted(account)
    number = token_hex(4)
    made = [
        await register(client, form.format(number))
        for form in ("ada{}@bücher.example", "eve{}@xn--bcher-kva.example")
    ]
    ada, eve = (answer["user"]["id"] for answer in made)
    for search, wanted in {
        f"ADA{number}@bu\u0308cher": [ada],
        f" ada{number}@xn--bcher-kva.example ": [ada],
        f"{number}@bücher.example": [eve, ada],
        full_width(f"eve{number}"): [eve],
        f"eve{number}@BÜCHER.example": [eve],
    }.items():
        found = (await users(administrator, filter={"search": search}))["nodes"]
        assert [user["id"] for user in found] == wanted


OLD_ACCOUNTS = {
    "composed": "ad\u00e9{}@example.com",
    "decomposed": "ade\u0301{}@example.com",
    "unicode": "ada{}@bücher.example",
    "alone": "eva{}@bücher.example",
    "punycode": "ada{}@xn--bcher-kva.example",
    "wide": "\uff41{}@example.com",
    "plain": "a{}@example.com",
    "long": "\ufdfa" * 100 + "{}@example.com",
}


async def test_a_migration_leaves_every_account_its_address(client: Client) -> None:
    """Accounts that share a mailbox stay as they are; the others get what stands for theirs."""
    number, names = token_hex(4), {}
    for name, form in OLD_ACCOUNTS.items():
        made = await register(client, f"{name}-{number}@example.com")
        names[UUID(made["user"]["id"])] = name
        email = form.format(number)
        await fetch(
            "UPDATE users SET email = $2, email_key = $3 WHERE id = $1",
            UUID(made["user"]["id"]),
            email,
            email.lower(),
        )
    note_mailboxes = import_module("migrations.0005_mailboxes").note_mailboxes
    await note_mailboxes(None, AsyncpgSchemaEditor(get_connection("default")))
    rows = await fetch("SELECT id, mailbox_key FROM users WHERE id = ANY($1)", list(names))
    assert {names[row["id"]]: row["mailbox_key"] for row in rows} == dict.fromkeys(OLD_ACCOUNTS) | {
        "alone": f"eva{number}@xn--bcher-kva.example"
    }
