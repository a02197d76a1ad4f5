"""Webhooks are sent every event, in order where they answer, however often workers are killed."""

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from starlette.types import ASGIApp

from tests.support.accounts import Account
from tests.support.applications import running
from tests.support.forked import Forked
from tests.support.https_servers import Authority
from tests.support.lists import make_list
from tests.support.sharing import share
from tests.support.waiting import until
from tests.support.webhook_endpoints import Endpoint, Endpoints, connect, reply, webhook_endpoints
from tests.support.worker_processes import unattended_worker
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings

KILLS = int(os.environ.get("KILLS") or 5)
EVENTS = int(os.environ.get("EVENTS") or 40 * KILLS)
WORKERS = 2
QUICK, SLOW, FAILING = 7, 2, 1
"""How many endpoints of each kind an account has: two accounts are in one list, so that both are sent each event."""

HURRY_SECONDS = 0.5
LONGEST_ANSWER_SECONDS = 0.1
# How often an endpoint that fails begins to refuse the next requests, and how many at most.
FAILURES, MOST_REFUSED = 0.02, 4
AT_WORK_SECONDS = 5.0
LONGEST_LIFE = 1.0
# What waits for longer than any claim is due at once, since it would be sent again for days.
HURRY = """
UPDATE webhooks SET next_attempt_at = now() WHERE id = ANY($1) AND next_attempt_at > now() + interval '25 seconds'
"""
HURRY_WAITING = """
UPDATE webhook_deliveries SET next_attempt_at = now()
WHERE webhook_id = ANY($1) AND next_attempt_at > now() + interval '25 seconds'
"""


@pytest.fixture
async def app(settings: Settings, database_url: str) -> AsyncIterator[ASGIApp]:
    """An application of its own: tests of faults before it have closed the connections of the run's."""
    app = create_app(settings, database_url)
    async with running(app):
        yield app


@dataclass
class Fleet:
    """Workers that are killed one after the other, and replaced."""

    log: Path
    environment: dict[str, str]
    chance: random.Random
    workers: list[Forked] = field(default_factory=list)

    async def start(self, stack: ExitStack) -> None:
        """Start another worker."""
        begin = partial(unattended_worker, self.log, **self.environment)
        self.workers.append(stack.enter_context(await asyncio.to_thread(begin)))

    async def kill_one(self, stack: ExitStack) -> None:
        """Kill one of them, whichever, and start another one."""
        worker = self.workers.pop(self.chance.randrange(len(self.workers)))
        worker.kill()
        await self.start(stack)


@dataclass
class Received:
    """The endpoints of a run, and what they are to be sent."""

    server: Endpoints
    reliable: list[Endpoint] = field(default_factory=list)
    failing: list[Endpoint] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)

    @property
    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return self.reliable + self.failing

    async def all_arrived(self) -> None:
        """Wait until everything has arrived; `TimeoutError` when nothing more does."""
        while self._missing():
            before = self._missing()
            await until(lambda: self._missing() < before)  # noqa: B023 - awaited here

    def _missing(self) -> int:
        return sum(len(self.titles) - len(one.taken_ids) for one in self.endpoints)


async def test_every_event_arrives_in_order(
    account: Account,
    stranger: Account,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    chance: random.Random,
) -> None:
    """No event is lost however often workers are killed, and endpoints that answer get them in order, few twice."""
    await fetch("DELETE FROM webhooks")
    authority, began = Authority(tmp_path), monotonic()
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    async with webhook_endpoints(authority) as server:
        received = Received(server)
        for owner in (account, stranger):
            await _connect(owner, received, chance)
        environment = _environment(settings, database_url) | {"SSL_CERT_FILE": str(authority.file)}
        fleet = Fleet(tmp_path / "log", environment, chance)
        hurrying = asyncio.create_task(_hurry(received.failing))
        with ExitStack() as stack:
            for _ in range(WORKERS):
                await fleet.start(stack)
            for kill in range(KILLS):
                await _create(account, shared["id"], received, kill)
                await _wait_for_work(server, chance)
                await fleet.kill_one(stack)
            try:
                await received.all_arrived()
            finally:
                hurrying.cancel()
                for worker in fleet.workers:
                    worker.kill()
    for endpoint in received.reliable:
        assert list(dict.fromkeys(endpoint.titles)) == received.titles
    for endpoint in received.endpoints:
        assert set(endpoint.titles) == set(received.titles)
        _check_ids(endpoint)
    sent = [len(one.received) for one in received.reliable]
    assert max(sent) <= len(received.titles) + KILLS
    _report(received, monotonic() - began)


def _environment(settings: Settings, database_url: str) -> dict[str, str]:
    assert settings.secret_key
    return {
        "DATABASE_URL": database_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    }


async def _connect(owner: Account, received: Received, chance: random.Random) -> None:
    """Make the webhooks of an account: quick, slow and failing ones."""
    for number in range(QUICK + SLOW + FAILING):
        endpoint = received.server.add(f"{owner.username}/{number}")
        await connect(owner, endpoint, "todo.created")
        if number < QUICK + SLOW:
            received.reliable.append(endpoint)
        else:
            received.failing.append(endpoint)
            endpoint.always = Refusals(chance)
        if number >= QUICK:
            endpoint.hold = partial(_late, chance)


@dataclass
class Refusals:
    """The answers of an endpoint that refuses some requests in a row now and then."""

    chance: random.Random
    left: int = 0

    def __call__(self) -> web.StreamResponse:
        """The next answer."""
        if self.left == 0 and self.chance.random() < FAILURES:
            self.left = self.chance.randint(1, MOST_REFUSED)
        self.left = max(0, self.left - 1) if (refuses := self.left > 0) else 0
        return reply(503 if refuses else 200)()


async def _late(chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, LONGEST_ANSWER_SECONDS))


async def _create(account: Account, list_id: str, received: Received, kill: int) -> None:
    """Make the events of a kill, in the list that both accounts are in."""
    number = EVENTS * (kill + 1) // KILLS - EVENTS * kill // KILLS
    titles = [f"Todo {kill}.{n}" for n in range(number)]
    inputs: list[dict[str, Any]] = [{"title": title, "to": {"listId": list_id}} for title in titles]
    await account.create_many(inputs)
    received.titles += titles


async def _wait_for_work(server: Endpoints, chance: random.Random) -> None:
    """Wait until workers are in the midst of sending, and for a moment."""
    before = len(server.requests)
    with suppress(TimeoutError):
        async with asyncio.timeout(AT_WORK_SECONDS):
            await until(lambda: len(server.requests) > before)
    await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))


async def _hurry(failing: list[Endpoint]) -> None:
    """Have what waits for some endpoints be due soon, until this is cancelled."""
    ids = [UUID(one.id) for one in failing]
    while True:
        await fetch(HURRY, ids)
        await fetch(HURRY_WAITING, ids)
        await asyncio.sleep(HURRY_SECONDS)


def _check_ids(endpoint: Endpoint) -> None:
    """What came twice has the same id, and nothing else has it."""
    ids = defaultdict[str, set[str]](set)
    for message in endpoint.received + endpoint.refused:
        ids[message.data["todo"]["title"]].add(message.id)
    assert {len(own) for own in ids.values()} == {1}
    assert len({id for own in ids.values() for id in own}) == len(ids)


def _report(received: Received, seconds: float) -> None:
    """Print what was measured."""
    accepted = sum(len(one.received) for one in received.endpoints)
    refused = sum(len(one.refused) for one in received.endpoints)
    twice = accepted - len(received.titles) * len(received.endpoints)
    print(  # noqa: T201 - the figures of the run
        f"{len(received.titles):,} events to {len(received.endpoints)} endpoints, {KILLS} kills of {WORKERS} workers:"
        f" {accepted:,} accepted, {twice} of them twice, {refused:,} refused, in {seconds:.0f} s"
    )
