"""Saved views: filters and orders of todos under a name."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.clocks import Clock
from tests.support.views import CHANGE, DELETE, SAVE, TODOS, VIEWS, names, refused, save, shown
from todo_gql.database.connection import fetch
from todo_gql.features.views import loaders

FILTER: dict[str, Any] = {
    "status": {"in": ["PENDING", "IN_PROGRESS"]},
    "or": [{"priority": {"gte": "HIGH"}}, {"tags": {"some": ["Büro"]}}],
    "not": {"search": "later"},
    "dueAt": {"lt": "2030-01-01T00:00:00.000000Z"},
    "due": {"gte": "2026-01-01", "lteDays": 3},
}
SORT = [{"field": "DUE_AT", "direction": "DESC", "nulls": "FIRST"}]


async def change(account: Account, view_id: str, version: int | None = None, **values: Any) -> Any:
    """The payload of an update."""
    sent = {"name": "View", "filter": {}} | values
    return (await account.data(CHANGE, id=view_id, input=sent, version=version))["savedViewUpdate"]


async def test_a_view_is_saved_and_read_as_it_was_sent(account: Account) -> None:
    """Its filter and order are those of the inputs, without what is null."""
    view = await save(account, name=" Focus ", filter=FILTER | {"search": None}, sort=SORT)
    assert view["name"] == "Focus"
    assert (view["filter"], view["sort"], view["isValid"], view["version"]) == (
        *(FILTER, SORT, True, 1),
    )
    assert (await account.data(VIEWS))["savedViews"] == [view]
    node = await account.data("query ($id: ID!) { node(id: $id) { __typename id } }", id=view["id"])
    assert node["node"] == {"__typename": "SavedView", "id": view["id"]}


async def test_a_view_shows_what_its_filter_matches_in_its_order(account: Account) -> None:
    """A view pages its todos as `todos` does with the same filter and order."""
    for title, priority in (("A", "LOW"), ("C", "HIGH"), ("B", "URGENT"), ("D", "HIGH")):
        await account.create(title=title, priority=priority)
    sort = [{"field": "TITLE", "direction": "DESC"}]
    view = await save(account, filter={"priority": {"gte": "HIGH"}}, sort=sort)
    assert await shown(account, view["id"]) == ["D", "C", "B"]
    first = (await account.data(TODOS, id=view["id"], first=2))["node"]["todos"]
    assert first["pageInfo"]["hasNextPage"]
    after = first["pageInfo"]["endCursor"]
    rest = (await account.data(TODOS, id=view["id"], first=2, after=after))["node"]["todos"]
    assert [node["title"] for page in (first, rest) for node in page["nodes"]] == ["D", "C", "B"]
    assert await shown(account, (await save(account))["id"]) == ["D", "B", "C", "A"]


async def test_days_stay_relative(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due today is so tomorrow, too, in the time zone that the viewer has then."""
    clock = Clock(monkeypatch)
    for day in (29, 30):
        await account.create(title=f"{day}", dueAt=f"2026-11-{day}T22:30:00Z")
    clock.set("2026-11-29T12:00:00Z")
    today = await save(account, filter={"due": {"in": ["TODAY"]}})
    next_days = await save(account, filter={"due": {"gteDays": 1, "lteDays": 1}})
    assert [await shown(account, view["id"]) for view in (today, next_days)] == [["29"], ["30"]]
    clock.set("2026-11-30T12:00:00Z")
    assert [await shown(account, view["id"]) for view in (today, next_days)] == [["30"], []]
    await account.data(
        'mutation { profileUpdate(input: { timeZone: "Asia/Tokyo" }) { errors { code } } }'
    )
    assert [await shown(account, view["id"]) for view in (today, next_days)] == [["29"], ["30"]]


async def test_a_view_is_changed_where_something_else_is_sent(account: Account) -> None:
    """Order and place stay if absent, null clears the order, and no change leaves the version."""
    first, second = await save(account, name="A", sort=SORT), await save(account, name="B")
    assert (await change(account, first["id"], name="A"))["view"] == first
    renamed = (await change(account, first["id"], name="C", filter=FILTER))["view"]
    assert renamed == first | {"name": "C", "filter": FILTER, "version": 2}
    cleared = (await change(account, first["id"], name="C", filter=FILTER, sort=None))["view"]
    assert cleared == renamed | {"sort": None, "version": 3}
    assert await names(account) == "CB"
    moved = (await change(account, first["id"], name="C", place={"after": second["id"]}))["view"]
    assert (moved["version"], moved["filter"], await names(account)) == (4, {}, "BC")
    assert (await change(account, first["id"], name="C", place={"last": True}))["view"] == moved


async def test_views_stand_where_they_are_put(account: Account) -> None:
    """A view is stored at the end if nothing is said, or at an edge of all or of one."""
    a = await save(account, name="A")
    b = await save(account, name="B")
    await save(account, name="C", place={"first": True})
    await save(account, name="D", place={"before": b["id"]})
    await save(account, name="E", place={"after": a["id"]})
    assert await names(account) == "CAEDB"
    assert (await change(account, b["id"], name="B", place={"first": True}))["errors"] == []
    assert await names(account) == "BCAED"
    for place, code in (({"after": str(uuid4())}, "NOT_FOUND"), ({"first": False}, "INVALID")):
        path = ("input", "place", *place)
        assert await refused(account, place=place) == [(code, *path)]
        [error] = (await change(account, b["id"], place=place))["errors"]
        assert (error["code"], *error["path"]) == (code, *path)
    assert await names(account) == "BCAED"


async def test_an_update_of_what_somebody_changed_is_a_conflict(account: Account) -> None:
    """The version seen has to be the current one, whatever else is wrong."""
    view = await save(account, name="A")
    payload = await change(account, view["id"], version=2, name="")
    [error] = payload["errors"]
    assert (error["code"], error["path"], error["current"]) == (
        *("CONFLICT", ["expectedVersion"], {"id": view["id"]}),
    )
    assert payload["view"] == view
    assert (await change(account, view["id"], version=1, name="B"))["view"]["version"] == 2


async def test_a_view_is_created_once_with_an_id(account: Account, new_account: NewAccount) -> None:
    """Again gives what is stored; an id of somebody else's is as good as none."""
    id = str(uuid4())
    view = await save(account, id=id, name="A")
    payload = await account.data(SAVE, input={"id": id, "name": "B", "filter": {}})
    payload = payload["savedViewCreate"]
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("ALREADY_EXISTS", ["input", "id"])
    assert (payload["view"], error["current"], view["id"]) == (view, {"id": id}, id)
    other = await new_account()
    assert await refused(other, id=id) == [("INVALID", "input", "id")]
    assert await refused(other, id="no id") == [("INVALID", "input", "id")]
    [error] = (await change(account, id, id=str(uuid4())))["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "id"])
    assert (await change(account, id, id=id.upper(), name="C"))["view"]["name"] == "C"


async def test_a_view_is_deleted_for_ever(account: Account) -> None:
    """Twice is not found, and its todos stay."""
    await account.create(title="A")
    view = await save(account)
    for expected in ({"ok": True, "errors": []}, None):
        payload = (await account.data(DELETE, id=view["id"]))["savedViewDelete"]
        if expected:
            assert payload == expected
        else:
            assert (payload["ok"], payload["errors"][0]["code"]) == (False, "NOT_FOUND")
    for id in (view["id"], "no id"):
        [error] = (await change(account, id))["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["id"])
    assert (await account.data("{ savedViews { id } todos { totalCount } }")) == {
        "savedViews": [],
        "todos": {"totalCount": 1},
    }


async def test_all_that_is_wrong_with_a_view_is_said_at_once(account: Account) -> None:
    """Each problem at its path, and ids of nothing at theirs."""
    unknown = str(uuid4())
    deep: dict[str, Any] = {}
    for _ in range(5):
        deep = {"not": deep}
    assert await refused(account, name=" ", filter=deep, sort=SORT * 6) == [
        ("INVALID", "input", "filter"),
        ("TOO_MANY", "input", "sort"),
        ("TOO_SHORT", "input", "name"),
    ]
    named = {
        "listId": {"in": [unknown]},
        "and": [{}, {"sectionId": {"eq": "no id"}}],
        "not": {"parentId": {"notIn": [unknown]}},
    }
    assert await refused(account, name="x" * 121, filter=named) == [
        ("NOT_FOUND", "input", "filter", "and", "1", "sectionId", "eq"),
        ("NOT_FOUND", "input", "filter", "listId", "in", "0"),
        ("NOT_FOUND", "input", "filter", "not", "parentId", "notIn", "0"),
        ("TOO_LONG", "input", "name"),
    ]
    for text in ("\0", "\x1b[2J"):
        assert await refused(account, filter={"id": {"eq": text}}) == [
            ("INVALID", "input", "filter")
        ]
    long = {"or": [{"search": "x" * 4_500} for _ in range(4)]}
    assert await refused(account, filter=long) == [("TOO_LONG", "input", "filter")]
    assert (await account.data(VIEWS))["savedViews"] == []


async def test_an_account_has_150_views_at_most(account: Account) -> None:
    """One more is refused until one is deleted."""
    await fetch(
        "INSERT INTO saved_views (id, owner_id, name, position, todo_filter, version, created_at,"
        " updated_at) SELECT gen_random_uuid(), $1, 'A', position_key(n), '{}', 1, now(), now()"
        " FROM generate_series(1, 149) AS n",
        UUID(account.id),
    )
    view = await save(account)
    assert await refused(account) == [("TOO_MANY", "input")]
    await account.data(DELETE, id=view["id"])
    await save(account)


async def stored(account: Account, **columns: Any) -> str:
    """The id of a view that another release has stored."""
    view = await save(account)
    for name, value in columns.items():
        await fetch(
            f"UPDATE saved_views SET {name} = $2 WHERE id = $1", UUID(view["id"]), json.dumps(value)
        )
    return str(view["id"])


@pytest.mark.parametrize(
    "columns",
    [
        {"todo_filter": {"colour": {"eq": "red"}}},
        {"todo_filter": {"status": {"eq": "SNOOZED"}}},
        {"todo_filter": {"and": {"and": {"and": {"and": {"and": {"and": {}}}}}}}},
        {"todo_filter": {"due": {"gte": "2026-02-30"}}},
        {"todo_filter": {"id": {"in": ["x"] * 101}}},
        {"todo_filter": {"search": "\u200b\u0007"}},
        {"todo_filter": ["status"]},
        {"todo_filter": None},
        {"todo_filter": {"listId": "x", "not": 5, "or": [7]}},
        {"todo_sort": [{"field": "COLOUR"}]},
        {"todo_sort": "TITLE"},
    ],
    ids=str,
)
async def test_a_view_that_cannot_be_read_is_empty(
    account: Account, columns: dict[str, Any]
) -> None:
    """It isn't valid, doesn't keep others from being read, and can be saved anew."""
    await account.create(title="A")
    id = await stored(account, **columns)
    await save(account, name="other")
    query = "{ savedViews { name isValid todos { nodes { title } totalCount } } }"
    views = (await account.data(query))["savedViews"]
    assert [(view["isValid"], view["todos"]["totalCount"]) for view in views] == [
        *((False, 0), (True, 1)),
    ]
    assert (await change(account, id, filter={}, sort=None))["view"]["isValid"]


async def test_a_view_is_not_valid_for_want_of_an_answer(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is an error: no view is called valid by it, and none is saved."""
    parent = await account.create(title="parent")
    sent = {"name": "View", "filter": {"parentId": {"eq": parent["id"]}}}
    await save(account, **sent)

    async def failing(*_values: Any) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr(loaders, "fetch", failing)
    for query, variables in ((VIEWS, {}), (SAVE, {"input": sent})):
        error = await account.error(query, **variables)
        assert error["extensions"]["code"] == "UNAVAILABLE"
    monkeypatch.undo()
    assert len((await account.data(VIEWS))["savedViews"]) == 1


async def test_a_view_of_what_is_gone_is_not_valid(account: Account) -> None:
    """It shows what its filter still matches; in the trash is gone, too."""
    parent = await account.create(title="parent")
    [row] = await fetch(
        "INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at)"
        " VALUES (gen_random_uuid(), $1, 'List', 'a', 1, now(), now()) RETURNING id",
        UUID(account.id),
    )
    list_id = str(row["id"])
    of_list = await save(account, filter={"listId": {"eq": list_id.upper()}})
    others = await save(account, filter={"not": {"listId": {"in": [list_id]}}})
    of_parent = await save(account, filter={"or": [{"parentId": {"eq": parent["id"]}}]})
    views = (of_list, others, of_parent)
    assert [view["isValid"] for view in views] == [True, True, True]
    await fetch("UPDATE lists SET deleted_at = now() WHERE id = $1", UUID(list_id))
    assert [view["isValid"] for view in (await account.data(VIEWS))["savedViews"]] == [
        *(False, False, True),
    ]
    assert [await shown(account, view["id"]) for view in views] == [[], ["parent"], []]
    await account.data(
        "mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }", id=parent["id"]
    )
    assert not (await account.data(VIEWS))["savedViews"][2]["isValid"]
