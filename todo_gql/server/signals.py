"""How signals stop a process: SIGTERM and SIGHUP end it as a Ctrl-C does."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")


def stop_at_signals() -> None:
    """Handle signals that would kill the process at once as Ctrl-C, which cleans up first."""
    for number, handler in ENDING_SIGNALS.items():
        # What nohup ignores stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _terminate(*_: object) -> None:
    signal.raise_signal(signal.SIGTERM)


ENDING_SIGNALS = {signal.SIGTERM: _interrupt, signal.SIGHUP: _terminate}
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_signal(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in its own event loop; SIGINT or SIGTERM cancels it.

    Raises KeyboardInterrupt if such a signal came.

    `asyncio.run` handles SIGINT in the middle of whatever callback runs, which may then find
    its future cancelled; a signal handler of the loop runs between two callbacks.
    """
    received: list[int] = []
    with _restored_handlers():
        try:
            result = asyncio.run(_cancel_at_signals(work, received))
        except asyncio.CancelledError:
            if not received:
                raise
        else:
            if not received:
                return result
    raise KeyboardInterrupt


async def _cancel_at_signals(work: Coroutine[Any, Any, Result], received: list[int]) -> Result:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task

    def stop(number: int) -> None:
        received.append(number)
        loop.set_exception_handler(_report_all_but_abandoned)
        task.cancel()

    for number in STOPPING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)
    return await work


def _report_all_but_abandoned(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report an error of the loop, unless it is that of a future which a cancelled task awaited.

    asyncpg leaves such a future behind where it is cancelled while it connects.
    """
    if "never retrieved" not in context["message"]:
        loop.default_exception_handler(context)


@contextmanager
def _restored_handlers() -> Iterator[None]:
    """Set the handlers again that a loop, once closed, leaves at the default of the system."""
    handlers = {number: signal.getsignal(number) for number in STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
