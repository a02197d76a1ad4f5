"""One password in the several forms that keyboards and systems give it in Unicode."""

import base64
import hmac
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import bcrypt
import pytest

from tests.support.account_operations import DELETE_ACCOUNT, full_width, login_payload
from tests.support.accounts import PASSWORD, REGISTER, Account, Client
from tests.support.email_links import CHANGE_PASSWORD, REQUEST_CHANGE, payload, reset, reset_token
from tests.support.mailbox import Mailbox
from todo_gql.api.errors import ErrorCode
from todo_gql.database.connection import fetch
from todo_gql.security.key_derivation import derived_key
from todo_gql.security.passwords import password_problem
from todo_gql.settings import Settings

COMPOSED = "Ådelheid-é7-ﬁn"
DECOMPOSED = normalize("NFD", COMPOSED)
PLAIN = normalize("NFKC", COMPOSED)


FULL_WIDTH = full_width(PLAIN)
FORMS = [COMPOSED, DECOMPOSED, PLAIN, FULL_WIDTH]
WRONG = DECOMPOSED + "x"


async def registered_with(client: Client, password: str) -> Account:
    """A new user with this password."""
    name = f"user-{uuid4().hex[:12]}"
    sent = {"username": name, "email": f"{name}@example.com", "password": password}
    made = (await client.execute(REGISTER, {"input": sent}))["data"]["register"]
    assert made["errors"] == [], made
    tokens = made["tokens"]
    return Account(
        client.http,
        made["user"]["id"],
        name,
        password,
        tokens["accessToken"],
        tokens["refreshToken"],
    )


async def store_hash_as_typed(account: Account, password: str, settings: Settings) -> None:
    """Let the account have the hash that a password had before it was normalised."""
    key = derived_key(settings, "passwords")
    digest = base64.b64encode(hmac.digest(key, password.encode(), "sha384"))
    await fetch(
        "UPDATE users SET password_hash = $2 WHERE id = $1",
        UUID(account.id),
        bcrypt.hashpw(digest, bcrypt.gensalt(settings.bcrypt_rounds)).decode(),
    )


def codes(answer: Any) -> list[str]:
    """The codes of a payload's errors."""
    return [error["code"] for error in answer["errors"]]


@pytest.mark.parametrize("chosen", FORMS)
async def test_a_password_opens_its_account_in_every_form(client: Client, chosen: str) -> None:
    """Composed or not, in full width or as a ligature, it is the password that was chosen."""
    account = await registered_with(client, chosen)
    for typed in FORMS:
        assert codes(await login_payload(client, account, typed)) == []
    for wrong in (WRONG, PLAIN.lower(), PLAIN.replace("é", "e")):
        assert codes(await login_payload(client, account, wrong)) == ["INVALID_CREDENTIALS"]


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
async def test_an_older_hash_opens_to_what_was_typed_and_is_made_anew(
    client: Client, account: Account, settings: Settings, typed: str
) -> None:
    """Every form opens an older hash after one sign-in in the form in which it was chosen."""
    await store_hash_as_typed(account, typed, settings)
    assert codes(await login_payload(client, account, WRONG)) == ["INVALID_CREDENTIALS"]
    assert codes(await login_payload(client, account, PLAIN)) == ["INVALID_CREDENTIALS"]
    for form in (typed, *FORMS, typed):
        assert codes(await login_payload(client, account, form)) == []


async def test_an_older_hash_of_a_normal_form_stays(
    client: Client, account: Account, settings: Settings
) -> None:
    """It is what the password's hash is now, too."""
    await store_hash_as_typed(account, PLAIN, settings)
    query = "SELECT password_hash FROM users WHERE id = $1", UUID(account.id)
    before = await fetch(*query)
    for form in FORMS:
        assert codes(await login_payload(client, account, form)) == []
    assert await fetch(*query) == before


async def test_a_password_is_changed_in_any_form(client: Client, account: Account) -> None:
    """The old one may be typed in another form than it was chosen in, and the new one later."""
    first = {"currentPassword": PASSWORD, "newPassword": DECOMPOSED}
    assert codes(await payload(account, CHANGE_PASSWORD, input=first)) == []
    assert codes(await login_payload(client, account, COMPOSED)) == []
    second = {"currentPassword": FULL_WIDTH, "newPassword": "Battery2staple"}
    assert codes(await payload(account, CHANGE_PASSWORD, input=second)) == []
    assert codes(await login_payload(client, account, full_width("Battery2staple"))) == []
    wrong = {"currentPassword": WRONG, "newPassword": "Battery3staple"}
    assert codes(await payload(account, CHANGE_PASSWORD, input=wrong)) == ["INVALID_CREDENTIALS"]


async def test_a_password_is_reset_in_any_form(
    mailbox: Mailbox, client: Client, account: Account
) -> None:
    """A password is reset in any form by the API, and by the page where it is typed twice."""
    assert codes(await reset(client, await reset_token(mailbox, client, account), DECOMPOSED)) == []
    assert codes(await login_payload(client, account, COMPOSED)) == []
    form = {
        "token": await reset_token(mailbox, client, account),
        "newPassword": f"{DECOMPOSED}2",
        "repeatedPassword": f"{COMPOSED}2",
    }
    assert (await client.http.post("/account/reset", data=form)).status_code == 200
    assert codes(await login_payload(client, account, f"{FULL_WIDTH}2")) == []


async def test_a_password_is_asked_for_in_any_form(
    client: Client, account: Account, settings: Settings
) -> None:
    """A password in any form changes the address and deletes the account, by an older hash too."""
    await store_hash_as_typed(account, DECOMPOSED, settings)
    email = f"new-{account.email}"
    asked = await payload(account, REQUEST_CHANGE, email=email, password=DECOMPOSED)
    assert codes(asked) == []
    assert codes(await login_payload(client, account, DECOMPOSED)) == []
    assert codes(await payload(account, DELETE_ACCOUNT, password=COMPOSED)) == []


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Aa3" + "e\u0301" * 125, None),
        ("Aa3" + "\u1100\u1161\u11a8" * 125, None),
        ("Aa3" + "e\u0301" * 126, ErrorCode.TOO_LONG),
        ("Aa3" + "\u1100\u1161\u11a8" * 126, ErrorCode.TOO_LONG),
        ("Aa3" + "\ufdfa" * 7, ErrorCode.TOO_LONG),
        ("Aa3" + "\u0301" * 200_000, ErrorCode.TOO_LONG),
        ("Aa3" + "e\u0301" * 4, ErrorCode.TOO_SHORT),
        ("Aa3ﬃﬃ", None),
        ("\uff21\uff41\uff13-long-enough", None),
        (full_width("AAAAAAAA"), ErrorCode.WEAK_PASSWORD),
        (full_width("Password1"), ErrorCode.WEAK_PASSWORD),
        ("Pa\u017f\u017fword1", ErrorCode.WEAK_PASSWORD),
        (full_width("Ada.Lovelace-1815"), ErrorCode.WEAK_PASSWORD),
        ("Gre\u0301ta.Of-1815", ErrorCode.WEAK_PASSWORD),
        ("Correct\0horse-é7", ErrorCode.INVALID),
        ("Correct\ud800horse-é7", ErrorCode.INVALID),
        ("Correct\u0378horse-e\u03017", None),
    ],
)
def test_a_password_is_judged_in_its_normal_form(password: str, code: ErrorCode | None) -> None:
    """Its characters are counted, and it is looked up among the common ones, as it is hashed."""
    problem = password_problem(password, "ada.lovelace-1815", "gréta.of-1815")
    assert (problem and problem[0]) == code


async def test_what_no_unicode_of_today_knows_is_a_password_too(client: Client) -> None:
    """A code point without a character stays as it is, beside others that are normalised."""
    account = await registered_with(client, f"{DECOMPOSED}\u0378")
    assert codes(await login_payload(client, account, f"{COMPOSED}\u0378")) == []


@pytest.mark.parametrize("typed", ["e\u0301" * 60_000, "\u0301" * 60_000, "a\0e\u0301"])
async def test_what_is_no_password_opens_nothing(account: Account, typed: str) -> None:
    """Input that can't be a password is wrong, however long it is and whatever it holds."""
    sent = {"currentPassword": typed, "newPassword": "Battery2staple"}
    assert codes(await payload(account, CHANGE_PASSWORD, input=sent)) == ["INVALID_CREDENTIALS"]
