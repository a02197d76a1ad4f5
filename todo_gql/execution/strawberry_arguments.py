"""Converting arguments to what resolvers take, as Strawberry does, but analysing each type once."""

from dataclasses import MISSING
from typing import Any, Protocol, TypeAlias

from strawberry import UNSET, Info, Schema, Some
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition

Path: TypeAlias = tuple[str | int, ...]


class Convert(Protocol):
    """Converts coerced values of one input type."""

    def __call__(self, value: Any, info: Info[Any, Any], path: Path, /) -> Any:
        """The value as a resolver takes it; `path` leads to it from the argument."""


class ArgumentConverters:
    """Converters for the input types of one schema."""

    def __init__(self, schema: Schema) -> None:
        self.config = schema.config
        self.scalars = schema.schema_converter.scalar_registry
        self.objects: dict[Any, Convert] = {}

    def converter(self, type_: Any) -> Convert:
        """The converter of a type; rare types are converted by Strawberry itself."""
        if isinstance(type_, StrawberryMaybe):
            nullable = isinstance(type_.of_type, StrawberryOptional)
            return _some(self.converter(type_.of_type)) if nullable else self._by_strawberry(type_)
        if isinstance(type_, StrawberryOptional):
            return self.converter(type_.of_type)
        if isinstance(type_, StrawberryList):
            return _list(self.converter(type_.of_type))
        if self._is_leaf(type_):
            return _unchanged
        if has_object_definition(type_) and type_.__strawberry_definition__.from_input is None:
            return self.objects.get(type_) or self._object(type_, type_.__strawberry_definition__)
        return self._by_strawberry(type_)

    def _is_leaf(self, type_: Any) -> bool:
        if type_ is GlobalID:
            return False
        is_enum = isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_)
        return is_enum or is_scalar(type_, self.scalars)

    def _object(self, type_: Any, definition: StrawberryObjectDefinition) -> Convert:
        fields: list[tuple[str, str, Convert]] = []
        absent = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }

        def convert(value: Any, info: Info[Any, Any], path: Path) -> Any:
            if value is None or value is UNSET:
                return value
            attributes: dict[str, Any] = absent.copy()
            for name, attribute, convert_field in fields:
                if name in value:
                    attributes[attribute] = convert_field(value[name], info, (*path, name))
            return type_(**attributes)

        # Registered before its fields are converted, since one of them may be of the same type.
        self.objects[type_] = convert
        for field in definition.fields:
            name = self.config.name_converter.from_field(field)
            converter = self.converter(field.resolve_type(type_definition=definition))
            fields.append((name, field.python_name, converter))
        return convert

    def _by_strawberry(self, type_: Any) -> Convert:
        def convert(value: Any, info: Info[Any, Any], path: Path) -> Any:
            return convert_argument(value, type_, self.scalars, self.config, info, path=path)

        return convert


def _unchanged(value: Any, _info: Info[Any, Any], _path: Path) -> Any:
    return value


def _some(convert_inner: Convert) -> Convert:
    return lambda value, info, path: Some(convert_inner(value, info, path))


def _list(convert_item: Convert) -> Convert:
    def convert(value: Any, info: Info[Any, Any], path: Path) -> Any:
        if value is None or value is UNSET:
            return value
        if convert_item is _unchanged:
            return list(value)
        return [convert_item(item, info, (*path, index)) for index, item in enumerate(value)]

    return convert
