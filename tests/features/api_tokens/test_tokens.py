"""Making, listing, and revoking API tokens."""

import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import PASSWORD, Account, NewAccount
from tests.support.api_tokens import CREATE, created, issued_with_id
from tests.support.lists import make_list
from tests.support.mailbox import Mailbox, text_of
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.cleanup import delete_expired
from todo_gql.features.api_tokens import writes
from todo_gql.security.api_tokens import DIGITS, digest_of, is_well_formed, new_token

TOKENS = "{ apiTokens { id name hint scopes lists { id } createdAt expiresAt lastUsedAt } }"
REVOKE = "mutation ($id: ID!) { apiTokenRevoke(id: $id) { ok errors { code path } } }"
VIEWER = "{ viewer { id } }"


async def problems(account: Account, **sent: Any) -> list[tuple[str, str]]:
    """The codes and paths of what is wrong with an input."""
    payload = await created(account, **sent)
    assert (payload["token"], payload["secret"]) == (None, None)
    return [(error["code"], ".".join(error["path"])) for error in payload["errors"]]


def test_a_token_is_recognisable_and_long_enough() -> None:
    """A token has its prefix, more than 256 bits, and the checksum of these, and no two are equal."""
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        assert re.fullmatch("tdg_[0-9A-Za-z]{49}", token)
        assert is_well_formed(token)
        number = sum(DIGITS.index(c) * 62**n for n, c in enumerate(reversed(token[-6:])))
        assert number == zlib.crc32(token[4:47].encode())
    assert 62**43 > 2**256


def test_no_changed_character_leaves_a_token_well_formed() -> None:
    """A typing error in any character is told from an unknown token without asking the database."""
    token = new_token()
    for index in range(len(token)):
        for other in "0Aaz_ ":
            if other != token[index]:
                assert not is_well_formed(token[:index] + other + token[index + 1 :])
    assert not is_well_formed(token[:-1])
    assert not is_well_formed(token + "0")


async def test_a_token_is_shown_once_and_opens_the_account(account: Account) -> None:
    """The answer that makes a token has its text, which the database has only as a hash."""
    payload = await created(account, name="  Backup ", scopes=["PROFILE_READ", "TODOS_READ"])
    secret, token = payload["secret"], payload["token"]
    assert payload["errors"] == []
    assert (token["name"], token["hint"]) == ("Backup", secret[:8])
    assert token["scopes"] == ["TODOS_READ", "PROFILE_READ"]
    assert (token["lists"], token["lastUsedAt"]) == (None, None)
    life = datetime.fromisoformat(token["expiresAt"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < life <= timedelta(days=90)
    assert (await account.data(TOKENS))["apiTokens"] == [token]
    answer = await account.execute(VIEWER, None, secret)
    assert answer == {"data": {"viewer": {"id": account.id}}}
    [row] = await fetch("SELECT * FROM api_tokens WHERE id = $1", UUID(token["id"]))
    assert row["secret_hash"] == digest_of(secret)
    assert secret not in repr(dict(row))


async def test_a_token_takes_the_password(account: Account) -> None:
    """Somebody at a computer that was left alone makes no token."""
    assert await problems(account, currentPassword="Wrong1password") == [
        ("INVALID_CREDENTIALS", "input.currentPassword")
    ]
    assert (await account.data(TOKENS))["apiTokens"] == []


async def test_all_that_is_wrong_with_a_token_is_said_at_once(
    account: Account, stranger: Account
) -> None:
    """Each problem of an input has its code and its path; the password is checked when there is none."""
    own, other = [(await make_list(one))["id"] for one in (account, stranger)]
    late = (datetime.now(UTC) + timedelta(days=367)).isoformat()
    assert await problems(
        account,
        name=" ",
        scopes=["TODOS_READ", "WEBHOOKS"],
        listIds=[own, other, "x", own.upper()],
        expiresAt=late,
        currentPassword="x",
    ) == [
        ("REQUIRED", "input.name"),
        ("NOT_FOUND", "input.listIds.2"),
        ("INVALID", "input.listIds.3"),
        ("INVALID", "input.scopes.1"),
        ("INVALID", "input.expiresAt"),
        ("NOT_FOUND", "input.listIds.1"),
    ]


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"name": "x" * 101}, ("TOO_LONG", "input.name")),
        ({"scopes": []}, ("REQUIRED", "input.scopes")),
        ({"scopes": ["TODOS_READ"] * 21}, ("TOO_MANY", "input.scopes")),
        ({"listIds": []}, ("REQUIRED", "input.listIds")),
        ({"listIds": [str(uuid4())] * 101}, ("TOO_MANY", "input.listIds")),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ("INVALID", "input.expiresAt")),
    ],
)
async def test_a_bad_value_is_an_error_at_its_path(
    account: Account, sent: dict[str, Any], problem: tuple[str, str]
) -> None:
    """A value that no token can have makes none."""
    assert problem in await problems(account, **sent)


async def test_an_expiry_may_be_chosen(account: Account) -> None:
    """A token expires when its owner says, up to 366 days ahead; null is the same as no value."""
    day = (datetime.now(UTC) + timedelta(days=365)).isoformat(timespec="milliseconds")
    token = (await created(account, expiresAt=day))["token"]
    assert datetime.fromisoformat(token["expiresAt"]) == datetime.fromisoformat(day)
    token = (await created(account, expiresAt=None))["token"]
    assert datetime.fromisoformat(token["expiresAt"]) < datetime.now(UTC) + timedelta(days=91)


async def test_a_token_shows_the_lists_that_it_is_bound_to(account: Account) -> None:
    """A bound token names its lists, but those in the trash."""
    first, second = [(await make_list(account))["id"] for _ in range(2)]
    await created(account, listIds=[first, second], scopes=["TODOS_READ"])
    delete = "mutation ($id: ID!) { listDelete(id: $id) { errors { code } } }"
    await account.data(delete, id=first)
    [token] = (await account.data(TOKENS))["apiTokens"]
    assert token["lists"] == [{"id": second}]


async def test_tokens_are_limited(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account has so many tokens; a revoked one makes room."""
    monkeypatch.setattr(writes, "MAX_TOKENS", 2)
    first = (await created(account))["token"]["id"]
    await created(account)
    assert await problems(account) == [("TOO_MANY", "input")]
    await account.data(REVOKE, id=first)
    assert (await created(account))["errors"] == []


async def test_a_revoked_token_opens_nothing_and_is_listed_no_more(account: Account) -> None:
    """Revoking ends a token at once in the process that does it; twice is NOT_FOUND."""
    payload = await created(account)
    id = payload["token"]["id"]
    assert (await account.execute(VIEWER, None, payload["secret"]))["data"]["viewer"]
    assert (await account.data(REVOKE, id=id))["apiTokenRevoke"] == {"ok": True, "errors": []}
    assert (await account.execute(VIEWER, None, payload["secret"]))["data"]["viewer"] is None
    assert (await account.data(TOKENS))["apiTokens"] == []
    again = (await account.data(REVOKE, id=id))["apiTokenRevoke"]
    assert again == {"ok": False, "errors": [{"code": "NOT_FOUND", "path": ["id"]}]}


@pytest.mark.parametrize("id", ["x", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"])
async def test_an_unknown_token_is_not_revoked(account: Account, id: str) -> None:
    """An id of no token is NOT_FOUND, whatever its form."""
    payload = (await account.data(REVOKE, id=id))["apiTokenRevoke"]
    assert payload == {"ok": False, "errors": [{"code": "NOT_FOUND", "path": ["id"]}]}


async def test_nobody_sees_or_revokes_the_tokens_of_others(
    account: Account, stranger: Account
) -> None:
    """A token is its owner's alone, by list and by id."""
    id = (await created(account))["token"]["id"]
    node = "query ($id: ID!) { node(id: $id) { id ... on ApiToken { name } } }"
    assert (await account.data(node, id=id))["node"] == {"id": id, "name": "Test"}
    assert (await stranger.data(node, id=id))["node"] is None
    assert (await stranger.data(TOKENS))["apiTokens"] == []
    assert (await stranger.data(REVOKE, id=id))["apiTokenRevoke"]["ok"] is False
    assert len((await account.data(TOKENS))["apiTokens"]) == 1


async def test_no_token_makes_lists_or_revokes_tokens(account: Account) -> None:
    """A token with every scope can't make itself, or another one, live longer."""
    payload = await created(account, scopes=[scope.name for scope in TokenScope])
    token, id = payload["secret"], payload["token"]["id"]
    for query, variables in (
        (TOKENS, {}),
        (REVOKE, {"id": id}),
        (CREATE, {"input": {"name": "x", "scopes": ["TODOS_READ"], "currentPassword": PASSWORD}}),
    ):
        [error] = (await account.execute(query, variables, token))["errors"]
        assert error["extensions"]["requiredScope"] is None
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await account.execute(node, {"id": id}, token))["data"] == {"node": None}


async def test_the_owner_is_told_of_a_new_token(account: Account, mailbox: Mailbox) -> None:
    """Whoever makes a token can't do so unseen: a mail and an entry of the inbox say it."""
    secret = (await created(account))["secret"]
    mail = await mailbox.arrival(account.email, "An API token was made for your account")
    assert account.username in text_of(mail)
    assert secret[:8] not in text_of(mail)
    inbox = "{ notifications { nodes { kind excerpt } } }"
    [entry] = (await account.data(inbox))["notifications"]["nodes"]
    assert entry == {"kind": "SECURITY", "excerpt": "An API token was made for your account."}


async def test_tokens_are_deleted_a_month_after_their_end(new_account: NewAccount) -> None:
    """Expired and revoked tokens are deleted 30 days later, and others stay."""
    account = await new_account()
    ids = [(await issued_with_id(account))[1] for _ in range(4)]
    for id, column, days in (
        (ids[0], "expires_at", 31),
        (ids[1], "revoked_at", 31),
        (ids[2], "expires_at", 29),
    ):
        text = f"UPDATE api_tokens SET {column} = now() - make_interval(days => $2) WHERE id = $1"
        await fetch(text, id, days)
    await delete_expired()
    rows = await fetch("SELECT id FROM api_tokens WHERE owner_id = $1", UUID(account.id))
    assert {row["id"] for row in rows} == set(ids[2:])
