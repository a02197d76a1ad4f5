"""A queue for documents that are new, since parsing and validating one blocks the event loop."""

import asyncio
from time import perf_counter
from typing import Final, Self, TypeVar

from todo_gql.database.fair_queue import FairQueue
from todo_gql.documents.steps import Steps
from todo_gql.observability.request_record import Caller

# The pause after a document, as a multiple of the time that it took: new documents get at most a
# quarter of the process, however many arrive.
PAUSE: Final = 3

Outcome = TypeVar("Outcome")


class ParseQueue:
    """Admits one new document at a time, callers in turn, and pauses after each.

    A caller who sends hundreds of new documents delays only their own ones. `pause` is a multiple of
    the time that one took; with 0 the next one is admitted at the next turn of the event loop.
    """

    def __init__(self, pause: int = PAUSE) -> None:
        self._pause = pause
        self._waiters = FairQueue[None](share=1)
        self._is_busy = False

    def turn(self, caller: Caller) -> "Turn":
        """A block in which one document is parsed, entered once it is the caller's turn."""
        return Turn(self, caller)

    async def enter(self, caller: Caller) -> None:
        """Wait until nobody else parses, nor pauses, and it is the caller's turn."""
        if not self._is_busy:
            self._is_busy = True
            return
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.enqueue(caller, admitted)
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled():
                self.release(caller, 0)
            else:
                self._waiters.remove(caller, admitted)
            raise

    def release(self, caller: Caller, seconds: float) -> None:
        """Let the next one in, after a pause for a document that took so many seconds."""
        if self._waiters.held.get(caller):
            self._waiters.release(caller)
        asyncio.get_running_loop().call_later(seconds * self._pause, self._admit_next)

    def _admit_next(self) -> None:
        admitted = self._waiters.next_waiter()
        if admitted is None:
            self._is_busy = False
        else:
            admitted.set_result(None)


class Turn:
    """The time in which a caller's document is parsed; nothing may be awaited in it but its steps."""

    def __init__(self, queue: ParseQueue, caller: Caller) -> None:
        self._queue = queue
        self._caller = caller
        self._began = self._worked = 0.0

    async def __aenter__(self) -> Self:
        await self._queue.enter(self._caller)
        self._began = perf_counter()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._queue.release(self._caller, self._worked + perf_counter() - self._began)

    async def run(self, steps: Steps[Outcome]) -> Outcome:
        """The outcome of work in steps; others have a turn of the event loop between any two."""
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                outcome: Outcome = stop.value
                return outcome
            # What others do meanwhile adds nothing to the pause.
            self._worked += perf_counter() - self._began
            try:
                await asyncio.sleep(0)
            finally:
                self._began = perf_counter()
