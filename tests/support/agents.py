"""Agents: clients of the official SDK, and messages of MCP by hand."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult
from starlette.types import ASGIApp

from tests.support.accounts import Account

Mode = Literal["auto", "legacy"]
SESSION: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("agent_session.json").read_text()
)
"""The calls of a session: each with the names of what its result is asked for later, and what must hold."""

PROTOCOLS: tuple[Mode, Mode] = ("auto", "legacy")
"""How a client begins: in the newest revision, which needs no handshake, or with `initialize`."""


@asynccontextmanager
async def agent(
    url: str, token: str, mode: Mode = "auto", app: ASGIApp | None = None
) -> AsyncIterator[Client]:
    """A client of the SDK that sends a token, to the application itself if there is one."""
    transport: Any = httpx2.ASGITransport(app) if app else None
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, transport=transport, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def text_of(result: CallToolResult) -> str:
    """The words of a result."""
    [content] = result.content
    assert content.type == "text"
    return content.text


def value_at(value: Any, path: str) -> Any:
    """The value at a path such as `todos.nodes.0.id`."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def filled(value: Any, saved: dict[str, Any]) -> Any:
    """Arguments with what was saved in the place of `$name`."""
    if isinstance(value, dict):
        return {name: filled(each, saved) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, saved) for each in value]
    if isinstance(value, str) and value.startswith("$"):
        return saved[value[1:]]
    return value


async def play(client: Client, steps: list[dict[str, Any]]) -> None:
    """Call one tool after the other, as a session says; fails where a result isn't what it says."""
    saved: dict[str, Any] = {}
    for number, step in enumerate(steps, 1):
        result = await client.call_tool(step["tool"], filled(step["arguments"], saved))
        where = f"call {number}, {step['tool']}: {text_of(result)}"
        assert result.is_error == ("refused" in step), where
        for code in step.get("refused", ()):
            assert code in text_of(result), where
        for path, expected in step.get("holds", {}).items():
            assert value_at(result.structured_content, path) == expected, where
        for name, path in step.get("saves", {}).items():
            saved[name] = value_at(result.structured_content, path)


async def post_message(
    account: Account, method: str, params: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """The HTTP answer to one message in the newest revision, whose headers may be others."""
    params = dict(params or {})
    params["_meta"] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "by hand", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    sent = {
        "Authorization": f"Bearer {account.token}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
    }
    if name := params.get("name") or params.get("uri"):
        sent["Mcp-Name"] = name
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return await account.http.post("/mcp", json=message, headers=sent | headers)


async def call(account: Account, tool: str, **arguments: Any) -> dict[str, Any]:
    """The result of a tool, called by hand."""
    answer = (
        await post_message(account, "tools/call", {"name": tool, "arguments": arguments})
    ).json()
    assert "result" in answer, answer
    return dict(answer["result"])
