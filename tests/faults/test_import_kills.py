"""An import whose worker is killed again and again ends with each todo once, and with the counts of a calm one."""

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias
from uuid import UUID, uuid4

from tests.support.accounts import Account
from tests.support.forked import Forked
from tests.support.processes import clean_environment
from tests.support.recounts import wrong_counts
from tests.support.stored_files import content_of
from tests.support.transfers import REPORT, START, job_row, uploaded
from tests.support.vikunja_exports import export
from todo_gql.database.connection import fetch
from todo_gql.database.models import JobState
from todo_gql.features.attachments.cleanup import DiscardedFiles
from todo_gql.settings import Settings
from todo_gql.storage.stores import file_store

KILLS = int(os.environ.get("KILLS") or 5)
TODOS = int(os.environ.get("TODOS") or 6_000)
FILES = int(os.environ.get("FILES") or 1_200)
PATIENCE_SECONDS = 240
ATTACHED = """
SELECT a.id, a.file_name, t.title FROM attachments a JOIN todos t ON t.owner_id = a.owner_id AND t.id = a.todo_id
WHERE a.owner_id = $1
"""
READY = "The worker is ready. Stop it with Ctrl-C."

Progress: TypeAlias = Callable[[], Awaitable[int]]
"""How far an import has come."""


async def kills_of(
    id: str,
    settings: Settings,
    database_url: str,
    folder: Path,
    progress: Progress,
    steps: list[int],
) -> int:
    """Run an import by workers, each killed after such a step, and then by one that isn't; the kills."""
    assert settings.secret_key
    environment = clean_environment() | {
        "DATABASE_URL": database_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DATA_DIR": str(settings.data_dir.resolve()),
    }
    kills = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        with (folder / "log").open("a") as errors:
            while not await is_over(id):
                with Forked(
                    *("todo_gql", "worker"),
                    folder=folder,
                    environment=environment,
                    errors=errors.fileno(),
                ) as worker:
                    while (line := await asyncio.to_thread(worker.stdout.readline)) != f"{READY}\n":
                        assert line
                    begun = await progress()
                    while not await is_over(id):
                        if kills < len(steps) and await progress() - begun >= steps[kills]:
                            break
                        await asyncio.sleep(0.01)
                    worker.kill()
                    kills += 1
    return kills


async def is_over(id: str) -> bool:
    """Whether an import has ended."""
    return (await job_row(id))["state"] in (JobState.DONE, JobState.FAILED)


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

    async def done() -> int:
        return int((await job_row(id))["done"])

    await account.data(START, id=id)
    steps = (chance.randrange(1, max(2, 2 * TODOS // KILLS)) for _ in range(KILLS))
    assert await kills_of(id, settings, database_url, tmp_path, done, [*steps]) > 1
    report = (await account.data(REPORT, id=id))["node"]
    assert (report["state"], report["counts"]["todos"], report["counts"]["lists"]) == (
        "DONE",
        TODOS,
        7,
    )
    assert report["counts"]["alreadyImported"] == report["counts"]["skipped"] == 0
    owner_id = UUID(account.id)
    titles = await fetch(
        "SELECT count(DISTINCT title) AS n, count(*) FROM todos WHERE owner_id = $1", owner_id
    )
    assert tuple(titles[0]) == (TODOS, TODOS)
    assert await wrong_counts(owner_id) == {}


async def test_a_killed_worker_attaches_each_file_once(
    account: Account,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    chance: random.Random,
) -> None:
    """Workers that are killed while they store files leave each with its bytes, and no bytes without a row."""
    tasks = [
        {
            "id": n,
            "title": f"{n}",
            "attachments": [{"id": n, "file": {"id": n, "name": f"{n}.txt"}}],
        }
        for n in range(100, 100 + FILES)
    ]
    project = {"id": 1, "title": "Inbox", "tasks": tasks}
    contents = {f"files/{n}": f"content of {n}" for n in range(100, 100 + FILES)}
    await fetch("DELETE FROM discarded_files")
    folder = settings.data_dir / "files" / "attachments"
    before = stored_in(folder)
    id = await uploaded(account, "export.zip", export([project], files=contents))

    async def stored() -> int:
        return len(await asyncio.to_thread(stored_in, folder))

    await account.data(START, id=id)
    steps = (chance.randrange(1, max(2, 2 * FILES // KILLS)) for _ in range(KILLS))
    assert await kills_of(id, settings, database_url, tmp_path, stored, [*steps]) > 1
    report = (await account.data(REPORT, id=id))["node"]
    assert (report["state"], report["counts"]["todos"], report["counts"]["attachments"]) == (
        *("DONE", FILES, FILES),
    )
    assert report["problems"]["totalCount"] == 0
    await fetch("UPDATE discarded_files SET created_at = now() - interval '1 day'")
    assert await DiscardedFiles(settings).delete() > 0
    rows = await fetch(ATTACHED, UUID(account.id))
    assert sorted(row["file_name"] for row in rows) == sorted(f"{row['title']}.txt" for row in rows)
    assert len({row["title"] for row in rows}) == len(rows) == FILES
    assert stored_in(folder) - before == {str(row["id"]) for row in rows}
    store = file_store(settings)
    for row in rows:
        content = await content_of(store, f"attachments/{row['id']}/original")
        assert content == f"content of {row['title']}".encode()
    assert await wrong_counts(UUID(account.id)) == {}


def stored_in(folder: Path) -> set[str]:
    """The ids of attachments that have a folder in the store."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()
