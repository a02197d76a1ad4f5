"""The program as processes of their own: a server, and command lines that are typed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, TypeAlias

import httpx
import psutil

from tests.support import command_answers
from tests.support.forked import Forked
from todo_gql.embedded_postgres.processes import running_postgres
from todo_gql.settings import Settings

STOP_SECONDS = 60
STANDARD_ERROR = 2
Process: TypeAlias = subprocess.Popen[str] | Forked
# What a database is told to be given, in this order.
MIGRATIONS = sorted(
    path.stem for path in (Path(__file__).parents[2] / "migrations").glob("[0-9]*.py")
)


def clean_environment() -> dict[str, str]:
    """The environment of this process without anything that sets this program."""
    settings = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in settings}
    return kept | {"TERM": "dumb", "COLUMNS": "200"}


@dataclass(frozen=True)
class Answer:
    """What a command said, and the status that it ended with."""

    status: int
    said: str
    complained: str


@dataclass(frozen=True)
class CommandLine:
    """A place where command lines are typed, with the settings that hold there."""

    typed_to: IO[str]
    answered_by: IO[str]
    settings: dict[str, str]

    def __call__(self, *arguments: str, typed: str = "", **settings: str) -> Answer:
        """The answer to a command line; settings are given by their names in capitals."""
        line = json.dumps([arguments, typed, self.settings | settings])
        print(line, file=self.typed_to, flush=True)
        return Answer(*json.loads(self.answered_by.readline()))

    def having(self, **settings: str) -> "CommandLine":
        """The same place with more settings."""
        return replace(self, settings=self.settings | settings)


@contextmanager
def command_line(folder: Path, environment: dict[str, str]) -> Iterator[CommandLine]:
    """A place in a folder where command lines are typed."""
    with Forked(
        command_answers.__name__,
        folder=folder,
        environment=environment,
        errors=STANDARD_ERROR,
    ) as process:
        yield CommandLine(process.stdin, process.stdout, {"BCRYPT_ROUNDS": "4"})
        process.stdin.close()
    assert process.returncode == 0


@dataclass
class Program:
    """A program that was started, and the file of what it complains about."""

    process: Process
    log: Path

    def next_line(self) -> str:
        """What it says next; fails if it has ended instead."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return line.rstrip("\n")

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
def started_program(
    log: Path,
    *arguments: str,
    settings: dict[str, str],
    user: int | None = None,
    alone: bool = False,
) -> Iterator[Process]:
    """A process of todo-gql in the folder of its log, with settings by their names in capitals.

    Another user's is a new interpreter; others are forked from one that has imported the program.
    """
    environment = clean_environment() | settings
    with log.open("a") as errors:
        if user is None:
            folder = log.parent
            with Forked(
                "todo_gql",
                *arguments,
                folder=folder,
                environment=environment,
                errors=errors.fileno(),
                alone=alone,
            ) as forked:
                yield forked
            return
        with subprocess.Popen(
            [sys.executable, "-m", "todo_gql", *arguments],
            cwd=log.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            user=user,
            extra_groups=[],
            start_new_session=alone,
        ) as process:
            yield process


@dataclass
class Server(Program):
    """A server that runs, on a DATA_DIR or a DATABASE_URL."""

    said: list[str] = field(default_factory=list)
    address: str = ""

    def wait_until_ready(self) -> None:
        """Read what it says until it has said where it is."""
        while not self.said or not self.said[-1].startswith("Stop it"):
            self.said.append(self.next_line())
        [self.address] = [line.split()[1] for line in self.said if line.startswith("  GraphiQL")]

    def execute(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must have no errors."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        answer = httpx.post(self.address, json=body, headers=headers, timeout=30).json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    def stop(self, number: signal.Signals = signal.SIGINT) -> str:
        """Send a signal, as Ctrl-C does to all that it started, and give what it says then."""
        if number is not signal.SIGINT:
            return super().stop(number)
        os.killpg(self.process.pid, number)
        rest, _ = self.process.communicate(timeout=STOP_SECONDS)
        return rest


@contextmanager
def started(
    log: Path, *arguments: str, settings: dict[str, str], user: int | None = None
) -> Iterator[Server]:
    """A server that is just being started on a free port, and is ended with the block."""
    settings = {"PORT": "0", "BCRYPT_ROUNDS": "4", "VIEWER_CACHE_SECONDS": "0"} | settings
    log.write_text("")
    with started_program(
        log, "serve", *arguments, settings=settings, user=user, alone=True
    ) as process:
        server = Server(process, log)
        try:
            yield server
        finally:
            if process.poll() is None:
                server.stop(signal.SIGTERM)


@contextmanager
def serving(data_dir: Path, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """A server that answers, with its data in a folder."""
    data_dir.parent.mkdir(exist_ok=True)
    settings = {"DATA_DIR": str(data_dir)} | (settings or {})
    with started(data_dir.with_name("log"), settings=settings) as server:
        server.wait_until_ready()
        yield server


def postgres_of(data_dir: Path) -> list[psutil.Process]:
    """The processes of the embedded PostgreSQL on a folder."""
    found = (data_dir / "postgres").stat()
    name = f"todo_gql-{found.st_dev:x}-{found.st_ino:016x}"
    return [one for one in running_postgres() if name in " ".join(one.info["cmdline"] or ())]


def works(process: psutil.Process) -> bool:
    """Whether a process is a worker, and alive."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def workers_of(server: Server) -> list[psutil.Process]:
    """The worker processes of a server."""
    return [one for one in psutil.Process(server.process.pid).children() if works(one)]
