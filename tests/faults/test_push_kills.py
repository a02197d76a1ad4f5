"""Pushes arrive, whenever and however often the worker that sends them is killed."""

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from aiohttp import web

from tests.support.accounts import Account
from tests.support.https_servers import Authority
from tests.support.push_services import PushService, push_service
from tests.support.waiting import until
from tests.support.worker_processes import unattended_worker
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings

KILLS = int(os.environ.get("KILLS") or 5)
PUSHES_OF_A_KILL = 20
# Most workers are let begin a push before so much of their time is over.
AT_WORK_FIRST, AT_WORK_SECONDS = 0.9, 5.0
LONGEST_LIFE = 0.3
LONGEST_ANSWER_SECONDS = 0.2
# A worker that sends five pushes of a person at a time may have sent each without noting that.
MAX_UNDER_WAY = 5
SUBSCRIBE = "mutation ($input: PushSubscribeInput!) { pushSubscribe(input: $input) { ok } }"
NOTIFY = """
INSERT INTO notifications (id, owner_id, kind, source, subject_kind, subject_id, created_at, push_at)
SELECT gen_random_uuid(), t.owner_id, 4, t.id::text, 0, t.id, now(), now()
FROM todos t WHERE t.owner_id = $1 AND t.id = ANY($2)
"""
LEFT = """
SELECT FROM notifications WHERE owner_id = $1 AND push_at IS NOT NULL
UNION ALL SELECT FROM pgqueuer WHERE entrypoint = 'send_push'
"""


async def test_every_push_arrives(
    account: Account,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    chance: random.Random,
) -> None:
    """Each notification is pushed however often workers are killed, and few of them twice."""
    await fetch("DELETE FROM pgqueuer")
    authority = Authority(tmp_path)
    async with push_service(authority) as service:
        service.hold = partial(_answer_late, chance)
        browser = service.subscribe("one")
        await account.data(SUBSCRIBE, input=browser.input)
        start = partial(unattended_worker, tmp_path / "log", **_environment(settings, database_url))
        start.keywords["SSL_CERT_FILE"] = str(authority.file)
        titles: list[str] = []
        for kill in range(KILLS):
            titles += await _notify(account, kill)
            with await asyncio.to_thread(start) as worker:
                await _wait_for_work(service, chance)
                worker.kill()
        with await asyncio.to_thread(start) as worker:
            await until(partial(_nothing_is_left, account))
            worker.kill()
        times = Counter(str(one["body"]) for one in service.to(browser))
    assert service.errors == []
    assert set(times) == set(titles)
    assert sum(times.values()) <= len(titles) + KILLS * MAX_UNDER_WAY


def _environment(settings: Settings, database_url: str) -> dict[str, str]:
    assert settings.secret_key
    assert settings.vapid_private_key
    return {
        "DATABASE_URL": database_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "VAPID_PRIVATE_KEY": settings.vapid_private_key.get_secret_value(),
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    }


async def _answer_late(chance: random.Random, _request: web.BaseRequest) -> None:
    await asyncio.sleep(chance.uniform(0, LONGEST_ANSWER_SECONDS))


async def _notify(account: Account, kill: int) -> list[str]:
    """Have some notifications be due; the titles of their todos."""
    titles = [f"Todo {kill}.{number}" for number in range(PUSHES_OF_A_KILL)]
    todos = await account.create_many([{"title": title} for title in titles])
    await fetch(NOTIFY, UUID(account.id), [UUID(todo["id"]) for todo in todos])
    return titles


async def _wait_for_work(service: PushService, chance: random.Random) -> None:
    """Wait until a worker is in the midst of its pushes, or for a moment."""
    before = len(service.requests)
    if chance.random() < AT_WORK_FIRST:
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_WORK_SECONDS):
                await until(lambda: len(service.requests) > before)
    await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))


async def _nothing_is_left(account: Account) -> bool:
    return not await fetch(LEFT, UUID(account.id))
