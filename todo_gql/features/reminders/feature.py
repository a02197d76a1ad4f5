"""What reminders bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, Table
from todo_gql.features.reminders.tasks import tasks

REMINDERS = Feature(
    name="reminders",
    tables=(
        Table(models.Reminder, owner="owner_id", is_large=True),
        Table(models.Snooze, owner="owner_id", is_large=True),
        Table(models.DataVersion, owner=None, is_large=False),
    ),
    tasks=tasks,
)
