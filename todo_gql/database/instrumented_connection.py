"""Connections that record the statements of a request, as texts without values."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Self

import asyncpg

from todo_gql.observability.request_record import Caller, RequestRecord, current

MAX_STATEMENTS = 100


async def _await_in_span(span: AbstractContextManager[object], awaited: Awaitable[Any]) -> Any:
    with span:
        return await awaited


class InstrumentedConnection(asyncpg.Connection):
    """A connection that records its statements with the current request, where that wants them.

    It counts them, too, which shows whether it is stale. `caller` is who holds it, None while it is
    idle, and `request` the one that it was last acquired for. `on_terminate` is called before it is closed
    without a farewell.
    """

    statements_sent = 0
    caller: Caller | None = None
    request: RequestRecord | None = None
    on_terminate: "Callable[[InstrumentedConnection], None] | None" = None

    def terminate(self) -> None:
        """Close it at once, whatever it is in the middle of."""
        if self.on_terminate is not None and not self.is_closed():
            self.on_terminate(self)
        super().terminate()

    @property
    def raw(self) -> Self:
        """The connection itself, also when read through asyncpg's proxy."""
        return self

    def _record(self, statement: str) -> None:
        self.statements_sent += 1
        statements = self.request.statements if self.request else None
        if statements is not None and len(statements) < MAX_STATEMENTS:
            statements.append(statement)

    def execute(self, query: str, *args: Any, **options: Any) -> Any:
        self._record(query)
        return super().execute(query, *args, **options)

    def executemany(self, command: str, *args: Any, **options: Any) -> Any:
        self._record(command)
        return super().executemany(command, *args, **options)

    def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        self._record(query)
        return super().fetch(query, *args, **options)

    def fetchmany(self, query: str, *args: Any, **options: Any) -> Any:
        self._record(query)
        record, fetched = current.get(), super().fetchmany(query, *args, **options)
        if record is None or record.span is None:
            return fetched
        # OpenTelemetry's instrumentation covers all of these methods but this one.
        return _await_in_span(record.span("fetchmany", {"db.statement": query}), fetched)

    def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        self._record(query)
        return super().fetchrow(query, *args, **options)

    def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        self._record(query)
        return super().fetchval(query, *args, **options)

    def prepare(self, query: str, *args: Any, **options: Any) -> Any:
        self._record(query)
        return super().prepare(query, *args, **options)
