"""Registering, and what a user shows of themselves."""

import asyncio
from dataclasses import fields
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from todo_gql.api.errors import ErrorCode
from todo_gql.api.scalars import SCALARS
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.accounts.inputs import RegisterInput, email_problem, registration_problems
from todo_gql.features.accounts.types import User
from todo_gql.operation.context import Context
from todo_gql.security import authentication
from todo_gql.security.rate_limits import RateLimits

PASSWORD = "Correct-horse-7"

CONFIG = StrawberryConfig(scalar_map=SCALARS)
REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) {
  user { id username email firstName lastName fullName bio avatarUrl isActive isVerified
         isSuperuser emailVerifiedAt lastLoginAt createdAt stats { total completionRate } }
  tokens { accessToken refreshToken tokenType expiresIn }
  errors { __typename code message path ... on ConflictError { current { id } } }
} }"""
VIEWER = "{ viewer { id username } }"


@strawberry.type
class Shown:
    """A query that shows a user."""

    user: User


def registration(**given: object) -> dict[str, object]:
    """The input of a registration that nothing is wrong with."""
    name = f"ada-{token_hex(6)}"
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD} | given


async def register(client: Any, **given: object) -> dict[str, Any]:
    """What `register` answers."""
    answer = await client.execute(REGISTER, {"input": registration(**given)})
    return dict(answer["data"]["register"])


async def viewer_id(client: Any, token: str) -> str | None:
    """Whom an access token makes the viewer."""
    viewer = (await client.execute(VIEWER, token=token))["data"]["viewer"]
    return viewer and str(viewer["id"])


def problems(payload: dict[str, Any]) -> set[tuple[str, str]]:
    """The payload's errors by the last part of the path."""
    return {((error["path"] or [""])[-1], error["code"]) for error in payload["errors"]}


async def test_register_makes_an_account_and_signs_in(client: Any, settings: Any) -> None:
    """A new user sees all of themselves and is the viewer with the tokens given."""
    given = registration(firstName=" Ada ", lastName="Lovelace", bio="One.\n\tTwo.", avatarUrl=" ")
    answer = (await client.execute(REGISTER, {"input": given}))["data"]["register"]
    user, tokens = answer["user"], answer["tokens"]
    assert answer["errors"] == []
    assert user.pop("createdAt") is not None
    assert user.pop("lastLoginAt") is not None
    assert await viewer_id(client, tokens.pop("accessToken")) == user.pop("id")
    assert tokens.pop("refreshToken")
    assert tokens == {"tokenType": "bearer", "expiresIn": settings.access_token_expire_minutes * 60}
    assert user == {
        "username": given["username"],
        "email": given["email"],
        "firstName": "Ada",
        "lastName": "Lovelace",
        "fullName": "Ada Lovelace",
        "bio": "One.\n\tTwo.",
        "avatarUrl": None,
        "isActive": True,
        "isVerified": False,
        "isSuperuser": False,
        "emailVerifiedAt": None,
        "stats": {"total": 0, "completionRate": 0},
    }


async def test_an_account_is_dated_by_one_clock(client: Any) -> None:
    """Its registration, its first sign-in and its session are of one moment, later ones later."""
    given = registration()
    made = (await client.execute(REGISTER, {"input": given}))["data"]["register"]
    token = made["tokens"]["accessToken"]
    dates = """{ viewer { createdAt lastLoginAt } sessions { createdAt lastUsedAt } }"""
    viewer, session = (await client.execute(dates, token=token))["data"].values()
    moments = {*viewer.values(), *session[0].values()}
    assert len(moments) == 1
    # As if another server's clock, which was ahead, had dated the account.
    await fetch(
        "UPDATE users SET created_at = now() + interval '1 hour' WHERE username = $1",
        given["username"],
    )
    sent = {"usernameOrEmail": given["username"], "password": given["password"]}
    login = """mutation ($input: LoginInput!) { login(input: $input) {
      user { createdAt lastLoginAt }
    } }"""
    user = (await client.execute(login, {"input": sent}))["data"]["login"]["user"]
    # Other tests look for the newest account.
    await fetch("UPDATE users SET created_at = now() WHERE username = $1", given["username"])
    assert user["lastLoginAt"] >= user["createdAt"] > max(moments)


async def test_register_stores_no_password_and_no_token(client: Any) -> None:
    """What is stored opens nothing."""
    answer = await register(client)
    account, session = await asyncio.gather(
        fetchrow("SELECT * FROM users WHERE id = $1", UUID(answer["user"]["id"])),
        fetchrow("SELECT * FROM sessions WHERE owner_id = $1", UUID(answer["user"]["id"])),
    )
    assert account is not None
    assert session is not None
    stored = repr((*account.values(), *session.values()))
    assert PASSWORD not in stored
    assert answer["tokens"]["refreshToken"] not in stored
    assert account["password_hash"].startswith("$2b$")


async def test_register_tells_all_problems_at_once(client: Any, account: Any) -> None:
    """Each field has its own error, a name that is taken among them."""
    payload = await register(
        client,
        username="a b",
        email=f"{account.username.upper()}@example.com",
        password="short",
        firstName="x" * 101,
        lastName="a\0b",
        bio="x" * 1001,
        avatarUrl="ftp://example.com/a.png",
    )
    assert payload["user"] is None
    assert payload["tokens"] is None
    assert all(error["path"][0] == "input" and error["message"] for error in payload["errors"])
    assert problems(payload) == {
        ("username", "INVALID"),
        ("email", "ALREADY_EXISTS"),
        ("password", "TOO_SHORT"),
        ("firstName", "TOO_LONG"),
        ("lastName", "INVALID"),
        ("bio", "TOO_LONG"),
        ("avatarUrl", "INVALID"),
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", "ab", "TOO_SHORT"),
        ("username", "", "TOO_SHORT"),
        ("username", "a" * 51, "TOO_LONG"),
        ("username", "ådå", "INVALID"),
        ("username", "ada@example.com", "INVALID"),
        ("username", "ada\n", "INVALID"),
        ("email", "", "INVALID"),
        ("email", "ada", "INVALID"),
        ("email", "ada@localhost", "INVALID"),
        ("email", "ada@example.com\0", "INVALID"),
        ("email", "Ada <ada@example.com>", "INVALID"),
        ("email", "a" * 250 + "@example.com", "TOO_LONG"),
        ("password", "Correct-horse", "WEAK_PASSWORD"),
        ("password", "Password1", "WEAK_PASSWORD"),
        ("password", "Aa3" + "x" * 126, "TOO_LONG"),
        ("firstName", "a\nb", "INVALID"),
        ("bio", "a\x07", "INVALID"),
        ("avatarUrl", "https://", "INVALID"),
        ("avatarUrl", "https:/example.com", "INVALID"),
        ("avatarUrl", "https://[", "INVALID"),
        ("avatarUrl", "https://example.com:0x1/", "INVALID"),
        ("avatarUrl", 'https://example.com/"onload="x', "INVALID"),
        ("avatarUrl", "javascript:alert(1)//https://example.com", "INVALID"),
        ("avatarUrl", "https://example.com/" + "x" * 500, "TOO_LONG"),
    ],
)
async def test_register_refuses(client: Any, field: str, value: str, code: str) -> None:
    """A value that breaks its rule gets one error at its place and makes no account."""
    payload = await register(client, **{field: value})
    assert problems(payload) == {(field, code)}
    assert payload["errors"][0]["__typename"] == "ValidationError"
    assert payload["tokens"] is None


def test_lone_surrogates_are_problems(settings: Any) -> None:
    """What UTF-8 can't write is refused in every field."""
    given = RegisterInput(**{field.name: "a\ud800b" for field in fields(RegisterInput)})
    found = registration_problems(given, settings)
    assert [error.code for error in found] == [ErrorCode.INVALID] * 7


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "A.b_c-9" * 7),
        ("email", "Ada+{}@Sub.Example.COM"),
        ("email", "ada{}@bücher.example"),
        ("avatarUrl", "http://example.com:8080/a.png?size=1#x"),
        ("firstName", "Åda 中文 🙂"),
    ],
)
async def test_register_keeps_what_is_typed(client: Any, field: str, value: str) -> None:
    """What breaks no rule is kept letter by letter."""
    typed = value.format(token_hex(6))
    assert (await register(client, **{field: typed}))["user"][field] == typed


@pytest.mark.parametrize("field", ["username", "email"])
async def test_a_password_that_is_ones_own_name_is_weak(client: Any, field: str) -> None:
    """Neither the user name nor the e-mail's local part will do, in any letter case."""
    name = f"Ada-{token_hex(6)}1"
    own = name if field == "username" else f"{name.lower()}@example.com"
    payload = await register(client, password=name, **{field: own})
    assert problems(payload) == {("password", "WEAK_PASSWORD")}


def test_an_address_for_tests_will_do_in_development(settings: Any) -> None:
    """Nothing can be mailed to the reserved domain `test`, so production refuses it."""
    production = settings.model_copy(update={"environment": "production"})
    assert email_problem("ada@todo.test", settings) is None
    assert email_problem("ada@todo.test", production) is not None


async def test_names_that_are_taken_conflict_in_any_letter_case(client: Any, account: Any) -> None:
    """Both are told, and nothing of whose they are."""
    payload = await register(
        client, username=account.username.upper(), email=f"{account.username.upper()}@EXAMPLE.com"
    )
    assert problems(payload) == {("username", "ALREADY_EXISTS"), ("email", "ALREADY_EXISTS")}
    assert [error["__typename"] for error in payload["errors"]] == ["ConflictError"] * 2
    assert [error["current"] for error in payload["errors"]] == [None, None]


async def test_equal_registrations_at_once_make_one_account(client: Any, settings: Any) -> None:
    """One of 50 equal registrations at once makes an account; the others are refused."""
    given = registration()
    answers = await asyncio.gather(*(client.execute(REGISTER, {"input": given}) for _ in range(50)))
    payloads = [answer["data"]["register"] for answer in answers]
    turned_away = [answer["errors"] for answer in answers if answer["data"]["register"] is None]
    assert all(errors[0]["extensions"]["code"] == "UNAVAILABLE" for errors in turned_away)
    assert sum(payload["user"] is not None for payload in payloads if payload) == 1
    assert all(
        problems(payload) == {("username", "ALREADY_EXISTS"), ("email", "ALREADY_EXISTS")}
        for payload in payloads
        if payload and payload["user"] is None
    )
    stored = await fetch("SELECT id FROM users WHERE username = $1", given["username"])
    assert len(stored) == 1


async def test_a_fault_of_the_database_is_no_users_problem(client: Any) -> None:
    """A constraint that speaks of no name gives INTERNAL, and its own name to nobody."""
    given = registration()
    await fetch(
        "ALTER TABLE users ADD CONSTRAINT users_for_a_test"
        f" CHECK (username <> '{given['username']}') NOT VALID"
    )
    answer = await client.execute(REGISTER, {"input": given})
    await fetch("ALTER TABLE users DROP CONSTRAINT users_for_a_test")
    assert answer["data"] == {"register": None}
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "users_for_a_test" not in repr(answer)


async def test_others_see_the_user_name_and_administrators_the_account(client: Any) -> None:
    """What is private is null to everyone but the user and administrators."""
    answer = await register(client, firstName="Ada", bio="Private.", avatarUrl="https://a.example")
    row = await fetchrow("SELECT * FROM users WHERE id = $1", UUID(answer["user"]["id"]))
    assert row is not None
    public = ["id", "username", "full_name", "created_at"]
    for viewer in (None, authentication.Viewer(uuid4(), uuid4(), "other", is_superuser=False)):
        seen = vars(User.from_row(row, viewer))
        assert [name for name, value in seen.items() if value is not None] == public
        assert seen["full_name"] == row["username"]
    administrator = authentication.Viewer(uuid4(), uuid4(), "root", is_superuser=True)
    seen = vars(User.from_row(row, administrator))
    assert (seen["full_name"], seen["bio"], seen["is_active"]) == ("Ada", "Private.", True)


async def test_administrators_see_accounts_and_never_todos(
    settings: Any, account: Any, stranger: Any
) -> None:
    """The counts of somebody else are null, whoever asks."""
    row = await fetchrow("SELECT * FROM users WHERE id = $1", UUID(account.id))
    assert row is not None
    administrator = authentication.Viewer(
        UUID(stranger.id), uuid4(), stranger.username, is_superuser=True
    )
    answer = await strawberry.Schema(Shown, config=CONFIG).execute(
        "{ user { username stats { total } } }",
        root_value=Shown(user=User.from_row(row, administrator)),
        context_value=Context(settings, RateLimits(settings), administrator),
    )
    assert answer.errors is None
    assert answer.data == {"user": {"username": account.username, "stats": None}}
