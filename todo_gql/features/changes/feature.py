"""What the change log brings to the parts of the program that all features share."""

from collections.abc import Mapping
from typing import Any

from todo_gql.api.scalars import diff_entries
from todo_gql.api.token_scopes import TokenScope
from todo_gql.changelog.access import CHANGE_COLUMNS, visible_changes
from todo_gql.database import models
from todo_gql.features.changes.loaders import log_ends
from todo_gql.features.changes.tasks import tasks
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.todos.redaction import redacted_todo_changes
from todo_gql.features.todos.types import Change
from todo_gql.operation.context import Context


def _change(row: Mapping[str, Any], context: Context) -> Change:
    if row["owner_id"] == context.signed_in().id:
        return Change.from_row(row)
    return Change.of_others(row)


CHANGES = Feature(
    name="changes",
    tables=(
        Table(models.Change, owner="owner_id", is_large=True),
        Table(models.Span, owner="owner_id", is_large=True),
    ),
    loaders=(log_ends,),
    node_types=(
        NodeType(
            type=Change,
            scope=TokenScope.TODOS_READ,
            visible=visible_changes,
            columns=CHANGE_COLUMNS,
            make=_change,
            parsers={"diff": diff_entries},
            redact=redacted_todo_changes,
        ),
    ),
    tasks=tasks,
)
