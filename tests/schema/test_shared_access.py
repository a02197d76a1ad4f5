"""What six people get of a shared list: owner, manager, editor, viewer, a removed member and a stranger.

Every operation is written from the schema, one for each type and person: whoever adds a field has to say
here whether the members of a list get of it what the list's owner gets.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, registered, visiting
from tests.support.attachments import put_file
from tests.support.comments import commented, mention
from tests.support.inboxes import entered, entry
from tests.support.lists import make_list, make_section, put_under
from tests.support.operations import (
    SCHEMA,
    Call,
    Coordinate,
    field_of,
    object_types,
    required_arguments,
    selection,
)
from tests.support.reminders import put_reminders
from tests.support.sharing import share, unshare
from tests.support.views import save
from todo_gql.database.connection import fetch
from todo_gql.database.models import ListRole, NotificationKind

pytestmark = pytest.mark.untraced

MEMBERS: Final = {
    "manager": ListRole.MANAGER,
    "editor": ListRole.EDITOR,
    "viewer": ListRole.VIEWER,
}
OUTSIDERS: Final = ("removed", "stranger")
SHARED, PRIVATE = "Quincunx", "Zymurgy"
SAME, OWN, HIDDEN = "the same as the owner", "what is theirs", "nothing"
MANAGED = "the same as the owner for managers, and nothing for all others"

# What members get of each field of what is in a shared list.
CASES: Final[dict[str, dict[str, str]]] = {
    "Todo": {
        SAME: """id title description status priority list section parent position progress startAt
            startDate dueAt dueDate dueTimeZone completedAt estimatedMinutes actualMinutes tags metadata
            isOverdue isCompleted version createdAt updatedAt deletedAt owner assignee recurrence subtasks comments
            attachments""",
        OWN: "reminders snoozedUntil history",
    },
    "TodoList": {
        SAME: """id name description color version createdAt updatedAt archivedAt deletedAt isShared owner
            sections stats todos members""",
        OWN: "position viewerRole activity notify",
        MANAGED: "invitations",
    },
    "Section": {SAME: "id name position version list"},
    "Tag": {SAME: "id name", OWN: "todoCount"},
    "SubtaskProgress": {SAME: "total completed percent"},
    "Recurrence": {SAME: "rule mode timeZone anchor done catchesUp next past"},
    "Occurrence": {SAME: "date at"},
    "TodoStats": {
        SAME: "total pending inProgress completed cancelled completionRate overdue",
    },
    "User": {
        SAME: "id username createdAt",
        OWN: "fullName stats",
        HIDDEN: """email firstName lastName bio avatarUrl isActive isVerified isSuperuser emailVerifiedAt
            lastLoginAt timeZone weekStart""",
    },
    "ListMember": {SAME: "id role joinedAt user"},
    "Invitation": {MANAGED: "id listName role email sentTo createdAt expiresAt invitedBy"},
    "Attachment": {
        SAME: """id fileName size contentType sha256 state refusedBecause width height createdAt
            uploadedBy""",
        # They are signed until a moment.
        OWN: "url thumbnailUrl",
    },
    "Comment": {
        SAME: "id todo author body mentions attachments version createdAt editedAt deletedAt"
    },
    "Reminder": {OWN: "id at anchor offset firesAt firedAt todo"},
    "Change": {OWN: "id cursor action todoId fields at matches todo actor list"},
    "ListChange": {OWN: "id cursor at actor action listId list"},
    "MemberChange": {OWN: "id cursor at actor action listId list user role"},
    "CommentChange": {OWN: "id cursor at actor action todoId commentId comment"},
    "FieldChange": {OWN: "name before after"},
}
# Types of which everybody has objects of their own, of which nothing may be another one's.
OWN_TYPES: Final = frozenset(
    [
        "Session",
        "SavedView",
        "Notification",
        "NotificationPreferences",
        "NotificationPreference",
        "QuietHours",
        "PushSubscription",
        "CalendarFeed",
        "ExportJob",
        "ApiToken",
        "ImportJob",
        "ImportProblem",
        "UploadTarget",
        "UploadHeader",
        "Webhook",
        "WebhookDelivery",
        "DeliveryAttempt",
        "TodoFacets",
        "StatusFacet",
        "PriorityFacet",
        "TagFacet",
        "ListFacet",
        "AssigneeFacet",
        "DayFacet",
        "Tokens",
        "ResyncRequired",
        "Query",
        "Mutation",
        "Subscription",
    ]
)
# Types that hold objects of other types, and no facts of their own.
CONTAINERS: Final = ("Payload", "Connection", "Edge", "PageInfo", "Result", "Error", "ChangeEvent")
# Which queries show members what is in the list; none shows it to anybody else.
SHOWING: Final = frozenset(
    ["node", "nodes", "todo", "todos", "tags", "lists", "facets", "notifications", "savedViews"]
)
NOT_SHOWING: Final = frozenset(
    [
        "viewer",
        "invitations",
        "sessions",
        "users",
        "invitations",
        "recurrencePreview",
        "stats",
        "changes",
        "feed",
        "changeCursor",
        "pushPublicKey",
        "pushSubscriptions",
        "jobs",
        "calendarFeeds",
        "apiTokens",
        "webhooks",
        "notificationPreferences",
    ]
)


INVITE: Final = """mutation ($id: ID!) {
  listInvite(id: $id, input: { usernameOrEmail: "somebody@example.com" }) { errors { code } }
}"""


@dataclass(frozen=True)
class Six:
    """Six people, and what is in the list of one of them."""

    people: dict[str, Account]
    ids: dict[str, str]
    shared: frozenset[str]
    private: frozenset[str]

    @property
    def owner(self) -> Account:
        """Whose list it is."""
        return self.people["owner"]


async def _fill_list(owner: Account, assignee: Account) -> dict[str, str]:
    """The ids of a list that has something of every kind."""
    list_id = (await make_list(owner, name=SHARED))["id"]
    section = await make_section(owner, list_id, f"{SHARED} section")
    place = {"listId": list_id, "sectionId": section["id"]}
    todo = await owner.create(
        title=f"{SHARED} todo",
        description=SHARED,
        tags=[SHARED.lower()],
        dueAt="2020-01-01T00:00:00Z",
        to=place,
    )
    await fetch(
        "UPDATE todos SET assignee_id = $2 WHERE id = $1", UUID(todo["id"]), UUID(assignee.id)
    )
    below = await owner.create(title=f"{SHARED} below", to={"listId": list_id})
    await put_under(owner, below["id"], todo["id"])
    sent = {"dueDate": "2030-01-01", "recurrence": {"rule": "FREQ=DAILY"}}
    again = await owner.create(title=f"{SHARED} again", to={"listId": list_id}, **sent)
    completed = await owner.data(
        "mutation ($id: ID!) { todoComplete(id: $id) { completedOccurrence { id } } }",
        id=again["id"],
    )
    invited = await owner.data(INVITE, id=list_id)
    assert invited["listInvite"] == {"errors": []}
    comment = await commented(owner, todo["id"], f"{SHARED} {mention(owner)}")
    file_id = await put_file(todo["id"], f"{SHARED}.txt", comment["id"])
    return {
        "Attachment": file_id,
        "Comment": comment["id"],
        "TodoList": list_id,
        "Section": section["id"],
        "Todo": todo["id"],
        "Todo below": below["id"],
        "Todo that repeats": again["id"],
        "Todo completed": completed["todoComplete"]["completedOccurrence"]["id"],
        "Tag": todo["tags"][0]["id"],
        "User": owner.id,
    }


async def _make_private(owner: Account, todo_id: str) -> frozenset[str]:
    """The ids and words of what an owner has besides the list, some of it of a todo of the list."""
    list_id = (await make_list(owner, name=PRIVATE))["id"]
    todo = await owner.create(
        title=PRIVATE, description=PRIVATE, tags=[PRIVATE.lower()], to={"listId": list_id}
    )
    view = await save(owner, name=PRIVATE, filter={"search": PRIVATE})
    reminders = await put_reminders({"id": todo_id}, timedelta(-1))
    await entered(entry(owner, NotificationKind.JOB, subject=todo["id"]))
    ids = {list_id, todo["id"], todo["tags"][0]["id"], view["id"], *map(str, reminders)}
    return frozenset({*ids, PRIVATE, PRIVATE.lower()})


async def _use(person: Account, ids: dict[str, str]) -> None:
    """Have a member make what people have of others' todos: a view, a reminder, an entry, a snooze."""
    await person.create(title="Own")
    await save(person, name="Theirs", filter={"listId": {"eq": ids["TodoList"]}})
    await put_reminders({"id": ids["Todo"]}, timedelta(-1), person=person)
    await entered(entry(person, NotificationKind.JOB, subject=ids["Todo"]))
    await fetch(
        "INSERT INTO snoozes (owner_id, todo_id, person_id, until)"
        " SELECT owner_id, id, $2, '2999-01-01' FROM todos WHERE id = $1",
        *(UUID(ids["Todo"]), UUID(person.id)),
    )


@pytest.fixture(scope="module")
async def visitor(app: ASGIApp) -> AsyncIterator[Client]:
    """Somebody who isn't signed in, for the module."""
    async with visiting(app) as client:
        yield client


@pytest.fixture(scope="module")
async def six(visitor: Client) -> Six:
    """The six people; the one who was removed has used the list, and what that left behind is there."""
    names = ("owner", *MEMBERS, *OUTSIDERS)
    people = {name: await registered(visitor) for name in names}
    owner = people["owner"]
    ids = await _fill_list(owner, people["editor"])
    for name, role in {**MEMBERS, "removed": ListRole.EDITOR}.items():
        await share(owner, ids["TodoList"], people[name], role)
    for name in (*MEMBERS, "removed"):
        await _use(people[name], ids)
    private = await _make_private(owner, ids["Todo"])
    await unshare(owner, ids["TodoList"], people["removed"])
    shared = frozenset({*ids.values(), SHARED, SHARED.lower()})
    return Six(people, ids, shared, private)


def documents() -> Iterator[tuple[str, str]]:
    """For each type that has an object in the list, what asks for all of it, and which object."""
    for name in ("TodoList", "Section", "Todo", "Todo that repeats", "Tag", "User", "Comment"):
        kind = name.partition(" ")[0]
        of_type = selection(SCHEMA.type_map[kind], 2)
        yield name, f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind} {of_type} }} }}"


def values_of(answer: Any, found: dict[Coordinate, list[str]] | None = None) -> dict[Any, Any]:
    """The values of all fields in an answer, sorted, by the field; those of objects are their ids."""
    found = defaultdict(list) if found is None else found
    if isinstance(answer, list):
        for one in answer:
            values_of(one, found)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            # The counts of people are their own.
            if isinstance(value, dict | list) and answer.get("__typename") != "User":
                values_of(value, found)
            if "__typename" in answer and name != "__typename":
                field = name.partition("Of")[0] if f"Of{answer['__typename']}" in name else name
                found[answer["__typename"], field].append(_fact(value))
    return {field: sorted(values) for field, values in found.items()}


def _fact(value: Any) -> str:
    if isinstance(value, list):
        return json.dumps([_fact(one) for one in value])
    if isinstance(value, dict):
        return str(value.get("id", "there"))
    return json.dumps(value)


def rule_of(field: Coordinate) -> str | None:
    """What members get of a field; None if nobody has said so."""
    kind, name = field
    if kind in OWN_TYPES or kind.endswith(CONTAINERS):
        return OWN
    return next(
        (rule for rule, names in CASES.get(kind, {}).items() if name in names.split()), None
    )


def marks_in(answer: Any, marks: frozenset[str]) -> list[str]:
    """Which of some ids and words an answer has."""
    text = json.dumps(answer, ensure_ascii=False)
    return [mark for mark in marks if mark in text]


def test_every_field_has_a_case() -> None:
    """A field of which nobody has said what members get of it is named here, and so is a query."""
    fields = [(kind.name, name) for kind in object_types() for name in kind.fields]
    assert [field for field in fields if rule_of(field) is None] == []
    queries = {name for kind, name in fields if kind == "Query"}
    assert queries == SHOWING | NOT_SHOWING
    mutations = {name for kind, name in fields if kind == "Mutation"}
    assert mutations == NEEDED.keys() | FOR_ONESELF


@pytest.mark.parametrize(
    ("name", "document"), list(documents()), ids=lambda value: value.split(" {")[0]
)
async def test_members_get_what_the_owner_gets(name: str, document: str, six: Six) -> None:
    """Members get each field as its case says, and nothing private; others get nothing at all."""
    variables = {"id": six.ids[name]}
    expected = values_of(await six.owner.data(document, **variables))
    for role in MEMBERS:
        answer = await six.people[role].data(document, **variables)
        assert marks_in(answer, six.private) == [], role
        got = values_of(answer)
        for field, values in expected.items():
            # Of people and their counts there is another test.
            rule = rule_of(field) if name != "User" else OWN
            if rule == SAME or (rule == MANAGED and role == "manager"):
                assert got[field] == values, (role, field)
            elif rule == MANAGED and field[0] == "Invitation":
                assert field not in got, (role, field)
    for role in OUTSIDERS:
        assert await six.people[role].data(document, **variables) == {"node": None}, role


async def test_members_see_each_other_as_anybody_may(six: Six) -> None:
    """People of one list see of each other what the cases of User say, and nobody else sees them."""
    of_user = selection(SCHEMA.type_map["User"], 1)
    document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on User {of_user} }} }}"
    people = [six.people[name] for name in ("owner", *MEMBERS)]
    for person in people:
        others = [one.id for one in people if one is not person]
        shown = (await person.data(document, ids=others))["nodes"]
        assert [one["id"] for one in shown] == others
        for one in shown:
            hidden = {name for name in one if rule_of(("User", name)) == HIDDEN}
            assert {one[name] for name in hidden} == {None}
            assert one.get("stats") is None
    for name in OUTSIDERS:
        everybody = [one.id for one in people]
        shown = (await six.people[name].data(document, ids=everybody))["nodes"]
        assert shown == [None] * len(everybody)


def arguments_of(query: str, ids: dict[str, str]) -> dict[str, Any]:
    """What a query is asked with, so that it would show what is in the list."""
    arguments: dict[str, dict[str, Any]] = {
        "node": {"id": ids["Todo"]},
        "nodes": {"ids": list(ids.values())},
        "todo": {"id": ids["Todo"]},
        "recurrencePreview": {"input": {"rule": "FREQ=DAILY"}},
    }
    return arguments.get(query, {})


@pytest.mark.parametrize("query", sorted(SHOWING | NOT_SHOWING))
async def test_queries_show_the_list_to_its_members_alone(query: str, six: Six) -> None:
    """Each query shows members what is in the list, if it shows such things; to nobody what is private."""
    depth = {"node": 1, "nodes": 1, "users": 1, "savedViews": 3}.get(query, 2)
    call, arguments = Call(("Query", query), depth), arguments_of(query, six.ids)
    document = call.document(arguments)
    for role, person in six.people.items():
        answer = (await person.execute(document, arguments)).get("data")
        if role == "owner":
            continue
        assert marks_in(answer, six.private) == [], role
        seen = [
            mark
            for mark in marks_in(answer, six.shared)
            if SHARED in mark or SHARED.lower() in mark
        ]
        assert bool(seen) is (role in MEMBERS and query in SHOWING), (role, seen)
        # A filter that somebody has saved keeps the id that it names.
        if role in OUTSIDERS and query != "savedViews":
            assert marks_in(answer, six.shared) == [], role


FILTERS: Final = (
    {"search": SHARED},
    {"tags": {"some": [SHARED.lower()]}},
    {"isOverdue": True},
    {"isRecurring": True},
    {"status": {"eq": "COMPLETED"}},
)


@pytest.mark.parametrize("todo_filter", FILTERS, ids=lambda value: next(iter(value)))
async def test_filters_find_what_is_in_the_list(todo_filter: dict[str, Any], six: Six) -> None:
    """What a filter finds in the list, and counts, is found by members, and by nobody else."""
    document = """query ($filter: TodoFilter) {
      todos(filter: $filter) { totalCount nodes { title } } stats(filter: $filter) { total }
      facets(filter: $filter) { total } tags(search: "quincunx") { totalCount }
    }"""
    expected = await six.owner.data(document, filter=todo_filter)
    assert expected["todos"]["totalCount"] > 0
    for role in MEMBERS:
        assert await six.people[role].data(document, filter=todo_filter) == expected, role
    nothing = {
        "todos": {"totalCount": 0, "nodes": []},
        "stats": {"total": 0},
        "facets": {"total": 0},
        "tags": {"totalCount": 0},
    }
    for role in OUTSIDERS:
        assert await six.people[role].data(document, filter=todo_filter) == nothing, role


VIEWER, EDITOR, MANAGER, OWNER = (role.name for role in ListRole)
# The role that a mutation of something in a list needs, the argument that names it, and what it names.
NEEDED: Final[dict[str, tuple[str, str, str]]] = {
    **dict.fromkeys(
        (
            *("todoUpdate", "todoStart", "todoComplete", "todoDelete", "todoMove"),
            "todoSkip",
        ),
        (EDITOR, "id", "Todo"),
    ),
    **dict.fromkeys(("todoBulkUpdate", "todoBulkDelete", "todoBulkMove"), (EDITOR, "ids", "Todo")),
    "commentCreate": (EDITOR, "todoId", "Todo"),
    "commentUpdate": (OWNER, "id", "Comment"),
    "commentDelete": (MANAGER, "id", "Comment"),
    "attachmentCreate": (EDITOR, "todoId", "Todo"),
    "attachmentDelete": (MANAGER, "id", "Attachment"),
    "listUpdate": (MANAGER, "id", "TodoList"),
    "sectionCreate": (MANAGER, "listId", "TodoList"),
    "sectionUpdate": (MANAGER, "id", "Section"),
    "sectionDelete": (MANAGER, "id", "Section"),
    "listInvite": (MANAGER, "id", "TodoList"),
    "listDelete": (OWNER, "id", "TodoList"),
    "listTransfer": (OWNER, "id", "TodoList"),
}
# What somebody does with what is theirs alone, with what they name in the input, or for themselves in a list.
FOR_ONESELF: Final = frozenset(
    {
        "todoCreate",
        "todoSnooze",
        "todoRestore",
        "todoBulkCreate",
        "todoBulkRestore",
        "tagRename",
        "tagDelete",
        "todoUndo",
        "todoUndoOccurrence",
        "reminderAdd",
        "reminderUpdate",
        "reminderDelete",
        # Of what they have announced themselves.
        "attachmentFinish",
        "savedViewCreate",
        "savedViewUpdate",
        "savedViewDelete",
        "listCreate",
        "listMove",
        "listRestore",
        "invitationAccept",
        "invitationDecline",
        "invitationRevoke",
        "memberUpdate",
        "memberRemove",
        "listLeave",
        "notificationsUpdate",
        "notificationsReadAll",
        "notificationPreferencesUpdate",
        "register",
        "login",
        "tokenRefresh",
        "logout",
        "sessionRevoke",
        "pushSubscribe",
        "pushUnsubscribe",
        "calendarFeedCreate",
        "calendarFeedDelete",
        "apiTokenCreate",
        "apiTokenRevoke",
        "importCreate",
        "importStart",
        "jobCancel",
        "exportCreate",
        "webhookCreate",
        "webhookUpdate",
        "webhookRotateSecret",
        "webhookTest",
        "webhookRedeliver",
        "webhookDelete",
        "profileUpdate",
        "passwordChange",
        "emailVerificationRequest",
        "emailVerify",
        "emailChangeRequest",
        "emailChangeConfirm",
        "passwordResetRequest",
        "passwordReset",
        "accountDelete",
        "userAdminUpdate",
    }
)


def codes_in(payload: dict[str, Any]) -> set[str]:
    """The codes of the errors of a mutation, each item's own of a bulk action."""
    items = payload.get("results") or [payload]
    return {error["code"] for item in items for error in item["errors"]}


@pytest.mark.parametrize("mutation", sorted(NEEDED))
async def test_a_mutation_is_refused_below_its_role(mutation: str, six: Six) -> None:
    """Too little a role is NOT_ALLOWED to members, and everything is NOT_FOUND to all others."""
    needed, argument, kind = NEEDED[mutation]
    call, id = Call(("Mutation", mutation), 2 if argument == "ids" else 1), six.ids[kind]
    arguments = required_arguments(field_of(call.coordinate))
    arguments[argument] = [id] if argument == "ids" else id
    before = await fetch(
        "SELECT to_jsonb(t)::text FROM todos t WHERE owner_id = $1 ORDER BY id", UUID(six.owner.id)
    )
    for role, person in six.people.items():
        if (role in MEMBERS and MEMBERS[role] >= ListRole[needed]) or role == "owner":
            continue
        answer = await person.data(call.document(arguments), **arguments)
        expected = "NOT_FOUND" if role in OUTSIDERS else "NOT_ALLOWED"
        assert expected in codes_in(answer[mutation]), (role, answer)
        assert role in MEMBERS or marks_in(answer, six.shared - {id}) == [], role
        assert marks_in(answer, six.private) == [], role
    after = await fetch(
        "SELECT to_jsonb(t)::text FROM todos t WHERE owner_id = $1 ORDER BY id", UUID(six.owner.id)
    )
    assert after == before
