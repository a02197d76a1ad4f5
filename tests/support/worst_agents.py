"""Messages of agents that are as dear as may be for the event loop, by what they hold."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.support.worst_requests import AROUND, MAX_BODY_BYTES, Attempt, http

ROOM = MAX_BODY_BYTES - AROUND
# The newest revision, and the newest one with a handshake: the SDK reads their messages apart.
REVISIONS = ("2026-07-28", "2025-11-25")
META = {
    "io.modelcontextprotocol/protocolVersion": REVISIONS[0],
    "io.modelcontextprotocol/clientCapabilities": {},
}


def _contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Arguments that fill a body, by what they are."""
    yield "one text", {"text": "a" * ROOM}
    yield "combining marks", {"text": "\u0301" * (ROOM // 6)}
    yield "texts", {"ids": ["a"] * (ROOM // 5)}
    yield "numbers", {"ids": [1] * (ROOM // 3)}
    yield "unknown arguments", {f"a{number}": 1 for number in range(ROOM // 14)}
    yield "fields of metadata", {"metadata": {f"a{number}": 1 for number in range(ROOM // 14)}}
    yield "lists", {"ids": [[]] * 2_000}
    yield "todos", {"inputs": [{"title": "a" * 200, "description": "b" * 2_000}] * 100}
    yield "small todos", {"inputs": [{"title": "a"}] * (ROOM // 16)}
    yield "wrong todos", {"inputs": [{"title": 1, "a": 1}] * 5_000}


def _message(revision: str, method: str, params: dict[str, Any], name: str, token: str) -> bytes:
    if revision == REVISIONS[0]:
        params = {**params, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    lines = (
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {revision}",
        f"Mcp-Method: {method}",
        f"Mcp-Name: {name}",
    )
    return http(json.dumps(message, separators=(",", ":")).encode(), token, *lines, target="/mcp")


def agent_attempts() -> Iterator[Attempt]:
    """Messages that fill a body, and those with the longest answers."""
    for revision in REVISIONS:
        for tool in ("find_todos", "create_todos", "complete_todos", "update_todo"):
            for described, arguments in _contents():
                params = {"name": tool, "arguments": arguments}
                data = partial(_message, revision, "tools/call", params, tool)
                yield Attempt("messages of agents", f"{tool}, {described}, {revision}", data)
        for method in ("tools/list", "initialize", "x"):
            for described, arguments in _contents():
                data = partial(_message, revision, method, arguments, "x")
                yield Attempt("messages of agents", f"{method}, {described}, {revision}", data)
        params = {"name": "find_todos", "arguments": {"first": 100}}
        data = partial(_message, revision, "tools/call", params, "find_todos")
        yield Attempt("answers to agents", f"a hundred todos, {revision}", data)
