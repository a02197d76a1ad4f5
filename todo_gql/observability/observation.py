"""What is known of the request that is being answered, for its log line, metrics and traces."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final, Protocol, TypeAlias, TypeVar
from uuid import UUID

Asker = TypeVar("Asker")
Key = TypeVar("Key")
Values = TypeVar("Values")

Caller: TypeAlias = int | str
"""Who is counted: a user by the number of their id, or whoever isn't signed in by network.

Python works out the hash of a UUID anew each time that one is looked up, that of a number at once.
"""

SERVER: Final = "the server"
"""The caller of what nobody asked for."""

Span = Callable[[str, Mapping[str, str | int]], AbstractContextManager[object]]
"""Begins a span of that name and with these attributes, which ends with the block."""


class Limit(Protocol):
    """A limit on the time that something may take."""

    def end(self) -> None:
        """Have it end now, as if its time were over."""


@dataclass(slots=True)
class Observation:
    """One request; those who answer it fill in what they come to know.

    `transport` is what the answers go by, empty for an answer over plain HTTP. `sent` is what the
    client may have secrets in, and is kept until the end to take it out of everything that is told.
    `statements` are the texts that went to PostgreSQL, None where nobody asks for them. `looks` is
    how often it was seen to use a connection there, and `limit` what ends it when that is too often.
    """

    request_id: str
    operation: str | None = None
    type: str = ""
    transport: str = ""
    user_id: UUID | None = None
    cost: int | None = None
    error_codes: Collection[str] = ()
    sent: Sequence[object] = ()
    batches: list[tuple[str, int]] | None = None
    statements: list[str] | None = None
    span: Span | None = None
    caller: Caller | None = None
    limit: Limit | None = None
    looks: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether it takes as long as its client listens, so that its time says nothing."""
        return self.type == "subscription"


current: ContextVar[Observation | None] = ContextVar("observation", default=None)
"""The request that is being answered, None outside requests."""


def observed() -> Observation:
    """What is known of the current request; outside requests something that nobody looks at."""
    return current.get() or Observation("")


_background: ContextVar[Caller] = ContextVar("background", default=SERVER)


def caller_of(request: Observation | None) -> Caller:
    """For whom a request is answered, or what is done here outside requests."""
    return _background.get() if request is None or request.caller is None else request.caller


def act_for(caller: Caller) -> None:
    """Have what follows in this request, or else in this task, be for that caller."""
    if request := current.get():
        request.caller = caller
    else:
        _background.set(caller)


def event_began() -> None:
    """Let what follows be noted apart from the current request, which may go on for days."""
    if request := current.get():
        current.set(replace(request, batches=None, statements=None, span=None, looks=0))


Load = Callable[[Asker, list[Key]], Coroutine[Any, Any, Values]]


def loader(load: Load[Asker, Key, Values]) -> Load[Asker, Key, Values]:
    """A loader's batch function whose calls are noted with the number of their keys."""
    name = load.__name__.lstrip("_")

    @wraps(load)
    async def observed(asker: Asker, keys: list[Key]) -> Values:
        observation = current.get()
        if observation is None:
            return await load(asker, keys)
        if observation.batches is None:
            observation.batches = []
        observation.batches.append((name, len(keys)))
        if observation.span is None:
            return await load(asker, keys)
        with observation.span(f"load {name}", {"todo_gql.batch_size": len(keys)}):
            return await load(asker, keys)

    return observed
