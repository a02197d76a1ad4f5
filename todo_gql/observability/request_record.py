"""The record of the current request, which its log line, metrics and traces are written from."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final, Protocol, TypeAlias, TypeVar
from uuid import UUID

LoaderArgument = TypeVar("LoaderArgument")
Key = TypeVar("Key")
Values = TypeVar("Values")

Caller: TypeAlias = int | str
"""Whose share of connections and limits is used: `id.int` of a user, or of an API token, or a client's network.

A UUID's hash is computed at every look-up, an int's is not.
"""

SERVER: Final = "the server"
"""The caller of work outside requests."""

Span = Callable[[str, Mapping[str, str | int]], AbstractContextManager[object]]
"""Starts a span of that name with these attributes, which ends with the block."""


class Limit(Protocol):
    """A time limit on the current operation."""

    def end(self) -> None:
        """End the operation now, as if its time were over."""


@dataclass(slots=True)
class RequestRecord:
    """One request; each part of the code that handles it fills in its fields.

    `transport` is empty for plain HTTP. `sensitive_values` may hold secrets of the client: they are
    removed from everything that is logged or reported. `statements` are the SQL texts that were sent,
    None where they aren't recorded. `pool_checks` counts how often the pool saw the request use a
    connection, and `limit` ends it when that is too often.
    """

    request_id: str
    operation: str | None = None
    type: str = ""
    transport: str = ""
    user_id: UUID | None = None
    cost: int | None = None
    error_codes: Collection[str] = ()
    sensitive_values: Sequence[object] = ()
    batches: list[tuple[str, int]] | None = None
    statements: list[str] | None = None
    span: Span | None = None
    caller: Caller | None = None
    limit: Limit | None = None
    pool_checks: int = 0

    @property
    def is_streaming(self) -> bool:
        """Whether it lasts until its client disconnects, so that its duration says nothing."""
        return self.type == "subscription"


current: ContextVar[RequestRecord | None] = ContextVar("record", default=None)
"""The record of the current request, None outside requests."""


def current_record() -> RequestRecord:
    """The record of the current request; outside requests a new one that nobody reads."""
    return current.get() or RequestRecord("")


_background: ContextVar[Caller] = ContextVar("background", default=SERVER)


def caller_of(request: RequestRecord | None) -> Caller:
    """The caller of a request, or of this task outside requests."""
    return _background.get() if request is None or request.caller is None else request.caller


def set_caller(caller: Caller) -> None:
    """Set the caller of the current request, or of this task outside requests."""
    if request := current.get():
        request.caller = caller
    else:
        _background.set(caller)


def event_began() -> None:
    """Start a record for one event of a subscription, which itself may last for days."""
    if request := current.get():
        current.set(replace(request, batches=None, statements=None, span=None, pool_checks=0))


Load = Callable[[LoaderArgument, list[Key]], Coroutine[Any, Any, Values]]


def loader(load: Load[LoaderArgument, Key, Values]) -> Load[LoaderArgument, Key, Values]:
    """Decorate a loader's batch function: each call is recorded with its number of keys."""
    name = load.__name__.lstrip("_")

    @wraps(load)
    async def recorded(argument: LoaderArgument, keys: list[Key]) -> Values:
        record = current.get()
        if record is None:
            return await load(argument, keys)
        if record.batches is None:
            record.batches = []
        record.batches.append((name, len(keys)))
        if record.span is None:
            return await load(argument, keys)
        with record.span(f"load {name}", {"todo_gql.batch_size": len(keys)}):
            return await load(argument, keys)

    return recorded
