"""A GraphQL engine that executes breadth-first; see README.md beside this file."""

from todo_gql.execution.current import may_batch
from todo_gql.execution.engine import Engine, Operation
from todo_gql.execution.loaded_fields import ColumnLoader, loaded_field, loaded_rows, loaded_value
from todo_gql.execution.rows import ConvertedColumn, Rows, RowType, Source

__all__ = [
    "ColumnLoader",
    "ConvertedColumn",
    "Engine",
    "Operation",
    "RowType",
    "Rows",
    "Source",
    "loaded_field",
    "loaded_rows",
    "loaded_value",
    "may_batch",
]
