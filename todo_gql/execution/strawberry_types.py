"""What the engine knows of Strawberry: which wrappers it may look behind, and what is there."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """Finds fields whose resolver does nothing but what their declaration says."""

    info_class: Any
    allowed: bool

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Shortcuts":
        """The shortcuts through a schema; none where exceptions are handled by the schema."""
        strawberry_schema = getattr(schema, "_strawberry_schema", None)
        if strawberry_schema is None:
            return cls(None, allowed=False)
        return cls(
            strawberry_schema.config.info_class, allowed=not strawberry_schema.exception_handlers
        )

    def bare_field(self, definition: GraphQLField) -> StrawberryField | None:
        """The declaration of a field without permissions, extensions or arguments."""
        field = definition.extensions.get(DEFINITION)
        if not self.allowed or not isinstance(field, StrawberryField):
            return None
        plain = type(field).get_result is StrawberryField.get_result
        return field if plain and not field.extensions and not definition.args else None


def attribute_of(field: StrawberryField) -> str | None:
    """The attribute that the field shows, if it does no more than that."""
    shows = field.base_resolver is None and field.default_resolver is getattr
    return field.python_name if shows else None


def origin_of(type_: GraphQLObjectType) -> type | None:
    """The class that a type was declared by."""
    definition = type_.extensions.get(DEFINITION)
    return definition.origin if isinstance(definition, StrawberryObjectDefinition) else None


def is_checked_by_class(type_: GraphQLObjectType) -> bool:
    """Whether the type's `is_type_of` is Strawberry's own, which doesn't look at the execution."""
    definition = type_.extensions.get(DEFINITION)
    return isinstance(definition, StrawberryObjectDefinition) and definition.is_type_of is None
