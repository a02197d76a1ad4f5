"""Several processes that answer requests on one socket, and the parent that keeps them going."""

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from todo_gql.observability.exporter import forget_process, write_to
from todo_gql.observability.logs import configure_logging
from todo_gql.server import process as server
from todo_gql.server.process import Notice
from todo_gql.server.signals import stop_at_signals
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

# How long a worker may take to stop before it is killed; an orchestrator may kill us after 25 s.
STOP_SECONDS = 24
# A worker that doesn't even start is not tried again at once.
PAUSE_SECONDS = 1
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
STARTED, WORN = "started", "worn"


class WorkerStartError(Exception):
    """A worker process ended before all of them had started."""


@contextmanager
def _signals_later() -> Iterator[None]:
    """Hold signals back for the block, and in processes that are started in it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _work(
    settings: Settings,
    url: str,
    listener: socket.socket,
    parent: Connection,
    metrics: tuple[Path, int] | None,
    *,
    with_worker: bool,
) -> None:
    """What a worker process does."""
    try:
        stop_at_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        configure_logging(settings.log_level)
        if metrics:
            write_to(*metrics)
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()
        server.run(
            settings,
            url,
            listener,
            with_worker=with_worker,
            on_started=partial(_tell, parent, STARTED),
            on_worn=partial(_tell, parent, WORN),
        )
    except KeyboardInterrupt:
        return


def _end_with(parent: Connection) -> None:
    """Stop this process once its parent is gone, which else would keep the port for ever."""
    with suppress(EOFError, OSError):
        parent.recv()
    os.kill(os.getpid(), signal.SIGTERM)


def _tell(parent: Connection, message: str) -> None:
    with suppress(OSError):
        parent.send(message)


@dataclass(eq=False)
class Worker:
    """A worker process, in a place of its own among the others; it may be `successor_of` one."""

    slot: int
    process: SpawnProcess
    pipe: Connection
    successor_of: "Worker | None" = None
    started: bool = False


class Workers:
    """Keeps as many workers going as WORKERS says.

    One that dies is replaced. One that is worn goes on until its successor has started.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        listener: socket.socket,
        metrics: Path | None,
        *,
        with_worker: bool,
    ) -> None:
        self.settings = settings
        self.url = url
        self.listener = listener
        self.metrics = metrics
        self.with_worker = with_worker
        self._spawn = multiprocessing.get_context("spawn")
        self._workers: list[Worker] = []
        self._ready = False

    def run(self, *, on_started: Notice, on_stopping: Notice) -> None:
        """Keep the workers running until a signal.

        Raises KeyboardInterrupt at a signal, WorkerStartError if a worker ends before all started.
        """
        try:
            for _ in range(self.settings.workers):
                self._start()
            while True:
                self._watch()
                if not self._ready and all(worker.started for worker in self._workers):
                    self._ready = True
                    on_started()
        finally:
            on_stopping()
            self._stop()

    def _start(self, successor_of: Worker | None = None) -> None:
        taken = {worker.slot for worker in self._workers}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        ours, theirs = self._spawn.Pipe()
        metrics = (self.metrics, slot) if self.metrics else None
        process = self._spawn.Process(
            target=_work,
            args=(self.settings, self.url, self.listener, theirs, metrics),
            kwargs={"with_worker": self.with_worker},
            name=f"todo_gql worker {slot}",
            daemon=True,
        )
        with _signals_later():
            process.start()
            theirs.close()
            self._workers.append(Worker(slot, process, ours, successor_of))

    def _watch(self) -> None:
        """Wait for a worker to say something or to end, and act on it."""
        talking = {worker.pipe: worker for worker in self._workers if not worker.pipe.closed}
        living = {worker.process.sentinel: worker for worker in self._workers}
        for event in connection.wait([*talking, *living]):
            if isinstance(event, Connection):
                self._hear(talking[event])
            elif isinstance(event, int):
                self._replace(living[event])

    def _hear(self, worker: Worker) -> None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            worker.pipe.close()
            return
        if message == WORN:
            self._start(successor_of=worker)
            return
        worker.started = True
        if worker.successor_of:
            worker.successor_of.process.terminate()

    def _replace(self, worker: Worker) -> None:
        """Let another one take the place of a worker that has ended."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if self.metrics:
            forget_process(self.metrics, worker.slot)
        if any(other.successor_of is worker for other in self._workers):
            return
        logger.warning("a worker process ended", extra={"exit_code": worker.process.exitcode})
        if not self._ready:
            raise WorkerStartError
        if not worker.started:
            time.sleep(PAUSE_SECONDS)
        old = worker.successor_of
        self._start(successor_of=old if old in self._workers else None)

    def _stop(self) -> None:
        """Stop all workers, and kill those that don't in time or at a second Ctrl-C."""
        end = time.monotonic() + STOP_SECONDS
        try:
            for worker in self._workers:
                worker.process.terminate()
            for worker in self._workers:
                worker.process.join(max(0, end - time.monotonic()))
        finally:
            for worker in self._workers:
                worker.process.kill()
                worker.process.join()
