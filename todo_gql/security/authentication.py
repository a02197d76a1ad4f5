"""Authentication: sessions, their access and refresh tokens, and the viewer of a request."""

import logging
import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.text import cleaned
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.connection import Connection, Row, fetch, fetchrow, transaction
from todo_gql.database.models import User
from todo_gql.database.retry import retried
from todo_gql.observability.request_record import set_caller
from todo_gql.security.api_tokens import (
    grant_of,
    is_api_token,
    open_token_ids,
    seconds_until,
    token_row,
)
from todo_gql.security.grants import TokenGrant
from todo_gql.security.memberships import Membership, memberships
from todo_gql.security.token_cache import ViewerCache
from todo_gql.security.token_uses import token_uses
from todo_gql.security.tokens import (
    Claims,
    RefreshToken,
    TokenPair,
    expiry_of,
    seconds_left,
    signed_access_token,
    verified_claims,
)
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

REUSE_GRACE = timedelta(seconds=10)
# More rotations than a client makes within the grace period; deriving them takes some milliseconds.
MAX_GENERATIONS = 1_000

SESSION_IS_OPEN = "s.ended_at IS NULL AND s.expires_at > now()"
"""SQL that is true for a row `s` of sessions that has neither ended nor expired."""

VIEWER_OF_SESSION = (
    "SELECT u.username, u.is_superuser, u.membership_count > 0 AS is_member,"
    " u.shared_list_count > 0 OR EXISTS (SELECT FROM feeds f WHERE f.owner_id = u.id AND f.has_spans)"
    " AS has_company FROM sessions s JOIN users u ON u.id = s.owner_id"
    " WHERE s.owner_id = $1 AND s.id = $2"
    f" AND {SESSION_IS_OPEN} AND u.is_active"
)
LOCK_SESSION = (
    "SELECT s.owner_id, s.refresh_hash, s.spent_hashes, now() AS now"
    " FROM sessions s JOIN users u ON u.id = s.owner_id"
    f" WHERE s.id = $1 AND {SESSION_IS_OPEN} AND u.is_active"
    " FOR NO KEY UPDATE OF s"
)
OPEN_SESSIONS = (
    "SELECT s.id FROM sessions s JOIN users u ON u.id = s.owner_id"
    " WHERE s.owner_id = ANY($1) AND s.id = ANY($2)"
    f" AND {SESSION_IS_OPEN} AND u.is_active"
)
# Open sessions of one account; all of them are listed on one page.
MAX_SESSIONS = 100
# Each sign-in holds the lock of the account, so two of them never end the same session.
BEGIN_SESSION = f"""
WITH ended AS (
    UPDATE sessions SET ended_at = now() WHERE owner_id = $2 AND id IN (
        SELECT s.id FROM sessions s WHERE s.owner_id = $2 AND {SESSION_IS_OPEN}
        ORDER BY last_used_at DESC, id DESC OFFSET {MAX_SESSIONS - 1}
    ) RETURNING id
), unsubscribed AS (
    DELETE FROM push_subscriptions WHERE owner_id = $2 AND session_id IN (SELECT id FROM ended)
)
INSERT INTO sessions (id, owner_id, refresh_hash, spent_hashes, created_at, last_used_at,
    expires_at, user_agent, ip_address)
VALUES ($1, $2, $3, '{{}}', now(), now(), now() + $4, $5, $6)
"""
ROTATE_SESSION = (
    "UPDATE sessions SET refresh_hash = $3, spent_hashes = $4, last_used_at = now(),"
    " expires_at = now() + $5 WHERE owner_id = $1 AND id = $2"
)
# Rows are locked in order of id, so that two of these statements never deadlock.
# Nothing is pushed to a browser any more whose session has ended.
_END_SESSIONS = """
WITH ended AS (
    UPDATE sessions SET ended_at = now() WHERE owner_id = $1 AND id IN (
        SELECT id FROM sessions WHERE owner_id = $1 AND ended_at IS NULL AND id = coalesce($2, id)
            AND id IS DISTINCT FROM $3 ORDER BY id FOR NO KEY UPDATE
    ) RETURNING id
), unsubscribed AS (
    DELETE FROM push_subscriptions WHERE owner_id = $1 AND session_id IN (SELECT id FROM ended)
)
SELECT id FROM ended
"""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The authenticated user of a request, and the session; or the API token, by its id and its `grant`."""

    id: UUID
    session_id: UUID
    username: str
    is_superuser: bool
    membership: Membership = field(default_factory=Membership, compare=False)
    grant: TokenGrant | None = None

    @property
    def caller(self) -> int:
        """Whose rate limits and connections are used: the person's, or the token's own."""
        return self.id.int if self.grant is None else self.session_id.int

    @property
    def rights(self) -> Hashable:
        """Equal for viewers who see the same."""
        return self.id, self.is_superuser, self.grant

    @property
    def bound_list_ids(self) -> frozenset[UUID] | None:
        """The lists that the viewer's token is bound to; None without a token, or one that isn't bound."""
        return None if self.grant is None else self.grant.list_ids

    def opens_list(self, list_id: UUID) -> bool:
        """Whether the viewer's token isn't bound to other lists; whether they are in the list is another question."""
        lists = self.bound_list_ids
        return lists is None or list_id in lists

    def has_scope(self, scope: TokenScope) -> bool:
        """Whether the viewer's token has a scope; a session has all."""
        return self.grant is None or scope in self.grant.scopes

    @property
    def is_member(self) -> bool:
        """Whether statements have to look in lists of others, too."""
        return self.membership.is_member

    @property
    def has_company(self) -> bool:
        """Whether the viewer is in lists of others, others are in theirs, or their log may name lists of others."""
        return self.membership.has_company


viewer_cache = ViewerCache[Viewer]()


@dataclass(frozen=True, slots=True)
class Device:
    """The client that signs in, as far as the request identifies it."""

    user_agent: str | None
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session with its tokens."""

    viewer: Viewer
    tokens: TokenPair


def cached_viewer(token: str | None) -> Viewer | None:
    """The viewer of an access token if it is cached; None otherwise. Never waits."""
    return None if token is None else viewer_cache.get(token)


async def authenticate(token: str | None, settings: Settings) -> Viewer | None:
    """The viewer of an access token; None for an invalid token or an ended session.

    Viewers are cached for VIEWER_CACHE_SECONDS, unless this process ends the session earlier. Raises
    errors of the database.
    """
    if token is None:
        return None
    return viewer_cache.get(token) or await _read_viewer(token, settings)


async def _read_viewer(token: str, settings: Settings) -> Viewer | None:
    claims = verified_claims(token, settings)
    if claims is None:
        return await _read_token_viewer(token, settings) if is_api_token(token) else None
    set_caller(claims.user_id.int)
    membership, read_at = memberships.of(claims.user_id), time.monotonic()
    row = await fetchrow(VIEWER_OF_SESSION, *claims)
    if row is None:
        return None
    membership.read(is_member=row["is_member"], has_company=row["has_company"], read_at=read_at)
    viewer = Viewer(*claims, row["username"], row["is_superuser"], membership)
    seconds = min(settings.viewer_cache_seconds, seconds_left(token, settings))
    if seconds > 0:
        viewer_cache.add(token, viewer.id, viewer, read_at + seconds)
    return viewer


async def _read_token_viewer(token: str, settings: Settings) -> Viewer | None:
    """The viewer of an API token: never a superuser, and without its owner's rights to administer."""
    read_at = time.monotonic()
    row = await token_row(token)
    if row is None:
        return None
    set_caller(row["owner_id"].int)
    membership = memberships.of(row["owner_id"])
    membership.read(is_member=row["is_member"], has_company=row["has_company"], read_at=read_at)
    grant = grant_of(row)
    # The driver's own UUIDs aren't serialized by orjson, in the access log for example.
    viewer = Viewer(
        UUID(int=row["owner_id"].int),
        UUID(int=row["id"].int),
        row["username"],
        is_superuser=False,
        membership=membership,
        grant=grant,
    )
    token_uses.note(viewer.id, viewer.session_id)
    seconds = min(settings.viewer_cache_seconds, seconds_until(grant.expires_at, time.time()))
    if seconds > 0:
        viewer_cache.add(token, viewer.id, viewer, read_at + seconds)
    return viewer


def access_ends_at(viewer: Viewer, token: str, settings: Settings) -> float:
    """When the token of a viewer expires, in seconds since 1970; infinite if it doesn't."""
    if viewer.grant is None:
        return expiry_of(token, settings)
    return time.time() + seconds_until(viewer.grant.expires_at, time.time())


async def begin_session(user: User, device: Device, settings: Settings) -> SignIn:
    """Create a session of the user, in the surrounding Tortoise transaction.

    Beyond `MAX_SESSIONS` open sessions, the least recently used one ends.
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
    membership = memberships.of(user.id)
    membership.is_member |= user.membership_count > 0
    membership.has_company |= membership.is_member or user.shared_list_count > 0
    viewer = Viewer(user.id, token.session_id, user.username, user.is_superuser, membership)
    return SignIn(viewer, _pair(user.id, token, settings))


def session_of(refresh_token: str, settings: Settings) -> UUID | None:
    """The session id of a refresh token; None unless this server issued it."""
    token = RefreshToken.parse(refresh_token, settings)
    return None if token is None else token.session_id


@retried
async def refresh(text: str, settings: Settings) -> TokenPair | None:
    """Exchange a refresh token for a new pair (rotation); None if it is invalid or expired.

    None too if the session has ended or the account is disabled. A token reused within 10 s of its
    first use yields the current refresh token, since a response can get lost and tabs may share a
    token. A later reuse means that the token was stolen, and ends the session (RFC 9700, section 4.14).
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
        elif token.digest.hex() in spent and (descendant := _descendant(token, session, settings)):
            current = descendant
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
    """End all sessions of an account, `only` one, or all `but` one; returns how many ended.

    Runs in the transaction of `connection`, or else in that of Tortoise if there is one.
    """
    run = connection.fetch if connection else fetch
    ended = await run(_END_SESSIONS, owner_id, only, but)
    viewer_cache.invalidate(owner_id)
    return len(ended)


async def open_session_ids(viewers: Iterable[Viewer]) -> set[UUID]:
    """The ids of those sessions and API tokens of the viewers that are still open."""
    sessions: dict[UUID, UUID] = {}
    tokens: dict[UUID, UUID] = {}
    for viewer in viewers:
        (tokens if viewer.grant else sessions)[viewer.session_id] = viewer.id
    still_open = await open_token_ids(tokens) if tokens else set()
    if sessions:
        rows = await fetch(OPEN_SESSIONS, set(sessions.values()), list(sessions))
        still_open.update(row["id"] for row in rows)
    return still_open


def _recently_spent(session: Row) -> dict[str, datetime]:
    """The hashes of refresh tokens used within the last 10 s, with their times of use."""
    stored: dict[str, str] = orjson.loads(session["spent_hashes"])
    spent = {hash_: datetime.fromisoformat(at) for hash_, at in stored.items()}
    return {hash_: at for hash_, at in spent.items() if session["now"] - at <= REUSE_GRACE}


def _descendant(token: RefreshToken, session: Row, settings: Settings) -> RefreshToken | None:
    """The session's current refresh token, if it was derived from this used one."""
    for _ in range(MAX_GENERATIONS):
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
