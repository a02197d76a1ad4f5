"""The push subscriptions that a viewer may see."""

from todo_gql.database.models import PushSubscription
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import SESSION_IS_OPEN, Viewer

# Whoever has these can send messages to the browser, so they are never shown.
SECRET_COLUMNS = frozenset({"endpoint", "endpoint_hash", "p256dh", "auth"})
PUSH_COLUMNS = columns(PushSubscription, "p", without=SECRET_COLUMNS)

# The owner is $1, as in every statement that begins with `owned`.
IN_OPEN_SESSION = (
    "EXISTS (SELECT FROM sessions s WHERE s.owner_id = $1 AND s.id = p.session_id"
    f" AND {SESSION_IS_OPEN})"
)
"""SQL that is true for a row `p` of push_subscriptions whose session has neither ended nor expired."""


def visible_push_subscriptions(viewer: Viewer) -> SelectQuery:
    """The viewer's push subscriptions `p` whose sessions are open."""
    return owned("push_subscriptions p", "p", viewer.id).where(IN_OPEN_SESSION)
