"""The statements that an operation sends to PostgreSQL, as texts without values."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from typing import Any, Self

import asyncpg

from todo_gql.observability.observation import Caller, Observation, current

MOST_KEPT = 100


def _note(statement: str) -> None:
    observation = current.get()
    statements = None if observation is None else observation.statements
    if statements is not None and len(statements) < MOST_KEPT:
        statements.append(statement)


async def _within(span: AbstractContextManager[object], awaited: Awaitable[Any]) -> Any:
    with span:
        return await awaited


class NotedConnection(asyncpg.Connection):
    """A connection that notes its statements with the current request, where that asks for them.

    It counts them, too, so that it can be seen whether it gets on. `caller` is who has it, None when
    nobody has, and `request` what it was last lent for.
    """

    statements_sent = 0
    caller: Caller | None = None
    request: Observation | None = None

    @property
    def itself(self) -> Self:
        """The connection, which asyncpg's stand-ins for it give, too."""
        return self

    def execute(self, query: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(query)
        return super().execute(query, *args, **options)

    def executemany(self, command: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(command)
        return super().executemany(command, *args, **options)

    def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(query)
        return super().fetch(query, *args, **options)

    def fetchmany(self, query: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(query)
        observation, fetched = current.get(), super().fetchmany(query, *args, **options)
        if observation is None or observation.span is None:
            return fetched
        # OpenTelemetry's instrumentation sees all of these but this one.
        return _within(observation.span("fetchmany", {"db.statement": query}), fetched)

    def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(query)
        return super().fetchrow(query, *args, **options)

    def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(query)
        return super().fetchval(query, *args, **options)

    def prepare(self, query: str, *args: Any, **options: Any) -> Any:
        self.statements_sent += 1
        _note(query)
        return super().prepare(query, *args, **options)
