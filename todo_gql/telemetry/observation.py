"""What is known of the request that is being answered, for its log line, metrics and traces."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

Asker = TypeVar("Asker")
Key = TypeVar("Key")
Values = TypeVar("Values")

Span = Callable[[str, Mapping[str, str | int]], AbstractContextManager[object]]
"""Begins a span of that name and with these attributes, which ends with the block."""


@dataclass(slots=True)
class Observation:
    """One request; those who answer it fill in what they come to know.

    `transport` is what the answers go by, empty for an answer over plain HTTP. `sent` is what the
    client may have secrets in, and is kept until the end to take it out of everything that is told.
    `statements` are the texts that went to PostgreSQL, None where nobody asks for them.
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

    @property
    def goes_on(self) -> bool:
        """Whether it takes as long as its client listens, so that its time says nothing."""
        return self.type == "subscription"


current: ContextVar[Observation | None] = ContextVar("observation", default=None)
"""The request that is being answered, None outside requests."""


def observed() -> Observation:
    """What is known of the current request; outside requests something that nobody looks at."""
    return current.get() or Observation("")


def event_began() -> None:
    """Let what follows be noted apart from the current request, which may go on for days."""
    if request := current.get():
        current.set(replace(request, batches=None, statements=None, span=None))


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
