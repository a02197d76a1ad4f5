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


def remove_stale_pid_file(pid_file: Path) -> None:
    """Remove a lock file whose pid is no running postgres; PostgreSQL would refuse to start."""
    if pid_in(pid_file) not in {process.pid for process in running_postgres()}:
        pid_file.unlink(missing_ok=True)


def running_postgres() -> list[psutil.Process]:
    """All PostgreSQL processes of this machine that aren't zombies."""
    processes = psutil.process_iter(["name", "status", "cmdline"])
    postgres = [process for process in processes if process.info["name"] == "postgres"]
    return [process for process in postgres if process.info["status"] != psutil.STATUS_ZOMBIE]


def signal_each(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may have ended already."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
