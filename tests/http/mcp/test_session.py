"""A session of an agent with the official SDK, in the newest revision of MCP and in older ones."""

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account
from tests.support.agents import PROTOCOLS, SESSION, Mode, agent, play

PREPARE = """
mutation {
  listCreate(input: { name: "Home" }) { errors { code } }
  savedViewCreate(input: { name: "Kitchen", filter: { tags: { some: ["kitchen"] } } }) { errors { code } }
}
"""


@pytest.mark.parametrize("mode", PROTOCOLS)
async def test_an_agent_works_with_all_tools(app: ASGIApp, account: Account, mode: Mode) -> None:
    """An agent finds, creates, changes, undoes and comments, and is told what it may not do."""
    await account.data(PREPARE)
    async with agent("http://todo.test/mcp", account.token, mode, app) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        await play(client, SESSION)
    assert {step["tool"] for step in SESSION} == listed


async def test_both_kinds_of_revisions_are_spoken(app: ASGIApp, account: Account) -> None:
    """A client gets the newest revision, or the newest one with a handshake if it begins with that."""
    spoken = []
    for mode in PROTOCOLS:
        async with agent("http://todo.test/mcp", account.token, mode, app) as client:
            spoken.append(client.protocol_version)
            assert client.server_info
            assert client.server_info.name == "todo_gql"
            assert "dryRun" in (client.instructions or "")
    assert spoken == ["2026-07-28", "2025-11-25"]
