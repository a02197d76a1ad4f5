"""The fields of Todo that the table of fields declares, and how they are read from rows."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry

from todo_gql.api.cost_weights import MAX_BYTES
from todo_gql.api.scalars import metadata_fragment
from todo_gql.execution import ConvertedColumn, Source
from todo_gql.features.todos.field_types import ComputedField, StoredField
from todo_gql.features.todos.fields import TODO_FIELDS


def declared_fields() -> Sequence[tuple[str, Any, Any]]:
    """The fields of Todo that the table declares."""
    return [
        (
            field.name,
            field.graphql_type,
            strawberry.field(description=field.description, metadata=_metadata(field)),
        )
        for field in TODO_FIELDS
        if field.description
    ]


def _metadata(field: StoredField | ComputedField) -> dict[str, int] | None:
    max_bytes = field.max_bytes if isinstance(field, StoredField) else None
    return {MAX_BYTES: max_bytes} if max_bytes else None


CONVERSIONS: dict[Any, Callable[[Any], Any]] = {
    strawberry.ID: str,
    strawberry.scalars.JSON: metadata_fragment,
}


def _source(field: StoredField | ComputedField) -> Source:
    """How Todo reads a field from a row."""
    if isinstance(field, ComputedField):
        return field.source
    convert = CONVERSIONS.get(field.value_type)
    if field.enum:
        convert = {member.value: member for member in field.enum}.__getitem__
    return ConvertedColumn(field.name, field.nullable(convert)) if convert else field.name


def sources() -> dict[str, Source]:
    """How Todo reads those fields from a row."""
    return {field.name: _source(field) for field in TODO_FIELDS if field.description}
