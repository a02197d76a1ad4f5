"""One process that answers requests, from its first to its last."""

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
# Who is replaced by a process that serves already is in no hurry.
WORN_LINGER_SECONDS = 5.0
TICK_SECONDS = 0.05

Notice = Callable[[], None]


def _nothing() -> None:
    """What a server does that nobody listens to."""


class Server(uvicorn.Server):
    """uvicorn, stopping so that no request fails.

    Once told to stop it is no longer ready, and asks for each connection to be closed with its
    next answer. It goes on accepting for SHUTDOWN_DELAY, in which load balancers take it out.
    Then it lets the connections that it has send what is on its way, and answers that. A worn
    server, after MAX_REQUESTS, stays ready, since another one takes its place on the same socket.
    `on_started`, `on_stopping` and `on_worn` tell how far it is.
    """

    def __init__(
        self,
        settings: Settings,
        config: uvicorn.Config,
        *,
        on_started: Notice = _nothing,
        on_stopping: Notice = _nothing,
        on_worn: Notice = _nothing,
    ) -> None:
        super().__init__(config)
        self.delay = settings.shutdown_delay
        self.worn = False
        self.on_started = on_started
        self.on_stopping = on_stopping
        self.on_worn = on_worn
        # Not all at once, though they were started at once.
        spread = random.randint(0, settings.max_requests // 10)  # noqa: S311 - no secret
        self.most_requests = settings.max_requests + spread

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at once only for a second Ctrl-C.

        A parent passes a Ctrl-C on as SIGTERM, which may come before the terminal's own SIGINT.
        """
        is_repeated = signal.SIGINT in self._captured_signals
        super().handle_exit(sig, frame)
        self.force_exit &= is_repeated

    async def on_tick(self, counter: int) -> bool:
        most = self.most_requests
        if most and not self.worn and self.server_state.total_requests >= most:
            self.worn = True
            self.on_worn()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.on_stopping()
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        if not self.worn:
            self.lifespan.state[STOPPING] = True
            await self._wait(self.delay, until=lambda: False)
        await self._stop_accepting(sockets or [])
        linger = WORN_LINGER_SECONDS if self.worn else LINGER_SECONDS
        await self._wait(linger, until=lambda: not self.server_state.connections)
        await super().shutdown(sockets)

    async def _wait(self, seconds: float, until: Callable[[], bool]) -> None:
        for _ in range(ceil(seconds / TICK_SECONDS)):
            if self.force_exit or until():
                return
            await asyncio.sleep(TICK_SECONDS)

    async def _stop_accepting(self, sockets: list[socket.socket]) -> None:
        """Close the listening sockets, after taking on who already waits there.

        The kernel would reset those connections, whose requests may be on their way.
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
    """The connections that the kernel has accepted and nobody has taken."""
    with suppress(BlockingIOError):
        while True:
            yield listener.accept()[0]


@contextmanager
def telemetry(settings: Settings) -> Iterator[Wrap | None]:
    """Have errors reported and spans sent within the block, as far as that is configured.

    Gives what makes spans of requests. The libraries are imported only where they are used, since
    they take longer to start than everything else.
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
    **notices: Notice,
) -> None:
    """Answer the requests that come to a socket, until a signal; `KeyboardInterrupt` then."""
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
        Server(settings, config, **notices).run(sockets=[listener])
