"""Looking up the hosts of users' URLs, in threads of their own."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS: Final = 8
NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class ThreadsResolver(AbstractResolver):
    """Looks up hosts in a few threads, so that slow name servers of users delay users' URLs alone.

    A look-up can't be cancelled. In the event loop's own threads some would keep mails from being sent.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="look-up")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All addresses of a host; raises `OSError` if it has none."""
        lookup = partial(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        loop = asyncio.get_running_loop()
        entries = await loop.run_in_executor(self._threads, partial(lookup, family=family))
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=NUMERIC,
            )
            for kind, _, protocol, _, address in entries
        ]

    async def close(self) -> None:
        """Look up nothing more; what is being looked up isn't waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
