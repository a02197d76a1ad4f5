"""The command `todo-gql migrate` as a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.forked import Forked
from tests.support.processes import STOP_SECONDS, clean_environment

APPLIED = "Applied the migration 0001_initial."


@contextmanager
def migrating(url: str) -> Iterator[Forked]:
    """A `todo-gql migrate` that runs, and is ended with the block."""
    environment = clean_environment() | {"DATABASE_URL": url}
    with Forked("todo_gql", "migrate", folder=Path.cwd(), environment=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: Forked) -> list[str]:
    """What a command said that ended well."""
    said, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0, process.stderr.read()
    return said.splitlines()
