"""What files of todos bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.attachments.tasks import tasks
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.files.loaders import (
    ATTACHMENT_COLUMNS,
    attachments_by_comment_id,
    attachments_by_todo_id,
    visible_attachments,
)
from todo_gql.features.files.types import Attachment

ATTACHMENTS = Feature(
    name="attachments",
    tables=(
        Table(models.Attachment, owner="owner_id", is_large=True),
        Table(models.FileUsage, owner="owner_id", is_large=False),
        Table(models.DiscardedFile, owner=None, is_large=False),
    ),
    loaders=(attachments_by_todo_id, attachments_by_comment_id),
    node_types=(
        NodeType(
            type=Attachment,
            scope=TokenScope.TODOS_READ,
            visible=visible_attachments,
            columns=ATTACHMENT_COLUMNS,
            make=lambda row, _context: Attachment.from_row(row),
        ),
    ),
    tasks=tasks,
)
