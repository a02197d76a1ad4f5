"""The states of webhooks and deliveries as the schema shows them; their values are those of the database."""

from enum import Enum
from typing import Final

import strawberry

from todo_gql.database import models


@strawberry.enum(description="Whether events are sent to a webhook.")
class WebhookState(Enum):
    """The model's states."""

    ACTIVE = strawberry.enum_value(
        models.WebhookState.ACTIVE.value, description="Events are sent to it."
    )
    PAUSED = strawberry.enum_value(
        models.WebhookState.PAUSED.value,
        description="Nothing is sent to it for now; it goes on where it was.",
    )
    DISABLED = strawberry.enum_value(
        models.WebhookState.DISABLED.value,
        description="The server ended it: `disabledBecause` says why. It goes on where it was once "
        "`isPaused` is set to false.",
    )


@strawberry.enum(description="What became of an event that is sent to a webhook.")
class DeliveryState(Enum):
    """The model's states."""

    WAITING = strawberry.enum_value(
        models.DeliveryState.WAITING.value, description="It is to be sent, or sent again."
    )
    DELIVERED = strawberry.enum_value(
        models.DeliveryState.DELIVERED.value, description="The endpoint took it."
    )
    FAILED = strawberry.enum_value(
        models.DeliveryState.FAILED.value,
        description="It was given up; webhookRedeliver sends it once more.",
    )


WEBHOOK_STATES: Final = tuple(WebhookState)
DELIVERY_STATES: Final = tuple(DeliveryState)
