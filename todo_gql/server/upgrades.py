"""Requests that upgrade their connection to another protocol; only WebSocket is supported.

Any other upgrade is ignored (RFC 9110, section 7.8). httptools stops at every request with Upgrade
and doesn't read its body, so the head is parsed once more, without the header Upgrade.
"""

from http import HTTPStatus
from typing import Final

from websockets.http11 import Request
from websockets.server import ServerProtocol

from todo_gql.http.headers import Pairs

WEBSOCKET: Final = b"websocket"


def is_handshake(method: bytes, version: str, headers: Pairs) -> bool:
    """Whether an upgrade request is the handshake of a WebSocket.

    A handshake is a GET in HTTP/1.1 (RFC 6455, section 4.1); in HTTP/1.0 Upgrade is ignored.
    """
    upgrades = (value for name, value in headers if name == b"upgrade")
    names = {each.strip().lower() for value in upgrades for each in value.split(b",")}
    return method == b"GET" and version == "1.1" and WEBSOCKET in names


def announces_body(headers: Pairs) -> bool:
    """Whether a request's head announces a body (RFC 9112, section 6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in headers
    )


def handshake(target: bytes, headers: Pairs) -> bytes:
    """The head of a handshake, with the only Upgrade websocket."""
    upgrade = [(b"connection", b"Upgrade"), (b"upgrade", WEBSOCKET)]
    others = [pair for pair in headers if pair[0] not in {b"connection", b"upgrade"}]
    return _head(b"GET", target, "1.1", [*upgrade, *others])


def rejection(head: bytes) -> bytes | None:
    """The response to an invalid handshake (RFC 6455, section 4.2.2); None for a valid one."""
    reader = ServerProtocol()
    reader.receive_data(head)
    match reader.events_received():
        case [Request() as request]:
            answer = reader.accept(request)
        case _:
            answer = reader.reject(HTTPStatus.BAD_REQUEST, "This is not a WebSocket handshake.\n")
    is_accepted = answer.status_code == HTTPStatus.SWITCHING_PROTOCOLS
    return None if is_accepted else answer.serialize()


def without_upgrade(method: bytes, target: bytes, version: str, headers: Pairs) -> bytes:
    """The head of a request, without the header Upgrade."""
    return _head(method, target, version, [pair for pair in headers if pair[0] != b"upgrade"])


def _head(method: bytes, target: bytes, version: str, headers: Pairs) -> bytes:
    lines = [b"%b: %b\r\n" % pair for pair in headers]
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version.encode(), b"".join(lines))
