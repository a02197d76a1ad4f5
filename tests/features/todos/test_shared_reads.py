"""What members of a list read: its todos among their own, as if they had made them all themselves."""

from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.clocks import Clock
from tests.support.lists import make_list, make_section, put_under
from tests.support.sharing import share, unshare
from tests.support.varied_todos import PRIORITIES, STATUSES, TAGS, varied_filter

NOW = "2026-11-29T12:00:00Z"
NUMBER, SIZE = 28, 4
PAGE = """
query ($filter: TodoFilter, $sort: [TodoSort!], $first: Int, $after: String, $last: Int, $before: String) {
  todos(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { title tags { name } isOverdue }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
COUNTS = """
query ($filter: TodoFilter) {
  stats(filter: $filter) { total pending inProgress completed cancelled completionRate overdue }
  facets(filter: $filter) {
    total isComplete status { status count } priority { priority count }
    due { group count } tags { tag { name } count }
  }
}
"""
SORT_FIELDS = ("CREATED_AT", "UPDATED_AT", "PRIORITY", "STATUS", "TITLE", "DUE_AT", "DUE")


class Twins(NamedTuple):
    """A member of two lists of an owner, and somebody who has all that the member sees as their own."""

    owner: Account
    member: Account
    twin: Account
    shared: list[str]


async def _make(account: Account, list_id: str | None, values: dict[str, Any]) -> None:
    await account.create(**values, **({"to": {"listId": list_id}} if list_id else {}))


@pytest.fixture
async def twins(
    new_account: NewAccount, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Twins:
    """Twins with todos of all kinds, and an owner with more of them in lists that aren't shared."""
    now, random = Clock(monkeypatch).set(NOW), Random(request.param)
    owner, member, twin = [await new_account() for _ in range(3)]
    shared = [(await make_list(owner, name=f"Shared {n}"))["id"] for n in range(2)]
    private = (await make_list(owner, name="Private"))["id"]
    for list_id in shared:
        await share(owner, list_id, member)
    for number in range(NUMBER):
        values: dict[str, Any] = {
            "title": f"Todo {random.randrange(20):02} {number:02}",
            "status": random.choice(STATUSES),
            "priority": random.choice(PRIORITIES),
            "tags": random.sample(TAGS, random.randrange(3)),
        }
        if random.random() < 0.7:
            moment = now + timedelta(hours=6 * random.randrange(-20, 60))
            by_day = random.random() < 0.4
            values["dueDate" if by_day else "dueAt"] = (
                moment.date().isoformat() if by_day else moment.isoformat()
            )
        await _make(twin, None, values)
        place = random.choice((None, *shared))
        await _make(owner if place else member, place, values)
        if number % 4 == 0:
            await _make(owner, random.choice((None, private)), {**values, "title": "Secret"})
    return Twins(owner, member, twin, shared)


async def page(account: Account, **variables: Any) -> dict[str, Any]:
    """A page of todos without what differs between accounts."""
    return dict((await account.data(PAGE, **variables))["todos"])


async def all_pages(account: Account, *, backwards: bool, **variables: Any) -> list[Any]:
    """The nodes of all pages, one after another, and the numbers of all todos."""
    nodes: list[Any] = []
    size, edge, more, cursor = (
        ("last", "before", "hasPreviousPage", "startCursor")
        if backwards
        else ("first", "after", "hasNextPage", "endCursor")
    )
    position, totals = None, set()
    while True:
        shown = await page(account, **variables, **{size: SIZE, edge: position})
        nodes = [*shown["nodes"], *nodes] if backwards else [*nodes, *shown["nodes"]]
        totals.add(shown["totalCount"])
        if not shown["pageInfo"][more]:
            return [*nodes, *totals]
        position = shown["pageInfo"][cursor]


@pytest.mark.parametrize("twins", range(3), indirect=True)
async def test_pages_of_several_owners_are_those_of_one(twins: Twins) -> None:
    """Pages in any order, forwards and backwards, are those of somebody who has all these todos."""
    random = Random(7)
    for field in SORT_FIELDS:
        sort = [{"field": field, "direction": random.choice(("ASC", "DESC"))}]
        if random.random() < 0.5:
            sort.append({"field": random.choice(SORT_FIELDS), "direction": "DESC"})
        for backwards in (False, True):
            arguments: dict[str, Any] = {"sort": sort, "backwards": backwards}
            expected = await all_pages(twins.twin, **arguments)
            assert len(expected) == NUMBER + 1
            assert await all_pages(twins.member, **arguments) == expected, arguments


@pytest.mark.parametrize("twins", range(2), indirect=True)
async def test_filters_look_among_the_todos_of_several_owners(
    twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filters, searches and counts by them find the same as among todos of one owner."""
    random, now = Random(11), Clock(monkeypatch).set(NOW)
    filters: list[dict[str, Any]] = [{}, {"isOverdue": True}, {"search": "todo 03"}]
    filters += [{"search": "tod 12"}, {"search": "tood"}, {"tags": {"every": ["a"]}}]
    while len(filters) < 22:
        candidate = varied_filter(now, random, "")
        if "listId" not in str(candidate):
            filters.append(candidate)
    for todo_filter in filters:
        orders = [None] if "search" in todo_filter else [None, [{"field": "DUE_AT"}]]
        for sort in orders:
            expected = await page(twins.twin, filter=todo_filter, sort=sort)
            found = await page(twins.member, filter=todo_filter, sort=sort)
            assert found["nodes"] == expected["nodes"], todo_filter
            assert found["totalCount"] == expected["totalCount"], todo_filter
        expected = await twins.twin.data(COUNTS, filter=todo_filter or None)
        counted = await twins.member.data(COUNTS, filter=todo_filter or None)
        tags = by_name(counted["facets"].pop("tags"))
        assert tags == by_name(expected["facets"].pop("tags"))
        assert counted == expected, todo_filter


def by_name(facets: list[dict[str, Any]]) -> dict[str, int]:
    """The counts of tags by name: those of two owners' tags with one name together."""
    counts: dict[str, int] = {}
    for facet in facets:
        counts[facet["tag"]["name"]] = counts.get(facet["tag"]["name"], 0) + facet["count"]
    return counts


OF_LIST = """
query ($id: ID!, $todo: ID!, $tag: ID!) {
  node(id: $id) { ... on TodoList {
    name owner { id username email } sections { name list { id } }
    stats { total pending overdue } few: stats(filter: { priority: { eq: HIGH } }) { total }
    todos(first: 1) { totalCount nodes { title section { name } } pageInfo { hasNextPage } }
    filtered: todos(filter: { priority: { eq: HIGH } }) { totalCount nodes { title } }
  } }
  nodes(ids: [$todo, $tag]) { __typename ... on Tag { name todoCount } ... on Todo { title } }
  todo(id: $todo) {
    title owner { id } list { id } parent { id } progress { total } tags { name todoCount }
    subtasks { totalCount nodes { title parent { title } } }
  }
  tags { totalCount nodes { id name todoCount } }
  lists { totalCount nodes { id name } }
}
"""
NO_LIST = {"node": None, "todo": None}


async def test_a_member_reads_a_list_whole(account: Account, stranger: Account) -> None:
    """A member reads a list's sections, todos, subtasks, tags and counts; a tag with its count there."""
    list_id = (await make_list(account, name="Garden"))["id"]
    section = await make_section(account, list_id, "Beds")
    sown = await account.create(
        title="Sow",
        to={"listId": list_id, "sectionId": section["id"]},
        tags=["spring"],
        priority="HIGH",
    )
    late = await account.create(title="Dig", to={"listId": list_id}, dueAt="2020-01-01T00:00:00Z")
    await put_under(account, late["id"], sown["id"])
    await account.create(title="Private", tags=["spring", "secret"])
    [spring] = [
        one["id"]
        for one in (await account.data("{ tags { nodes { id name } } }"))["tags"]["nodes"]
        if one["name"] == "spring"
    ]
    await stranger.create(title="Own", tags=["own"])
    await share(account, list_id, stranger)
    variables = {"id": list_id, "todo": sown["id"], "tag": spring}
    seen = await stranger.data(OF_LIST, **variables)
    assert seen == {
        "node": {
            "name": "Garden",
            "owner": {"id": account.id, "username": account.username, "email": None},
            "sections": [{"name": "Beds", "list": {"id": list_id}}],
            "stats": {"total": 2, "pending": 2, "overdue": 1},
            "few": {"total": 1},
            "todos": {
                "totalCount": 2,
                "nodes": [{"title": "Sow", "section": {"name": "Beds"}}],
                "pageInfo": {"hasNextPage": True},
            },
            "filtered": {"totalCount": 1, "nodes": [{"title": "Sow"}]},
        },
        "nodes": [
            {"__typename": "Todo", "title": "Sow"},
            {"__typename": "Tag", "name": "spring", "todoCount": 1},
        ],
        "todo": {
            "title": "Sow",
            "owner": {"id": account.id},
            "list": {"id": list_id},
            "parent": None,
            "progress": {"total": 1},
            "tags": [{"name": "spring", "todoCount": 1}],
            "subtasks": {
                "totalCount": 1,
                "nodes": [{"title": "Dig", "parent": {"title": "Sow"}}],
            },
        },
        "tags": {
            "totalCount": 2,
            "nodes": seen["tags"]["nodes"],
        },
        "lists": {"totalCount": 1, "nodes": [{"id": list_id, "name": "Garden"}]},
    }
    assert [(tag["name"], tag["todoCount"]) for tag in seen["tags"]["nodes"]] == [
        ("own", 1),
        ("spring", 1),
    ]
    await unshare(account, list_id, stranger)
    gone = await stranger.data(OF_LIST, **variables)
    assert {name: gone[name] for name in NO_LIST} == NO_LIST
    assert gone["nodes"] == [None, None]
    assert [tag["name"] for tag in gone["tags"]["nodes"]] == ["own"]
    assert gone["lists"] == {"totalCount": 0, "nodes": []}


async def test_a_list_in_the_trash_is_its_owners_alone(account: Account, stranger: Account) -> None:
    """Members see nothing of a list in the trash, nor of what was deleted with it."""
    list_id = (await make_list(account))["id"]
    todo = await account.create(title="Lost", to={"listId": list_id}, tags=["gone"])
    await share(account, list_id, stranger)
    await account.data(
        "mutation ($id: ID!) { listDelete(id: $id) { errors { code } } }", id=list_id
    )
    shown = await stranger.data(
        """query ($list: ID!, $todo: ID!) {
          lists { totalCount } trash: lists(isDeleted: true) { totalCount }
          todos(filter: { isDeleted: true }) { totalCount } tags { totalCount }
          nodes(ids: [$list, $todo]) { id } stats { total } facets { total lists { count } }
        }""",
        list=list_id,
        todo=todo["id"],
    )
    assert shown == {
        "lists": {"totalCount": 0},
        "trash": {"totalCount": 0},
        "todos": {"totalCount": 0},
        "tags": {"totalCount": 0},
        "nodes": [None, None],
        "stats": {"total": 0},
        "facets": {"total": 0, "lists": []},
    }


async def test_members_see_a_lists_trash(account: Account, stranger: Account) -> None:
    """A todo of the trash, which is in a list that isn't, is listed to the list's members, too."""
    list_id = (await make_list(account))["id"]
    ids = [
        (
            await account.create(
                title=title, **({"to": {"listId": list_id}} if title == "Shared" else {})
            )
        )["id"]
        for title in ("Shared", "Private")
    ]
    await share(account, list_id, stranger)
    for id in ids:
        await account.data("mutation ($id: ID!) { todoDelete(id: $id) { errors { code } } }", id=id)
    query = "{ todos(filter: { isDeleted: true }) { totalCount nodes { title } } }"
    shown = (await stranger.data(query))["todos"]
    assert shown == {"totalCount": 1, "nodes": [{"title": "Shared"}]}


LISTS = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  lists(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { name position } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def test_lists_of_others_stand_among_ones_own(account: Account, stranger: Account) -> None:
    """Own lists and those of others are one list of pages, by the member's own positions."""
    await make_list(stranger, name="First")
    theirs = [(await make_list(account, name=name))["id"] for name in ("Second", "Third", "Hidden")]
    for list_id in theirs[:2]:
        await share(account, list_id, stranger)
    await make_list(stranger, name="Own")
    names, after = [], None
    for _ in range(2):
        shown = (await stranger.data(LISTS, first=2, after=after))["lists"]
        assert shown["totalCount"] == 4
        names += [node["name"] for node in shown["nodes"]]
        positions = [node["position"] for node in shown["nodes"]]
        assert positions == sorted(positions)
        after = shown["pageInfo"]["endCursor"]
    assert not shown["pageInfo"]["hasNextPage"]
    assert sorted(names) == ["First", "Own", "Second", "Third"]
    assert names.index("Second") < names.index("Third")
    back = (await stranger.data(LISTS, last=4))["lists"]
    assert [node["name"] for node in back["nodes"]] == names


async def test_who_shares_a_list_sees_the_others(
    account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """People of one list see each other by what anybody may see; nobody else sees them."""
    other, outsider = await new_account(), await new_account()
    list_id = (await make_list(account))["id"]
    for member in (stranger, other):
        await share(account, list_id, member)
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { username fullName email } } }"
    for viewer in (account, stranger, other):
        others = [one for one in (account, stranger, other) if one is not viewer]
        shown = await viewer.data(query, ids=[one.id for one in others] + [outsider.id])
        assert shown["nodes"] == [
            *(
                {"username": one.username, "fullName": one.username, "email": None}
                for one in others
            ),
            None,
        ]
    await unshare(account, list_id, other)
    for viewer, hidden in (
        (other, account),
        (other, stranger),
        (account, other),
        (stranger, other),
    ):
        assert (await viewer.data(query, ids=[hidden.id]))["nodes"] == [None]


async def test_a_saved_view_shows_shared_todos(account: Account, stranger: Account) -> None:
    """A view that names a list of others is valid, and shows its todos, as long as it is shared."""
    list_id = (await make_list(account))["id"]
    await account.create(title="Shared", to={"listId": list_id})
    await share(account, list_id, stranger)
    saved = await stranger.data(
        """mutation ($input: SavedViewInput!) {
          savedViewCreate(input: $input) { view { id } errors { code } }
        }""",
        input={"name": "Theirs", "filter": {"listId": {"eq": list_id}}},
    )
    query = "{ savedViews { isValid todos { totalCount nodes { title } } } }"
    assert saved["savedViewCreate"]["errors"] == []
    [view] = (await stranger.data(query))["savedViews"]
    assert view == {"isValid": True, "todos": {"totalCount": 1, "nodes": [{"title": "Shared"}]}}
    await unshare(account, list_id, stranger)
    [view] = (await stranger.data(query))["savedViews"]
    assert view == {"isValid": False, "todos": {"totalCount": 0, "nodes": []}}
