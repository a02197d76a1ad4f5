"""A validation rule for variables used as `@oneOf` input objects."""

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
    """Rejects nullable variables where a non-null `@oneOf` input object is required.

    graphql-core's own rule doesn't unwrap the non-null type of the object, and so accepts them:
    https://spec.graphql.org/September2025/#sec-All-Variable-Usages-Are-Allowed.
    """

    def leave_operation_definition(self, node: OperationDefinitionNode, *_arguments: Any) -> None:
        """Check all variable usages of an operation, those in its fragments too."""
        definitions = {one.variable.name.value: one for one in node.variable_definitions or ()}
        for usage in self.context.get_recursive_variable_usages(node):
            type_, definition = usage.parent_type, definitions.get(usage.node.name.value)
            if not is_non_null_type(type_) or not is_input_object_type(type_.of_type):
                continue
            if not type_.of_type.is_one_of or definition is None:
                continue
            if not isinstance(definition.type, NonNullTypeNode):
                message = (
                    f"Variable '${usage.node.name.value}' must be non-nullable to be used for"
                    f" OneOf Input Object '{type_.of_type}'."
                )
                self.report_error(GraphQLError(message, [definition, usage.node]))
