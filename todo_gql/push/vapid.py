"""The header by which a push service knows who sends a message (VAPID, RFC 8292)."""

import time
from typing import Final

import orjson
from Crypto.Hash import SHA256
from Crypto.Signature import DSS
from yarl import URL

from todo_gql.push.keys import PushKey
from todo_gql.security.base64url import encoded

LIFETIME_SECONDS: Final = 12 * 60 * 60
"""How long a header is valid; push services refuse more than 24 hours."""

HEADER: Final = encoded(orjson.dumps({"typ": "JWT", "alg": "ES256"}))


def authorization(endpoint: str, subject: str, key: PushKey) -> str:
    """The Authorization header for one request: a JWT whose audience is the endpoint's origin.

    The claims are made for each request, since a header for one push service is refused by others.
    """
    claims = {
        "aud": str(URL(endpoint).origin()),
        "exp": int(time.time()) + LIFETIME_SECONDS,
        "sub": subject,
    }
    signed = f"{HEADER}.{encoded(orjson.dumps(claims))}"
    signature = DSS.new(key.private, "fips-186-3").sign(SHA256.new(signed.encode()))
    return f"vapid t={signed}.{encoded(signature)}, k={key.public}"
