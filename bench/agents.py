"""What a call of a tool costs a server process, beside the same operation sent to /graphql.

`python -m bench.agents` starts a server on a database of its own, prints a line for each tool, and what the first
request of an agent takes: its time, the longest wait of another request meanwhile, and the memory.
"""

import asyncio
import json
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import httpx

from bench.servers import SERVER, Server, serving
from todo_gql.database import migrations
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.http.mcp.tools import Tool, load_tools
from todo_gql.schema import graphql_schema
from todo_gql.settings import Settings

CALLS: Final = 300
TODOS: Final = 200
REGISTER: Final = """
mutation ($input: RegisterInput!) { register(input: $input) { tokens { accessToken } } }
"""
CREATE: Final = """
mutation ($inputs: [TodoCreateInput!]!) { todoBulkCreate(inputs: $inputs) { results { todoId } } }
"""
ACCEPT: Final = {"Accept": "application/json, text/event-stream"}
REVISIONS: Final = ("2026-07-28", "2025-11-25")


class Measured:
    """A client of a server whose CPU time is measured."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self.server = server
        self.http = http

    async def graphql(self, query: str, variables: dict[str, Any]) -> Any:
        """The data of an operation."""
        body = {"query": query, "variables": variables}
        answer = (await self.http.post("/graphql", json=body)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def call(self, revision: str, tool: str, arguments: dict[str, Any]) -> Any:
        """The result of a tool."""
        params: dict[str, Any] = {"name": tool, "arguments": arguments}
        if revision == REVISIONS[0]:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": revision,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        headers = {"MCP-Protocol-Version": revision, "Mcp-Method": "tools/call", "Mcp-Name": tool}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = (await self.http.post("/mcp", json=message, headers=headers | ACCEPT)).json()
        assert not answer["result"]["isError"], answer
        return answer["result"]

    async def first_call(self) -> None:
        """Print what the first request of an agent takes."""
        before, began = self.server.resident_bytes(), perf_counter()
        call = asyncio.create_task(self.call(REVISIONS[0], "get_stats", {}))
        longest = 0.0
        while not call.done():
            started = perf_counter()
            await self.graphql("{ __typename }", {})
            longest = max(longest, perf_counter() - started)
        await call
        more = (self.server.resident_bytes() - before) / 2**20
        seconds = perf_counter() - began
        print(
            f"first call {seconds:.2f} s, others waited {longest * 1000:.0f} ms, {more:.1f} MB more"
        )

    async def microseconds(self, action: Any) -> float:
        """The CPU time of the server for one call of an action, in µs."""
        for _ in range(CALLS // 10):
            await action()
        before = self.server.cpu_seconds()
        for _ in range(CALLS):
            await action()
        return (self.server.cpu_seconds() - before) / CALLS * 1e6

    async def compare(self, tool: Tool, arguments: dict[str, Any]) -> None:
        """Print what a call costs in each revision, and the same operation sent to /graphql."""
        costs = [await self.microseconds(partial(self.graphql, tool.document, arguments))]
        costs += [
            await self.microseconds(partial(self.call, revision, tool.name, arguments))
            for revision in REVISIONS
        ]
        named = zip(("/graphql", *REVISIONS), costs, strict=True)
        print(tool.name, json.dumps(arguments), *(f"{name} {cost:.0f} µs," for name, cost in named))


async def _prepare(url: str) -> None:
    await connect(url, Settings(_env_file=None))
    await migrations.migrate()
    await disconnect()


async def _measure(server: Server) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as http:
        measured = Measured(server, http)
        account = {"username": "agent", "email": "agent@example.com", "password": "Correct1horse"}
        registered = await measured.graphql(REGISTER, {"input": account})
        token = registered["register"]["tokens"]["accessToken"]
        http.headers["Authorization"] = f"Bearer {token}"
        for start in range(0, TODOS, 100):
            titles = [{"title": f"Todo {start + n}", "tags": ["one"]} for n in range(100)]
            await measured.graphql(CREATE, {"inputs": titles})
        print(f"{server.resident_bytes() / 2**20:.1f} MB before")
        await measured.first_call()
        tools = load_tools(graphql_schema())
        for name, arguments in (
            ("get_stats", {}),
            ("find_todos", {"first": 1}),
            ("find_todos", {"first": 20}),
            ("create_todos", {"inputs": [{"title": "New"}]}),
        ):
            await measured.compare(tools[name], arguments)
        print(f"{server.resident_bytes() / 2**20:.1f} MB after all calls")


def main() -> None:
    """Measure, on a database of its own."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "data") as url:
        asyncio.run(_prepare(url))
        with serving(SERVER, url, Path(folder)) as server:
            asyncio.run(_measure(server))


if __name__ == "__main__":
    main()
