"""What webhooks bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, Table

WEBHOOKS = Feature(
    name="webhooks",
    tables=(
        Table(models.WebhookDelivery, owner="owner_id", is_large=True),
        Table(models.Webhook, owner="owner_id", is_large=False),
    ),
)
