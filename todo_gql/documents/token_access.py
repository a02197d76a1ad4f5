"""What an API token needs to open an operation, found out once when the operation is prepared."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)
from strawberry.types.field import StrawberryField

from todo_gql.api.errors import Code
from todo_gql.api.token_scopes import LISTS_KEY, SCOPE_KEY, TokenScope
from todo_gql.documents.parsing import ErrorEntry, error_entry
from todo_gql.security.grants import TokenGrant


class Need(NamedTuple):
    """What a field needs: a scope, None if sessions alone open it, and whether bound tokens do."""

    field: str
    scope: TokenScope | None
    lists: bool


class RootNeed(NamedTuple):
    """What is needed by a root field, or by a field below it; `key` is the root field's response name."""

    key: str
    need: Need


class OperationNeeds:
    """Finds the needs of operations of one document, which is valid; each fragment is read once."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._of_fragments: dict[str, frozenset[Need]] = {}

    def of(self, node: OperationDefinitionNode) -> tuple[RootNeed, ...]:
        """The needs of an operation, each once for a root field."""
        root = self._schema.get_root_type(node.operation)
        needs: dict[RootNeed, None] = {}
        visited = set[str]()
        stack = [node.selection_set]
        while stack:
            for selection in stack.pop().selections:
                if isinstance(selection, FieldNode):
                    key = (selection.alias or selection.name).value
                    prefix = f"{root.name}." if root else ""
                    # The root field's own need is the one to say, if it isn't met.
                    own = sorted(
                        self._of_field(root, selection),
                        key=lambda need: (not need.field.startswith(prefix), need.field),
                    )
                    needs |= dict.fromkeys(RootNeed(key, need) for need in own)
                elif isinstance(selection, InlineFragmentNode):
                    stack.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name not in visited:
                        visited.add(name)
                        stack.append(self._fragments[name].selection_set)
        return tuple(needs)

    def _of_field(self, parent: GraphQLNamedType | None, node: FieldNode) -> frozenset[Need]:
        """The needs of a field and of all below it."""
        field = (
            parent.fields.get(node.name.value)
            if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
            else None
        )
        if field is None or parent is None:
            # Of introspection, which says nothing about anybody.
            return frozenset()
        own = need_of(parent, node.name.value, field)
        below = self._of_selections(get_named_type(field.type), node.selection_set)
        return below | {own} if own else below

    def _of_selections(
        self, parent: GraphQLNamedType | None, selections: SelectionSetNode | None
    ) -> frozenset[Need]:
        needs = frozenset[Need]()
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                needs |= self._of_field(parent, selection)
            elif isinstance(selection, InlineFragmentNode):
                needs |= self._of_selections(
                    self._narrowed(parent, selection), selection.selection_set
                )
            elif isinstance(selection, FragmentSpreadNode):
                needs |= self._of_fragment(selection.name.value)
        return needs

    def _of_fragment(self, name: str) -> frozenset[Need]:
        if name not in self._of_fragments:
            fragment = self._fragments[name]
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self._of_fragments[name] = self._of_selections(type_, fragment.selection_set)
        return self._of_fragments[name]

    def _narrowed(
        self, parent: GraphQLNamedType | None, node: InlineFragmentNode
    ) -> GraphQLNamedType | None:
        condition = node.type_condition
        return self._schema.get_type(condition.name.value) if condition else parent


def need_of(parent: GraphQLNamedType, name: str, field: GraphQLField) -> Need | None:
    """What a field of the schema needs by its metadata; None if it needs nothing of its own."""
    definition = field.extensions.get("strawberry-definition")
    metadata = definition.metadata if isinstance(definition, StrawberryField) else {}
    if SCOPE_KEY not in metadata:
        return None
    return Need(f"{parent.name}.{name}", metadata[SCOPE_KEY], metadata[LISTS_KEY])


def refusals(needs: Sequence[RootNeed], grant: TokenGrant) -> list[ErrorEntry]:
    """Why a token doesn't open an operation, an error for each root field; empty if it does."""
    errors: dict[str, ErrorEntry] = {}
    for key, need in needs:
        if key not in errors and (error := _refusal(need, grant)):
            errors[key] = {**error, "path": [key]}
    return list(errors.values())


def _refusal(need: Need, grant: TokenGrant) -> ErrorEntry | None:
    scope = need.scope
    if scope is None:
        message = f"API tokens don't open {need.field}: sign in for it."
        return error_entry(message, Code.FORBIDDEN, requiredScope=None, reason="SESSIONS_ONLY")
    if scope not in grant.scopes:
        message = (
            f"{need.field} needs the scope {scope.name}, which this API token doesn't have. Make a"
            " token that has it."
        )
        return error_entry(
            message, Code.FORBIDDEN, requiredScope=scope.name, reason="MISSING_SCOPE"
        )
    if grant.list_ids is not None and not need.lists:
        message = (
            f"{need.field} isn't limited to single lists, so that an API token which is bound to"
            " lists doesn't open it."
        )
        return error_entry(
            message, Code.FORBIDDEN, requiredScope=scope.name, reason="BOUND_TO_LISTS"
        )
    return None
