"""What attaching files brings to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.attachments.tasks import tasks
from todo_gql.features.feature import Feature, Table

ATTACHMENTS = Feature(
    name="attachments",
    tables=(
        Table(models.Attachment, owner="owner_id", is_large=True),
        Table(models.FileUsage, owner="owner_id", is_large=False),
        Table(models.DiscardedFile, owner=None, is_large=False),
    ),
    tasks=tasks,
)
