"""Dry runs of tools: each write tells what it would do, and nothing of it is done."""

from collections.abc import Mapping
from typing import Any

from tests.support.accounts import Account
from tests.support.agents import call
from todo_gql.http.mcp.tools import load_tools
from todo_gql.schema import graphql_schema

STATE = """
{
  todos(first: 100, sort: [{ field: POSITION }]) {
    nodes { id title status version position updatedAt tags { name todoCount } comments { totalCount } }
  }
  trash: todos(filter: { isDeleted: true }) { nodes { id deletedAt } }
  stats { total completed }
  changeCursor
}
"""
WRITING = [tool.name for tool in load_tools(graphql_schema()).values() if not tool.is_read_only]
UPDATE = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "Renamed" }) { undoCursor } }
"""


async def arguments_of(account: Account) -> Mapping[str, dict[str, Any]]:
    """Arguments with which each writing tool would do something."""
    first, second, gone = [await account.create(title=title) for title in ("One", "Two", "Three")]
    [deleted] = (await call(account, "delete_todos", ids=[gone["id"]]))[
        "structuredContent"
    ].values()
    assert deleted["updated"] == 1
    updated = await account.data(UPDATE, id=second["id"])
    return {
        "create_todos": {"inputs": [{"title": "New", "tags": ["fresh"]}]},
        "update_todo": {"id": first["id"], "title": "Other", "tags": ["fresh"]},
        "complete_todos": {"ids": [first["id"]]},
        "move_todos": {"ids": [second["id"]], "parentId": first["id"]},
        "delete_todos": {"ids": [first["id"]]},
        "restore_todos": {"ids": [gone["id"]]},
        "comment_on_todo": {"todoId": first["id"], "body": "Really?"},
        "undo": {"cursor": updated["todoUpdate"]["undoCursor"]},
    }


async def test_no_tool_changes_anything_in_a_dry_run(account: Account) -> None:
    """A dry run of each writing tool answers what the call then does, and changes nothing."""
    arguments = await arguments_of(account)
    assert set(arguments) == set(WRITING)
    for name in WRITING:
        before = await account.data(STATE)
        tried = await call(account, name, **arguments[name], dryRun=True)
        assert not tried["isError"], tried
        assert tried["content"][0]["text"].startswith("Dry run: nothing was changed."), tried
        [payload] = tried["structuredContent"].values()
        assert payload.get("undoCursor") is None
        assert await account.data(STATE) == before, name


async def test_a_write_says_how_it_is_undone(account: Account) -> None:
    """The result of a write names the cursor that undo takes, and says where there is none."""
    arguments = await arguments_of(account)
    for name in WRITING:
        done = await call(account, name, **arguments[name])
        assert not done["isError"], done
        [payload] = done["structuredContent"].values()
        text = done["content"][0]["text"]
        if name == "comment_on_todo":
            assert "undo can't take it back" in text
            continue
        assert payload["undoCursor"] in text.splitlines()[0], text
        undone = await call(account, "undo", cursor=payload["undoCursor"])
        assert not undone["isError"], (name, undone)
