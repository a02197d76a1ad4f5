"""What a document has to keep to, beyond the rules of GraphQL itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from todo_gql.documents.analysis import Measure, Measuring, fragments_of, has_cycle
from todo_gql.documents.field_cost import PriceList
from todo_gql.documents.validation_cost import TooLarge, check_size
from todo_gql.operation.credential_limits import takes_credential
from todo_gql.settings import Settings


@dataclass(frozen=True, slots=True)
class Verdict:
    """What breaks a limit, and how large each operation is, by its name."""

    errors: tuple[GraphQLError, ...] = ()
    measures: Mapping[str | None, Measure] | None = None


class DocumentLimits:
    """The limits of one schema; they hold for every operation of a document."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.prices = PriceList(schema)
        fields = schema.mutation_type.fields if schema.mutation_type else {}
        self.credentials = {name for name, field in fields.items() if takes_credential(field)}

    def judge(self, document: DocumentNode) -> Verdict:
        """The verdict on a document, which needn't be valid."""
        fragments = fragments_of(document)
        try:
            check_size(document, fragments)
        except TooLarge as error:
            return Verdict((GraphQLError(str(error), document),))
        if has_cycle(fragments):
            # Validation says where, in better words.
            return Verdict()
        measuring = Measuring(self.schema, self.prices, fragments, self.settings.max_depth)
        measures: dict[str | None, Measure] = {}
        errors: list[GraphQLError] = []
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                try:
                    measure = measuring.operation(node)
                except TooLarge as error:
                    return Verdict((GraphQLError(str(error), node),))
                measures[node.name.value if node.name else None] = measure
                errors += [
                    GraphQLError(message, node) for message in self._broken(node.operation, measure)
                ]
        return Verdict(tuple(errors), measures)

    def _broken(self, operation: OperationType, measure: Measure) -> Iterator[str]:
        settings = self.settings
        if measure.aliases > settings.max_aliases:
            yield (
                f"An operation may hold {settings.max_aliases} aliases; this one holds"
                f" {measure.aliases}."
            )
        is_mutation = operation is OperationType.MUTATION
        allowed = settings.max_mutations if is_mutation else settings.max_root_fields
        if len(measure.root_fields) > allowed:
            what = "mutations" if is_mutation else "root fields"
            yield (
                f"An operation may hold {allowed} {what}; this one holds"
                f" {len(measure.root_fields)}. Send them one by one."
            )
        if list(measure.root_fields.values()).count("__schema") > 1:
            yield "An operation may select __schema once. Merge the selections."
        tried = [name for name in measure.root_fields.values() if name in self.credentials]
        if is_mutation and len(tried) > 1:
            yield (
                "An operation may hold one mutation that takes a credential; this one holds"
                f" {len(tried)} ({', '.join(sorted(set(tried)))}). Send them one by one."
            )
