"""Access tokens, which are signed, and refresh tokens, which are opaque."""

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

from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

ISSUER = AUDIENCE = "todo_gql"
HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS = ["exp", "iat", "sub", "sid", "jti", "iss", "aud"]
LONGEST_ACCESS_TOKEN = 4096
ACCESS_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
SECONDS_OF_SKEW = 10
SECONDS_REMEMBERED = 5

ID_BYTES, SECRET_BYTES, TAG_BYTES = 16, 32, 16
REFRESH_TOKEN = re.compile("[A-Za-z0-9_-]{86}")


class TokenPair(NamedTuple):
    """What a client holds: one token to use and one to get the next pair with."""

    access: str
    refresh: str


class Claims(NamedTuple):
    """What an access token says."""

    user_id: UUID
    session_id: UUID


def access_token_life(settings: Settings) -> int:
    """Seconds for which an access token is good."""
    return settings.access_token_expire_minutes * 60


def signed_access_token(claims: Claims, settings: Settings) -> str:
    """An access token that is good from now on."""
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
    """What a good access token says; None for every other text."""
    claims, expires_at = _read(token, settings)
    return claims if expires_at > time.time() else None


def seconds_left(token: str, settings: Settings) -> float:
    """The seconds until a token expires; negative for one that is no good."""
    return _read(token, settings)[1] - time.time()


def _read(token: str, settings: Settings) -> tuple[Claims | None, float]:
    if len(token) > LONGEST_ACCESS_TOKEN or not ACCESS_TOKEN.fullmatch(token):
        return None, 0
    interval = time.time() // SECONDS_REMEMBERED
    return _verified(token, _access_key(settings), access_token_life(settings), interval)


def good_until(token: str, settings: Settings) -> float:
    """When a token that `verified_claims` has found good expires, in seconds since 1970."""
    interval = time.time() // SECONDS_REMEMBERED
    return _verified(token, _access_key(settings), access_token_life(settings), interval)[1]


# To verify a token costs more than all else that a small query needs, so that is remembered for
# as long as the last argument, the number of an interval, stays the same.
@lru_cache(maxsize=1024)
def _verified(token: str, key: bytes, life: int, _interval: float) -> tuple[Claims | None, float]:
    """What a token says and until when, in seconds since 1970; None and 0 for a bad one."""
    try:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            # `iat` may lie ahead by as much as two servers' clocks differ; `exp` is bounded below.
            options={"require": CLAIMS, "verify_iat": False, "strict_aud": True},
        )
        said = decoded["payload"]
        expires_at = said["exp"]
        # The library takes other forms of a number too.
        if {type(expires_at), type(said["iat"])} != {int}:
            return None, 0
        if decoded["header"] != HEADER or expires_at > time.time() + life + SECONDS_OF_SKEW:
            return None, 0
        return Claims(UUID(said["sub"]), UUID(str(said["sid"]))), expires_at
    except (jwt.PyJWTError, ValueError):
        return None, 0


def _access_key(settings: Settings) -> bytes:
    return derived_key(settings, "access tokens")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A session's secret of the moment.

    Its text ends in a keyed tag, so that what this server didn't make is refused without a look
    at the database and can end nobody's session.
    """

    session_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def first(cls, session_id: UUID) -> Self:
        """The token that a session begins with."""
        return cls(session_id, secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Self | None:
        """The token that `text` stands for; None unless this server made it."""
        if not REFRESH_TOKEN.fullmatch(text):
            return None
        content = base64.urlsafe_b64decode(text + "==")
        token = cls(UUID(bytes=content[:ID_BYTES]), content[ID_BYTES:-TAG_BYTES])
        return token if hmac.compare_digest(token.text(settings), text) else None

    def text(self, settings: Settings) -> str:
        """The token as its client keeps it."""
        content = self.session_id.bytes + self.secret
        tag = hmac.digest(derived_key(settings, "refresh token tags"), content, "sha256")
        return base64.urlsafe_b64encode(content + tag[:TAG_BYTES]).decode().rstrip("=")

    def child(self, settings: Settings) -> Self:
        """The one token that follows: a keyed hash, so it can be given again without being kept."""
        key = derived_key(settings, "refresh token children")
        return type(self)(self.session_id, hmac.digest(key, self.secret, "sha256"))

    @property
    def digest(self) -> bytes:
        """What the database stores of it."""
        return sha256(self.secret).digest()
