"""API tokens of agents: each tool is open to those with its scopes, and is neither listed nor run for others."""

from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.agents import call, post_message
from tests.support.api_tokens import ALL_SCOPES, issued
from tests.support.trees import add_list
from todo_gql.http.mcp.tools import NAMES, load_tools
from todo_gql.schema import graphql_schema

TOOLS = load_tools(graphql_schema())
READ = {
    "find_todos",
    "get_todo",
    "list_lists",
    "get_list",
    "list_views",
    "show_view",
    "list_tags",
    "get_stats",
}
REVOKE = """
mutation { logout { ok } }
"""


def bearer(token: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {token}"}


async def listed(account: Account, token: str) -> set[str]:
    """The tools that are listed for a token."""
    answer = (await post_message(account, "tools/list", None, **bearer(token))).json()
    return {tool["name"] for tool in answer["result"]["tools"]}


@pytest.mark.parametrize(
    ("scopes", "opened"),
    [
        (ALL_SCOPES, set(NAMES)),
        (("TODOS_READ",), READ),
        (("TODOS_READ", "TODOS_WRITE"), set(NAMES) - {"comment_on_todo", "get_user"}),
        (("TODOS_READ", "COMMENTS_WRITE"), READ | {"comment_on_todo"}),
        (("TODOS_WRITE",), {"undo"}),
        (("PROFILE_READ", "WEBHOOKS", "TRANSFER", "LISTS_SHARE"), {"get_user"}),
    ],
)
async def test_a_token_opens_the_tools_of_its_scopes(
    account: Account, scopes: tuple[str, ...], opened: set[str]
) -> None:
    """The tools that a token opens are listed; the others are refused with the scope that they need."""
    todo = await account.create(title="Milk")
    token = await issued(account, *scopes)
    assert await listed(account, token) == opened
    before = await account.data("{ changeCursor }")
    for name in set(NAMES) - opened:
        params = {"name": name, "arguments": sample(name, todo["id"])}
        answer = (await post_message(account, "tools/call", params, **bearer(token))).json()
        result = answer["result"]
        assert result["isError"], (name, result)
        assert "FORBIDDEN" in result["content"][0]["text"]
        [problem, *_] = result["_meta"]["todo-gql/problems"]
        assert problem["requiredScope"] not in scopes
    assert await account.data("{ changeCursor }") == before


def sample(name: str, todo_id: str) -> dict[str, Any]:
    """Valid arguments of a tool."""
    required = TOOLS[name].input_schema["required"]
    values = {"id": todo_id, "ids": [todo_id], "inputs": [{"title": "x"}], "todoId": todo_id}
    return {each: values.get(each, "x") for each in required}


async def test_a_token_without_a_scope_reads_no_resources(account: Account) -> None:
    """Resources need the scope of what they show."""
    todo = await account.create(title="Milk")
    uri = f"todo://todos/{todo['id']}"
    writing = bearer(await issued(account, "TODOS_WRITE"))
    for method, params in (("resources/list", {}), ("resources/read", {"uri": uri})):
        error = (await post_message(account, method, params, **writing)).json()["error"]
        assert error["data"]["code"] == "FORBIDDEN"
        assert error["data"]["requiredScope"] == "TODOS_READ"
        assert "Milk" not in str(error)
    reading = bearer(await issued(account, "TODOS_READ"))
    answer = (await post_message(account, "resources/read", {"uri": uri}, **reading)).json()
    assert "Milk" in answer["result"]["contents"][0]["text"]


async def test_a_bound_token_shows_nothing_of_other_lists(account: Account) -> None:
    """No tool shows or changes with a bound token what isn't in its lists; one that can't be bound isn't listed."""
    own, other = await add_list(account, "Own"), await add_list(account, "Other")
    hidden = await account.create(title="Hidden", tags=["hidden"], to={"listId": other})
    await account.create(title="Shown", to={"listId": own})
    token = await issued(account, lists=[own])
    opened = await listed(account, token)
    before = await account.data("{ changeCursor }")
    for name in NAMES:
        arguments = sample(name, hidden["id"])
        if name == "create_todos":
            arguments = {"inputs": [{"title": "x", "to": {"listId": other}}]}
        params = {"name": name, "arguments": arguments}
        answer = (await post_message(account, "tools/call", params, **bearer(token))).json()
        text = answer["result"]["content"][0]["text"]
        assert ("FORBIDDEN" in text) == (name not in opened), (name, text)
        assert "Hidden" not in str(answer["result"].get("structuredContent"))
        assert "hidden" not in text.lower().replace(hidden["id"], "")
    assert await account.data("{ changeCursor }") == before


async def test_a_token_needs_no_session(account: Account) -> None:
    """An API token goes on when the session that it was made in has ended."""
    token = await issued(account, "TODOS_READ")
    await account.data(REVOKE)
    assert "find_todos" in await listed(account, token)


async def test_sessions_open_every_tool(account: Account) -> None:
    """An access token of a session opens every tool."""
    assert await listed(account, account.token) == set(NAMES)
    assert not (await call(account, "get_stats"))["isError"]
