"""Events: changes of a feed as its owner may see them at this moment, ready to be sent."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from todo_gql.changelog.cursors import LogPosition, cursor_of
from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind, EntityAction
from todo_gql.features.todos.change_types import ACTIONS, FEED_ACTIONS, FeedAction
from todo_gql.features.todos.redaction import IS_VISIBLE, redacted
from todo_gql.features.webhooks.bodies import body_of
from todo_gql.features.webhooks.contents import comment_content, list_content, todo_content
from todo_gql.features.webhooks.event_types import RESYNC_REQUIRED, type_of
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import Membership

NO_SESSION: Final = UUID(int=0)
REASON: Final = (
    "The changes before this cursor that weren't sent yet are deleted from the log, or were undone by a"
    " restored backup. Load everything again; what comes after the cursor is sent."
)


class Event(NamedTuple):
    """An event for one webhook; `id` is the same whenever it is made, `seq` its number in the feed."""

    id: UUID
    type: str
    seq: int
    body: str


def owner_as_viewer(owner_id: UUID) -> Viewer:
    """Who may see what a webhook is sent; whether they are in lists of others is looked up each time."""
    return Viewer(
        owner_id, NO_SESSION, "", is_superuser=False, membership=Membership(is_member=True)
    )


def delivery_id(webhook_id: UUID, row: Row) -> UUID:
    """The id of the delivery of a change to a webhook, whoever makes it and how often."""
    return uuid5(UUID(int=webhook_id.int), row["id"].hex)


async def event_of(owner_id: UUID, webhook_id: UUID, row: Row) -> Event | None:
    """The event that a change of a feed with spans is; None if its owner can't see anything of it now.

    Raises what `fetch` raises.
    """
    event_type = type_of(row)
    if event_type is None:
        return None
    viewer = owner_as_viewer(owner_id)
    [shown] = await redacted(viewer, [row], has_spans=True)
    if not _shows(shown):
        return None
    data = {"cursor": shown["cursor"], **await _data(viewer, shown)}
    return Event(
        delivery_id(webhook_id, row), event_type, row["seq"], body_of(event_type, row["at"], data)
    )


def resync_event(owner_id: UUID, webhook_id: UUID, lost: int, position: LogPosition) -> Event:
    """The event that says that changes from the number `lost` on are missing, up to a position."""
    data = {"cursor": cursor_of(owner_id, position.seq), "reason": REASON}
    id = uuid5(UUID(int=webhook_id.int), f"resync {lost} {position.seq}")
    body = body_of(RESYNC_REQUIRED, datetime.now(UTC), data)
    return Event(id, RESYNC_REQUIRED, position.seq, body)


def _shows(shown: dict[str, Any]) -> bool:
    """Whether there is anything to send: that the owner has left a list and that one was deleted, too."""
    if shown[IS_VISIBLE] or shown["diff"] or shown["entity_id"] == shown["owner_id"]:
        return True
    return (shown["kind"], shown["action"]) == (ChangeKind.LIST, EntityAction.DELETED)


async def _data(viewer: Viewer, shown: dict[str, Any]) -> dict[str, Any]:
    match shown["kind"]:
        case ChangeKind.TODO:
            return await _todo_data(viewer, shown)
        case ChangeKind.MEMBER:
            return await _member_data(viewer, shown)
        case ChangeKind.COMMENT:
            return await _comment_data(viewer, shown)
        case _:
            return await _list_data(viewer, shown)


async def _todo_data(viewer: Viewer, shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": ACTIONS[shown["action"]].name,
        "todoId": str(shown["todo_id"]),
        "fields": shown["diff"],
        "todo": await todo_content(viewer, shown["todo_id"]),
    }


async def _list_data(viewer: Viewer, shown: dict[str, Any]) -> dict[str, Any]:
    is_of_list = shown["kind"] == ChangeKind.LIST
    action = FEED_ACTIONS[shown["action"]] if is_of_list else FeedAction.UPDATED
    return {
        "action": action.name,
        "listId": str(shown["list_id"]),
        "sectionId": None if is_of_list else str(shown["entity_id"]),
        "fields": shown["diff"],
        "list": await list_content(viewer, shown["list_id"]),
    }


async def _member_data(viewer: Viewer, shown: dict[str, Any]) -> dict[str, Any]:
    roles = (entry["after"] for entry in shown["diff"] if entry["name"] == "role")
    is_visible = shown[IS_VISIBLE]
    is_named = is_visible or shown["entity_id"] == shown["owner_id"]
    return {
        "action": FEED_ACTIONS[shown["action"]].name,
        "listId": str(shown["list_id"]),
        "userId": str(shown["entity_id"]) if is_named else None,
        "role": next(roles, None) if is_visible else None,
        "list": await list_content(viewer, shown["list_id"]),
    }


async def _comment_data(viewer: Viewer, shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": FEED_ACTIONS[shown["action"]].name,
        "todoId": str(shown["todo_id"]),
        "commentId": str(shown["entity_id"]),
        "comment": await comment_content(viewer, shown["entity_id"]),
    }
