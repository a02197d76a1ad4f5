"""Parsing of documents: syntax, limits, validation, and the cost of their operations."""

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
from todo_gql.documents.schema_redaction import SchemaRedactor, SentNames
from todo_gql.documents.steps import Steps, run_steps
from todo_gql.settings import Settings

MAX_ERRORS = 10
# Longer documents are parsed and validated in steps, each of which takes some milliseconds.
LARGE_DOCUMENT_LENGTH = 2_000
# Each of these needs all variable usages of the document; validating them together collects these once.
VARIABLE_RULES = frozenset(
    {
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        OneOfVariablesRule,
        VariablesInAllowedPositionRule,
    }
)
# The usual introspection query, or one of a large type, takes as long as an operation of this cost.
SCHEMA_COST, TYPE_COST = 500, 50

ErrorEntry: TypeAlias = dict[str, Any]
"""An entry of a response's `errors` (GraphQL, section 7.1.2): message, extensions, perhaps locations."""


def error_entry(message: str, code: Code, **extensions: object) -> ErrorEntry:
    """An error without a location in the document."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def error_codes(entries: Iterable[ErrorEntry]) -> set[str]:
    """The set of `extensions.code` of a response's `errors`."""
    return {entry["extensions"]["code"] for entry in entries}


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document within the limits, with the statistics of each operation by its name."""

    node: DocumentNode
    stats: Mapping[str | None, OperationStats]
    max_cost: int

    def cost_and_size(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> tuple[int, int]:
        """The maximum cost of an operation with these variables, and of its response size in bytes.

        The size is approximate: a list may be longer than assumed.
        """
        stats = self._stats_of(operation)
        return _evaluate(stats.cost, operation, variables), _evaluate(
            stats.size, operation, variables
        )

    def constant_cost_and_size(self, operation: OperationDefinitionNode) -> tuple[int, int] | None:
        """As `cost_and_size` if that doesn't depend on variables; None otherwise."""
        stats = self._stats_of(operation)
        cost, size = stats.cost, stats.size
        return (cost, size) if isinstance(cost, int) and isinstance(size, int) else None

    def introspection_cost(self, operation: OperationDefinitionNode) -> int:
        """The cost of introspection, which counts for the rate limit but not in `cost_and_size`."""
        names = list(self._stats_of(operation).root_fields.values())
        return SCHEMA_COST * names.count("__schema") + TYPE_COST * names.count("__type")

    def event_cost(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> int:
        """The maximum cost of one event of a subscription with these variables."""
        return _evaluate(self._stats_of(operation).event_cost, operation, variables)

    def _stats_of(self, operation: OperationDefinitionNode) -> OperationStats:
        return self.stats[operation.name.value if operation.name else None]

    def cost_limit_error(self, cost: int) -> ErrorEntry:
        """The error for an operation whose cost exceeds `max_cost`."""
        message = (
            f"The operation costs {cost:,} and may cost at most {self.max_cost:,}. Ask for smaller"
            " pages, fewer fields, or fewer filters and counts."
        )
        return error_entry(message, Code.COST_LIMIT, cost=cost, limit=self.max_cost)


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


class DocumentParser:
    """Parses, limits and validates documents against one schema.

    If introspection is off, schema names that the client didn't send are redacted in errors.
    """

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.limits = DocumentLimits(schema, settings)
        self.redactor = None if settings.has_introspection else SchemaRedactor(schema)
        introspection_rules = (
            () if settings.has_introspection else (NoSchemaIntrospectionCustomRule,)
        )
        self.rules = (*specified_rules, OneOfVariablesRule, *introspection_rules)
        self.rules_by_step = tuple(
            tuple(rule for rule in self.rules if (rule in VARIABLE_RULES) is of_variables)
            for of_variables in (False, True)
        )

    def parse(self, text: str) -> Document | list[ErrorEntry]:
        """The document, or its errors of syntax, limits or validation, at most `MAX_ERRORS`."""
        return run_steps(self.parse_in_steps(text))

    def parse_in_steps(self, text: str) -> Steps[Document | list[ErrorEntry]]:
        """As `parse`, in steps if the text is long."""
        if len(text) > (max_length := self.settings.max_document_length):
            message = (
                f"A document may have at most {max_length:,} characters; this one has"
                f" {len(text):,}. Send long values as variables."
            )
            return [error_entry(message, Code.GRAPHQL_PARSE_FAILED)]
        source = DocumentSource(text)
        try:
            node = parse(source, max_tokens=self.settings.max_tokens)
            source.close()
            if len(text) > LARGE_DOCUMENT_LENGTH:
                yield
            result = self.limits.check(node)
            errors: Sequence[GraphQLError] = result.errors
            if not errors and len(text) > LARGE_DOCUMENT_LENGTH:
                errors = yield from self._validate_in_steps(node)
            elif not errors:
                errors = self._validate(node, self.rules)
        except GraphQLError as error:
            return self.redact([formatted(error, "", Code.GRAPHQL_PARSE_FAILED)], text)
        except (RecursionError, UnicodeError):
            message = "The document is nested too deeply, or isn't text."
            return [error_entry(message, Code.GRAPHQL_PARSE_FAILED)]
        if errors:
            shown = errors[:MAX_ERRORS]
            entries = [formatted(error, "", Code.GRAPHQL_VALIDATION_FAILED) for error in shown]
            return self.redact(entries, text)
        return Document(node, result.stats or {}, self.settings.max_cost)

    def _validate_in_steps(self, node: DocumentNode) -> Steps[list[GraphQLError]]:
        """The errors of a document by all rules: the variable rules in a step of their own."""
        errors: list[GraphQLError] = []
        for rules in self.rules_by_step:
            yield
            errors += self._validate(node, rules)
            if len(errors) >= MAX_ERRORS:
                break
        return errors

    def _validate(
        self, node: DocumentNode, rules: Sequence[type[ASTValidationRule]]
    ) -> list[GraphQLError]:
        hides = self.redactor is not None
        return validate(self.schema, node, rules, max_errors=MAX_ERRORS, hide_suggestions=hides)

    def redact(
        self, entries: list[ErrorEntry], text: str, variables: object = None
    ) -> list[ErrorEntry]:
        """The entries for the sender of this document and these variables, schema names redacted."""
        if self.redactor is None:
            return entries
        sent = SentNames(text, variables)
        return [
            entry | {"message": self.redactor.redact(entry["message"], sent)}
            if entry["extensions"]["code"] in CODES_WITH_SCHEMA_NAMES
            else entry
            for entry in entries
        ]


CODES_WITH_SCHEMA_NAMES = {
    Code.GRAPHQL_PARSE_FAILED,
    Code.GRAPHQL_VALIDATION_FAILED,
    Code.BAD_USER_INPUT,
}
