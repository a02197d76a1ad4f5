"""A real server for real clients, and the programs that these are made of."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PASSWORD, REGISTER
from tests.programs import Server, clean_environment, serving

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"
# All clients share one address.
NO_LIMITS = dict.fromkeys(
    (
        "RATE_LIMIT_CREDENTIALS",
        "RATE_LIMIT_CREDENTIALS_PER_ADDRESS",
        "RATE_LIMIT_REQUESTS",
        "RATE_LIMIT_COST",
    ),
    "0",
)
# Run by the environment of the Python clients.
collect_ignore = ["python"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that all clients ask."""
    with serving(tmp_path_factory.mktemp("clients") / "data", NO_LIMITS) as server:
        yield server


@pytest.fixture(scope="session")
def token(server: Server) -> str:
    """An access token of somebody new."""
    sent = {"username": "audits", "email": "audits@example.com", "password": PASSWORD}
    return str(server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"])


def run(*command: str | Path, folder: Path = HERE, seconds: float = 120, **environment: str) -> str:
    """What a program prints; fails with all that it said unless it ends well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment() | {"NO_COLOR": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
