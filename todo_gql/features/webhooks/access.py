"""The webhooks and deliveries that a viewer may see."""

from typing import Final

from todo_gql.api.errors import Forbidden
from todo_gql.api.keyset import Keyset, SortKey, parse_time, parse_uuid
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.models import Webhook, WebhookDelivery, WebhookState
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

BEHIND: Final = (
    "greatest(0, (SELECT f.seq FROM feeds f WHERE f.owner_id = w.owner_id) - w.seq) AS behind"
)
WEBHOOK_COLUMNS: Final = (*columns(Webhook, "w"), BEHIND)
# The event at the head of the line is sent again when its webhook is.
NEXT_ATTEMPT_AT: Final = (
    "coalesce(d.next_attempt_at, (SELECT w.next_attempt_at FROM webhooks w WHERE w.owner_id = d.owner_id"
    f" AND w.id = d.webhook_id AND d.state = 0 AND d.seq > w.seq AND w.state = {WebhookState.ACTIVE.value}"
    ")) AS next_attempt_at"
)
DELIVERY_COLUMNS: Final = (
    *columns(WebhookDelivery, "d", without=frozenset({"next_attempt_at"})),
    NEXT_ATTEMPT_AT,
    "d.payload #>> '{data,cursor}' AS cursor",
)
NEWEST_FIRST: Final = Keyset(
    SortKey("created_at", "d.created_at", "created_at", parse_time, descending=True),
    SortKey("id", "d.id", "id", parse_uuid, descending=True),
)


def check_scope(viewer: Viewer) -> None:
    """Raise `Forbidden` for an API token that may not read what webhooks are sent."""
    if not viewer.has_scope(TokenScope.TODOS_READ):
        raise Forbidden(
            "Webhooks are sent todos: this API token needs the scope TODOS_READ, too.",
            requiredScope=TokenScope.TODOS_READ.name,
            reason="MISSING_SCOPE",
        )


def visible_webhooks(viewer: Viewer) -> SelectQuery:
    """The viewer's webhooks `w`."""
    return owned("webhooks w", "w", viewer.id)


def visible_deliveries(viewer: Viewer) -> SelectQuery:
    """The deliveries `d` of the viewer's webhooks."""
    return owned("webhook_deliveries d", "d", viewer.id)
