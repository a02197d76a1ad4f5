"""What reminders bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.reminders.tasks import tasks
from todo_gql.features.todos.reminders import (
    REMINDER_COLUMNS,
    reminders_by_todo_id,
    visible_reminders,
)
from todo_gql.features.todos.types import Reminder

REMINDERS = Feature(
    name="reminders",
    tables=(
        Table(models.Reminder, owner="owner_id", is_large=True),
        Table(models.DataVersion, owner=None, is_large=False),
    ),
    loaders=(reminders_by_todo_id,),
    node_types=(
        NodeType(
            type=Reminder,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_reminders,
            columns=REMINDER_COLUMNS,
            make=lambda row, _context: Reminder.from_row(row),
        ),
    ),
    tasks=tasks,
)
