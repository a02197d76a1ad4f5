"""What members may write by their roles, and what removed members and strangers may: nothing."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.lists import make_list, make_section
from tests.support.sharing import share, unshare
from todo_gql.database.models import ListRole
from todo_gql.security.memberships import memberships

ERRORS = "errors { __typename code path ... on NotAllowedError { needed } }"
# The call, what the payload shows, the path of the error, and the role that may do it.
WRITES = {
    "update": ('todoUpdate(id: $todo, input: { title: "New" })', "todo", ["id"], "EDITOR"),
    "complete": ("todoComplete(id: $todo)", "todo", ["id"], "EDITOR"),
    "start": ("todoStart(id: $todo)", "todo", ["id"], "EDITOR"),
    "delete": ("todoDelete(id: $todo)", "todo", ["id"], "EDITOR"),
    "restore": ("todoRestore(id: $todo)", "todo", ["id"], "EDITOR"),
    "skip": ("todoSkip(id: $todo)", "todo", ["id"], "EDITOR"),
    "move": ("todoMove(id: $todo, to: { place: { last: true } })", "todo", ["id"], "EDITOR"),
    "take": ("todoMove(id: $todo, to: { listId: null })", "todo", ["id"], "EDITOR"),
    "create": (
        'todoCreate(input: { title: "New", to: { listId: $list } })',
        None,
        ["input", "to", "listId"],
        "EDITOR",
    ),
    "create below": (
        'todoCreate(input: { title: "New", to: { parentId: $todo } })',
        None,
        ["input", "to", "parentId"],
        "EDITOR",
    ),
    "put": ("todoMove(id: $own, to: { listId: $list })", "todo", ["to", "listId"], "EDITOR"),
    "section update": ('sectionUpdate(id: $section, name: "New")', "section", ["id"], "MANAGER"),
    "section delete": ("sectionDelete(id: $section)", "section", ["id"], "MANAGER"),
    "section create": (
        'sectionCreate(listId: $list, name: "New")',
        None,
        ["listId"],
        "MANAGER",
    ),
    "list update": ('listUpdate(id: $list, input: { name: "New" })', "list", ["id"], "MANAGER"),
    "list delete": ("listDelete(id: $list)", "list", ["id"], "OWNER"),
    "list restore": ("listRestore(id: $list)", "list", ["id"], "OWNER"),
}
BULK = {
    "bulk update": "todoBulkUpdate(ids: [$todo, $own], action: { setStatus: COMPLETED }, onError: SKIP_FAILED)",
    "bulk delete": "todoBulkDelete(ids: [$todo, $own], onError: SKIP_FAILED)",
    "bulk restore": "todoBulkRestore(ids: [$todo, $own], onError: SKIP_FAILED)",
    "bulk move": "todoBulkMove(ids: [$todo, $own], to: { listId: null }, onError: SKIP_FAILED)",
}


class Shared:
    """A list of somebody else's with a section and a todo in it, and a todo of the member's own."""

    def __init__(self, owner: Account, member: Account) -> None:
        self.owner, self.member = owner, member
        self.ids: dict[str, str] = {}

    async def fill(self) -> "Shared":
        """Make all of it."""
        list_id = (await make_list(self.owner))["id"]
        section = await make_section(self.owner, list_id)
        todo = await self.owner.create(to={"listId": list_id, "sectionId": section["id"]})
        own = await self.member.create()
        self.ids = {"list": list_id, "section": section["id"], "todo": todo["id"], "own": own["id"]}
        return self

    async def write(self, call: str, shown: str = "") -> dict[str, Any]:
        """The payload of a mutation of the member's."""
        used = {name: id for name, id in self.ids.items() if f"${name}" in call}
        declared = ", ".join(f"${name}: ID!" for name in used)
        document = f"mutation ({declared}) {{ payload: {call} {{ {shown} {ERRORS} }} }}"
        return dict((await self.member.data(document, **used))["payload"])


@pytest.fixture
async def shared(account: Account, stranger: Account) -> Shared:
    """A list of `account`, and `stranger` who writes to it."""
    return await Shared(account, stranger).fill()


def not_allowed(needed: str, path: list[str]) -> list[dict[str, Any]]:
    """The errors of too little a role."""
    error = {"__typename": "NotAllowedError", "code": "NOT_ALLOWED", "path": path}
    return [error | {"needed": needed}]


@pytest.mark.parametrize("role", [ListRole.VIEWER, ListRole.EDITOR, ListRole.MANAGER])
async def test_roles_decide_what_members_write(shared: Shared, role: ListRole) -> None:
    """A write beyond a member's role is refused with the role that it needs, and shows what it is about."""
    await share(shared.owner, shared.ids["list"], shared.member, role)
    refused = {name: write for name, write in WRITES.items() if ListRole[write[3]] > role}
    for name, (call, shown, path, needed) in refused.items():
        payload = await shared.write(call, f"{shown} {{ id }}" if shown else "")
        assert payload["errors"] == not_allowed(needed, path), name
        assert shown is None or payload[shown]["id"] in shared.ids.values(), name
    log = await shared.owner.data("{ changes { edges { node { id } } } }")
    assert len(log["changes"]["edges"]) == 1


@pytest.mark.parametrize("was_member", [False, True])
async def test_others_find_nothing(shared: Shared, was_member: bool) -> None:
    """Who isn't in a list, any more or at all, gets NOT_FOUND for each write, at the same path."""
    if was_member:
        await share(shared.owner, shared.ids["list"], shared.member, ListRole.MANAGER)
        await unshare(shared.owner, shared.ids["list"], shared.member)
    for name, (call, *_, path, _needed) in WRITES.items():
        payload = await shared.write(call)
        errors = [(error["code"], error["path"]) for error in payload["errors"]]
        assert errors == [("NOT_FOUND", path)], name


@pytest.mark.parametrize("name", BULK)
async def test_bulk_actions_refuse_each_todo_by_its_role(shared: Shared, name: str) -> None:
    """A bulk action over todos of several owners changes the member's own, and refuses the other one."""
    await share(shared.owner, shared.ids["list"], shared.member, ListRole.VIEWER)
    if name == "bulk restore":
        await shared.write("todoDelete(id: $own)")
    payload = await shared.write(BULK[name], f"updated results {{ todo {{ id }} {ERRORS} }}")
    assert payload["errors"] == []
    assert payload["updated"] == (0 if name == "bulk move" else 1)
    first, second = payload["results"]
    assert first["errors"] == not_allowed("EDITOR", ["ids", "0"])
    assert first["todo"]["id"] == shared.ids["todo"]
    assert second["errors"] == []


async def test_editors_write_todos(shared: Shared) -> None:
    """An editor changes, completes, deletes, restores and moves todos of a list, and creates them there."""
    await share(shared.owner, shared.ids["list"], shared.member)
    for name in (
        "update",
        "start",
        "move",
        "complete",
        "delete",
        "restore",
        "create",
        "create below",
    ):
        assert (await shared.write(WRITES[name][0]))["errors"] == [], name
    todos = await shared.owner.data("{ todos { nodes { title } } stats { total } }")
    assert [todo["title"] for todo in todos["todos"]["nodes"]] == ["New"] * 3
    assert todos["stats"]["total"] == 3


async def test_members_write_before_it_is_known_that_they_are(shared: Shared) -> None:
    """A server that doesn't know yet that somebody has joined a list of others finds out under the lock."""
    await share(shared.owner, shared.ids["list"], shared.member, ListRole.MANAGER)
    for name in ("update", "create", "list update", "section update"):
        await shared.member.data("{ viewer { id } }")
        memberships.of(UUID(shared.member.id)).is_member = False
        assert (await shared.write(WRITES[name][0]))["errors"] == [], name


async def test_managers_write_lists_and_sections(shared: Shared) -> None:
    """A manager renames a list, and creates, renames and deletes its sections."""
    await share(shared.owner, shared.ids["list"], shared.member, ListRole.MANAGER)
    for name in ("list update", "section create", "section update", "section delete"):
        assert (await shared.write(WRITES[name][0]))["errors"] == [], name
    lists = await shared.owner.data("{ lists { nodes { name sections { name } } } }")
    assert lists["lists"]["nodes"] == [{"name": "New", "sections": [{"name": "New"}]}]


async def test_bulk_actions_write_to_several_owners_at_once(
    shared: Shared, new_account: NewAccount
) -> None:
    """Todos of three owners change in one transaction, which can be aborted as a whole."""
    await share(shared.owner, shared.ids["list"], shared.member)
    third = await Shared(await new_account(), shared.member).fill()
    await share(third.owner, third.ids["list"], shared.member)
    ids = [shared.ids["todo"], third.ids["todo"], shared.ids["own"]]
    document = (
        "mutation ($ids: [ID!]!) { payload: todoBulkUpdate(ids: $ids, action: { setPriority: HIGH })"
        f" {{ updated undoCursor results {{ todo {{ id priority }} {ERRORS} }} }} }}"
    )
    failing = await shared.member.data(document, ids=[*ids, str(uuid4())])
    assert failing["payload"]["updated"] == 0
    payload = (await shared.member.data(document, ids=ids))["payload"]
    assert payload["updated"] == 3
    assert [result["todo"] for result in payload["results"]] == [
        {"id": id, "priority": "HIGH"} for id in ids
    ]
    assert payload["undoCursor"] is None
    for person, id in ((shared.owner, ids[0]), (third.owner, ids[1]), (shared.member, ids[2])):
        todo = await person.data("query ($id: ID!) { todo(id: $id) { priority version } }", id=id)
        assert todo["todo"] == {"priority": "HIGH", "version": 2}


async def test_bulk_creates_are_of_the_owners_of_their_lists(shared: Shared) -> None:
    """One call creates todos in the member's own inbox and in a list of somebody else's."""
    await share(shared.owner, shared.ids["list"], shared.member)
    inputs: list[dict[str, Any]] = [
        {"title": "Own"},
        {"title": "Shared", "to": {"listId": shared.ids["list"]}},
        {"title": "Below", "to": {"parentId": shared.ids["todo"]}},
    ]
    await shared.member.create_many(inputs)
    assert (await shared.owner.data("{ stats { total } }"))["stats"]["total"] == 3
    progress = "query ($id: ID!) { todo(id: $id) { progress { total } } }"
    todo = (await shared.owner.data(progress, id=shared.ids["todo"]))["todo"]
    assert todo["progress"]["total"] == 1


async def test_only_the_owner_renames_tags(shared: Shared) -> None:
    """A tag of the owner's is seen by members of a list that has it, but changed by the owner alone."""
    await share(shared.owner, shared.ids["list"], shared.member, ListRole.MANAGER)
    to = {"listId": shared.ids["list"]}
    seen = (await shared.owner.create(tags=["seen"], to=to))["tags"][0]["id"]
    private = (await shared.owner.create(tags=["private"]))["tags"][0]["id"]
    for call in ('tagRename(id: $tag, name: "new")', "tagDelete(id: $tag)"):
        shared.ids["tag"] = seen
        assert (await shared.write(call))["errors"] == not_allowed("OWNER", ["id"])
        shared.ids["tag"] = private
        assert [error["code"] for error in (await shared.write(call))["errors"]] == ["NOT_FOUND"]


async def test_reminders_and_snoozes_are_everybodys_own(shared: Shared) -> None:
    """Whoever may look at a list is reminded of its todos and puts them off, for themselves."""
    await share(shared.owner, shared.ids["list"], shared.member, ListRole.VIEWER)
    added = await shared.write(
        'reminderAdd(todoId: $todo, input: { at: "2999-01-01T00:00:00Z" })', "reminder { id }"
    )
    shared.ids["reminder"] = added["reminder"]["id"]
    for call in (
        'reminderUpdate(id: $reminder, input: { at: "2999-02-01T00:00:00Z" })',
        'todoSnooze(id: $todo, until: "2999-01-01T00:00:00Z")',
        "reminderDelete(id: $reminder)",
    ):
        assert (await shared.write(call))["errors"] == [], call


async def test_members_move_lists_of_others_among_their_own(
    shared: Shared, new_account: NewAccount
) -> None:
    """A member's order has lists of others where the member puts them, and nobody else sees a change."""
    third = await new_account()
    await share(shared.owner, shared.ids["list"], third, ListRole.VIEWER)
    await share(shared.owner, shared.ids["list"], shared.member, ListRole.VIEWER)
    own = [(await make_list(shared.member, name=name))["id"] for name in "ab"]
    move = (
        "mutation ($id: ID!, $place: PlaceInput!) { listMove(id: $id, place: $place) {"
        " list { id position } errors { code } } }"
    )
    moved = await shared.member.data(move, id=shared.ids["list"], place={"after": own[0]})
    position = moved["listMove"]["list"]["position"]
    lists = await shared.member.data("{ lists { nodes { id position } } }")
    positions = {one["id"]: one["position"] for one in lists["lists"]["nodes"]}
    assert positions[own[0]] < position < positions[own[1]]
    before = await shared.member.data(move, id=own[1], place={"before": shared.ids["list"]})
    assert positions[own[0]] < before["listMove"]["list"]["position"] < position
    strangers = await third.data(move, id=own[0], place={"last": True})
    assert [error["code"] for error in strangers["listMove"]["errors"]] == ["NOT_FOUND"]
