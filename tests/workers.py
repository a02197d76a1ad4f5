"""Workers as processes of their own."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.programs import STOP_SECONDS, clean_environment
from todo_gql.cli import app


@dataclass
class WorkerProcess:
    """A worker that was started, and what it writes."""

    process: subprocess.Popen[str]
    log: Path

    def wait_until_ready(self) -> None:
        """Read what it says until it does jobs."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line == "The worker is ready. Stop it with Ctrl-C.\n", self.log.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Send a signal, and give what it says then."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=STOP_SECONDS)
        return rest

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.process.kill()
        self.process.communicate(timeout=STOP_SECONDS)


@contextmanager
def started_worker(log: Path, **settings: str) -> Iterator[WorkerProcess]:
    """A worker that is just being started, with settings by their names in capitals."""
    environment = clean_environment() | settings
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "todo_gql", "worker"],
            cwd=log.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        worker = WorkerProcess(process, log)
        try:
            yield worker
        finally:
            if process.poll() is None:
                worker.kill()


def forked_worker(log: Path, **settings: str) -> ForkServerProcess:
    """A worker that was started from a process that has read all modules already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    process = context.Process(target=_work, args=(log, settings), daemon=True)
    process.start()
    return process


def _work(log: Path, settings: dict[str, str]) -> None:
    os.chdir(log.parent)
    environment = clean_environment() | settings
    os.environ.clear()
    os.environ.update(environment)
    with log.open("a") as output, redirect_stdout(output), redirect_stderr(output):
        app(["worker"])
