"""`make example`: one command that starts the page and a server, and one Ctrl-C that ends both."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.examples.page import EXAMPLE, environment
from tests.support.processes import STOP_SECONDS

QUERY = {"query": "{ __typename }"}


@contextmanager
def example(**settings: str) -> Iterator[subprocess.Popen[str]]:
    """The example, as it is started by make, in a terminal's process group of its own."""
    npm = shutil.which("npm")
    assert npm, "there is no npm"
    with subprocess.Popen(
        [npm, "run", "--silent", "start"],
        cwd=EXAMPLE,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                interrupt(process)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and give what is said then."""
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=STOP_SECONDS)
    return said


def places(process: subprocess.Popen[str]) -> dict[str, str]:
    """What it says until it is ready: where things are, by their names."""
    assert process.stdout
    said: list[str] = []
    while not said or not said[-1].startswith("Stop it"):
        said.append(process.stdout.readline())
        assert said[-1], said
    return {words[0]: words[-1] for line in said if len(words := line.split()) > 1}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the server's data."""
    return tmp_path_factory.mktemp("started") / "data"


def test_one_command_starts_the_page_and_a_server(data_dir: Path) -> None:
    """The page passes on to the server; a second start takes that; Ctrl-C ends everything."""
    with example(PORT="0", DATA_DIR=str(data_dir), BCRYPT_ROUNDS="4") as first:
        found = places(first)
        server = (found.get("GraphiQL") or found["GraphQL"]).removesuffix("/graphql")
        assert "<title>Todos</title>" in httpx.get(found["Page"]).text
        answer = httpx.post(f"{found['Page']}graphql", json=QUERY)
        assert answer.json()["data"] == {"__typename": "Query"}

        with example(TODO_URL=server) as second:
            there = places(second)
            assert there["A"] == server
            assert there["Page"] != found["Page"]
            assert httpx.post(f"{there['Page']}graphql", json=QUERY).status_code == 200
        assert httpx.post(f"{server}/graphql", json=QUERY).status_code == 200

        assert interrupt(first).splitlines() == ["Stopping.", "Stopped."]
    for address in (server, found["Page"]):
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)


def test_a_server_that_is_not_there_is_told() -> None:
    """Who names a server where none answers hears of it at once."""
    with example(TODO_URL="http://127.0.0.1:9") as process:
        assert process.wait(STOP_SECONDS) == 1
