"""What the documentation says of agents: how one is connected, and which tools there are."""

import json
import re

from starlette.types import ASGIApp

from tests.documentation.blocks import ROOT, named
from tests.support.accounts import Account
from tests.support.agents import agent
from todo_gql.http.mcp.resources import TEMPLATES
from todo_gql.http.mcp.tools import load_tools
from todo_gql.schema import graphql_schema

PAGE = (ROOT / "docs/agents.md").read_text()


async def test_a_client_connects_as_documented(app: ASGIApp, account: Account) -> None:
    """The documented file has the address and the header by which a client connects."""
    [server] = json.loads(named("mcp.json").text)["mcpServers"].values()
    assert server["type"] == "http"
    scheme, token = server["headers"]["Authorization"].split()
    assert (scheme, token) == ("Bearer", "TOKEN")
    async with agent(server["url"], account.token, app=app) as client:
        assert (await client.list_tools()).tools


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
