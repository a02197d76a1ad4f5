"""The documentation's command lines: run where that is possible here, else held against what there is.

`NOT_RUN` names the programs that only are looked at, and why.
"""

import asyncio
import json
import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.documentation.blocks import ROOT, Block, blocks_in, named
from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.settings import Settings

COMMANDS = blocks_in("sh")
NOT_RUN = {
    "docker": "there is no daemon, and the image takes minutes to build: make test-image does",
    "helm": "there is no cluster; make check-artefacts renders the chart",
    "kubectl": "there is no cluster; make check-artefacts has kubectl read it",
    "make": "the targets are what starts these tests, or what they are parts of",
}
# Run by a test of their own.
BY_THEMSELVES = {".env", "register", "create"}
COMPOSE = (ROOT / "compose.yaml").read_text()
COMPOSE_COMMANDS = {"up", "logs", "down", "exec"}
# A service, a volume or a variable of the Compose file.
SERVICE = r"^  {}:"


def lines_of(block: Block) -> list[list[str]]:
    """The words of each command of a block."""
    commands: list[list[str]] = []
    begun = ""
    for line in block.text.splitlines():
        begun += line
        try:
            commands.append(shlex.split(begun.replace("\\\n", ""), comments=True))
            begun = ""
        except ValueError:
            # It goes on: within a quoted text, or after a backslash at its end.
            begun += "\n"
    assert not begun, begun
    return commands


def program_of(words: list[str]) -> str:
    """The program that a command starts."""
    return words[0]


def check_make(words: list[str]) -> None:
    """Each target is one of the Makefile's, and `make help` tells of it."""
    makefile = (ROOT / "Makefile").read_text()
    for target in words[1:]:
        assert re.search(rf"^{re.escape(target)}:.*##", makefile, re.MULTILINE), target


def check_docker(words: list[str]) -> None:
    """Names of services, volumes and settings are those of our own files."""
    match words[1:]:
        case ["build", "--tag", "todo_gql", folder]:
            assert (ROOT / folder / "Dockerfile").is_file()
        case ["compose", command, *rest]:
            assert command in COMPOSE_COMMANDS
            services = [word for word in rest if not word.startswith("-")]
            for service in services[:1] if command == "exec" else services:
                assert re.search(SERVICE.format(service), COMPOSE, re.MULTILINE), service
        case ["run", *rest]:
            for option, value in pairwise(rest):
                if option == "--env":
                    assert value.lower() in Settings.model_fields, value
                if option == "--volume" and value.startswith("todo_gql_"):
                    volume = value.removeprefix("todo_gql_").partition(":")[0]
                    assert re.search(SERVICE.format(volume), COMPOSE, re.MULTILINE), volume
        case other:
            pytest.fail(f"Say here what to look at in {other}.")


def check_helm(words: list[str]) -> None:
    """The chart is where it is said to be, and has the values that are set."""
    values = (ROOT / "helm/todo-gql/values.yaml").read_text()
    match words[1:]:
        case ["install", "todo-gql", chart, *options]:
            assert (ROOT / chart / "Chart.yaml").is_file()
            for option in options:
                if "=" in option:
                    parts = option.partition("=")[0].split(".")
                    nested = r":[^\S\n]*\n(?:.*\n)*?\s+".join(map(re.escape, parts))
                    assert re.search(rf"^{nested}:", values, re.MULTILINE), option
        case ["test", "todo-gql"]:
            pass
        case other:
            pytest.fail(f"Say here what to look at in {other}.")


def check_kubectl(words: list[str]) -> None:
    """What a Secret is made of are settings."""
    assert words[1:5] == ["create", "secret", "generic", "todo-gql"]
    literals = [word.removeprefix("--from-literal=") for word in words[5:]]
    names = {word.partition("=")[0].lower() for word in literals if "=" in word}
    assert names - set(Settings.model_fields) == set()


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "docker": check_docker,
    "helm": check_helm,
    "kubectl": check_kubectl,
    "make": check_make,
}


def is_looked_at(block: Block) -> bool:
    """Whether none of a block's commands are run."""
    return block.name not in BY_THEMSELVES and all(
        program_of(each) in NOT_RUN for each in lines_of(block)
    )


@pytest.mark.parametrize("block", [each for each in COMMANDS if is_looked_at(each)], ids=str)
def test_a_command_that_is_not_run_names_what_there_is(block: Block) -> None:
    """Its targets, files, services, volumes, values and settings exist."""
    for words in lines_of(block):
        CHECKS[program_of(words)](words)


def test_the_compose_file_asks_for_what_is_to_be_set() -> None:
    """Each line of the documented `.env` is a variable of the Compose file, none of its own is left out."""
    documented = {line.partition("=")[0] for line in named(".env").text.splitlines()}
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE))
    assert required <= documented <= asked


def is_following(account: Account) -> bool:
    """Whether a subscription of the account's knows from where it goes on."""
    feed = feed_registry.feeds()._feeds.get(UUID(account.id))
    return feed is not None and feed.newest is not None


@pytest.mark.parametrize(
    "block",
    [each for each in COMMANDS if each.name not in BY_THEMSELVES and not is_looked_at(each)],
    ids=str,
)
async def test_a_command_is_run_as_it_stands(
    block: Block, account: Account, address: str, tmp_path: Path
) -> None:
    """A command runs in a shell with the server's address in it, until it prints something."""
    [words] = lines_of(block)
    assert program_of(words) == "curl"
    before = (await account.data("{ changeCursor }"))["changeCursor"]
    command = block.text.replace("http://127.0.0.1:8000", address)
    process = await asyncio.create_subprocess_shell(
        f"exec {command}",
        cwd=tmp_path,
        env={"TOKEN": account.token, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            # The comment comes before the log's end is known, from where the stream goes on.
            assert (await process.stdout.readline()).startswith(b":")
            await until(lambda: is_following(account))
            await account.create(title="Water the plants")
            line = b""
            while not line.startswith(b"data: "):
                line = await process.stdout.readline()
    finally:
        process.terminate()
        await process.wait()
    assert b'"action":"CREATED","todo":{"title":"Water the plants"}' in line
    assert before.encode() not in line


async def data_of(command: str) -> dict[str, Any]:
    """The data that a command line prints as the answer to an operation."""
    process = await asyncio.create_subprocess_exec(
        "sh", "-ec", command, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    data: dict[str, Any] = json.loads(said)["data"]
    return data


async def test_the_first_todo_is_created_by_curl(address: str) -> None:
    """The README's two commands register an account and create a todo with its access token."""
    name = f"ada-{uuid4().hex[:12]}"
    register = named("register").text.replace("http://127.0.0.1:8000", address)
    register = register.replace('"ada"', f'"{name}"').replace("ada@", f"{name}@")
    registered = (await data_of(register))["register"]
    assert registered["errors"] == []
    create = named("create").text.replace("http://127.0.0.1:8000", address)
    create = create.replace("TOKEN=…", f"TOKEN={registered['tokens']['accessToken']}")
    created = (await data_of(create))["todoCreate"]
    assert created["errors"] == []
    assert created["todo"]["title"] == "Water the plants"
