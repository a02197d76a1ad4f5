"""Many people on WebSockets, who cost little themselves."""

import asyncio
import base64
import json
import os
import struct
import time
from collections.abc import Callable
from typing import Any

KEY = base64.b64encode(os.urandom(16)).decode()
UPGRADE = (
    "GET /graphql HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SHORT, MEDIUM = 126, 127
HEAD, LONGER_HEAD = 2, 4


class Subscriber(asyncio.Protocol):
    """A WebSocket that gives each message to a function, with the time when it came."""

    def __init__(self, host: str, on_message: Callable[[dict[str, Any], float], None]) -> None:
        self.host = host
        self.on_message = on_message
        self.transport: asyncio.Transport
        self.opened = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(UPGRADE.format(self.host).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(exc)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.opened.done():
            head, separator, self.buffer = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                self.buffer = head
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self.opened.set_result(None)
        while self._take_frame():
            pass

    def _take_frame(self) -> bool:
        """Handle the first frame in the buffer; False unless it is there in full."""
        if len(self.buffer) < HEAD:
            return False
        opcode, length, start = self.buffer[0] & 15, self.buffer[1], HEAD
        assert length < MEDIUM, "a message longer than a benchmark expects"
        if length == SHORT:
            if len(self.buffer) < LONGER_HEAD:
                return False
            start, [length] = LONGER_HEAD, struct.unpack_from("!H", self.buffer, HEAD)
        if len(self.buffer) < start + length:
            return False
        payload = self.buffer[start : start + length]
        self.buffer = self.buffer[start + length :]
        if opcode == TEXT:
            self.on_message(json.loads(payload), time.time())
        elif opcode == PING:
            self._frame(PONG, payload)
        elif opcode == CLOSE:
            self.transport.close()
        return True

    def _frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        # Masked by zeros, which is a mask too.
        head = bytes([128 | opcode, 128 | size]) if size < SHORT else b""
        head = head or bytes([128 | opcode, 128 | SHORT]) + struct.pack("!H", size)
        self.transport.write(head + b"\0\0\0\0" + payload)

    def send(self, **message: Any) -> None:
        """Send a message."""
        self._frame(TEXT, json.dumps(message).encode())


class Writer:
    """Somebody who sends one operation after the other on one HTTP connection."""

    def __init__(self, host: str, token: str) -> None:
        self.host = host
        self.token = token
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def execute(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer to an operation; `OSError` or `EOFError` if there is none."""
        host, port = self.host.split(":")
        self.streams = self.streams or await asyncio.open_connection(host, int(port))
        reader, writer = self.streams
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(answer.split("content-length: ")[1].split("\r\n")[0])
            return dict(json.loads(await reader.readexactly(length)))
        except (OSError, EOFError):
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self.streams:
            self.streams[1].close()
        self.streams = None


async def subscribed(
    host: str, token: str, query: str, on_message: Callable[[dict[str, Any], float], None]
) -> Subscriber:
    """A subscriber whose subscription is live."""
    ready = asyncio.Event()

    def first(message: dict[str, Any], at: float) -> None:
        if message["type"] == "connection_ack":
            one.send(id="1", type="subscribe", payload={"query": query})
            one.send(id="2", type="subscribe", payload={"query": "{ __typename }"})
        elif message.get("id") == "2":
            ready.set()
        else:
            on_message(message, at)

    name, port = host.split(":")
    loop = asyncio.get_running_loop()
    _, one = await loop.create_connection(lambda: Subscriber(host, first), name, int(port))
    await one.opened
    one.send(type="connection_init", payload={"token": token})
    await ready.wait()
    return one
