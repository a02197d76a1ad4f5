"""A process that has imported the program, and forks one that runs it for each request.

An interpreter takes over a second of CPU to import the program, and the tests start it a hundred times.
What is forked here is otherwise what `python -m todo_gql` starts: a process of its own, with its own
folder, environment, output, signals and exit status, which runs `__main__`. It isn't a child of the
test's process, but of this one.
"""

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

PRELOADED = (
    "todo_gql.app",
    "todo_gql.cli.main",
    "todo_gql.server.process",
    "todo_gql.tasks",
    "typer.testing",
    "uvicorn",
)
LONGEST_REQUEST = 1024 * 1024


class Preloaded:
    """The requests of one test process, and the processes that were forked for them."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.running: dict[int, socket.socket] = {}
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_write, False)

    def serve(self) -> dict[str, Any] | None:
        """Fork until the test process ends; what to run, in a process that was forked for it."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self.wake_read in ready:
                    os.read(self.wake_read, 1024)
                    self.report()
                if self.control in ready:
                    message, files, _, _ = socket.recv_fds(self.control, LONGEST_REQUEST, 4)
                    if not message:
                        return None
                    if self.fork(files):
                        return dict(json.loads(message))

    def fork(self, files: list[int]) -> bool:
        """Fork a process with standard streams of its own; whether this is that process."""
        *streams, status = files
        pid = os.fork()
        if pid:
            for number in streams:
                os.close(number)
            self.running[pid] = socket.socket(fileno=status)
            self.running[pid].send(str(pid).encode())
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, number in enumerate(streams):
            os.dup2(number, standard)
        for number in (*files, self.wake_read, self.wake_write):
            os.close(number)
        self.control.close()
        for other in self.running.values():
            other.close()
        return True

    def report(self) -> None:
        """Send the exit status of each process that has ended, as `subprocess` counts it."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                with self.running.pop(pid) as waiting, suppress(OSError):
                    waiting.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(folder: str, environment: dict[str, str], arguments: list[str], *, alone: bool) -> None:
    """Run a module's `__main__` in a folder, with an environment and arguments."""
    if alone:
        os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    module, *sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in PRELOADED:
        import_module(name)
    # What was imported stays for good: no collection in a forked process needs to visit it, and
    # thereby copy all of it.
    gc.collect()
    gc.freeze()
    if request := Preloaded(socket.socket(fileno=int(sys.argv[1]))).serve():
        become(**request)
