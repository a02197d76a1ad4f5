"""What a change did, and the fields that it touched, as the schema shows them."""

from enum import Enum
from typing import Any

import strawberry

from todo_gql.api.cost_weights import MAX_BYTES
from todo_gql.api.scalars import diff_entries
from todo_gql.database.models import Action, EntityAction
from todo_gql.features.todos.fields import stored_fields


@strawberry.enum(description="What a change did; a new status says more than the rest.")
class ChangeAction(Enum):
    """The model's actions."""

    CREATED = strawberry.enum_value(Action.CREATED.value, description="The todo was made.")
    UPDATED = strawberry.enum_value(Action.UPDATED.value, description="Fields changed.")
    STARTED = strawberry.enum_value(Action.STARTED.value, description="Set to IN_PROGRESS.")
    COMPLETED = strawberry.enum_value(Action.COMPLETED.value, description="Set to COMPLETED.")
    REOPENED = strawberry.enum_value(Action.REOPENED.value, description="Set to PENDING.")
    CANCELLED = strawberry.enum_value(Action.CANCELLED.value, description="Set to CANCELLED.")
    DELETED = strawberry.enum_value(Action.DELETED.value, description="Moved to the trash.")
    RESTORED = strawberry.enum_value(Action.RESTORED.value, description="Taken from the trash.")


@strawberry.enum(description="What happened to a list, a membership or a comment.")
class FeedAction(Enum):
    """The model's actions of changes that aren't of todos."""

    CREATED = strawberry.enum_value(EntityAction.CREATED.value, description="It was made.")
    UPDATED = strawberry.enum_value(EntityAction.UPDATED.value, description="It changed.")
    DELETED = strawberry.enum_value(
        EntityAction.DELETED.value, description="It was deleted, or moved to the trash."
    )
    RESTORED = strawberry.enum_value(
        EntityAction.RESTORED.value, description="It was taken from the trash."
    )
    JOINED = strawberry.enum_value(
        EntityAction.JOINED.value, description="Somebody has become a member of the list."
    )
    LEFT = strawberry.enum_value(
        EntityAction.LEFT.value, description="Somebody is no member of the list any more."
    )
    ROLE_CHANGED = strawberry.enum_value(
        EntityAction.ROLE_CHANGED.value, description="A member has another role."
    )


ACTIONS = tuple(ChangeAction)
FEED_ACTIONS = tuple(FeedAction)
# In an answer, of a stored field before or after a change.
MAX_VALUE_BYTES = max(field.max_bytes or 0 for field in stored_fields())


@strawberry.type(description="A field that a change touched.")
class FieldChange:
    """An entry of a change's diff."""

    name: str = strawberry.field(description="The field of Todo, by its name in this schema.")
    before: strawberry.scalars.JSON | None = strawberry.field(
        description="Its value before; tags as a list of names.",
        metadata={MAX_BYTES: MAX_VALUE_BYTES},
    )
    after: strawberry.scalars.JSON | None = strawberry.field(
        description="Its value after.", metadata={MAX_BYTES: MAX_VALUE_BYTES}
    )


def field_changes(diff: str | list[dict[str, Any]]) -> list[FieldChange]:
    """The fields in a diff, which may be read already."""
    entries = diff_entries(diff) if isinstance(diff, str) else diff
    return [FieldChange(**entry) for entry in entries]
