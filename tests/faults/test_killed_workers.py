"""Mails arrive, each once, whenever and however often the workers that send them are killed."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from tests.support.accounts import registered, visiting
from tests.support.forked import Forked
from tests.support.mailbox import Mailbox, receiving
from tests.support.worker_processes import started_worker, unattended_worker
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.email.password_reset import request_reset
from todo_gql.settings import Settings

WORKERS = 2
KILLS = int(os.environ.get("KILLS") or 5)
ACCOUNTS = 2 * KILLS
# Most workers are let begin a mail before so much of their time is over.
AT_WORK_FIRST = 0.9
LONGEST_LIFE = 0.5
SUBJECTS = ("Confirm your e-mail address", "Set a new password")
PATIENCE_SECONDS = 120
LEFT = "SELECT (SELECT count(*) FROM mails WHERE sent_at IS NULL), (SELECT count(*) FROM pgqueuer)"


@dataclass
class Murders:
    """What becomes of workers that are killed at moments that nobody can foresee."""

    box: Mailbox
    start: Callable[[], Forked]
    post: Callable[[], Awaitable[None]]
    chance: random.Random
    kills: int = 0
    kills_at_work: int = 0

    async def one_after_the_other(self) -> None:
        """Start a worker and kill it, until enough were killed while mails were under way."""
        while self.kills_at_work < KILLS:
            await self.post()
            # Beside the server, which lives in this process and is not to wait for it.
            with await asyncio.to_thread(self.start) as worker:
                if self.chance.random() < AT_WORK_FIRST:
                    with suppress(TimeoutError):
                        await self.box.is_tried_again()
                await asyncio.sleep(self.chance.uniform(0, LONGEST_LIFE))
                is_at_work = self.box.under_way > 0
                worker.kill()
            self.kills += 1
            self.kills_at_work += is_at_work


@dataclass
class Posters:
    """Who registers accounts and asks for new passwords, until that is enough."""

    app: ASGIApp
    box: Mailbox
    addresses: list[str] = field(default_factory=list)

    async def post(self) -> None:
        """Have up to four mails posted; more than it takes only if workers have nothing else to do."""
        async with visiting(self.app) as visitor:
            for _ in range(2):
                is_idle = len(self.box.mails) == 2 * len(self.addresses)
                if is_idle or len(self.addresses) < ACCOUNTS:
                    self.addresses.append("")
                    place = len(self.addresses) - 1
                    account = await registered(visitor)
                    self.addresses[place] = f"{account.username}@example.com"
                    await request_reset(self.addresses[place])


async def test_every_mail_comes_once(
    app: ASGIApp, settings: Settings, database_url: str, tmp_path: Path, chance: random.Random
) -> None:
    """Four mails for each kill of a worker arrive, and none of them twice."""
    # Mails to accounts of other tests may still wait.
    for table in ("pgqueuer", "mails"):
        await fetch(f"DELETE FROM {table}")
    box = Mailbox()
    box.before_taking = lambda: asyncio.sleep(chance.uniform(0, 0.3))
    box.before_answering = lambda: asyncio.sleep(chance.uniform(0, 0.3))
    assert settings.secret_key
    started = time.monotonic()
    async with receiving(box) as url:
        environment = {
            "DATABASE_URL": database_url,
            "SMTP_URL": url,
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "DATA_DIR": str(tmp_path / "data"),
        }
        posters = Posters(app, box)
        start = partial(unattended_worker, tmp_path / "log", **environment)
        murders = Murders(box, start, posters.post, chance)
        await asyncio.gather(*(murders.one_after_the_other() for _ in range(WORKERS)))
        while len(posters.addresses) < ACCOUNTS:
            await posters.post()
        arrived_early = len(box.mails)
        with started_worker(tmp_path / "log", **environment) as survivor:
            await asyncio.to_thread(survivor.wait_until_ready)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await settled()
            assert await asyncio.to_thread(survivor.stop) == "Stopped.\n"
            assert survivor.process.returncode == 0
    print(  # noqa: T201 - the figures of the run
        f"{len(box.mails)} mails in {time.monotonic() - started:.0f} s,"
        f" {arrived_early} of them before the last of {murders.kills} kills,"
        f" {murders.kills_at_work} of which cut mails off;"
        f" {box.tries} tries, {box.deliveries} deliveries,"
        f" {box.deliveries - len(box.mails)} duplicates dropped by their Message-ID"
    )
    expected = [(address, subject) for address in posters.addresses for subject in SUBJECTS]
    assert len(expected) >= 4 * KILLS
    assert Counter((mail["To"], mail["Subject"]) for mail in box.mails) == Counter(expected)


async def settled() -> None:
    """Wait until every mail was sent and no job is left."""
    left: tuple[int, ...] = (1,)
    while any(left):
        await asyncio.sleep(0.1)
        [row] = await fetch(LEFT)
        left = tuple(row.values())
