"""Requests of agents that are refused: by whom they are, where they come from, what they hold, how many."""

import asyncio
import json
from dataclasses import replace
from types import CoroutineType
from typing import Any

import pytest

from tests.support.accounts import Account, Client, registered, visiting
from tests.support.agents import call, post_message
from todo_gql.app import create_app
from todo_gql.http.graphql.endpoint import GraphQLRoute
from todo_gql.http.mcp import endpoint
from todo_gql.http.mcp.endpoint import AgentsEndpoint
from todo_gql.http.middleware.stack import with_middleware
from todo_gql.schema import graphql_schema
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

UNKNOWN_REVISION = {"MCP-Protocol-Version": "2031-01-01"}
OPEN: dict[str, str] = {"Accept": "application/json, text/event-stream"}


def signed_in(account: Account) -> dict[str, str]:
    """The headers of a message that is answered."""
    return OPEN | {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}


async def test_a_request_without_a_token_is_asked_for_one(client: Client) -> None:
    """A request without a token gets 401 with a challenge, and no OAuth is offered that isn't there."""
    answer = await client.http.post("/mcp", json={}, headers=OPEN)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["data"]["code"] == "UNAUTHENTICATED"
    metadata = await client.http.get("/.well-known/oauth-protected-resource")
    assert metadata.status_code == 404


async def test_a_wrong_token_is_refused(account: Account) -> None:
    """A token that opens nothing gets 401, and the challenge says that it is invalid."""
    answer = await post_message(account, "tools/list", Authorization="Bearer wrong")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_session_that_has_ended_opens_nothing(account: Account) -> None:
    """The token of a session that has ended is refused."""
    assert (await post_message(account, "tools/list")).status_code == 200
    await account.data("mutation { logout { ok } }")
    assert (await post_message(account, "tools/list")).status_code == 401


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_only_messages_are_taken(account: Account, method: str) -> None:
    """There is no stream of events and no session to end: other methods get 405."""
    answer = await account.http.request(method, "/mcp", headers=signed_in(account))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://app.example", "todo.test", 200),
        ("http://localhost:8000", "localhost:8000", 200),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", 200),
        ("http://[::1]:8000", "[::1]:8000", 200),
        ("http://localhost:3000", "localhost:8000", 403),
        ("http://rebound.example:8000", "rebound.example:8000", 403),
        ("https://strange.example", "todo.test", 403),
        ("null", "todo.test", 403),
        ("http://[", "todo.test", 403),
    ],
)
async def test_pages_of_other_origins_are_refused(
    account: Account, origin: str, host: str, status: int
) -> None:
    """A page may call tools if its origin is listed or is this machine, not if its name was rebound."""
    answer = await post_message(account, "tools/list", Origin=origin, Host=host)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, -32700),
        (b"{", 400, -32700),
        (b"\xff", 400, -32700),
        (b"NaN", 400, -32700),
        (b"null", 400, None),
        (b"5", 400, None),
        (b"[]", 400, None),
        (
            b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]',
            400,
            None,
        ),
        (b'{"jsonrpc":"2.0","id":1}', 400, None),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, None),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, None),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', 400, None),
        (b"[" * 100_000, 400, -32700),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 400, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"9" * 5000 + b"}", 400, None),
    ],
)
@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25", None])
async def test_what_is_no_message_is_refused(
    account: Account, body: bytes, status: int, code: int | None, version: str | None
) -> None:
    """A body that is no message of JSON-RPC gets 400 and an error that says so."""
    headers = signed_in(account) | ({"MCP-Protocol-Version": version} if version else {})
    answer = await account.http.post("/mcp", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code if code else error["code"] < 0
    assert "Traceback" not in answer.text


async def test_a_large_body_is_refused(account: Account, settings: Settings) -> None:
    """A body that is larger than MAX_BODY_BYTES gets 413, one that isn't JSON by its type 415."""
    large = b" " * (settings.max_body_bytes + 1)
    answer = await account.http.post("/mcp", content=large, headers=signed_in(account))
    assert answer.status_code == 413
    plain = signed_in(account) | {"Content-Type": "text/plain"}
    assert (await account.http.post("/mcp", content=b"{}", headers=plain)).status_code == 415


async def test_unknown_things_are_errors_of_the_protocol(account: Account) -> None:
    """An unknown method, tool, revision or resource is an error of JSON-RPC, with what there is."""
    method = await post_message(account, "tools/forget")
    assert method.json()["error"]["code"] == -32601
    tool = await post_message(account, "tools/call", {"name": "forget", "arguments": {}})
    assert tool.json()["error"]["code"] == -32602
    assert "find_todos" in tool.json()["error"]["message"]
    resource = await post_message(account, "resources/read", {"uri": "file:///etc/passwd"})
    assert resource.json()["error"]["code"] == -32602
    revision = await post_message(account, "tools/list", None, **UNKNOWN_REVISION)
    assert revision.status_code == 400


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"inputs": [{"title": 5}]}, "inputs.0.title"),
        ({"inputs": [{"title": "x", "priority": "HUGE"}]}, "inputs.0.priority"),
        ({"inputs": [{"title": "x", "colour": "red"}]}, "inputs.0"),
        ({"inputs": [{}]}, "inputs.0"),
        ({"inputs": [{"title": "x", "dueAt": "soon"}]}, "inputs.0.dueAt"),
        (
            {"inputs": [{"title": "x", "to": {"place": {"first": True, "last": True}}}]},
            "inputs.0.to.place",
        ),
        ({}, "inputs"),
        ({"inputs": None}, "inputs"),
        ({"inputs": [{"title": "x"}], "dryRun": "yes"}, "dryRun"),
        ({"inputs": [{"title": "x"}], "hidden": 1}, "hidden"),
        ({"inputs": [{"title": "x\x00"}]}, "inputs.0.title"),
        ({"inputs": [{"title": "x" * 201}]}, "inputs.0.title"),
    ],
)
async def test_wrong_arguments_are_named(
    account: Account, arguments: dict[str, Any], path: str
) -> None:
    """Arguments that the input schema or the API refuses are an error of the tool, with their path."""
    result = await call(account, "create_todos", **arguments)
    assert result["isError"]
    assert f" at {path}: " in result["content"][0]["text"]
    paths = [".".join(each["path"]) for each in result["_meta"]["todo-gql/problems"]]
    assert path in paths
    assert (await account.data("{ stats { total } }"))["stats"]["total"] == 0


async def test_limits_are_those_of_the_api(settings: Settings, database_url: str) -> None:
    """Calls count as requests and by their cost; one too many says when to call again."""
    limited = settings.model_copy(update={"rate_limit_requests": 8, "rate_limit_period": 60})
    async with visiting(create_app(limited, database_url)) as client:
        account = await registered(client)
        get_stats = {"name": "get_stats", "arguments": {}}
        answers = [await post_message(account, "tools/call", get_stats) for _ in range(9)]
        fine, last = answers[0], answers[-1]
        assert "ratelimit" in fine.headers
        assert not fine.json()["result"]["isError"]
        assert last.json()["result"]["isError"]
        assert "RATE_LIMITED" in last.json()["result"]["content"][0]["text"]
        assert "Call again after" in last.json()["result"]["content"][0]["text"]
        assert int(last.headers["retry-after"]) > 0
        listed = await post_message(account, "tools/list")
        assert listed.status_code == 429
        assert int(listed.headers["retry-after"]) > 0
        assert listed.json()["error"]["data"]["code"] == "RATE_LIMITED"


async def test_wrong_tokens_count_for_their_address(settings: Settings, database_url: str) -> None:
    """Requests without a valid token are counted for the address that they come from."""
    limited = settings.model_copy(update={"rate_limit_requests": 3})
    async with visiting(create_app(limited, database_url), "192.0.2.7") as client:
        wrong = OPEN | {"Authorization": "Bearer tdg_wrong"}
        answers = [await client.http.post("/mcp", json={}, headers=wrong) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_many_calls_at_once_are_answered_each(account: Account) -> None:
    """Calls that arrive together, the first ones of all among them, each get their own answer."""
    await account.create(title="Milk")
    names = ["find_todos", "get_stats", "list_lists", "list_views"] * 10
    results = await asyncio.gather(*(call(account, name) for name in names))
    assert not any(result["isError"] for result in results)
    for name, result in zip(names, results, strict=True):
        assert ("todos" in result["structuredContent"]) == (name == "find_todos")


async def test_nothing_is_stored_by_caches(account: Account) -> None:
    """Answers may not be stored by caches on the way, and say nothing in an unknown form."""
    answer = await post_message(account, "tools/call", {"name": "list_lists", "arguments": {}})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")
    assert json.loads(answer.text)["id"] == 1


def tasks_of_endpoints() -> set[Any]:
    """The tasks that endpoints for agents have started and that go on."""
    tasks = {task: task.get_coro() for task in asyncio.all_tasks()}
    return {
        task
        for task, coroutine in tasks.items()
        if isinstance(coroutine, CoroutineType)
        and coroutine.cr_code.co_filename == endpoint.__file__
    }


async def test_what_the_first_request_starts_is_stopped(
    account: Account, settings: Settings
) -> None:
    """What agents have used is stopped with the application, whether they have used it or not."""
    route = GraphQLRoute(graphql_schema(), settings, RateLimits(settings), None)
    for is_used in (True, False):
        agents = AgentsEndpoint(route)
        before = tasks_of_endpoints()
        async with agents.running(), visiting(with_middleware(agents)) as client:
            if is_used:
                used = replace(account, http=client.http)
                assert not (await call(used, "get_stats"))["isError"]
                assert tasks_of_endpoints() > before
        assert tasks_of_endpoints() == before
