"""Where sharing meets the trash, transfers, moves, repeating todos and inboxes: what isn't seen stays unseen."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.comments import commented, mention
from tests.support.inboxes import stored
from tests.support.lists import make_list, make_section
from tests.support.reminders import added, let_come, reminded_of
from tests.support.sharing import REMOVE, join, member_id, sharing, transfer
from tests.support.subscribers import newest, streaming
from todo_gql.database.connection import fetch
from todo_gql.features.notifications.feed_reader import read_feed

FIELDS = "fields { name before after }"
CHANGES = f"query ($first: Int, $after: String) {{ changes(first: $first, after: $after) {{ nodes {{ id todo {{ title }} list {{ name }} cursor {FIELDS} }} }} }}"
CHANGE = (
    f"query ($id: ID!) {{ node(id: $id) {{ ... on Change {{ id todo {{ title }} {FIELDS} }} }} }}"
)
ERRORS = "errors { code path ... on ConflictError { current { id ... on TodoList { position } } } }"


async def written(person: Account, call: str, **ids: str) -> Any:
    """The payload of a mutation with some ids."""
    declared = ", ".join(f"${name}: ID!" for name in ids)
    declared = f"({declared})" if declared else ""
    document = f"mutation {declared} {{ payload: {call} {ERRORS} }} }}"
    return (await person.data(document, **ids))["payload"]


async def moved(person: Account, todo_id: str, list_id: str | None) -> None:
    """Move a todo to a list."""
    document = """mutation ($id: ID!, $list: ID) {
        todoMove(id: $id, to: { listId: $list }) { errors { message } } }"""
    data = await person.data(document, id=todo_id, list=list_id)
    assert data["todoMove"]["errors"] == []


async def removed(owner: Account, list_id: str, person: Account) -> None:
    """Remove somebody from a list."""
    id = await member_id(owner, list_id, person)
    assert (await sharing(owner, REMOVE, id=id))["errors"] == []


IN_TRASH = {
    "todoRestore": "todoRestore(id: $todo) { todo { title }",
    "todoUpdate": 'todoUpdate(id: $todo, input: { title: "X" }) { todo { title }',
    "todoBulkRestore": "todoBulkRestore(ids: [$todo]) { results { todo { title } errors { code } }",
    "todoSnooze": 'todoSnooze(id: $todo, until: "2999-01-01T00:00:00Z") { todo { title }',
    "todoMove": "todoMove(id: $todo, to: { listId: null }) { todo { title }",
    "reminderAdd": 'reminderAdd(todoId: $todo, input: { at: "2999-01-01T00:00:00Z" }) { reminder { id }',
    "reminderUpdate": 'reminderUpdate(id: $reminder, input: { at: "2999-01-02T00:00:00Z" }) { reminder { id }',
    "reminderDelete": "reminderDelete(id: $reminder) { ok",
    "commentCreate": 'commentCreate(todoId: $todo, input: { body: "x" }) { comment { id }',
    "commentUpdate": 'commentUpdate(id: $comment, body: "x") { comment { body }',
    "commentDelete": "commentDelete(id: $comment) { comment { body }",
    "listRestore": "listRestore(id: $list) { list { name }",
    "listUpdate": 'listUpdate(id: $list, input: { name: "X" }) { list { name }',
    "listDelete": "listDelete(id: $list) { list { name }",
    "listMove": "listMove(id: $list, place: { last: true }) { list { name }",
    "sectionCreate": 'sectionCreate(listId: $list, name: "X") { section { id }',
    "sectionUpdate": 'sectionUpdate(id: $section, name: "X") { section { name }',
    "sectionDelete": "sectionDelete(id: $section) { section { name }",
    "todoCreate": 'todoCreate(input: { title: "X", to: { listId: $list } }) { todo { title }',
    "listInvite": 'listInvite(id: $list, input: { usernameOrEmail: "x" }) { ok',
    "memberUpdate": "memberUpdate(id: $other, role: VIEWER) { member { id }",
    "memberRemove": "memberRemove(id: $other) { ok",
    "tagRename": 'tagRename(id: $tag, name: "x") { tag { name }',
}


async def test_a_list_in_the_trash_is_nothing_to_its_members(
    account: Account, stranger: Account, new_account: Any
) -> None:
    """A MANAGER of a list in the trash finds neither it nor what is in it, whatever they try."""
    list_id = (await make_list(account, name="Secret"))["id"]
    section = await make_section(account, list_id, "Secret")
    await join(account, list_id, stranger, "MANAGER")
    third = await new_account()
    await join(account, list_id, third, "EDITOR")
    todo = await account.create(title="Secret", tags=["secret"], to={"listId": list_id})
    reminder = await added(stranger, todo["id"], {"at": "2999-01-01T00:00:00Z"})
    comment = await commented(stranger, todo["id"], "Secret")
    ids = {
        "list": list_id,
        "section": section["id"],
        "todo": todo["id"],
        "reminder": reminder["id"],
        "comment": comment["id"],
        "other": await member_id(account, list_id, third),
        "tag": todo["tags"][0]["id"],
    }
    update = (
        'mutation ($id: ID!) { todoUpdate(id: $id, input: { title: "Secret 2" }) { undoCursor } }'
    )
    cursor = (await stranger.data(update, id=todo["id"]))["todoUpdate"]["undoCursor"]
    assert (await written(account, "listDelete(id: $list) { list { id }", list=list_id))[
        "errors"
    ] == []
    problems = {}
    for name, call in IN_TRASH.items():
        used = {key: id for key, id in ids.items() if f"${key}" in call}
        answer = await written(stranger, call, **used)
        never = await written(stranger, call, **{key: str(uuid4()) for key in used})
        if answer != never or "Secret" in json.dumps(answer):
            problems[name] = (answer, never)
    undo = "mutation ($cursor: String!) { todoUndo(cursor: $cursor) { results { todo { title } errors { code } } errors { code } } }"
    answer = await stranger.data(undo, cursor=cursor)
    if "Secret" in json.dumps(answer):
        problems["undo"] = answer
    assert problems == {}


async def test_who_owned_a_list_sees_nothing_of_it_after_leaving(
    account: Account, stranger: Account
) -> None:
    """The owner before a transfer, once removed, reads no values of the list from the log of before."""
    list_id = (await make_list(account, name="Secret list"))["id"]
    todo = await account.create(title="Secret", to={"listId": list_id})
    await join(account, list_id, stranger, "MANAGER")
    before = (await account.data(CHANGES))["changes"]["nodes"]
    assert (await transfer(account, list_id, stranger))["errors"] == []
    await removed(stranger, list_id, account)
    pages = [await account.data(CHANGES), await account.data(CHANGES, first=1)]
    assert "Secret" not in json.dumps(pages), pages
    for change in before:
        node = await account.data(CHANGE, id=change["id"])
        assert "Secret" not in json.dumps(node), node
    feed = await account.data("""{ feed { nodes { __typename ... on Change { fields { after } todo { title } }
        ... on ListChange { list { name } } ... on MemberChange { list { name } } } } }""")
    assert "Secret" not in json.dumps(feed), feed
    assert (await account.data("query ($id: ID!) { node(id: $id) { id } }", id=todo["id"])) == {
        "node": None
    }


async def test_a_subscription_says_nothing_of_a_list_that_was_the_viewers(
    account: Account, stranger: Account, address: str
) -> None:
    """The owner before a transfer, once removed, catches up without values of the list from before."""
    list_id = (await make_list(account))["id"]
    start = await newest(account)
    await account.create(title="Secret", to={"listId": list_id})
    await join(account, list_id, stranger, "MANAGER")
    assert (await transfer(account, list_id, stranger))["errors"] == []
    await removed(stranger, list_id, account)
    document = f"subscription ($after: String) {{ changes(after: $after) {{ ... on Change {{ todoId {FIELDS} }} }} }}"
    async with streaming(address, account.token, document, after=start) as stream:
        event = (await stream.next())[1]["data"]["changes"]
    assert event["fields"] == []


async def test_an_owner_does_not_learn_where_a_todo_was_taken(
    account: Account, stranger: Account
) -> None:
    """The owner of a todo that an editor took to a list of their own sees that it left, not for which list."""
    shared = (await make_list(account))["id"]
    private = (await make_list(stranger))["id"]
    await join(account, shared, stranger, "EDITOR")
    todo = await account.create(title="A", to={"listId": shared})
    await moved(stranger, todo["id"], private)
    await removed(account, shared, stranger)
    changes = (await account.data(CHANGES))["changes"]["nodes"]
    taken = {field["name"]: (field["before"], field["after"]) for field in changes[-1]["fields"]}
    assert taken["listId"] == (shared, None)
    feed = await account.data("{ feed { nodes { ... on Change { fields { after } } } } }")
    nodes = [await account.data(CHANGE, id=change["id"]) for change in changes]
    assert private not in json.dumps([changes, feed, nodes])


async def test_own_history_names_no_list_that_is_not_seen(
    account: Account, stranger: Account
) -> None:
    """A todo that was in somebody else's list for a while names that list nowhere once its member is removed."""
    theirs = (await make_list(account, name="Secret"))["id"]
    own = (await make_list(stranger))["id"]
    await join(account, theirs, stranger, "EDITOR")
    todo = await stranger.create(title="A", to={"listId": own})
    await moved(stranger, todo["id"], theirs)
    await moved(stranger, todo["id"], own)
    ids = [one["id"] for one in (await stranger.data(CHANGES))["changes"]["nodes"]]
    await removed(account, theirs, stranger)
    history = f"query ($id: ID!) {{ todo(id: $id) {{ history {{ nodes {{ id {FIELDS} }} }} }} }}"
    activity = f"""query ($id: ID!) {{ node(id: $id) {{ ... on TodoList {{
        activity {{ nodes {{ ... on Change {{ {FIELDS} }} }} }} }} }} }}"""
    answers = [
        await stranger.data(history, id=todo["id"]),
        await stranger.data(activity, id=own),
        await stranger.data(CHANGES),
        *[await stranger.data(CHANGE, id=id) for id in ids],
    ]
    assert [answer for answer in answers if theirs in json.dumps(answer)] == []


async def test_what_moves_out_of_a_list_leaves_its_members(
    account: Account, stranger: Account
) -> None:
    """A todo that its owner takes out of a shared list is gone for the members, with what they had for it."""
    list_id = (await make_list(account))["id"]
    await join(account, list_id, stranger, "EDITOR")
    todo = await account.create(title="Secret", assigneeId=stranger.id, to={"listId": list_id})
    reminder = await added(stranger, todo["id"], {"at": "2999-01-01T00:00:00Z"})
    comment = await commented(account, todo["id"], f"Secret {mention(stranger)}")
    await read_feed(UUID(stranger.id))
    await moved(account, todo["id"], None)
    await written(
        account,
        'todoUpdate(id: $todo, input: { title: "Secret 2" }) { todo { id }',
        todo=todo["id"],
    )
    await let_come([reminder["id"]])
    node = "query ($id: ID!) { node(id: $id) { id ... on Reminder { todo { title } } } }"
    for id in (todo["id"], reminder["id"], comment["id"]):
        assert await stranger.data(node, id=id) == {"node": None}
    for call in (
        "reminderDelete(id: $id) { ok",
        'reminderUpdate(id: $id, input: { at: "2999-01-02T00:00:00Z" }) { reminder { id }',
    ):
        assert (await written(stranger, call, id=reminder["id"]))["errors"][0][
            "code"
        ] == "NOT_FOUND"
    inbox = await stranger.data("{ notifications { nodes { kind excerpt subject { id } } } }")
    assert "Secret" not in json.dumps(inbox)
    assert todo["id"] not in json.dumps(inbox)
    assert await reminded_of(stranger) == []
    read = await account.data(
        "query ($id: ID!) { todo(id: $id) { assignee { id } } }", id=todo["id"]
    )
    assert read["todo"]["assignee"] is None


async def test_past_occurrences_of_a_private_list_stay_there(
    account: Account, stranger: Account
) -> None:
    """Members see of a repeating todo the occurrences that were completed in lists that they are in."""
    private, shared = [(await make_list(account))["id"] for _ in range(2)]
    await join(account, shared, stranger, "VIEWER")
    sent = {"dueDate": "2030-01-01", "recurrence": {"rule": "FREQ=DAILY"}}
    todo = await account.create(title="Secret", to={"listId": private}, **sent)
    await written(account, "todoComplete(id: $id) { todo { id }", id=todo["id"])
    await moved(account, todo["id"], shared)
    past = "query ($id: ID!) { todo(id: $id) { recurrence { past { totalCount nodes { title dueDate } } } } }"
    assert (await account.data(past, id=todo["id"]))["todo"]["recurrence"]["past"][
        "totalCount"
    ] == 1
    answer = await stranger.data(past, id=todo["id"])
    assert answer["todo"]["recurrence"]["past"] == {"totalCount": 0, "nodes": []}


async def test_nothing_is_entered_for_who_was_removed_meanwhile(
    account: Account, stranger: Account
) -> None:
    """What happened before a removal, and is read from the feed after it, is in no inbox."""
    list_id = (await make_list(account))["id"]
    await join(account, list_id, stranger, "EDITOR")
    await read_feed(UUID(stranger.id))
    todo = await account.create(title="Secret", assigneeId=stranger.id, to={"listId": list_id})
    await commented(account, todo["id"], f"Secret {mention(stranger)}")
    before = [row["id"] for row in await stored(stranger)]
    await removed(account, list_id, stranger)
    await read_feed(UUID(stranger.id))
    subjects = [row["subject_id"] for row in await stored(stranger) if row["id"] not in before]
    assert UUID(todo["id"]) not in subjects


async def test_a_conflict_has_the_members_own_position(account: Account, stranger: Account) -> None:
    """`current` of a list's conflict stands where the member has put the list, not where its owner has."""
    for _ in range(3):
        await make_list(account)
    list_id = (await make_list(account))["id"]
    await join(account, list_id, stranger, "MANAGER")
    document = "query ($id: ID!) { node(id: $id) { ... on TodoList { position } } }"
    position = (await stranger.data(document, id=list_id))["node"]["position"]
    call = 'listUpdate(id: $id, input: { name: "X" }, expectedVersion: 9) { list { id }'
    [error] = (await written(stranger, call, id=list_id))["errors"]
    assert error["current"]["position"] == position


async def test_only_members_are_mentioned(
    account: Account, stranger: Account, new_account: Any
) -> None:
    """A mention of somebody outside the list is none, whether there is such an account or not."""
    outsider = await new_account()
    list_id = (await make_list(account))["id"]
    await join(account, list_id, stranger, "EDITOR")
    todo = await account.create(to={"listId": list_id})
    comment = await commented(stranger, todo["id"], f"{mention(outsider)} @[x](user:{uuid4()})")
    assert comment["mentions"] == []
    assert await stored(outsider) == []


BETWEEN = {
    "Reminder.todo": ("reminder", "... on Reminder { todo { title } }", "todos.loaders"),
    "Comment.todo": ("comment", "... on Comment { todo { title } }", "todos.loaders"),
    "Todo.owner": ("todo", "... on Todo { owner { username } }", "accounts.loaders"),
    "Section.list": ("section", "... on Section { list { name } }", "todos.list_loaders"),
}


@pytest.mark.parametrize("field", BETWEEN)
async def test_who_is_removed_while_they_read_may_ask_again(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """What is hidden between two statements of an operation is an error that another try settles."""
    list_id = (await make_list(account, name="Secret"))["id"]
    section = await make_section(account, list_id, "Secret")
    await join(account, list_id, stranger, "EDITOR")
    todo = await account.create(title="Secret", to={"listId": list_id})
    reminder = await added(stranger, todo["id"], {"at": "2999-01-01T00:00:00Z"})
    comment = await commented(stranger, todo["id"], "Secret")
    kind, selection, room = BETWEEN[field]
    ids = {"reminder": reminder, "comment": comment, "todo": todo, "section": section}

    async def fetch_after_removal(*values: Any) -> Any:
        monkeypatch.undo()
        await removed(account, list_id, stranger)
        return await fetch(*values)

    monkeypatch.setattr(f"todo_gql.features.{room}.fetch", fetch_after_removal)
    document = f"query ($id: ID!) {{ node(id: $id) {{ {selection} }} }}"
    answer = await stranger.execute(document, {"id": ids[kind]["id"]})
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert (codes, answer["data"]) == (["UNAVAILABLE"], {"node": None})
    assert await stranger.data(document, id=ids[kind]["id"]) == {"node": None}
