"""Preparing the operations of documents: each once, and new documents one at a time."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import OperationType

from todo_gql.api.errors import Code
from todo_gql.documents.parsing import Document, DocumentParser, ErrorEntry, error_entry
from todo_gql.documents.steps import Steps
from todo_gql.documents.token_access import OperationNeeds, RootNeed
from todo_gql.documents.variable_limits import CompositeVariables, find_composite_variables
from todo_gql.execution import Engine, Operation
from todo_gql.http.graphql.operation_cache import CacheInfo, OperationCache
from todo_gql.http.graphql.parse_queue import ParseQueue, Turn
from todo_gql.http.graphql.rate_limit import RequestRateLimit
from todo_gql.http.graphql.request import GraphQLRequest
from todo_gql.observability.request_record import Caller
from todo_gql.operation.context import SelectedFields

MAX_LOGGED_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document within the limits, and its operation that is to be executed.

    `name` and `type` are strings for logs and metrics. `fixed` is the cost in objects and the size of
    the response in bytes, None where they depend on variables. `composite_variables` are the
    variables that are lists or input objects. `charge` is counted in addition to the cost.
    `token_needs` is what an API token needs for it. `selected_fields` is filled while the operation is executed.
    """

    document: Document
    operation: Operation
    kind: OperationType
    name: str
    type: str
    fixed: tuple[int, int] | None
    composite_variables: CompositeVariables
    charge: int
    token_needs: tuple[RootNeed, ...]
    selected_fields: SelectedFields = field(default_factory=dict)


CachedOperation: TypeAlias = Prepared | list[ErrorEntry] | None
"""A prepared document, or the errors of one that was rejected; None if it isn't cached."""


class OperationPreparer:
    """Prepares operations, and caches them."""

    def __init__(self, engine: Engine, parser: DocumentParser) -> None:
        self._engine = engine
        self._parser = parser
        self._cache = OperationCache[Prepared](self._in_steps)
        self._queue = ParseQueue()

    def cached(self, request: GraphQLRequest) -> CachedOperation:
        """The cached result of preparing a request's document; None if it has to be parsed."""
        return self._cache.get((request.query, request.operation_name))

    def turn(self, caller: Caller) -> Turn:
        """A block in which `prepare` may be called, entered once it is the caller's turn."""
        return self._queue.turn(caller)

    async def prepare(
        self, turn: Turn, request: GraphQLRequest, rate_limit: RequestRateLimit
    ) -> Prepared | list[ErrorEntry]:
        """The operation of a request's document, or its errors; parses it unless it is cached by now.

        Raises `RateLimited` if the caller has no cost remaining.

        Another client may have sent the same document while this one waited for its turn.
        """
        if cached := self.cached(request):
            return cached
        rate_limit.require_remaining()
        try:
            return await turn.run(
                self._cache.prepare_in_steps((request.query, request.operation_name))
            )
        except asyncio.CancelledError:
            # A client that cancels an operation while its document is parsed has caused that work.
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
        name = named.value[:MAX_LOGGED_NAME_LENGTH] if named else ""
        fixed = document.constant_cost_and_size(operation.node)
        variables = find_composite_variables(self._engine.schema, operation.node)
        charge = document.introspection_cost(operation.node)
        needs = OperationNeeds(self._engine.schema, operation.fragments)
        return Prepared(
            document,
            operation,
            kind,
            name,
            kind.value,
            fixed,
            variables,
            charge,
            needs.of(operation.node),
        )
