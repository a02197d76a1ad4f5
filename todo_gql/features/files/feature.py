"""What showing files brings to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.features.feature import Feature, NodeType
from todo_gql.features.files.loaders import (
    ATTACHMENT_COLUMNS,
    attachments_by_comment_id,
    attachments_by_todo_id,
    visible_attachments,
)
from todo_gql.features.files.types import Attachment

FILES = Feature(
    name="files",
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
)
