"""The limits on documents that are checked beside GraphQL's validation rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from todo_gql.documents.analysis import OperationAnalyzer, OperationStats, fragments_of, has_cycle
from todo_gql.documents.field_cost import CostModel
from todo_gql.documents.validation_cost import TooLarge, check_size
from todo_gql.operation.credential_limits import has_credential
from todo_gql.settings import Settings


@dataclass(frozen=True, slots=True)
class LimitResult:
    """The violations of limits, or else the statistics of each operation by its name.

    `stats` is None if the analysis was stopped.
    """

    errors: tuple[GraphQLError, ...] = ()
    stats: Mapping[str | None, OperationStats] | None = None


class DocumentLimits:
    """Checks the limits for each operation of a document."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.cost_model = CostModel(schema)
        fields = schema.mutation_type.fields if schema.mutation_type else {}
        self.credential_fields = {name for name, field in fields.items() if has_credential(field)}

    def check(self, document: DocumentNode) -> LimitResult:
        """Check a document, which need not be valid."""
        fragments = fragments_of(document)
        try:
            check_size(document, fragments)
        except TooLarge as error:
            return LimitResult((GraphQLError(str(error), document),))
        if has_cycle(fragments):
            # Validation reports cycles, with their locations.
            return LimitResult()
        analyzer = OperationAnalyzer(
            self.schema, self.cost_model, fragments, self.settings.max_depth
        )
        stats: dict[str | None, OperationStats] = {}
        errors: list[GraphQLError] = []
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                try:
                    operation_stats = analyzer.analyze(node)
                except TooLarge as error:
                    return LimitResult((GraphQLError(str(error), node),))
                stats[node.name.value if node.name else None] = operation_stats
                errors += [
                    GraphQLError(message, node)
                    for message in self._violations(node.operation, operation_stats)
                ]
        return LimitResult(tuple(errors), stats)

    def _violations(self, operation: OperationType, stats: OperationStats) -> Iterator[str]:
        settings = self.settings
        if stats.aliases > settings.max_aliases:
            yield (
                f"An operation may have at most {settings.max_aliases} aliases; this one has"
                f" {stats.aliases}."
            )
        is_mutation = operation is OperationType.MUTATION
        allowed = settings.max_mutations if is_mutation else settings.max_root_fields
        if len(stats.root_fields) > allowed:
            what = "mutations" if is_mutation else "root fields"
            yield (
                f"An operation may have at most {allowed} {what}; this one has"
                f" {len(stats.root_fields)}. Send them one by one."
            )
        if list(stats.root_fields.values()).count("__schema") > 1:
            yield "An operation may select __schema once only. Merge the selections."
        credential_fields = [
            name for name in stats.root_fields.values() if name in self.credential_fields
        ]
        if is_mutation and len(credential_fields) > 1:
            yield (
                "An operation may have one mutation with a password or token; this one has"
                f" {len(credential_fields)} ({', '.join(sorted(set(credential_fields)))}). Send"
                " them one by one."
            )
