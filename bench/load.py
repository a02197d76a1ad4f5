"""The load: connections that each send the next request once they have the last answer."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from bench.servers import Server

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "
WARM_UP_SECONDS = 0.4
FEWEST, MOST = 40, 40_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """What some requests took: CPU of the server process and latencies, in milliseconds."""

    requests: int
    cpu_ms: float
    per_second: float
    p50_ms: float
    p99_ms: float


class Client(asyncio.Protocol):
    """One connection, and its requests."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.left = 0
        self.latencies: list[float] = []
        self.answer = b""
        self.received = b""
        self.expected = 0
        self.begun = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to send."""
        self.transport = cast("asyncio.Transport", transport)

    def start(self, requests: int) -> asyncio.Future[None]:
        """Send so many requests, one after the other."""
        self.left = requests
        self.done = asyncio.get_running_loop().create_future()
        self._next()
        return self.done

    def _next(self) -> None:
        assert self.transport is not None
        self.received, self.expected = b"", 0
        request = next(self.requests)
        self.begun = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read on, and go on once the answer is whole."""
        self.received += data
        if not self.expected:
            end = self.received.find(END_OF_HEAD)
            if end < 0:
                return
            start = self.received.index(LENGTH) + len(LENGTH)
            length = int(self.received[start : self.received.index(b"\r", start)])
            self.expected = end + len(END_OF_HEAD) + length
        if len(self.received) < self.expected:
            return
        self.latencies.append(time.perf_counter() - self.begun)
        self.left -= 1
        if not self.received.startswith(b"HTTP/1.1 200") or b'"errors":[{' in self.received:
            self.done.set_exception(RuntimeError(self.received.decode(errors="replace")))
        elif self.left > 0:
            self._next()
        else:
            self.answer = self.received.partition(END_OF_HEAD)[2]
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("The server closed the connection."))


async def answer(server: Server, request: bytes) -> bytes:
    """The body of one answer."""
    [client] = await _connected(server, [iter([request])])
    await client.start(1)
    _close([client])
    return client.answer


async def measure(
    server: Server, requests: Sequence[Iterator[bytes]], seconds: float
) -> Measurement:
    """Send about so many seconds' worth of requests, over one connection for each iterator."""
    clients = await _connected(server, requests)
    try:
        number = await _warmed_up(clients, seconds)
        for client in clients:
            client.latencies.clear()
        cpu, begun = server.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(client.start(number) for client in clients))
        elapsed = time.perf_counter() - begun
        spent = server.cpu_seconds() - cpu
    finally:
        _close(clients)
    latencies = sorted(second for client in clients for second in client.latencies)
    total = len(latencies)
    return Measurement(
        total,
        spent / total * 1000,
        total / elapsed,
        latencies[total // 2] * 1000,
        latencies[total * 99 // 100] * 1000,
    )


async def _warmed_up(clients: Sequence[Client], seconds: float) -> int:
    """Answers enough to have everything cached, and how many requests a connection then gets."""
    begun, sent = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begun) < WARM_UP_SECONDS:
        await asyncio.gather(*(client.start(2) for client in clients))
        sent += 2
    return min(max(int(sent / elapsed * seconds), FEWEST // len(clients) + 1), MOST)


async def _connected(server: Server, requests: Sequence[Iterator[bytes]]) -> list[Client]:
    loop = asyncio.get_running_loop()
    clients = [Client(each) for each in requests]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", server.port)  # type: ignore[misc]
    return clients


def _close(clients: Sequence[Client]) -> None:
    for client in clients:
        if client.transport:
            client.transport.close()
