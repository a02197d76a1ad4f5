"""The execution that the current task is part of."""

from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from graphql.execution import Executor
from graphql.type.definition import GraphQLResolveInfoHelpers


class CurrentExecution(Protocol):
    """What others need to know of an execution.

    `is_single_branch` is whether it awaits no more than one thing at a time.
    """

    is_single_branch: bool

    @property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor of the same operation."""
        ...


current_execution: ContextVar[CurrentExecution | None] = ContextVar(
    "current_execution", default=None
)


def may_batch() -> bool:
    """Whether something else of the current operation may call a loader before it has to wait.

    If not, a loader can load its keys at once, without waiting for more of them.
    """
    execution = current_execution.get()
    return execution is None or not execution.is_single_branch


# Few resolvers need these helpers, and creating graphql-core's executor for them takes as long as a
# small operation does.
def _gather(values: Sequence[Awaitable[Any]]) -> Awaitable[list[Any]]:
    execution = current_execution.get()
    assert execution is not None
    return execution.executor.gather_async_work(values)


def _track(values: Sequence[Any]) -> None:
    execution = current_execution.get()
    assert execution is not None
    execution.executor.track_async_work(values)


HELPERS = GraphQLResolveInfoHelpers(_gather, _track)
