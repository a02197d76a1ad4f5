"""What notifications bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, Table

NOTIFICATIONS = Feature(
    name="notifications",
    tables=(
        Table(models.Notification, owner="owner_id", is_large=True),
        Table(models.Inbox, owner="owner_id", is_large=False),
        Table(models.NotificationPreferences, owner="owner_id", is_large=False),
        Table(models.NotificationMail, owner="owner_id", is_large=False),
        Table(models.PushSubscription, owner="owner_id", is_large=False),
    ),
)
