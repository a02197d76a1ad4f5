"""Tools and resources by the ids of others: each says that there is no such thing."""

from typing import Any

from tests.support.accounts import Account
from tests.support.agents import call, post_message
from todo_gql.http.mcp.tools import load_tools
from todo_gql.schema import graphql_schema

SECRET = "Only mine"
PREPARE = """
mutation {
  listCreate(input: { name: "Only mine" }) { list { id } }
  savedViewCreate(input: { name: "Only mine", filter: {} }) { view { id } }
}
"""
SECTION = """
mutation ($id: ID!) { sectionCreate(listId: $id, name: "Only mine") { section { id } } }
"""
UPDATE = """
mutation ($id: ID!) { todoUpdate(id: $id, input: { priority: LOW }) { undoCursor } }
"""
TOOLS = load_tools(graphql_schema())


async def ids_of(owner: Account) -> dict[str, str]:
    """The ids of things that nobody but their owner may see."""
    made = await owner.data(PREPARE)
    list_id = made["listCreate"]["list"]["id"]
    section = await owner.data(SECTION, id=list_id)
    todo = await owner.create(title=SECRET, tags=["only-mine"], to={"listId": list_id})
    trash = await owner.create(title=SECRET)
    await call(owner, "delete_todos", ids=[trash["id"]])
    updated = await owner.data(UPDATE, id=todo["id"])
    return {
        "list": list_id,
        "view": made["savedViewCreate"]["view"]["id"],
        "section": section["sectionCreate"]["section"]["id"],
        "todo": todo["id"],
        "trash": trash["id"],
        "user": owner.id,
        "cursor": updated["todoUpdate"]["undoCursor"],
    }


def refused_calls(ids: dict[str, str], own: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls by the ids of another, all to be refused."""
    todo = ids["todo"]
    return [
        ("get_todo", {"id": todo}),
        ("get_todo", {"id": ids["trash"]}),
        ("create_todos", {"inputs": [{"title": "x", "to": {"listId": ids["list"]}}]}),
        ("create_todos", {"inputs": [{"title": "x", "to": {"sectionId": ids["section"]}}]}),
        ("create_todos", {"inputs": [{"title": "x", "to": {"parentId": todo}}]}),
        ("create_todos", {"inputs": [{"title": "x", "to": {"place": {"after": todo}}}]}),
        ("create_todos", {"inputs": [{"title": "x", "assigneeId": ids["user"]}]}),
        ("update_todo", {"id": todo, "title": "x"}),
        ("update_todo", {"id": own, "assigneeId": ids["user"]}),
        ("complete_todos", {"ids": [todo]}),
        ("move_todos", {"ids": [todo], "listId": None}),
        ("move_todos", {"ids": [own], "listId": ids["list"]}),
        ("move_todos", {"ids": [own], "sectionId": ids["section"]}),
        ("move_todos", {"ids": [own], "parentId": todo}),
        ("move_todos", {"ids": [own], "place": {"before": todo}}),
        ("delete_todos", {"ids": [todo]}),
        ("restore_todos", {"ids": [ids["trash"]]}),
        ("comment_on_todo", {"todoId": todo, "body": "x"}),
        ("undo", {"cursor": ids["cursor"]}),
        ("get_list", {"id": ids["list"]}),
        ("show_view", {"id": ids["view"]}),
    ]


def empty_calls(ids: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Calls by the ids of another that show as much as with ids of nobody."""
    return [
        ("find_todos", {"listId": ids["list"]}),
        ("find_todos", {"sectionId": ids["section"]}),
        ("find_todos", {"parentId": ids["todo"]}),
        ("find_todos", {"assigneeId": ids["user"]}),
        ("find_todos", {"tags": ["only-mine"]}),
        ("find_todos", {"text": SECRET}),
        ("find_todos", {"isDeleted": True}),
        ("get_stats", {"listId": ids["list"]}),
        ("get_stats", {"assigneeId": ids["user"]}),
        ("list_lists", {}),
        ("list_views", {}),
        ("list_tags", {"search": "only"}),
        ("get_user", {}),
    ]


async def test_ids_of_others_lead_to_nothing(account: Account, stranger: Account) -> None:
    """Every argument that takes an id refuses another one's, and says nothing of what it is."""
    ids = await ids_of(account)
    own = (await stranger.create(title="Own"))["id"]
    before = await account.data("{ changeCursor }")
    for name, arguments in refused_calls(ids, own):
        for dry_run in ({"dryRun": True}, {}) if not TOOLS[name].is_read_only else ({},):
            result = await call(stranger, name, **arguments, **dry_run)
            assert result["isError"], (name, arguments, result)
            assert "NOT_FOUND" in result["content"][0]["text"], (name, arguments, result)
            assert SECRET not in str(result)
    assert await account.data("{ changeCursor }") == before


async def test_filters_by_ids_of_others_match_nothing(account: Account, stranger: Account) -> None:
    """What is listed or counted by another one's ids has nothing of theirs."""
    ids = await ids_of(account)
    for name, arguments in empty_calls(ids):
        result = await call(stranger, name, **arguments)
        assert not result["isError"], (name, result)
        assert SECRET not in str(result).replace(str(arguments), ""), (name, result)
        assert "only-mine" not in str(result["structuredContent"])
        assert ids["todo"] not in str(result)
        stats = result["structuredContent"].get("stats")
        assert stats is None or stats["total"] == 0


def test_every_tool_is_tried() -> None:
    """Each tool is called with the ids of another in these tests."""
    ids = dict.fromkeys(("list", "view", "section", "todo", "trash", "user", "cursor"), "x")
    called = {name for name, _ in (*refused_calls(ids, "x"), *empty_calls(ids))}
    assert called == set(TOOLS)


async def test_resources_of_others_are_not_there(account: Account, stranger: Account) -> None:
    """A stranger lists no resources, and reads none by another one's ids."""
    ids = await ids_of(account)
    listed = (await post_message(stranger, "resources/list")).json()
    assert listed["result"]["resources"] == []
    for uri in (f"todo://lists/{ids['list']}", f"todo://todos/{ids['todo']}"):
        assert "result" in (await post_message(account, "resources/read", {"uri": uri})).json()
        error = (await post_message(stranger, "resources/read", {"uri": uri})).json()["error"]
        assert error["code"] == -32602
        assert error["data"]["code"] == "NOT_FOUND"
