"""Moving todos: the order of a list, other lists, and many at once."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.recounts import wrong_counts
from tests.support.trees import (
    CREATE,
    add,
    add_line,
    add_list,
    add_section,
    codes,
    log,
    move,
    move_all,
    moved,
    rows,
    titles_in_order,
)
from todo_gql.database.connection import fetch

NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"


async def add_all(account: Account, titles: str, **values: Any) -> dict[str, str]:
    """The id of a new todo for each letter."""
    return {title: await add(account, title, **values) for title in titles}


@pytest.mark.parametrize(
    ("title", "place", "order"),
    [
        ("A", {"after": "C"}, "BCAD"),
        ("A", {"after": "D"}, "BCDA"),
        ("A", {"before": "D"}, "BCAD"),
        ("D", {"before": "A"}, "DABC"),
        ("D", {"first": True}, "DABC"),
        ("A", {"last": True}, "BCDA"),
        ("B", {"after": "A"}, "ABCD"),
        ("A", {"first": True}, "ABCD"),
        ("D", {"last": True}, "ABCD"),
        ("B", {"before": "C"}, "ABCD"),
    ],
)
async def test_a_todo_is_moved_among_those_of_its_list(
    account: Account, title: str, place: dict[str, Any], order: str
) -> None:
    """The order is the one that was requested, one row changes, and none if it stands there already."""
    ids = await add_all(account, "ABCD")
    before = await rows(account)
    sent = {edge: ids.get(str(value), value) for edge, value in place.items()}
    todo = await moved(account, ids[title], place=sent)
    assert "".join(await titles_in_order(account)) == order
    changed = [id for id, row in (await rows(account)).items() if row != before[id]]
    assert changed == ([] if order == "ABCD" else [ids[title]])
    assert todo["version"] == (1 if order == "ABCD" else 2)
    assert len(await log(account)) == 4 + len(changed)
    if changed:
        assert (await log(account))[-1]["fields"] == {"position": todo["position"]}
    assert await wrong_counts(UUID(account.id)) == {}


async def test_new_todos_stand_where_they_are_to(account: Account) -> None:
    """A todo is created before or after another one, first, or last."""
    ids = await add_all(account, "AB")
    await add(account, "C", to={"place": {"after": ids["A"]}})
    await add(account, "D", to={"place": {"before": ids["A"]}})
    await add(account, "E", to={"place": {"first": True}})
    await add(account, "F", to={"place": {"last": True}})
    await add(account, "G", to={"place": {"after": ids["B"]}})
    await add(account, "H", to={})
    assert "".join(await titles_in_order(account)) == "EDACBGFH"
    assert await wrong_counts(UUID(account.id)) == {}


async def test_new_todos_of_a_bulk_stand_where_they_are_to(account: Account) -> None:
    """Todos of one bulk create with the same anchor stand in their order, whatever stands beside."""
    ids = await add_all(account, "AB")
    after, before = {"place": {"after": ids["A"]}}, {"place": {"before": ids["B"]}}
    last, first = {"place": {"after": ids["B"]}}, {"place": {"first": True}}
    places = zip("CDEFGHIJ", [after, after, before, before, last, None, last, first], strict=True)
    inputs = [{"title": title, "to": to} for title, to in places]
    document = """mutation ($inputs: [TodoCreateInput!]!, $dryRun: Boolean!) {
      todoBulkCreate(inputs: $inputs, dryRun: $dryRun) { updated errors { code path } results {
        todo { title position } errors { code path }
      } }
    }"""
    dry = (await account.data(document, inputs=inputs, dryRun=True))["todoBulkCreate"]
    real = (await account.data(document, inputs=inputs, dryRun=False))["todoBulkCreate"]
    assert dry == real
    assert real["updated"] == 8
    assert "".join(await titles_in_order(account)) == "JACDEFBGIH"
    assert await wrong_counts(UUID(account.id)) == {}


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ({"place": {"after": NOBODYS}}, ("NOT_FOUND", ["place", "after"])),
        ({"place": {"before": "nothing"}}, ("NOT_FOUND", ["place", "before"])),
        ({"place": {"after": "TRASHED"}}, ("NOT_FOUND", ["place", "after"])),
        ({"place": {"after": "ELSEWHERE"}}, ("NOT_FOUND", ["place", "after"])),
        ({"place": {"first": False}}, ("INVALID", ["place", "first"])),
        ({"place": {"last": False}}, ("INVALID", ["place", "last"])),
        ({"listId": NOBODYS}, ("NOT_FOUND", ["listId"])),
        ({"listId": "nothing"}, ("NOT_FOUND", ["listId"])),
        ({"listId": "GONE"}, ("NOT_FOUND", ["listId"])),
        ({"sectionId": "SECTION"}, ("NOT_FOUND", ["sectionId"])),
        ({"listId": "OTHER", "sectionId": "SECTION"}, ("NOT_FOUND", ["sectionId"])),
        ({"parentId": NOBODYS}, ("NOT_FOUND", ["parentId"])),
        ({"parentId": "TRASHED"}, ("NOT_FOUND", ["parentId"])),
        ({"listId": "OTHER", "parentId": "ELSEWHERE"}, ("NOT_FOUND", ["parentId"])),
        ({"listId": None, "parentId": "ELSEWHERE"}, ("NOT_FOUND", ["parentId"])),
    ],
)
async def test_what_is_not_there_is_no_destination(
    account: Account, to: dict[str, Any], error: tuple[str, list[str]]
) -> None:
    """A neighbour, list, section or parent that isn't there is named by its path, and nothing changes."""
    list_id, other, gone = [await add_list(account, name) for name in ("List", "Other", "Gone")]
    await fetch("UPDATE lists SET deleted_at = now() WHERE id = $1", UUID(gone))
    ids = {
        "SECTION": await add_section(account, list_id),
        "OTHER": other,
        "GONE": gone,
        "TRASHED": await add(account),
        "ELSEWHERE": await add(account, to={"listId": list_id}),
    }
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }", id=ids["TRASHED"]
    )
    todo_id = await add(account)

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(one) for key, one in value.items()}
        return ids.get(value, value) if isinstance(value, str) else value

    before, (code, path) = await rows(account), error
    assert codes((await move(account, todo_id, named(to)))["errors"]) == [(code, ["to", *path])]
    created = (await account.data(CREATE, input={"title": "New", "to": named(to)}))["todoCreate"]
    assert codes(created["errors"]) == [(code, ["input", "to", *path])]
    bulk = await move_all(account, [todo_id], named(to))
    errors = bulk["errors"] if not bulk["results"] else bulk["results"][0]["errors"]
    assert codes(errors) == [(code, ["to", *path])]
    assert await rows(account) == before


async def test_a_todo_does_not_stand_beside_itself(account: Account) -> None:
    """A neighbour that is moved itself is INVALID."""
    one, other = await add(account), await add(account)
    for edge in ("before", "after"):
        errors = (await move(account, one, {"place": {edge: one}}))["errors"]
        assert codes(errors) == [("INVALID", ["to", "place", edge])]
        bulk = await move_all(
            account, [one, other], {"place": {edge: other}}, onError="SKIP_FAILED"
        )
        assert codes(bulk["errors"]) == [("INVALID", ["to", "place", edge])]


async def test_a_retried_create_is_recognized_though_its_neighbour_is_gone(
    account: Account,
) -> None:
    """A create whose id is in use conflicts with it, whatever became of where it was to stand."""
    anchor, todo_id = await add(account), str(uuid4())
    input = {"id": todo_id, "title": "New", "to": {"place": {"after": anchor}}}
    await add(account, "New", **{key: input[key] for key in ("id", "to")})
    await account.data("mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }", id=anchor)
    payload = (await account.data(CREATE, input=input))["todoCreate"]
    assert codes(payload["errors"]) == [("ALREADY_EXISTS", ["input", "id"])]
    assert payload["todo"]["id"] == todo_id
    bulk = """mutation ($inputs: [TodoCreateInput!]!) { todoBulkCreate(inputs: $inputs) {
      results { todo { id } errors { code path } }
    } }"""
    [result] = (await account.data(bulk, inputs=[input]))["todoBulkCreate"]["results"]
    assert codes(result["errors"]) == [("ALREADY_EXISTS", ["inputs", "0", "id"])]


async def test_a_subtree_goes_along_to_another_list(account: Account) -> None:
    """All below a todo goes along behind it, in its order and in no section, each a change of its own."""
    list_id, other = await add_list(account), await add_list(account, "Other")
    section = await add_section(account, list_id)
    root = await add(account, "A", to={"listId": list_id, "sectionId": section})
    child = await add(account, "B", to={"parentId": root, "sectionId": section})
    await add(account, "D", to={"parentId": root})
    await add(account, "C", to={"parentId": child, "place": {"after": child}})
    await add(account, "X", to={"listId": other})
    await add(account, "Y", to={"listId": other})
    number = len(await log(account))
    todo = await moved(account, root, listId=other, place={"first": True})
    assert todo["parent"] is None
    assert "".join(await titles_in_order(account)) == "ABCDXY"
    stored = await rows(account)
    assert {row["list_id"] for row in stored.values()} == {UUID(other)}
    assert {row["section_id"] for row in stored.values()} == {None}
    changes = (await log(account))[number:]
    assert [stored[change["todoId"]]["title"] for change in changes] == ["A", "B", "D", "C"]
    assert all(change["fields"]["listId"] == other for change in changes)
    todo = await moved(account, root, listId=None)
    assert {row["list_id"] for row in (await rows(account)).values()} == {UUID(other), None}
    assert "".join(await titles_in_order(account)) == "ABCDXY"
    assert await wrong_counts(UUID(account.id)) == {}


async def test_what_is_absent_stays_and_null_clears(account: Account) -> None:
    """The list, section and parent change where the destination says so, or where the list changes."""
    list_id, other = await add_list(account), await add_list(account, "Other")
    section = await add_section(account, list_id)
    parent = await add(account, to={"listId": list_id})
    todo = await add(account, to={"parentId": parent, "sectionId": section})

    async def state() -> tuple[Any, ...]:
        row = (await rows(account))[todo]
        return tuple(
            str(row[name]) if row[name] else None for name in ("list_id", "section_id", "parent_id")
        )

    assert await state() == (list_id, section, parent)
    await moved(account, todo, place={"first": True})
    await moved(account, todo, listId=list_id)
    assert await state() == (list_id, section, parent)
    await moved(account, todo, sectionId=None)
    assert await state() == (list_id, None, parent)
    await moved(account, todo, sectionId=section)
    await moved(account, todo, parentId=None)
    assert await state() == (list_id, section, None)
    await moved(account, todo, parentId=parent)
    assert await state() == (list_id, section, parent)
    await moved(account, todo, listId=other)
    assert await state() == (other, None, None)
    await moved(account, todo, parentId=parent)
    assert await state() == (list_id, None, parent)
    await moved(account, todo, listId=None)
    assert await state() == (None, None, None)


@pytest.mark.parametrize(
    ("ids", "place", "order", "updated"),
    [
        ("DB", {"first": True}, "DBACE", 2),
        ("BD", {"after": "A"}, "ABDCE", 1),
        ("BC", {"after": "A"}, "ABCDE", 0),
        ("CBA", {"last": True}, "DECBA", 3),
        ("AE", {"before": "C"}, "BAECD", 2),
        ("EDCBA", {"first": True}, "EDCBA", 4),
        ("ABCDE", {"last": True}, "ABCDE", 0),
    ],
)
async def test_many_todos_stand_one_behind_the_other(
    account: Account, ids: str, place: dict[str, Any], order: str, updated: int
) -> None:
    """A bulk move changes as few todos as it can, and a dry run gives what the real call does."""
    named = await add_all(account, "ABCDE")
    sent = {edge: named.get(str(value), value) for edge, value in place.items()}
    arguments = ([named[title] for title in ids], {"place": sent})
    before = await rows(account)
    dry = await move_all(account, *arguments, dryRun=True)
    assert await rows(account) == before
    real = await move_all(account, *arguments)
    assert dry == real
    assert (real["processed"], real["updated"]) == (len(ids), updated)
    assert "".join(await titles_in_order(account)) == order
    assert len(await log(account)) == 5 + updated
    assert await wrong_counts(UUID(account.id)) == {}


async def test_bulk_moves_skip_or_abort(account: Account) -> None:
    """A todo that isn't there fails alone, or all with it."""
    list_id = await add_list(account)
    parent, child = await add_line(account, 2)
    ids = [parent, NOBODYS, child]
    aborted = await move_all(account, ids, {"listId": list_id})
    assert codes(aborted["errors"]) == [("INVALID", ["ids"])]
    assert aborted["updated"] == 0
    assert codes(aborted["results"][1]["errors"]) == [("NOT_FOUND", ["ids", "1"])]
    skipped = await move_all(account, ids, {"listId": list_id}, onError="SKIP_FAILED")
    assert (skipped["processed"], skipped["updated"]) == (2, 2)
    stored = await rows(account)
    assert {row["list_id"] for row in stored.values()} == {UUID(list_id)}
    assert stored[child]["parent_id"] == UUID(parent)
    assert await wrong_counts(UUID(account.id)) == {}


async def test_a_newer_version_is_not_moved(account: Account) -> None:
    """A move with another version than the stored one conflicts, also if nothing would change."""
    todo = await add(account)
    errors = (await move(account, todo, {"place": {"first": True}}, version=2))["errors"]
    assert codes(errors) == [("CONFLICT", ["expectedVersion"])]


async def test_a_list_has_limits(account: Account) -> None:
    """A list takes 5,000 open todos, and says so at the path of what names it."""
    list_id = await add_list(account)
    parent = await add(account, to={"listId": list_id})
    await fetch("UPDATE lists SET pending_count = 4999 WHERE id = $1", UUID(list_id))
    pair = await add_line(account, 2)
    for to, path in (({"listId": list_id}, "listId"), ({"parentId": parent}, "parentId")):
        assert codes((await move(account, pair[0], to))["errors"]) == [("TOO_MANY", ["to", path])]
    await add(account, status="COMPLETED", to={"listId": list_id})
    await add(account, to={"listId": list_id})
    full = (await account.data(CREATE, input={"title": "1", "to": {"listId": list_id}}))[
        "todoCreate"
    ]
    assert codes(full["errors"]) == [("TOO_MANY", ["input", "to", "listId"])]


async def test_long_keys_are_numbered_anew(account: Account) -> None:
    """A key of more than 120 characters makes all of its list short, each a change of its own."""
    ids = await add_all(account, "ABC")
    lower = "f000001" + "0" * 114
    for title, key in (("A", lower + "1"), ("B", lower + "2")):
        await fetch("UPDATE todos SET position = $2 WHERE id = $1", UUID(ids[title]), key)
    await moved(account, ids["C"], place={"after": ids["A"]})
    assert "".join(await titles_in_order(account)) == "ACB"
    assert {len(row["position"]) for row in (await rows(account)).values()} == {7}
    assert len(await log(account)) == 6
    await fetch("UPDATE todos SET position = $2 WHERE id = $1", UUID(ids["A"]), lower + "1")
    await fetch("UPDATE todos SET position = $2 WHERE id = $1", UUID(ids["C"]), lower + "2")
    await add(account, "D", to={"place": {"after": ids["A"]}})
    assert "".join(await titles_in_order(account)) == "ADCB"
    assert max(len(row["position"]) for row in (await rows(account)).values()) <= 9
    assert await wrong_counts(UUID(account.id)) == {}
