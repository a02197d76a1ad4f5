"""A GraphQL engine that executes breadth-first; see README.md beside this file."""

from todo_gql.execution.engine import Engine, Operation
from todo_gql.execution.execution import others_may_ask
from todo_gql.execution.loaded_fields import ColumnLoader, loaded_field, loaded_rows, loaded_value
from todo_gql.execution.rows import Converted, Rows, RowType

__all__ = [
    "ColumnLoader",
    "Converted",
    "Engine",
    "Operation",
    "RowType",
    "Rows",
    "loaded_field",
    "loaded_rows",
    "loaded_value",
    "others_may_ask",
]
