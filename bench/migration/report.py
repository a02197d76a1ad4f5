"""What was measured during a migration, as a page."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.migration.locks import LockWaits

RESULTS = Path(__file__).parent.parent / "results" / "migration"
LONGEST_LOCK_SECONDS = 2.0


class Phase(NamedTuple):
    """A part of the run, between two Unix times."""

    name: str
    begin: float
    end: float


class Request(NamedTuple):
    """A request of the load; its error is empty if it succeeded."""

    begin: float
    name: str
    milliseconds: float
    error: str


class Measured(NamedTuple):
    """All that was measured."""

    phases: list[Phase]
    requests: list[Request]
    locks: LockWaits
    migration_log: list[str]
    wrong_rows: dict[str, int]
    without_text: int
    todos: int

    def problems(self) -> list[str]:
        """What must not be: failed requests, long waits for locks, wrong rows."""
        failed = [request for request in self.requests if request.error]
        problems = [f"{request.name} failed: {request.error}" for request in failed]
        problems += [f"{number} {name}" for name, number in self.wrong_rows.items() if number]
        for phase in self.phases:
            wait = self.locks.longest(phase.begin, phase.end, migration=False)
            if wait and wait.seconds > LONGEST_LOCK_SECONDS:
                problems.append(f"{phase.name}: {wait.seconds:.2f} s for a lock: {wait.statement}")
        return problems


def percentile(values: list[float], percent: float) -> float:
    """The value below which so many percent of the sorted values are."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0


def write_report(measured: Measured, users: int) -> str:
    """Write the report of today, and return it."""
    text = "\n".join([*_head(measured, users), *_phases(measured), *_locks(measured)])
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text(text + "\n")
    return text


def _head(measured: Measured, users: int) -> list[str]:
    failed = sum(bool(request.error) for request in measured.requests)
    wrong = ", ".join(f"{number} {name}" for name, number in measured.wrong_rows.items())
    load = os.getloadavg()
    setting = (
        f"`make bench-migration`: {measured.todos:,} todos at the end, {users} users of `make load`, of whom"
        " three share the account with most of them; a server of the previous release, PostgreSQL with fsync, the"
        f" migration and the load share {os.cpu_count()} cores (load average {load[2]:.1f} in the last quarter of"
        " an hour)."
    )
    outcome = (
        f"{len(measured.requests):,} requests, {failed} failed. In the end: {wrong};"
        f" {measured.without_text} search texts for the worker to fill in."
    )
    return ["# Migration under load", "", setting, "", outcome, ""]


def _phases(measured: Measured) -> list[str]:
    header = (
        "| phase | seconds | requests a second | failed | p50 ms | p99 ms | longest ms"
        " | longest wait of a server for a lock, s | of the migration, s |"
    )
    lines = [header, "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for phase in measured.phases:
        inside = [r for r in measured.requests if phase.begin <= r.begin < phase.end]
        times = sorted(request.milliseconds for request in inside)
        waits = [
            measured.locks.longest(phase.begin, phase.end, migration=migration)
            for migration in (False, True)
        ]
        numbers = (
            f"{phase.end - phase.begin:.0f}",
            f"{len(inside) / (phase.end - phase.begin):.1f}",
            str(sum(bool(request.error) for request in inside)),
            *(f"{percentile(times, percent):.0f}" for percent in (50, 99, 100)),
            *(f"{wait.seconds:.2f}" if wait else "0" for wait in waits),
        )
        lines.append(f"| {phase.name} | {' | '.join(numbers)} |")
    return [*lines, ""]


def _locks(measured: Measured) -> list[str]:
    lines = ["The migration's log:", "", "```"]
    lines += [line for line in measured.migration_log if "so far" not in line]
    return [*lines, "```"]
