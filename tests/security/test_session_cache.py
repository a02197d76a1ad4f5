"""Access ends in time, though a session that was read is taken to go on for some seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import jwt
import pytest

from tests.support.accounts import PASSWORD, Account, registered, visiting
from todo_gql.app import create_app
from todo_gql.database.connection import fetch, transaction
from todo_gql.features.accounts.administration import AccountChanges, administer
from todo_gql.security import authentication, token_cache
from todo_gql.security.token_cache import INVALIDATION_SECONDS, MAX_ENTRIES, ViewerCache
from todo_gql.security.tokens import Claims, signed_access_token
from todo_gql.settings import Settings

VIEWER = "{ viewer { id } }"
CHANGE_PASSWORD = """mutation { passwordChange(
  input: { currentPassword: "Correct1horse", newPassword: "Battery2staple" }
) { errors { code } } }"""
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } } }"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], float]:
    """Lets seconds pass on the monotonic clock, which stands still otherwise, and tells it."""
    now = time.monotonic()

    def let_pass(seconds: float) -> float:
        nonlocal now
        now += seconds
        return now

    # The clock of the event loop goes on.
    stopped = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(authentication, "time", stopped)
    monkeypatch.setattr(token_cache, "time", stopped)
    return let_pass


@pytest.fixture
def remembering(settings: Settings) -> Settings:
    """Settings as they are by default."""
    return settings.model_copy(update={"viewer_cache_seconds": 3})


@pytest.fixture
async def account(remembering: Settings, app: object, database_url: str) -> AsyncIterator[Account]:
    """A user of an application that remembers, on the same database as all others."""
    async with visiting(create_app(remembering, database_url)) as client:
        yield await registered(client)


async def opens(account: Account, token: str | None = None) -> bool:
    """Whether a token makes its bearer the viewer."""
    answer = await account.execute(VIEWER, token=token)
    return answer["data"]["viewer"] is not None


async def another_token(account: Account) -> str:
    """The token of another session."""
    sent = {"usernameOrEmail": account.username, "password": PASSWORD}
    token: str = (await account.data(LOGIN, input=sent))["login"]["tokens"]["accessToken"]
    return token


async def end_elsewhere(account: Account, sql: str) -> None:
    """What another process writes."""
    await fetch(sql, UUID(account.id))


async def test_a_session_is_read_once_in_some_seconds(
    account: Account, recorded: Any, clock: Callable[[float], float]
) -> None:
    """What is remembered costs no statement."""
    await opens(account)
    for seconds, statements in ((0, 0), (2.9, 0), (0.2, 1)):
        clock(seconds)
        with recorded() as sent:
            await account.execute("{ __typename }")
        assert len(sent) == statements


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sessions SET ended_at = now() WHERE owner_id = $1",
        "UPDATE users SET is_active = false WHERE id = $1",
        "DELETE FROM users WHERE id = $1",
    ],
)
async def test_what_ends_elsewhere_ends_here_within_seconds(
    account: Account, clock: Callable[[float], float], sql: str
) -> None:
    """Access ends in less than 5 seconds, however a session ends in another process."""
    assert await opens(account)
    await end_elsewhere(account, sql)
    clock(4)
    assert not await opens(account)


async def test_a_logout_acts_at_once(account: Account) -> None:
    """A logout acts at once in its own process, and for this session alone."""
    other = await another_token(account)
    assert await opens(account)
    assert await opens(account, other)
    await account.execute("mutation { logout { ok } }")
    assert not await opens(account)
    assert await opens(account, other)


@pytest.mark.parametrize(
    "mutation",
    [
        "mutation { logout(everywhere: true) { ok } }",
        CHANGE_PASSWORD,
    ],
)
async def test_other_sessions_end_at_once(account: Account, mutation: str) -> None:
    """Logging out everywhere and a new password leave none of them open."""
    other = await another_token(account)
    assert await opens(account, other)
    await account.execute(mutation)
    assert not await opens(account, other)


async def test_a_revoked_session_ends_at_once(account: Account) -> None:
    """A revoked session ends at once, though it was in use a moment ago."""
    other = await another_token(account)
    assert await opens(account, other)
    newest = (await account.data("{ sessions { id } }"))["sessions"][0]["id"]
    revoke = "mutation ($id: ID!) { sessionRevoke(id: $id) { ok } }"
    assert (await account.data(revoke, id=newest))["sessionRevoke"]["ok"]
    assert not await opens(account, other)
    assert await opens(account)


async def test_a_refresh_token_used_twice_ends_its_session_at_once(account: Account) -> None:
    """The access token opens nothing any more."""
    refresh = (
        "mutation ($token: String!) { tokenRefresh(refreshToken: $token) { errors { code } } }"
    )
    assert await opens(account)
    await account.data(refresh, token=account.refresh_token)
    await end_elsewhere(account, "UPDATE sessions SET spent_hashes = '{}' WHERE owner_id = $1")
    await account.data(refresh, token=account.refresh_token)
    assert not await opens(account)


async def test_disabling_in_this_process_acts_at_once(account: Account) -> None:
    """Whoever administers accounts need not wait."""
    assert await opens(account)
    await administer(account.username, AccountChanges(is_active=False))
    assert not await opens(account)


async def test_promoting_in_this_process_acts_at_once(
    account: Account, remembering: Settings
) -> None:
    """The rights of the viewer are remembered with the session."""
    assert await opens(account)
    await administer(account.username, AccountChanges(is_superuser=True))
    viewer = await authentication.authenticate(account.token, remembering)
    assert viewer is not None
    assert viewer.is_superuser
    await end_elsewhere(account, "UPDATE users SET is_superuser = false WHERE id = $1")


async def test_a_token_is_not_remembered_beyond_its_expiry(
    account: Account,
    remembering: Settings,
    clock: Callable[[float], float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token with half a second left opens nothing after that."""
    viewer = await authentication.authenticate(account.token, remembering)
    assert viewer is not None
    claims = Claims(viewer.id, viewer.session_id)
    short = remembering.model_copy(update={"access_token_expire_minutes": 1})
    token, issued = signed_access_token(claims, short), int(time.time())
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert expires - issued in (59, 60)
    monkeypatch.setattr("time.time", lambda: expires - 0.5)
    assert await authentication.authenticate(token, short) == viewer
    monkeypatch.setattr("time.time", lambda: expires)
    clock(0.5)
    assert await authentication.authenticate(token, short) is None


async def test_an_end_that_is_not_committed_yet_is_not_missed(
    account: Account,
) -> None:
    """A request between the end and its commit still finds the session, and must not keep it."""
    assert await opens(account)
    async with transaction() as connection:
        await authentication.end_sessions(UUID(account.id), connection=connection)
        assert await asyncio.create_task(opens(account))
    assert not await opens(account)


def test_an_owner_is_remembered_again_once_all_is_settled(clock: Callable[[float], float]) -> None:
    """Signing out costs the other sessions some seconds of being read each time."""
    cache, owner_id = ViewerCache[str](), UUID(int=1)
    cache.invalidate(owner_id)
    cache.add("token", owner_id, "opened", clock(0) + 3)
    assert cache.get("token") is None
    clock(INVALIDATION_SECONDS)
    cache.add("token", owner_id, "opened", clock(0) + 3)
    assert cache.get("token") == "opened"


def test_the_memory_is_bounded() -> None:
    """What was remembered first is dropped first."""
    cache, until = ViewerCache[int](), time.monotonic() + 3
    for number in range(MAX_ENTRIES + 1):
        cache.add(f"token {number}", UUID(int=number), number, until)
    assert cache.get("token 0") is None
    assert cache.get("token 1") == 1
