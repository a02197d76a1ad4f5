"""What a document has to keep to, beyond the rules of GraphQL itself."""

from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    specified_rules,
)
from graphql.language import VisitorAction

from todo_gql.accounts.credentials import takes_credential


class OneCredentialMutation(ValidationRule):
    """An operation tries one credential at most, so that no document is a list of guesses.

    What counts is how often such a field would be executed: as many times as it has names in the
    answer. The names in a fragment are collected once, however often it is spread.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        mutation = context.schema.mutation_type
        fields = mutation.fields if mutation else {}
        self.credentials = {name for name, field in fields.items() if takes_credential(field)}
        self.fragments: dict[str, dict[str, str]] = {}

    def enter_operation_definition(
        self, node: OperationDefinitionNode, *_args: Any
    ) -> VisitorAction:
        """Report an operation that tries more than one credential."""
        if node.operation is OperationType.MUTATION:
            tried = self._tried(node.selection_set)
            if len(tried) > 1:
                message = (
                    "An operation may hold one mutation that takes a credential; this one holds"
                    f" {len(tried)} ({', '.join(sorted(set(tried.values())))})."
                    " Send them one by one."
                )
                self.report_error(GraphQLError(message, node))
        return self.SKIP

    def _tried(self, selection_set: SelectionSetNode) -> dict[str, str]:
        """The fields that take a credential, by their names in the answer."""
        tried: dict[str, str] = {}
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                if selection.name.value in self.credentials:
                    tried[(selection.alias or selection.name).value] = selection.name.value
            elif isinstance(selection, FragmentSpreadNode):
                tried |= self._tried_in(selection.name.value)
            elif isinstance(selection, InlineFragmentNode):
                tried |= self._tried(selection.selection_set)
        return tried

    def _tried_in(self, name: str) -> dict[str, str]:
        if name not in self.fragments:
            # Met again on the way down it is part of a cycle, which another rule refuses.
            self.fragments[name] = {}
            fragment = self.context.get_fragment(name)
            if fragment:
                self.fragments[name] = self._tried(fragment.selection_set)
        return self.fragments[name]


RULES = (*specified_rules, OneCredentialMutation)
