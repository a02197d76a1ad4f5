"""An import whose worker is killed again and again ends with each todo once, and with the counts of a calm one."""

import asyncio
import json
import os
import random
from pathlib import Path
from uuid import UUID, uuid4

from tests.support.accounts import Account
from tests.support.forked import Forked
from tests.support.processes import clean_environment
from tests.support.recounts import wrong_counts
from tests.support.transfers import REPORT, START, job_row, uploaded
from todo_gql.database.connection import fetch
from todo_gql.database.models import JobState
from todo_gql.settings import Settings

KILLS = int(os.environ.get("KILLS") or 5)
TODOS = int(os.environ.get("TODOS") or 6_000)
PATIENCE_SECONDS = 240
READY = "The worker is ready. Stop it with Ctrl-C."


async def test_a_killed_worker_doubles_nothing(
    account: Account,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    chance: random.Random,
) -> None:
    """Workers that are killed in the midst of an import leave each todo to be imported once."""
    tasks = [
        {
            "uuid": str(uuid4()),
            "status": "pending",
            "description": f"Task {number}",
            "project": f"P{number % 7}",
            "tags": ["a", f"t{number % 50}"],
        }
        for number in range(TODOS)
    ]
    id = await uploaded(account, "tasks.json", json.dumps(tasks).encode())
    await account.data(START, id=id)
    assert settings.secret_key
    environment = clean_environment() | {
        "DATABASE_URL": database_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DATA_DIR": str(settings.data_dir.resolve()),
    }
    seen, kills = set[int](), 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        with (tmp_path / "log").open("a") as errors:
            while (await job_row(id))["state"] not in (JobState.DONE, JobState.FAILED):
                with Forked(
                    "todo_gql",
                    "worker",
                    folder=tmp_path,
                    environment=environment,
                    errors=errors.fileno(),
                ) as worker:
                    while (line := await asyncio.to_thread(worker.stdout.readline)) != f"{READY}\n":
                        assert line
                    begun = (await job_row(id))["done"]
                    more = chance.randrange(1, max(2, 2 * TODOS // KILLS))
                    while (row := await job_row(id))["state"] not in (
                        JobState.DONE,
                        JobState.FAILED,
                    ):
                        seen.add(row["done"])
                        if kills < KILLS and row["done"] - begun >= more:
                            break
                        await asyncio.sleep(0.01)
                    worker.kill()
                    kills += 1
    report = (await account.data(REPORT, id=id))["node"]
    assert (report["state"], report["counts"]["todos"], report["counts"]["lists"]) == (
        "DONE",
        TODOS,
        7,
    )
    assert report["counts"]["alreadyImported"] == report["counts"]["skipped"] == 0
    assert kills > 1
    owner_id = UUID(account.id)
    titles = await fetch(
        "SELECT count(DISTINCT title) AS n, count(*) FROM todos WHERE owner_id = $1", owner_id
    )
    assert tuple(titles[0]) == (TODOS, TODOS)
    assert await wrong_counts(owner_id) == {}
