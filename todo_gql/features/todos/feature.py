"""What todos and tags bring to the parts of the program that all features share."""

from todo_gql.api.scalars import json_fragment
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.todos.access import (
    MEMBER_TAG_COLUMNS,
    TAG_COLUMNS,
    visible_tags,
    visible_todos,
)
from todo_gql.features.todos.columns import READ_COLUMNS
from todo_gql.features.todos.loaders import (
    history_by_todo_id,
    newer_history,
    tags_by_todo_id,
    todos_by_id,
)
from todo_gql.features.todos.log_pages import activity_by_list, others_history
from todo_gql.features.todos.occurrences import past_by_series_id, past_counts
from todo_gql.features.todos.snoozes import snoozes_by_todo_id
from todo_gql.features.todos.subtasks import (
    subtask_counts,
    subtask_edges,
    subtasks_by_parent_id,
)
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.tasks import tasks
from todo_gql.features.todos.types import Todo

TODOS = Feature(
    name="todos",
    # The tags of todos first: a batch of todos would delete several times as many of these rows.
    tables=(
        Table(models.Snooze, owner="owner_id", is_large=True),
        Table(models.TodoTag, owner="owner_id", is_large=True),
        Table(models.Todo, owner="owner_id", is_large=True),
        Table(models.Tag, owner="owner_id", is_large=False),
        Table(models.DueCount, owner="owner_id", is_large=False),
        Table(models.Feed, owner="owner_id", is_large=False),
    ),
    loaders=(
        todos_by_id,
        tags_by_todo_id,
        history_by_todo_id,
        newer_history,
        activity_by_list,
        others_history,
        subtasks_by_parent_id,
        subtask_edges,
        subtask_counts,
        past_by_series_id,
        past_counts,
        snoozes_by_todo_id,
    ),
    node_types=(
        NodeType(
            type=Todo,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_todos,
            columns=READ_COLUMNS,
            make=lambda row, context: Todo.from_row(row, context.now),
            parsers={"metadata": json_fragment},
        ),
        NodeType(
            type=Tag,
            scope=TokenScope.TODOS_READ,
            visible=visible_tags,
            columns=TAG_COLUMNS,
            member_columns=MEMBER_TAG_COLUMNS,
            make=lambda row, _context: Tag.from_row(row),
        ),
    ),
    tasks=tasks,
)
