"""Forged tokens over HTTP: with each of them a request is anonymous, and nothing worse."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.accounts import Account, Client
from tests.support.forged_tokens import FORGERIES, Forger, minted, segment, unsigned
from todo_gql.security import authentication
from todo_gql.security.key_derivation import derived_key
from todo_gql.security.tokens import Claims, RefreshToken
from todo_gql.settings import Settings

VIEWER = "{ viewer { id } }"
CURSOR = "{ changeCursor }"


def having(**header: Any) -> Forger:
    """Forges a token with more in its header."""
    return lambda s, c: minted(s, c, header=header)


def saying(**payload: Any) -> Forger:
    """Forges a token that says something else, signed with the server's own key."""
    return lambda s, c: minted(s, c, **payload)


def each(kinds: dict[str, list[object]], forger: Callable[..., Forger]) -> dict[str, Forger]:
    """A forger for each of the values of each name."""
    return {
        f"{name} {value!r}": forger(**{name: value})
        for name, values in kinds.items()
        for value in values
    }


def unsigned_with(*, unsigned_alg: object) -> Forger:
    """Forges a token without a signature, of an algorithm that is said to need none."""
    return lambda s, c: unsigned(minted(s, c, header={"alg": unsigned_alg}))


def headed(header: dict[str, Any], settings: Settings, claims: Claims) -> str:
    """A token with exactly this header, signed with the server's own key."""
    signed = f"{segment(header)}.{minted(settings, claims).split('.')[1]}"
    key = derived_key(settings, "access tokens")
    return f"{signed}.{segment(hmac.digest(key, signed.encode(), 'sha256'))}"


def hs384(settings: Settings, claims: Claims) -> str:
    """A token signed with the server's own key by another algorithm, rightly."""
    signed = minted(settings, claims, header={"alg": "HS384"}).rpartition(".")[0]
    key = derived_key(settings, "access tokens")
    return f"{signed}.{segment(hmac.digest(key, signed.encode(), 'sha384'))}"


def as_public_key(settings: Settings, claims: Claims) -> str:
    """A token signed with the server's own key in the form that public keys have."""
    key = base64.encodebytes(derived_key(settings, "access tokens"))
    pem = b"-----BEGIN PUBLIC KEY-----\n" + key + b"-----END PUBLIC KEY-----\n"
    return minted(settings, claims, header={"alg": "HS256"}, key=pem)


def unencoded(settings: Settings, claims: Claims) -> str:
    """A token whose payload stands in it as it is, as RFC 7797 would allow."""
    header = segment({"alg": "HS256", "typ": "at+jwt", "b64": False, "crit": ["b64"]})
    payload = payload_of(minted(settings, claims)).decode()
    key = derived_key(settings, "access tokens")
    digest = hmac.digest(key, f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{segment(digest)}"


def containing(payload: bytes, settings: Settings) -> str:
    """A token with exactly this payload, signed with the server's own key."""
    signed = f"{segment({'alg': 'HS256', 'typ': 'at+jwt'})}.{segment(payload)}"
    key = derived_key(settings, "access tokens")
    return f"{signed}.{segment(hmac.digest(key, signed.encode(), 'sha256'))}"


def payload_of(token: str) -> bytes:
    """What a token says, as JSON."""
    return base64.urlsafe_b64decode(token.split(".")[1] + "==")


def with_many_digits(settings: Settings, claims: Claims) -> str:
    """A token whose exp has 1,000 digits."""
    said = payload_of(minted(settings, claims, exp=1))
    return containing(said.replace(b'"exp": 1', b'"exp": ' + b"9" * 1000), settings)


def naming_two(settings: Settings, claims: Claims) -> str:
    """A token with two subjects, the first of them the user."""
    said = payload_of(minted(settings, claims))
    return containing(said[:-1] + b', "sub": "admin"}', settings)


UNSIGNED: dict[str, list[object]] = {
    "unsigned_alg": ["none", "None", "NONE", "nOnE", "none ", "", None, [], {}, 0, True]
}
HEADERS: dict[str, list[object]] = {
    "alg": ["hs256", "RS256", "PS256", "ES256", "EdDSA", "HS256K", "dir", "HS256,none", ["HS256"]],
    "typ": ["JWT", "AT+JWT", "application/at+jwt", "refresh", "", None, ["at+jwt"]],
    "kid": ["/dev/null", "http://127.0.0.1:9/key", "x' UNION SELECT 'AA' --", "", None, ["a"]],
    "jku": ["http://127.0.0.1:9/keys"],
    "x5u": ["http://127.0.0.1:9/certificate"],
    "x5c": [["AA"]],
    "cty": ["JWT"],
    "zip": ["DEF"],
    "crit": [[], "exp", ["exp"], None],
}
PAYLOADS: dict[str, list[object]] = {
    "exp": [0, -1, 1e300, 10**400, 2**64, float("nan"), float("-inf"), True, "", [], {}, "2030"],
    "aud": [["todo_gql"], [], "", "TODO_GQL", "todo_gql ", 1, {"todo_gql": 1}, [None]],
    "iss": [["todo_gql"], "", "TODO_GQL", 1, {}],
    "sub": ["", "admin", "' OR 1=1 --", "*", "\0", "\ud800", [], {}, 0, True],
    "sid": ["", "x", "\0", 0, True, {}, [None]],
    "iat": ["now", [], {}, 1.5],
    "jti": [1, [], {}],
    "nbf": ["now"],
}
MORE_FORGERIES: dict[str, Forger] = {
    **each(UNSIGNED, unsigned_with),
    "alg none without the last dot": lambda s, c: unsigned(minted(s, c, header={"alg": "none"}))[
        :-1
    ],
    "no alg": lambda s, c: headed({"typ": "at+jwt"}, s, c),
    "alg HS384": hs384,
    "the key as a public key": as_public_key,
    **each(HEADERS, having),
    "no typ": lambda s, c: headed({"alg": "HS256"}, s, c),
    "a jwk that is the key": lambda s, c: minted(
        s, c, header={"jwk": {"kty": "oct", "k": segment(b"k" * 32)}}, key=b"k" * 32
    ),
    "b64 false": unencoded,
    "b64 false, encoded": having(b64=False, crit=["b64"]),
    "a header of a list": lambda s, c: f"{segment([])}.{minted(s, c).partition('.')[2]}",
    "a header of null": lambda s, c: f"{segment(None)}.{minted(s, c).partition('.')[2]}",
    "exp of text": lambda s, c: minted(s, c, exp=str(int(time.time()) + 60)),
    "exp of a float": lambda s, c: minted(s, c, exp=time.time() + 60.5),
    "exp of 1,000 digits": with_many_digits,
    **each(PAYLOADS, saying),
    "two subjects": naming_two,
    "a payload of a list": lambda s, _c: containing(b"[]", s),
    "a space within": lambda s, c: minted(s, c)[:-5] + " " + minted(s, c)[-5:],
    "a tab within": lambda s, c: minted(s, c)[:-5] + "\t" + minted(s, c)[-5:],
    "a line break within": lambda s, c: minted(s, c)[:-5] + "\n" + minted(s, c)[-5:],
    "a space in the payload": lambda s, c: minted(s, c).replace(".", ". ", 1),
    "two tokens": lambda s, c: f"{minted(s, c)} {minted(s, c)}",
    "two tokens and a comma": lambda s, c: f"{minted(s, c)}, {minted(s, c)}",
    "two dots more": lambda s, c: f"{minted(s, c)}..",
    "five parts": lambda s, c: f"{minted(s, c)}.AA.AA",
    "a dot first": lambda s, c: "." + minted(s, c),
    "padding": lambda s, c: minted(s, c) + "=",
    "more padding": lambda s, c: minted(s, c) + "====",
    "signs outside of base64": lambda s, c: minted(s, c) + "!*",
    "a NUL at the end": lambda s, c: minted(s, c) + "\0",
    "a NUL within": lambda s, c: minted(s, c)[:-5] + "\0" + minted(s, c)[-5:],
    "percent-encoding": lambda s, c: minted(s, c).replace(".", "%2E"),
    "quotes": lambda s, c: f'"{minted(s, c)}"',
    "a scheme twice": lambda s, c: f"Bearer {minted(s, c)}",
    "a megabyte of A": lambda _s, _c: "A" * 1_000_000,
    "a megabyte of dots": lambda _s, _c: "." * 1_000_000,
    "a megabyte of signature": lambda s, c: minted(s, c) + "A" * 1_000_000,
    "full-width letters": lambda s, c: minted(s, c).replace("e", "\uff45", 1),
    "an opaque token of 86 characters": lambda _s, _c: secrets.token_urlsafe(64),
    "the child of a refresh token": lambda s, c: RefreshToken.first(c.session_id).child(s).text(s),
}
ALL = {**FORGERIES, **MORE_FORGERIES}


async def own_claims(account: Account, settings: Settings) -> Claims:
    """What the account's own access token says."""
    viewer = await authentication.authenticate(account.token, settings)
    assert viewer
    return Claims(viewer.id, viewer.session_id)


async def ask(client: Client, query: str, token: str) -> Any:
    """The answer to a query with any token at all, sent as the bytes that it is."""
    sent = b"Bearer " + token.encode("utf-8", "surrogatepass")
    headers = [(b"authorization", sent), (b"content-type", b"application/json")]
    body = json.dumps({"query": query}).encode()
    return await client.http.post("/graphql", content=body, headers=headers)


@pytest.mark.parametrize("forge", ALL.values(), ids=ALL)
async def test_who_brings_a_forged_token_is_nobody(
    client: Client, account: Account, settings: Settings, forge: Forger
) -> None:
    """The viewer is null, and what needs one says so; without the forgery it would be the user."""
    claims = await own_claims(account, settings)
    forged = forge(settings, claims)
    good = await ask(client, VIEWER, minted(settings, claims))
    assert good.json()["data"] == {"viewer": {"id": account.id}}
    anonymous = await ask(client, VIEWER, forged)
    assert (anonymous.status_code, anonymous.json()["data"]) == (200, {"viewer": None})
    refused = await ask(client, CURSOR, forged)
    assert refused.status_code == 200
    assert [error["extensions"]["code"] for error in refused.json()["errors"]] == [
        "UNAUTHENTICATED"
    ]
    challenge = 'Bearer error="invalid_token"' if forged else None
    assert refused.headers.get("www-authenticate") == challenge


async def test_an_access_token_refreshes_nothing(client: Client, account: Account) -> None:
    """The one kind can't stand for the other, and the session goes on."""
    mutation = (
        "mutation ($token: String!) { tokenRefresh(refreshToken: $token) { errors { code } } }"
    )
    for token in (account.token, f"Bearer {account.refresh_token}", secrets.token_urlsafe(64)):
        answer = await client.execute(mutation, {"token": token})
        assert answer["data"]["tokenRefresh"] == {"errors": [{"code": "INVALID_TOKEN"}]}
    answer = await client.execute(mutation, {"token": account.refresh_token})
    assert answer["data"]["tokenRefresh"] == {"errors": []}
