"""How long one turn of the event loop takes at most, in CPU time of its thread."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# The generation of a full collection.
FULL = 2


@dataclass
class LongestTurn:
    """The longest turn of the event loop since `restart`, in milliseconds.

    `cpu` is the CPU time of the loop's own thread, which other processes and threads don't add to;
    `wall` is the time by the clock, which includes what a call blocked for. Waiting for sockets and
    timers counts for neither. Nor do full garbage collections, of which `collection` is the longest:
    they visit what the test itself has in memory, which a server hasn't.
    """

    cpu: float = 0.0
    wall: float = 0.0
    collection: float = 0.0

    def restart(self) -> None:
        """Forget the turns so far."""
        self.cpu = self.wall = 0.0


@contextmanager
def measured_turns() -> Iterator[LongestTurn]:
    """Measure each turn of the running event loop for the length of a block."""
    loop = asyncio.get_running_loop()
    longest, own_thread = LongestTurn(), threading.get_ident()
    selector = loop._selector  # type: ignore[attr-defined]  # asyncio's own loop, in Python
    run_once, select = loop._run_once, selector.select  # type: ignore[attr-defined]
    waited = collected = collection_began = 0.0

    def noted_collection(phase: str, info: dict[str, int]) -> None:
        nonlocal collected, collection_began
        if info["generation"] < FULL or threading.get_ident() != own_thread:
            return
        if phase == "start":
            collection_began = time.thread_time()
            return
        took = time.thread_time() - collection_began
        collected += took
        longest.collection = max(longest.collection, took * 1000)

    def noted_select(timeout: float | None = None) -> object:
        nonlocal waited
        began = time.perf_counter()
        events = select(timeout)
        waited += time.perf_counter() - began
        return events

    def noted_turn() -> None:
        nonlocal waited, collected
        waited = collected = 0.0
        began, cpu = time.perf_counter(), time.thread_time()
        run_once()
        longest.cpu = max(longest.cpu, (time.thread_time() - cpu - collected) * 1000)
        longest.wall = max(longest.wall, (time.perf_counter() - began - waited - collected) * 1000)

    loop._run_once = noted_turn  # type: ignore[attr-defined]
    selector.select = noted_select
    gc.callbacks.append(noted_collection)
    try:
        yield longest
    finally:
        gc.callbacks.remove(noted_collection)
        del loop._run_once  # type: ignore[attr-defined]
        del selector.select
