"""One attempt to deliver: the request, and what its answer means."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, NamedTuple
from uuid import UUID

from todo_gql.api.scalars import serialize_time
from todo_gql.api.text import cleaned
from todo_gql.database.connection import Values
from todo_gql.features.webhooks.signing import signed_headers
from todo_gql.outbound.client import Answer, OutboundClient, RequestFailed
from todo_gql.outbound.retry_after import retry_after
from todo_gql.settings import Settings

MAX_ERROR: Final = 1_000
"""Characters of what is stored of an answer."""


class Attempt(NamedTuple):
    """An attempt that has ended; `wait` is how long the endpoint asked to wait, if it did."""

    at: datetime
    status: int | None
    error: str | None
    milliseconds: int
    wait: timedelta | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the event."""
        return self.error is None

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants no more events at all."""
        return self.status == HTTPStatus.GONE

    def as_json(self) -> dict[str, Any]:
        """What is stored of it."""
        return {
            "at": serialize_time(self.at),
            "status": self.status,
            "error": self.error,
            "milliseconds": self.milliseconds,
        }


async def attempt(
    client: OutboundClient, settings: Settings, webhook: Values, delivery_id: UUID, body: str
) -> Attempt:
    """Send a body to a webhook once."""
    at, began = datetime.now(UTC), perf_counter()
    headers = signed_headers(settings, webhook, delivery_id, body, at)
    answer, error = None, None
    try:
        answer = await client.post(webhook["url"], body.encode(), headers)
    except RequestFailed as failure:
        error = str(failure)
    milliseconds = round((perf_counter() - began) * 1000)
    if answer is None:
        return Attempt(at, None, error, milliseconds)
    if answer.status // 100 == HTTPStatus.OK // 100:
        return Attempt(at, answer.status, None, milliseconds)
    wait = retry_after(answer.headers.get("Retry-After"))
    return Attempt(at, answer.status, _problem(answer), milliseconds, wait)


def _problem(answer: Answer) -> str:
    """What an endpoint answered; of hosts in the operator's own networks no more than the status."""
    problem = f"The endpoint answered {answer.status}"
    if answer.status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
        return f"{problem}: redirects aren't followed."
    said = cleaned(answer.body.decode(errors="replace"), MAX_ERROR) if answer.is_public else None
    return f"{problem}: {said}"[:MAX_ERROR] if said else f"{problem}."
