"""What strangers get of somebody's things: nothing, in the words for what doesn't exist.

Every operation is written from the schema: whoever adds a field that takes an id or a cursor has it
tried by strangers, and whoever adds another one has to say here what a stranger would try.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

import pytest
from graphql import get_named_type, get_nullable_type, is_interface_type, is_list_type
from starlette.types import ASGIApp
from tortoise.transactions import in_transaction

from tests.support.accounts import Account, Client, NewAccount, registered, visiting
from tests.support.api_tokens import issued_with_id
from tests.support.attachments import put_file
from tests.support.comments import commented, mention
from tests.support.field_requests import ask
from tests.support.inboxes import entered, entry, prefer
from tests.support.lists import make_list, make_section, put_in_list, put_under, write_list
from tests.support.operations import (
    ADMINISTRATION,
    ROOTS,
    Call,
    Coordinate,
    Path,
    asks_nothing,
    coordinates_in,
    field_of,
    is_leaf,
    leaves,
    object_types,
    placed,
    reached,
    required_arguments,
    root_fields,
    samples,
    ways,
)
from tests.support.push_services import Browser
from tests.support.reminders import added, relative
from tests.support.sharing import invite_somebody, invited_often, member_id, share
from tests.support.transfers import stored_import
from tests.support.views import save
from tests.support.webhook_endpoints import delivered_once
from todo_gql.api.connections import PageArguments, ParentPage
from todo_gql.changelog.cursors import feed_keyset
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import ChangeKind, MailKind, NotificationKind, User
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.email.templates import LINK_PATHS
from todo_gql.features.members.loaders import (
    ListKey,
    invitations_by_list,
    members_by_list,
    roles_by_list,
)
from todo_gql.features.notifications.loaders import SubjectKey, subjects_by_key
from todo_gql.features.registry import FEATURES, TABLES
from todo_gql.features.todos.access import TODO_COLUMNS
from todo_gql.features.todos.comments import comment_pages_by_todo
from todo_gql.features.todos.history_pages import AFTER_NEWEST
from todo_gql.features.todos.list_loaders import (
    ListCountsKey,
    ListPageKey,
    SameFilter,
    TodosRequest,
    counts_by_list,
    todo_pages_by_list,
)
from todo_gql.features.todos.loaders import HistoryKey, history_by_todo_id, newer_history
from todo_gql.features.todos.log_pages import LogPageKey, activity_by_list, others_history
from todo_gql.features.todos.occurrences import PastKey, past_by_series_id
from todo_gql.features.todos.sorting import BY_POSITION
from todo_gql.features.todos.subtasks import (
    SubtaskEdge,
    SubtaskKey,
    subtask_edges,
    subtasks_by_parent_id,
)
from todo_gql.features.transfers.loaders import problem_pages_by_job_id
from todo_gql.features.views.loaders import Named, named_things
from todo_gql.features.webhooks.loaders import DeliveriesKey, delivery_pages
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.operation.loaders import BatchFunction, LoaderContext
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import Membership
from todo_gql.settings import Settings

pytestmark = pytest.mark.untraced

# Words that only the owner's things hold, and a tag that both owner and stranger use.
TITLE, DESCRIPTION, TRASHED, OWN_TAG = "Zyzzogeton", "quixotry", "Muzjiks", "heliotrope"
VIEW_NAME, COMMENT, FILE = "Syzygial", "Absquatulate", "Borborygmus.txt"
LIST, SECTION = "Bezique", "oxygenized"
SHARED_TAG = "shared"
TEXT_OF_QUERIES = ("search", "some", "every", "none")
CURSORS = ("after", "before", "cursor")
QUIET = {"weekday": 7, "from": "22:00", "to": "07:00"}
PAGES = {"after": "first", "before": "last"}


@dataclass(frozen=True)
class Owner:
    """Somebody with things of every kind."""

    account: Account
    ids: dict[str, str]
    cursors: dict[str, str]
    words: dict[str, str]
    links: dict[MailKind, str]
    marks: frozenset[str]


Rows: TypeAlias = dict[str, list[str]]


async def rows_of(account: Account) -> Rows:
    """All that is stored of an account."""
    return {
        table.name: [
            row["row"]
            for row in await fetch(
                f"SELECT to_jsonb(x)::text AS row FROM {table.name} x WHERE {table.owner} = $1"
                " ORDER BY to_jsonb(x)::text",
                UUID(account.id),
            )
        ]
        for table in TABLES
        if table.owner
    }


def uuids(rows: Rows) -> Iterator[str]:
    """Every id among the rows."""
    for row in (json.loads(text) for texts in rows.values() for text in texts):
        for value in row.values():
            if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
                yield value


CURSORS_OF = """{
  todos(first: 20) { pageInfo { endCursor } nodes { history { pageInfo { endCursor } } } }
  tags { pageInfo { endCursor } }
  lists(first: 20) { pageInfo { endCursor } nodes { activity { pageInfo { endCursor } } } }
  notifications { nodes { id } pageInfo { endCursor } }
  changes { pageInfo { endCursor } }
  changeCursor
}"""


async def mailed_links(account: Account, settings: Settings) -> dict[MailKind, str]:
    """The tokens in the links of mails that an account was sent, one of each kind."""
    links = {}
    async with in_transaction():
        stored = await User.get(id=account.id)
        for kind in LINK_PATHS:
            mail_id = uuid4()
            assert await outbox.enqueue(stored, kind, settings, mail_id=mail_id)
            links[kind] = LinkToken.of_mail(UUID(account.id), mail_id, settings).text
    return links


async def owner_of_everything(client: Client, settings: Settings) -> Owner:
    """Somebody with two todos and two lists, one each in the trash, a section, tags, and mails."""
    account = await registered(client)
    links = await mailed_links(account, settings)
    todo = await account.create(
        title=TITLE,
        description=DESCRIPTION,
        tags=[SHARED_TAG, OWN_TAG],
        dueAt="2020-01-01T00:00:00Z",
        assigneeId=account.id,
    )
    trashed = await account.create(title=TRASHED, tags=[SHARED_TAG])
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }", id=trashed["id"]
    )
    view = await save(account, name=VIEW_NAME, filter={"search": TITLE})
    reminder = await added(account, todo["id"], relative("PT9H"))
    comment = await commented(account, todo["id"], f"{COMMENT} {mention(account)}")
    file_id = await put_file(todo["id"], FILE, comment["id"])
    # The first list of all owners has the same place, which would be the stranger's own as well.
    trashed_list, made = await make_list(account), await make_list(account, name=LIST)
    section = await make_section(account, made["id"], SECTION)
    subtask = await account.create()
    await put_in_list(account, [todo["id"], subtask["id"]], made["id"], section["id"])
    await put_under(account, subtask["id"], todo["id"])
    await account.create(to={"listId": made["id"], "sectionId": section["id"]})
    await write_list(account, "listDelete(id: $id)", id=trashed_list["id"])
    await entered(entry(account, NotificationKind.JOB, actor=account, subject=todo["id"]))
    await prefer(account, {"JOB": {"email": False}}, [QUIET])
    await account.data(
        "mutation ($input: PushSubscribeInput!) { pushSubscribe(input: $input) { ok } }",
        input=Browser("https://push.example/owner").input,
    )
    await account.data("mutation { calendarFeedCreate { feed { id } } }")
    _, token_id = await issued_with_id(account, lists=[made["id"]])
    webhook = await delivered_once(account, "https://hooks.example/owner", made["id"])
    copy = await complete_occurrence(account)
    job = await stored_import(account, problems=1)
    # An account of its own, so that the owner's things are the same to everybody else.
    friend = await registered(client)
    await share(account, made["id"], friend)
    [invitation] = await invite_somebody(account, "quetzal")
    await account.data(
        "mutation ($id: ID!, $until: DateTime) { todoSnooze(id: $id, until: $until) { errors { code } } }",
        id=todo["id"],
        until="2999-01-01T00:00:00Z",
    )
    found = await account.data(CURSORS_OF)
    rows = await rows_of(account)
    changes = [row for row in map(json.loads, rows["changes"]) if row["kind"] == ChangeKind.TODO]
    ids = {
        "todo": todo["id"],
        "trashed todo": trashed["id"],
        "subtask": subtask["id"],
        "repeating todo": copy["repeating"],
        "completed occurrence": copy["id"],
        "tag": todo["tags"][0]["id"],
        "change": changes[0]["id"],
        "list": made["id"],
        "view": view["id"],
        "reminder": reminder["id"],
        "comment": comment["id"],
        "file": file_id,
        "trashed list": trashed_list["id"],
        "section": section["id"],
        "member": await member_id(account, made["id"], friend),
        "invitation": invitation,
        "notification": found["notifications"]["nodes"][0]["id"],
        "job": job,
        "webhook": webhook["id"],
        "delivery": webhook["deliveries"]["nodes"][0]["id"],
        "user": account.id,
        "session": json.loads(rows["sessions"][0])["id"],
        "push subscription": json.loads(rows["push_subscriptions"][0])["id"],
        "calendar feed": json.loads(rows["calendar_feeds"][0])["id"],
        "API token": str(token_id),
    }
    cursors = {
        "todo": found["todos"]["pageInfo"]["endCursor"],
        "tag": found["tags"]["pageInfo"]["endCursor"],
        "list": found["lists"]["pageInfo"]["endCursor"],
        "notification": found["notifications"]["pageInfo"]["endCursor"],
        "history": found["todos"]["nodes"][0]["history"]["pageInfo"]["endCursor"],
        "change": found["changes"]["pageInfo"]["endCursor"],
        "activity": found["lists"]["nodes"][0]["activity"]["pageInfo"]["endCursor"],
        "feed": found["changeCursor"],
        "delivery": webhook["deliveries"]["pageInfo"]["endCursor"],
    }
    words = {"title": TITLE, "description": DESCRIPTION, "tag": OWN_TAG, "name": account.username}
    words |= {"list": LIST, "section": SECTION}
    marks = frozenset({*uuids(rows), *words.values(), TRASHED, VIEW_NAME, COMMENT, FILE})
    return Owner(account, ids, cursors, words, links, marks)


async def complete_occurrence(account: Account) -> dict[str, str]:
    """The id of a new repeating todo, and that of the copy of its occurrence that was completed."""
    sent = {"dueDate": "2030-01-01", "recurrence": {"rule": "FREQ=DAILY"}}
    todo = await account.create(title="Again", **sent)
    data = await account.data(
        "mutation ($id: ID!) { todoComplete(id: $id) { completedOccurrence { id } } }",
        id=todo["id"],
    )
    return {"repeating": todo["id"], "id": data["todoComplete"]["completedOccurrence"]["id"]}


async def stranger_of_role(client: Client, role: str) -> Account:
    """Another user; an administrator sees accounts, but never what belongs to them."""
    account = await registered(client)
    if role == "administrator":
        await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    return account


ROLES = ["user", "administrator"]


# What only tries to read or change things of the owner's shares one owner and one stranger of each
# role, since setting them up takes longer than most of these tests.
@pytest.fixture(scope="module")
async def visitor(app: ASGIApp) -> AsyncIterator[Client]:
    """Somebody who isn't signed in, for the module."""
    async with visiting(app) as client:
        yield client


@pytest.fixture(scope="module")
async def owner(visitor: Client, settings: Settings) -> Owner:
    """The owner whose things strangers try to reach."""
    return await owner_of_everything(visitor, settings)


@pytest.fixture(scope="module", params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """The role of a stranger."""
    return str(request.param)


@pytest.fixture(scope="module")
async def stranger(role: str, visitor: Client) -> Account:
    """A stranger of each role."""
    return await stranger_of_role(visitor, role)


@pytest.fixture
async def other_owner(client: Client, settings: Settings) -> Owner:
    """An owner of one test, whose links in mails may be replaced."""
    return await owner_of_everything(client, settings)


@pytest.fixture(params=ROLES)
async def other_stranger(request: pytest.FixtureRequest, client: Client) -> Account:
    """A stranger of one test, who may change and delete what is theirs."""
    return await stranger_of_role(client, request.param)


@pytest.fixture(scope="module")
async def own_todo(visitor: Client, stranger: Account) -> dict[str, Any]:
    """The stranger's todo in a list and a section, beside a subtask and views."""
    todo = await stranger.create(title="Own", tags=[SHARED_TAG], assigneeId=stranger.id)
    await save(stranger, name="Own")
    await added(stranger, todo["id"], relative("PT9H"))
    comment = await commented(stranger, todo["id"], mention(stranger))
    await put_file(todo["id"], comment_id=comment["id"])
    await written(stranger, "pushSubscribe", input=Browser("https://push.example/stranger").input)
    await stranger.create(title="Below", tags=[SHARED_TAG], to={"parentId": todo["id"]})
    await save(stranger, name="Own")
    made = await make_list(stranger, name="Own")
    await written(stranger, "calendarFeedCreate", listIds=[made["id"]])
    await delivered_once(stranger, "https://hooks.example/stranger", made["id"])
    section = await make_section(stranger, made["id"])
    await put_in_list(stranger, [todo["id"]], made["id"], section["id"])
    # Pages of changes are short, so that what moved into a list has to be among the first.
    await complete_occurrence(stranger)
    await issued_with_id(stranger, lists=[made["id"]])
    await invite_somebody(stranger)
    inviting = await make_list(await registered(visitor))
    await invited_often(inviting["id"], stranger)
    await entered(entry(stranger, NotificationKind.JOB, actor=stranger, subject=todo["id"]))
    await prefer(stranger, {}, [QUIET])
    await stored_import(stranger, problems=1)
    return todo


@pytest.fixture
async def untouched(
    owner: Owner, stranger: Account, own_todo: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """The stranger's todo; in the end nothing of the owner's or of the stranger's has changed."""
    before = await rows_of(owner.account), await rows_of(stranger)
    yield own_todo
    assert (await rows_of(owner.account), await rows_of(stranger)) == before


@dataclass(frozen=True)
class Reference:
    """An argument, or a field deep inside one, that can name something of somebody's."""

    coordinate: Coordinate
    path: Path
    kind: str
    listed: bool

    def __str__(self) -> str:
        return f"{'.'.join(self.coordinate)}({'.'.join(self.path)})"

    @property
    def is_nested(self) -> bool:
        """Whether it is in a filter inside another one."""
        return not {"and", "or", "not"}.isdisjoint(self.path)

    @property
    def takes_all_at_once(self) -> bool:
        """Whether one request can name several things, of which each is looked for."""
        return self.listed and self.path[-1] != "every"

    @property
    def creates(self) -> bool:
        """Whether it is the id that something new is to have."""
        return self.coordinate in CREATING and self.path[-1] == "id" and "filter" not in self.path

    def arguments(self, value: Any) -> dict[str, Any]:
        """The arguments of the field with this value in its place."""
        field = field_of(self.coordinate)
        given = required_arguments(field)
        name, *inner = self.path
        given[name] = placed(field.args[name].type, tuple(inner), value)
        if name in PAGES and PAGES[name] in field.args:
            given[PAGES[name]] = 10
        return given


# And what of somebody's else's has such an id.
CREATING = {
    ("Mutation", "todoCreate"): ("todo", "trashed todo"),
    ("Mutation", "todoBulkCreate"): ("todo", "trashed todo"),
    ("Mutation", "listCreate"): ("list", "trashed list"),
    ("Mutation", "savedViewCreate"): ("view",),
    ("Mutation", "webhookCreate"): ("webhook",),
}


# The codes of errors beside, of values that don't go with the ids: a token of lists has fewer scopes.
OF_SAMPLES = {("Mutation", "apiTokenCreate"): {"INVALID"}}


def kind_of(coordinate: Coordinate, name: str, type_name: str) -> str | None:
    """What an argument or input field may name; None if it is nothing of anybody's."""
    if type_name == "ID":
        return "id"
    if name in CURSORS:
        return "cursor"
    return "word" if name in TEXT_OF_QUERIES else None


def is_saved_filter(path: Path) -> bool:
    """Whether it is a part of a saved filter that matches todos without naming any other thing."""
    return path[:2] == ("input", "filter") and not any(name.endswith("Id") for name in path)


def references() -> Iterator[Reference]:
    """Everything in the schema by which a stranger can name somebody's things."""
    for owner_type in object_types():
        for field_name, field in owner_type.fields.items():
            coordinate = (owner_type.name, field_name)
            if coordinate in ADMINISTRATION:
                continue
            for name, argument in field.args.items():
                for path, leaf in leaves(name, argument.type):
                    kind = kind_of(coordinate, path[-1], get_named_type(leaf).name)
                    if kind and not is_saved_filter(path):
                        listed = is_list_type(get_nullable_type(leaf))
                        yield Reference(coordinate, path, kind, listed)


REFERENCES = list(references())


def nobodys(value: str, kind: str) -> str:
    """The value's like that is nobody's: an unknown id, a place where nothing of anybody's is."""
    if kind == "id":
        return str(uuid4())
    if kind == "word":
        return value[::-1] + "x"
    signature, *values = json.loads(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    if isinstance(values[-1], str) and len(values[-1]) == len(str(UUID(int=0))):
        # The very next id, so that nothing lies between the two places.
        unknown = str(UUID(int=UUID(values[-1]).int + 1))
        text = json.dumps([signature, *values[:-1], unknown])
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")
    if isinstance(values[-1], str):
        # A place in the order by hand, and the one right behind it.
        text = json.dumps([signature, *values[:-1], values[-1] + "1"])
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return feed_keyset(uuid4()).cursor_of(values)


def theirs(reference: Reference, owner: Owner) -> dict[str, str]:
    """What of the owner's a stranger can try in an argument."""
    if reference.kind == "cursor":
        return owner.cursors
    if reference.kind == "word":
        return owner.words
    if reference.creates:
        return {kind: owner.ids[kind] for kind in CREATING[reference.coordinate]}
    return owner.ids


def variants(reference: Reference) -> Iterator[dict[str, Any]]:
    """Other ways to call a mutation: each optional argument, each choice of an input."""
    yield {}
    if reference.coordinate[0] != "Mutation":
        return
    for name, argument in field_of(reference.coordinate).args.items():
        if name != reference.path[0]:
            for value in samples(argument.type):
                yield {name: value}


FILE_LINK: Final = re.compile(r"/files/[\w.-]+")


def impersonal(answer: Any, values: Collection[str] = ()) -> str:
    """The words of an answer without what was sent, and without links to files, each good until a time of its own."""
    text = FILE_LINK.sub("/files/…", json.dumps(answer, ensure_ascii=False))
    for value in values:
        text = text.replace(value, "…")
    return text


async def tried(
    reference: Reference,
    stranger: Account,
    values: list[str],
    own: list[str] | None = None,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The answer to a stranger who names these values, after things of their own where they can."""
    [*_, last] = values
    sent: Any = [*(own or ()), *values] if reference.listed else last
    return await ask(
        stranger, Call(reference.coordinate), reference.arguments(sent) | (extra or {})
    )


def attempts(reference: Reference, owner: Owner) -> list[list[str]]:
    """The owner's things in as few requests as name each of them."""
    values = list(theirs(reference, owner).values())
    return [values] if reference.takes_all_at_once else [[value] for value in values]


def nothing_like(reference: Reference, values: list[str]) -> list[str]:
    """As many values that are nobody's."""
    if reference.creates:
        return ["not-an-id"]
    return [nobodys(value, reference.kind) for value in values]


async def try_everything(
    reference: Reference, owner: Owner, stranger: Account, own: dict[str, Any]
) -> None:
    """Name each of the owner's things as a stranger, and also something of nobody's."""
    reads = reference.coordinate[0] != "Mutation"
    listed = [own["id"]] if reference.kind == "id" and not reference.creates else []
    for extra in [{}] if reference.is_nested else variants(reference):
        before = listed if reads or not extra else []
        expected = ""
        for values in attempts(reference, owner):
            told = impersonal(await tried(reference, stranger, values, before, extra), values)
            # One unknown id is answered like any other one; words and cursors are each their own.
            if not expected or reference.kind != "id":
                nothing = nothing_like(reference, values)
                answer = await tried(reference, stranger, nothing, before, extra)
                expected = impersonal(answer, nothing)
            assert (str(reference), told) == (str(reference), expected)
            assert (str(reference), [mark for mark in owner.marks if mark in told]) == (
                str(reference),
                [],
            )
            if not reads:
                found = codes(json.loads(told), reference) - OF_SAMPLES.get(
                    reference.coordinate, set()
                )
                assert found == {"INVALID" if reference.creates else "NOT_FOUND"}


@pytest.mark.parametrize(
    "coordinate", sorted({each.coordinate for each in REFERENCES}), ids=".".join
)
async def test_what_a_stranger_names_does_not_exist(
    coordinate: Coordinate, role: str, owner: Owner, stranger: Account, untouched: dict[str, Any]
) -> None:
    """Somebody's id, cursor or word gets the answer that nobody's gets, and changes nothing."""
    for reference in REFERENCES:
        # Filters inside filters are tried by who may do more.
        if reference.is_nested and role != "administrator":
            continue
        if reference.coordinate == coordinate:
            await try_everything(reference, owner, stranger, untouched)


def codes(answer: dict[str, Any], reference: Reference) -> set[str]:
    """The codes of the errors in a mutation's payload, each item's own for a bulk action."""
    payload = answer["data"][reference.coordinate[1]]
    items = payload.get("results") or [payload]
    return {error["code"] for item in items for error in item["errors"]}


READ = sorted({each.coordinate for each in REFERENCES if each.coordinate[0] != "Mutation"})


@pytest.mark.parametrize("coordinate", READ, ids=".".join)
async def test_the_owner_finds_by_the_same_names(coordinate: Coordinate, owner: Owner) -> None:
    """What a stranger gets nothing by is what gives the owner something."""
    for reference in REFERENCES:
        # A cursor is a place, and what follows it may well be the same for the next place.
        if reference.coordinate != coordinate or reference.kind == "cursor":
            continue
        # That filters inside a filter are looked at is shown by one field for all.
        if reference.is_nested and coordinate != ("Query", "todos"):
            continue
        nothing = await tried(reference, owner.account, [nobodys(TITLE, reference.kind)])
        for value in theirs(reference, owner).values():
            if await tried(reference, owner.account, [value]) != nothing:
                break
        else:
            pytest.fail(f"the owner finds nothing by {reference}")


def leading_on() -> Iterator[Coordinate]:
    """Every field that leads to objects without being told which."""
    for kind in object_types():
        for name, field in kind.fields.items():
            coordinate = (kind.name, name)
            if kind.name not in ways() or coordinate in ADMINISTRATION:
                continue
            if asks_nothing(field) and not is_leaf(field):
                yield coordinate


def in_small_pages(document: str) -> str:
    """With four items a page, since all fields of fifty would cost more than they may."""
    return re.sub(
        r"\b(todos|changes|feed|activity|history|subtasks|members|invitations) \{",
        r"\1(first: 4) {",
        document,
    )


# What these lead to is asked for what is its own, and so is a thing of any type.
LEADS_TO_MANY = {("Reminder", "todo"), ("CalendarFeed", "lists"), ("ApiToken", "lists")}


@pytest.mark.parametrize("coordinate", list(leading_on()), ids=".".join)
async def test_no_way_leads_a_stranger_to_them(
    coordinate: Coordinate, owner: Owner, stranger: Account, untouched: dict[str, Any]
) -> None:
    """Nothing that a stranger can reach from their own things is anybody else's."""
    leads_anywhere = is_interface_type(get_named_type(field_of(coordinate).type))
    call = Call(coordinate, depth=1 if leads_anywhere or coordinate in LEADS_TO_MANY else 2)
    small = {"first": 5} if "first" in field_of(coordinate).args else {}
    data = await stranger.data(in_small_pages(call.document(small)), **small)
    own = [value for value in reached(data, (*call.way, coordinate[1])) if value is not None]
    assert own, "the fixture `untouched` has to give the stranger something that this leads to"
    assert [mark for mark in owner.marks if mark in impersonal(data)] == []


async def viewer_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """The viewer is who asks."""
    data = await stranger.data("{ viewer { id stats { total } } }")
    assert data["viewer"] == {"id": stranger.id, "stats": {"total": 1}}


async def change_cursor_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """Feeds of the same length don't have the same cursors."""
    length = "{ changeCursor changes { nodes { id } } }"
    own, others = await stranger.data(length), await owner.account.data(length)
    for _ in range(len(others["changes"]["nodes"]) - len(own["changes"]["nodes"])):
        await stranger.create()
    own = await stranger.data(length)
    assert len(own["changes"]["nodes"]) == len(others["changes"]["nodes"])
    assert own["changeCursor"] != others["changeCursor"]


async def registering_as_somebody(owner: Owner, stranger: Account) -> None:
    """Names are taken whatever their letter case, and that is all one hears of who has them."""
    name = owner.account.username.upper()
    for sent in ({"username": name}, {"email": f"{name}@EXAMPLE.com"}):
        fresh = f"new-{uuid4().hex[:8]}"
        input = {"username": fresh, "email": f"{fresh}@example.com", "password": "Battery2staple"}
        answer = await written(stranger, "register", input=input | sent)
        [error] = answer["errors"]
        assert (error["code"], error["current"]) == ("ALREADY_EXISTS", None)
        assert (answer["user"], answer["tokens"]) == (None, None)


async def signing_in_as_somebody(owner: Owner, stranger: Account) -> None:
    """A wrong password gets the words that an unknown name gets."""
    name = owner.account.username
    answers = [
        await written(stranger, "login", input={"usernameOrEmail": tried, "password": "Wrong4sure"})
        for tried in (name, f"{name}@example.com", f"x{name}", f"x{name}@example.com")
    ]
    assert answers == answers[:1] * 4
    assert answers[0]["errors"][0]["code"] == "INVALID_CREDENTIALS"


async def refreshing_somebodys_session(owner: Owner, stranger: Account) -> None:
    """No other thing of somebody's than the refresh token itself stands for it."""
    tried = [owner.account.token, owner.ids["session"], owner.account.id, "nothing"]
    answers = [await written(stranger, "tokenRefresh", refreshToken=each) for each in tried]
    assert answers == answers[:1] * 4
    assert answers[0]["errors"][0]["code"] == "INVALID_TOKEN"


async def signing_out_everywhere(owner: Owner, stranger: Account) -> None:
    """Everywhere is everywhere of one's own."""
    assert (await written(stranger, "logout", everywhere=True))["ok"]
    assert (await owner.account.data("{ viewer { id } }"))["viewer"] == {"id": owner.account.id}


async def sessions_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own devices are all that one sees."""
    [session] = (await stranger.data("{ sessions { id isCurrent } }"))["sessions"]
    assert session["isCurrent"]
    assert session["id"] != owner.ids["session"]


async def views_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own views are all that one sees."""
    assert (await stranger.data("{ savedViews { id } }")) == {"savedViews": []}


PREFERENCES = "{ notificationPreferences { digestAt kinds { kind email } } }"
NOTIFIED = {"digestAt": "06:00", "kinds": [{"kind": "JOB", "email": False}]}


async def preferences_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own preferences are all that one sees and changes."""
    seen = [
        (await each.data(PREFERENCES))["notificationPreferences"]
        for each in (owner.account, stranger)
    ]
    assert [len({one["email"] for one in each["kinds"]}) for each in seen] == [2, 1]


async def changing_preferences(owner: Owner, stranger: Account) -> None:
    """It is one's own preferences that change."""
    assert (await written(stranger, "notificationPreferencesUpdate", input=NOTIFIED))[
        "errors"
    ] == []
    seen = (await owner.account.data(PREFERENCES))["notificationPreferences"]
    assert seen["digestAt"] is None


async def following_an_inbox(owner: Owner, stranger: Account) -> None:
    """An inbox is followed over a stream, by its owner alone; elsewhere it can't be asked for."""
    answer = await stranger.execute("subscription { notifications { id } }")
    assert [mark for mark in owner.marks if mark in impersonal(answer)] == []
    assert answer["errors"]


async def subscribing_a_browser(owner: Owner, stranger: Account) -> None:
    """It is one's own browser that subscribes, beside those of others."""
    assert (
        await written(stranger, "pushSubscribe", input=Browser("https://push.example/own").input)
    )["ok"]
    shown = (await stranger.data("{ pushSubscriptions { id } }"))["pushSubscriptions"]
    assert len(shown) == 1
    assert shown[0]["id"] != owner.ids["push subscription"]


async def browsers_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own browsers are all that one sees, and the server's key is everybody's."""
    shown = await stranger.data("{ pushSubscriptions { id } pushPublicKey }")
    assert shown["pushSubscriptions"] == []
    key = (await owner.account.data("{ pushPublicKey }"))["pushPublicKey"]
    assert shown["pushPublicKey"] == key


async def exporting(owner: Owner, stranger: Account) -> None:
    """An export is of one's own things, and shown to nobody else."""
    job = (await written(stranger, "exportCreate"))["job"]
    shown = await owner.account.data("query ($id: ID!) { node(id: $id) { id } }", id=job["id"])
    assert shown["node"] is None


async def calendars_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own calendar feeds are all that one sees."""
    assert (await stranger.data("{ calendarFeeds { id } }")) == {"calendarFeeds": []}


async def api_tokens_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own tokens are all that one sees."""
    assert (await stranger.data("{ apiTokens { id } }")) == {"apiTokens": []}


async def jobs_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own jobs are all that one sees."""
    assert (await stranger.data("{ jobs { id } }")) == {"jobs": []}


async def webhooks_of_a_stranger(owner: Owner, stranger: Account) -> None:
    """One's own webhooks are all that one sees."""
    assert (await stranger.data("{ webhooks { id } }")) == {"webhooks": []}


async def previewing_a_recurrence(owner: Owner, stranger: Account) -> None:
    """A preview is of what the stranger sends, and says nothing of anybody's todos."""
    preview = '{ recurrencePreview(input: { rule: "FREQ=DAILY" }, dueDate: "2030-01-01") { date } }'
    days = (await stranger.data(preview))["recurrencePreview"]
    assert [one["date"] for one in days] == [f"2030-01-0{number}" for number in range(1, 6)]


async def changing_a_profile(owner: Owner, stranger: Account) -> None:
    """It is one's own profile that changes."""
    answer = await written(stranger, "profileUpdate", input={"firstName": "Stranger"})
    assert answer["user"]["id"] == stranger.id


async def changing_a_password(owner: Owner, stranger: Account) -> None:
    """It is one's own password that changes, and one's own sessions that end."""
    sent = {"currentPassword": stranger.password, "newPassword": "Battery2staple"}
    assert (await written(stranger, "passwordChange", input=sent))["errors"] == []
    assert (await owner.account.data("{ viewer { id } }"))["viewer"] == {"id": owner.account.id}


async def asking_for_verification(owner: Owner, stranger: Account) -> None:
    """It is one's own address that is mailed."""
    assert (await written(stranger, "emailVerificationRequest"))["ok"]


async def opening_somebodys_links(owner: Owner, stranger: Account) -> None:
    """Who is signed in as somebody else gets by their links what forged ones get."""
    for field, kind in (
        ("emailVerify", MailKind.VERIFICATION),
        ("emailChangeConfirm", MailKind.EMAIL_CHANGE),
    ):
        answers = [await written(stranger, field, token=t) for t in (owner.links[kind], "x" * 86)]
        assert answers[0] == answers[1]
        assert answers[0]["errors"][0]["code"] == "INVALID_TOKEN"


async def resetting_somebodys_password(owner: Owner, stranger: Account) -> None:
    """Neither by their link nor by asking for one: who asks hears nothing of who there is."""
    for token in (owner.links[MailKind.PASSWORD_RESET], owner.links[MailKind.VERIFICATION]):
        sent = {"token": token, "newPassword": "Battery2staple"}
        answer = await written(stranger, "passwordReset", input=sent)
        assert [error["code"] for error in answer["errors"]] == ["INVALID_TOKEN"]
    asked = [f"{owner.account.username}@example.com", f"x{owner.account.username}@example.com"]
    answers = [await written(stranger, "passwordResetRequest", email=email) for email in asked]
    assert answers[0] == answers[1]


async def moving_to_somebodys_address(owner: Owner, stranger: Account) -> None:
    """The answer doesn't tell that the address is somebody's."""
    asked = [f"{owner.account.username}@example.com", f"x{owner.account.username}@example.com"]
    answers = [
        await written(
            stranger, "emailChangeRequest", email=email, currentPassword=stranger.password
        )
        for email in asked
    ]
    assert answers[0] == answers[1]
    assert answers[0]["ok"]


async def deleting_an_account(owner: Owner, stranger: Account) -> None:
    """It is one's own account that is deleted, and only with one's own password."""
    assert not (await written(stranger, "accountDelete", currentPassword="Wrong4sure"))["ok"]
    await written(stranger, "accountDelete", currentPassword=stranger.password)
    assert (await owner.account.data("{ viewer { id } }"))["viewer"] == {"id": owner.account.id}


async def administering(owner: Owner, stranger: Account) -> None:
    """Only administrators see that there are others, and they see nothing of their todos."""
    row = await fetchrow("SELECT is_superuser FROM users WHERE id = $1", UUID(stranger.id))
    assert row is not None
    search = Call(("Query", "users"), depth=3).document({"filter": {}})
    found = await stranger.execute(search, {"filter": {"search": owner.account.username}})
    change = Call(("Mutation", "userAdminUpdate"))
    nothing: dict[str, Any] = {"id": str(uuid4()), "input": {"isActive": False}}
    changed = await stranger.execute(change.document(nothing), nothing)
    if row["is_superuser"]:
        [user] = found["data"]["users"]["nodes"]
        assert (user["id"], user["stats"]) == (owner.account.id, None)
        told = impersonal(found)
        assert [word for word in (TITLE, DESCRIPTION, TRASHED, OWN_TAG) if word in told] == []
        [error] = changed["data"]["userAdminUpdate"]["errors"]
        assert error["code"] == "NOT_FOUND"
        return
    for answer in (found, changed):
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
        assert [mark for mark in owner.marks if mark in impersonal(answer)] == []


async def written(stranger: Account, field: str, **arguments: Any) -> dict[str, Any]:
    """The payload of a mutation that a stranger calls."""
    document = Call(("Mutation", field)).document(arguments)
    return dict((await stranger.data(document, **arguments))[field])


# The fields of the roots that take neither ids nor cursors, and what a stranger tries with them.
WRITTEN: dict[Coordinate, Callable[[Owner, Account], Awaitable[None]]] = {
    ("Query", "viewer"): viewer_of_a_stranger,
    ("Query", "changeCursor"): change_cursor_of_a_stranger,
    ("Query", "sessions"): sessions_of_a_stranger,
    ("Query", "savedViews"): views_of_a_stranger,
    ("Query", "notificationPreferences"): preferences_of_a_stranger,
    ("Mutation", "notificationPreferencesUpdate"): changing_preferences,
    ("Subscription", "notifications"): following_an_inbox,
    ("Query", "pushPublicKey"): browsers_of_a_stranger,
    ("Query", "pushSubscriptions"): browsers_of_a_stranger,
    ("Mutation", "pushSubscribe"): subscribing_a_browser,
    ("Mutation", "exportCreate"): exporting,
    ("Query", "calendarFeeds"): calendars_of_a_stranger,
    ("Query", "apiTokens"): api_tokens_of_a_stranger,
    ("Query", "jobs"): jobs_of_a_stranger,
    ("Query", "webhooks"): webhooks_of_a_stranger,
    ("Query", "recurrencePreview"): previewing_a_recurrence,
    ("Mutation", "profileUpdate"): changing_a_profile,
    ("Mutation", "passwordChange"): changing_a_password,
    ("Mutation", "register"): registering_as_somebody,
    ("Mutation", "login"): signing_in_as_somebody,
    ("Mutation", "tokenRefresh"): refreshing_somebodys_session,
    ("Mutation", "logout"): signing_out_everywhere,
    ("Mutation", "emailVerificationRequest"): asking_for_verification,
    ("Mutation", "emailVerify"): opening_somebodys_links,
    ("Mutation", "emailChangeRequest"): moving_to_somebodys_address,
    ("Mutation", "emailChangeConfirm"): opening_somebodys_links,
    ("Mutation", "passwordResetRequest"): resetting_somebodys_password,
    ("Mutation", "passwordReset"): resetting_somebodys_password,
    ("Mutation", "accountDelete"): deleting_an_account,
    **dict.fromkeys(sorted(ADMINISTRATION), administering),
}


@pytest.mark.parametrize("coordinate", WRITTEN, ids=".".join)
async def test_what_needs_no_name_gives_nothing_away(
    coordinate: Coordinate, other_owner: Owner, other_stranger: Account
) -> None:
    """Fields that name nothing of anybody's are about the stranger, and change nothing else."""
    await other_stranger.create(tags=[SHARED_TAG])
    before = await rows_of(other_owner.account)
    await WRITTEN[coordinate](other_owner, other_stranger)
    assert await rows_of(other_owner.account) == before


ANY_FILTER = SameFilter(None)
FIRST_PAGE = TodosRequest(ANY_FILTER, BY_POSITION, PageArguments(), TODO_COLUMNS)
KEYS: dict[Any, Callable[[UUID], Any]] = {
    counts_by_list: lambda key: ListCountsKey(key, ANY_FILTER),
    todo_pages_by_list: lambda key: ListPageKey(key, FIRST_PAGE),
    history_by_todo_id: lambda key: HistoryKey(key, size=10, before=AFTER_NEWEST),
    newer_history: lambda key: HistoryKey(key, size=10, before=0),
    activity_by_list: lambda key: LogPageKey(key, size=10),
    others_history: lambda key: LogPageKey(key, size=10),
    subtasks_by_parent_id: lambda key: SubtaskKey(
        key, size=10, after=None, before=None, backwards=False
    ),
    past_by_series_id: lambda key: PastKey(key, size=10, before=None),
    subtask_edges: lambda key: SubtaskEdge(key, position="", towards_start=False),
    named_things: lambda key: Named("listId", key),
    roles_by_list: lambda key: ListKey(UUID(int=0), key),
    members_by_list: lambda key: ParentPage(key, PageArguments()),
    invitations_by_list: lambda key: ParentPage(key, PageArguments()),
    comment_pages_by_todo: lambda key: ParentPage(key, PageArguments()),
    problem_pages_by_job_id: lambda key: ParentPage(key, PageArguments()),
    delivery_pages: lambda key: DeliveriesKey(ParentPage(key, PageArguments()), None),
    subjects_by_key: lambda key: SubjectKey(ChangeKind.TODO, key),
}
LOADERS = [load for feature in FEATURES for load in feature.loaders]


@pytest.mark.parametrize("load", LOADERS, ids=[load.__name__ for load in LOADERS])
async def test_no_loader_loads_anything_of_others(
    load: BatchFunction[Any, Any], owner: Owner, new_account: NewAccount
) -> None:
    """Keys of somebody's things load what unknown keys load, except for the owner."""
    stranger = await new_account()
    ids = [UUID(id) for id in owner.ids.values()]

    async def loaded(account: Account, ids: list[UUID]) -> list[str]:
        # Who shares no list sends fewer statements.
        company = Membership(has_company=True)
        ids_of_viewer = UUID(account.id), uuid4(), account.username
        viewer = Viewer(*ids_of_viewer, is_superuser=False, membership=company)
        keys = [KEYS[load](id) if load in KEYS else id for id in ids]
        values = await load(LoaderContext(viewer, datetime.now(UTC)), keys)
        # Counts come with the id that they are of.
        return [repr(one).replace(repr(id), "…") for one, id in zip(values, ids, strict=True)]

    nothing = await loaded(stranger, [uuid4() for _ in ids])
    assert await loaded(stranger, ids) == nothing
    assert await loaded(owner.account, ids) != nothing


async def test_a_tag_of_the_same_name_is_another_tag(owner: Owner, other_stranger: Account) -> None:
    """Creating, adding and renaming by somebody's tag names makes tags of one's own."""
    before = await rows_of(owner.account)
    todo = await other_stranger.create(tags=[SHARED_TAG, OWN_TAG])
    add = "{ addTags: $names }, ids: [$id]"
    await other_stranger.data(
        f"mutation ($id: ID!, $names: [String!]!) {{ todoBulkUpdate(action: {add}) {{ updated }} }}",
        id=(await other_stranger.create())["id"],
        names=[SHARED_TAG],
    )
    renamed = await other_stranger.create(tags=["other"])
    rename = (
        "mutation ($id: ID!, $name: String!) { tagRename(id: $id, name: $name) { tag { id } } }"
    )
    merged = await other_stranger.data(rename, id=renamed["tags"][0]["id"], name=SHARED_TAG)
    own = {tag["id"] for tag in todo["tags"]}
    assert merged["tagRename"]["tag"]["id"] in own
    assert own.isdisjoint(owner.marks)
    assert await rows_of(owner.account) == before


def test_every_field_has_a_stranger() -> None:
    """A field that takes no id or cursor has to say above what a stranger would try with it."""
    roots = {coordinate for operation in ROOTS for coordinate in root_fields(operation)}
    untried = roots - {each.coordinate for each in REFERENCES} - set(WRITTEN)
    assert not untried, f"say in WRITTEN what a stranger tries with {untried}"
    assert set(WRITTEN) <= roots - {each.coordinate for each in REFERENCES}
    documents = [
        *(Call(each.coordinate).document(each.arguments("x")) for each in REFERENCES),
        *(Call(coordinate).document({}) for coordinate in leading_on()),
        *(Call(each).document(required_arguments(field_of(each))) for each in WRITTEN),
    ]
    asked = {coordinate for document in documents for coordinate in coordinates_in(document)}
    every = {(kind.name, name) for kind in object_types() for name in kind.fields}
    assert every - asked == set()


# What may be asked by somebody who isn't signed in.
OPEN_TO_ALL = {
    ("Query", "viewer"),
    ("Mutation", "register"),
    ("Mutation", "login"),
    ("Mutation", "tokenRefresh"),
    ("Mutation", "emailVerify"),
    ("Mutation", "emailChangeConfirm"),
    ("Mutation", "passwordReset"),
    ("Mutation", "passwordResetRequest"),
}


@pytest.mark.parametrize("coordinate", [c for o in ROOTS for c in root_fields(o)], ids=".".join)
async def test_signed_out(coordinate: Coordinate, client: Client) -> None:
    """Only the viewer, who is null, and the sign-in fields may be selected without a token."""
    arguments = required_arguments(field_of(coordinate))
    answer = await ask(client, Call(coordinate), arguments)
    if coordinate in OPEN_TO_ALL:
        assert "errors" not in answer
        payload = answer["data"][coordinate[1]]
        assert payload is None or payload["errors"]
        return
    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("UNAUTHENTICATED", [coordinate[1]])
    assert not (answer["data"] or {}).get(coordinate[1])
