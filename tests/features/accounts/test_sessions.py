"""Sessions: the trade of refresh tokens, and the end of access."""

import asyncio
import logging
from typing import Any
from uuid import UUID

import pytest

from tests.support.account_operations import (
    LOGIN_BY_NAME,
    LOGOUT,
    REFRESH,
    another_session,
    change_sessions,
    let_seconds_pass,
    refresh,
)
from todo_gql.database.connection import fetch

VIEWER = "{ viewer { id username email fullName stats { total } } }"

REFUSED = {
    "tokens": None,
    "errors": [{"__typename": "AuthError", "code": "INVALID_TOKEN", "path": ["refreshToken"]}],
}


async def next_tokens(client: Any, token: str) -> dict[str, Any]:
    """The pair that follows a refresh token that is good."""
    payload = await refresh(client, token)
    assert payload["errors"] == []
    return dict(payload["tokens"])


async def opens(client: Any, access_token: str) -> bool:
    """Whether an access token makes its bearer the viewer."""
    answer = await client.execute(VIEWER, token=access_token)
    return answer["data"]["viewer"] is not None


async def test_viewer_shows_oneself_and_is_null_when_signed_out(client: Any, account: Any) -> None:
    """The viewer is the user with a token, and null without one, which is no error."""
    assert (await account.execute(VIEWER))["data"]["viewer"] == {
        "id": account.id,
        "username": account.username,
        "email": f"{account.username}@example.com",
        "fullName": account.username,
        "stats": {"total": 0},
    }
    assert await client.execute(VIEWER) == {"data": {"viewer": None}}


async def test_a_deleted_account_is_no_viewer(client: Any, account: Any) -> None:
    """A deleted account is no viewer, as its sessions are deleted with it."""
    await fetch("DELETE FROM users WHERE id = $1", UUID(account.id))
    assert not await opens(client, account.token)


async def test_a_bad_token_leaves_the_request_anonymous(client: Any, account: Any) -> None:
    """A header that a client still sends keeps nobody from a refresh."""
    answer = await client.execute(REFRESH, {"token": account.refresh_token}, token="stale")
    assert answer["data"]["tokenRefresh"]["errors"] == []


async def test_a_refresh_token_buys_the_next_pair(client: Any, account: Any, settings: Any) -> None:
    """Both tokens are new and good, the session is the same and goes on for longer."""
    await change_sessions(account, "expires_at = now() + interval '1 minute'")
    tokens = await next_tokens(client, account.refresh_token)
    assert (tokens["tokenType"], tokens["expiresIn"]) == (
        "bearer",
        settings.access_token_expire_minutes * 60,
    )
    assert tokens["refreshToken"] != account.refresh_token
    assert await opens(client, tokens["accessToken"])
    assert (await refresh(client, tokens["refreshToken"]))["errors"] == []
    [session] = await fetch(
        "SELECT expires_at - now() AS left, last_used_at > created_at AS used"
        " FROM sessions WHERE owner_id = $1",
        UUID(account.id),
    )
    assert session["left"].days == settings.refresh_token_expire_days - 1
    assert session["used"]


async def test_a_refresh_token_used_again_within_10_seconds_gives_the_current_one(
    client: Any, account: Any
) -> None:
    """An answer can get lost: its child comes again, or what has followed that meanwhile."""
    first = await next_tokens(client, account.refresh_token)
    await let_seconds_pass(account, 9)
    again = await next_tokens(client, account.refresh_token)
    assert again["refreshToken"] == first["refreshToken"]
    assert await opens(client, again["accessToken"])
    grandchild = await next_tokens(client, first["refreshToken"])
    once_more = await next_tokens(client, account.refresh_token)
    assert once_more["refreshToken"] == grandchild["refreshToken"]
    assert await opens(client, once_more["accessToken"])


async def test_tabs_that_share_a_refresh_token_stay_signed_in(client: Any, account: Any) -> None:
    """The slower one gets what the faster one has by now, however far, which is good later on."""
    tokens = [account.refresh_token]
    for _ in range(5):
        tokens.append((await next_tokens(client, tokens[-1]))["refreshToken"])
    for spent in tokens:
        latest = (await next_tokens(client, spent))["refreshToken"]
        if spent != tokens[-1]:
            assert latest == tokens[-1]
    await let_seconds_pass(account, 3600)
    assert (await refresh(client, latest))["errors"] == []


async def test_what_the_grace_gives_does_not_prolong_it(client: Any, account: Any) -> None:
    """A token spent more than 10 seconds ago ends the session, however young the current one is."""
    child = (await next_tokens(client, account.refresh_token))["refreshToken"]
    await let_seconds_pass(account, 6)
    current = (await next_tokens(client, child))["refreshToken"]
    assert (await next_tokens(client, account.refresh_token))["refreshToken"] == current
    await let_seconds_pass(account, 6)
    assert (await next_tokens(client, child))["refreshToken"] == current
    assert await refresh(client, account.refresh_token) == REFUSED
    assert await refresh(client, current) == REFUSED


async def test_a_refresh_within_the_grace_writes_nothing(client: Any, account: Any) -> None:
    """The session lasts as long as its last real trade says."""
    child = (await next_tokens(client, account.refresh_token))["refreshToken"]
    await next_tokens(client, child)
    query = "SELECT * FROM sessions WHERE owner_id = $1", UUID(account.id)
    before = await fetch(*query)
    await next_tokens(client, account.refresh_token)
    await next_tokens(client, child)
    assert await fetch(*query) == before


@pytest.mark.parametrize("over", ["expires_at = now()", "ended_at = now()"])
async def test_within_the_grace_a_session_that_is_over_opens_nothing(
    client: Any, account: Any, over: str
) -> None:
    """A spent token of a session that was revoked or has expired is refused as any other."""
    await next_tokens(client, (await next_tokens(client, account.refresh_token))["refreshToken"])
    await change_sessions(account, over)
    assert await refresh(client, account.refresh_token) == REFUSED


async def test_a_refresh_token_used_again_later_ends_the_session(
    client: Any, account: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It must be in two hands: nothing of the session opens anything any more, and it is logged."""
    other = await another_session(account)
    tokens = await next_tokens(client, account.refresh_token)
    await let_seconds_pass(account, 11)
    with caplog.at_level(logging.WARNING, "todo_gql.security.authentication"):
        assert await refresh(client, account.refresh_token) == REFUSED
        assert await refresh(client, account.refresh_token) == REFUSED
    assert await refresh(client, tokens["refreshToken"]) == REFUSED
    assert not await opens(client, tokens["accessToken"])
    assert not await opens(client, account.token)
    assert await opens(client, other["accessToken"])
    [session] = await fetch(
        "SELECT id FROM sessions WHERE owner_id = $1 AND ended_at IS NOT NULL", UUID(account.id)
    )
    [record] = [
        record for record in caplog.records if record.name == "todo_gql.security.authentication"
    ]
    assert record.levelno == logging.WARNING
    assert vars(record)["session_id"] == str(session["id"])
    assert vars(record)["owner_id"] == account.id


async def test_the_grace_of_10_seconds_begins_with_the_first_use(client: Any, account: Any) -> None:
    """Using it again within the time doesn't prolong it."""
    await next_tokens(client, account.refresh_token)
    for _ in range(2):
        await let_seconds_pass(account, 4)
        await next_tokens(client, account.refresh_token)
    await let_seconds_pass(account, 4)
    assert await refresh(client, account.refresh_token) == REFUSED


async def test_spent_tokens_are_forgotten_after_10_seconds(client: Any, account: Any) -> None:
    """A session stores only the tokens spent in the last moments, however long it lasts."""
    token = account.refresh_token
    for _ in range(3):
        token = (await next_tokens(client, token))["refreshToken"]
        await let_seconds_pass(account, 11)
    await next_tokens(client, token)
    [session] = await fetch(
        "SELECT (SELECT count(*) FROM jsonb_each(spent_hashes)) AS spent FROM sessions"
        " WHERE owner_id = $1",
        UUID(account.id),
    )
    assert session["spent"] == 1


async def test_parallel_refreshes_of_two_generations_end_nothing(client: Any, account: Any) -> None:
    """Parallel refreshes of two generations leave all a good token, and one the newest."""
    child = (await next_tokens(client, account.refresh_token))["refreshToken"]
    asked = [account.refresh_token, child] * 5
    answers = await asyncio.gather(*(next_tokens(client, token) for token in asked))
    current = (await next_tokens(client, account.refresh_token))["refreshToken"]
    assert {tokens["refreshToken"] for tokens in answers} <= {child, current}
    assert {tokens["refreshToken"] for tokens in answers[1::2]} == {current}
    await let_seconds_pass(account, 3600)
    assert (await refresh(client, current))["errors"] == []


async def test_parallel_refreshes_give_one_child(client: Any, account: Any) -> None:
    """Twenty refreshes at once get the same refresh token, and the session goes on."""
    answers = await asyncio.gather(*(next_tokens(client, account.refresh_token) for _ in range(20)))
    assert len({tokens["refreshToken"] for tokens in answers}) == 1
    assert all([await opens(client, tokens["accessToken"]) for tokens in answers])


@pytest.mark.parametrize("text", ["", "x", "A" * 86, "é" * 86, "a\0b", "A" * 100_000])
async def test_what_is_no_refresh_token_buys_nothing(client: Any, text: str) -> None:
    """A guess is refused, whatever it looks like."""
    assert await refresh(client, text) == REFUSED


async def test_a_forged_refresh_token_ends_no_session(client: Any, account: Any) -> None:
    """A token with another's session id and a made-up secret harms nobody."""
    forged = account.refresh_token[:30] + account.refresh_token[30:][::-1]
    assert await refresh(client, forged) == REFUSED
    assert await refresh(client, account.token) == REFUSED
    assert await opens(client, account.token)
    assert await next_tokens(client, account.refresh_token)


@pytest.mark.parametrize("over", ["expires_at = now()", "ended_at = now()"])
async def test_a_session_that_is_over_opens_nothing(client: Any, account: Any, over: str) -> None:
    """An expired or ended session refuses both of its tokens."""
    await change_sessions(account, over)
    assert not await opens(client, account.token)
    assert await refresh(client, account.refresh_token) == REFUSED


async def test_disabling_an_account_ends_access_at_once(client: Any, account: Any) -> None:
    """The tokens of a disabled account open nothing."""
    await fetch("UPDATE users SET is_active = false WHERE id = $1", UUID(account.id))
    assert not await opens(client, account.token)
    assert await refresh(client, account.refresh_token) == REFUSED


async def test_logout_ends_this_session_at_once(client: Any, account: Any) -> None:
    """Both tokens of this session are void, those of another aren't."""
    other = await another_session(account)
    answer = await account.execute(LOGOUT)
    assert answer == {"data": {"logout": {"ok": True, "errors": []}}}
    assert not await opens(client, account.token)
    assert await refresh(client, account.refresh_token) == REFUSED
    assert await opens(client, other["accessToken"])
    assert await next_tokens(client, other["refreshToken"])


async def test_logout_everywhere_ends_all_sessions_at_once(
    client: Any, account: Any, stranger: Any
) -> None:
    """No token of the user opens anything; those of others do."""
    others = [await another_session(account) for _ in range(2)]
    answer = await account.execute(LOGOUT, {"everywhere": True})
    assert answer == {"data": {"logout": {"ok": True, "errors": []}}}
    for access in (account.token, *(tokens["accessToken"] for tokens in others)):
        assert not await opens(client, access)
    for tokens in others:
        assert await refresh(client, tokens["refreshToken"]) == REFUSED
    assert await opens(client, stranger.token)


async def test_logout_needs_a_viewer(client: Any) -> None:
    """Signed out there is nothing to end."""
    [error] = (await client.execute(LOGOUT))["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("UNAUTHENTICATED", ["logout"])


async def test_what_follows_a_logout_is_signed_out(account: Any) -> None:
    """Fields after a logout are signed out within one document too, as they run in order."""
    answer = await account.execute("mutation { here: logout { ok } again: logout { ok } }")
    assert answer["data"] == {"here": {"ok": True}, "again": None}
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_device_that_shows_nothing_has_no_name(account: Any) -> None:
    """Soft hyphens and spaces that don't break are all that a header can hold of that kind."""
    given = {"name": account.username, "password": account.password}
    await account.http.post(
        "/graphql",
        json={"query": LOGIN_BY_NAME, "variables": given},
        headers={"User-Agent": b"\xad\xa0\x85"},
    )
    rows = await fetch(
        "SELECT user_agent FROM sessions WHERE owner_id = $1 ORDER BY id", UUID(account.id)
    )
    assert rows[-1]["user_agent"] is None


async def test_a_session_tells_its_device(account: Any) -> None:
    """The user agent is kept without control characters and cut, the address as it is."""
    given = {"name": account.username, "password": account.password}
    await account.http.post(
        "/graphql",
        json={"query": LOGIN_BY_NAME, "variables": given},
        headers={"User-Agent": "Browser\t" + "x" * 600},
    )
    session = (
        await fetch("SELECT * FROM sessions WHERE owner_id = $1 ORDER BY id", UUID(account.id))
    )[-1]
    assert session["user_agent"] == "Browser" + "x" * 493
    assert session["ip_address"] == "127.0.0.1"


async def test_an_account_has_a_hundred_sessions_at_most(client: Any, account: Any) -> None:
    """The one that was unused for longest ends when there would be one more."""
    tokens = await another_session(account)
    await fetch(
        "INSERT INTO sessions (id, owner_id, refresh_hash, spent_hashes, created_at, last_used_at,"
        " expires_at) SELECT gen_random_uuid(), $1, sha256(n::text::bytea), '{}', now(),"
        " now() - n * interval '1 minute', now() + interval '1 day' FROM generate_series(1, 98) n",
        UUID(account.id),
    )
    listed = "{ sessions { id lastUsedAt } }"
    before = (await account.data(listed))["sessions"]
    assert len(before) == 100
    assert await opens(client, (await another_session(account))["accessToken"])
    after = (await account.data(listed))["sessions"]
    assert len(after) == 100
    ended = {session["id"] for session in before} - {session["id"] for session in after}
    assert ended == {min(before, key=lambda session: session["lastUsedAt"])["id"]}
    assert await opens(client, tokens["accessToken"])
