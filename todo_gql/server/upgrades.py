"""Requests that ask for another protocol on their connection: only a WebSocket is one that we speak.

What asks for any other is answered as if it hadn't asked (RFC 9110, section 7.8). httptools takes
either for the end of HTTP on the connection, and doesn't read the body, so that it is given the
head once more without what it stumbles over.
"""

from http import HTTPStatus
from typing import Final

from websockets.http11 import Request
from websockets.server import ServerProtocol

from todo_gql.http.headers import Pairs

WEBSOCKET: Final = b"websocket"


def is_handshake(method: bytes, version: str, headers: Pairs) -> bool:
    """Whether a request that asks for other protocols is the handshake of a WebSocket.

    It is a GET in HTTP/1.1 (RFC 6455, section 4.1); in HTTP/1.0 Upgrade has to be ignored.
    """
    asked = (value for name, value in headers if name == b"upgrade")
    names = {each.strip().lower() for value in asked for each in value.split(b",")}
    return method == b"GET" and version == "1.1" and WEBSOCKET in names


def announces_body(headers: Pairs) -> bool:
    """Whether a request says that something follows its head."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in headers
    )


def handshake(target: bytes, headers: Pairs) -> bytes:
    """The head of a handshake, which asks for nothing but a WebSocket, once."""
    asking = [(b"connection", b"Upgrade"), (b"upgrade", WEBSOCKET)]
    others = [pair for pair in headers if pair[0] not in {b"connection", b"upgrade"}]
    return _head(b"GET", target, "1.1", [*asking, *others])


def refusal(head: bytes) -> bytes | None:
    """The answer to a handshake that no WebSocket can come of; None if one can."""
    reader = ServerProtocol()
    reader.receive_data(head)
    match reader.events_received():
        case [Request() as request]:
            answer = reader.accept(request)
        case _:
            answer = reader.reject(HTTPStatus.BAD_REQUEST, "This is not a WebSocket handshake.\n")
    is_good = answer.status_code == HTTPStatus.SWITCHING_PROTOCOLS
    return None if is_good else answer.serialize()


def without_upgrade(method: bytes, target: bytes, version: str, headers: Pairs) -> bytes:
    """The head of a request that asks for no other protocol."""
    return _head(method, target, version, [pair for pair in headers if pair[0] != b"upgrade"])


def _head(method: bytes, target: bytes, version: str, headers: Pairs) -> bytes:
    lines = [b"%b: %b\r\n" % pair for pair in headers]
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version.encode(), b"".join(lines))
