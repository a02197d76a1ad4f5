"""What a worker sends at a time: lines of webhooks that it has claimed, and what waits beside them."""

import asyncio
import logging
from collections.abc import Coroutine
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from todo_gql.api.errors import is_temporary
from todo_gql.changelog.grown_logs import GrownLogs, take_grown
from todo_gql.database.connection import Row
from todo_gql.database.retry import OutcomeUnknown
from todo_gql.features.webhooks.claims import ClaimLost, claim_due, mark_due
from todo_gql.features.webhooks.line import Line
from todo_gql.features.webhooks.sender import Sender
from todo_gql.features.webhooks.waiting import send_waiting, webhooks_due

logger = logging.getLogger(__name__)

MAX_LINES: Final = 64
"""How many webhooks a worker sends to at a time, in their order."""

MAX_SLOW_LINES: Final = MAX_LINES // 2
"""How many of these may be slow or failing ones."""

MAX_WAITING: Final = 32
"""To how many webhooks a worker sends beside their lines at a time."""

TURN_SECONDS: Final = 10.0
"""How long a webhook is sent events until others that are due have their turn."""

# Announcements may be lost, so that all feeds are looked through now and then.
SWEEP_SECONDS: Final = 30.0
STOP_SECONDS: Final = 2.0
"""How long a worker that stops waits for answers; what was sent then is sent again by another one."""


class GrownFeeds(GrownLogs):
    """The feeds that have grown, for webhooks."""


class Dispatcher:
    """Sends what is due in tasks of its own; to be entered before use, and left to end them."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._lines = dict[asyncio.Task[None], UUID]()
        self._waiting = dict[asyncio.Task[None], UUID]()
        self._slow_lines = set[UUID]()
        self._next_sweep = 0.0
        self._is_stopping = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_stopping = True
        running = [*self._lines, *self._waiting]
        if running:
            await asyncio.wait(running, timeout=STOP_SECONDS)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def run(self) -> None:
        """Begin what is due, as much of it as may run; raises what `fetch` raises."""
        await self._mark_due()
        free = MAX_LINES - len(self._lines)
        await self._begin_lines(free, are_slow=False)
        self._slow_lines.intersection_update(self._lines.values())
        free = min(MAX_LINES - len(self._lines), MAX_SLOW_LINES - len(self._slow_lines))
        self._slow_lines.update(await self._begin_lines(free, are_slow=True))
        free = MAX_WAITING - len(self._waiting)
        for due in await webhooks_due(free, self._waiting.values()):
            self._begin(self._waiting, due["webhook_id"], self._send_waiting(due))

    async def _begin_lines(self, number: int, *, are_slow: bool) -> list[UUID]:
        webhooks = await claim_due(number, self._sender.slow, are_slow=are_slow)
        for webhook in webhooks:
            self._begin(self._lines, webhook["id"], self._send_line(webhook))
        return [webhook["id"] for webhook in webhooks]

    async def _mark_due(self) -> None:
        if monotonic() >= self._next_sweep:
            self._next_sweep = monotonic() + SWEEP_SECONDS
            take_grown(GrownFeeds)
            await mark_due(None)
        elif grown := take_grown(GrownFeeds):
            await mark_due(grown)

    def _begin(
        self,
        running: dict[asyncio.Task[None], UUID],
        webhook_id: UUID,
        work: Coroutine[Any, Any, None],
    ) -> None:
        task = asyncio.create_task(work)
        running[task] = webhook_id
        task.add_done_callback(running.pop)

    async def _send_line(self, webhook: Row) -> None:
        try:
            await Line(webhook, self._sender).send_all(self._turn())
        except ClaimLost:
            logger.info("a webhook is read by another worker: %s", webhook["id"])
        except Exception as error:  # noqa: BLE001 - others go on, and this one once its claim has passed
            _log(error, webhook["id"])

    async def _send_waiting(self, due: Row) -> None:
        try:
            await send_waiting(due["owner_id"], due["webhook_id"], self._sender, self._turn())
        except Exception as error:  # noqa: BLE001 - as above
            _log(error, due["webhook_id"])

    def _turn(self) -> Any:
        ends_at = monotonic() + TURN_SECONDS
        return lambda: not self._is_stopping and monotonic() < ends_at


def _log(error: Exception, webhook_id: UUID) -> None:
    if is_temporary(error) or isinstance(error, OutcomeUnknown):
        logger.warning("a webhook can't be sent to for now: %s: %r", webhook_id, error)
    else:
        logger.error("a webhook can't be sent to: %s", webhook_id, exc_info=error)
