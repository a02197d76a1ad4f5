"""What the documentation says of agents: how one is connected, and which tools there are."""

import json
import re
from dataclasses import replace

from starlette.types import ASGIApp

from tests.documentation.blocks import ROOT, blocks_in, named
from tests.support.accounts import Account
from tests.support.agents import agent, post_message
from todo_gql.http.mcp.resources import TEMPLATES
from todo_gql.http.mcp.tools import NAMES, load_tools
from todo_gql.schema import graphql_schema

REVOKE = "mutation ($id: ID!) { apiTokenRevoke(id: $id) { ok } }"
PAGE = (ROOT / "docs/agents.md").read_text()


async def test_a_client_connects_as_documented(app: ASGIApp, account: Account) -> None:
    """The documented file has the address and the header by which a client connects."""
    [server] = json.loads(named("mcp.json").text)["mcpServers"].values()
    assert server["type"] == "http"
    scheme, token = server["headers"]["Authorization"].split()
    assert (scheme, token) == ("Bearer", "TOKEN")
    async with agent(server["url"], account.token, app=app) as client:
        assert (await client.list_tools()).tools


def test_a_bridge_is_told_the_same() -> None:
    """The documented bridge gets the address, and the header from its environment."""
    [direct] = json.loads(named("mcp.json").text)["mcpServers"].values()
    [bridge] = json.loads(named("claude_desktop_config.json").text)["mcpServers"].values()
    assert direct["url"] in bridge["args"]
    header = bridge["args"][bridge["args"].index("--header") + 1]
    assert header == "Authorization:${AUTHORIZATION}"
    assert bridge["env"]["AUTHORIZATION"] == direct["headers"]["Authorization"]


async def test_a_token_is_made_as_documented(app: ASGIApp, account: Account) -> None:
    """The documented mutation makes a token that opens every tool, until it is revoked."""
    [block] = [each for each in blocks_in("graphql") if each.page == "docs/agents.md"]
    created = (await account.data(block.text, password=account.password))["apiTokenCreate"]
    assert created["errors"] == []
    agent_of_token = replace(account, token=created["secret"])
    async with agent("http://todo.test/mcp", created["secret"], app=app) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == set(NAMES)
        result = await client.call_tool("create_todos", {"inputs": [{"title": "Milk"}]})
        assert not result.is_error
    await account.data(REVOKE, id=created["token"]["id"])
    assert (await post_message(agent_of_token, "tools/list")).status_code == 401


def test_the_tools_are_documented() -> None:
    """The page has all tools in their order, and says which of them write."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (✓?) ?\|$", PAGE, re.MULTILINE)
    tools = load_tools(graphql_schema()).values()
    assert [(name, not mark) for name, mark in rows] == [
        (tool.name, tool.is_read_only) for tool in tools
    ]


def test_the_resources_are_documented() -> None:
    """The page has the templates of all resources."""
    for template in TEMPLATES:
        assert f"`{template.uri_template}`" in PAGE
