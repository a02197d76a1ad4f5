"""The HTTPS client for URLs that users chose; each connection is checked when it is opened."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.connector import Connection
from yarl import URL

from todo_gql.outbound.addresses import AllowedHosts, is_public, literal_address
from todo_gql.outbound.resolver import ThreadsResolver
from todo_gql.outbound.urls import url_problem

TOTAL_SECONDS: Final = 15.0
"""The most time that a request takes, from looking up the host to the end of the answer."""

MAX_ANSWER_BYTES: Final = 4 * 1024
"""How much of an answer's body is read; the rest is left with the connection, which is closed."""

MAX_CONNECTIONS: Final = 50
MAX_CONNECTIONS_PER_HOST: Final = 10
HEADERS: Final = {"User-Agent": "todo_gql", "Accept-Encoding": "identity"}


class RequestFailed(Exception):
    """No answer came; the message says why, in words that may be shown to users."""


class RequestRefused(RequestFailed):
    """The URL, or what it leads to, isn't one that users may have requests sent to."""


class AddressRefused(OSError):
    """The host has an address that users can't have requests sent to."""


class Answer(NamedTuple):
    """An answer of any status, a redirect too; `body` is the first 4 KB of its body.

    Unless `is_public`, it came from a host that only WEBHOOK_ALLOWED_HOSTS opens.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_public: bool = True


_peer: ContextVar[str | None] = ContextVar("peer", default=None)
"""The address that the request of this task was sent to."""


class NotingConnector(TCPConnector):
    """Notes the address of the connection that a request gets, which may be an idle one."""

    async def connect(self, *args: Any, **options: Any) -> Connection:
        """As that of aiohttp."""
        connection = await super().connect(*args, **options)
        transport = connection.transport
        peer = transport.get_extra_info("peername") if transport else None
        _peer.set(str(peer[0]) if peer else None)
        return connection


class OutboundClient:
    """Sends requests to users' URLs: HTTPS only, to public addresses and those that are allowed.

    The address is checked on the socket that is about to connect to it, so that no second look-up can
    return another one. No redirect is followed, no proxy or password taken from the environment, no
    cookie stored. To be entered before use, in the event loop that uses it.
    """

    def __init__(
        self,
        allowed: AllowedHosts,
        seconds: float = TOTAL_SECONDS,
        connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.allowed = allowed
        self.seconds = seconds
        self.connections = connections
        # Trusts the authorities of the system, or those of SSL_CERT_FILE.
        self._tls = ssl.create_default_context()
        self._sessions = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._resolver = ThreadsResolver()
        self._sessions.push_async_callback(self._resolver.close)
        self._guarded = await self._session(socket_factory=self._checked_socket)
        self._by_name = await self._session()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._sessions.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request; raises `RequestRefused` for a URL or address that isn't allowed.

        Raises `RequestFailed` if no answer comes.
        """
        if problem := url_problem(url, self.allowed):
            raise RequestRefused(problem)
        target = URL(url)
        session = self._by_name if self.allowed.has_name(target.host or "") else self._guarded
        try:
            async with asyncio.timeout(self.seconds):
                async with session.post(
                    target, data=body, headers=dict(headers), allow_redirects=False
                ) as answer:
                    content = await _start_of_body(answer)
                    return Answer(answer.status, answer.headers, content, self._is_public(target))
        except (ClientError, OSError, ValueError) as error:
            if _is_refusal(error):
                raise RequestRefused("The host has no public address.") from error
            raise RequestFailed(self._reason(error)) from error

    async def _session(self, **options: Any) -> ClientSession:
        connector = NotingConnector(
            ssl=self._tls,
            limit=self.connections,
            limit_per_host=MAX_CONNECTIONS_PER_HOST,
            resolver=self._resolver,
            use_dns_cache=False,
            **options,
        )
        session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            headers=HEADERS,
            timeout=ClientTimeout(total=self.seconds),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=MAX_ANSWER_BYTES,
        )
        return await self._sessions.enter_async_context(session)

    def _checked_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for an entry of getaddrinfo; raises `AddressRefused` before anything is sent."""
        family, type_, protocol, _, target = address
        if not self.allowed.allow(target[0]):
            raise AddressRefused("the address isn't a public one")
        return socket.socket(family, type_, protocol)

    def _is_public(self, target: URL) -> bool:
        """Whether the request of this task was sent to a public address, and not to a host of the operator's."""
        address = literal_address(_peer.get() or "")
        return not self.allowed.has_name(target.host or "") and bool(address and is_public(address))

    def _reason(self, error: Exception) -> str:
        """Why no answer came, without addresses that only this server's network knows."""
        if isinstance(error, TimeoutError):
            return f"There was no answer within {self.seconds:g} seconds."
        if isinstance(error, (ClientConnectorCertificateError, ClientSSLError)):
            return "The server has no valid certificate for this host."
        if isinstance(error, ClientConnectorDNSError):
            return "There is no such host."
        return "The server can't be reached, or doesn't answer as HTTP prescribes."


def _is_refusal(error: Exception) -> bool:
    """Whether an address was refused; aiohttp wraps what its connector meets."""
    return isinstance(getattr(error, "os_error", error), AddressRefused)


async def _start_of_body(answer: ClientResponse) -> bytes:
    content = b""
    while len(content) < MAX_ANSWER_BYTES:
        chunk = await answer.content.read(MAX_ANSWER_BYTES - len(content))
        if not chunk:
            break
        content += chunk
    return content
