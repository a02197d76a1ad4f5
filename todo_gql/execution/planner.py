"""Making plans: which fields are selected, collected by graphql-core (CollectFields)."""

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields

from todo_gql.execution.completion import batch_serializer_for, completer
from todo_gql.execution.execution import Execution
from todo_gql.execution.leaf_serializers import Serializers
from todo_gql.execution.plan import FieldStrategy, PlannedField, Selection
from todo_gql.execution.resolution import loading_of, plain_attribute, resolver


class Planner:
    """Makes the plans of one schema, and decides once how each of its fields is executed."""

    def __init__(self, schema: GraphQLSchema, serializers: Serializers) -> None:
        self.schema = schema
        self.serializers = serializers
        self.strategies: dict[tuple[GraphQLObjectType, str], FieldStrategy] = {}

    def root(self, execution: Execution, root_type: GraphQLObjectType) -> Selection:
        """The selection of an operation's root; raises `GraphQLError` if it can't be collected."""
        executor = execution.executor
        collected = collect_fields(
            self.schema,
            executor.fragments,
            executor.variable_values,
            root_type,
            executor.operation,
        )
        return self._selection(root_type, collected.grouped_field_set)

    def subselect(
        self, execution: Execution, field: PlannedField, type_: GraphQLObjectType
    ) -> Selection:
        """The selection of a field's objects of one type, planned when it is first needed.

        Raises `GraphQLError` or `RecursionError` if it can't be collected.
        """
        selection = field.selections.get(type_)
        if selection is None:
            collected = execution.executor.collect_subfields(type_, field.details)
            selection = self._selection(type_, collected.grouped_field_set)
            field.selections[type_] = selection
        return selection

    def _selection(self, type_: GraphQLObjectType, fields: GroupedFieldSet) -> Selection:
        planned = []
        for name, details in fields.items():
            field_name = details[0].node.name.value
            definition = self.schema.get_field(type_, field_name)
            if definition is not None:
                strategy = self._strategy(type_, field_name, definition)
                planned.append(
                    PlannedField(name, details, definition, type_, strategy, self.subselect)
                )
        return Selection(planned)

    def _strategy(
        self, type_: GraphQLObjectType, name: str, definition: GraphQLField
    ) -> FieldStrategy:
        strategy = self.strategies.get((type_, name))
        if strategy is None:
            strategy = self.strategies[type_, name] = FieldStrategy(
                resolver(definition, type_, self.schema),
                completer(definition.type, self.serializers),
                plain_attribute(definition, self.schema),
                loading_of(definition, self.schema),
                batch_serializer_for(definition.type, self.serializers),
            )
        return strategy
