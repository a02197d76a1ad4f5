"""What pushes bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.push.access import PUSH_COLUMNS, visible_push_subscriptions
from todo_gql.features.push.tasks import tasks
from todo_gql.features.push.types import PushSubscription

PUSH = Feature(
    name="push",
    tables=(Table(models.PushSubscription, owner="owner_id", is_large=False),),
    node_types=(
        NodeType(
            type=PushSubscription,
            scope=None,
            visible=visible_push_subscriptions,
            columns=PUSH_COLUMNS,
            make=lambda row, _context: PushSubscription.from_row(row),
        ),
    ),
    tasks=tasks,
)
