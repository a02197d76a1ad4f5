"""The engine: prepares operations once, and executes them breadth-first."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    assert_valid_schema,
    execute,
    get_operation_ast,
    visit,
)
from graphql.execution import VariableValues
from graphql.execution.executor import SELECTIONS_NESTED_TOO_DEEPLY

from todo_gql.execution.current import current_execution
from todo_gql.execution.execution import Execution
from todo_gql.execution.leaf_serializers import Serializers
from todo_gql.execution.paths import ROOT
from todo_gql.execution.plan import Selection
from todo_gql.execution.planner import Planner
from todo_gql.execution.variables import MAX_COERCION_ERRORS, ReadVariables, variable_reader

CONDITION_DIRECTIVES = frozenset({"skip", "include"})
UNCOVERED_DIRECTIVES = frozenset({"defer", "stream", "experimental_disableErrorPropagation"})
MAX_PLANS = 16


@dataclass(eq=False)
class Operation:
    """An operation of a document, and its plans: one for each result of @skip and @include.

    `conditions` are the variables that decide on these. `is_covered` is false if the operation has
    to be executed by graphql-core.
    """

    document: DocumentNode
    name: str | None
    node: OperationDefinitionNode
    root_type: GraphQLObjectType | None
    fragments: dict[str, FragmentDefinitionNode]
    conditions: tuple[str, ...]
    read_variables: ReadVariables
    is_covered: bool
    plans: dict[tuple[object, ...], Selection] = field(default_factory=dict)

    @property
    def type(self) -> OperationType:
        """Whether it is a query, a mutation or a subscription."""
        return self.node.operation


class Engine:
    """Executes the operations of a schema.

    Operations that it doesn't cover are executed by graphql-core, and counted in `fallbacks`. With
    `breadth_first` off all operations are, which isn't counted. With `hide_suggestions` errors in
    variables don't suggest other names. Raises `TypeError` if the schema is invalid.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        serializers: Serializers | None = None,
        *,
        breadth_first: bool = True,
        hide_suggestions: bool = False,
    ) -> None:
        assert_valid_schema(schema)
        self.schema = schema
        self.breadth_first = breadth_first
        self.hide_suggestions = hide_suggestions
        self.fallbacks = 0
        self.planner = Planner(schema, serializers or {})

    def prepare(
        self, document: DocumentNode, operation_name: str | None = None
    ) -> Operation | None:
        """An operation of a valid document, prepared to be executed any number of times.

        None if the document has no such operation, or several and `operation_name` is None.
        """
        node = get_operation_ast(document, operation_name)
        if node is None:
            return None
        scan = _DirectiveScan()
        visit(document, scan)
        root_type = self.schema.get_root_type(node.operation)
        return Operation(
            document,
            operation_name,
            node,
            root_type,
            {
                one.name.value: one
                for one in document.definitions
                if isinstance(one, FragmentDefinitionNode)
            },
            tuple(sorted(scan.conditions)),
            variable_reader(self.schema, node, hide_suggestions=self.hide_suggestions),
            is_covered=scan.is_covered
            and root_type is not None
            and node.operation is not OperationType.SUBSCRIPTION
            and not any(self.schema.get_directive(name) for name in UNCOVERED_DIRECTIVES),
        )

    async def execute(
        self,
        operation: Operation,
        *,
        context: Any = None,
        variables: Mapping[str, Any] | None = None,
        root: Any = None,
        before_completion: Callable[[], Awaitable[None]] | None = None,
    ) -> ExecutionResult:
        """The result that graphql-core's `execute` would return for the operation.

        Values that were awaited are completed without interruption. With `before_completion`, that is
        awaited first each time: what completes many values can wait for its turn there.
        """
        raw_variables = variables or {}
        node = operation.node
        if not self.breadth_first or not operation.is_covered:
            self.fallbacks += self.breadth_first
            return await self._execute_with_graphql_core(
                operation, context, dict(raw_variables), root
            )
        values = operation.read_variables(raw_variables)
        if isinstance(values, list):
            return ExecutionResult(None, values)
        execution = Execution(self.schema, node, operation.fragments, values, context, root)
        if before_completion is not None:
            execution.before_completion = before_completion
        before = current_execution.set(execution)
        try:
            plan = self._plan(operation, execution, values)
            data: dict[str, Any] | None
            if len(plan.fields) > 1 and node.operation is OperationType.QUERY:
                [data] = execution.select(plan, [root], ROOT)
                await execution.run_pending()
                data = execution.with_nulls(data)
            else:
                data = {}
                for planned in plan.fields:
                    await execution.execute_root_field(planned, root, data)
                    if execution.failures and execution.with_nulls(data) is None:
                        data = None
                        break
        except GraphQLError as error:
            return ExecutionResult(None, [error])
        except RecursionError:
            return ExecutionResult(None, [GraphQLError(SELECTIONS_NESTED_TOO_DEEPLY, node)])
        finally:
            current_execution.reset(before)
        return ExecutionResult(data, execution.errors)

    def _plan(
        self, operation: Operation, execution: Execution, values: VariableValues
    ) -> Selection:
        coerced = values.coerced
        conditions = operation.conditions
        key = tuple([coerced.get(name) for name in conditions]) if conditions else ()
        plan = operation.plans.get(key)
        if plan is None:
            assert operation.root_type is not None
            plan = self.planner.root(execution, operation.root_type)
            if len(operation.plans) >= MAX_PLANS:
                operation.plans.clear()
            operation.plans[key] = plan
        return plan

    async def _execute_with_graphql_core(
        self, operation: Operation, context: Any, variables: dict[str, Any], root: Any
    ) -> ExecutionResult:
        executing = execute(
            self.schema,
            operation.document,
            root,
            context,
            variables,
            operation.name,
            max_coercion_errors=MAX_COERCION_ERRORS,
            hide_suggestions=self.hide_suggestions,
        )
        return await executing if isinstance(executing, Awaitable) else executing


class _DirectiveScan(Visitor):
    """Finds the directives and fragment arguments of a document that decide how to execute it."""

    def __init__(self) -> None:
        super().__init__()
        self.conditions: set[str] = set()
        self.is_covered = True

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in UNCOVERED_DIRECTIVES:
            self.is_covered = False
        elif node.name.value in CONDITION_DIRECTIVES:
            self.conditions.update(
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
            )

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        if node.variable_definitions:
            self.is_covered = False

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        if node.arguments:
            self.is_covered = False
