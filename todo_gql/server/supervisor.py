"""Several processes that serve requests on one socket, and the parent that supervises them.

`Supervisor.run` is all of it that others call. It buys what uvicorn's own supervisor lacks: a process
at MAX_REQUESTS serves until its replacement has started, no process outlives a killed parent, and none
is left at the end of STOP_SECONDS (ADR 40 has what was tried). It costs this file and a pipe per
process. With WORKERS=1, the default, it isn't used.
"""

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
from todo_gql.server.process import Callback
from todo_gql.server.signals import stop_at_signals
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

# How long a process may take to stop before it is killed; an orchestrator may kill us after 25 s.
STOP_SECONDS = 24
# How long to wait before a process that failed to start is started again.
PAUSE_SECONDS = 1
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
STARTED, RECYCLING = "started", "recycling"


class WorkerStartError(Exception):
    """A worker process ended before all of them had started."""


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals within the block, and in processes that are started in it."""
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
    """Run a child process until it stops."""
    try:
        stop_at_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        configure_logging(settings.log_level)
        if metrics:
            write_to(*metrics)
        threading.Thread(target=_stop_with, args=[parent], daemon=True).start()
        server.run(
            settings,
            url,
            listener,
            with_worker=with_worker,
            on_started=partial(_send, parent, STARTED),
            on_recycling=partial(_send, parent, RECYCLING),
        )
    except KeyboardInterrupt:
        return


def _stop_with(parent: Connection) -> None:
    """Stop this process once its parent is gone; as an orphan it would hold the port forever."""
    with suppress(EOFError, OSError):
        parent.recv()
    os.kill(os.getpid(), signal.SIGTERM)


def _send(parent: Connection, message: str) -> None:
    with suppress(OSError):
        parent.send(message)


@dataclass(eq=False)
class WebProcess:
    """A process that serves requests, in a `slot` of its own; it `replaces` one being recycled."""

    slot: int
    process: SpawnProcess
    pipe: Connection
    replaces: "WebProcess | None" = None
    started: bool = False


class Supervisor:
    """Keeps as many processes running as WORKERS says.

    One that dies is replaced. One that is recycling serves until its replacement has started.
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
        self._workers: list[WebProcess] = []
        self._ready = False

    def run(self, *, on_started: Callback, on_stopping: Callback) -> None:
        """Keep the processes running until a signal.

        Raises KeyboardInterrupt at a signal, WorkerStartError if one exits before all have started.
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

    def _start(self, replaces: WebProcess | None = None) -> None:
        used = {worker.slot for worker in self._workers}
        slot = next(number for number in range(len(used) + 1) if number not in used)
        ours, theirs = self._spawn.Pipe()
        metrics = (self.metrics, slot) if self.metrics else None
        process = self._spawn.Process(
            target=_work,
            args=(self.settings, self.url, self.listener, theirs, metrics),
            kwargs={"with_worker": self.with_worker},
            name=f"todo_gql worker {slot}",
            daemon=True,
        )
        with _signals_blocked():
            process.start()
            theirs.close()
            self._workers.append(WebProcess(slot, process, ours, replaces))

    def _watch(self) -> None:
        """Wait until a process sends a message or exits, and handle that."""
        pipes = {worker.pipe: worker for worker in self._workers if not worker.pipe.closed}
        sentinels = {worker.process.sentinel: worker for worker in self._workers}
        for event in connection.wait([*pipes, *sentinels]):
            if isinstance(event, Connection):
                self._on_message(pipes[event])
            elif isinstance(event, int):
                self._on_exit(sentinels[event])

    def _on_message(self, worker: WebProcess) -> None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            worker.pipe.close()
            return
        if message == RECYCLING:
            self._start(replaces=worker)
            return
        worker.started = True
        if worker.replaces:
            worker.replaces.process.terminate()

    def _on_exit(self, worker: WebProcess) -> None:
        """Start a replacement for a process that has exited."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if self.metrics:
            forget_process(self.metrics, worker.slot)
        if any(other.replaces is worker for other in self._workers):
            return
        logger.warning("a worker process ended", extra={"exit_code": worker.process.exitcode})
        if not self._ready:
            raise WorkerStartError
        if not worker.started:
            time.sleep(PAUSE_SECONDS)
        old = worker.replaces
        self._start(replaces=old if old in self._workers else None)

    def _stop(self) -> None:
        """Stop all processes; kill those that don't stop in time, or all at a second Ctrl-C."""
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
