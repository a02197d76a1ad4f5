"""Workers as processes of their own."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.support.processes import Program, clean_environment, started_program
from todo_gql.cli.main import app


class WorkerProcess(Program):
    """A worker that was started."""

    def wait_until_ready(self) -> None:
        """Read what it says until it does jobs."""
        assert self.next_line() == "The worker is ready. Stop it with Ctrl-C."


@contextmanager
def started_worker(log: Path, **settings: str) -> Iterator[WorkerProcess]:
    """A worker that is just being started, with settings by their names in capitals."""
    with started_program(log, "worker", settings=settings) as process:
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
