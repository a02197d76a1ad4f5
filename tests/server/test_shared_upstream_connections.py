"""Many people behind one nginx, which sends all of their requests over a few connections."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.nginx import NGINX, UPGRADED, proxy
from tests.support.ports import free_port
from tests.support.processes import Server, serving
from tests.support.waiting import until

PEOPLE, REQUESTS = 10, 100
TOO_LARGE = b" " * 300_000
H2C = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABk"}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server that one address may ask as often as it likes."""
    folder = tmp_path_factory.mktemp("behind")
    settings = {
        "DATABASE_URL": database_url,
        "PORT": str(free_port()),
        "RATE_LIMIT_REQUESTS": "0",
        "RATE_LIMIT_COST": "0",
    }
    with serving(folder / "data", settings) as server:
        yield server


@pytest.fixture
def address(server: Server, tmp_path: Path) -> Iterator[str]:
    """Where nginx listens, which lets whoever asks for it have another protocol."""
    port = int(server.address.split("/")[2].split(":")[1])
    with proxy(tmp_path, [port], UPGRADED) as address:
        yield address


async def ask(http: httpx.AsyncClient, name: str, kind: str) -> str:
    """What is strange about the answer to one request; nothing if it is the one it has to be."""
    body = json.dumps({"query": f"{{ {name}: __typename }}"}).encode()
    headers = {"content-type": "application/json"}
    expected = 200
    match kind:
        case "upgrade":
            headers |= H2C
        case "padded upgrade":
            headers |= H2C
            body += b" " * 100_000
        case "too large":
            body, expected = body + TOO_LARGE, 413
        case "too large upgrade":
            headers |= H2C
            body, expected = body + TOO_LARGE, 413
        case "no JSON":
            headers["content-type"] = "text/plain"
            body, expected = body + b" " * 200_000, 415
        case "nowhere":
            expected = 404
            body += b" " * 200_000
    path = "/nowhere" if kind == "nowhere" else "/graphql"
    try:
        answer = await http.post(path, content=body, headers=headers)
    except httpx.HTTPError as error:
        return f"{kind}: {error!r}"
    if answer.status_code != expected:
        return f"{kind}: {answer.status_code} {answer.text[:100]}"
    if expected == 200 and answer.json()["data"] != {name: "Query"}:
        return f"{kind}: {answer.text}"
    return ""


KINDS = [
    *["plain"] * 4,
    *["upgrade"] * 3,
    *("padded upgrade", "too large", "too large upgrade", "no JSON", "nowhere"),
]


async def test_nobody_gets_an_answer_of_somebody_else(address: str) -> None:
    """A thousand requests, of which some ask for other protocols, and some are refused unread."""
    chance = random.Random(1)

    async def person(number: int) -> list[str]:
        async with httpx.AsyncClient(base_url=address, timeout=30) as http:
            kinds = chance.choices(KINDS, k=REQUESTS)
            return [await ask(http, f"a{number}_{n}", kind) for n, kind in enumerate(kinds)]

    async def is_there() -> bool:
        with suppress(httpx.ConnectError):
            async with httpx.AsyncClient(base_url=address) as http:
                return (await http.get("/health/live")).status_code == 200
        return False

    await until(is_there)
    strange = await asyncio.gather(*map(person, range(PEOPLE)))
    assert [each for one in strange for each in one if each] == []
