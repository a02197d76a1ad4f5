"""Connections that many hold open in whatever state they like: all end, and nobody else notices."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.connection_states import BODY, STATES, WHOLE
from tests.support.databases import fresh_database
from tests.support.processes import started
from tests.support.raw_connections import connect

EACH = 50
SECONDS = 120
# Between two requests, too.
KINDS = {**STATES, "nothing after an answer": [WHOLE]}


@pytest.mark.parametrize("names", [[*KINDS][:14], [*KINDS][14:]], ids=["half", "other half"])
async def test_who_holds_connections_open_is_let_go(
    tmp_path: Path, server_url: str, names: list[str]
) -> None:
    """Fifty in each state, with the timeouts that hold: none is left after two minutes, no 503."""
    async with fresh_database(server_url) as url:
        settings = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "data")}
        settings |= {"RATE_LIMIT_REQUESTS": "0"}
        with started(tmp_path / "log", "--migrate", settings=settings) as server:
            await asyncio.to_thread(server.wait_until_ready)
            address = server.address.split("/")[2]
            held = [await connect(address) for _ in names * EACH]
            for connection, name in zip(held, names * EACH, strict=True):
                for segment in KINDS[name]:
                    connection.transport.write(segment)
                    await asyncio.sleep(0)
            ended = asyncio.gather(*(connection.ended(SECONDS) for connection in held))
            statuses = set()
            async with httpx.AsyncClient(timeout=SECONDS) as http:
                while not ended.done():
                    headers = {"Content-Type": "application/json"}
                    answer = await http.post(server.address, content=BODY, headers=headers)
                    statuses.add(answer.status_code)
                    await asyncio.sleep(0.1)
            await ended
    assert statuses == {200}
