"""The servers that are compared, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.data import SECRET_KEY

START_SECONDS = 20

ENGINE = "EXECUTION_ENGINE"
FLOOR = "floor"
SERVER = "todo_gql"
GRAPHQL_CORE = "graphql-core"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """The CPU time that it has spent so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """The memory that it holds."""
        return int(self.process.memory_info().rss)


def _command(name: str, port: int) -> list[str]:
    if name == FLOOR:
        return [sys.executable, "-m", "bench.floor", str(port)]
    return [sys.executable, "-m", "todo_gql", "serve", "--port", str(port)]


def _environment(name: str, database_url: str) -> dict[str, str]:
    changes = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "ACCESS_TOKEN_EXPIRE_MINUTES": "600",
        "RATE_LIMIT_REQUESTS": "0",
        "RATE_LIMIT_COST": "0",
        # One user has as many todos as an account may have, and makes more.
        "ACCOUNT_TODOS": "1000000",
        "PYTHONPATH": str(ROOT),
    }
    if name == GRAPHQL_CORE:
        changes[ENGINE] = GRAPHQL_CORE
    return os.environ | changes


@contextmanager
def serving(
    name: str, database_url: str, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server of that name on the database, with other settings; it logs into a folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = folder / f"{name}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            _command(name, port),
            env=_environment(name, database_url) | dict(settings or {}),
            cwd=folder,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            _wait_until_ready(process, port, log)
            yield Server(name, port, psutil.Process(process.pid))
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError(f"The server didn't start:\n{log.read_text(errors='replace')}")
