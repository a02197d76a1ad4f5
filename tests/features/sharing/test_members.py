"""Members of lists: their roles, and how memberships end."""

import asyncio
from uuid import UUID

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.feeds import feed_of
from tests.support.lists import make_list
from tests.support.sharing import (
    LEAVE,
    MEMBERS,
    REMOVE,
    UPDATE,
    counts_of,
    join,
    member_id,
    share,
    sharing,
)
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import ChangeKind, EntityAction, ListRole, NotificationKind

DONE = {"ok": True, "errors": []}
INBOX = "SELECT kind, subject_id, actor_id FROM notifications WHERE owner_id = $1 ORDER BY seq"


async def entered(account: Account) -> list[tuple[int, str, str]]:
    """The kind, subject and actor of what is in an inbox."""
    rows = await fetch(INBOX, UUID(account.id))
    return [(row["kind"], str(row["subject_id"]), str(row["actor_id"])) for row in rows]


def about(shared: dict[str, object], actor: Account) -> tuple[int, str, str]:
    """The entry that says that somebody has changed who is in a list."""
    return NotificationKind.MEMBERSHIP, str(shared["id"]), actor.id


async def test_members_are_shown_with_their_public_fields(
    account: Account, stranger: Account
) -> None:
    """Members see each other in the order in which they joined, without their addresses."""
    shared = await make_list(account)
    await join(account, shared["id"], stranger, "VIEWER")
    node = (await account.data(MEMBERS, id=shared["id"]))["node"]
    assert [
        (member["role"], member["user"]["id"], member["user"]["email"])
        for member in node["members"]["nodes"]
    ] == [("OWNER", account.id, account.email), ("VIEWER", stranger.id, None)]


async def test_joining_is_the_first_change_that_a_member_gets(
    account: Account, stranger: Account
) -> None:
    """JOINED has the next number in the feeds of the owner and of who joins, and nothing before it does."""
    shared = await make_list(account)
    await account.create(to={"listId": shared["id"]})
    await join(account, shared["id"], stranger)
    [row] = await feed_of(stranger)
    assert (row.kind, row.action) == (ChangeKind.MEMBER, EntityAction.JOINED)
    assert (row.owner_id, row.of, row.list_id) == (account.id, stranger.id, shared["id"])
    assert (await feed_of(account))[-1].seq == row.source_seq
    assert await entered(account) == [about(shared, stranger)]


async def test_leaving_is_the_last_change_that_a_member_gets(
    account: Account, stranger: Account
) -> None:
    """LEFT is the last number that a list has in the feed of who left, and the counters go back."""
    shared = await make_list(account)
    await join(account, shared["id"], stranger)
    assert await sharing(stranger, LEAVE, id=shared["id"]) == DONE
    await account.create(to={"listId": shared["id"]})
    assert [row.action for row in await feed_of(stranger)] == [
        EntityAction.JOINED,
        EntityAction.LEFT,
    ]
    assert await counts_of(account) == (0, 0)
    assert await counts_of(stranger) == (0, 0)
    assert await entered(account) == [about(shared, stranger)]
    assert (await sharing(stranger, LEAVE, id=shared["id"]))["errors"] == [("NOT_FOUND", "id")]


async def test_the_last_member_ends_the_sharing(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """A list counts as shared from its first member to its last, and lists count one by one."""
    third = await new_account()
    shared, other = await make_list(account), await make_list(account)
    await join(account, shared["id"], stranger)
    await join(account, shared["id"], third)
    await join(account, other["id"], third)
    assert await counts_of(account) == (2, 0)
    assert await counts_of(third) == (0, 2)
    await sharing(stranger, LEAVE, id=shared["id"])
    assert await counts_of(account) == (2, 0)
    await sharing(third, LEAVE, id=shared["id"])
    assert await counts_of(account) == (1, 0)


async def test_roles_change_and_are_logged(account: Account, stranger: Account) -> None:
    """A new role of a member is a change of its own, and the same role is none."""
    shared = await make_list(account)
    id = await join(account, shared["id"], stranger, "VIEWER")
    for _ in range(2):
        payload = await sharing(account, UPDATE, id=id, role="MANAGER")
        assert payload == {
            "member": {"id": id, "role": "MANAGER", "user": {"id": stranger.id}},
            "errors": [],
        }
    assert [row.action for row in await feed_of(stranger)] == [
        EntityAction.JOINED,
        EntityAction.ROLE_CHANGED,
    ]
    row = await fetchrow(
        "SELECT diff::text AS diff FROM changes WHERE owner_id = $1 AND action = $2 AND kind = $3",
        *(UUID(account.id), EntityAction.ROLE_CHANGED, ChangeKind.MEMBER),
    )
    assert row is not None
    assert row["diff"] == '[{"name": "role", "after": "MANAGER", "before": "VIEWER"}]'
    assert await entered(stranger) == [about(shared, account)]


@pytest.mark.parametrize("role", list(ListRole)[:3])
async def test_only_managers_change_members(
    account: Account, stranger: Account, new_account: NewAccount, role: ListRole
) -> None:
    """Below MANAGER nobody changes or removes a member, or raises their own role."""
    third, shared = await new_account(), await make_list(account)
    own = await share(account, shared["id"], stranger, role)
    other = await share(account, shared["id"], third, ListRole.VIEWER)
    refused = [] if role is ListRole.MANAGER else [("NOT_ALLOWED", "id", "MANAGER")]
    for id in (own, other):
        payload = await sharing(stranger, UPDATE, id=id, role="MANAGER")
        assert payload["errors"] == refused
    assert (await sharing(stranger, REMOVE, id=other))["errors"] == refused


async def test_nobody_changes_the_owner(account: Account, stranger: Account) -> None:
    """The owner's membership is neither changed nor ended, by a MANAGER or by the owner."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger, ListRole.MANAGER)
    id = await member_id(account, shared["id"], account)
    for document, variables in ((UPDATE, {"role": "EDITOR"}), (REMOVE, {})):
        refused = await sharing(stranger, document, id=id, **variables)
        assert refused["errors"] == [("NOT_ALLOWED", "id", "OWNER")]
        refused = await sharing(account, document, id=id, **variables)
        assert refused["errors"] == [("INVALID", "id")]
    assert (await sharing(account, LEAVE, id=shared["id"]))["errors"] == [("INVALID", "id")]


async def test_nobody_becomes_an_owner_by_a_role(account: Account, stranger: Account) -> None:
    """OWNER is no role that a member can get: a list is transferred by a mutation of its own."""
    shared = await make_list(account)
    id = await share(account, shared["id"], stranger, ListRole.MANAGER)
    for who in (account, stranger):
        refused = await sharing(who, UPDATE, id=id, role="OWNER")
        assert refused["errors"] == [("INVALID", "role")]


async def test_strangers_find_no_members(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """Who isn't in a list finds no member of it, and can't leave it."""
    third, shared = await new_account(), await make_list(account)
    id = await share(account, shared["id"], stranger)
    missing = [("NOT_FOUND", "id")]
    assert (await sharing(third, UPDATE, id=id, role="VIEWER"))["errors"] == missing
    assert (await sharing(third, REMOVE, id=id))["errors"] == missing
    assert (await sharing(third, LEAVE, id=shared["id"]))["errors"] == missing
    assert (await third.data("query ($id: ID!) { node(id: $id) { id } }", id=id))["node"] is None


async def test_removed_members_are_notified(account: Account, stranger: Account) -> None:
    """Who is removed from a list is told so in their inbox, and sees neither its name nor its members."""
    shared = await make_list(account, name="Secret")
    id = await join(account, shared["id"], stranger)
    assert await sharing(account, REMOVE, id=id) == DONE
    assert await entered(stranger) == [about(shared, account)]
    asked = "{ notifications { nodes { kind excerpt subject { id } } } }"
    [shown] = (await stranger.data(asked))["notifications"]["nodes"]
    assert shown == {"kind": "MEMBERSHIP", "excerpt": None, "subject": None}
    assert (await stranger.data(MEMBERS, id=shared["id"]))["node"] is None
    assert (await sharing(account, REMOVE, id=id))["errors"] == [("NOT_FOUND", "id")]


REMINDERS = """
SELECT (SELECT count(*) FROM reminders WHERE person_id = $1) AS reminders,
    (SELECT count(*) FROM snoozes WHERE person_id = $1) AS snoozes
"""
REMIND = """
INSERT INTO reminders (id, owner_id, todo_id, person_id, at, created_at)
VALUES (gen_random_uuid(), $1, $2, $3, now(), now())
"""
SNOOZE = "INSERT INTO snoozes (owner_id, todo_id, person_id, until) VALUES ($1, $2, $3, now())"


async def test_reminders_and_snoozes_end_with_the_membership(
    account: Account, stranger: Account
) -> None:
    """What a removed member had for todos of the list is deleted, and that for other lists stays."""
    shared, other = await make_list(account), await make_list(account)
    id = await share(account, shared["id"], stranger)
    await share(account, other["id"], stranger)
    for each in (shared, other):
        todo = await account.create(to={"listId": each["id"]})
        for person in (stranger, account):
            ids = UUID(account.id), UUID(todo["id"]), UUID(person.id)
            await fetch(REMIND, *ids)
            await fetch(SNOOZE, *ids)
    await sharing(account, REMOVE, id=id)
    assert tuple((await fetch(REMINDERS, UUID(stranger.id)))[0]) == (1, 1)
    assert tuple((await fetch(REMINDERS, UUID(account.id)))[0]) == (2, 2)


async def test_members_leave_while_others_write(account: Account, stranger: Account) -> None:
    """Writes to a list while a member comes and goes leave no gap in any feed, and no wrong counter."""
    shared = await make_list(account)

    async def write() -> None:
        for _ in range(5):
            await account.create(to={"listId": shared["id"]})

    async def come_and_go() -> None:
        for _ in range(3):
            id = await join(account, shared["id"], stranger)
            await sharing(account, REMOVE, id=id)

    await asyncio.gather(write(), write(), come_and_go())
    assert len(await feed_of(account)) == 17
    rows = await feed_of(stranger)
    assert [row.action for row in rows if row.kind == ChangeKind.MEMBER] == [
        EntityAction.JOINED,
        EntityAction.LEFT,
    ] * 3
    assert await counts_of(account) == (0, 0)
    assert await counts_of(stranger) == (0, 0)


NOTIFY = """mutation ($id: ID!, $input: ListUpdateInput!) {
  listUpdate(id: $id, input: $input) {
    list { notify version } errors { code path ... on NotAllowedError { needed } }
  }
}"""


async def test_each_member_chooses_what_to_be_notified_of(
    account: Account, stranger: Account
) -> None:
    """The level of notifications is each member's own, a VIEWER's too, and no change of the list."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger, ListRole.VIEWER)
    before = len(await feed_of(account))
    for who, level in ((stranger, "NONE"), (account, "MINE")):
        sent = {"id": shared["id"], "input": {"notify": level}}
        payload = (await who.data(NOTIFY, **sent))["listUpdate"]
        assert payload == {"list": {"notify": level, "version": 1}, "errors": []}
    seen = [
        (await who.data(MEMBERS, id=shared["id"]))["node"]["notify"] for who in (account, stranger)
    ]
    assert seen == ["MINE", "NONE"]
    assert len(await feed_of(account)) == before
    sent = {"id": shared["id"], "input": {"notify": "ALL", "name": "New"}}
    payload = (await stranger.data(NOTIFY, **sent))["listUpdate"]
    error = {"code": "NOT_ALLOWED", "path": ["id"], "needed": "MANAGER"}
    assert payload["errors"] == [error]
    sent = {"id": shared["id"], "input": {"notify": None}}
    payload = (await stranger.data(NOTIFY, **sent))["listUpdate"]
    assert [error["path"] for error in payload["errors"]] == [["input", "notify"]]


ASSIGNEES = "SELECT id, assignee_id, version FROM todos WHERE list_id = $1 ORDER BY position"


async def assignees(shared: dict[str, object]) -> list[tuple[str | None, int]]:
    """Who is assigned to each todo of a list, and its version."""
    rows = await fetch(ASSIGNEES, UUID(str(shared["id"])))
    return [(row["assignee_id"] and str(row["assignee_id"]), row["version"]) for row in rows]


async def assign(owner: Account, shared: dict[str, object], assignee: Account) -> None:
    """Make three todos in a list, the first one for the owner, the others for somebody else."""
    for who in (owner, assignee, assignee):
        await owner.create(to={"listId": shared["id"]}, assigneeId=who.id)


async def test_assignments_end_with_the_membership(account: Account, stranger: Account) -> None:
    """What is assigned to a removed member is assigned to nobody, each as a change before LEFT."""
    shared = await make_list(account)
    id = await share(account, shared["id"], stranger)
    await assign(account, shared, stranger)
    assert await sharing(account, REMOVE, id=id) == DONE
    assert await assignees(shared) == [(account.id, 1), (None, 2), (None, 2)]
    actions = [(row.kind, row.action) for row in (await feed_of(stranger))[-3:]]
    updated = (ChangeKind.TODO, EntityAction.UPDATED)
    assert actions == [updated, updated, (ChangeKind.MEMBER, EntityAction.LEFT)]


async def test_assignments_are_handed_over(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """What is assigned to a removed member is assigned to a member who may change the list, if one is named."""
    third, viewer, shared = await new_account(), await new_account(), await make_list(account)
    id = await share(account, shared["id"], stranger)
    await share(account, shared["id"], third)
    await share(account, shared["id"], viewer, ListRole.VIEWER)
    await assign(account, shared, stranger)
    for to, code in ((stranger, "NOT_FOUND"), (viewer, "INVALID")):
        refused = await sharing(account, REMOVE, id=id, to=to.id)
        assert refused["errors"] == [(code, "reassignToId")]
    assert await sharing(account, REMOVE, id=id, to=third.id) == DONE
    assert [who for who, _ in await assignees(shared)] == [account.id, third.id, third.id]


async def test_viewers_are_assigned_to_nothing(account: Account, stranger: Account) -> None:
    """A member who may only read from now on loses what was assigned to them."""
    shared = await make_list(account)
    id = await share(account, shared["id"], stranger)
    await assign(account, shared, stranger)
    assert (await sharing(account, UPDATE, id=id, role="VIEWER"))["errors"] == []
    assert await assignees(shared) == [(account.id, 1), (None, 2), (None, 2)]


UNDO = """mutation ($cursor: String!) { todoUndo(cursor: $cursor) {
  updated results { todo { assignee { id } } errors { code } } errors { code }
} }"""


async def test_undo_brings_no_member_back(account: Account, stranger: Account) -> None:
    """Undo of a removal assigns nothing to who was removed, and makes nobody a member."""
    shared = await make_list(account)
    id = await share(account, shared["id"], stranger)
    await assign(account, shared, stranger)
    await sharing(account, REMOVE, id=id)
    cursor = (await account.data("{ changes(first: 50) { nodes { cursor } } }"))["changes"][
        "nodes"
    ][-1]
    await account.data(UNDO, cursor=cursor["cursor"])
    assert await counts_of(account) == (0, 0)
    assert [who for who, _ in await assignees(shared)] == [account.id, None, None]


@pytest.mark.parametrize("field", ["members", "invitations", "todos"])
@pytest.mark.parametrize("page", ["first: 0", 'after: "x"'])
async def test_a_wrong_page_of_a_list_fails_no_other_page(
    account: Account, field: str, page: str
) -> None:
    """The only error is that of the page that is asked for with a wrong size or cursor."""
    shared = await make_list(account)
    document = f"""query ($id: ID!) {{ node(id: $id) {{ ... on TodoList {{
        good: {field} {{ nodes {{ id }} }} wrong: {field}({page}) {{ nodes {{ id }} }}
    }} }} }}"""
    answer = await account.execute(document, {"id": shared["id"]})
    assert [error["path"] for error in answer["errors"]] == [["node", "wrong"]]
