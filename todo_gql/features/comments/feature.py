"""What comments bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.todos.comments import (
    COMMENT_COLUMNS,
    authors_by_comment,
    comment_counts,
    comment_pages_by_todo,
    comments_by_id,
    mentions_by_comment,
    visible_comments,
)
from todo_gql.features.todos.types import Comment

COMMENTS = Feature(
    name="comments",
    tables=(Table(models.Comment, owner="owner_id", is_large=True),),
    loaders=(
        comments_by_id,
        comment_pages_by_todo,
        comment_counts,
        authors_by_comment,
        mentions_by_comment,
    ),
    node_types=(
        NodeType(
            type=Comment,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_comments,
            columns=COMMENT_COLUMNS,
            make=lambda row, _context: Comment.from_row(row),
        ),
    ),
)
