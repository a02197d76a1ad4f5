"""The states that a client can leave a connection in."""

KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    + KEY
    + b"Sec-WebSocket-Protocol: %b\r\n"
)

OURS = HANDSHAKE % b"graphql-transport-ws"

POST = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

BODY = b'{"query": "{ __typename }"}'

WHOLE = POST + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def frame(text: bytes, kind: int = 0x81) -> bytes:
    """A short frame of a client."""
    return bytes([kind, 0x80 | len(text)]) + b"\0\0\0\0" + text


STATES: dict[str, list[bytes]] = {
    "nothing": [],
    "a line end": [b"\r\n"],
    "half a line": [b"POST /gra"],
    "half a head": [POST],
    "no body": [POST + b"Content-Length: 9\r\n\r\n"],
    "half a body": [POST + b"Content-Length: 9\r\n\r\n{"],
    "half a chunk": [POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"],
    "chunks without an end": [POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n"],
    "told to go on": [POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"],
    "half a request after one": [WHOLE + POST],
    "a line end after an answer": [WHOLE, b"\r\n"],
    "refused": [b"nonsense\r\n\r\n"],
    "refused as too large": [POST + b"Content-Length: 900000\r\n\r\n{"],
    "refused as of another type": [
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    ],
    "a tunnel": [b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"],
    "h2c without its body": [
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 9\r\n\r\n"
    ],
    "half a handshake": [OURS],
    "a handshake with a body": [OURS + b"Content-Length: 5\r\n\r\n"],
    "a handshake with chunks": [OURS + b"Transfer-Encoding: chunked\r\n\r\n"],
    "a handshake without a key": [OURS.replace(KEY, b"") + b"\r\n"],
    "a handshake with a long header": [OURS + b"X: %b\r\n\r\n" % (b"x" * 9000)],
    "a handshake with many headers": [OURS + b"X: y\r\n" * 150 + b"\r\n"],
    "a WebSocket that says nothing": [OURS + b"\r\n"],
    "a WebSocket of another kind": [HANDSHAKE % b"graphql-ws" + b"\r\n"],
    "a WebSocket with half a frame": [OURS + b"\r\n", frame(b"x" * 100)[:20]],
    "a WebSocket that is closed for what it said": [OURS + b"\r\n", frame(b"nonsense")],
    "a WebSocket that closes": [OURS + b"\r\n", frame(b"\x03\xe8", 0x88)],
}
