"""The command `todo-gql migrate` as a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import STOP_SECONDS, clean_environment

APPLIED = "Applied the migration 0001_initial."


@contextmanager
def migrating(url: str) -> Iterator[subprocess.Popen[str]]:
    """A `todo-gql migrate` that runs, and is ended with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "todo_gql", "migrate"],
        env=clean_environment() | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> list[str]:
    """What a command said that ended well."""
    said, complained = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0, complained
    return said.splitlines()
