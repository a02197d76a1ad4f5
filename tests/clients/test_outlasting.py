"""What the documentation says to copy, while tokens expire and the database goes away."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.clients.programs import NODES, PYTHON_PROGRAMS, node, run
from tests.faults.installation import installed
from tests.support.waiting import until

PYTEST = PYTHON_PROGRAMS / "pytest"
# Tokens live for a minute, so that all are worn within the outage.
OUTAGE_AFTER_SECONDS = 54
OUTAGE_SECONDS = 10


@pytest.mark.usefixtures("compiled", "compiled_python")
async def test_clients_outlast_their_tokens_and_an_outage(tmp_path: Path) -> None:
    """Who follows changes gets all of them, who asks is answered again, nobody is signed out."""
    commands = [(*node(version), "src/outlasting.test.ts") for version in NODES]
    commands.append((PYTEST, "-q", "python/test_outlasting.py"))
    ready = [tmp_path / f"ready-{number}" for number, _ in enumerate(commands)]
    async with (
        installed(tmp_path, ACCESS_TOKEN_EXPIRE_MINUTES="1") as installation,
        asyncio.TaskGroup() as programs,
    ):
        for command, file in zip(commands, ready, strict=True):
            program = partial(
                run,
                *command,
                seconds=240,
                TODO_URL=installation.address,
                TODO_READY=str(file),
                TODO_OVER=str(tmp_path / "over"),
            )
            programs.create_task(asyncio.to_thread(program))
        await until(lambda: all(file.exists() for file in ready))
        await asyncio.sleep(OUTAGE_AFTER_SECONDS)
        await asyncio.to_thread(installation.database.stop)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(installation.database.start)
        await asyncio.to_thread((tmp_path / "over").touch)
