"""Long-lived connections, WebSockets and event streams: how many, and until when."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from todo_gql.api.errors import is_temporary
from todo_gql.observability.request_record import set_caller
from todo_gql.security.authentication import Viewer, open_session_ids
from todo_gql.security.token_uses import token_uses

logger = logging.getLogger(__name__)

# Sessions are checked this often; a signed-out user is disconnected within twice as long.
CHECK_SECONDS = 2.0


class TooManyConnections(Exception):
    """The caller has as many connections as they may have at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenConnection:
    """A connection of a viewer, valid until a Unix time, and the function that ends it."""

    viewer: Viewer | None
    expires_at: float
    end: Callable[[], None]


class Connections:
    """The open connections of one process, and the number of live subscriptions on them."""

    def __init__(self) -> None:
        self.subscriptions = 0
        self._open: set[OpenConnection] = set()
        self._counts = Counter[Hashable]()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def limited(self, connection: OpenConnection, caller: Hashable, limit: int) -> Iterator[None]:
        """Register a connection within the block; raises TooManyConnections if `caller` has `limit`."""
        if self._counts[caller] >= limit:
            raise TooManyConnections
        self._counts[caller] += 1
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)
            self._counts[caller] -= 1
            if not self._counts[caller]:
                del self._counts[caller]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a subscription as live within the block."""
        self.subscriptions += 1
        try:
            yield
        finally:
            self.subscriptions -= 1

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Check connections within the block; end those whose token expired or session ended."""
        checking = asyncio.create_task(self._check_forever())
        try:
            yield
        finally:
            checking.cancel()
            with suppress(asyncio.CancelledError):
                await checking
            await self._store_token_uses()

    async def _check_forever(self) -> None:
        set_caller("the connections")
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self._store_token_uses()
            try:
                await self._end_expired()
            except Exception as error:
                # Without the database sessions can't be checked, and no data is read either.
                if not is_temporary(error):
                    logger.exception("the sessions of connections can't be checked")

    async def _end_expired(self) -> None:
        now = time.time()
        for connection in [each for each in self._open if each.expires_at <= now]:
            connection.end()
        signed_in = [(each, each.viewer) for each in self._open if each.viewer]
        if not signed_in:
            return
        still_open = await open_session_ids(viewer for _, viewer in signed_in)
        for connection, viewer in signed_in:
            if viewer.session_id not in still_open:
                connection.end()
            elif viewer.grant:
                token_uses.note(viewer.id, viewer.session_id)

    async def _store_token_uses(self) -> None:
        try:
            await token_uses.store()
        except Exception as error:
            # They stay noted.
            if not is_temporary(error):
                logger.exception("the uses of API tokens can't be stored")
