"""The access token in a `connection_init`, for whose name and form clients have no common convention."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from todo_gql.http.graphql.request import BadRequest

Members: TypeAlias = Mapping[str, Any]

# Names of members, letters only; the first of them that is present counts.
NAMES: Final = ("authorization", "authtoken", "accesstoken", "token")
# Similar names, under which a client may expect a token to be read.
SIMILAR: Final = re.compile(
    "token$|^x?auth$|^authori[sz]ation|^authentication|jwt|^bearer|credential"
)
A_TOKEN: Final = re.compile(r"(?i:bearer)\s+\S|[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}$|tdg_\w+$")
MAX_MEMBERS: Final = 100
MAX_NAME_LENGTH: Final = 50
NOT_A_STRING: Final = "The access token must be a string, such as “Bearer …” in authorization."
WRONG_NAME: Final = "A token is sent under a name that is not read: send it as authorization."


def token_in(payload: Members | None) -> str | None:
    """The access token in the payload of a `connection_init`; None if there is none.

    It is read from the payload or from its `headers`, with or without the word Bearer. Raises
    BadRequest for a token that isn't a string or has another name, rather than treat its sender as
    anonymous.
    """
    payload = payload or {}
    headers = payload.get("headers")
    if not isinstance(headers, dict | None):
        raise BadRequest(400, "The headers in the payload must be an object.")
    members = list(islice(_members(payload), MAX_MEMBERS + 1))
    if len(members) > MAX_MEMBERS:
        raise BadRequest(400, f"The payload may have at most {MAX_MEMBERS} members.")
    tokens = {}
    for container in (headers or {}, payload):
        for name, value in container.items():
            if (plain := _plain(name)) in NAMES and (token := _token(value)):
                tokens[plain] = token
    for name in NAMES:
        if name in tokens:
            return tokens[name]
    if any(_is_similar(name, value) for name, value in members):
        raise BadRequest(400, WRONG_NAME)
    return None


def _plain(name: str) -> str:
    return re.sub("[^a-z]", "", name[:MAX_NAME_LENGTH].lower())


def _token(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRequest(400, NOT_A_STRING)
    scheme, *rest = value.split(maxsplit=1) or [""]
    if scheme.lower() == "bearer":
        return rest[0].strip() if rest else None
    return value.strip() or None


def _members(value: object) -> Iterator[tuple[str, object]]:
    """All members of an object, and of the objects and lists in it; an item has its list's name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _named(name, inner)


def _named(name: str, value: object) -> Iterator[tuple[str, object]]:
    yield name, value
    yield from _members(value)
    if isinstance(value, list):
        for item in value:
            yield from _named(name, item)


def _is_similar(name: str, value: object) -> bool:
    if isinstance(value, str) and A_TOKEN.match(value.strip()):
        return True
    plain = _plain(name)
    return plain not in NAMES and bool(value) and bool(SIMILAR.search(plain))
