"""Agents: the SDKs in TypeScript and Python, and the conformance suite, against a running server."""

import asyncio
from pathlib import Path

import pytest

from tests.clients.programs import HERE, NODES, node, run
from tests.support import agents
from tests.support.accounts import PASSWORD, REGISTER
from tests.support.agents import PROTOCOLS, SESSION, Mode, agent, play
from tests.support.processes import Server

PREPARE = """
mutation {
  listCreate(input: { name: "Home" }) { errors { code } }
  savedViewCreate(input: { name: "Kitchen", filter: { tags: { some: ["kitchen"] } } }) { errors { code } }
}
"""
CONFORMANCE = HERE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
# Others call tools of a sample server by their names, or try what this one doesn't offer, such as prompts.
SCENARIOS = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "dns-rebinding-protection",
)
# The first version of Node with all that the suite uses.
MIN_NODE = 22


def newest_node() -> Path | str | None:
    """The newest Node of those to try, or the one that is there; None if it is too old for the suite."""
    program, *_ = node(max(NODES, key=lambda name: int(name) if name.isdigit() else 0))
    version = run(program, "--version").removeprefix("v").partition(".")[0]
    return Path(program) if int(version) >= MIN_NODE else None


def new_agent(server: Server, name: str) -> str:
    """The token of somebody with a list and a saved view."""
    sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    tokens = server.execute(REGISTER, input=sent)["register"]["tokens"]
    server.execute(PREPARE, token=tokens["accessToken"])
    return str(tokens["accessToken"])


def address(server: Server) -> str:
    """Where agents reach a server."""
    return server.address.removesuffix("/graphql") + "/mcp"


@pytest.mark.parametrize("mode", PROTOCOLS)
def test_the_sdk_in_python_plays_the_session(server: Server, mode: Mode) -> None:
    """A client of the official SDK in Python works with all tools of a server process."""

    async def session() -> None:
        async with agent(address(server), new_agent(server, f"agent-{mode}"), mode) as client:
            await play(client, SESSION)

    asyncio.run(session())


@pytest.mark.parametrize("sdk", ["new", "old"])
@pytest.mark.parametrize("version", NODES)
def test_the_sdks_in_typescript_play_the_session(server: Server, version: str, sdk: str) -> None:
    """A client of each official SDK in TypeScript works with all tools, and reads the lists."""
    run(
        *node(version),
        "src/agents.test.ts",
        TODO_MCP=address(server),
        TODO_TOKEN=new_agent(server, f"agent-{version}-{sdk}"),
        TODO_SDK=sdk,
        TODO_SESSION=str(Path(agents.__file__).with_name("agent_session.json")),
    )


@pytest.mark.skipif(newest_node() is None, reason=f"the suite needs Node {MIN_NODE}")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_conformance_suite_passes(
    server: Server, token: str, scenario: str, tmp_path: Path
) -> None:
    """The server passes the scenarios of MCP's conformance suite that apply to every server."""
    program = newest_node()
    assert program
    said = run(
        program,
        *("--import", HERE / "with-token.mjs", CONFORMANCE, "server"),
        *("--url", address(server), "--scenario", scenario, "--output-dir", tmp_path),
        TODO_TOKEN=token,
    )
    assert ", 0 failed, 0 warnings" in said
    assert "Passed: 0/" not in said
