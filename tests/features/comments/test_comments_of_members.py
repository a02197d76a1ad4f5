"""Comments on todos of shared lists: who may write, change, delete and see them."""

from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.comments import codes, commented, comments, create, delete, mention, update
from tests.support.feeds import feed_of
from tests.support.lists import make_list
from tests.support.recounts import wrong_counts
from tests.support.sharing import share, unshare
from todo_gql.database.connection import fetch
from todo_gql.database.models import ChangeKind, EntityAction, ListRole

NODE = "query ($id: ID!) { node(id: $id) { id } }"
SET_ROLE = "UPDATE list_members SET role = $3 WHERE list_id = $1 AND user_id = $2"
MOVE = (
    "mutation ($id: ID!, $to: TodoPlaceInput!) { todoMove(id: $id, to: $to) { errors { code } } }"
)
NOT_ALLOWED = [("NOT_ALLOWED", ["id"])]


@pytest.fixture
async def list_id(account: Account) -> str:
    """A list of the account's."""
    return str((await make_list(account))["id"])


@pytest.fixture
async def todo_id(account: Account, list_id: str) -> str:
    """A todo of the account's in the list."""
    return str((await account.create(to={"listId": list_id}))["id"])


async def test_members_comment_in_the_log_of_the_owner(
    account: Account, stranger: Account, list_id: str, todo_id: str
) -> None:
    """An editor's comment is the owner's row and change, counts into the owner's storage, and is in both feeds."""
    await share(account, list_id, stranger)
    comment = await commented(stranger, todo_id, f"{mention(account)} {mention(stranger)}")
    assert comment["author"] == {"id": stranger.id, "username": stranger.username}
    assert [one["id"] for one in comment["mentions"]] == [account.id, stranger.id]
    assert (await comments(account, todo_id))["nodes"] == [comment]
    assert (await comments(stranger, todo_id))["nodes"] == [comment]
    [row] = await fetch(
        "SELECT owner_id, author_id FROM comments WHERE id = $1", UUID(comment["id"])
    )
    assert (str(row["owner_id"]), str(row["author_id"])) == (account.id, stranger.id)
    for somebody in (account, stranger):
        newest = (await feed_of(somebody))[-1]
        assert (newest.kind, newest.action, newest.of) == (
            ChangeKind.COMMENT,
            EntityAction.CREATED,
            comment["id"],
        )
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize("role", [ListRole.VIEWER, ListRole.EDITOR, ListRole.MANAGER])
async def test_roles_say_who_may_comment(
    account: Account, stranger: Account, list_id: str, todo_id: str, role: ListRole
) -> None:
    """Viewers read, editors write, and managers delete what others wrote; only authors change their words."""
    await share(account, list_id, stranger, role)
    of_owner = await commented(account, todo_id, "a")
    assert (await comments(stranger, todo_id))["nodes"] == [of_owner]
    written = await create(stranger, todo_id, "b")
    assert codes(await update(stranger, of_owner["id"], "c")) == NOT_ALLOWED
    deleted = await delete(stranger, of_owner["id"])
    assert codes(deleted) == ([] if role is ListRole.MANAGER else NOT_ALLOWED)
    if role is ListRole.VIEWER:
        assert codes(written) == [("NOT_ALLOWED", ["todoId"])]
        return
    assert written["errors"] == []
    own = written["comment"]["id"]
    assert (await update(stranger, own, "d"))["errors"] == []
    assert codes(await update(account, own, "e")) == NOT_ALLOWED
    assert (await delete(account, own))["errors"] == []


async def test_who_lost_a_role_changes_no_comment(
    account: Account, stranger: Account, list_id: str, todo_id: str
) -> None:
    """An author who may only look by now changes nothing, and one who has left finds nothing."""
    await share(account, list_id, stranger)
    comment = await commented(stranger, todo_id, "a")
    values = UUID(list_id), UUID(stranger.id), ListRole.VIEWER.value
    await fetch(SET_ROLE, *values)
    assert codes(await update(stranger, comment["id"], "b")) == NOT_ALLOWED
    assert codes(await delete(stranger, comment["id"])) == NOT_ALLOWED
    await unshare(account, list_id, stranger)
    assert codes(await update(stranger, comment["id"], "b")) == [("NOT_FOUND", ["id"])]
    assert codes(await delete(stranger, comment["id"])) == [("NOT_FOUND", ["id"])]
    assert codes(await create(stranger, todo_id)) == [("NOT_FOUND", ["todoId"])]
    assert (await stranger.data(NODE, id=comment["id"]))["node"] is None
    [shown] = (await comments(account, todo_id))["nodes"]
    assert shown["author"] == {"id": stranger.id, "username": stranger.username}


async def test_a_retry_reveals_no_comment_of_a_private_todo(
    account: Account, stranger: Account, list_id: str, todo_id: str
) -> None:
    """The id of a comment that a member can't see is one in use, as that of anybody's is."""
    await share(account, list_id, stranger)
    private = await account.create()
    hidden = await commented(account, private["id"], "secret")
    again = await create(stranger, todo_id, "x", id=hidden["id"])
    assert (codes(again), again["comment"]) == ([("INVALID", ["input", "id"])], None)
    id = str(uuid4())
    assert (await create(stranger, todo_id, "x", id=id))["errors"] == []
    again = await create(stranger, todo_id, "x", id=id)
    assert codes(again) == [("ALREADY_EXISTS", ["input", "id"])]
    assert again["comment"]["id"] == id


async def test_an_author_whose_account_is_gone_is_null(
    account: Account, stranger: Account, list_id: str, todo_id: str
) -> None:
    """The comment of a deleted account stays, and so does what mentioned it, without anybody."""
    await share(account, list_id, stranger)
    comment = await commented(stranger, todo_id, f"a {mention(stranger)}")
    await fetch("DELETE FROM users WHERE id = $1", UUID(stranger.id))
    [shown] = (await comments(account, todo_id))["nodes"]
    assert (shown["author"], shown["mentions"]) == (None, [])
    assert shown["body"] == comment["body"]
    assert (await delete(account, comment["id"]))["errors"] == []


async def test_a_todo_takes_its_comments_to_another_owner(
    account: Account, stranger: Account, list_id: str, todo_id: str
) -> None:
    """Comments of those who see the todo there go along, and count into the storage of its new owner."""
    await share(account, list_id, stranger)
    of_member = await commented(stranger, todo_id, "a")
    await commented(account, todo_id, "b")
    theirs = await make_list(stranger)
    payload = await stranger.data(MOVE, id=todo_id, to={"listId": theirs["id"]})
    assert payload["todoMove"]["errors"] == []
    assert [one["id"] for one in (await comments(stranger, todo_id))["nodes"]] == [of_member["id"]]
    assert (await update(stranger, of_member["id"], "c"))["errors"] == []
    for owner in (account, stranger):
        wrong = await wrong_counts(UUID(owner.id))
        # The numbers of spans are of others' changes.
        assert not {"the tags", "the lists", "the subtasks"} & wrong.keys(), wrong


async def test_more_than_twenty_mentions_are_refused(
    account: Account, new_account: NewAccount, list_id: str, todo_id: str
) -> None:
    """A comment mentions 20 members of the list at most; names of others count for nothing."""
    members = [await new_account() for _ in range(20)]
    for member in members:
        await share(account, list_id, member)
    others = "".join(f"@[x](user:{uuid4()})" for _ in range(10))
    body = others + "".join(map(mention, members))
    comment = await commented(account, todo_id, body)
    assert len(comment["mentions"]) == 20
    refused = await create(account, todo_id, body + mention(account))
    assert codes(refused) == [("TOO_MANY", ["input", "body"])]
    assert codes(await update(account, comment["id"], body + mention(account))) == [
        ("TOO_MANY", ["body"])
    ]
