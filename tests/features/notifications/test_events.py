"""What people who share a list are notified of: assignments, mentions, comments and completions."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.comments import commented, delete, mention, update
from tests.support.inboxes import stored
from tests.support.lists import make_list
from tests.support.sharing import share, unshare
from todo_gql.database.connection import fetch
from todo_gql.database.models import ChangeKind, ListNotifyLevel, ListRole, NotificationKind
from todo_gql.features.notifications.feed_reader import read_feed

ASSIGN = """
mutation ($id: ID!, $assignee: ID) {
  todoUpdate(id: $id, input: { assigneeId: $assignee }) { errors { code } }
}
"""
COMPLETE = "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }"
LEVEL = "UPDATE list_members SET notify = $3 WHERE list_id = $1 AND user_id = $2"
INBOX = """
{ notifications { nodes { kind count excerpt actor { id } subject { id __typename } } } }
"""
ASSIGNED, MENTIONED, COMMENTED, COMPLETED = (
    NotificationKind.ASSIGNED,
    NotificationKind.MENTIONED,
    NotificationKind.COMMENTED,
    NotificationKind.COMPLETED,
)


class Shared:
    """A list of somebody's with a member, and a todo in it."""

    def __init__(self, owner: Account, member: Account, list_id: str, todo_id: str) -> None:
        self.owner = owner
        self.member = member
        self.list_id = list_id
        self.todo_id = todo_id

    async def new_todo(self, **values: Any) -> str:
        """The id of another todo of the owner's in the list."""
        todo = await self.owner.create(to={"listId": self.list_id}, **values)
        return str(todo["id"])

    async def notify(self, account: Account, level: ListNotifyLevel) -> None:
        """Have somebody be notified of so much of the list."""
        await fetch(LEVEL, UUID(self.list_id), UUID(account.id), level.value)


@pytest.fixture
async def shared(account: Account, stranger: Account) -> Shared:
    """A list that two people share."""
    made = await make_list(account)
    await share(account, made["id"], stranger)
    todo = await account.create(title="Paint", to={"listId": made["id"]})
    return Shared(account, stranger, made["id"], todo["id"])


async def entered(account: Account) -> list[tuple[NotificationKind, int]]:
    """Read a feed; the kinds and counts of what is in the inbox then."""
    await read_feed(UUID(account.id))
    return [(NotificationKind(row["kind"]), row["event_count"]) for row in await stored(account)]


async def test_who_gets_a_todo_to_do_is_notified(shared: Shared) -> None:
    """An assignment is entered for the assignee, once, and for nobody else."""
    await shared.owner.data(ASSIGN, id=shared.todo_id, assignee=shared.member.id)
    for _ in range(2):
        assert await entered(shared.member) == [(ASSIGNED, 1)]
    assert await entered(shared.owner) == []
    [row] = await stored(shared.member)
    assert (row["subject_kind"], str(row["subject_id"])) == (ChangeKind.TODO, shared.todo_id)
    assert str(row["actor_id"]) == shared.owner.id
    [shown] = (await shared.member.data(INBOX))["notifications"]["nodes"]
    assert shown == {
        "kind": "ASSIGNED",
        "count": 1,
        "excerpt": "Paint",
        "actor": {"id": shared.owner.id},
        "subject": {"id": shared.todo_id, "__typename": "Todo"},
    }


async def test_a_todo_that_is_created_for_somebody_notifies_them(shared: Shared) -> None:
    """An assignment by the mutation that creates the todo counts, and one that was taken back doesn't."""
    await shared.new_todo(assigneeId=shared.member.id)
    taken_back = await shared.new_todo(assigneeId=shared.member.id)
    await shared.owner.data(ASSIGN, id=taken_back, assignee=None)
    assert await entered(shared.member) == [(ASSIGNED, 1)]


async def test_assigning_to_oneself_notifies_nobody(shared: Shared) -> None:
    """Nobody is notified of what they take on themselves."""
    await shared.owner.data(ASSIGN, id=shared.todo_id, assignee=shared.owner.id)
    assert await entered(shared.owner) == []
    assert await entered(shared.member) == []


async def test_who_is_mentioned_is_notified_of_that_alone(shared: Shared) -> None:
    """A mention is about the comment, whose beginning is shown, and no other entry is of the same comment."""
    comment = await commented(
        shared.owner, shared.todo_id, f"Hi {mention(shared.member)}, *please*"
    )
    assert [one["id"] for one in comment["mentions"]] == [shared.member.id]
    assert await entered(shared.member) == [(MENTIONED, 1)]
    [shown] = (await shared.member.data(INBOX))["notifications"]["nodes"]
    assert shown["excerpt"] == f"Hi @{shared.member.username}, *please*"
    assert shown["subject"] == {"id": comment["id"], "__typename": "Comment"}


async def test_an_edit_tells_those_alone_whom_it_mentions_first(
    shared: Shared, new_account: NewAccount
) -> None:
    """Whom a comment mentioned before hears nothing of an edit, and whom it mentions now for the first time does."""
    third = await new_account()
    await share(shared.owner, shared.list_id, third)
    await shared.notify(third, ListNotifyLevel.MINE)
    comment = await commented(shared.owner, shared.todo_id, mention(shared.member))
    assert await entered(shared.member) == [(MENTIONED, 1)]
    assert await entered(third) == []
    body = f"{mention(third)} {mention(shared.member)}"
    assert (await update(shared.owner, comment["id"], body))["errors"] == []
    assert await entered(shared.member) == [(MENTIONED, 1)]
    assert await entered(third) == [(MENTIONED, 1)]


async def test_only_members_are_mentioned(shared: Shared, new_account: NewAccount) -> None:
    """Who isn't in the list is not mentioned, whatever the text says."""
    stranger = await new_account()
    comment = await commented(
        shared.owner, shared.todo_id, f"{mention(stranger)} `{mention(shared.member)}`"
    )
    assert comment["mentions"] == []
    assert await entered(stranger) == []
    assert await entered(shared.member) == [(COMMENTED, 1)]


async def test_comments_on_one_todo_are_counted_up(shared: Shared) -> None:
    """Comments within minutes are one entry about their todo, and edits and deletions are none."""
    first = await commented(shared.owner, shared.todo_id, "a")
    await commented(shared.owner, shared.todo_id, "b")
    await update(shared.owner, first["id"], "c")
    gone = await commented(shared.owner, shared.todo_id, "d")
    await delete(shared.owner, gone["id"])
    assert await entered(shared.member) == [(COMMENTED, 2)]
    [row] = await stored(shared.member)
    assert (row["subject_kind"], str(row["subject_id"])) == (ChangeKind.TODO, shared.todo_id)


@pytest.mark.parametrize("level", ListNotifyLevel)
async def test_members_are_notified_as_they_choose(shared: Shared, level: ListNotifyLevel) -> None:
    """ALL is everything that others do, MINE what concerns a todo of theirs, NONE nothing at all."""
    await shared.notify(shared.member, level)
    mine = await shared.new_todo(assigneeId=shared.member.id)
    for todo_id in (shared.todo_id, mine):
        await commented(shared.owner, todo_id, "x")
        await shared.owner.data(COMPLETE, id=todo_id)
    await commented(shared.owner, shared.todo_id, mention(shared.member))
    of_mine = [(ASSIGNED, 1), (COMMENTED, 1), (COMPLETED, 1), (MENTIONED, 1)]
    expected = {
        ListNotifyLevel.ALL: sorted([*of_mine, (COMMENTED, 1), (COMPLETED, 1)]),
        ListNotifyLevel.MINE: sorted(of_mine),
        ListNotifyLevel.NONE: [],
    }
    assert sorted(await entered(shared.member)) == expected[level]


async def test_who_has_left_is_notified_of_nothing(shared: Shared) -> None:
    """What happened before somebody left isn't entered after that, and what was entered loses its words."""
    await commented(shared.owner, shared.todo_id, mention(shared.member))
    assert await entered(shared.member) == [(MENTIONED, 1)]
    await commented(shared.owner, shared.todo_id, "secret")
    await unshare(shared.owner, shared.list_id, shared.member)
    assert await entered(shared.member) == [(MENTIONED, 1)]
    [shown] = (await shared.member.data(INBOX))["notifications"]["nodes"]
    assert (shown["excerpt"], shown["subject"]) == (None, None)


async def test_viewers_are_notified_too(shared: Shared, new_account: NewAccount) -> None:
    """Who may only look at a list is mentioned and hears of comments."""
    viewer = await new_account()
    await share(shared.owner, shared.list_id, viewer, ListRole.VIEWER)
    await commented(shared.owner, shared.todo_id, mention(viewer))
    await shared.owner.data(COMPLETE, id=shared.todo_id)
    assert await entered(viewer) == [(MENTIONED, 1), (COMPLETED, 1)]


async def test_a_completed_occurrence_is_a_completion(shared: Shared) -> None:
    """Completing a repeating todo is told with the copy that is left of it."""
    todo_id = await shared.new_todo(dueDate="2030-01-01", recurrence={"rule": "FREQ=DAILY"})
    await shared.owner.data(COMPLETE, id=todo_id)
    assert await entered(shared.member) == [(COMPLETED, 1)]
    [row] = await stored(shared.member)
    assert str(row["subject_id"]) != todo_id
