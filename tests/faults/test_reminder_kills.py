"""Reminders fire, each once and none early, whenever and however often the worker is killed."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.forked import Forked
from tests.support.processes import clean_environment
from tests.support.waiting import until
from todo_gql.database.connection import Row, fetch
from todo_gql.settings import Settings

KILLS = int(os.environ.get("KILLS") or 5)
REMINDERS = int(os.environ.get("REMINDERS") or 40 * KILLS)
PEOPLE = 4
# Most workers are killed in the midst of a transaction, if there is one before so much of their time is over.
AT_WORK_FIRST, AT_WORK_SECONDS = 0.9, 3.0
LONGEST_LIFE = 0.5
# Those of a kill fall due while its worker starts and works.
DUE_SECONDS = 4.0
LATEST_SECONDS = 5.0
READY = "The worker is ready. Stop it with Ctrl-C."
INSERT = """
INSERT INTO reminders (id, owner_id, todo_id, person_id, at, fires_at, created_at)
SELECT gen_random_uuid(), t.owner_id, t.id, t.owner_id, now() + n.later, now() + n.later, now()
FROM unnest($1::uuid[], $2::interval[]) AS n (id, later) JOIN todos t ON t.id = n.id
"""
# The only transactions of more than one statement, of which the connection waits for the next.
AT_WORK = """
SELECT count(*) > 0 AS is_so FROM pg_stat_activity WHERE pid <> pg_backend_pid()
    AND datname = current_database() AND state = 'idle in transaction'
"""
ENTRIES = "SELECT owner_id, source, created_at FROM notifications WHERE kind = 4"
LEFT = "SELECT count(*) AS number FROM reminders WHERE fires_at IS NOT NULL"
UNREAD = "SELECT sum(unread_count) AS number FROM inboxes"
CLOCK = "SELECT clock_timestamp() AS now"


@dataclass
class Lives:
    """When workers ran, by the clock of the database, and how many were killed in a transaction."""

    intervals: list[tuple[datetime, datetime]] = field(default_factory=list)
    kills_at_work: int = 0

    def waited(self, due: datetime, entered: datetime) -> float:
        """For how many seconds a reminder was due while a worker ran."""
        return sum(
            max(0.0, (min(end, entered) - max(start, due)).total_seconds())
            for start, end in self.intervals
        )


async def clock() -> datetime:
    """What time the database has."""
    [row] = await fetch(CLOCK)
    now: datetime = row["now"]
    return now


async def is_at_work() -> bool:
    """Whether the worker is in a transaction."""
    [row] = await fetch(AT_WORK)
    return bool(row["is_so"])


@pytest.fixture
async def people(new_account: NewAccount) -> list[Account]:
    """Those who are reminded, each with a todo, and no reminders or notifications of others."""
    await fetch("DELETE FROM reminders")
    await fetch("DELETE FROM notifications")
    await fetch("DELETE FROM inboxes")
    return [await new_account() for _ in range(PEOPLE)]


async def put(todos: Sequence[str], number: int, chance: random.Random) -> None:
    """Store so many reminders that fall due in the next seconds."""
    ids = [UUID(chance.choice(todos)) for _ in range(number)]
    # Some together, which are one batch.
    moments = [chance.uniform(0, DUE_SECONDS) for _ in range(max(1, number // 10))]
    later = [timedelta(seconds=chance.choice(moments)) for _ in range(number)]
    await fetch(INSERT, ids, later)


async def until_ready(worker: Forked) -> None:
    """Wait until a worker does its work."""
    while (line := await asyncio.to_thread(worker.stdout.readline)) != f"{READY}\n":
        assert line


async def test_every_reminder_fires_once(
    people: list[Account],
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    chance: random.Random,
) -> None:
    """Each of the reminders that fall due around the kills of a worker is entered once, soon and not early."""
    todos = [(await one.create())["id"] for one in people]
    assert settings.secret_key
    environment = clean_environment() | {
        "DATABASE_URL": database_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DATA_DIR": str(tmp_path / "data"),
    }
    lives = Lives()
    with (tmp_path / "log").open("a") as errors:
        start = partial(
            Forked,
            *("todo_gql", "worker"),
            folder=tmp_path,
            environment=environment,
            errors=errors.fileno(),
        )
        for kill in range(KILLS):
            await put(todos, REMINDERS * (kill + 1) // KILLS - REMINDERS * kill // KILLS, chance)
            with await asyncio.to_thread(start) as worker:
                await until_ready(worker)
                ready = await clock()
                lives.kills_at_work += await _wait_for_work(chance)
                worker.kill()
            lives.intervals.append((ready, await clock()))
        with await asyncio.to_thread(start) as worker:
            await until_ready(worker)
            ready = await clock()
            await until(_nothing_is_left)
            lives.intervals.append((ready, await clock()))
            worker.kill()
    _check(await fetch(ENTRIES), lives)
    [unread] = await fetch(UNREAD)
    assert unread["number"] == REMINDERS


async def _wait_for_work(chance: random.Random) -> bool:
    """Wait until the worker is in the midst of its work, or for a moment; whether it is."""
    if chance.random() < AT_WORK_FIRST:
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_WORK_SECONDS):
                await until(is_at_work)
                return True
    await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
    return await is_at_work()


async def _nothing_is_left() -> bool:
    [left] = await fetch(LEFT)
    return bool(left["number"] == 0)


def _check(entries: Sequence[Row], lives: Lives) -> None:
    told = Counter(entry["source"].split()[0] for entry in entries)
    moments = [(datetime.fromisoformat(e["source"].split()[1]), e["created_at"]) for e in entries]
    waited = [lives.waited(due, entered) for due, entered in moments]
    p99 = quantiles(waited, n=100)[98]
    print(  # noqa: T201 - the figures of the run
        f"{len(told)} reminders, {len(lives.intervals) - 1} kills, {lives.kills_at_work} of them in"
        f" the midst of a transaction; due while a worker ran for {p99:.2f} s at most for 99 in 100,"
        f" {max(waited):.2f} s for all; load {os.getloadavg()[0]:.1f}"
    )
    assert len(told) == REMINDERS
    assert set(told.values()) == {1}
    assert all(entered >= due for due, entered in moments)
    assert p99 < LATEST_SECONDS
