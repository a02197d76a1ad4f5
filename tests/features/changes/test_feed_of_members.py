"""The feed of somebody who is in lists of others: all that happens there, and nothing once they have left."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account
from tests.support.lists import make_list, make_section, put_in_list, write_list
from tests.support.sharing import ACCEPT, INVITE, INVITED, MEMBERS, REMOVE, sharing, unshare
from tests.support.subscribers import Socket, connected, newest, streaming
from tests.support.trees import add_list
from todo_gql.database.connection import fetch

ENTRY = """
__typename ... on FeedEntry { id cursor at actor { id } }
... on Change { changeAction: action todoId todo { title } list { id } fields { name before after } }
... on ListChange { action listId list { name } }
... on MemberChange { action listId list { name } user { id } role }
... on CommentChange { action todoId commentId }
"""
FEED = f"""query ($after: String, $first: Int, $listId: ID) {{
  feed(after: $after, first: $first, listId: $listId) {{
    nodes {{ {ENTRY} }} edges {{ cursor node {{ id }} }} pageInfo {{ endCursor hasNextPage hasPreviousPage }}
  }}
}}"""
FOLLOW = f"""subscription ($after: String, $listId: ID) {{
  feed(after: $after, listId: $listId) {{ {ENTRY} ... on ResyncRequired {{ reason }} }}
}}"""
CHANGES = """query ($after: String, $first: Int) {
  changes(after: $after, first: $first) {
    nodes { cursor todoId todo { title } fields { name before after } list { id } }
    pageInfo { endCursor hasNextPage hasPreviousPage }
  }
}"""
CHANGES_EVENTS = """subscription ($after: String) { changes(after: $after) {
  ... on Change { todo { title } fields { name after } }
} }"""
HISTORY = """query ($id: ID!, $after: String) { todo(id: $id) { history(first: 2, after: $after) {
  nodes { id cursor action fields { name before after } } pageInfo { endCursor hasNextPage hasPreviousPage }
} } }"""
ACTIVITY = f"""query ($id: ID!, $first: Int, $after: String) {{ node(id: $id) {{ ... on TodoList {{
  activity(first: $first, after: $after) {{
    nodes {{ {ENTRY} }} pageInfo {{ endCursor hasNextPage hasPreviousPage }} }} }} }} }}"""


async def add_member(owner: Account, list_id: str, member: Account, role: str = "EDITOR") -> None:
    """Have somebody join a list."""
    await sharing(owner, INVITE, id=list_id, to=member.username, role=role)
    [invitation] = (await member.data(INVITED))["invitations"]["nodes"]
    assert (await sharing(member, ACCEPT, id=invitation["id"]))["errors"] == []


async def joined(owner: Account, member: Account) -> str:
    """The id of a new list of an owner's that somebody has joined."""
    list_id = str((await make_list(owner))["id"])
    await add_member(owner, list_id, member)
    return list_id


async def left(owner: Account, list_id: str, member: Account) -> None:
    """Remove somebody from a list."""
    members = (await owner.data(MEMBERS, id=list_id))["node"]["members"]["nodes"]
    [id] = [one["id"] for one in members if one["user"]["id"] == member.id]
    assert (await sharing(owner, REMOVE, id=id))["errors"] == []


async def added_todo(owner: Account, list_id: str, title: str = "A") -> str:
    """The id of a new todo in a list."""
    todo = await owner.create(title=title, to={"listId": list_id})
    return str(todo["id"])


async def feed(account: Account, **variables: Any) -> Any:
    """A page of a feed."""
    return (await account.data(FEED, **variables))["feed"]


async def test_all_is_one_sequence(account: Account, stranger: Account) -> None:
    """A member's own changes and those of the list come in the order in which they were made."""
    own = await stranger.create(title="Own")
    list_id = await joined(account, stranger)
    theirs = await added_todo(account, list_id, "Theirs")
    last = await stranger.create(title="Last")
    nodes = (await feed(stranger))["nodes"]
    assert [node["__typename"] for node in nodes] == ["Change", "MemberChange", "Change", "Change"]
    assert [node["todoId"] for node in (nodes[0], *nodes[2:])] == [own["id"], theirs, last["id"]]
    assert nodes[2]["todo"] == {"title": "Theirs"}
    assert nodes[2]["list"] == {"id": list_id}
    assert nodes[2]["actor"] == {"id": account.id}
    assert {"name": "title", "before": None, "after": "Theirs"} in nodes[2]["fields"]
    assert nodes[1]["action"] == "JOINED"
    assert nodes[1]["user"] == {"id": stranger.id}
    assert nodes[1]["role"] == "EDITOR"
    assert nodes[1]["listId"] == list_id


async def test_a_feed_is_read_in_pages(account: Account, stranger: Account) -> None:
    """Each entry comes once, whatever the size of the pages, and an edge has the cursor of its entry."""
    list_id = await joined(account, stranger)
    for _ in range(3):
        await added_todo(account, list_id)
        await stranger.create()
    whole = (await feed(stranger))["nodes"]
    found, after = list[Any](), None
    while True:
        page = await feed(stranger, first=2, after=after)
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert [edge["cursor"] for edge in page["edges"]] == [n["cursor"] for n in page["nodes"]]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == whole
    assert len(found) == 7
    assert after == await newest(stranger)


async def test_changes_are_those_of_todos(account: Account, stranger: Account) -> None:
    """The query `changes` leaves out who joined, and goes on from cursors of either query."""
    list_id = await joined(account, stranger)
    start = await newest(stranger)
    theirs = await added_todo(account, list_id)
    own = await stranger.create()
    pages = [(await stranger.data(CHANGES, after=a))["changes"] for a in (None, start)]
    for page in pages:
        assert [node["todoId"] for node in page["nodes"]] == [theirs, own["id"]]
        assert not page["pageInfo"]["hasNextPage"]
        assert not page["pageInfo"]["hasPreviousPage"]
    cursor = pages[0]["nodes"][0]["cursor"]
    for page in (
        (await stranger.data(CHANGES, after=cursor))["changes"],
        await feed(stranger, after=cursor),
    ):
        assert [node["todoId"] for node in page["nodes"]] == [own["id"]]
        assert page["pageInfo"]["hasPreviousPage"]


async def test_a_private_feed_has_lists_too(account: Account) -> None:
    """Who shares nothing sees what happened to their lists and sections, too."""
    list_id = (await make_list(account))["id"]
    await make_section(account, list_id)
    await write_list(account, 'listUpdate(id: $id, input: { name: "New" })', id=list_id)
    todo = await account.create(to={"listId": list_id})
    nodes = (await feed(account))["nodes"]
    assert [node.get("action") for node in nodes] == ["CREATED", "UPDATED", "UPDATED", None]
    assert [node.get("list") for node in nodes[:3]] == [{"name": "New"}] * 3
    assert nodes[3]["todoId"] == todo["id"]


async def test_one_list_of_a_feed(account: Account, stranger: Account) -> None:
    """Only what concerns a list comes with `listId`, todos that were moved out of it included."""
    list_id, other = await joined(account, stranger), await joined(account, stranger)
    moved = await added_todo(account, list_id)
    await added_todo(account, other)
    await put_in_list(account, [moved], other)
    await stranger.create()
    page = await feed(stranger, listId=list_id)
    assert [node.get("todoId") for node in page["nodes"]] == [None, moved, moved]
    assert page["pageInfo"]["endCursor"] == await newest(stranger)
    assert (await feed(stranger, listId="no list"))["nodes"] == []


async def test_what_was_not_read_before_leaving_is_blank(
    account: Account, stranger: Account
) -> None:
    """Numbers that weren't read before a removal say nothing of the list, whatever the cursor."""
    list_id = await joined(account, stranger)
    start = await newest(stranger)
    todo = await added_todo(account, list_id, "Secret")
    await write_list(account, 'listUpdate(id: $id, input: { name: "Hidden" })', id=list_id)
    await left(account, list_id, stranger)
    for after in (None, start):
        nodes = (await feed(stranger, after=after))["nodes"]
        change, renamed, leaving = nodes[-3:]
        assert (change["todoId"], change["todo"], change["list"]) == (todo, None, None)
        assert change["fields"] == []
        assert renamed["list"] is None
        assert (leaving["action"], leaving["list"], leaving["role"]) == ("LEFT", None, None)
        assert leaving["user"] == {"id": stranger.id}
        [change] = (await stranger.data(CHANGES, after=after))["changes"]["nodes"]
        assert (change["todo"], change["fields"], change["list"]) == (None, [], None)


async def test_others_who_join_are_blank_after_leaving(
    account: Account, stranger: Account, new_account: Any
) -> None:
    """Somebody who has left doesn't learn who joined before, and with which role."""
    list_id, third = await joined(account, stranger), await new_account()
    await add_member(account, list_id, third, "VIEWER")
    seen = (await feed(stranger))["nodes"][-1]
    assert (seen["user"], seen["role"]) == ({"id": third.id}, "VIEWER")
    await left(account, list_id, stranger)
    blank = (await feed(stranger))["nodes"][-2]
    assert (blank["id"], blank["user"], blank["role"]) == (seen["id"], None, None)


async def test_lists_that_a_member_does_not_see_are_left_out(
    account: Account, stranger: Account
) -> None:
    """Nothing is said of where a todo was before, or of its values there, when it comes into a list."""
    list_id, private = await joined(account, stranger), await add_list(account)
    todo = await account.create(title="Coming", to={"listId": private})
    await put_in_list(account, [todo["id"]], list_id)
    [coming] = (await feed(stranger))["nodes"][-1:]
    assert {"name": "listId", "before": None, "after": list_id} in coming["fields"]
    assert private not in str(coming)
    await put_in_list(account, [todo["id"]], private)
    *_, coming, going = (await feed(stranger))["nodes"]
    assert coming["fields"] == going["fields"] == []
    assert coming["todo"] is going["todo"] is None


async def test_the_trash_of_an_owner_is_their_own(account: Account, stranger: Account) -> None:
    """A list in the trash is blank for its members, and told again once it is restored."""
    list_id = await joined(account, stranger)
    await added_todo(account, list_id, "Here")
    await write_list(account, "listDelete(id: $id)", id=list_id)
    assert (await feed(stranger))["nodes"][-1]["todo"] is None
    await write_list(account, "listRestore(id: $id)", id=list_id)
    assert (await feed(stranger))["nodes"][-1]["todo"] == {"title": "Here"}


async def test_history_begins_where_a_todo_came_in(account: Account, stranger: Account) -> None:
    """Members see the history since the todo last came into the list, page by page; its owner all of it."""
    list_id = await joined(account, stranger)
    todo = await account.create(title="Private")
    update = "mutation ($id: ID!, $t: String!) { todoUpdate(id: $id, input: { title: $t }) { todo { id } } }"
    await account.data(update, id=todo["id"], t="Still private")
    await put_in_list(account, [todo["id"]], list_id)
    for title in ("One", "Two"):
        await account.data(update, id=todo["id"], t=title)
    first = (await stranger.data(HISTORY, id=todo["id"]))["todo"]["history"]
    assert first["pageInfo"]["hasNextPage"]
    assert not first["pageInfo"]["hasPreviousPage"]
    second = await stranger.data(HISTORY, id=todo["id"], after=first["pageInfo"]["endCursor"])
    [entered] = second["todo"]["history"]["nodes"]
    assert entered["fields"] == [{"name": "listId", "before": None, "after": list_id}]
    assert second["todo"]["history"]["pageInfo"]["hasPreviousPage"]
    assert not second["todo"]["history"]["pageInfo"]["hasNextPage"]
    assert [node["action"] for node in first["nodes"]] == ["UPDATED"] * 2
    owners = (await account.data(HISTORY, id=todo["id"]))["todo"]["history"]
    assert [node["id"] for node in owners["nodes"]] == [node["id"] for node in first["nodes"]]
    assert owners["nodes"][0]["cursor"] == await newest(account)


async def test_cursors_of_others_histories_are_of_no_feed(
    account: Account, stranger: Account
) -> None:
    """A cursor of another one's history or activity opens neither one's own feed nor the owner's."""
    list_id = await joined(account, stranger)
    todo = await added_todo(account, list_id)
    history = (await stranger.data(HISTORY, id=todo))["todo"]["history"]
    activity = (await stranger.data(ACTIVITY, id=list_id))["node"]["activity"]
    resync = {"code": "BAD_USER_INPUT", "reason": "RESYNC_REQUIRED"}
    for cursor in (history["nodes"][0]["cursor"], activity["pageInfo"]["endCursor"]):
        for reader in (account, stranger):
            for query in (FEED, CHANGES):
                assert (await reader.error(query, after=cursor))["extensions"] == resync
    error = await stranger.error(HISTORY, id=todo, after=await newest(stranger))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_activity_of_a_list(account: Account, stranger: Account) -> None:
    """The owner and each member see the same activity, newest first; who has left sees no list."""
    list_id = await joined(account, stranger)
    await added_todo(account, list_id, "Shown")
    await account.create(title="Elsewhere")
    for reader in (account, stranger):
        page = (await reader.data(ACTIVITY, id=list_id))["node"]["activity"]
        types = [node["__typename"] for node in page["nodes"]]
        assert types == ["Change", "MemberChange", "ListChange"]
        after, seen = None, list[Any]()
        for _ in types:
            one = (await reader.data(ACTIVITY, id=list_id, first=1, after=after))["node"][
                "activity"
            ]
            seen += one["nodes"]
            after = one["pageInfo"]["endCursor"]
            assert one["pageInfo"]["hasNextPage"] == (len(seen) < len(types))
        assert seen == page["nodes"]
    await left(account, list_id, stranger)
    assert (await stranger.data(ACTIVITY, id=list_id))["node"] is None


async def events(one: Socket, number: int) -> list[Any]:
    """The next events of a subscription to a feed."""
    messages = [await one.next() for _ in range(number)]
    assert [message["type"] for message in messages] == ["next"] * number, messages
    return [message["payload"]["data"]["feed"] for message in messages]


async def test_a_subscription_hears_of_joining_and_leaving(
    account: Account, stranger: Account, address: str
) -> None:
    """An open subscription hears of JOINED, of what happens meanwhile, of LEFT, and then nothing of the list."""
    async with connected(address, stranger.token) as one:
        await one.subscribe(FOLLOW, after=await newest(stranger))
        await one.settled()
        list_id = await joined(account, stranger)
        await added_todo(account, list_id, "Seen")
        first, seen = await events(one, 2)
        assert (first["action"], first["list"] is None) == ("JOINED", False)
        assert seen["todo"] == {"title": "Seen"}
        await left(account, list_id, stranger)
        await account.create(title="Unseen", to={"listId": list_id})
        own = await stranger.create(title="Own")
        leaving, last = await events(one, 2)
        assert (leaving["action"], leaving["list"]) == ("LEFT", None)
        assert last["todoId"] == own["id"]


async def test_a_stream_hears_of_leaving(account: Account, stranger: Account, address: str) -> None:
    """An event stream that catches up gets blank entries of a list that was left meanwhile."""
    start = await newest(stranger)
    list_id = await joined(account, stranger)
    await added_todo(account, list_id, "Secret")
    await left(account, list_id, stranger)
    async with streaming(address, stranger.token, FOLLOW, after=start) as stream:
        bodies = [(await stream.next())[1]["data"]["feed"] for _ in range(3)]
    assert [body.get("action") for body in bodies] == ["JOINED", None, "LEFT"]
    assert (bodies[1]["todo"], bodies[1]["fields"]) == (None, [])
    assert "Secret" not in str(bodies)


async def test_followers_of_changes_read_spans(
    account: Account, stranger: Account, address: str
) -> None:
    """A subscription to changes that began before its owner was in any list gets the list's changes."""
    async with connected(address, stranger.token) as one:
        await one.subscribe()
        await one.settled()
        list_id = await joined(account, stranger)
        theirs = await added_todo(account, list_id, "Theirs")
        own = await stranger.create()
        first, second = await one.changes(2)
    assert (first["todoId"], first["todo"]["title"]) == (theirs, "Theirs")
    assert second["todoId"] == own["id"]


async def test_a_filter_knows_others_todos(
    account: Account, stranger: Account, address: str
) -> None:
    """A filtered subscription tells of others' todos that match, and of those that matched before."""
    list_id = await joined(account, stranger)
    todo = await added_todo(account, list_id, "Milk")
    update = (
        'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "Bread" }) { todo { id } } }'
    )
    # The owner's numbers are ahead of those of the member's feed.
    await account.create_many([{"title": "Private"}] * 5)
    async with connected(address, stranger.token) as one:
        await one.subscribe(after=await newest(stranger), filter={"search": "milk"})
        await one.settled()
        await account.data(update, id=todo)
        await added_todo(account, list_id, "Other")
        own = await stranger.create(title="Milk too")
        gone, matching = await one.changes(2)
    assert (gone["todoId"], gone["matches"]) == (todo, False)
    assert (matching["todoId"], matching["matches"]) == (own["id"], True)


async def test_a_filter_says_nothing_of_earlier_lists(
    account: Account, stranger: Account, address: str
) -> None:
    """What a todo was like before it came into the list decides nothing for a member's filter."""
    list_id = await joined(account, stranger)
    todo = await account.create(title="Milk")
    update = (
        'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "Bread" }) { todo { id } } }'
    )
    async with connected(address, stranger.token) as one:
        await one.subscribe(after=await newest(stranger), filter={"search": "milk"})
        await one.settled()
        await account.data(update, id=todo["id"])
        await put_in_list(account, [todo["id"]], list_id)
        own = await stranger.create(title="Milk too")
        [only] = await one.changes(1)
    assert only["todoId"] == own["id"]


@pytest.mark.parametrize("query", [FEED, CHANGES])
async def test_a_feed_begins_after_what_is_gone(
    account: Account, stranger: Account, query: str
) -> None:
    """A cursor before changes of a span that are gone is for loading again."""
    list_id = await joined(account, stranger)
    start = await newest(stranger)
    await added_todo(account, list_id)
    kept = await stranger.create()
    await fetch("DELETE FROM changes WHERE owner_id = $1", UUID(account.id))
    error = await stranger.error(query, after=start)
    assert error["extensions"]["reason"] == "RESYNC_REQUIRED"
    [page] = (await stranger.data(query)).values()
    assert [node["todoId"] for node in page["nodes"]] == [kept["id"]]


async def test_a_change_is_a_node_for_members(account: Account, stranger: Account) -> None:
    """Members find a change of their list by its id, as its history shows it; who has left finds nothing."""
    list_id, private = await joined(account, stranger), await make_list(account)
    todo = await account.create(title="Coming", to={"listId": private["id"]})
    await put_in_list(account, [todo["id"]], list_id)
    entered, *before = (await account.data(HISTORY, id=todo["id"]))["todo"]["history"]["nodes"]
    [seen] = (await stranger.data(HISTORY, id=todo["id"]))["todo"]["history"]["nodes"]
    node = "query ($id: ID!) { node(id: $id) { ... on Change { id cursor action fields { name before after } } } }"
    assert (await stranger.data(node, id=entered["id"]))["node"] == seen
    for change in before:
        assert (await stranger.data(node, id=change["id"]))["node"] is None
    assert (await account.data(node, id=entered["id"]))["node"] == entered
    await left(account, list_id, stranger)
    assert (await stranger.data(node, id=entered["id"]))["node"] is None


async def test_nothing_cached_outlasts_a_membership(
    account: Account, stranger: Account, address: str
) -> None:
    """An event that was just sent to one subscription is blank for the next one, before any LEFT is read."""
    list_id = await joined(account, stranger)
    start = await newest(stranger)
    await added_todo(account, list_id, "Secret")
    async with connected(address, stranger.token) as one:
        for query in (FOLLOW, CHANGES_EVENTS):
            await one.subscribe(query, id=f"1 {hash(query)}", after=start)
            assert "Secret" in str(await one.next())
        await unshare(account, list_id, stranger)
        for query in (FOLLOW, CHANGES_EVENTS):
            await one.subscribe(query, id=f"2 {hash(query)}", after=start)
            message = await one.next()
            assert "Secret" not in str(message)
            [event] = message["payload"]["data"].values()
            assert (event["todo"], event["fields"]) == (None, [])
