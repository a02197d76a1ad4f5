"""A rule for variables in input objects of which exactly one field is given (`@oneOf`)."""

from typing import Any

from graphql import (
    GraphQLError,
    NonNullTypeNode,
    OperationDefinitionNode,
    ValidationRule,
    is_input_object_type,
    is_non_null_type,
)


class OneOfVariablesRule(ValidationRule):
    """Refuses nullable variables where such an object must be given.

    graphql-core's own rule doesn't look through the `!` of the object's type, and so takes them
    there: https://spec.graphql.org/September2025/#sec-All-Variable-Usages-Are-Allowed.
    """

    def leave_operation_definition(self, node: OperationDefinitionNode, *_arguments: Any) -> None:
        """Look at all variables of an operation, in its fragments too."""
        given = {one.variable.name.value: one for one in node.variable_definitions or ()}
        for usage in self.context.get_recursive_variable_usages(node):
            place, definition = usage.parent_type, given.get(usage.node.name.value)
            if not is_non_null_type(place) or not is_input_object_type(place.of_type):
                continue
            if not place.of_type.is_one_of or definition is None:
                continue
            if not isinstance(definition.type, NonNullTypeNode):
                message = (
                    f"Variable '${usage.node.name.value}' must be non-nullable to be used for"
                    f" OneOf Input Object '{place.of_type}'."
                )
                self.report_error(GraphQLError(message, [definition, usage.node]))
