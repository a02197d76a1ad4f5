"""JSON Schema 2020-12 of what an operation takes, its variables, and of what it answers, its selection."""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    type_from_ast,
    value_from_ast_untyped,
)

Schema: TypeAlias = dict[str, Any]
Fragments: TypeAlias = dict[str, FragmentDefinitionNode]

SCALARS: Final[dict[str, Schema]] = {
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Float": {"type": "number"},
    "Int": {"type": "integer"},
    "JSON": {},
}
# Scalars with another name are texts.
TEXT: Final[Schema] = {"type": "string"}


def nullable(schema: Schema) -> Schema:
    """The schema of a value, or null."""
    if not schema:
        return schema
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    more: Schema = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | more


def described(schema: Schema, description: str | None) -> Schema:
    """The schema with a description, if there is one."""
    return schema | {"description": description} if description else schema


class Inputs:
    """The schema of the variables of an operation; `definitions` gathers its input types."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions: dict[str, Schema] = {}
        self._positions = _positions_of_variables(schema, operation)
        variables = operation.variable_definitions or ()
        properties = {one.variable.name.value: self._variable(one) for one in variables}
        required = [
            one.variable.name.value
            for one in variables
            if one.type.kind == "non_null_type" and one.default_value is None
        ]
        self.schema: Schema = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        if self._definitions:
            self.schema["$defs"] = self._definitions

    def _variable(self, variable: VariableDefinitionNode) -> Schema:
        name = variable.variable.name.value
        own = variable.description.value if variable.description else None
        schema = self._of(type_from_ast(self._schema, variable.type))
        schema = described(schema, own or self._positions.get(name))
        if variable.default_value is not None:
            schema |= {"default": value_from_ast_untyped(variable.default_value)}
        return schema

    def _of(self, type_: Any) -> Schema:
        if isinstance(type_, GraphQLNonNull):
            return self._not_null(type_.of_type)
        return nullable(self._not_null(type_))

    def _not_null(self, type_: Any) -> Schema:
        if isinstance(type_, GraphQLList):
            return {"type": "array", "items": self._of(type_.of_type)}
        if isinstance(type_, GraphQLInputObjectType):
            if type_.name not in self._definitions:
                # Before its fields are: one of them may have this type.
                self._definitions[type_.name] = {}
                self._definitions[type_.name] = self._input_object(type_)
            return {"$ref": f"#/$defs/{type_.name}"}
        return _leaf(type_)

    def _input_object(self, type_: GraphQLInputObjectType) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {name: self._field(type_, each) for name, each in type_.fields.items()},
            "additionalProperties": False,
        }
        if type_.is_one_of:
            return schema | {"minProperties": 1, "maxProperties": 1}
        required = [name for name, each in type_.fields.items() if _is_required(each)]
        return schema | {"required": required} if required else schema

    def _field(self, parent: GraphQLInputObjectType, field: GraphQLInputField) -> Schema:
        schema = self._not_null(field.type) if parent.is_one_of else self._of(field.type)
        schema = described(schema, field.description)
        if field.default_value is Undefined:
            return schema
        default = field.default_value
        return schema | {"default": default.name if isinstance(default, Enum) else default}


def _is_required(field: GraphQLInputField) -> bool:
    return isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined


def _leaf(type_: Any) -> Schema:
    if isinstance(type_, GraphQLEnumType):
        return {"type": "string", "enum": list(type_.values)}
    return SCALARS.get(type_.name, TEXT)


def _positions_of_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> dict[str, str]:
    """The description of the argument or the input field that each variable is used for."""
    descriptions: dict[str, str] = {}

    def of_value(value: Any, described_by: Any) -> None:
        if value.kind == "variable":
            if described_by.description:
                descriptions.setdefault(value.name.value, described_by.description)
        elif value.kind == "object_value":
            fields = get_named_type(described_by.type).fields
            for each in value.fields:
                of_value(each.value, fields[each.name.value])

    root = schema.get_root_type(operation.operation)
    assert root is not None
    for selection in operation.selection_set.selections:
        assert isinstance(selection, FieldNode)
        arguments = root.fields[selection.name.value].args
        for argument in selection.arguments or ():
            of_value(argument.value, arguments[argument.name.value])
    return descriptions


class Outputs:
    """The schema of the data that operations answer, whose root fields all have values."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments) -> None:
        self._schema = schema
        self._fragments = fragments

    def of(self, operation: OperationDefinitionNode) -> Schema:
        """The schema of the data of one operation."""
        root = self._schema.get_root_type(operation.operation)
        properties = self._properties(root, operation.selection_set)
        for selection in operation.selection_set.selections:
            assert isinstance(selection, FieldNode)
            # A root field that is null is an error, which has no data.
            key = selection.alias.value if selection.alias else selection.name.value
            properties[key] = self._field(root, selection, is_nullable=False)
        return _object(properties)

    def _properties(self, parent: Any, selections: SelectionSetNode) -> dict[str, Schema]:
        properties: dict[str, Schema] = {}
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    key = selection.alias.value if selection.alias else selection.name.value
                    properties[key] = self._field(parent, selection, is_nullable=True)
                case FragmentSpreadNode():
                    fragment = self._fragments[selection.name.value]
                    properties |= self._properties(parent, fragment.selection_set)
                case InlineFragmentNode():
                    # What it narrows is nothing else, or else isn't there at all.
                    assert selection.type_condition
                    type_ = self._schema.get_type(selection.type_condition.name.value)
                    properties |= self._properties(type_, selection.selection_set)
        return properties

    def _field(self, parent: Any, node: FieldNode, *, is_nullable: bool) -> Schema:
        if node.name.value == "__typename":
            return TEXT
        type_ = parent.fields[node.name.value].type
        if not is_nullable and not isinstance(type_, GraphQLNonNull):
            type_ = GraphQLNonNull(type_)
        return self._of(type_, node.selection_set)

    def _of(self, type_: Any, selections: SelectionSetNode | None) -> Schema:
        if isinstance(type_, GraphQLNonNull):
            return self._not_null(type_.of_type, selections)
        return nullable(self._not_null(type_, selections))

    def _not_null(self, type_: Any, selections: SelectionSetNode | None) -> Schema:
        if isinstance(type_, GraphQLList):
            return {"type": "array", "items": self._of(type_.of_type, selections)}
        if not is_composite_type(type_):
            return _leaf(type_)
        assert selections is not None
        assert not is_abstract_type(type_) or len(selections.selections) == 1
        return _object(self._properties(type_, selections))


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def used_fragments(selections: SelectionSetNode | None, fragments: Fragments) -> Iterable[str]:
    """The names of the fragments that a selection set spreads, directly or through others."""
    for selection in selections.selections if selections else ():
        if isinstance(selection, FragmentSpreadNode):
            yield selection.name.value
            yield from used_fragments(fragments[selection.name.value].selection_set, fragments)
        elif isinstance(selection, FieldNode | InlineFragmentNode):
            yield from used_fragments(selection.selection_set, fragments)
