"""What notifications bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.notifications.loaders import actors_by_id, subjects_by_key
from todo_gql.features.notifications.tasks import tasks
from todo_gql.features.notifications.types import Notification
from todo_gql.inbox.access import NOTIFICATION_COLUMNS, visible_notifications

NOTIFICATIONS = Feature(
    name="notifications",
    tables=(
        Table(models.Notification, owner="owner_id", is_large=True),
        Table(models.Inbox, owner="owner_id", is_large=False),
        Table(models.NotificationPreferences, owner="owner_id", is_large=False),
        Table(models.NotificationMail, owner="owner_id", is_large=False),
    ),
    loaders=(subjects_by_key, actors_by_id),
    node_types=(
        NodeType(
            type=Notification,
            scope=TokenScope.PROFILE_READ,
            visible=visible_notifications,
            columns=NOTIFICATION_COLUMNS,
            make=lambda row, _context: Notification.from_row(row),
        ),
    ),
    tasks=tasks,
)
