"""Anything of the viewer's by its id."""

from uuid import uuid4

from graphql import GraphQLInterfaceType

from tests.support.accounts import Account
from tests.support.api_tokens import issued_with_id
from tests.support.attachments import attached
from tests.support.calendars import make_feed
from tests.support.comments import commented
from tests.support.exports import start_export
from tests.support.inboxes import entered, entry, stored
from tests.support.lists import make_list, make_section
from tests.support.operations import SCHEMA
from tests.support.push_services import Browser
from tests.support.reminders import added, relative
from tests.support.sharing import invite_somebody, member_id
from tests.support.transfers import stored_import
from tests.support.views import save
from tests.support.webhook_endpoints import delivered_once

NODES = """
query ($ids: [ID!]!) {
  nodes(ids: $ids) {
    id __typename
    ... on Todo { title tags { name } }
    ... on Tag { name todoCount }
    ... on Change { action }
    ... on User { username email }
    ... on Session { isCurrent }
    ... on SavedView { name filter }
    ... on PushSubscription { userAgent lastError }
    ... on TodoList { name todos { totalCount } }
    ... on Section { name list { id } }
    ... on Notification { kind count }
    ... on Reminder { anchor offset }
    ... on Comment { body }
    ... on ListMember { role user { id } }
    ... on Invitation { listName sentTo }
    ... on ApiToken { hint }
    ... on CalendarFeed { label }
    ... on Webhook { url behind }
    ... on WebhookDelivery { type attempts { status } }
    ... on Attachment { fileName contentType }
    ... on ImportJob { format total }
    ... on ExportJob { size total }
  }
}
"""
URL = "https://receiver.example.com/hooks"
NODE = "query ($id: ID!) { node(id: $id) { id __typename } }"


async def everything(account: Account) -> list[dict[str, object]]:
    """One object of every type, as nodes show them."""
    todo = await account.create(title="x", tags=["a"])
    made = await make_list(account, name="l")
    section = await make_section(account, made["id"], "s")
    data = await account.data("{ tags { nodes { id } } changes { nodes { id } } sessions { id } }")
    view = await save(account, filter={"search": "x"})
    await entered(entry(account))
    [notification] = await stored(account)
    await account.data(
        "mutation ($input: PushSubscribeInput!) { pushSubscribe(input: $input) { ok } }",
        input=Browser("https://push.example/1").input,
    )
    [browser] = (await account.data("{ pushSubscriptions { id userAgent lastError } }"))[
        "pushSubscriptions"
    ]
    member = await member_id(account, made["id"], account)
    [invitation] = await invite_somebody(account, "ada")
    reminder = await added(account, todo["id"], relative("PT9H"))
    comment = await commented(account, todo["id"], "Done?")
    token, token_id = await issued_with_id(account)
    feed = await make_feed(account, label="Work")
    return [
        {"id": todo["id"], "__typename": "Todo", "title": "x", "tags": [{"name": "a"}]},
        {"id": data["tags"]["nodes"][0]["id"], "__typename": "Tag", "name": "a", "todoCount": 1},
        {"id": data["changes"]["nodes"][0]["id"], "__typename": "Change", "action": "CREATED"},
        {
            "id": account.id,
            "__typename": "User",
            "username": account.username,
            "email": f"{account.username}@example.com",
        },
        {"id": data["sessions"][0]["id"], "__typename": "Session", "isCurrent": True},
        {
            "id": view["id"],
            "__typename": "SavedView",
            "name": "View",
            "filter": {"search": "x"},
        },
        {**browser, "__typename": "PushSubscription"},
        {
            "id": made["id"],
            "__typename": "TodoList",
            "name": "l",
            "todos": {"totalCount": 0},
        },
        {"id": section["id"], "__typename": "Section", "name": "s", "list": {"id": made["id"]}},
        {
            "id": str(notification["id"]),
            "__typename": "Notification",
            "kind": "COMPLETED",
            "count": 1,
        },
        {"id": reminder["id"], "__typename": "Reminder", "anchor": "DUE", "offset": "PT9H"},
        {"id": comment["id"], "__typename": "Comment", "body": "Done?"},
        {
            "id": member,
            "__typename": "ListMember",
            "role": "OWNER",
            "user": {"id": account.id},
        },
        {"id": invitation, "__typename": "Invitation", "listName": "l", "sentTo": "ada"},
        {"id": str(token_id), "__typename": "ApiToken", "hint": token[:8]},
        {"id": feed["id"], "__typename": "CalendarFeed", "label": "Work"},
        *await integrations(account, todo["id"], made["id"]),
    ]


async def integrations(account: Account, todo_id: str, list_id: str) -> list[dict[str, object]]:
    """A webhook with a delivery, a file and jobs, as nodes show them."""
    # The webhook reads what comes after it: the file's change would be one.
    file = await attached(account, todo_id)
    webhook = await delivered_once(account, URL, list_id)
    [delivery] = webhook["deliveries"]["nodes"]
    return [
        {"id": webhook["id"], "__typename": "Webhook", "url": URL, "behind": 0},
        {
            "id": delivery["id"],
            "__typename": "WebhookDelivery",
            "type": "webhook.test",
            "attempts": [{"status": 500}],
        },
        {
            "id": file["id"],
            "__typename": "Attachment",
            "fileName": "notes.txt",
            "contentType": "text/plain",
        },
        {
            "id": await stored_import(account),
            "__typename": "ImportJob",
            "format": "TODOIST",
            "total": None,
        },
        {
            "id": (await start_export(account))["id"],
            "__typename": "ExportJob",
            "size": None,
            "total": None,
        },
    ]


async def test_every_type_with_an_id_is_a_node(account: Account) -> None:
    """A type that implements Node and is found by no id is missing among the tests here too."""
    graphql_node = SCHEMA.type_map["Node"]
    assert isinstance(graphql_node, GraphQLInterfaceType)
    names = {type_.name for type_ in SCHEMA.get_possible_types(graphql_node)}
    missing = names - {str(thing["__typename"]) for thing in await everything(account)}
    assert not missing, f"`everything` needs an object, and NODES fields, of each type: {missing}"


async def test_anything_is_found_by_its_id(account: Account) -> None:
    """Nodes come in the order of their ids, null where there is none, twice where asked twice."""
    things = await everything(account)
    ids = [str(thing["id"]) for thing in things]
    asked = [ids[2], "nonsense", ids[0].upper(), str(uuid4()), ids[3], ids[1], ids[0]]
    found = (await account.data(NODES, ids=asked))["nodes"]
    assert found == [things[2], None, things[0], None, things[3], things[1], things[0]]


async def test_one_node(account: Account) -> None:
    """The field `node` answers for one id as `nodes` does for several."""
    for thing in await everything(account):
        expected = {"id": thing["id"], "__typename": thing["__typename"]}
        assert (await account.data(NODE, id=thing["id"]))["node"] == expected
    assert (await account.data(NODE, id="nonsense"))["node"] is None


async def test_what_is_in_the_trash_is_no_node(account: Account) -> None:
    """Neither a todo in the trash nor a tag that only the trash carries is a node."""
    things = await everything(account)
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=things[0]["id"]
    )
    ids = [thing["id"] for thing in things[:2]]
    assert (await account.data(NODES, ids=ids))["nodes"] == [None, None]


async def test_each_type_shows_its_fields(account: Account) -> None:
    """Things of all types come in one request, each with fields of its own type."""
    things = await everything(account)
    ids = [str(thing["id"]) for thing in things]
    assert (await account.data(NODES, ids=ids))["nodes"] == things


async def test_no_ids_give_no_nodes(account: Account) -> None:
    """An empty list of ids has no nodes, and is no error."""
    assert (await account.data(NODES, ids=[]))["nodes"] == []


async def test_a_hundred_ids_are_the_most(account: Account) -> None:
    """One more is refused."""
    assert (await account.data(NODES, ids=["x"] * 100))["nodes"] == [None] * 100
    error = await account.error(NODES, ids=["x"] * 101)
    assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["nodes"])
