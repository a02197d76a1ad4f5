"""What webhooks bring to the parts of the program that all features share."""

from todo_gql.api.scalars import json_fragment
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.webhooks.access import (
    DELIVERY_COLUMNS,
    WEBHOOK_COLUMNS,
    visible_deliveries,
    visible_webhooks,
)
from todo_gql.features.webhooks.loaders import delivery_pages
from todo_gql.features.webhooks.tasks import tasks
from todo_gql.features.webhooks.types import Webhook, WebhookDelivery

WEBHOOKS = Feature(
    name="webhooks",
    tables=(
        Table(models.WebhookDelivery, owner="owner_id", is_large=True),
        Table(models.Webhook, owner="owner_id", is_large=False),
    ),
    loaders=(delivery_pages,),
    node_types=(
        NodeType(
            type=Webhook,
            scope=TokenScope.WEBHOOKS,
            visible=visible_webhooks,
            columns=WEBHOOK_COLUMNS,
            make=lambda row, _context: Webhook.from_row(row),
        ),
        NodeType(
            type=WebhookDelivery,
            scope=TokenScope.WEBHOOKS,
            visible=visible_deliveries,
            columns=DELIVERY_COLUMNS,
            parsers={"payload": json_fragment},
            make=lambda row, _context: WebhookDelivery.from_row(row),
        ),
    ),
    tasks=tasks,
)
