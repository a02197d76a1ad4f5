"""Access tokens, which are JWTs (RFC 9068), and opaque refresh tokens."""

import base64
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Self
from uuid import UUID

import jwt

from todo_gql.security.base64url import encoded
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

ISSUER = AUDIENCE = "todo_gql"
HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS = ["exp", "iat", "sub", "sid", "jti", "iss", "aud"]
MAX_ACCESS_TOKEN_LENGTH = 4096
ACCESS_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
CLOCK_SKEW_SECONDS = 10
CACHE_SECONDS = 5

ID_BYTES, SECRET_BYTES, TAG_BYTES = 16, 32, 16
REFRESH_TOKEN = re.compile("[A-Za-z0-9_-]{86}")


class TokenPair(NamedTuple):
    """An access token, and the refresh token that is exchanged for the next pair."""

    access: str
    refresh: str


class Claims(NamedTuple):
    """The claims of an access token: `sub` and `sid`."""

    user_id: UUID
    session_id: UUID


def access_token_life(settings: Settings) -> int:
    """The lifetime of an access token in seconds."""
    return settings.access_token_expire_minutes * 60


def signed_access_token(claims: Claims, settings: Settings) -> str:
    """Issue an access token, valid from now on."""
    now = int(time.time())
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.user_id),
        "sid": str(claims.session_id),
        "jti": secrets.token_hex(16),
        "iat": now,
        "exp": now + access_token_life(settings),
    }
    return jwt.encode(payload, _access_key(settings), headers=HEADER)


def verified_claims(token: str, settings: Settings) -> Claims | None:
    """The claims of a valid access token; None for any other text."""
    claims, expires_at = _read(token, settings)
    return claims if expires_at > time.time() else None


def seconds_left(token: str, settings: Settings) -> float:
    """The seconds until a token expires; negative for an invalid one."""
    return _read(token, settings)[1] - time.time()


def _read(token: str, settings: Settings) -> tuple[Claims | None, float]:
    if len(token) > MAX_ACCESS_TOKEN_LENGTH or not ACCESS_TOKEN.fullmatch(token):
        return None, 0
    interval = time.time() // CACHE_SECONDS
    return _verified(token, _access_key(settings), access_token_life(settings), interval)


def expiry_of(token: str, settings: Settings) -> float:
    """When a token that `verified_claims` accepted expires, in seconds since 1970."""
    interval = time.time() // CACHE_SECONDS
    return _verified(token, _access_key(settings), access_token_life(settings), interval)[1]


# Verifying a token costs more than the rest of a small query, so the result is cached while the last
# argument, the number of the current interval, stays the same.
@lru_cache(maxsize=1024)
def _verified(token: str, key: bytes, life: int, _interval: float) -> tuple[Claims | None, float]:
    """A token's claims and expiry in seconds since 1970; None and 0 for an invalid one."""
    try:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            # `iat` may be in the future if two servers' clocks differ; `exp` is bounded below.
            options={"require": CLAIMS, "verify_iat": False, "strict_aud": True},
        )
        payload = decoded["payload"]
        expires_at = payload["exp"]
        # The library accepts other forms of numbers too.
        if {type(expires_at), type(payload["iat"])} != {int}:
            return None, 0
        if decoded["header"] != HEADER or expires_at > time.time() + life + CLOCK_SKEW_SECONDS:
            return None, 0
        return Claims(UUID(payload["sub"]), UUID(str(payload["sid"]))), expires_at
    except (jwt.PyJWTError, ValueError):
        return None, 0


def _access_key(settings: Settings) -> bytes:
    return derived_key(settings, "access tokens")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The current secret of a session.

    Its text ends with a keyed tag, so that forged tokens are rejected without a query, and can't end
    a session by their reuse.
    """

    session_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def first(cls, session_id: UUID) -> Self:
        """A random token for a new session."""
        return cls(session_id, secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Self | None:
        """Parse a token; None unless this server issued it."""
        if not REFRESH_TOKEN.fullmatch(text):
            return None
        content = base64.urlsafe_b64decode(text + "==")
        token = cls(UUID(bytes=content[:ID_BYTES]), content[ID_BYTES:-TAG_BYTES])
        return token if hmac.compare_digest(token.text(settings), text) else None

    def text(self, settings: Settings) -> str:
        """The token as it is sent to the client: base64url, 86 characters."""
        content = self.session_id.bytes + self.secret
        tag = hmac.digest(derived_key(settings, "refresh token tags"), content, "sha256")
        return encoded(content + tag[:TAG_BYTES])

    def child(self, settings: Settings) -> Self:
        """The next token: a keyed hash of this one, so that it can be issued again without being stored."""
        key = derived_key(settings, "refresh token children")
        return type(self)(self.session_id, hmac.digest(key, self.secret, "sha256"))

    @property
    def digest(self) -> bytes:
        """The SHA-256 digest of the secret, which is what the database stores."""
        return sha256(self.secret).digest()
