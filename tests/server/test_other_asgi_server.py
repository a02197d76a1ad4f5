"""The application on another ASGI server, which offers none of our extensions."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.accounts import CREATE, Account
from tests.support.processes import STOP_SECONDS, clean_environment
from tests.support.subscribers import PATIENCE, connected, opened, streaming
from todo_gql.settings import Settings

ROOT = Path(__file__).parents[2]
CURSOR = "{ changeCursor }"


@pytest.fixture(scope="module")
def address(
    settings: Settings, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where Hypercorn listens; it has to stop without having logged an error."""
    folder = tmp_path_factory.mktemp("hypercorn")
    environment = clean_environment() | {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "DATA_DIR": str(folder),
        "SECRET_KEY": settings.key.decode(),
        "LOG_LEVEL": "WARNING",
    }
    log = folder / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as output:
        number = listener.fileno()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hypercorn",
                "--bind",
                f"fd://{number}",
                "tests.support.asgi_app:app",
            ],
            cwd=folder,
            env=environment,
            stderr=output,
            pass_fds=[number],
        )
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            status = process.wait(STOP_SECONDS)
    assert status == 0, log.read_text()
    assert '"level": "ERROR"' not in log.read_text()
    assert "Traceback" not in log.read_text()


async def post(address: str, account: Account, query: str, **variables: object) -> httpx.Response:
    """The response to an operation."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return await client.post(
            f"http://{address}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {account.token}"},
        )


async def test_a_query_is_answered(account: Account, address: str) -> None:
    """A query has its data, and a response all headers that it has on our server."""
    answer = await post(address, account, "{ viewer { username } }")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"viewer": {"username": account.username}}
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {"x-request-id", "x-response-time", "ratelimit"} <= answer.headers.keys()


async def test_a_mutation_is_executed(account: Account, address: str) -> None:
    """A mutation stores its todo; its body may come in several parts."""
    input = {"title": "A", "description": "ä" * 4_500}
    answer = await post(address, account, CREATE, input=input)
    payload = answer.json()["data"]["todoCreate"]
    assert payload["errors"] == []
    [node] = (await account.data("{ todos { nodes { id } } }"))["todos"]["nodes"]
    assert node["id"] == payload["todo"]["id"]


async def test_an_event_stream_has_the_changes(account: Account, address: str) -> None:
    """A subscription over server-sent events has what changed before it and while it is open."""
    start = (await account.data(CURSOR))["changeCursor"]
    before = await account.create(title="A")
    async with streaming(address, account.token, after=start) as stream:
        [event] = await stream.changes(1)
        assert (event["action"], event["todoId"]) == ("CREATED", before["id"])
        meanwhile = await account.create(title="B")
        [event] = await stream.changes(1)
        assert (event["action"], event["todoId"]) == ("CREATED", meanwhile["id"])


async def test_a_websocket_has_the_changes(account: Account, address: str) -> None:
    """A subscription over a WebSocket has what changed before it and while it is open."""
    start = (await account.data(CURSOR))["changeCursor"]
    before = await account.create(title="A")
    async with connected(address, account.token) as one:
        assert "data" in await one.execute("{ viewer { id } }")
        await one.subscribe(after=start)
        [event] = await one.changes(1)
        assert (event["action"], event["todoId"]) == ("CREATED", before["id"])
        meanwhile = await account.create(title="B")
        [event] = await one.changes(1)
        assert (event["action"], event["todoId"]) == ("CREATED", meanwhile["id"])


async def test_an_uninitialised_websocket_is_closed(address: str) -> None:
    """A message before connection_init closes a WebSocket with the protocol's code."""
    async with opened(address) as one:
        await one.subscribe()
        assert await one.close_code() == (4401, "Send connection_init first.")
