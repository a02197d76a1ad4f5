"""Imports of files of the server's machine, which the command runs itself."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from tests.support.accounts import Account
from todo_gql.database.connection import fetch
from todo_gql.database.models import JobState
from todo_gql.features.transfers.imports import local_files
from todo_gql.features.transfers.imports.local_files import LocalImport, import_file
from todo_gql.features.transfers.runs import Run
from todo_gql.settings import Settings

STATES = "SELECT state FROM transfer_jobs WHERE owner_id = $1 ORDER BY created_at"


async def test_an_interrupted_import_is_over(
    account: Account, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that Ctrl-C ends is CANCELLED, and another one runs after it."""
    file = tmp_path / "todo.txt"
    file.write_text("Call Ada\n", encoding="utf-8")
    order = LocalImport(file, account.username, None, None, is_trial=False)
    is_running = asyncio.Event()

    async def endless(_settings: Settings, _run: Run) -> None:
        is_running.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(local_files, "run_import", endless)
        importing = asyncio.create_task(import_file(order, settings, lambda _done, _total: None))
        await is_running.wait()
        importing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await importing
    rows = await fetch(STATES, UUID(account.id))
    assert [row["state"] for row in rows] == [JobState.CANCELLED]
    outcome = await import_file(order, settings, lambda _done, _total: None)
    assert outcome.job["state"] == JobState.DONE
