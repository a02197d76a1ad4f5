"""Endpoints, and workers that look for what is due all the time."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.https_servers import Authority
from tests.support.webhook_endpoints import Endpoints, webhook_endpoints
from todo_gql.database.connection import fetch
from todo_gql.features.webhooks import schedule, tasks
from todo_gql.jobs import worker
from todo_gql.settings import Settings
from todo_gql.tasks import working


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that workers trust."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
async def endpoints(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, app: object
) -> AsyncIterator[Endpoints]:
    """A server with endpoints, and impatient workers that have no other webhooks to send to.

    What failed waits until a test hurries it, however long the test takes.
    """
    monkeypatch.setattr(schedule, "DELAYS", (timedelta(minutes=5), *schedule.DELAYS[1:]))
    monkeypatch.setattr(worker, "POLL", timedelta(seconds=0.1))
    monkeypatch.setattr(tasks, "POLL_SECONDS", 0.02)
    await fetch("DELETE FROM webhooks")
    async with webhook_endpoints(authority) as made:
        yield made


Working = Callable[..., Any]


@pytest.fixture
def run_workers(settings: Settings, database_url: str) -> Working:
    """Runs workers beside a block, with settings that are changed."""

    @asynccontextmanager
    async def run(workers: int = 1, **changes: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for _ in range(workers):
                changed = settings.model_copy(update=changes)
                await stack.enter_async_context(working(changed, database_url))
            yield

    return run
