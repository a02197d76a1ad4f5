"""The line of a webhook: the changes of its owner's feed after its position, sent in their order."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from todo_gql.changelog.cursors import LogPosition
from todo_gql.changelog.positions import ChangesLost, changes_after, read_log, skip_missing
from todo_gql.database.connection import Row, transaction
from todo_gql.database.models import DeliveryState, WebhookState
from todo_gql.features.changes.list_filter import concerns
from todo_gql.features.webhooks.attempts import Attempt
from todo_gql.features.webhooks.claims import Renewal, release, renew
from todo_gql.features.webhooks.delivery_log import give_up, give_up_passed, store_attempt
from todo_gql.features.webhooks.disabling import LIST_LOST, disable, has_lost_list, reason_after
from todo_gql.features.webhooks.event_types import is_selected, selected_types, type_of
from todo_gql.features.webhooks.events import Event, delivery_id, event_of, resync_event
from todo_gql.features.webhooks.schedule import IN_LINE, delay_after
from todo_gql.features.webhooks.sender import EndpointBusy, Sender

READ_AT_ONCE: Final = 20
BUSY_WAIT: Final = timedelta(seconds=1)
"""How long a webhook waits whose endpoint is sent enough by others already."""

NOT_SEEN: Final = "You can't see it any more."


class Line:
    """The line of a webhook that this worker has claimed; `webhook` is its row as of the last attempt."""

    def __init__(self, webhook: Row, sender: Sender) -> None:
        self.webhook = webhook
        self.sender = sender
        self.seq: int = webhook["seq"]

    async def send_all(self, may_go_on: Callable[[], bool]) -> None:
        """Send what there is, while `may_go_on`, and until an event fails; then end the claim.

        Raises `ClaimLost`, and what `fetch` raises.
        """
        try:
            while await self._send_some(may_go_on):
                pass
        except EndpointBusy:
            await release(self.webhook, self.seq, BUSY_WAIT)
        except asyncio.CancelledError:
            # The worker ends, and another one goes on at once.
            await release(self.webhook, self.seq)
            raise

    async def _send_some(self, may_go_on: Callable[[], bool]) -> bool:
        """Send some changes; False once the claim is ended."""
        try:
            rows = await changes_after(
                self.webhook["owner_id"], LogPosition(self.seq), READ_AT_ONCE, with_spans=True
            )
        except ChangesLost:
            return await self._send_resync()
        for row in rows:
            event = await self._event(row)
            if event is None:
                await self._skip(row)
            elif not await self._send(event):
                return False
            if not may_go_on():
                break
        else:
            if rows:
                return True
        await self._end()
        return False

    async def _event(self, row: Row) -> Event | None:
        """The event of a change; None if the webhook isn't to be sent it."""
        webhook, event_type = self.webhook, type_of(row)
        is_sendable = event_type is not None and is_selected(event_type, selected_types(webhook))
        if not is_sendable or not concerns(row, webhook["list_id"]):
            return None
        return await event_of(webhook["owner_id"], webhook["id"], row)

    async def _skip(self, row: Row) -> None:
        """Read over a change, also if it has failed before, and can't be seen any more."""
        if self.webhook["head_failures"] and row["seq"] == self.webhook["seq"] + 1:
            async with transaction() as connection:
                self.webhook = await renew(connection, self.webhook, Renewal(row["seq"]))
                note = Attempt(datetime.now(UTC), None, NOT_SEEN, 0)
                id = delivery_id(self.webhook["id"], row)
                await give_up(connection, self.webhook["owner_id"], id, note)
        self.seq = row["seq"]

    async def _end(self) -> None:
        if await has_lost_list(self.webhook):
            await disable(self.webhook["owner_id"], self.webhook["id"], LIST_LOST)
        else:
            await release(self.webhook, self.seq)

    async def _send_resync(self) -> bool:
        """Say that changes are missing, and go on after them; False once the claim is ended."""
        webhook = self.webhook
        position = await _position_after_gap(webhook["owner_id"], self.seq)
        event = resync_event(webhook["owner_id"], webhook["id"], self.seq + 1, position)
        if not await self._send(event):
            return False
        async with transaction() as connection:
            await give_up_passed(connection, webhook["owner_id"], webhook["id"], position.seq)
        return True

    async def _send(self, event: Event) -> bool:
        """Send an event; False if the claim has ended, since it failed or no more is to be sent."""
        attempt = await self.sender.send(self.webhook, event)
        if attempt.succeeded:
            await self._store(
                event, attempt, Renewal(event.seq, has_failed=False), DeliveryState.DELIVERED
            )
            if self.webhook["state"] == WebhookState.ACTIVE:
                return True
            await release(self.webhook, self.seq)
            return False
        await self._fail(event, attempt)
        return False

    async def _fail(self, event: Event, attempt: Attempt) -> None:
        """Store a failure: the event is sent again in its turn, or beside the line."""
        failures = self.webhook["head_failures"] + 1
        wait = delay_after(failures, attempt.wait)
        assert wait is not None
        if failures > len(IN_LINE):
            renewal = Renewal(event.seq, wait=timedelta(0), has_failed=True)
            await self._store(event, attempt, renewal, DeliveryState.WAITING, wait)
        else:
            renewal = Renewal(self.seq, failures, wait, has_failed=True)
            await self._store(event, attempt, renewal, DeliveryState.WAITING)
        if reason := reason_after(self.webhook, attempt):
            await disable(self.webhook["owner_id"], self.webhook["id"], reason)

    async def _store(
        self,
        event: Event,
        attempt: Attempt,
        renewal: Renewal,
        state: DeliveryState,
        wait: timedelta | None = None,
    ) -> None:
        is_first = self.webhook["head_failures"] == 0
        async with transaction() as connection:
            webhook = await renew(connection, self.webhook, renewal)
            await store_attempt(
                connection, webhook, event, attempt, state=state, wait=wait, is_first=is_first
            )
        self.webhook, self.seq = webhook, renewal.seq


async def _position_after_gap(owner_id: UUID, seq: int) -> LogPosition:
    """Where the feed goes on whose changes after a number are missing; raises what `fetch` raises."""
    log = await read_log(owner_id)
    newest = LogPosition(log.newest.seq)
    position = LogPosition(max(seq, log.oldest - 1))
    while position.seq < newest.seq:
        try:
            await changes_after(owner_id, position, 1, with_spans=True)
        except ChangesLost:
            position = await skip_missing(owner_id, position)
        else:
            return position
    return newest
