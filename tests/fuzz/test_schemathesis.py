"""Operations that schemathesis makes of the served schema, signed in and signed out."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.programs import NO_LIMITS, run
from tests.support.accounts import PASSWORD
from tests.support.fuzzing import EXAMPLES
from tests.support.processes import CommandLine, Server, clean_environment, command_line, serving

HERE = Path(__file__).parent
PROGRAM = HERE.parent.parent / ".venv" / "clients" / "bin" / "schemathesis"
# They would sign out whoever all other operations are asked by.
ENDS_OF_A_SESSION = ("Mutation.logout", "Mutation.sessionRevoke")
LOGIN = """
mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } } }
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server."""
    return tmp_path_factory.mktemp("fuzz") / "data"


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[Server]:
    """A server that has no error to log in the end."""
    with serving(data_dir, NO_LIMITS) as server:
        yield server
        logged = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line for line in logged if line["level"] == "ERROR"] == []


@pytest.fixture(scope="module")
def typing(server: Server, data_dir: Path) -> Iterator[CommandLine]:
    """Where commands are typed beside the server."""
    environment = clean_environment() | {"DATA_DIR": str(data_dir)}
    with command_line(data_dir.parent, environment) as typing:
        yield typing


@pytest.fixture(scope="module")
def token(server: Server, typing: CommandLine) -> str:
    """The access token of a superuser who has todos, tags and history."""
    create = ("user", "create", "ada", "ada@example.com", "--superuser", "--password-stdin")
    assert typing(*create, typed=PASSWORD + "\n").status == 0
    assert typing("seed", "--account", "ada", "--todos", "30", "--random-seed", "1").status == 0
    sent = {"usernameOrEmail": "ada", "password": PASSWORD}
    return str(server.execute(LOGIN, input=sent)["login"]["tokens"]["accessToken"])


def fuzz(server: Server, *options: str) -> None:
    """Let schemathesis loose on the server, with as many examples for each operation."""
    bounds = ("--seed", os.environ.get("FUZZ_SEED", "1"), "--max-examples", str(EXAMPLES))
    command = (PROGRAM, "--no-color", "run", server.address, *bounds)
    run(*command, "--continue-on-failure", *options, folder=HERE, seconds=1_000)


def test_nothing_asked_by_somebody_fails(server: Server, token: str) -> None:
    """Every operation of a superuser gets a well-formed answer."""
    excluded = (option for name in ENDS_OF_A_SESSION for option in ("--exclude-name", name))
    fuzz(server, "--header", f"Authorization: Bearer {token}", *excluded)


def test_nothing_asked_by_nobody_fails(server: Server) -> None:
    """Every operation without a token gets a well-formed answer."""
    fuzz(server)
