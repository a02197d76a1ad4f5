"""Processes of the program that are forked from one that has imported it, in place of `Popen`."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.support import preloaded

ROOT = Path(__file__).parents[2]


@cache
def _control(_pid: int) -> socket.socket:
    """Where requests are sent to the preloaded process of this test process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # Not in the group of the terminal, whose Ctrl-C the processes get from the tests.
    process = subprocess.Popen(
        [sys.executable, "-m", preloaded.__name__, str(theirs.fileno())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _pipe() -> tuple[IO[str], IO[str]]:
    """Both ends of a pipe for text: the one to read, and the one to write."""
    reader, writer = os.pipe()
    return os.fdopen(reader), os.fdopen(writer, "w")


class Forked:
    """A process of the program, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str],
        errors: int | None = None,
        alone: bool = False,
    ) -> None:
        """Run a module with arguments; `alone` in a session of its own, as a group of its own.

        Its standard error is a file's number, or else `stderr`, a pipe that holds some 64 KiB.
        """
        self.returncode: int | None = None
        request = {
            "folder": str(folder),
            "environment": dict(environment),
            "arguments": arguments,
            "alone": alone,
        }
        control = _control(os.getpid())
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        typed, self.stdin = _pipe()
        self.stdout, said = _pipe()
        self.stderr, complained = _pipe()
        with theirs, typed, said, complained:
            if errors is None:
                errors = complained.fileno()
            streams = [typed.fileno(), said.fileno(), errors, theirs.fileno()]
            socket.send_fds(control, [json.dumps(request).encode()], streams)
        self.pid = int(self._status.recv(64))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stdin.close()
        self.stdout.close()
        self.wait()
        self.stderr.close()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        if self.returncode is None:
            try:
                return self.wait(0)
            except subprocess.TimeoutExpired:
                return None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, at most so many seconds; `TimeoutExpired` then."""
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                self.returncode = int(self._status.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._status.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it still prints until its end, within so many seconds; `TimeoutExpired` then."""
        rest: list[str] = []
        reading = threading.Thread(target=lambda: rest.append(self.stdout.read()), daemon=True)
        reading.start()
        reading.join(timeout)
        self.wait(timeout)
        if reading.is_alive():
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return rest[0], None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.send_signal(signal.SIGKILL)
