"""Comments on todos: writing, editing, deleting and reading them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.comments import (
    codes,
    commented,
    comments,
    create,
    delete,
    mention,
    update,
)
from tests.support.lists import make_list
from tests.support.recounts import wrong_counts
from todo_gql.database.connection import fetch

NODE = "query ($id: ID!) { node(id: $id) { id ... on Comment { body } } }"
TRASH = "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }"
RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { errors { code } } }"
LOG = """
SELECT kind, action, todo_id::text, entity_id::text, diff FROM changes WHERE owner_id = $1 AND kind = 4 ORDER BY seq
"""


async def assert_recounted(account: Account) -> None:
    """What is counted of an account is what a recount finds."""
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_comment_is_written_as_it_was_sent(account: Account) -> None:
    """A comment has its author, its time and its Markdown with the white space around it."""
    todo = await account.create()
    body = "  **Bold**\n\n\t- a list\n"
    comment = await commented(account, todo["id"], body)
    assert comment["body"] == body
    assert comment["author"] == {"id": account.id, "username": account.username}
    assert (comment["version"], comment["editedAt"], comment["deletedAt"]) == (1, None, None)
    assert comment["todo"] == {"id": todo["id"]}
    found = await comments(account, todo["id"])
    assert (found["totalCount"], found["nodes"]) == (1, [comment])
    assert (await account.data(NODE, id=comment["id"]))["node"] == {
        "id": comment["id"],
        "body": body,
    }
    await assert_recounted(account)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "TOO_SHORT"),
        (" \n", "TOO_SHORT"),
        ("\u200b", "TOO_SHORT"),
        ("x" * 10_001, "TOO_LONG"),
        ("x\u0000", "INVALID"),
        ("x\u202e", "INVALID"),
    ],
)
async def test_a_body_is_a_text_of_some_length(account: Account, body: str, code: str) -> None:
    """What shows nothing, is too long or has control characters is refused, also in an edit."""
    todo = await account.create()
    assert codes(await create(account, todo["id"], body)) == [(code, ["input", "body"])]
    comment = await commented(account, todo["id"], "x" * 10_000)
    assert codes(await update(account, comment["id"], body)) == [(code, ["body"])]
    assert (await comments(account, todo["id"]))["nodes"] == [comment]


async def test_a_retry_writes_nothing_twice(account: Account, stranger: Account) -> None:
    """The same id again is answered by what is stored; somebody else's id is one in use."""
    todo, other = await account.create(), await account.create()
    id = str(uuid4())
    first = await create(account, todo["id"], "x", id=id)
    again = await create(account, other["id"], "y", id=id.upper())
    assert codes(again) == [("ALREADY_EXISTS", ["input", "id"])]
    assert again["comment"] == first["comment"]
    assert again["errors"][0]["current"] == {"id": id}
    await delete(account, id)
    gone = await create(account, todo["id"], "x", id=id)
    assert codes(gone) == [("ALREADY_EXISTS", ["input", "id"])]
    theirs = await stranger.create()
    for wrong in (id, "x"):
        refused = await create(stranger, theirs["id"], "x", id=wrong)
        assert codes(refused) == [("INVALID", ["input", "id"])]
        assert refused["comment"] is None
    assert (await comments(account, todo["id"]))["totalCount"] == 1


async def test_an_edit_has_a_version(account: Account) -> None:
    """An edit raises the version, an edit to the same words doesn't, and a lost update is refused."""
    todo = await account.create()
    comment = await commented(account, todo["id"], "a")
    edited = (await update(account, comment["id"], "b", 1))["comment"]
    assert (edited["body"], edited["version"], edited["editedAt"] is None) == ("b", 2, False)
    same = await update(account, comment["id"], "b", 2)
    assert (same["errors"], same["comment"]) == ([], edited)
    stale = await update(account, comment["id"], "c", 1)
    assert codes(stale) == [("CONFLICT", ["expectedVersion"])]
    assert stale["comment"] == edited
    assert codes(await delete(account, comment["id"], 1)) == [("CONFLICT", ["expectedVersion"])]
    await assert_recounted(account)


async def test_a_deleted_comment_stays_without_its_words(account: Account) -> None:
    """It is empty in its place, mentions nobody, and can neither be changed nor deleted again."""
    todo = await account.create()
    first = await commented(account, todo["id"], f"secret {mention(account)}")
    second = await commented(account, todo["id"], "b")
    deleted = await delete(account, first["id"], 1)
    assert deleted["errors"] == []
    shown = deleted["comment"]
    assert (shown["body"], shown["mentions"], shown["version"]) == ("", [], 2)
    assert shown["deletedAt"]
    assert shown["author"]["id"] == account.id
    found = await comments(account, todo["id"])
    assert found["nodes"] == [shown, second]
    assert codes(await delete(account, first["id"])) == [("NOT_FOUND", ["id"])]
    assert codes(await update(account, first["id"], "x")) == [("NOT_FOUND", ["id"])]
    rows = await fetch("SELECT * FROM comments WHERE id = $1", UUID(first["id"]))
    assert "secret" not in str([tuple(row) for row in rows])
    await assert_recounted(account)


async def test_the_log_has_comments_without_their_words(account: Account) -> None:
    """Writing, editing and deleting are changes of the todo's owner's log, none of which has the body."""
    todo = await account.create()
    comment = await commented(account, todo["id"], "secret")
    await update(account, comment["id"], "secret too")
    await delete(account, comment["id"])
    rows = [tuple(row) for row in await fetch(LOG, UUID(account.id))]
    assert rows == [(4, action, todo["id"], comment["id"], "[]") for action in (0, 1, 2)]
    [answer] = [await account.data("{ changes { nodes { action todoId } } }")]
    assert len(answer["changes"]["nodes"]) == 1
    history = "query ($id: ID!) { todo(id: $id) { version history { nodes { action } } } }"
    found = (await account.data(history, id=todo["id"]))["todo"]
    assert found == {"version": 1, "history": {"nodes": [{"action": "CREATED"}]}}


async def test_comments_come_in_pages_both_ways(account: Account) -> None:
    """Pages from the start and from the end hold each comment once, oldest first."""
    todo, other = await account.create(), await account.create()
    ids = [(await commented(account, todo["id"], str(n)))["id"] for n in range(5)]
    await commented(account, other["id"])
    first = await comments(account, todo["id"], first=2)
    assert [node["id"] for node in first["nodes"]] == ids[:2]
    assert first["totalCount"] == 5
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    rest = await comments(account, todo["id"], first=5, after=first["pageInfo"]["endCursor"])
    assert [node["id"] for node in rest["nodes"]] == ids[2:]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    last = await comments(account, todo["id"], last=2)
    assert [edge["node"]["id"] for edge in last["edges"]] == ids[3:]
    before = await comments(account, todo["id"], last=2, before=last["pageInfo"]["startCursor"])
    assert [node["id"] for node in before["nodes"]] == ids[1:3]
    both = """{ todos { nodes { id comments(first: 1) { totalCount nodes { id } pageInfo { hasNextPage } } } } }"""
    nodes = (await account.data(both))["todos"]["nodes"]
    assert {node["id"]: node["comments"]["totalCount"] for node in nodes} == {
        todo["id"]: 5,
        other["id"]: 1,
    }


@pytest.mark.parametrize(
    "page", [{"first": 0}, {"first": 1, "last": 1}, {"after": "x"}, {"before": "x"}]
)
async def test_wrong_pages_are_refused(account: Account, page: dict[str, Any]) -> None:
    """A size out of range or a cursor of nothing is the client's mistake."""
    todo = await account.create()
    document = """query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String) {
      todo(id: $id) { comments(first: $first, last: $last, after: $after, before: $before) { totalCount } } }"""
    answer = await account.execute(document, {"id": todo["id"], **page})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_comments_go_to_the_trash_with_their_todo(account: Account) -> None:
    """They can't be found or changed while their todo is in the trash, and come back with it."""
    todo = await account.create()
    comment = await commented(account, todo["id"], "a")
    await account.data(TRASH, id=todo["id"])
    assert (await account.data(NODE, id=comment["id"]))["node"] is None
    assert codes(await create(account, todo["id"])) == [("NOT_FOUND", ["todoId"])]
    assert codes(await update(account, comment["id"], "b")) == [("NOT_FOUND", ["id"])]
    assert codes(await delete(account, comment["id"])) == [("NOT_FOUND", ["id"])]
    trash = "{ todos(filter: { isDeleted: true }) { nodes { comments { totalCount } } } }"
    assert (await account.data(trash))["todos"]["nodes"] == [{"comments": {"totalCount": 1}}]
    await account.data(RESTORE, id=todo["id"])
    assert (await comments(account, todo["id"]))["nodes"] == [comment]


async def test_a_stranger_finds_no_comment(account: Account, stranger: Account) -> None:
    """Somebody else's comment is answered like one that isn't there."""
    todo = await account.create()
    comment = await commented(account, todo["id"], "a")
    assert (await stranger.data(NODE, id=comment["id"]))["node"] is None
    for id in (comment["id"], str(uuid4()), "x"):
        assert codes(await update(stranger, id, "b")) == [("NOT_FOUND", ["id"])]
        assert codes(await delete(stranger, id)) == [("NOT_FOUND", ["id"])]
    assert codes(await create(stranger, todo["id"])) == [("NOT_FOUND", ["todoId"])]


async def test_comments_count_into_the_quota(account: Account) -> None:
    """An account that is full takes no comment and no longer one, but a shorter one and a deletion."""
    todo = await account.create()
    comment = await commented(account, todo["id"], "a" * 2_000)
    full = "UPDATE feeds SET stored_bytes = 10 ^ 15 WHERE owner_id = $1"
    mirrored = "UPDATE users SET stored_bytes = 10 ^ 15, mirrored_seq = -1 WHERE id = $1"
    for statement in (full, mirrored):
        await fetch(statement, UUID(account.id))
    assert codes(await create(account, todo["id"], "b")) == [("TOO_LONG", ["input"])]
    assert codes(await update(account, comment["id"], "b" * 3_000)) == [("TOO_LONG", ["body"])]
    assert (await update(account, comment["id"], "b"))["errors"] == []
    assert (await delete(account, comment["id"]))["errors"] == []


async def test_comments_stay_where_their_todo_moves(account: Account) -> None:
    """A todo that moves to another list has the comments that it had, and completed copies have none."""
    made = await make_list(account)
    todo = await account.create()
    comment = await commented(account, todo["id"], "a")
    move = "mutation ($id: ID!, $to: TodoPlaceInput!) { todoMove(id: $id, to: $to) { errors { code } } }"
    await account.data(move, id=todo["id"], to={"listId": made["id"]})
    assert (await comments(account, todo["id"]))["nodes"] == [comment]
    assert (await update(account, comment["id"], "b"))["errors"] == []
