"""Preparing the operations of documents: each once, and new documents one at a time."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import OperationType

from todo_gql.api.errors import Code
from todo_gql.documents.parsing import Document, DocumentParser, ErrorEntry, error_entry
from todo_gql.documents.steps import Steps
from todo_gql.documents.variable_limits import CompositeVariables, find_composite_variables
from todo_gql.execution import Engine, Operation
from todo_gql.http.graphql.operation_cache import CacheInfo, Operations
from todo_gql.http.graphql.parse_queue import ParseQueue, Turn
from todo_gql.http.graphql.rate_limit import RequestRateLimit
from todo_gql.http.graphql.request import GraphQLRequest
from todo_gql.observability.request_record import Caller
from todo_gql.operation.context import SelectedFields

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document within the limits, and its operation that is to be executed.

    `name` and `type` are the operation's in words, the name cut to what is logged. `fixed` is what
    it costs and how many bytes its answer has, None where that depends on variables. `composite_variables`
    are the variables that are lists or input objects. `charge` is what it uses up beside its cost.
    `selected_fields` is filled while the operation is executed.
    """

    document: Document
    operation: Operation
    kind: OperationType
    name: str
    type: str
    fixed: tuple[int, int] | None
    composite_variables: CompositeVariables
    charge: int
    selected_fields: SelectedFields = field(default_factory=dict)


Known: TypeAlias = Prepared | list[ErrorEntry] | None
"""What a document was prepared to before, or the errors that it had; None if it is new."""


class OperationPreparer:
    """Prepares operations, and caches them."""

    def __init__(self, engine: Engine, parser: DocumentParser) -> None:
        self._engine = engine
        self._parser = parser
        self._cache = Operations[Prepared](self._in_steps)
        self._queue = ParseQueue()

    def known(self, request: GraphQLRequest) -> Known:
        """What a request's document was prepared to before; None if it has to be parsed."""
        return self._cache.known((request.query, request.operation_name))

    def turn(self, caller: Caller) -> Turn:
        """A block in which `prepare` may be called, entered once it is the caller's turn."""
        return self._queue.turn(caller)

    async def prepare(
        self, turn: Turn, request: GraphQLRequest, rate_limit: RequestRateLimit
    ) -> Prepared | list[ErrorEntry]:
        """What the document of a request is prepared to; `RateLimited` if it may not be parsed.

        Another client may have sent the same document while this one waited for its turn.
        """
        if known := self.known(request):
            return known
        rate_limit.require_remaining()
        try:
            return await turn.run(self._cache.preparing((request.query, request.operation_name)))
        except asyncio.CancelledError:
            # Who completes an operation while its document is parsed has caused that work.
            rate_limit.count_failure()
            raise

    def cache_info(self) -> CacheInfo:
        """How often a document was in the cache, for the metrics."""
        return self._cache.cache_info()

    def _in_steps(self, text: str, name: str | None) -> Steps[Prepared | list[ErrorEntry]]:
        """The operation of a document, ready to be executed, or the errors that prevent it."""
        document = yield from self._parser.parse_in_steps(text)
        if isinstance(document, list):
            return document
        operation = self._engine.prepare(document.node, name)
        if operation is None:
            message = "Name one of the document's operations in operationName."
            return [error_entry(message, Code.GRAPHQL_VALIDATION_FAILED)]
        named, kind = operation.node.name, operation.type
        name = named.value[:LONGEST_NAME] if named else ""
        fixed = document.constant_cost_and_size(operation.node)
        variables = find_composite_variables(self._engine.schema, operation.node)
        charge = document.introspection_cost(operation.node)
        return Prepared(document, operation, kind, name, kind.value, fixed, variables, charge)
