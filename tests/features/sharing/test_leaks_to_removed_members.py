"""What somebody who was removed from a list still gets of it, whatever they kept: nothing.

They have noted the ids and cursors of everything, and are members of another list of the same owner. What they
are answered is what they would be for ids that never existed.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import PASSWORD, Account, Client, registered, visiting
from tests.support.attachments import announce, attached
from tests.support.comments import commented, mention
from tests.support.lists import make_list, make_section, put_under
from tests.support.operations import SCHEMA
from tests.support.reminders import added
from tests.support.sharing import INVITE, REMOVE, join, member_id, sharing
from tests.support.statements import recording
from tests.support.views import save
from todo_gql.features.notifications.feed_reader import read_feed
from todo_gql.security.authentication import VIEWER_OF_SESSION

pytestmark = pytest.mark.untraced

MARK: Final = "Quincunx"
ID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TODO: Final = """id title tags { id name todoCount } list { id name } section { name } parent { title }
    assignee { id username } owner { id } reminders { id } snoozedUntil progress { total }
    attachments { id fileName uploadedBy { id } }"""
NODE: Final = f"""query ($id: ID!) {{ node(id: $id) {{ __typename id
  ... on Todo {{ {TODO} }} ... on TodoList {{ name members {{ totalCount }} }} ... on Section {{ name inList: list {{ name }} }}
  ... on Tag {{ name todoCount }} ... on Comment {{ body author {{ id }} todo {{ title }} }}
  ... on ListMember {{ role user {{ username }} }} ... on Invitation {{ listName sentTo invitedBy {{ id }} }}
  ... on Reminder {{ firesAt todo {{ title }} }} ... on Attachment {{ fileName url uploadedBy {{ id }} }}
}} }}"""
# The answers to these show what is in the list before the removal, and nothing of it afterwards.
PAGES: Final = {
    "todos": f"""query ($after: String) {{
        page: todos(first: 2, after: $after) {{ totalCount nodes {{ {TODO} }} pageInfo {{ endCursor }} }} }}""",
    "todos by position": f"""query ($after: String) {{
        page: todos(sort: [{{ field: POSITION }}], first: 2, after: $after) {{
            totalCount nodes {{ {TODO} }} pageInfo {{ endCursor }} }} }}""",
    "todos by day": f"""query ($after: String) {{
        page: todos(sort: [{{ field: DUE }}], first: 2, after: $after) {{
            totalCount nodes {{ {TODO} }} pageInfo {{ endCursor }} }} }}""",
    "todos of the list": f"""query ($after: String, $list: ID!) {{
        page: todos(filter: {{ listId: {{ eq: $list }} }}, first: 2, after: $after) {{
            totalCount nodes {{ {TODO} }} pageInfo {{ endCursor }} }} }}""",
    "search": f"""query ($after: String) {{
        page: todos(filter: {{ search: "Quincunx" }}, first: 2, after: $after) {{
            totalCount nodes {{ {TODO} }} pageInfo {{ endCursor }} }} }}""",
    "similar words": f"""query ($after: String) {{
        page: todos(filter: {{ search: "Quincunks" }}, first: 2, after: $after) {{
            totalCount nodes {{ {TODO} }} pageInfo {{ endCursor }} }} }}""",
    "lists": """query ($after: String) {
        page: lists(first: 1, after: $after) { totalCount nodes { id name viewerRole } pageInfo { endCursor } } }""",
    "tags": """query ($after: String) {
        page: tags(first: 1, after: $after) { totalCount nodes { id name todoCount } pageInfo { endCursor } } }""",
    "changes": f"""query ($after: String) {{
        page: changes(first: 2, after: $after) {{ nodes {{
            todo {{ {TODO} }} list {{ name }} fields {{ name before after }} }} pageInfo {{ endCursor }} }} }}""",
    "feed": f"""query ($after: String) {{
        page: feed(first: 2, after: $after) {{ nodes {{ __typename
            ... on Change {{ todo {{ {TODO} }} list {{ name }} fields {{ name before after }} }}
            ... on ListChange {{ list {{ name }} }}
            ... on MemberChange {{ list {{ name }} role }}
            ... on CommentChange {{ comment {{ body }} }} }} pageInfo {{ endCursor }} }} }}""",
    "feed of the list": f"""query ($after: String, $list: ID!) {{
        page: feed(first: 2, after: $after, listId: $list) {{ nodes {{ __typename
            ... on Change {{ todo {{ {TODO} }} list {{ name }} fields {{ name before after }} }}
            ... on ListChange {{ list {{ name }} }}
            ... on MemberChange {{ list {{ name }} role }}
            ... on CommentChange {{ comment {{ body }} }} }} pageInfo {{ endCursor }} }} }}""",
    "notifications": """query ($after: String) {
        page: notifications(first: 1, after: $after) { nodes {
            excerpt subject { __typename id } } pageInfo { endCursor } } }""",
    "saved view": f"""query {{ savedViews {{ name todos(first: 2) {{ totalCount nodes {{ {TODO} }} }} }} }}""",
    "facets": """query { facets {
        total lists { count list { id name } } tags { count tag { id name } } assignees { count assignee { id } } } }""",
    "nested pages": """query ($list: ID!, $todo: ID!) {
        node(id: $list) { ... on TodoList {
            activity { nodes { __typename } } invitations { nodes { sentTo } } members { nodes { user { username } } }
            todos { nodes { title } } stats { total } sections { name } } }
        todo(id: $todo) {
            title history { nodes { fields { after } } } subtasks { nodes { title } } comments { nodes { body } } } }""",
}


@dataclass
class Removed:
    """Somebody who was removed from a list, and what they noted before: ids, cursors and answers."""

    owner: Account
    person: Account
    ids: dict[str, str]
    cursors: dict[str, list[str]]
    before: dict[str, Any]
    undo_cursor: str

    def variables(self, document: str, ids: dict[str, str]) -> dict[str, str]:
        """The ids that a document names."""
        names = {"list": "TodoList", "todo": "Todo"}
        return {name: ids[kind] for name, kind in names.items() if f"${name}:" in document}


@pytest.fixture(scope="module")
async def visitor(app: ASGIApp) -> AsyncIterator[Client]:
    """Somebody who isn't signed in, for the module."""
    async with visiting(app) as client:
        yield client


async def _fill(owner: Account, person: Account, mate: Account) -> dict[str, str]:
    """The ids of a list that has something of every kind, its owner's and the person's own."""
    list_id = (await make_list(owner, name=MARK))["id"]
    section = await make_section(owner, list_id, MARK)
    own_member_id = await join(owner, list_id, person, "MANAGER")
    await join(owner, list_id, mate, "EDITOR")
    place = {"listId": list_id, "sectionId": section["id"]}
    values = {"title": MARK, "tags": [MARK.lower()], "assigneeId": person.id}
    todo = await owner.create(**values, to=place, dueDate="2030-01-01")
    below = await owner.create(title=f"{MARK} below", to={"listId": list_id})
    await put_under(owner, below["id"], todo["id"])
    repeats = {"dueDate": "2030-01-01", "recurrence": {"rule": "FREQ=DAILY"}}
    again = await owner.create(title=f"{MARK} again", to={"listId": list_id}, **repeats)
    completed = await person.data(
        "mutation ($id: ID!) { todoComplete(id: $id) { completedOccurrence { id } } }",
        id=again["id"],
    )
    comment = await commented(owner, todo["id"], f"{MARK} {mention(person)}")
    own_comment = await commented(person, todo["id"], MARK)
    reminder = await added(person, todo["id"], {"at": "2999-01-01T00:00:00Z"})
    files = [await attached(one, todo["id"], fileName=f"{MARK}.txt") for one in (owner, person)]
    announced = await announce(person, todo["id"], b"content", fileName=f"{MARK}.txt")
    await sharing(owner, INVITE, id=list_id, to="nobody", role="VIEWER")
    invited = (
        "query ($id: ID!) { node(id: $id) { ... on TodoList { invitations { nodes { id } } } } }"
    )
    [invitation] = (await person.data(invited, id=list_id))["node"]["invitations"]["nodes"]
    await save(person, name="Theirs", filter={"listId": {"eq": list_id}})
    return {
        "TodoList": list_id,
        "Section": section["id"],
        "Todo": todo["id"],
        "Todo below": below["id"],
        "Todo that repeats": again["id"],
        "Todo completed": completed["todoComplete"]["completedOccurrence"]["id"],
        "Tag": todo["tags"][0]["id"],
        "Comment": comment["id"],
        "own Comment": own_comment["id"],
        "ListMember": await member_id(owner, list_id, mate),
        "own ListMember": own_member_id,
        "Invitation": invitation["id"],
        "Reminder": reminder["id"],
        "Attachment": files[0]["id"],
        "own Attachment": files[1]["id"],
        "Attachment announced": announced["attachment"]["id"],
        "User": mate.id,
    }


@pytest.fixture(scope="module")
async def removed(visitor: Client) -> Removed:
    """The person, removed from the list and still in another one of its owner."""
    owner, person, mate = [await registered(visitor) for _ in range(3)]
    other = await make_list(owner, name="Other")
    await join(owner, other["id"], person)
    ids = await _fill(owner, person, mate)
    await owner.create(title="Visible", tags=["visible"], to={"listId": other["id"]})
    renamed = await person.data(
        f'mutation ($id: ID!) {{ todoUpdate(id: $id, input: {{ title: "{MARK} 2" }}) {{ undoCursor }} }}',
        id=ids["Todo"],
    )
    await read_feed(UUID(person.id))
    found = Removed(owner, person, ids, {}, {}, renamed["todoUpdate"]["undoCursor"])
    for name in ids:
        found.before[name] = await person.data(NODE, id=ids[name])
    for name, document in PAGES.items():
        found.cursors[name], variables = [], found.variables(document, ids)
        found.before[name] = await person.data(document, **variables)
        page = found.before[name].get("page")
        while page and page["nodes"] and page["pageInfo"]["endCursor"] not in found.cursors[name]:
            found.cursors[name].append(page["pageInfo"]["endCursor"])
            after = await person.data(document, **variables, after=found.cursors[name][-1])
            found.before[name] |= {f"page {len(found.cursors[name])}": page}
            page = after["page"]
    own_id = ids["own ListMember"]
    assert (await sharing(owner, REMOVE, id=own_id))["errors"] == []
    return found


@pytest.mark.parametrize(
    "name",
    [
        "TodoList",
        "Section",
        "Todo",
        "Todo below",
        "Todo that repeats",
        "Todo completed",
        "Tag",
        "Comment",
        "own Comment",
        "ListMember",
        "own ListMember",
        "Invitation",
        "Reminder",
        "Attachment",
        "own Attachment",
        "Attachment announced",
        "User",
    ],
)
async def test_no_id_opens_anything(name: str, removed: Removed) -> None:
    """An id that was noted is the id of nothing after the removal."""
    assert removed.before[name]["node"]["id"] == removed.ids[name]
    assert await removed.person.data(NODE, id=removed.ids[name]) == {"node": None}


def traces(removed: Removed, answer: Any) -> list[str]:
    """What an answer has of the list: its words, and ids of what is in it."""
    text = json.dumps(answer)
    marks = {MARK, MARK.lower(), *removed.ids.values()}
    return [mark for mark in marks if mark in text]


@pytest.mark.parametrize("name", PAGES)
async def test_no_page_shows_anything(name: str, removed: Removed) -> None:
    """A query that showed the list shows nothing of it after the removal, also from cursors of before."""
    document = PAGES[name]
    variables = removed.variables(document, removed.ids)
    assert traces(removed, removed.before[name])
    for after in (None, *removed.cursors[name]):
        answer = await removed.person.execute(
            document, {**variables, "after": after} if "$after" in document else variables
        )
        assert traces(removed, answer) == [], answer


ERRORS: Final = "errors { __typename code message path ... on ConflictError { current { id } } ... on NotAllowedError { needed } }"
FILE: Final = f'{{ fileName: "x.txt", size: 1, contentType: "text/plain", sha256: "{"0" * 64}" }}'
# Each is answered as it is for ids that never existed; `$own` is a todo of the person's own.
WRITES: Final = {
    "todoUpdate": 'todoUpdate(id: $Todo, input: { title: "X" }) { todo { id }',
    "todoUpdate of a version": 'todoUpdate(id: $Todo, input: { title: "X" }, expectedVersion: 99) { todo { id }',
    "todoUpdate with problems": 'todoUpdate(id: $Todo, input: { title: "" }) { todo { id }',
    "todoStart": "todoStart(id: $Todo) { todo { id }",
    "todoComplete": "todoComplete(id: $Todo) { todo { id } completedOccurrence { id }",
    "todoSkip": "todoSkip(id: $Todo) { todo { id }",
    "todoSnooze": 'todoSnooze(id: $Todo, until: "2999-01-01T00:00:00Z") { todo { id }',
    "todoDelete": "todoDelete(id: $Todo) { todo { id }",
    "todoRestore": "todoRestore(id: $Todo) { todo { id }",
    "todoMove": "todoMove(id: $Todo, to: { listId: null }) { todo { id }",
    "todoMove to the list": "todoMove(id: $own, to: { listId: $TodoList }) { todo { id }",
    "todoMove to the section": "todoMove(id: $own, to: { sectionId: $Section }) { todo { id }",
    "todoMove below": "todoMove(id: $own, to: { parentId: $Todo }) { todo { id }",
    "todoMove behind": "todoMove(id: $own, to: { place: { after: $Todo } }) { todo { id }",
    "todoUndoOccurrence": "todoUndoOccurrence(id: $occurrence) { todo { id }",
    "todoCreate in the list": 'todoCreate(input: { title: "X", to: { listId: $TodoList } }) { todo { id }',
    "todoCreate in the section": 'todoCreate(input: { title: "X", to: { sectionId: $Section } }) { todo { id }',
    "todoCreate for a member": 'todoCreate(input: { title: "X", assigneeId: $User }) { todo { id }',
    "todoUpdate for a member": "todoUpdate(id: $own, input: { assigneeId: $User }) { todo { id }",
    "todoBulkCreate": """todoBulkCreate(onError: SKIP_FAILED, dryRun: true, inputs: [
        { title: "X", to: { listId: $TodoList } }, { title: "Y", assigneeId: $User }]) {
        updated results { todo { id } errors { code message path } }""",
    "todoBulkUpdate": """todoBulkUpdate(ids: [$Todo, $own], action: { addTags: ["x"] }, onError: SKIP_FAILED, dryRun: true) {
        processed updated results { todo { title } errors { code message path } }""",
    "todoBulkMove": """todoBulkMove(ids: [$Todo, $own], to: { listId: null }, onError: SKIP_FAILED, dryRun: true) {
        processed updated results { todo { title } errors { code message path } }""",
    "todoBulkMove to the list": """todoBulkMove(ids: [$own], to: { listId: $TodoList }, dryRun: true) {
        processed updated results { todo { title } errors { code message path } }""",
    "todoBulkDelete": """todoBulkDelete(ids: [$Todo, $own], onError: SKIP_FAILED, dryRun: true) {
        processed updated results { todo { title } errors { code message path } }""",
    "todoBulkDelete or none": """todoBulkDelete(ids: [$Todo, $own], dryRun: true) {
        processed updated results { todo { title } errors { code message path } }""",
    "todoBulkRestore": """todoBulkRestore(ids: [$Todo, $own], onError: SKIP_FAILED, dryRun: true) {
        processed updated results { todo { title } errors { code message path } }""",
    "tagRename": 'tagRename(id: $Tag, name: "x") { tag { id }',
    "tagDelete": "tagDelete(id: $Tag) { tag { id }",
    "reminderAdd": 'reminderAdd(todoId: $Todo, input: { at: "2999-01-01T00:00:00Z" }) { reminder { id }',
    "reminderUpdate": 'reminderUpdate(id: $Reminder, input: { at: "2999-01-02T00:00:00Z" }) { reminder { id }',
    "reminderDelete": "reminderDelete(id: $Reminder) { ok",
    "commentCreate": 'commentCreate(todoId: $Todo, input: { body: "x" }) { comment { id }',
    "commentUpdate": 'commentUpdate(id: $comment, body: "x") { comment { id }',
    "commentUpdate of others": 'commentUpdate(id: $Comment, body: "x", expectedVersion: 9) { comment { id }',
    "commentDelete": "commentDelete(id: $comment) { comment { id }",
    "savedViewCreate": """savedViewCreate(input: { name: "X", filter: { and: [
        { listId: { eq: $TodoList } }, { sectionId: { eq: $Section } }, { assigneeId: { eq: $User } }, { parentId: { eq: $Todo } }] } }) {
        view { isValid todos { totalCount } }""",
    "listUpdate": 'listUpdate(id: $TodoList, input: { name: "X" }) { list { id }',
    "listUpdate of a version": 'listUpdate(id: $TodoList, input: { name: "X" }, expectedVersion: 99) { list { id }',
    "listUpdate of a level": "listUpdate(id: $TodoList, input: { notify: NONE }) { list { id }",
    "listMove": "listMove(id: $TodoList, place: { last: true }) { list { id }",
    "listMove behind": "listMove(id: $list, place: { after: $TodoList }) { list { id }",
    "listDelete": "listDelete(id: $TodoList) { list { id }",
    "listRestore": "listRestore(id: $TodoList) { list { id }",
    "sectionCreate": 'sectionCreate(listId: $TodoList, name: "X") { section { id }',
    "sectionUpdate": 'sectionUpdate(id: $Section, name: "X") { section { id }',
    "sectionDelete": "sectionDelete(id: $Section) { section { id }",
    "listInvite": 'listInvite(id: $TodoList, input: { usernameOrEmail: "somebody" }) { ok',
    "invitationAccept": "invitationAccept(id: $Invitation) { list { id }",
    "invitationDecline": "invitationDecline(id: $Invitation) { ok",
    "invitationRevoke": "invitationRevoke(id: $Invitation) { ok",
    "memberUpdate": "memberUpdate(id: $ListMember, role: VIEWER) { member { id }",
    "memberUpdate of oneself": "memberUpdate(id: $self, role: OWNER) { member { id }",
    "memberRemove": "memberRemove(id: $ListMember) { ok",
    "memberRemove of oneself": "memberRemove(id: $self) { ok",
    "listTransfer": f'listTransfer(id: $TodoList, toId: $User, currentPassword: "{PASSWORD}") {{ list {{ id }}',
    "listLeave": "listLeave(id: $TodoList) { ok",
    "apiTokenCreate": 'apiTokenCreate(input: { name: "T", scopes: [TODOS_READ], listIds: [$TodoList],'
    f' currentPassword: "{PASSWORD}" }}) {{ token {{ id }}',
    "calendarFeedCreate": "calendarFeedCreate(listIds: [$TodoList]) { feed { id }",
    "attachmentCreate": f"attachmentCreate(todoId: $Todo, input: {FILE}) {{ attachment {{ id }} upload {{ url }}",
    "attachmentFinish": "attachmentFinish(id: $announced) { attachment { id } upload { url }",
    "attachmentFinish of what is READY": "attachmentFinish(id: $file) { attachment { id url } upload { url }",
    "attachmentFinish of others": "attachmentFinish(id: $Attachment) { attachment { id url } upload { url }",
    "attachmentDelete": "attachmentDelete(id: $file) { ok",
    "attachmentDelete of what is announced": "attachmentDelete(id: $announced) { ok",
    "attachmentDelete of others": "attachmentDelete(id: $Attachment) { ok",
    "commentCreate with a file": 'commentCreate(todoId: $own, input: { body: "x", attachmentIds: [$file] }) { comment { id }',
    "webhookCreate": 'webhookCreate(input: { url: "https://hooks.example/in", types: ["*"], listId: $TodoList })'
    " { webhook { id } secret",
    "importCreate": f'importCreate(input: {{ fileName: "x.csv", size: 1, sha256: "{"0" * 64}", listId: $TodoList }})'
    " { job { id } upload { url }",
}
# What takes no id of anything in a list, and what is tried below.
OF_NO_LIST: Final = frozenset(
    [
        "listCreate",
        "todoUndo",
        "savedViewUpdate",
        "savedViewDelete",
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
        "calendarFeedDelete",
        "exportCreate",
        "importStart",
        "jobCancel",
        "webhookUpdate",
        "webhookRotateSecret",
        "webhookTest",
        "webhookRedeliver",
        "webhookDelete",
        "apiTokenRevoke",
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
    ]
)
KINDS: Final = {
    "comment": "own Comment",
    "self": "own ListMember",
    "occurrence": "Todo completed",
    "file": "own Attachment",
    "announced": "Attachment announced",
}


async def written(person: Account, call: str, ids: dict[str, str]) -> Any:
    """The answer to a mutation, without ids."""
    names = sorted(set(re.findall(r"\$(\w+)", call)))
    declared = ", ".join(f"${name}: ID!" for name in names)
    variables = {name: ids[KINDS.get(name, name)] for name in names}
    answer = await person.execute(f"mutation ({declared}) {{ {call} {ERRORS} }} }}", variables)
    assert answer["data"], answer
    return ID.sub("id", json.dumps(answer["data"]))


@pytest.fixture(scope="module")
async def unknown(removed: Removed) -> tuple[dict[str, str], dict[str, str]]:
    """The ids that were noted and as many that never existed, each with a todo and a list of the person's own."""
    own = {
        "own": (await removed.person.create(title="Own"))["id"],
        "list": (await make_list(removed.person, name="Own"))["id"],
    }
    return removed.ids | own, {name: str(uuid4()) for name in removed.ids} | own


@pytest.mark.parametrize("name", WRITES)
async def test_writes_are_answered_as_for_unknown_ids(
    name: str,
    removed: Removed,
    unknown: tuple[dict[str, str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A write to what was seen before is answered as one to what never existed, after the same statements."""
    answers, sent = [], []
    for ids in unknown:
        with recording(monkeypatch) as statements:
            answers.append(await written(removed.person, WRITES[name], ids))
        # The session is cached for some seconds.
        sent.append([text for text in statements.texts if text != VIEWER_OF_SESSION])
    assert answers[0] == answers[1]
    assert sent[0] == sent[1]
    assert name == "savedViewCreate" or "NOT_FOUND" in answers[0] or "INVALID" in answers[0]


def test_every_mutation_has_a_case() -> None:
    """A mutation that nobody has tried as a removed member is named here."""
    tried = {re.match(r"\w+", call)[0] for call in WRITES.values()}  # type: ignore[index]
    assert SCHEMA.mutation_type
    assert set(SCHEMA.mutation_type.fields) == tried | OF_NO_LIST


async def test_ids_of_before_are_taken_without_a_word(removed: Removed) -> None:
    """An id that something in the list has is unusable for new things, which shows nothing of it."""
    calls = [
        'todoCreate(input: { title: "X", id: $Todo }) { todo { id }',
        'listCreate(input: { name: "X", id: $TodoList }) { list { id }',
        'commentCreate(todoId: $own, input: { body: "x", id: $Comment }) { comment { id }',
        f"attachmentCreate(todoId: $own, input: {FILE[:-1]}, id: $Attachment }}) {{ attachment {{ id }}",
    ]
    own = await removed.person.create(title="Own")
    for call in calls:
        answer = await written(removed.person, call, removed.ids | {"own": own["id"]})
        assert '"INVALID"' in answer, answer
        assert '"ALREADY_EXISTS"' not in answer, answer


async def test_undo_is_refused(removed: Removed) -> None:
    """A cursor of one's own mutation takes nothing back after the removal, and shows no todo."""
    document = f"mutation ($cursor: String!) {{ todoUndo(cursor: $cursor) {{ results {{ todo {{ {TODO} }} errors {{ code message }} }} {ERRORS} }} }}"
    answer = await removed.person.data(document, cursor=removed.undo_cursor)
    assert traces(removed, answer) == [], answer
    title = (
        await removed.owner.data(
            "query ($id: ID!) { todo(id: $id) { title } }", id=removed.ids["Todo"]
        )
    )["todo"]["title"]
    assert title == f"{MARK} 2"
