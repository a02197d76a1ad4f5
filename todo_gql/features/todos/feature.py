"""What todos and tags bring to the parts of the program that all features share."""

from todo_gql.api.scalars import json_fragment
from todo_gql.features.feature import Feature, NodeType
from todo_gql.features.todos.access import TAG_COLUMNS, TODO_COLUMNS, visible_tags, visible_todos
from todo_gql.features.todos.types import Tag, Todo

TODOS = Feature(
    name="todos",
    node_types=(
        NodeType(
            type=Todo,
            visible=visible_todos,
            columns=TODO_COLUMNS,
            make=lambda row, context: Todo.from_row(row, context.now),
            parsers={"metadata": json_fragment},
        ),
        NodeType(
            type=Tag,
            visible=visible_tags,
            columns=TAG_COLUMNS,
            make=lambda row, _context: Tag.from_row(row),
        ),
    ),
)
