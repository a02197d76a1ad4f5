"""How many statements each mutation takes, however many todos it is about."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import PASSWORD, Account
from tests.support.attachments import put_file
from tests.support.comments import commented
from tests.support.inboxes import entered, entry, stored
from tests.support.lists import make_list, make_section, put_in_list, write_list
from tests.support.operations import (
    Coordinate,
    field_of,
    root_fields,
    selection,
)
from tests.support.push_services import Browser
from tests.support.reminders import added, relative
from tests.support.statements import Statements
from todo_gql.changelog.cursors import cursor_of
from todo_gql.database.connection import fetch

Record: TypeAlias = Callable[[], AbstractContextManager[Statements]]
Todos: TypeAlias = list[dict[str, Any]]

BROWSER = " ".join(
    f'{name}: "{value}"' for name, value in Browser("https://push.example/1").input.items()
)

# Who asks is one statement of every operation.
VIEWER = 1

# Mutations, and how many statements each takes beside that, BEGIN and COMMIT too. What stands in
# capitals is put in for the todos at hand.
HASH = "0" * 64
OF_TODOS: dict[str, tuple[str, int]] = {
    "create": ('todoCreate(input: { title: "x", tags: ["all", "new"] })', 1),
    "create without tags": ('todoCreate(input: { title: "x" })', 1),
    "create of what is completed": ('todoCreate(input: { title: "x", status: COMPLETED })', 4),
    "update": ('todoUpdate(id: "TODO", input: { title: "x" })', 4),
    "update of tags": ('todoUpdate(id: "TODO", input: { tags: ["all", "x"] })', 5),
    "update of nothing": ('todoUpdate(id: "TODO", input: {})', 3),
    "update of an unknown todo": ('todoUpdate(id: "OWNER", input: {})', 3),
    "start": ('todoStart(id: "TODO")', 4),
    "complete": ('todoComplete(id: "TODO")', 4),
    "complete a repeating todo": ('todoComplete(id: "TODO")', 8),
    "bulk complete repeating todos": (
        "todoBulkUpdate(ids: IDS, action: { setStatus: COMPLETED })",
        8,
    ),
    "skip of a repeating todo": ('todoSkip(id: "TODO")', 6),
    "snooze": ('todoSnooze(id: "TODO", until: "2999-01-01T00:00:00Z")', 4),
    "end of a snooze": ('todoSnooze(id: "TODO")', 4),
    "snooze of nothing": ('todoSnooze(id: "OWNER")', 3),
    "skip of nothing": ('todoSkip(id: "OWNER")', 3),
    "undo of a repeating todo's completion": ('todoUndoOccurrence(id: "COPY")', 13),
    "delete": ('todoDelete(id: "TODO")', 4),
    "restore": ('todoRestore(id: "TODO")', 4),
    "move": ('todoMove(id: "TODO", to: { place: { last: true } })', 5),
    "move below itself": ('todoMove(id: "TODO", to: { parentId: "TODO" })', 5),
    "bulk move": (
        "todoBulkMove(ids: IDS_AND_OWNER, to: { place: { first: true } }, onError: SKIP_FAILED)",
        5,
    ),
    "create at the start": ('todoCreate(input: { title: "x", to: { place: { first: true } } })', 5),
    "bulk create": ("todoBulkCreate(inputs: NEW)", 4),
    "bulk create of what exists": ("todoBulkCreate(inputs: SAME, onError: SKIP_FAILED)", 5),
    "bulk create, dry": ("todoBulkCreate(inputs: NEW, dryRun: true)", 4),
    "bulk complete": ("todoBulkUpdate(ids: IDS, action: { setStatus: COMPLETED })", 4),
    "bulk tag": ('todoBulkUpdate(ids: IDS, action: { addTags: ["more"] })', 4),
    "bulk untag": ('todoBulkUpdate(ids: IDS, action: { removeTags: ["all"] })', 5),
    "bulk update that is aborted": (
        "todoBulkUpdate(ids: IDS_AND_OWNER, action: { setStatus: COMPLETED })",
        3,
    ),
    "bulk delete": ("todoBulkDelete(ids: IDS)", 4),
    "bulk restore": ("todoBulkRestore(ids: IDS)", 4),
    "undo": ('todoUndo(cursor: "CURSOR")', 7),
    "undo of nothing": ('todoUndo(cursor: "x")', 0),
    "delete of a tag": ('tagDelete(id: "TAG")', 6),
    "create a list": ('listCreate(input: { name: "x" })', 8),
    "create a list with an id": ('listCreate(input: { name: "x", id: "UNUSED" })', 10),
    "update of a list": ('listUpdate(id: "LIST", input: { name: "x" })', 7),
    "update of a list by nothing": ('listUpdate(id: "LIST", input: {})', 5),
    "move of a list": ('listMove(id: "LIST", place: { first: true })', 9),
    "invite": ('listInvite(id: "LIST", input: { usernameOrEmail: "nobody" })', 9),
    "leave a list": ('listLeave(id: "LIST")', 1),
    "transfer": (
        'listTransfer(id: "LIST", toId: "UNUSED", currentPassword: "Correct1horse")',
        3,
    ),
    "delete a list": ('listDelete(id: "LIST")', 10),
    "restore of a list": ('listRestore(id: "LIST")', 13),
    "create a section": ('sectionCreate(listId: "LIST", name: "x")', 8),
    "update of a section": ('sectionUpdate(id: "SECTION", name: "x")', 6),
    "delete a section": ('sectionDelete(id: "SECTION")', 8),
    "update of the due date": (
        'todoUpdate(id: "TODO", input: { dueAt: "2030-01-01T00:00:00Z" })',
        5,
    ),
    "update of the due date with reminders": (
        'todoUpdate(id: "TODO", input: { dueAt: "2030-01-01T00:00:00Z" })',
        6,
    ),
    "create with reminders": (
        'todoCreate(input: { title: "x", reminders: [{ relative: { offset: "PT1H" } }] })',
        5,
    ),
    "bulk create with reminders": ("todoBulkCreate(inputs: WITH_REMINDERS)", 5),
    "add a reminder": ('reminderAdd(todoId: "TODO", input: { relative: { offset: "PT1H" } })', 5),
    "update of a reminder": (
        'reminderUpdate(id: "REMINDER", input: { relative: { offset: "PT1H" } })',
        6,
    ),
    "delete a reminder": ('reminderDelete(id: "REMINDER")', 6),
    "write a comment": ('commentCreate(todoId: "TODO", input: { body: "x" })', 7),
    "update of a comment": ('commentUpdate(id: "COMMENT", body: "y")', 7),
    "delete a comment": ('commentDelete(id: "COMMENT")', 8),
    "delete a comment with files": ('commentDelete(id: "COMMENT")', 12),
    "announce a file": (
        f'attachmentCreate(todoId: "TODO", input: {{ fileName: "x", size: 1, contentType: "", sha256: "{HASH}" }})',
        7,
    ),
    "finish of what isn't uploaded": ('attachmentFinish(id: "FILE")', 1),
    "delete a file": ('attachmentDelete(id: "FILE")', 9),
    "rename of a tag": ('tagRename(id: "TAG", name: "new")', 8),
    "merge of two tags": ('tagRename(id: "TAG", name: "other")', 9),
}
OF_ACCOUNTS: dict[str, tuple[str, int]] = {
    "accept": ('invitationAccept(id: "UNUSED")', 1),
    "decline": ('invitationDecline(id: "UNUSED")', 1),
    "revoke": ('invitationRevoke(id: "UNUSED")', 1),
    "update of a member": ('memberUpdate(id: "UNUSED", role: VIEWER)', 1),
    "removal of a member": ('memberRemove(id: "UNUSED")', 1),
    "register": (
        f'register(input: {{ username: "NAME", email: "NAME@example.com", password: "{PASSWORD}" }})',
        9,
    ),
    "login": (f'login(input: {{ usernameOrEmail: "USER", password: "{PASSWORD}" }})', 5),
    "login with a wrong password": ('login(input: { usernameOrEmail: "USER", password: "x" })', 1),
    "tokenRefresh": ('tokenRefresh(refreshToken: "REFRESH")', 4),
    "tokenRefresh of nothing": ('tokenRefresh(refreshToken: "x")', 0),
    "sessionRevoke": ('sessionRevoke(id: "OWNER")', 1),
    "logout": ("logout(everywhere: true)", 6),
    "savedViewCreate": ('savedViewCreate(input: { name: "V", filter: {} })', 6),
    "savedViewUpdate of nothing": (
        'savedViewUpdate(id: "OWNER", input: { name: "V", filter: {} })',
        4,
    ),
    "savedViewDelete of nothing": ('savedViewDelete(id: "OWNER")', 1),
    "notificationsUpdate of nothing": (
        'notificationsUpdate(ids: ["OWNER"], action: { setRead: true })',
        4,
    ),
    "notificationsUpdate": (
        'notificationsUpdate(ids: ["NOTIFICATION"], action: { setRead: true })',
        6,
    ),
    "notificationsReadAll of nothing": ('notificationsReadAll(upToId: "OWNER")', 1),
    "notificationsReadAll": ('notificationsReadAll(upToId: "NOTIFICATION")', 6),
    "notificationPreferencesUpdate": (
        'notificationPreferencesUpdate(input: { digestAt: "08:00" })',
        6,
    ),
    "pushSubscribe": (f"pushSubscribe(input: {{ {BROWSER} }})", 7),
    "pushUnsubscribe of nothing": ('pushUnsubscribe(id: "OWNER")', 1),
    "calendarFeedCreate": ('calendarFeedCreate(label: "Work")', 5),
    "calendarFeedDelete of nothing": ('calendarFeedDelete(id: "OWNER")', 1),
    "apiTokenCreate": (
        f'apiTokenCreate(input: {{ name: "T", scopes: [PROFILE_READ], currentPassword: "{PASSWORD}" }})',
        14,
    ),
    "apiTokenRevoke of nothing": ('apiTokenRevoke(id: "OWNER")', 1),
    "importCreate": (
        f'importCreate(input: {{ fileName: "a.txt", size: 1, sha256: "{"0" * 64}" }})',
        5,
    ),
    "importStart of nothing": ('importStart(id: "OWNER")', 4),
    "exportCreate": ("exportCreate(withFiles: true)", 9),
    "jobCancel of nothing": ('jobCancel(id: "OWNER")', 4),
    "webhookCreate": (
        'webhookCreate(input: { url: "https://example.com/", types: ["*"] })',
        5,
    ),
    "webhookUpdate of nothing": ('webhookUpdate(id: "OWNER", input: { isPaused: true })', 4),
    "webhookRotateSecret of nothing": ('webhookRotateSecret(id: "OWNER")', 1),
    "webhookTest of nothing": ('webhookTest(id: "OWNER")', 4),
    "webhookRedeliver of nothing": ('webhookRedeliver(id: "OWNER", deliveryIds: [])', 4),
    "webhookDelete of nothing": ('webhookDelete(id: "OWNER")', 1),
    "profileUpdate": ('profileUpdate(input: { firstName: "Ada" })', 2),
    "passwordChange": (
        f'passwordChange(input: {{ currentPassword: "{PASSWORD}", newPassword: "Battery2staple" }})',
        16,
    ),
    "emailVerificationRequest": ("emailVerificationRequest", 7),
    "emailVerify of nothing": ('emailVerify(token: "x")', 0),
    "emailChangeRequest": (
        f'emailChangeRequest(email: "NAME@example.com", currentPassword: "{PASSWORD}")',
        16,
    ),
    "emailChangeConfirm of nothing": ('emailChangeConfirm(token: "x")', 0),
    "passwordResetRequest": ('passwordResetRequest(email: "NAME@example.com")', 1),
    "passwordReset by nothing": (
        'passwordReset(input: { token: "x", newPassword: "Battery2staple" })',
        0,
    ),
    "accountDelete": (f'accountDelete(currentPassword: "{PASSWORD}")', 19),
}
ADMINISTERED = 'userAdminUpdate(id: "OWNER", input: { isActive: true, isSuperuser: true })'

# What a payload leads to beyond what the mutation knows, and the statements for that.
SHOWN: dict[str, tuple[str, int]] = {
    "create": ("todo { tags { id } owner { id } history { nodes { id } } }", 2),
    "bulk create": (
        "results { index todo { tags { id } owner { id } history { nodes { id } } } }",
        2,
    ),
    "bulk create of what exists": (
        "results { errors { ... on ConflictError { current { id ... on Todo { tags { id } } } } } }",
        1,
    ),
    "bulk update that is aborted": ("results { todo { tags { id } } }", 1),
    "update of tags": ("todo { tags { name } }", 0),
    "snooze": ("todo { snoozedUntil }", 1),
    "bulk complete": ("results { todo { snoozedUntil } }", 1),
    "bulk tag": ("results { todo { tags { name } } }", 0),
}


async def make(account: Account, number: int, *, repeats: bool = False) -> Todos:
    """Todos with a tag of each one's own and two in common."""
    more = {"dueDate": "2030-01-01", "recurrence": {"rule": "FREQ=DAILY"}} if repeats else {}
    inputs = [
        {"title": f"{n}", "tags": [f"own {n}", "all", "other"], **more} for n in range(number)
    ]
    return await account.create_many(inputs)


COMPLETE = """mutation ($id: ID!) { todoComplete(id: $id) { completedOccurrence { id } } }"""


def filled(
    text: str, account: Account, todos: Todos, further: Mapping[str, str] | None = None
) -> str:
    """The operation with what the words in capitals stand for."""
    ids = [todo["id"] for todo in todos]
    tags = {tag["name"]: tag["id"] for todo in todos for tag in todo["tags"]}
    number = len(todos)
    words = {
        "IDS_AND_OWNER": json.dumps([*ids[1:], account.id]),
        "IDS": json.dumps(ids),
        "NEW": ", ".join(f'{{ title: "{n}", tags: ["all", "new {n}"] }}' for n in range(number)),
        "WITH_REMINDERS": ", ".join(
            f'{{ title: "{n}", reminders: [{{ relative: {{ offset: "PT{n}M" }} }}] }}'
            for n in range(number)
        ),
        "SAME": ", ".join(f'{{ title: "x", id: "{id}" }}' for id in ids),
        "TODO": ids[0] if ids else "",
        "TAG": tags.get("all", ""),
        "OWNER": account.id,
        "NAME": account.username[:-1],
        "USER": account.username,
        "REFRESH": account.refresh_token,
        "CURSOR": cursor_of(UUID(account.id), 1),
        "UNUSED": str(uuid4()),
        **(further or {}),
    }
    for word, value in words.items():
        listed = word in ("NEW", "SAME", "WITH_REMINDERS")
        text = text.replace(word, f"[{value}]" if listed else value)
    return text


def payload_of(call: str) -> Coordinate:
    """The field that a mutation calls."""
    return "Mutation", call.partition("(")[0]


def shown(call: str) -> str:
    """All that a payload holds itself, and all of its errors."""
    return selection(field_of(payload_of(call)).type, 1).replace(" snoozedUntil ", " ")


async def cost(account: Account, recorded: Record, document: str) -> int:
    """The number of statements that a mutation sends, that of who asks aside."""
    with recorded() as statements:
        answer = await account.execute(document)
    assert "errors" not in answer, answer
    return len(statements) - VIEWER


@pytest.mark.parametrize("number", [2, 40])
@pytest.mark.parametrize("name", OF_TODOS)
async def test_a_write_is_a_handful_of_statements(
    account: Account, recorded: Record, name: str, number: int
) -> None:
    """A write takes a handful of statements, whatever its size and its payload."""
    todos = await make(account, number, repeats="repeating" in name)
    call, budget = OF_TODOS[name]
    placed = await in_a_list(account, todos) if call.startswith(("list", "section")) else {}
    if "reminder" in name:
        placed |= {"REMINDER": (await added(account, todos[0]["id"], relative("PT1H")))["id"]}
    if "COMMENT" in call:
        placed |= {"COMMENT": (await commented(account, todos[0]["id"]))["id"]}
    if "FILE" in call:
        placed |= {"FILE": await put_file(todos[0]["id"])}
    if "with files" in name:
        await put_file(todos[0]["id"], comment_id=placed["COMMENT"])
    if "COPY" in call:
        completed = (await account.data(COMPLETE, id=todos[0]["id"]))["todoComplete"]
        placed = {"COPY": completed["completedOccurrence"]["id"]}
    if call.startswith("listRestore"):
        await write_list(account, "listDelete(id: $id)", id=placed["LIST"])
    if call.startswith(("todoRestore", "todoBulkRestore")):
        await account.execute(
            filled("mutation { todoBulkDelete(ids: IDS) { updated } }", account, todos)
        )
    document = filled(f"mutation {{ {call} {shown(call)} }}", account, todos, placed)
    assert await cost(account, recorded, document) == budget


async def in_a_list(account: Account, todos: Todos) -> dict[str, str]:
    """The ids of a list and of its section, in which the todos are, by the words for them."""
    await make_list(account)
    made = await make_list(account)
    section = await make_section(account, made["id"])
    await put_in_list(account, [todo["id"] for todo in todos], made["id"], section["id"])
    return {"LIST": made["id"], "SECTION": section["id"]}


@pytest.mark.parametrize("number", [2, 40])
@pytest.mark.parametrize("name", SHOWN)
async def test_a_payload_leads_on_as_cheaply_as_a_list(
    account: Account, recorded: Record, name: str, number: int
) -> None:
    """What lies behind the todos of a payload is fetched for all of them at once."""
    todos = await make(account, number)
    (call, budget), (inside, more) = OF_TODOS[name], SHOWN[name]
    document = filled(f"mutation {{ {call} {{ {inside} }} }}", account, todos)
    assert await cost(account, recorded, document) == budget + more


@pytest.mark.parametrize("name", OF_ACCOUNTS)
async def test_what_accounts_cost(account: Account, recorded: Record, name: str) -> None:
    """Signing in and the like, with all that the payload holds."""
    call, budget = OF_ACCOUNTS[name]
    further = {}
    if "NOTIFICATION" in call:
        await entered(entry(account))
        further["NOTIFICATION"] = str((await stored(account))[0]["id"])
    document = filled(f"mutation {{ {call} {shown(call)} }}", account, [], further)
    assert await cost(account, recorded, document) == budget


async def test_what_administration_costs(account: Account, recorded: Record) -> None:
    """An account is locked and changed in one transaction."""
    await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    document = filled(f"mutation {{ {ADMINISTERED} {shown(ADMINISTERED)} }}", account, [])
    assert await cost(account, recorded, document) == 4


def test_every_mutation_has_a_budget() -> None:
    """A new mutation needs one above."""
    calls = [ADMINISTERED, *(call for call, _ in (OF_TODOS | OF_ACCOUNTS).values())]
    measured, mutations = {payload_of(call) for call in calls}, set(root_fields("mutation"))
    missing = mutations - measured
    assert not missing, f"say in OF_TODOS or OF_ACCOUNTS how many statements these cost: {missing}"
    assert measured <= mutations
