"""Signing in: who gets in, and what the others learn."""

import asyncio
import threading
from secrets import token_hex
from typing import Any
from uuid import UUID

from todo_gql.database.connection import fetch, fetchrow, transaction
from todo_gql.security import passwords

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  user { id username lastLoginAt stats { total } } tokens { accessToken refreshToken }
  errors { __typename code message path }
} }"""
BLOCKED = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def login(client: Any, name: str, password: str) -> dict[str, Any]:
    """What `login` answers."""
    given = {"usernameOrEmail": name, "password": password}
    return dict((await client.execute(LOGIN, {"input": given}))["data"]["login"])


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The payload's errors."""
    return [(error["code"], error["path"]) for error in payload["errors"]]


async def test_login_takes_either_name_in_any_letter_case(client: Any, account: Any) -> None:
    """User name and e-mail address open the same account."""
    for name in (account.username, account.username.upper()):
        for typed in (name, f"{name}@example.com"):
            payload = await login(client, typed, account.password)
            assert payload["errors"] == []
            assert payload["user"]["id"] == account.id
            assert payload["user"]["stats"] == {"total": 0}
            token = payload["tokens"]["accessToken"]
            answer = await client.execute("{ viewer { id } }", token=token)
            assert answer["data"]["viewer"]["id"] == account.id


async def test_login_refuses_in_the_same_words_whoever_is_meant(client: Any, account: Any) -> None:
    """A wrong password and a name of nobody can't be told apart."""
    refusals = [
        await login(client, account.username, account.password + "x"),
        await login(client, account.username, account.password.lower()),
        await login(client, account.username, account.password * 100),
        await login(client, account.username[:-1] + "%", account.password),
        await login(client, f"nobody-{token_hex(6)}", account.password),
        await login(client, f"{token_hex(6)}@example.com", account.password),
        await login(client, f"{account.username}\0", account.password),
        await login(client, "x" * 10_000, account.password),
        await login(client, "", ""),
    ]
    assert all(refusal == refusals[0] for refusal in refusals)
    assert refusals[0]["errors"][0]["code"] == "INVALID_CREDENTIALS"
    assert refusals[0]["errors"][0]["__typename"] == "AuthError"
    assert refusals[0]["tokens"] is None


async def test_a_disabled_account_is_told_so_only_with_the_password(
    client: Any, account: Any
) -> None:
    """A disabled account is reported as disabled only with the right password."""
    await fetch("UPDATE users SET is_active = false WHERE id = $1", UUID(account.id))
    refused = await login(client, account.username, account.password)
    assert codes(refused) == [("ACCOUNT_DISABLED", ["input"])]
    assert refused["tokens"] is None
    wrong = await login(client, account.username, "Wrong-horse-7")
    assert codes(wrong) == [("INVALID_CREDENTIALS", ["input"])]


async def test_login_renews_a_hash_of_another_cost(
    client: Any, account: Any, settings: Any
) -> None:
    """The password goes on, at the cost that is set now."""
    other = settings.model_copy(update={"bcrypt_rounds": settings.bcrypt_rounds + 1})
    await fetch(
        "UPDATE users SET password_hash = $2 WHERE id = $1",
        UUID(account.id),
        await passwords.hash_password(account.password, other),
    )
    for _ in range(2):
        assert (await login(client, account.username, account.password))["errors"] == []
    stored = await fetchrow("SELECT password_hash FROM users WHERE id = $1", UUID(account.id))
    assert stored is not None
    assert not passwords.hash_is_outdated(stored["password_hash"], settings)


async def test_a_login_too_many_is_unavailable(client: Any, account: Any) -> None:
    """A login too many is UNAVAILABLE at once when no slot is left to wait for a core."""
    gate, threads = threading.Event(), passwords.hashing_threads()
    taken = 0
    while threads.capacity.acquire(blocking=False):
        threads.executor.submit(gate.wait)
        taken += 1
    try:
        given = {"usernameOrEmail": account.username, "password": account.password}
        answer = await client.execute(LOGIN, {"input": given})
    finally:
        gate.set()
        threads.capacity.release(taken)
    assert answer["data"] == {"login": None}
    assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert (await login(client, account.username, account.password))["errors"] == []


async def test_login_dates_the_last_login(client: Any, account: Any) -> None:
    """The account tells the time of the last login with a password."""
    first = (await login(client, account.username, account.password))["user"]["lastLoginAt"]
    second = (await login(client, account.username, account.password))["user"]["lastLoginAt"]
    assert second > first
    answer = await account.execute("{ viewer { lastLoginAt } }")
    assert answer["data"]["viewer"]["lastLoginAt"] == second


async def test_a_password_changed_meanwhile_lets_nobody_in(client: Any, account: Any) -> None:
    """Who signs in with the old password while it is being changed comes too late."""
    async with transaction() as changing:
        await changing.execute(
            "UPDATE users SET password_hash = password_hash || 'x' WHERE id = $1", UUID(account.id)
        )
        signing_in = asyncio.ensure_future(login(client, account.username, account.password))
        while not await fetchrow(BLOCKED):
            assert not signing_in.done()
    refused = await signing_in
    assert codes(refused) == [("INVALID_CREDENTIALS", ["input"])]
    assert refused["tokens"] is None
