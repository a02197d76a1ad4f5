"""The server as a process: from the first start to the last stop."""

import json
import os
import pwd
import re
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.processes import (
    MIGRATIONS,
    CommandLine,
    Server,
    clean_environment,
    command_line,
    postgres_of,
    serving,
    started,
)
from todo_gql.embedded_postgres.processes import running_postgres
from todo_gql.observability.build_info import build

LOGIN = """
mutation ($input: LoginInput!) { login(input: $input) { tokens { accessToken } } }
"""
TITLES = "{ todos { nodes { title } totalCount } }"
VIEWER = "{ viewer { username } }"


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's servers have their folders."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def server(base_folder: Path) -> Iterator[Server]:
    """The server that most tests ask, begun on an empty folder."""
    with serving(base_folder / "shared/data") as server:
        yield server


@pytest.fixture(scope="module")
def data_dir(server: Server, base_folder: Path) -> Path:
    """The folder of the server that most tests ask."""
    return base_folder / "shared/data"


@pytest.fixture(scope="module")
def restarted_data_dir(base_folder: Path) -> Path:
    """A folder for the servers that are started one after the other."""
    return base_folder / "kept/data"


@pytest.fixture(scope="module")
def typing(data_dir: Path, base_folder: Path) -> Iterator[CommandLine]:
    """Command lines beside the running server."""
    with command_line(base_folder, clean_environment()) as typing:
        yield typing.having(DATA_DIR=str(data_dir), PORT="0")


def registered(server: Server, username: str) -> str:
    """The access token of a new account."""
    given = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    payload = server.execute(REGISTER, input=given)["register"]
    assert payload["errors"] == []
    return str(payload["tokens"]["accessToken"])


def titles(server: Server, token: str) -> list[str]:
    """The titles of an account's todos, newest first."""
    return [node["title"] for node in server.execute(TITLES, token)["todos"]["nodes"]]


def create(server: Server, token: str, title: str) -> None:
    """Make a todo."""
    payload = server.execute(CREATE, token, input={"title": title})["todoCreate"]
    assert payload["errors"] == []


def signed_in(server: Server, username: str, password: str) -> str | None:
    """The access token that a name and a password give, if any."""
    given = {"usernameOrEmail": username, "password": password}
    tokens: dict[str, Any] | None = server.execute(LOGIN, input=given)["login"]["tokens"]
    return tokens["accessToken"] if tokens else None


def test_first_start_says_what_it_does(server: Server, data_dir: Path) -> None:
    """The first start reports the database that it makes, and then its address."""
    root = server.address.removesuffix("/graphql")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", root)
    assert server.said == [
        f"Creating a PostgreSQL database in {data_dir}.",
        *(f"Applied the migration {name}." for name in MIGRATIONS),
        f"todo_gql {build().version} is ready.",
        f"  GraphiQL   {root}/graphql",
        f"  Health     {root}/health",
        "Stop it with Ctrl-C.",
    ]
    assert httpx.get(f"{root}/health/ready").json() == {"status": "ok", "database": "ok"}


def test_new_server_takes_an_account_and_its_todos(server: Server) -> None:
    """Register, create and list, over HTTP."""
    token = registered(server, "first")
    create(server, token, "Water the plants")
    create(server, token, "Feed the cat")
    assert titles(server, token) == ["Feed the cat", "Water the plants"]


def test_log_holds_requests_and_no_chatter(server: Server) -> None:
    """Standard error has a JSON line for each request and mail, and nothing about the start."""
    httpx.get(server.address.removesuffix("graphql"))
    lines = server.log.read_text().splitlines()
    assert lines
    loggers = {json.loads(line)["logger"] for line in lines}
    assert loggers <= {
        "todo_gql.access",
        "todo_gql.features.accounts.email.outbox",
        "todo_gql.mail.transport",
    }


def test_second_server_on_the_same_data_is_refused(server: Server, typing: CommandLine) -> None:
    """It hears who has the data and what to do, and the first server doesn't notice."""
    token = registered(server, "undisturbed")
    port = server.address.split(":")[2].split("/")[0]
    for second_port in ("0", port):
        answer = typing("serve", PORT=second_port)
        assert (answer.status, answer.said) == (1, "")
        assert answer.complained == (
            f"{typing.settings['DATA_DIR']} is in use by process {server.process.pid}. Stop that"
            " process, or set DATA_DIR to another folder (and PORT to another port) for this"
            " one.\n"
        )
    assert server.execute(VIEWER, token)["viewer"] == {"username": "undisturbed"}


def test_port_in_use_is_told(server: Server, typing: CommandLine, server_url: str) -> None:
    """Somebody else's port is named, with the settings that choose another one."""
    port = server.address.split(":")[2].split("/")[0]
    answer = typing("serve", "--port", port, DATABASE_URL=server_url)
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained == (
        f"Can't listen on 127.0.0.1:{port}: Address already in use. Set another PORT or HOST.\n"
    )


def test_commands_share_the_data_of_a_running_server(server: Server, typing: CommandLine) -> None:
    """Seeding, accounts and migrations work beside the server, which sees it all at once."""
    assert typing("migrate").said == "Nothing to apply.\n"
    said = typing("seed", "--todos", "60").said
    password = re.findall(r"Created the user demo with the password (\S+)", said)[0]
    token = signed_in(server, "demo", password)
    assert server.execute(TITLES, token)["todos"]["totalCount"] > 50
    create_user = ("user", "create", "ada", "ada@example.com", "--password-stdin")
    assert typing(*create_user, typed=PASSWORD).status == 0
    token = signed_in(server, "ada", PASSWORD)
    assert server.execute(VIEWER, token)["viewer"] == {"username": "ada"}
    assert typing("user", "disable", "ada").status == 0
    assert server.execute(VIEWER, token)["viewer"] is None
    assert signed_in(server, "ada", PASSWORD) is None


def test_ctrl_c_stops_all_and_keeps_the_data(restarted_data_dir: Path) -> None:
    """Ctrl-C stops everything, and the next start has the todos and accepts old tokens."""
    with serving(restarted_data_dir) as server:
        token = registered(server, "kept")
        create(server, token, "Still here")
        assert server.stop(signal.SIGINT) == "Stopping.\nStopped.\n"
        assert server.process.returncode == 0
    assert postgres_of(restarted_data_dir) == []
    secret = restarted_data_dir / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    key = secret.read_text()
    with serving(restarted_data_dir) as server:
        assert server.said[0].endswith("is ready.")
        assert titles(server, token) == ["Still here"]
        assert server.stop(signal.SIGTERM) == "Stopping.\nStopped.\n"
        assert server.process.returncode == 0
    assert postgres_of(restarted_data_dir) == []
    assert secret.read_text() == key


def test_start_and_stop_after_a_kill(restarted_data_dir: Path) -> None:
    """A server that was killed is followed by one that has its data, and stops for good."""
    with serving(restarted_data_dir) as server:
        token = registered(server, "survivor")
        create(server, token, "Before the kill")
        server.kill()
    assert postgres_of(restarted_data_dir)
    with serving(restarted_data_dir) as server:
        assert titles(server, token) == ["Before the kill"]
        # What a terminal sends that is closed.
        assert server.stop(signal.SIGHUP) == "Stopping.\nStopped.\n"
        assert server.process.returncode == 0
    assert postgres_of(restarted_data_dir) == []


def test_ctrl_c_while_the_database_is_made(base_folder: Path) -> None:
    """Who changes their mind during the first start is left with nothing running."""
    folder = base_folder / "interrupted"
    folder.mkdir()
    with started(folder / "log", settings={"DATA_DIR": str(folder / "data")}) as server:
        assert server.next_line().startswith("Creating a PostgreSQL database")
        assert server.stop(signal.SIGINT) == "Stopped.\n"
        assert server.process.returncode == 0
    assert not [one for one in running_postgres() if str(folder) in str(one.info["cmdline"])]


@pytest.mark.own_schema
async def test_given_database_is_used_and_migrated_when_told(
    base_folder: Path, empty_url: str
) -> None:
    """A server with DATABASE_URL starts no embedded database, and --migrate makes the tables."""
    folder = base_folder / "elsewhere"
    folder.mkdir()
    settings = {"DATA_DIR": str(folder / "data"), "DATABASE_URL": empty_url}
    with started(folder / "log", "--migrate", settings=settings) as server:
        server.wait_until_ready()
        applied = [f"Applied the migration {name}." for name in MIGRATIONS]
        assert server.said[: len(MIGRATIONS)] == applied
        token = registered(server, "elsewhere")
        assert titles(server, token) == []
        assert server.stop(signal.SIGTERM) == "Stopping.\nStopped.\n"
        assert server.process.returncode == 0
    names = sorted(path.name for path in (folder / "data").iterdir())
    assert names == ["secret_key", "vapid_key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all of these tests")
def test_ordinary_user_can_serve() -> None:
    """An account without any right makes a database of its own, serves and stops it."""
    nobody = pwd.getpwnam("nobody").pw_uid
    command = [sys.executable, "-c", "import todo_gql.cli.main, embedded_postgres"]
    try:
        subprocess.run(command, cwd="/", user=nobody, extra_groups=[], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"the account nobody can't run {sys.executable}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.chown(folder, nobody, -1)
        # What coverage measures is kept where this account can't write.
        settings = {"DATA_DIR": str(folder / "data"), "COVERAGE_PROCESS_CONFIG": ""}
        with started(folder / "log", user=nobody, settings=settings) as server:
            server.wait_until_ready()
            token = registered(server, "ordinary")
            assert titles(server, token) == []
            assert {one.uids().real for one in postgres_of(folder / "data")} == {nobody}
            server.stop()
            assert server.process.returncode == 0
        assert postgres_of(folder / "data") == []
