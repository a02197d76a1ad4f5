"""Access tokens that the server did not sign."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from todo_gql.security.key_derivation import derived_key
from todo_gql.security.tokens import Claims, RefreshToken
from todo_gql.settings import Settings


def segment(content: object) -> str:
    """A part of a token."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def minted(
    settings: Settings,
    claims: Claims,
    *,
    header: dict[str, Any] | None = None,
    key: bytes | None = None,
    **payload: object,
) -> str:
    """A token like the server's own, but for what is given; a claim of None is left out."""
    now = int(time.time())
    said = {
        "iss": "todo_gql",
        "aud": "todo_gql",
        "sub": str(claims.user_id),
        "sid": str(claims.session_id),
        "jti": "0" * 32,
        "iat": now,
        "exp": now + 60,
    } | payload
    said = {name: value for name, value in said.items() if value is not None}
    head = {"alg": "HS256", "typ": "at+jwt"} | (header or {})
    signed = f"{segment(head)}.{segment(said)}"
    digest = "sha512" if head["alg"] == "HS512" else "sha256"
    signing_key = derived_key(settings, "access tokens") if key is None else key
    return f"{signed}.{segment(hmac.digest(signing_key, signed.encode(), digest))}"


def unsigned(token: str) -> str:
    """The token without its signature."""
    return token.rpartition(".")[0] + "."


Forger = Callable[[Settings, Claims], str]

FORGERIES: dict[str, Forger] = {
    "alg none": lambda s, c: unsigned(minted(s, c, header={"alg": "none"})),
    "alg None, signed": lambda s, c: minted(s, c, header={"alg": "None"}),
    "alg RS256": lambda s, c: minted(s, c, header={"alg": "RS256"}),
    "alg HS512": lambda s, c: minted(s, c, header={"alg": "HS512"}),
    "no signature": lambda s, c: unsigned(minted(s, c)),
    "another key": lambda s, c: minted(s, c, key=b"another key of 32 bytes or more.."),
    "an empty key": lambda s, c: minted(s, c, key=b""),
    "the secret key itself": lambda s, c: minted(s, c, key=s.key),
    "the key of refresh tokens": lambda s, c: minted(
        s, c, key=derived_key(s, "refresh token tags")
    ),
    "another typ": lambda s, c: minted(s, c, header={"typ": "JWT"}),
    "a kid": lambda s, c: minted(s, c, header={"kid": "../../dev/null"}),
    "a crit": lambda s, c: minted(s, c, header={"crit": ["b64"], "b64": True}),
    "an unknown crit": lambda s, c: minted(s, c, header={"crit": ["exp"]}),
    "a jwk": lambda s, c: minted(s, c, header={"jwk": {"kty": "oct", "k": "AA"}}),
    "no exp": lambda s, c: minted(s, c, exp=None),
    "no iat": lambda s, c: minted(s, c, iat=None),
    "no sub": lambda s, c: minted(s, c, sub=None),
    "no sid": lambda s, c: minted(s, c, sid=None),
    "no jti": lambda s, c: minted(s, c, jti=None),
    "no iss": lambda s, c: minted(s, c, iss=None),
    "no aud": lambda s, c: minted(s, c, aud=None),
    "expired": lambda s, c: minted(s, c, exp=int(time.time()) - 1),
    "exp far away": lambda s, c: minted(
        s, c, exp=int(time.time()) + s.access_token_expire_minutes * 60 + 60
    ),
    "exp infinite": lambda s, c: minted(s, c, exp=float("inf")),
    "exp of a list": lambda s, c: minted(s, c, exp=[1]),
    "another aud": lambda s, c: minted(s, c, aud="other"),
    "one aud of many": lambda s, c: minted(s, c, aud=["todo_gql", "other"]),
    "another iss": lambda s, c: minted(s, c, iss="other"),
    "sub of no UUID": lambda s, c: minted(s, c, sub="admin"),
    "sub of a number": lambda s, c: minted(s, c, sub=1),
    "sid of a list": lambda s, c: minted(s, c, sid=[]),
    "not yet valid": lambda s, c: minted(s, c, nbf=int(time.time()) + 3600),
    "over 4 KB": lambda s, c: minted(s, c, filler="x" * 4096),
    "a megabyte": lambda s, c: minted(s, c, filler="x" * 1_000_000),
    "deep nesting": lambda _s, _c: f"{segment(b'[' * 3000)}.{segment({})}.{segment(b'')}",
    "not ASCII": lambda s, c: minted(s, c) + "\u00e9",
    "a lone surrogate": lambda s, c: minted(s, c) + "\ud800",
    "no token at all": lambda _s, _c: "Bearer",
    "nothing": lambda _s, _c: "",
    "dots": lambda _s, _c: "..",
    "refresh as access": lambda s, c: RefreshToken.first(c.session_id).text(s),
}
