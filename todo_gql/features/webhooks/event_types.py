"""The types of events that a webhook can be sent, by the changes that they are of."""

from collections.abc import Collection, Mapping
from typing import Final

import orjson

from todo_gql.database.connection import Values
from todo_gql.database.models import Action, ChangeKind, EntityAction

LIST_TYPES: Final[Mapping[int, str]] = {
    action: f"list.{action.name.lower()}"
    for action in (
        EntityAction.CREATED,
        EntityAction.UPDATED,
        EntityAction.DELETED,
        EntityAction.RESTORED,
    )
}
TYPES: Final[Mapping[ChangeKind, Mapping[int, str]]] = {
    ChangeKind.TODO: {action: f"todo.{action.name.lower()}" for action in Action},
    ChangeKind.LIST: LIST_TYPES,
    # As in the feed: whatever happens to a section changes its list.
    ChangeKind.SECTION: dict.fromkeys(LIST_TYPES, "list.updated"),
    ChangeKind.MEMBER: {
        action: f"member.{action.name.lower()}"
        for action in (EntityAction.JOINED, EntityAction.LEFT, EntityAction.ROLE_CHANGED)
    },
    ChangeKind.COMMENT: {
        action: f"comment.{action.name.lower()}"
        for action in (
            EntityAction.CREATED,
            EntityAction.UPDATED,
            EntityAction.DELETED,
            EntityAction.RESTORED,
        )
    },
}
"""The types by kind and action; changes of other kinds and actions, a newer release's, are read over."""

EVENT_TYPES: Final = tuple(
    dict.fromkeys(name for by_action in TYPES.values() for name in by_action.values())
)
WILDCARDS: Final = ("*", *dict.fromkeys(f"{name.partition('.')[0]}.*" for name in EVENT_TYPES))
SELECTABLE: Final = frozenset({*EVENT_TYPES, *WILDCARDS})
"""What a webhook's types may be."""

RESYNC_REQUIRED: Final = "feed.resync_required"
"""The type of the event that says that some changes are lost; it is sent to every webhook."""

TEST: Final = "webhook.test"
"""The type of the event that webhookTest sends."""


def type_of(row: Values) -> str | None:
    """The type of the event that a change is; None for one of a newer release."""
    by_action = TYPES.get(row["kind"])
    return by_action.get(row["action"]) if by_action else None


def is_selected(event_type: str, selected: Collection[str]) -> bool:
    """Whether a webhook with these types is sent events of a type."""
    return not {event_type, f"{event_type.partition('.')[0]}.*", "*"}.isdisjoint(selected)


def selected_types(webhook: Values) -> frozenset[str]:
    """The types of a webhook in a row."""
    return frozenset(orjson.loads(webhook["event_types"]))
