"""Documents as they are read: parsed, held to the limits, validated, and priced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OperationDefinitionNode,
    VariablesInAllowedPositionRule,
    parse,
    specified_rules,
    validate,
    value_from_ast_untyped,
)

from todo_gql.api.document_source import DocumentSource
from todo_gql.api.errors import Code, formatted
from todo_gql.documents.analysis import OperationStats
from todo_gql.documents.cost_expression import Cost, evaluate
from todo_gql.documents.limits import DocumentLimits
from todo_gql.documents.one_of_variables import OneOfVariablesRule
from todo_gql.documents.schema_redaction import Secrecy, SentNames
from todo_gql.documents.steps import Steps, finished
from todo_gql.settings import Settings

MAX_ERRORS = 10
# Longer documents are parsed and validated in steps, each of which takes some milliseconds.
LARGE_DOCUMENT_LENGTH = 2_000
# These look for the variables of the whole document once more, which all of them share.
RULES_OF_VARIABLES = frozenset(
    {
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        OneOfVariablesRule,
        VariablesInAllowedPositionRule,
    }
)
# The usual introspection query, or all of a large type, takes as long as operations of this cost.
SCHEMA_CHARGE, TYPE_CHARGE = 500, 50

Entry: TypeAlias = dict[str, Any]
"""An entry of an answer's `errors`."""


def plain_error(message: str, code: Code, **extensions: object) -> Entry:
    """An entry that belongs to no place in the document."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def codes_of(entries: Iterable[Entry]) -> set[str]:
    """The codes in an answer's `errors`."""
    return {entry["extensions"]["code"] for entry in entries}


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document within the limits."""

    node: DocumentNode
    stats: Mapping[str | None, OperationStats]
    max_cost: int

    def measured(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> tuple[int, int]:
        """What an operation costs with these variables, and how many bytes its answer has.

        Both are at most so many; the size is rough.
        """
        stats = self._stats_of(operation)
        return _evaluate(stats.cost, operation, variables), _evaluate(
            stats.size, operation, variables
        )

    def fixed(self, operation: OperationDefinitionNode) -> tuple[int, int] | None:
        """As `measured`, where that is the same with any variables; or else None."""
        stats = self._stats_of(operation)
        cost, size = stats.cost, stats.size
        return (cost, size) if isinstance(cost, int) and isinstance(size, int) else None

    def introspection_charge(self, operation: OperationDefinitionNode) -> int:
        """What reading the schema uses up of the caller's cost, though it isn't a part of `measured`."""
        names = list(self._stats_of(operation).root_fields.values())
        return SCHEMA_CHARGE * names.count("__schema") + TYPE_CHARGE * names.count("__type")

    def cost_of_event(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> int:
        """What each event of a subscription costs with these variables, at most."""
        return _evaluate(self._stats_of(operation).event_cost, operation, variables)

    def _stats_of(self, operation: OperationDefinitionNode) -> OperationStats:
        return self.stats[operation.name.value if operation.name else None]

    def too_expensive(self, cost: int) -> Entry:
        """The error of an operation that costs more than `max_cost`."""
        message = (
            f"The operation costs {cost:,} and may cost {self.max_cost:,}. Ask for smaller pages,"
            " less of each item, or fewer filters and counts."
        )
        return plain_error(message, Code.COST_LIMIT, cost=cost, limit=self.max_cost)


def _evaluate(
    cost: Cost, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> int:
    """The number that a cost is with these variables and the operation's default values."""
    if isinstance(cost, int):
        return cost
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value
    }
    return evaluate(cost, defaults | dict(variables or {}))


class Documents:
    """Reads documents for one schema.

    Where introspection is off, no message tells a name of the schema that the client didn't send.
    """

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.limits = DocumentLimits(schema, settings)
        self.secrecy = None if settings.has_introspection else Secrecy(schema)
        hidden = () if settings.has_introspection else (NoSchemaIntrospectionCustomRule,)
        self.rules = (*specified_rules, OneOfVariablesRule, *hidden)
        self.steps_of_rules = tuple(
            tuple(rule for rule in self.rules if (rule in RULES_OF_VARIABLES) is of_variables)
            for of_variables in (False, True)
        )

    def read(self, text: str) -> Document | list[Entry]:
        """The document of a text, or the errors that it has."""
        return finished(self.reading(text))

    def reading(self, text: str) -> Steps[Document | list[Entry]]:
        """As `read`, in steps if the text is long."""
        if len(text) > (longest := self.settings.max_document_length):
            message = (
                f"A document may have {longest:,} characters; this one has {len(text):,}. Send long"
                " values as variables."
            )
            return [plain_error(message, Code.GRAPHQL_PARSE_FAILED)]
        source = DocumentSource(text)
        try:
            node = parse(source, max_tokens=self.settings.max_tokens)
            source.close()
            if len(text) > LARGE_DOCUMENT_LENGTH:
                yield
            result = self.limits.check(node)
            errors: Sequence[GraphQLError] = result.errors
            if not errors and len(text) > LARGE_DOCUMENT_LENGTH:
                errors = yield from self._validating(node)
            elif not errors:
                errors = self._validated(node, self.rules)
        except GraphQLError as error:
            return self.told([formatted(error, "", Code.GRAPHQL_PARSE_FAILED)], text)
        except (RecursionError, UnicodeError):
            message = "The document is nested too deeply, or isn't text."
            return [plain_error(message, Code.GRAPHQL_PARSE_FAILED)]
        if errors:
            shown = errors[:MAX_ERRORS]
            entries = [formatted(error, "", Code.GRAPHQL_VALIDATION_FAILED) for error in shown]
            return self.told(entries, text)
        return Document(node, result.stats or {}, self.settings.max_cost)

    def _validating(self, node: DocumentNode) -> Steps[list[GraphQLError]]:
        """What is wrong with a document by all rules, those that cost most each in a step."""
        errors: list[GraphQLError] = []
        for rules in self.steps_of_rules:
            yield
            errors += self._validated(node, rules)
            if len(errors) >= MAX_ERRORS:
                break
        return errors

    def _validated(
        self, node: DocumentNode, rules: Sequence[type[ASTValidationRule]]
    ) -> list[GraphQLError]:
        hides = self.secrecy is not None
        return validate(self.schema, node, rules, max_errors=MAX_ERRORS, hide_suggestions=hides)

    def told(self, entries: list[Entry], text: str, variables: object = None) -> list[Entry]:
        """The entries as the sender of this text and these variables may see them."""
        if self.secrecy is None:
            return entries
        sent = SentNames(text, variables)
        return [
            entry | {"message": self.secrecy.kept(entry["message"], sent)}
            if entry["extensions"]["code"] in FROM_THE_SCHEMA
            else entry
            for entry in entries
        ]


FROM_THE_SCHEMA = {
    Code.GRAPHQL_PARSE_FAILED,
    Code.GRAPHQL_VALIDATION_FAILED,
    Code.BAD_USER_INPUT,
}
