"""Access control: what features' queries for the rows that a viewer may see are made of."""

from typing import TypeAlias
from uuid import UUID

from tortoise.models import Model

from todo_gql.database.models import column_types
from todo_gql.database.select import SelectQuery

Columns: TypeAlias = tuple[str, ...]


def columns(model: type[Model], alias: str, *, without: frozenset[str] = frozenset()) -> Columns:
    """The columns of a model, qualified with the alias of its table."""
    return tuple(f"{alias}.{name}" for name in column_types(model) if name not in without)


def owned(source: str, alias: str, owner_id: UUID) -> SelectQuery:
    """The rows of a table, with this alias in `source`, of one owner."""
    statement = SelectQuery(source)
    return statement.where(f"{alias}.owner_id = {statement.bind(owner_id)}")
