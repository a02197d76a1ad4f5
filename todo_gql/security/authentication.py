"""Who the viewer is: sessions, and the tokens that open them."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.text import cleaned
from todo_gql.database.connection import Connection, Row, fetch, fetchrow, transaction
from todo_gql.database.models import User
from todo_gql.database.retry import retried
from todo_gql.observability.request_record import set_caller
from todo_gql.security.token_cache import ViewerCache
from todo_gql.security.tokens import (
    Claims,
    RefreshToken,
    TokenPair,
    seconds_left,
    signed_access_token,
    verified_claims,
)
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

REUSE_GRACE = timedelta(seconds=10)
# More than any client gets through within the grace; to follow so many takes some milliseconds.
MOST_GENERATIONS = 1_000

VIEWER_OF_SESSION = (
    "SELECT u.username, u.is_superuser FROM sessions s JOIN users u ON u.id = s.owner_id"
    " WHERE s.owner_id = $1 AND s.id = $2"
    " AND s.ended_at IS NULL AND s.expires_at > now() AND u.is_active"
)
LOCK_SESSION = (
    "SELECT s.owner_id, s.refresh_hash, s.spent_hashes, now() AS now"
    " FROM sessions s JOIN users u ON u.id = s.owner_id"
    " WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND u.is_active"
    " FOR NO KEY UPDATE OF s"
)
OPEN_SESSIONS = (
    "SELECT s.id FROM sessions s JOIN users u ON u.id = s.owner_id"
    " WHERE s.owner_id = ANY($1) AND s.id = ANY($2)"
    " AND s.ended_at IS NULL AND s.expires_at > now() AND u.is_active"
)
# An account has no more than so many at a time, which are all listed at once.
MOST_SESSIONS = 100
# The lock of the account, which whoever signs in holds, keeps two from ending the same.
BEGIN_SESSION = f"""
WITH ended AS (
    UPDATE sessions SET ended_at = now() WHERE owner_id = $2 AND id IN (
        SELECT id FROM sessions WHERE owner_id = $2 AND ended_at IS NULL AND expires_at > now()
        ORDER BY last_used_at DESC, id DESC OFFSET {MOST_SESSIONS - 1}
    )
)
INSERT INTO sessions (id, owner_id, refresh_hash, spent_hashes, created_at, last_used_at,
    expires_at, user_agent, ip_address)
VALUES ($1, $2, $3, '{{}}', now(), now(), now() + $4, $5, $6)
"""
ROTATE_SESSION = (
    "UPDATE sessions SET refresh_hash = $3, spent_hashes = $4, last_used_at = now(),"
    " expires_at = now() + $5 WHERE owner_id = $1 AND id = $2"
)
# Locked in order, so that two of these never wait for each other.
_END_SESSIONS = (
    "UPDATE sessions SET ended_at = now() WHERE owner_id = $1 AND id IN"
    " (SELECT id FROM sessions WHERE owner_id = $1 AND ended_at IS NULL AND id = coalesce($2, id)"
    "  AND id IS DISTINCT FROM $3 ORDER BY id FOR NO KEY UPDATE) RETURNING id"
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and in which session."""

    id: UUID
    session_id: UUID
    username: str
    is_superuser: bool


viewer_cache = ViewerCache[Viewer]()


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody signs in, as far as the request tells."""

    user_agent: str | None
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session just begun, and the tokens that open it."""

    viewer: Viewer
    tokens: TokenPair


def cached_viewer(token: str | None) -> Viewer | None:
    """The viewer of an access token if it is cached; None otherwise. Never waits."""
    return None if token is None else viewer_cache.get(token)


async def authenticate(token: str | None, settings: Settings) -> Viewer | None:
    """The viewer whom an access token names; None for a bad token or a session that is over.

    Viewers are remembered for VIEWER_CACHE_SECONDS, except where this process knows better.
    Errors of the database propagate.
    """
    if token is None:
        return None
    return viewer_cache.get(token) or await _read_viewer(token, settings)


async def _read_viewer(token: str, settings: Settings) -> Viewer | None:
    claims = verified_claims(token, settings)
    if claims is None:
        return None
    set_caller(claims.user_id.int)
    asked = time.monotonic()
    row = await fetchrow(VIEWER_OF_SESSION, *claims)
    if row is None:
        return None
    viewer = Viewer(*claims, row["username"], row["is_superuser"])
    seconds = min(settings.viewer_cache_seconds, seconds_left(token, settings))
    if seconds > 0:
        viewer_cache.add(token, viewer.id, viewer, asked + seconds)
    return viewer


async def begin_session(user: User, device: Device, settings: Settings) -> SignIn:
    """A new session of the user, in the surrounding transaction of Tortoise's.

    The one that was unused for longest ends if the user has as many as there may be.
    """
    token = RefreshToken.first(uuid7())
    await fetch(
        BEGIN_SESSION,
        token.session_id,
        user.id,
        token.digest,
        _session_life(settings),
        cleaned(device.user_agent, 500),
        cleaned(device.ip_address, 45),
    )
    viewer = Viewer(user.id, token.session_id, user.username, user.is_superuser)
    return SignIn(viewer, _pair(user.id, token, settings))


def session_of(refresh_token: str, settings: Settings) -> UUID | None:
    """The session that a refresh token is of; None unless this server made it."""
    token = RefreshToken.parse(refresh_token, settings)
    return None if token is None else token.session_id


@retried
async def refresh(text: str, settings: Settings) -> TokenPair | None:
    """The pair that follows a refresh token; None when it opens nothing, or no longer.

    That goes for the sessions of a disabled account too. A token used again within 10 s of its
    first use gives the refresh token that is current, since an answer can get lost or tabs share
    one; used later it must be in two hands, and ends the session.
    """
    token = RefreshToken.parse(text, settings)
    if token is None:
        return None
    async with transaction() as connection:
        session = await connection.fetchrow(LOCK_SESSION, token.session_id)
        if session is None:
            return None
        spent = _recently_spent(session)
        if token.digest == session["refresh_hash"]:
            spent[token.digest.hex()] = session["now"]
            current = token.child(settings)
            await _rotate(connection, session["owner_id"], current, spent, settings)
        elif token.digest.hex() in spent and (found := _descendant(token, session, settings)):
            current = found
        else:
            await _end_family(connection, session["owner_id"], token.session_id)
            return None
    return _pair(session["owner_id"], current, settings)


async def end_sessions(
    owner_id: UUID,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
    connection: "Connection | None" = None,
) -> int:
    """End all sessions of an account, only one, or all but one; the number of those ended.

    On a connection's transaction, or else on Tortoise's or one of its own.
    """
    run = connection.fetch if connection else fetch
    ended = await run(_END_SESSIONS, owner_id, only, but)
    viewer_cache.invalidate(owner_id)
    return len(ended)


async def open_among(viewers: Iterable[Viewer]) -> set[UUID]:
    """Those of the viewers' sessions that still are what they are signed in by."""
    sessions = {viewer.session_id: viewer.id for viewer in viewers}
    rows = await fetch(OPEN_SESSIONS, set(sessions.values()), list(sessions))
    return {row["id"] for row in rows}


def _recently_spent(session: Row) -> dict[str, datetime]:
    """The hashes spent within the last 10 s, and when."""
    stored: dict[str, str] = orjson.loads(session["spent_hashes"])
    spent = {hash_: datetime.fromisoformat(at) for hash_, at in stored.items()}
    return {hash_: at for hash_, at in spent.items() if session["now"] - at <= REUSE_GRACE}


def _descendant(token: RefreshToken, session: Row, settings: Settings) -> RefreshToken | None:
    """The session's current token, which came of a spent one; any other is spent, too."""
    for _ in range(MOST_GENERATIONS):
        token = token.child(settings)
        if token.digest == session["refresh_hash"]:
            return token
    return None


async def _rotate(
    connection: Connection,
    owner_id: UUID,
    child: RefreshToken,
    spent: dict[str, datetime],
    settings: Settings,
) -> None:
    await connection.execute(
        ROTATE_SESSION,
        owner_id,
        child.session_id,
        child.digest,
        orjson.dumps(spent).decode(),
        _session_life(settings),
    )


async def _end_family(connection: Connection, owner_id: UUID, session_id: UUID) -> None:
    await end_sessions(owner_id, only=session_id, connection=connection)
    logger.warning(
        "A refresh token was used again; its session is ended.",
        extra={"session_id": str(session_id), "owner_id": str(owner_id)},
    )


def _pair(owner_id: UUID, token: RefreshToken, settings: Settings) -> TokenPair:
    claims = Claims(owner_id, token.session_id)
    return TokenPair(signed_access_token(claims, settings), token.text(settings))


def _session_life(settings: Settings) -> timedelta:
    return timedelta(days=settings.refresh_token_expire_days)
