"""Tags: their names, their counts, and what becomes of them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.recounts import wrong_counts
from tests.support.tag_operations import READ, TAGS, counts, delete_tag, rename, tag_id, tags
from todo_gql.database.connection import fetch

UPDATE = "mutation ($id: ID!, $tags: [String!]) { todoUpdate(id: $id, input: { tags: $tags }) {"
UPDATE += " todo { id } errors { code } } }"
CHANGES = """query ($after: String) {
  changes(after: $after) { nodes { cursor todoId action fields { name before after } } }
}"""
DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } } }"
RESTORE = "mutation ($id: ID!) { todoRestore(id: $id) { todo { tags { name } } } }"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (["  Home "], ["home"]),
        (["b", "A", "a ", "B"], ["a", "b"]),
        (["ﬁx", "FIX"], ["fix"]),
        (["\uff26\uff35ll"], ["full"]),
        (["É", "e\u0301"], ["é"]),
        (["x" * 50], ["x" * 50]),
        (["two words", "🪴"], ["two words", "🪴"]),
        (["कार्य", "காய்கறி", "กิน"], ["कार्य", "காய்கறி", "กิน"]),
    ],
)
async def test_tags_are_normalised(account: Account, sent: list[str], stored: list[str]) -> None:
    """Trimmed, NFKC, lower case, without duplicates, in alphabetical order."""
    todo = await account.create(tags=sent)
    assert [tag["name"] for tag in todo["tags"]] == stored


async def test_ten_tags_are_the_most_that_a_todo_carries(account: Account) -> None:
    """Duplicates don't count."""
    todo = await account.create(tags=[f"t{n}" for n in range(10)] + ["T0 ", "t9"])
    assert len(todo["tags"]) == 10


async def test_tags_are_listed_most_used_first_then_by_name(account: Account) -> None:
    """Tags are listed most used first, then by name, with their todos outside the trash."""
    await account.create(tags=["b", "common"])
    todo = await account.create(tags=["a", "common"])
    await account.create(tags=["c", "common"])
    assert await counts(account) == [("common", 3), ("a", 1), ("b", 1), ("c", 1)]
    await account.data(DELETE, id=todo["id"])
    assert await counts(account) == [("common", 2), ("b", 1), ("c", 1)]


async def test_tags_come_in_pages(account: Account) -> None:
    """Twenty unless a size is given, both ways."""
    for start in range(0, 30, 10):
        names = [f"t{n:02}" for n in range(start, start + 10)]
        for _ in range(1 + start // 10):
            await account.create(tags=names)
    page = await tags(account)
    assert len(page["nodes"]) == 20
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (30, True)
    names = [tag["name"] for tag in page["nodes"]]
    rest = await tags(account, after=page["pageInfo"]["endCursor"])
    names += [tag["name"] for tag in rest["nodes"]]
    expected = [f"t{n:02}" for start in (20, 10, 0) for n in range(start, start + 10)]
    assert names == expected
    back = await tags(account, last=7, before=rest["pageInfo"]["startCursor"])
    assert [tag["name"] for tag in back["nodes"]] == expected[13:20]
    assert back["pageInfo"]["hasNextPage"] is back["pageInfo"]["hasPreviousPage"] is True


@pytest.mark.parametrize(
    ("search", "found"),
    [("HOM", ["home", "homework"]), ("  ", ["home", "homework", "x%y"]), ("%", ["x%y"]), ("z", [])],
)
async def test_tags_are_searched(account: Account, search: str, found: list[str]) -> None:
    """Tags are searched by a substring without regard to case; wildcards stand for themselves."""
    await account.create(tags=["home", "homework", "x%y"])
    page = await tags(account, search=search)
    assert [tag["name"] for tag in page["nodes"]] == found
    assert page["totalCount"] == len(found)


@pytest.mark.parametrize("arguments", [{"first": 0}, {"first": 101}, {"after": "x"}])
async def test_arguments_that_make_no_sense_are_bad_user_input(
    account: Account, arguments: dict[str, Any]
) -> None:
    """Arguments that make no sense are BAD_USER_INPUT, as for every list."""
    error = await account.error(TAGS, **arguments)
    assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["tags"])


async def test_a_tag_that_nothing_carries_is_gone(account: Account) -> None:
    """The trash counts as carrying, though it isn't listed."""
    todo = await account.create(tags=["gone", "kept"])
    await account.data(UPDATE, id=todo["id"], tags=["kept"])
    await account.data(DELETE, id=todo["id"])
    assert await counts(account) == []
    rows = await fetch(
        "SELECT name, todo_count FROM tags WHERE owner_id = $1::text::uuid", account.id
    )
    assert [tuple(row) for row in rows] == [("kept", 0)]
    restored = await account.data(RESTORE, id=todo["id"])
    assert restored["todoRestore"]["todo"] == {"tags": [{"name": "kept"}]}
    assert await counts(account) == [("kept", 1)]


async def test_a_tag_is_renamed_on_every_todo(account: Account) -> None:
    """It keeps its id; every todo gets a version and a change, the trash included."""
    todos = [await account.create(title=f"{n}", tags=["old", "z"]) for n in range(3)]
    await account.data(DELETE, id=todos[2]["id"])
    id = await tag_id(account, "old")
    payload = await rename(account, id, " NEW ")
    assert payload == {"tag": {"id": id, "name": "new", "todoCount": 2}, "errors": []}
    read = await account.data(READ, id=todos[0]["id"])
    assert read["todo"] == {"version": 2, "tags": [{"name": "new"}, {"name": "z"}]}
    changes = "{ changes { nodes { action todoId fields { name before after } } } }"
    log = (await account.data(changes))["changes"]["nodes"][-3:]
    assert [change["todoId"] for change in log] == [todo["id"] for todo in todos]
    diff = [{"name": "tags", "before": ["old", "z"], "after": ["new", "z"]}]
    assert [(change["action"], change["fields"]) for change in log] == [("UPDATED", diff)] * 3


async def test_a_rename_onto_another_tag_merges_the_two(account: Account) -> None:
    """The existing tag is returned; a todo that carried both carries it once."""
    both = await account.create(tags=["old", "kept"])
    one = await account.create(tags=["old", "other"])
    other = await account.create(tags=["kept"])
    kept = await tag_id(account, "kept")
    payload = await rename(account, await tag_id(account, "old"), "Kept")
    assert payload == {"tag": {"id": kept, "name": "kept", "todoCount": 3}, "errors": []}
    names = [(await account.data(READ, id=todo["id"]))["todo"] for todo in (both, one, other)]
    assert names == [
        {"version": 2, "tags": [{"name": "kept"}]},
        {"version": 2, "tags": [{"name": "kept"}, {"name": "other"}]},
        {"version": 1, "tags": [{"name": "kept"}]},
    ]
    assert await counts(account) == [("kept", 3), ("other", 1)]
    history = "query ($id: ID!) { todo(id: $id) { history(first: 1) { nodes {"
    history += " fields { name before after } } } } }"
    newest = (await account.data(history, id=both["id"]))["todo"]["history"]["nodes"][0]
    assert newest["fields"] == [{"name": "tags", "before": ["kept", "old"], "after": ["kept"]}]


async def test_a_rename_to_the_same_name_changes_nothing(account: Account) -> None:
    """A rename to the same name changes nothing, whatever its letter case."""
    await account.create(tags=["same"])
    before = await account.data("{ changeCursor tags { nodes { id name todoCount } } }")
    [tag] = before["tags"]["nodes"]
    assert await rename(account, tag["id"], " SAME") == {"tag": tag, "errors": []}
    assert await account.data("{ changeCursor tags { nodes { id name todoCount } } }") == before


@pytest.mark.parametrize(
    ("name", "code"), [(" ", "TOO_SHORT"), ("x" * 51, "TOO_LONG"), ("a\0", "INVALID")]
)
async def test_a_name_that_breaks_a_rule_is_refused(account: Account, name: str, code: str) -> None:
    """A name that breaks a rule is refused at the argument, together with an unknown id."""
    await account.create(tags=["old"])
    id = await tag_id(account, "old")
    for wanted, expected in ((id, [code]), ("nonsense", ["NOT_FOUND", code])):
        payload = await rename(account, wanted, name)
        assert payload["tag"] is None
        assert [error["code"] for error in payload["errors"]] == expected
        assert payload["errors"][-1]["path"] == ["name"]
    assert await counts(account) == [("old", 1)]


async def test_a_deleted_tag_is_taken_from_every_todo(account: Account) -> None:
    """Each todo, those in the trash too, has a change of its own; the tag is shown as it was."""
    first = await account.create(tags=["a", "b"])
    second = await account.create(tags=["a"])
    trashed = await account.create(tags=["a", "c"])
    await account.create(tags=["b"])
    await account.data(DELETE, id=trashed["id"])
    id = await tag_id(account, "a")
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    payload = await delete_tag(account, id)
    assert payload["tag"] == {"id": id, "name": "a", "todoCount": 2}
    assert await counts(account) == [("b", 2)]
    changes = (await account.data(CHANGES, after=cursor))["changes"]["nodes"]
    assert [(change["todoId"], change["action"], change["fields"]) for change in changes] == [
        (first["id"], "UPDATED", [{"name": "tags", "before": ["a", "b"], "after": ["b"]}]),
        (second["id"], "UPDATED", [{"name": "tags", "before": ["a"], "after": []}]),
        (trashed["id"], "UPDATED", [{"name": "tags", "before": ["a", "c"], "after": ["c"]}]),
    ]
    assert changes[0]["cursor"] == payload["undoCursor"]
    todo = (await account.data(READ, id=first["id"]))["todo"]
    assert (todo["version"], todo["tags"]) == (2, [{"name": "b"}])
    assert (await account.data(RESTORE, id=trashed["id"]))["todoRestore"]["todo"]["tags"] == [
        {"name": "c"}
    ]
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize("kind", ["malformed", "unknown", "foreign", "deleted"])
async def test_a_tag_that_is_not_there_cannot_be_deleted(
    account: Account, new_account: NewAccount, kind: str
) -> None:
    """It is not found, and nothing changes."""
    stranger = await new_account()
    foreign = (await stranger.create(tags=["a"]))["tags"][0]["id"]
    own = (await account.create(tags=["a"]))["tags"][0]["id"]
    if kind == "deleted":
        await delete_tag(account, own)
    ids = {"malformed": "x", "unknown": str(uuid4()), "foreign": foreign, "deleted": own}
    payload = await delete_tag(account, ids[kind])
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [
        ("NOT_FOUND", ["id"])
    ]
    assert (payload["tag"], payload["undoCursor"]) == (None, None)
    assert await counts(stranger) == [("a", 1)]


async def test_a_tag_of_the_trash_alone_can_be_deleted(account: Account) -> None:
    """It isn't listed, but its id is known to whoever had it; it counts no todo."""
    todo = await account.create(tags=["a"])
    await account.data(DELETE, id=todo["id"])
    payload = await delete_tag(account, todo["tags"][0]["id"])
    assert (payload["errors"], payload["tag"]["todoCount"]) == ([], 0)
