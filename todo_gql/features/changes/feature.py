"""What the change log brings to the parts of the program that all features share."""

from todo_gql.api.scalars import diff_entries
from todo_gql.changelog.access import CHANGE_COLUMNS, visible_changes
from todo_gql.database import models
from todo_gql.features.changes.loaders import log_ends
from todo_gql.features.changes.tasks import tasks
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.todos.types import Change

CHANGES = Feature(
    name="changes",
    tables=(Table(models.Change, owner="owner_id", is_large=True),),
    loaders=(log_ends,),
    node_types=(
        NodeType(
            type=Change,
            visible=visible_changes,
            columns=CHANGE_COLUMNS,
            make=lambda row, _context: Change.from_row(row),
            parsers={"diff": diff_entries},
        ),
    ),
    tasks=tasks,
)
