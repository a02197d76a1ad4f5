"""Workers as processes of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.forked import Forked
from tests.support.processes import Program, clean_environment, started_program


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


def unattended_worker(log: Path, **settings: str) -> Forked:
    """A worker of whose output only the complaints are kept; to be ended by whoever starts it."""
    environment = clean_environment() | settings
    with log.open("a") as errors:
        return Forked(
            "todo_gql",
            "worker",
            folder=log.parent,
            environment=environment,
            errors=errors.fileno(),
        )
