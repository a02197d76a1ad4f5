"""The processes of PostgreSQL on this machine, and the files that name them."""

import signal
from contextlib import suppress
from pathlib import Path

import psutil


def pid_in(pid_file: Path) -> int | None:
    """Read which process a lock file of PostgreSQL names in its first line."""
    try:
        return int(pid_file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def forget_recycled_pid(pid_file: Path) -> None:
    """Remove a lock file that names no living postgres; PostgreSQL would refuse to start."""
    if pid_in(pid_file) not in {process.pid for process in living_postgres()}:
        pid_file.unlink(missing_ok=True)


def living_postgres() -> list[psutil.Process]:
    """List every PostgreSQL process of this machine that doesn't merely wait to be reaped."""
    processes = psutil.process_iter(["name", "status", "cmdline"])
    postgres = [process for process in processes if process.info["name"] == "postgres"]
    return [process for process in postgres if process.info["status"] != psutil.STATUS_ZOMBIE]


def signal_each(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may have ended already."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
