"""One process that serves requests, from its start to its graceful shutdown."""

import asyncio
import random
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from math import ceil
from types import FrameType
from typing import cast

import uvicorn

from todo_gql.app import Wrap, create_app
from todo_gql.database.retry import OUTAGES, TIMEOUTS
from todo_gql.http.pages.health import STOPPING
from todo_gql.server.garbage_collection import tune_garbage_collector
from todo_gql.server.protocols import listening_options, protocol_options
from todo_gql.settings import Settings

# All of these, the delay included, end within the 25 s after which an orchestrator may kill.
DRAIN_SECONDS = 18
LINGER_SECONDS = 0.5
# Longer than proxies keep an idle connection to us, so that it is they who close it.
KEEP_ALIVE_SECONDS = 75
# A process whose replacement serves already can wait longer for its clients.
RECYCLING_LINGER_SECONDS = 5.0
TICK_SECONDS = 0.05

Callback = Callable[[], None]


def _do_nothing() -> None:
    """The callback of a server whose state nobody needs to know."""


class Server(uvicorn.Server):
    """uvicorn, with a graceful shutdown in which no request fails.

    At a signal it is no longer ready, and closes each connection after its next response. It
    accepts connections for SHUTDOWN_DELAY more, in which load balancers remove it. Then it answers
    what is in transit on its connections. After MAX_REQUESTS it is `recycling`: it stays ready,
    since another process replaces it on the same socket. `on_started`, `on_stopping` and
    `on_recycling` are called when it reaches that state.
    """

    def __init__(
        self,
        settings: Settings,
        config: uvicorn.Config,
        *,
        on_started: Callback = _do_nothing,
        on_stopping: Callback = _do_nothing,
        on_recycling: Callback = _do_nothing,
    ) -> None:
        super().__init__(config)
        self.delay = settings.shutdown_delay
        self.recycling = False
        self.on_started = on_started
        self.on_stopping = on_stopping
        self.on_recycling = on_recycling
        # Processes that were started together are not recycled together.
        spread = random.randint(0, settings.max_requests // 10)  # noqa: S311 - no secret
        self.max_requests = settings.max_requests + spread

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully, or immediately at a second Ctrl-C.

        A parent forwards Ctrl-C as SIGTERM, which may arrive before the terminal's own SIGINT.
        """
        is_repeated = signal.SIGINT in self._captured_signals
        super().handle_exit(sig, frame)
        self.force_exit &= is_repeated

    async def on_tick(self, counter: int) -> bool:
        most = self.max_requests
        if most and not self.recycling and self.server_state.total_requests >= most:
            self.recycling = True
            self.on_recycling()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.on_stopping()
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        if not self.recycling:
            self.lifespan.state[STOPPING] = True
            await self._wait(self.delay, until=lambda: False)
        await self._stop_accepting(sockets or [])
        linger = RECYCLING_LINGER_SECONDS if self.recycling else LINGER_SECONDS
        await self._wait(linger, until=lambda: not self.server_state.connections)
        await super().shutdown(sockets)

    async def _wait(self, seconds: float, until: Callable[[], bool]) -> None:
        for _ in range(ceil(seconds / TICK_SECONDS)):
            if self.force_exit or until():
                return
            await asyncio.sleep(TICK_SECONDS)

    async def _stop_accepting(self, sockets: list[socket.socket]) -> None:
        """Close the listening sockets after accepting the connections in their backlog.

        The kernel would reset those connections, whose requests may be in transit.
        """
        loop = asyncio.get_running_loop()
        protocol: Callable[[], asyncio.Protocol] = partial(
            cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        waiting = [connection for listener in sockets for connection in _waiting(listener)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await loop.connect_accepted_socket(protocol, connection)


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections in the backlog of a socket."""
    with suppress(BlockingIOError):
        while True:
            yield listener.accept()[0]


@contextmanager
def telemetry(settings: Settings) -> Iterator[Wrap | None]:
    """Report errors and export spans within the block, as far as that is configured.

    Yields the wrapper that makes a span of each request, None without tracing. The libraries are
    imported only where they are used, since they take longer to import than everything else.
    """
    with ExitStack() as running:
        if settings.sentry_dsn:
            from todo_gql.observability.error_reports import reporting  # noqa: PLC0415 - see above

            dsn = settings.sentry_dsn.get_secret_value()
            expected = (*OUTAGES, *TIMEOUTS)
            running.enter_context(reporting(dsn, settings.environment, expected))
        if not settings.otel_exporter_otlp_endpoint:
            yield None
            return
        from todo_gql.observability.tracing import Traced, tracing  # noqa: PLC0415 - see above

        provider = running.enter_context(tracing(settings.otel_exporter_otlp_endpoint))
        yield partial(Traced, provider=provider)


def run(
    settings: Settings,
    url: str,
    listener: socket.socket,
    *,
    with_worker: bool,
    **callbacks: Callback,
) -> None:
    """Serve the requests that arrive at a listening socket, until a signal.

    Raises KeyboardInterrupt at the signal.
    """
    with telemetry(settings) as traced:
        config = uvicorn.Config(
            create_app(settings, url, with_worker=with_worker, traced=traced),
            log_config=None,
            access_log=False,
            **(listening_options(settings) | protocol_options(settings)),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS - int(settings.shutdown_delay),
        )
        tune_garbage_collector()
        Server(settings, config, **callbacks).run(sockets=[listener])
