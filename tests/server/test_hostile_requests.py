"""What no client sends, byte for byte, to a server process: each gets an answer, and none a 500."""

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.processes import Server, serving

QUERY = '{"query": "{ __typename }"}'
VARIABLES = '{"query": "{ __typename }", "variables": %s}'
ANSWERED, REFUSED, TOO_LARGE, UNSUPPORTED = 200, 400, 413, 415


def _listed(times: int) -> str:
    """A JSON object with so many lists in lists; two of them hold the others."""
    return f'{{"a": [0{", [[]]" * (times - 1)}]}}'


BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", REFUSED),
    "null": (b"null", REFUSED),
    "a number": (b"5", REFUSED),
    "a string": (b'"x"', REFUSED),
    "a list": (b"[1,2]", REFUSED),
    "a batch": (f"[{QUERY}]".encode(), REFUSED),
    "a batch of 20,000": (f"[{', '.join(['{}'] * 20_000)}]".encode(), REFUSED),
    "no UTF-8": (b'{"query": "\xff\xfe"}', REFUSED),
    "an overlong NUL": (b'{"query": "\xc0\x80"}', REFUSED),
    "UTF-16": (QUERY.encode("utf-16"), REFUSED),
    "UTF-32": (QUERY.encode("utf-32"), REFUSED),
    "a byte order mark": (QUERY.encode("utf-8-sig"), REFUSED),
    "gzip": (gzip.compress(QUERY.encode()), REFUSED),
    "100,000 brackets": (b"[" * 100_000, REFUSED),
    "100,000 brackets in variables": (
        (VARIABLES % f'{{"a": {"[" * 100_000}{"]" * 100_000}}}').encode(),
        REFUSED,
    ),
    "20,001 objects and lists": ((VARIABLES % _listed(10_000)).encode(), REFUSED),
    "20,001 objects and lists beside a surrogate": (
        (VARIABLES % _listed(10_000).replace("0", r'"\ud800"', 1)).encode(),
        REFUSED,
    ),
    "20,000 objects and lists": ((VARIABLES % _listed(9_999)).encode(), ANSWERED),
    "20,000 brackets in a string": ((VARIABLES % f'{{"a": "{"[" * 20_000}"}}').encode(), ANSWERED),
    "a number of 5,000 digits": ((VARIABLES % f'{{"a": {"9" * 5000}}}').encode(), REFUSED),
    "NaN": ((VARIABLES % '{"a": NaN}').encode(), REFUSED),
    "NaN beside a surrogate": ((VARIABLES % r'{"a": NaN, "b": "\ud800"}').encode(), REFUSED),
    "Infinity": ((VARIABLES % '{"a": -Infinity}').encode(), REFUSED),
    "an infinite number": ((VARIABLES % '{"a": 1e999999}').encode(), REFUSED),
    "lone surrogates": ((VARIABLES % r'{"a": "\ud800", "\udfff": "\udfff"}').encode(), ANSWERED),
    "one key twice": (b'{"query": "{", "query": "{ __typename }"}', ANSWERED),
    "300,000 bytes": (b" " * 300_000 + QUERY.encode(), TOO_LARGE),
}
QUERY_STRINGS: dict[str, tuple[str, int]] = {
    "nothing": ("", REFUSED),
    "a percent sign": ("query=%", ANSWERED),
    "half a percent sign": ("query=%7", ANSWERED),
    "more percent signs than escapes": ("query=" + "%" * 20, REFUSED),
    "as many escapes as there may be": ("%71uery=" + "%7b" * 3_000, ANSWERED),
    "no UTF-8": ("query=%ff%fe", REFUSED),
    "a surrogate": ("query=%ED%A0%80", REFUSED),
    "NUL": ("query=%00", ANSWERED),
    "separators": ("&&=&&", REFUSED),
    "a thousand fields": ("a=1&" * 1000 + "query={__typename}", REFUSED),
    "variables of half a percent sign": ("query={__typename}&variables=%", REFUSED),
    "variables that are NaN": ("query={__typename}&variables=NaN", REFUSED),
    "variables with a surrogate": (
        "query={__typename}&variables=%7B%22a%22:%22%5Cud800%22%7D",
        ANSWERED,
    ),
}
CONTENT_TYPES = [
    "",
    ";",
    "text/plain",
    "application/graphql",
    "application/json; charset=utf-16",
    "multipart/form-data; boundary=x",
]
INNER_WORDS = ("Traceback", "asyncpg", "tortoise", ".py", "Error(")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server that lives and has no error to log in the end."""
    settings = {"DATABASE_URL": database_url}
    with serving(tmp_path_factory.mktemp("hostile") / "data", settings) as server:
        yield server
        assert answered(server, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")[0] == ANSWERED
        logged = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line for line in logged if line["level"] == "ERROR"] == []


def answered(server: Server, request: bytes) -> tuple[int, Any]:
    """The status of the answer to what is sent, and its JSON."""
    place = urlsplit(server.address)
    assert place.hostname
    assert place.port
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as received:
            status = int(received.readline().split()[1])
            headers = [line.lower() for line in iter(received.readline, b"\r\n")]
            [length] = [int(line[15:]) for line in headers if line.startswith(b"content-length:")]
            return status, json.loads(received.read(length))


def check(answer: tuple[int, Any], expected: int) -> None:
    """Fail unless the answer has the status, and an error's code or data but no inner word."""
    status, body = answer
    assert status == expected
    assert not any(word in json.dumps(body) for word in INNER_WORDS)
    if status == ANSWERED:
        assert "data" in body or body["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    else:
        parts = body if isinstance(body, list) else [body]
        errors = [error for part in parts for error in part["errors"]]
        assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]


def post(body: bytes, content_type: str = "application/json", length: int | None = None) -> bytes:
    """A POST, byte for byte, which may announce another length than it has."""
    return (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_answered(server: Server, name: str) -> None:
    """Every body gets an answer."""
    body, expected = BODIES[name]
    check(answered(server, post(body)), expected)


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_body_of_another_type_is_refused(server: Server, content_type: str) -> None:
    """A body of another media type is refused, even if it is JSON."""
    check(answered(server, post(QUERY.encode(), content_type)), UNSUPPORTED)


def test_a_body_that_is_announced_too_large_is_not_waited_for(server: Server) -> None:
    """A body that is announced too large gets status 413 before it is sent."""
    check(answered(server, post(b"{", length=50 * 2**20)), TOO_LARGE)


@pytest.mark.parametrize("name", QUERY_STRINGS)
def test_a_query_string_is_answered(server: Server, name: str) -> None:
    """Every query string gets an answer."""
    query_string, expected = QUERY_STRINGS[name]
    request = f"GET /graphql?{query_string} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    check(answered(server, request), expected)
