"""Webhooks and their deliveries as the schema shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from todo_gql.api.connections import Connection, PageArguments
from todo_gql.api.cost_weights import MAX_BYTES
from todo_gql.api.errors import UserError
from todo_gql.api.node import Node
from todo_gql.api.page_arguments import After, First
from todo_gql.api.scalars import metadata_fragment, parse_rfc3339
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Row, Values
from todo_gql.execution import ConvertedColumn, RowType, loaded_field
from todo_gql.features.todos.list_access import key_of
from todo_gql.features.todos.list_loaders import lists_by_id
from todo_gql.features.todos.types import TodoList
from todo_gql.features.webhooks.attempts import MAX_ERROR
from todo_gql.features.webhooks.bodies import MAX_BODY_BYTES
from todo_gql.features.webhooks.enums import (
    DELIVERY_STATES,
    WEBHOOK_STATES,
    DeliveryState,
    WebhookState,
)
from todo_gql.features.webhooks.loaders import DeliveriesKey, delivery_pages
from todo_gql.operation.context import Context, Info, loader_of

MAX_INT: Final = 2**31 - 1


@strawberry.type(description="One request that was sent to a webhook's endpoint.")
class DeliveryAttempt:
    """An entry of `attempts`."""

    at: datetime = strawberry.field(description="When it was sent.")
    status: int | None = strawberry.field(
        description="The status of the answer; null if none came."
    )
    error: str | None = strawberry.field(
        description="Why the event wasn't taken, in English, with the beginning of the answer: 1,000 "
        "characters at most. Answers of hosts in the operator's own networks aren't shown.",
        metadata={MAX_BYTES: 4 * MAX_ERROR},
    )
    milliseconds: int = strawberry.field(description="How long it took.")


def _attempts(column: str) -> list[DeliveryAttempt]:
    return [
        DeliveryAttempt(**{**entry, "at": parse_rfc3339(entry["at"])})
        for entry in orjson.loads(column)
    ]


@strawberry.type(
    description="An event that was sent to a webhook, or is to be sent; its id is the header `webhook-id` of "
    "all attempts."
)
class WebhookDelivery(Node):
    """A row of webhook_deliveries."""

    type: str = strawberry.field(description="The type of the event, such as `todo.completed`.")
    cursor: str = strawberry.field(
        description="Its position in the viewer's feed; of a test, where the webhook was then."
    )
    state: DeliveryState = strawberry.field(description="What became of it.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is sent next; null unless it is WAITING and the webhook is ACTIVE."
    )
    attempts: list[DeliveryAttempt] = strawberry.field(
        description="The attempts to send it, oldest first; begun anew when it is sent once more."
    )
    payload: JSON = strawberry.field(
        description="The body that was sent last, or is to be sent first.",
        metadata={MAX_BYTES: MAX_BODY_BYTES, **scoped(TokenScope.TODOS_READ)},
    )

    @classmethod
    def from_row(cls, row: Values) -> "WebhookDelivery":
        """The delivery in a row."""
        return DELIVERIES.lazy(row)


DELIVERIES: Final = RowType(
    WebhookDelivery,
    id=ConvertedColumn("id", str),
    type="event_type",
    cursor="cursor",
    state=ConvertedColumn("state", DELIVERY_STATES.__getitem__),
    next_attempt_at="next_attempt_at",
    attempts=ConvertedColumn("attempts", _attempts),
    payload=ConvertedColumn("payload", metadata_fragment),
)


@strawberry.type(
    name="WebhookDeliveryConnection", description="A page of the deliveries of a webhook."
)
class WebhookDeliveryConnection(Connection[WebhookDelivery]):
    """Deliveries, newest first."""


def _list(row: Row | None, _context: Context) -> TodoList | None:
    return TodoList.from_row(row) if row else None


@strawberry.type(
    description="A URL that what happens in the viewer's feed is sent to, signed as Standard Webhooks "
    "prescribes: in order while it answers, each event until it is taken."
)
class Webhook(Node):
    """A row of webhooks."""

    url: str = strawberry.field(description="Where events are sent.")
    label: str | None = strawberry.field(description="What the viewer calls it.")
    types: list[str] = strawberry.field(
        description="The types of events that are sent, such as `todo.completed`, `todo.*` or `*`."
    )
    state: WebhookState = strawberry.field(description="Whether events are sent.")
    disabled_because: str | None = strawberry.field(
        description="Why the server disabled it, in English; null unless it is DISABLED."
    )
    failing_since: datetime | None = strawberry.field(
        description="Since when no delivery has succeeded while some failed; null if the last one succeeded. "
        "After five days it is disabled."
    )
    behind: int = strawberry.field(
        description="How many numbers of the viewer's feed aren't read for it yet, of whatever type."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    key: strawberry.Private[UUID]
    list_key: strawberry.Private[UUID]

    list: TodoList | None = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_list,
        description="The only list of which events are sent; null for all, and once the viewer can't see it.",
        metadata=scoped(TokenScope.TODOS_READ),
    )

    @strawberry.field(
        description="What was sent and what waits, newest first: of the last 30 days, and at most 5,000 that "
        "have ended. `first`: 1 to 100, 50 if absent.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def deliveries(
        self,
        info: Info,
        state: Annotated[
            DeliveryState | None, strawberry.argument(description="Only those in this state.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> WebhookDeliveryConnection:
        number: Any = state.value if state else None
        key = DeliveriesKey.of(self.key, number, PageArguments.of(first, after))
        page = await info.context.loader(delivery_pages).load(key)
        nodes: Sequence[WebhookDelivery] = DELIVERIES.objects(page.rows)
        return WebhookDeliveryConnection(page=page, nodes=nodes)

    @classmethod
    def from_row(cls, row: Values) -> "Webhook":
        """The webhook in a row."""
        return WEBHOOKS.lazy(row)


WEBHOOKS: Final = RowType(
    Webhook,
    id=ConvertedColumn("id", str),
    url="url",
    label="label",
    types=ConvertedColumn("event_types", orjson.loads),
    state=ConvertedColumn("state", WEBHOOK_STATES.__getitem__),
    disabled_because="disabled_because",
    failing_since="failing_since",
    behind=ConvertedColumn("behind", lambda number: min(number, MAX_INT)),
    created_at="created_at",
    key="id",
    list_key=ConvertedColumn("list_id", key_of),
)


@strawberry.type(description="What became of a webhook; its secret is shown once, when it is made.")
class WebhookPayload:
    """The answer of a mutation of one webhook."""

    webhook: Webhook | None = strawberry.field(
        description="The webhook as it is now; null if there is none.", default=None
    )
    secret: str | None = strawberry.field(
        description="What its deliveries are signed with, `whsec_` and base64: keep it where they are "
        "received. Null unless it was made just now.",
        default=None,
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )


@strawberry.type(description="What became of a delivery.")
class WebhookDeliveryPayload:
    """The answer of webhookTest."""

    delivery: WebhookDelivery | None = strawberry.field(
        description="The delivery, which is sent in a moment: load it again to see what became of it.",
        default=None,
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
