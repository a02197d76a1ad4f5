"""How many statements each field may cost: as many for 2 parents as for 40, and no more than said.

Every field of the schema is asked for, so a new one that leads to objects needs a budget here.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeAlias

import pytest
from graphql import GraphQLObjectType, get_named_type, get_nullable_type, is_list_type
from starlette.types import ASGIApp

from tests.support.accounts import Account, registered, visiting
from tests.support.api_tokens import issued
from tests.support.attachments import put_file
from tests.support.calendars import make_feed
from tests.support.comments import commented, mention
from tests.support.inboxes import entered, entry
from tests.support.lists import make_list, make_section, put_in_list
from tests.support.operations import (
    ADMINISTRATION,
    SCHEMA,
    Coordinate,
    asks_nothing,
    coordinates_in,
    field_of,
    is_leaf,
    object_types,
    root_fields,
)
from tests.support.reminders import added, relative
from tests.support.sharing import invite_somebody, invited_often
from tests.support.statements import Statements
from tests.support.transfers import stored_import
from tests.support.views import save
from tests.support.webhook_endpoints import delivered_once
from todo_gql.database.models import NotificationKind
from todo_gql.features.webhooks.writes import MAX_WEBHOOKS

Record: TypeAlias = Callable[[], AbstractContextManager[Statements]]
Way: TypeAlias = tuple[Coordinate, ...]

# The statements that a field adds to those of the objects that it is asked of, however many these
# are. Fields that lead to objects have to be here; others that aren't cost nothing.
BUDGETS: dict[Coordinate, int] = {
    ("Query", "calendarFeeds"): 1,
    ("CalendarFeed", "lists"): 1,
    ("Query", "changeCursor"): 1,
    # The page, and whether the feed has spans.
    ("Query", "changes"): 2,
    ("Query", "feed"): 2,
    ("FeedConnection", "edges"): 0,
    ("FeedConnection", "nodes"): 0,
    ("FeedConnection", "pageInfo"): 0,
    ("FeedEdge", "node"): 0,
    ("Query", "facets"): 1,
    ("Query", "savedViews"): 1,
    ("Query", "invitations"): 1,
    ("Query", "jobs"): 1,
    ("Query", "lists"): 1,
    ("Query", "pushSubscriptions"): 1,
    ("Query", "apiTokens"): 1,
    ("ApiToken", "lists"): 1,
    ("Query", "sessions"): 1,
    ("Query", "notifications"): 1,
    ("Query", "notificationPreferences"): 1,
    ("Query", "stats"): 1,
    ("Query", "tags"): 1,
    ("Query", "todos"): 1,
    ("Query", "viewer"): 1,
    ("Change", "actor"): 1,
    ("Change", "fields"): 0,
    ("Change", "list"): 1,
    ("Change", "todo"): 1,
    ("ChangeConnection", "edges"): 0,
    ("ChangeConnection", "nodes"): 0,
    ("ChangeConnection", "pageInfo"): 0,
    ("ChangeEdge", "node"): 0,
    ("AssigneeFacet", "assignee"): 1,
    ("Invitation", "invitedBy"): 1,
    ("InvitationConnection", "edges"): 0,
    ("InvitationConnection", "nodes"): 0,
    ("InvitationConnection", "pageInfo"): 0,
    ("InvitationEdge", "node"): 0,
    ("ListFacet", "list"): 1,
    ("ListMember", "user"): 1,
    ("ListMemberConnection", "edges"): 0,
    ("ListMemberConnection", "nodes"): 0,
    ("ListMemberConnection", "pageInfo"): 0,
    ("ListMemberConnection", "totalCount"): 1,
    ("ListMemberEdge", "node"): 0,
    ("TagFacet", "tag"): 0,
    ("TodoFacets", "assignees"): 1,
    ("TodoFacets", "due"): 1,
    ("TodoFacets", "lists"): 1,
    ("TodoFacets", "priority"): 0,
    ("TodoFacets", "status"): 0,
    ("TodoFacets", "tags"): 1,
    ("Reminder", "todo"): 1,
    ("SavedView", "isValid"): 1,
    # Each of an owner's two views has a filter of its own, and so a statement.
    ("SavedView", "todos"): 2,
    ("Notification", "actor"): 1,
    ("Notification", "excerpt"): 1,
    ("Notification", "subject"): 1,
    ("NotificationConnection", "edges"): 0,
    ("NotificationConnection", "nodes"): 0,
    ("NotificationConnection", "pageInfo"): 0,
    ("NotificationConnection", "unreadCount"): 1,
    ("NotificationEdge", "node"): 0,
    ("NotificationPreferences", "kinds"): 0,
    ("NotificationPreferences", "quietHours"): 0,
    ("Recurrence", "next"): 0,
    ("Recurrence", "past"): 1,
    ("Section", "list"): 1,
    ("TagConnection", "edges"): 0,
    ("TagConnection", "nodes"): 0,
    ("TagConnection", "pageInfo"): 0,
    ("TagConnection", "totalCount"): 1,
    ("TagEdge", "node"): 0,
    ("Attachment", "uploadedBy"): 1,
    ("Comment", "attachments"): 1,
    ("Comment", "author"): 1,
    ("Comment", "mentions"): 1,
    ("Comment", "todo"): 1,
    ("CommentConnection", "edges"): 0,
    ("CommentConnection", "nodes"): 0,
    ("CommentConnection", "pageInfo"): 0,
    ("CommentConnection", "totalCount"): 1,
    ("CommentEdge", "node"): 0,
    ("Todo", "assignee"): 1,
    ("Todo", "attachments"): 1,
    ("Todo", "comments"): 1,
    ("Todo", "history"): 1,
    ("Todo", "list"): 1,
    ("Todo", "owner"): 1,
    ("Todo", "parent"): 1,
    ("Todo", "progress"): 0,
    ("Todo", "reminders"): 1,
    ("Todo", "recurrence"): 0,
    ("Todo", "subtasks"): 1,
    ("Todo", "section"): 1,
    ("Todo", "snoozedUntil"): 1,
    ("Todo", "tags"): 0,
    ("TodoConnection", "edges"): 0,
    ("TodoConnection", "nodes"): 0,
    ("TodoConnection", "pageInfo"): 0,
    # Of the subtasks of each todo; that of all todos comes with them.
    ("TodoConnection", "totalCount"): 1,
    ("TodoEdge", "node"): 0,
    ("TodoList", "activity"): 1,
    ("TodoList", "invitations"): 1,
    ("TodoList", "members"): 1,
    ("TodoList", "notify"): 1,
    ("TodoList", "owner"): 1,
    ("TodoList", "sections"): 1,
    ("TodoList", "stats"): 0,
    ("TodoList", "todos"): 1,
    ("TodoListConnection", "edges"): 0,
    ("TodoListConnection", "nodes"): 0,
    ("TodoListConnection", "pageInfo"): 0,
    ("TodoListConnection", "totalCount"): 1,
    ("TodoListEdge", "node"): 0,
    ("TodoStats", "overdue"): 1,
    ("User", "stats"): 1,
    ("Query", "webhooks"): 1,
    ("Webhook", "deliveries"): 1,
    ("Webhook", "list"): 1,
    ("WebhookDelivery", "attempts"): 0,
    ("WebhookDeliveryConnection", "edges"): 0,
    ("WebhookDeliveryConnection", "nodes"): 0,
    ("WebhookDeliveryConnection", "pageInfo"): 0,
    ("WebhookDeliveryEdge", "node"): 0,
}
SIZES = (2, 40)
# No way to other things, since it costs a statement for each object.
APART = {("SavedView", "todos")}

# Who asks is one statement of every operation.
VIEWER = 1

# Operations with arguments, and how many statements they take beside the viewer's. What stands in
# capitals is put in for each owner.
WITH_ARGUMENTS: dict[str, tuple[str, int]] = {
    "node": ('{ node(id: "TODO") { id ... on Todo { title } } }', 1),
    "nodes": ("{ nodes(ids: IDS) { id ... on Todo { title } ... on Tag { name } } }", 1),
    "todo": ('{ todo(id: "TODO") { title } }', 1),
    "todos one by one": ("{ EACH }", 1),
    "all nodes with all of theirs": (
        "{ nodes(ids: IDS) { ... on Todo { tags { id } owner { id } history { nodes { id } } } } }",
        4,
    ),
    "a page after a cursor": (
        '{ todos(first: 1, after: "TODOS") { pageInfo { hasPreviousPage hasNextPage } } }',
        2,
    ),
    "a page before a cursor": (
        '{ todos(last: 1, before: "TODOS") { pageInfo { hasPreviousPage hasNextPage } } }',
        2,
    ),
    "tags after a cursor": (
        '{ tags(first: 1, after: "TAGS") { pageInfo { hasPreviousPage hasNextPage } } }',
        2,
    ),
    "changes after a cursor": (
        '{ changes(first: 1, after: "CHANGES") { nodes { id } pageInfo { hasPreviousPage } } }',
        3,
    ),
    "histories after a cursor": (
        """{ todos(first: 40) { nodes { history(first: 1, after: "CHANGES") {
            edges { cursor node { action actor { id } todo { id tags { name } } } }
            pageInfo { hasNextPage hasPreviousPage }
        } } } }""",
        5,
    ),
    "a preview of a recurrence": (
        '{ recurrencePreview(input: { rule: "FREQ=DAILY" }, first: 100) { date } }',
        1,
    ),
    "repeating todos with all of theirs": (
        """{ todos(first: 40) { nodes { recurrence { next { date }
             past(first: 1) { totalCount nodes { id } } } } } }""",
        3,
    ),
    "a filtered list and its total": (
        "{ todos(first: 40, filter: { isOverdue: false }) { nodes { title } totalCount } }",
        3,
    ),
    "filtered stats": ('{ stats(filter: { search: "todo" }) { total overdue } }', 1),
    "searched tags and their total": ('{ tags(search: "tag") { nodes { id } totalCount } }', 2),
    "lists with all of theirs": (
        """{ lists(first: 40) { nodes { owner { id } sections { id list { id } }
             stats { total overdue } todos(first: 2) { totalCount nodes { id tags { id } } } } } }""",
        6,
    ),
    "filtered lists": (
        """{ lists(first: 15) { nodes {
             stats(filter: { isOverdue: false }) { total overdue }
             todos(first: 2, filter: { isOverdue: false }) { totalCount nodes { id } } } } }""",
        4,
    ),
    "an inbox with all of its": (
        """{ notifications(first: 40) { unreadCount nodes { actor { id } excerpt
             subject { id ... on Todo { title } ... on TodoList { name } } } } }""",
        4,
    ),
    "imports with all of theirs": (
        """{ jobs { id ... on ImportJob {
             problems(first: 2) { totalCount nodes { title } pageInfo { hasNextPage } } } } }""",
        3,
    ),
    "all that is counted": (
        """{ viewer { stats { total overdue } } stats { total overdue } changeCursor
             todos(first: 40) { totalCount nodes { owner { stats { total overdue } } } } }""",
        5,
    ),
}


def budget(coordinate: Coordinate) -> int:
    """What a field may cost, which has to be said of one that leads to objects."""
    needed = not is_leaf(field_of(coordinate))
    assert coordinate in BUDGETS or not needed, "say in BUDGETS how many statements it costs"
    return BUDGETS.get(coordinate, 0)


@pytest.fixture(scope="module")
async def owners(app: ASGIApp) -> AsyncIterator[dict[int, Account]]:
    """An owner of 2 todos and one of 40; each has a tag and a list of its own, a tag in common, 3 changes."""
    async with visiting(app) as client:
        owners = {size: await registered(client) for size in SIZES}
        for size, owner in owners.items():
            todos = [
                {
                    "title": f"Todo {i}",
                    "tags": ["common", f"tag {i}"],
                    "recurrence": {"rule": "FREQ=DAILY"},
                    "assigneeId": owner.id,
                }
                for i in range(size)
            ]
            # The first one alone, so that the first page of changes has one in a list.
            ids = [
                todo["id"]
                for part in (todos[:1], todos[1:])
                for todo in await placed(owner, await owner.create_many(part))
            ]
            # The last one is below the first, and all others are at the top.
            await owner.data(MOVE_BELOW, id=ids[-1], to={"parentId": ids[0]})
            for _ in range(2):
                await save(owner, filter={"parentId": {"notIn": ids[:2]}})
            for id in ids:
                await added(owner, id, relative("PT9H"))
                comment = await commented(owner, id, mention(owner))
                await put_file(id, comment_id=comment["id"])
            await owner.data(UPDATE_MANY, ids=ids, action={"setStatus": "IN_PROGRESS"})
            inviting = await make_list(await registered(client))
            await invited_often(inviting["id"], owner, size)
            await invite_somebody(owner)
            lists = (await owner.data("{ lists(first: 40) { nodes { id } } }"))["lists"]["nodes"]
            await make_feed(owner, listIds=[one["id"] for one in lists])
            for one in lists:
                await issued(owner, lists=[one["id"]])
            for _ in range(size):
                await stored_import(owner, problems=3)
            for number in range(min(size, MAX_WEBHOOKS)):
                own = await make_list(owner)
                await delivered_once(owner, f"https://hooks.example/{number}", own["id"])
            job = NotificationKind.JOB
            await entered(*(entry(owner, job, actor=owner, subject=id) for id in ids))
        yield owners


MOVE_BELOW = """mutation ($id: ID!, $to: TodoPlaceInput!) {
  todoMove(id: $id, to: $to) { errors { code } }
}"""


async def placed(owner: Account, todos: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The todos, each in a section of a list of its own."""
    for todo in todos:
        made = await make_list(owner)
        section = await make_section(owner, made["id"])
        await put_in_list(owner, [todo["id"]], made["id"], section["id"])
    return todos


UPDATE_MANY = """mutation ($ids: [ID!]!, $action: TodoBulkAction!) {
  todoBulkUpdate(ids: $ids, action: $action) { updated errors { code } }
}"""


@cache
def widest_ways() -> dict[str, tuple[bool, Way]]:
    """The shortest way to each type, through a list if any way goes through one."""
    found: dict[tuple[str, bool], Way] = {("Query", False): ()}
    waiting = list(found)
    for name, many in waiting:
        kind = SCHEMA.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        for field_name, field in kind.fields.items():
            target = get_named_type(field.type)
            listed = many or is_list_type(get_nullable_type(field.type))
            if not isinstance(target, GraphQLObjectType) or not asks_nothing(field):
                continue
            if (target.name, listed) not in found and (
                name,
                field_name,
            ) not in ADMINISTRATION | APART:
                found[target.name, listed] = (*found[name, many], (name, field_name))
                waiting.append((target.name, listed))
    return {name: (many, way) for (name, many), way in sorted(found.items())}


def along(way: Way, inside: str) -> str:
    """A query for something at the end of a way: a page as large as the larger owner, and pages of 1 in it."""
    fields, size = list[str](), max(SIZES)
    for kind, name in way:
        is_page = "first" in field_of((kind, name)).args
        fields.append(f"{name}{f'(first: {size})' if is_page else ''} {{ ")
        size = 1 if is_page else size
    return f"{{ {''.join(fields)}{inside}{' }' * len(way)} }}"


def asked(coordinate: Coordinate) -> str:
    """A field, and nothing of what it leads to."""
    return f"{coordinate[1]}{'' if is_leaf(field_of(coordinate)) else ' { __typename }'}"


async def cost(owner: Account, recorded: Record, document: str, **variables: Any) -> int:
    """The number of statements that an operation sends."""
    with recorded() as statements:
        await owner.data(document, **variables)
    return len(statements)


FIELDS = [
    (kind.name, name)
    for kind in object_types()
    for name, field in kind.fields.items()
    if kind.name in widest_ways() and asks_nothing(field)
    if (kind.name, name) not in ADMINISTRATION
]


@pytest.mark.parametrize("coordinate", FIELDS, ids=".".join)
async def test_a_field_costs_the_same_however_many_ask(
    coordinate: Coordinate, owners: dict[int, Account], recorded: Record
) -> None:
    """The statements for a field of 2 objects are those for 40, and within its budget."""
    _, way = widest_ways()[coordinate[0]]
    for owner in owners.values():
        without = await cost(owner, recorded, along(way, "__typename"))
        with_it = await cost(owner, recorded, along(way, asked(coordinate)))
        assert with_it - without == budget(coordinate)


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
async def test_arguments_cost_the_same_however_many_there_are(
    name: str, owners: dict[int, Account], recorded: Record
) -> None:
    """The statements of an operation about 2 objects are those about 40."""
    operation, expected = WITH_ARGUMENTS[name]
    for owner in owners.values():
        document = operation
        for word, value in (await known(owner)).items():
            document = document.replace(word, value)
        assert await cost(owner, recorded, document) == VIEWER + expected


async def known(owner: Account) -> dict[str, str]:
    """What stands for the words in capitals."""
    found = await owner.data("""{
      todos(first: 40) { nodes { id } edges { cursor } }
      tags(first: 40) { nodes { id } edges { cursor } }
      changes { edges { cursor } }
    }""")
    ids = [node["id"] for kind in ("todos", "tags") for node in found[kind]["nodes"]]
    each = (
        f't{n}: todo(id: "{node["id"]}") {{ title }}'
        # As many as a document may hold.
        for n, node in enumerate(found["todos"]["nodes"][:20])
    )
    return {
        "TODOS": found["todos"]["edges"][0]["cursor"],
        "TAGS": found["tags"]["edges"][0]["cursor"],
        "CHANGES": found["changes"]["edges"][1]["cursor"],
        "TODO": ids[0],
        "IDS": json.dumps(ids[:80]),
        "EACH": " ".join(each),
    }


def test_every_budget_is_measured() -> None:
    """No budget is left of a field that is gone, and every field of Query is asked for."""
    assert set(BUDGETS) <= set(FIELDS)
    documents = [
        operation.replace("IDS", "[]").replace("EACH", "__typename")
        for operation, _ in WITH_ARGUMENTS.values()
    ]
    asked_for = {found for document in documents for found in coordinates_in(document)}
    assert set(root_fields("query")) - set(FIELDS) - ADMINISTRATION <= asked_for


def test_lists_are_what_is_measured() -> None:
    """Nearly every type is met in a list; the others are there once in an operation."""
    once = {name for name, (many, _) in widest_ways().items() if not many}
    assert once == {
        "NotificationConnection",
        "NotificationPreferences",
        "Query",
        "TagConnection",
        "TodoFacets",
        "TodoListConnection",
    }
