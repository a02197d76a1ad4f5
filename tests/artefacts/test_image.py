"""The image, built on stand-ins for its base images and started as a cluster would start it."""

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest

from tests.artefacts.containers import Container, Image, mounted, output
from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.databases import fresh_database
from tests.support.ports import free_port
from todo_gql.embedded_postgres.cluster import SOCKET

NAME = "localhost/todo_gql:test"
BASE = "localhost/todo_gql-stand-in/python:3.13"
# python:3.13-slim-trixie, unpacked, for amd64.
REAL_BASE_BYTES = 125_000_000
LARGEST_BYTES = 250_000_000
INSIDE = "/run/postgresql"
PROGRAMS = ("buildah", "debootstrap", "npm", "runc")
MISSING = [name for name in PROGRAMS if not shutil.which(name)]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can unpack and mount an image"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def image(project: Path) -> Iterator[Image]:
    """The image of this checkout."""
    output(project / ".ci" / "build-image")
    with mounted(NAME) as image:
        yield image


@dataclass(frozen=True)
class Beside:
    """A database beside a container: how it is reached, and the socket to mount if there is one."""

    url: str
    binds: dict[Path, str]


@pytest.fixture
def binds(server_url: str) -> dict[Path, str]:
    """The embedded server's socket, opened to a container's user; nothing for a server on TCP."""
    folders = parse_qs(urlsplit(server_url).query).get("host", [])
    sockets = [Path(folder, SOCKET) for folder in folders]
    for socket_file in sockets:
        socket_file.chmod(0o777)
    return dict.fromkeys(sockets, f"{INSIDE}/{SOCKET}")


@pytest.fixture
async def beside(server_url: str, binds: dict[Path, str]) -> AsyncIterator[Beside]:
    """An empty database."""
    async with fresh_database(server_url) as url:
        parts = urlsplit(url)
        inside = parts._replace(query=f"host={INSIDE}") if binds else parts
        yield Beside(urlunsplit(inside), binds)


def test_the_image_stays_under_250_mb(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    """What it adds to its stand-in base, and the size of the real base, are below 250 MB."""
    with mounted(BASE) as base:
        added = image.bytes - base.bytes
    with capsys.disabled():
        sys.stdout.write(f"\nThe image adds {added / 1e6:.1f} MB to its base.\n")
    assert added + REAL_BASE_BYTES < LARGEST_BYTES


def test_no_compiler_and_no_npm_is_shipped(image: Image) -> None:
    """Nobody who breaks in finds what to build or to install programs with."""
    shipped = {path.name for path in image.root.glob("**/bin/*")}
    # The chart has a server sleep before it stops.
    assert {"todo-gql", "python3", "sleep"} <= shipped
    assert not shipped & {"cc", "gcc", "g++", "ld", "strip", "make", "node", "npm", "uv", "curl"}
    assert not list(image.root.glob("opt/**/node_modules"))


def test_graphiql_and_the_migrations_are_shipped(image: Image) -> None:
    """The page for browsers is built, and a migration needs no checkout."""
    [package] = image.root.glob("opt/todo_gql/lib/python3*/site-packages/todo_gql")
    assert (package / "http" / "pages" / "graphiql_page" / "dist" / "index.html").is_file()
    assert list((package / "migrations").glob("0001_*.py"))


def test_what_a_start_imports_is_compiled(image: Image) -> None:
    """A start on a read-only file system finds the byte code that it can't write."""
    [package] = image.root.glob("opt/todo_gql/lib/python3*/site-packages/todo_gql")
    assert list(package.glob("__pycache__/app.*.pyc"))


def test_the_configuration_names_a_user_and_the_program(image: Image) -> None:
    """Signals reach the program itself, which isn't root."""
    assert image.config["User"] == "10001:10001"
    assert image.config["Entrypoint"] == ["todo-gql"]
    assert image.config["Cmd"] == ["serve"]
    assert image.config["Labels"]["org.opencontainers.image.title"] == "todo_gql"


def test_without_a_database_it_says_what_to_set(image: Image, tmp_path: Path) -> None:
    """There is no embedded PostgreSQL inside, and the message names DATABASE_URL."""
    with Container(image, tmp_path, ["migrate"], {}, {}) as container:
        said, _ = container.process.communicate(timeout=60)
    assert container.process.returncode == 1
    assert "set DATABASE_URL" in said


async def test_it_answers_as_nobody_on_a_read_only_file_system(
    image: Image, beside: Beside, tmp_path: Path
) -> None:
    """It migrates, answers a register and a todoCreate, is healthy, and stops when told to."""
    port = free_port()
    environment = {
        "DATABASE_URL": beside.url,
        "SECRET_KEY": "a key for the tests of the image",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        # Off in production unless it is wanted.
        "GRAPHIQL": "true",
    }
    with Container(image, tmp_path, ["migrate"], environment, beside.binds) as migration:
        said, _ = migration.process.communicate(timeout=60)
    assert migration.process.returncode == 0, said
    with Container(image, tmp_path, ["serve"], environment, beside.binds) as server:
        assert server.process.stdout
        told = [server.process.stdout.readline()]
        while told[-1] and "is ready" not in told[-1]:
            told.append(server.process.stdout.readline())
        assert told[-1], told
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            sent = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
            body = {"query": REGISTER, "variables": {"input": sent}}
            payload = (await client.post("/graphql", json=body)).json()["data"]["register"]
            token = payload["tokens"]["accessToken"]
            body = {"query": CREATE, "variables": {"input": {"title": "Sail"}}}
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.post("/graphql", json=body, headers=headers)
            assert answer.json()["data"]["todoCreate"]["todo"]["title"] == "Sail"
            assert (
                "GraphiQL" in (await client.get("/graphql", headers={"Accept": "text/html"})).text
            )
        assert server.execute(*image.config["Healthcheck"]["Test"][1:]) == 0
        assert server.execute("touch", "/opt/todo_gql/file") != 0
        server.process.send_signal(signal.SIGTERM)
        server.process.communicate(timeout=60)
    assert server.process.returncode == 0
