"""Changes of shared lists: who gets them in their feeds, under which numbers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.feeds import feed_of
from tests.support.lists import make_list, put_in_list
from tests.support.sharing import share
from tests.support.statements import Statements
from todo_gql.changelog.recipients import LOCK_ALL, LOCK_OWN, STORE_SPANS
from todo_gql.database.connection import fetch
from todo_gql.database.models import ChangeKind, EntityAction
from todo_gql.features.todos.writes import owner_write

RENAME = 'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "New" }) { errors { code } } }'
DELETE = "mutation ($ids: [ID!]!) { todoBulkDelete(ids: $ids) { errors { code } } }"


async def test_members_get_changes_of_their_list_only(account: Account, stranger: Account) -> None:
    """A change of a shared list is the next number of each member's feed, and one elsewhere isn't."""
    shared, private = await make_list(account), await make_list(account)
    await share(account, shared["id"], stranger)
    todo = await account.create(title="Shared", to={"listId": shared["id"]})
    await account.create(title="Private", to={"listId": private["id"]})
    await account.create(title="Inbox")
    await account.data(RENAME, id=todo["id"])
    own = await feed_of(account)
    received = await feed_of(stranger)
    assert [(row.owner_id, row.of) for row in received] == [(account.id, todo["id"])] * 2
    assert [row.source_seq for row in received] == [row.seq for row in own if row.of == todo["id"]]


async def test_consecutive_changes_are_one_span(account: Account, stranger: Account) -> None:
    """Changes of a shared list by one mutation are one span in a member's feed."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    inputs = [{"title": str(number), "to": {"listId": shared["id"]}} for number in range(5)]
    ids = [todo["id"] for todo in await account.create_many(inputs)]
    await account.data(DELETE, ids=ids)
    rows = await fetch(
        "SELECT seq_to - seq_from + 1 AS n FROM spans WHERE owner_id = $1", UUID(stranger.id)
    )
    assert [row["n"] for row in rows] == [5, 5]
    assert len(await feed_of(stranger)) == 10


async def test_moves_are_sent_to_members_of_both_lists(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """A move between lists reaches the members of the list before it and of the one after it."""
    third = await new_account()
    before, after = await make_list(account), await make_list(account)
    await share(account, before["id"], stranger)
    await share(account, after["id"], third)
    todo = await account.create(to={"listId": before["id"]})
    await put_in_list(account, [todo["id"]], after["id"])
    moved = (await feed_of(account))[-1].seq
    assert [row.source_seq for row in await feed_of(stranger)][-1] == moved
    assert [row.source_seq for row in await feed_of(third)] == [moved]


async def test_numbers_follow_those_of_others_changes(account: Account, stranger: Account) -> None:
    """A member's own changes take the numbers after those that others' changes took meanwhile."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    own = await stranger.create(title="Own")
    await account.create(to={"listId": shared["id"]})
    await stranger.data(RENAME, id=own["id"])
    await account.create(to={"listId": shared["id"]})
    await stranger.create(title="Last")
    feed = await feed_of(stranger)
    assert [row.owner_id == stranger.id for row in feed] == [True, False, True, False, True]
    firsts = await fetch(
        "SELECT seq, first_seq FROM changes WHERE owner_id = $1", UUID(stranger.id)
    )
    assert all(row["seq"] == row["first_seq"] for row in firsts)


async def test_joining_and_leaving_are_numbers_of_who_does(
    account: Account, stranger: Account
) -> None:
    """Who joins or leaves a list in a write gets its changes of the list, though no member before or after."""
    shared = await make_list(account)
    list_id, member_id, owner_id = UUID(shared["id"]), uuid4(), UUID(account.id)
    for action in (EntityAction.JOINED, EntityAction.LEFT):
        async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
            add = write.join if action is EntityAction.JOINED else write.leave
            add(list_id, UUID(stranger.id))
            write.log(ChangeKind.MEMBER, member_id, action, [], list_id=list_id)
            await write.store()
    feed = await feed_of(stranger)
    assert [(row.kind, row.action, row.of) for row in feed] == [
        (ChangeKind.MEMBER, EntityAction.JOINED, str(member_id)),
        (ChangeKind.MEMBER, EntityAction.LEFT, str(member_id)),
    ]


async def test_changes_of_comments_name_their_todo(account: Account, stranger: Account) -> None:
    """A change of a comment is logged with its todo and its list, whose members get it."""
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    todo = await account.create(to={"listId": shared["id"]})
    comment_id, owner_id = uuid4(), UUID(account.id)
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        ids: Any = {"list_id": UUID(shared["id"]), "todo_id": UUID(todo["id"])}
        write.log(ChangeKind.COMMENT, comment_id, EntityAction.CREATED, [], **ids)
        await write.store()
    [row] = await fetch(
        "SELECT todo_id::text FROM changes WHERE owner_id = $1 AND entity_id = $2",
        *(owner_id, comment_id),
    )
    assert row["todo_id"] == todo["id"]
    assert (await feed_of(stranger))[-1].of == str(comment_id)


async def test_lists_and_tags_of_any_size_reach_members(
    account: Account, stranger: Account
) -> None:
    """Deleting and restoring a list, deleting a section and renaming a tag reach its members change by change."""
    shared, private = await make_list(account), await make_list(account)
    await share(account, shared["id"], stranger)
    section = await account.data(
        'mutation ($id: ID!) { sectionCreate(listId: $id, name: "S") { section { id } } }',
        id=shared["id"],
    )
    to = {"listId": shared["id"], "sectionId": section["sectionCreate"]["section"]["id"]}
    await account.create_many(
        [
            {"title": "a", "to": to, "tags": ["tag"]},
            {"title": "b", "to": {"listId": private["id"]}, "tags": ["tag"]},
            {"title": "c", "to": to, "tags": ["tag"]},
        ]
    )
    tags = await account.data("{ tags { nodes { id } } }")
    for call in (
        f'tagRename(id: "{tags["tags"]["nodes"][0]["id"]}", name: "new")',
        f'sectionDelete(id: "{to["sectionId"]}")',
        f'listDelete(id: "{shared["id"]}")',
        f'listRestore(id: "{shared["id"]}")',
    ):
        payload = (await account.data(f"mutation {{ payload: {call} {{ errors {{ code }} }} }}"))[
            "payload"
        ]
        assert payload["errors"] == []
    expected = [row.seq for row in await feed_of(account) if row.list_id == shared["id"]]
    # Nobody was a member when the list was created.
    assert [row.source_seq for row in await feed_of(stranger)] == expected[1:]


@pytest.mark.parametrize("is_member", [False, True])
async def test_owners_without_others_run_no_statement_more(
    account: Account,
    stranger: Account,
    recorded: Callable[[], AbstractContextManager[Statements]],
    is_member: bool,
) -> None:
    """Who shares nothing locks no feed and writes no span; who is in others' lists locks their own feed."""
    own, others = await make_list(account), await make_list(stranger)
    if is_member:
        await share(stranger, others["id"], account)
    todo = await account.create(to={"listId": own["id"]})
    with recorded() as statements:
        await account.data(RENAME, id=todo["id"])
    assert (LOCK_OWN in statements.texts) is is_member
    assert not {LOCK_ALL, STORE_SPANS} & set(statements.texts)
    assert [text.split()[0] for text in statements.texts].count("WITH") == 1
