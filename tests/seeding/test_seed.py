"""Seeded accounts: as believable as they are consistent."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from tests.support.accounts import Account
from tests.support.recounts import wrong_counts
from todo_gql.api.order_keys import position_key
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import Action, ChangeKind, Status, User
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.canonical_json import NO_METADATA
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.history import FIELDS_OF_NEW as FIELDS
from todo_gql.seeding import insert as seeding
from todo_gql.seeding.histories import History, todo_histories
from todo_gql.seeding.insert import seed_account
from todo_gql.seeding.lists import PLANS

UPDATE = """
mutation ($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) {
    todo { version history { nodes { action fields { name before after } } } } errors { code }
  }
}
"""
REPEATING = """
{ todos(filter: { isRecurring: true }, first: 20) {
  nodes { id recurrence { done past(first: 10) { nodes { id status dueAt dueDate } } } } } }
"""
UNDO_OCCURRENCE = """
mutation ($id: ID!) {
  todoUndoOccurrence(id: $id) {
    todo { id dueAt dueDate recurrence { done } } errors { code message } } }
"""
COLOR = re.compile("#[0-9a-f]{6}")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EMPTY: dict[str, Any] = {name: None for name, _, _ in FIELDS} | {"tags": [], "metadata": {}}

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes some hundred todos take several transactions."""
    monkeypatch.setattr(seeding, "BATCH", 300)


async def seeded(account: Account, number: int, tell: Callable[[int], object] = int) -> None:
    """Add todos to an account."""
    await seed_account(await User.get(id=account.id), number, Random(7), tell)


async def rows(sql: str, account: Account) -> list[Row]:
    """The rows of a statement about an account."""
    return await fetch(sql, UUID(account.id))


async def assert_in_order(account: Account) -> None:
    """All that the write path keeps is what it would be if it were worked out anew."""
    assert await wrong_counts(UUID(account.id)) == {}
    changes = await rows("SELECT * FROM changes WHERE owner_id = $1 ORDER BY seq", account)
    [user] = await rows("SELECT change_seq FROM users WHERE id = $1", account)
    assert [change["seq"] for change in changes] == list(range(1, user["change_seq"] + 1))
    histories: dict[UUID, list[Row]] = {}
    for change in changes:
        if change["kind"] == ChangeKind.TODO:
            histories.setdefault(change["todo_id"], []).append(change)
    todos = await rows(f"SELECT t.*, {TAG_NAMES} FROM todos t WHERE t.owner_id = $1", account)
    assert {todo["id"] for todo in todos} == set(histories)
    numbers = {id: history[0]["seq"] for id, history in histories.items()}
    assert all(todo["position"] == position_key(numbers[todo["id"]]) for todo in todos)
    assert all(todo["search_text"] for todo in todos)
    for todo in todos:
        assert_history_leads_to(todo, histories[todo["id"]])


def assert_history_leads_to(todo: Row, history: list[Row]) -> None:
    """A todo's changes, done in their order, give the todo as it is stored."""
    assert todo["version"] == len(history)
    assert [change["action"] for change in history].count(Action.CREATED) == 1
    assert history[0]["action"] == Action.CREATED
    moments = [change["at"] for change in history]
    assert moments == sorted(moments)
    assert (moments[0], moments[-1]) == (todo["created_at"], todo["updated_at"])
    replayed = dict(EMPTY)
    for change in history:
        diff = orjson.loads(change["diff"])
        assert diff
        for field in diff:
            if change["action"] != Action.CREATED:
                assert replayed[field["name"]] == field["before"]
            replayed[field["name"]] = field["after"]
    stored = {name: shown(todo[attribute]) for name, attribute, shown in FIELDS}
    # As JSON, since metadata is written as it is stored.
    assert replayed == orjson.loads(orjson.dumps(stored))


@pytest.mark.usefixtures("small_batches")
async def test_seeded_account_is_as_if_written_through_the_api(account: Account) -> None:
    """Counts, sequence, versions and diffs of todos seeded in several batches all agree."""
    told: list[int] = []
    await seeded(account, 1_000, told.append)
    assert told == [300, 300, 300, 100]
    [(number,)] = await rows("SELECT count(*) FROM todos WHERE owner_id = $1", account)
    assert number == 1_000
    await assert_in_order(account)


async def test_log_of_a_seeded_account_follows_time(account: Account) -> None:
    """The changes of a freshly seeded account are in the order of their times, none ahead of us."""
    await seeded(account, 500)
    changes = await rows("SELECT at FROM changes WHERE owner_id = $1 ORDER BY seq", account)
    moments = [change["at"] for change in changes]
    assert moments == sorted(moments)
    assert moments[-1] < datetime.now(UTC)
    assert datetime.now(UTC) - moments[0] > timedelta(days=300)


@pytest.mark.usefixtures("small_batches")
async def test_seeding_adds_to_what_is_there(account: Account) -> None:
    """An account that has todos keeps them, and its tags and log go on."""
    await account.create(title="Mine", tags=["home", "mine"])
    await account.create(title="Mine, too", tags=["home"], status="COMPLETED")
    own = "SELECT * FROM todos WHERE owner_id = $1 AND title LIKE 'Mine%'"
    before = await rows(own, account)
    await seeded(account, 400)
    await seeded(account, 10)
    assert await rows(own, account) == before
    [(number,)] = await rows("SELECT count(*) FROM todos WHERE owner_id = $1", account)
    assert number == 412
    await assert_in_order(account)


@pytest.mark.usefixtures("small_batches")
async def test_seeded_lists_are_believable(account: Account) -> None:
    """Most todos are in lists, some of them in sections, and some lists are archived."""
    await seeded(account, 600)
    await seeded(account, 600)
    lists = await rows("SELECT * FROM lists WHERE owner_id = $1 ORDER BY position", account)
    assert [row["name"] for row in lists] == [plan.name for plan in PLANS]
    assert [bool(row["archived_at"]) for row in lists] == [plan.is_archived for plan in PLANS]
    assert all(COLOR.fullmatch(row["color"]) for row in lists)
    [counts] = await rows(
        "SELECT count(*), count(list_id) AS listed, count(section_id) AS sectioned,"
        " count(DISTINCT section_id) AS sections, count(DISTINCT list_id) AS lists,"
        " count(*) FILTER (WHERE EXISTS (SELECT FROM lists l WHERE l.id = t.list_id"
        " AND l.created_at > t.created_at)) AS older FROM todos t WHERE owner_id = $1",
        account,
    )
    assert 600 < counts["listed"] < 900
    assert 200 < counts["sectioned"] < counts["listed"]
    assert counts["sections"] == sum(len(plan.sections) for plan in PLANS)
    assert counts["lists"] == len(PLANS)
    assert counts["older"] == 0
    await assert_in_order(account)


@pytest.mark.usefixtures("small_batches")
async def test_seeding_cut_short_leaves_the_account_in_order(account: Account) -> None:
    """What was told is there, and no half of anything."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await seeded(account, 1_000, interrupt)
    [(number,)] = await rows("SELECT count(*) FROM todos WHERE owner_id = $1", account)
    assert number == 300
    await assert_in_order(account)


@pytest.mark.usefixtures("small_batches")
async def test_seeding_beside_other_writes(account: Account) -> None:
    """Todos that are made while the account is being seeded take their turn."""
    seeding_all = asyncio.ensure_future(seeded(account, 900))
    made = 0
    while not seeding_all.done():
        await account.create(title="Beside", tags=["home", "beside"])
        made += 1
    await seeding_all
    [(number,)] = await rows("SELECT count(*) FROM todos WHERE owner_id = $1", account)
    assert number == 900 + made
    await assert_in_order(account)


async def test_seeded_todo_changes_like_any_other(account: Account) -> None:
    """An update through the API goes on from the seeded version and history."""
    await seeded(account, 20)
    found = (await account.data("{ todos(first: 1) { nodes { id version } } }"))["todos"]["nodes"]
    [todo] = found
    changed = {"title": "Changed", "tags": ["changed"], "status": "CANCELLED", "dueAt": None}
    payload = (await account.data(UPDATE, id=todo["id"], input=changed))["todoUpdate"]
    assert payload["errors"] == []
    assert payload["todo"]["version"] == todo["version"] + 1
    newest = payload["todo"]["history"]["nodes"][0]
    assert "Changed" in [field["after"] for field in newest["fields"]]
    assert len(payload["todo"]["history"]["nodes"]) == todo["version"] + 1
    await assert_in_order(account)


def believable(
    until: datetime,
    owner_id: UUID | None = None,
    number: int = 2_000,
    seed: int = 1,
    *,
    is_latest: bool = False,
) -> list[History]:
    """The histories of todos of 400 days, as somebody in Berlin has them."""
    since, clock = until - timedelta(days=400), LocalClock(until, "Europe/Berlin")
    histories = todo_histories(
        owner_id or uuid4(), number, since, clock, Random(seed), is_latest=is_latest
    )
    return list(histories)


def test_seeded_todos_are_believable() -> None:
    """There is some of everything, most of it done, with two or three of thirty tags."""
    until = datetime(2026, 6, 1, tzinfo=UTC)
    histories = believable(until)
    todos = [history.last for history in histories]
    actions = Counter(entry.action for history in histories for entry in history.entries)
    assert set(actions) == set(Action)
    statuses = Counter(Status(todo.status) for todo in todos)
    assert statuses[Status.COMPLETED] > len(todos) / 2
    assert min(statuses[status] for status in Status) > len(todos) / 50
    assert {todo.priority for todo in todos} == {0, 1, 2, 3}
    tags = Counter(name for todo in todos for name in todo.tags)
    assert len(tags) == 30
    assert max(tags.values()) > 5 * min(tags.values())
    assert {len(todo.tags) for todo in todos} == {2, 3}
    dated = ("due_at", "due_date", "start_date")
    for some in (*dated, "description", "estimated_minutes", "actual_minutes", "deleted_at"):
        assert 0 < sum(getattr(todo, some) is not None for todo in todos) < len(todos)
    assert 0 < sum(todo.metadata != NO_METADATA for todo in todos) < len(todos)
    assert len({todo.title for todo in todos}) > 500
    assert not any("{" in text for todo in todos for text in (todo.title, todo.description or ""))


def test_seeded_subtasks_are_believable() -> None:
    """Some todos have subtasks in the same place, each of which is done when its parent is completed."""
    until = datetime(2026, 6, 1, tzinfo=UTC)
    histories = believable(until)
    todos = {history.last.id: history.last for history in histories}
    assert len(todos) == 2_000
    subtasks = [history for history in histories if history.last.parent_id]
    assert 100 < len(subtasks) < 1_000
    assert {Status(history.last.status) for history in subtasks} >= set(Status) - {
        Status.IN_PROGRESS
    }
    known = set[UUID]()
    for history in histories:
        todo = history.last
        known.add(todo.id)
        if todo.parent_id is None:
            continue
        parent = todos[todo.parent_id]
        assert parent.id in known, "a parent comes before its subtasks"
        assert parent.parent_id is None
        assert parent.deleted_at is None
        assert parent.created_at <= todo.created_at
        if parent.completed_at:
            assert todo.status in {Status.COMPLETED.value, Status.CANCELLED.value}
            assert todo.updated_at <= parent.completed_at


def test_seeded_dates_are_believable() -> None:
    """Most are days, times are those of the owner's zone or of some others, and none starts after it is due."""
    todos = [history.last for history in believable(datetime(2026, 6, 1, tzinfo=UTC))]
    days = sum(todo.due_date is not None for todo in todos)
    timed = [todo for todo in todos if todo.due_at]
    assert len(timed) < days
    zones = Counter(todo.due_time_zone for todo in timed)
    assert zones.most_common(1)[0][0] == "Europe/Berlin"
    assert 3 < len(zones) < 10
    for todo in todos:
        assert todo.due_at is None or todo.due_date is None
        assert todo.start_on is None or (todo.due_on and todo.start_on <= todo.due_on)


def test_seeded_open_todos_are_due_these_days() -> None:
    """Some open todos are due today and on the next days, and some are overdue."""
    until = datetime(2026, 6, 1, 12, tzinfo=UTC)
    todos = [history.last for history in believable(until, number=200, is_latest=True)]
    due = [todo.due_on for todo in todos if todo.status in OPEN_STATUSES and todo.due_on]
    today = until.date()
    assert sum(day < today for day in due) > 3
    assert sum(day == today for day in due) > 0
    assert sum(today < day <= today + timedelta(days=7) for day in due) > 3


def test_seeded_repeating_todos_are_believable() -> None:
    """A repeating todo is due within weeks, right before copies that follow from its completions."""
    until = datetime(2026, 6, 1, 12, tzinfo=UTC)
    histories = believable(until, is_latest=True)
    assert len(histories) == 2_000
    repeating = [history for history in histories if history.last.recurrence]
    copies = [history for history in histories if history.copy_of]
    assert 30 < len(repeating) < 150
    assert len(repeating) / 2 < len(copies) < len(repeating) * 5
    assert {history.last.status for history in repeating} == {Status.PENDING.value}
    assert min(filter(None, (history.last.due_on for history in repeating))) >= until.date()
    steps = {
        (entry.before.id, entry.before.version): entry
        for history in repeating
        for entry in history.entries
        if entry.before
    }
    assert len(steps) == len(copies)
    for copy in copies:
        assert copy.copy_of
        step, todo = steps[copy.copy_of], copy.last
        assert step.before
        assert (todo.due_at, todo.due_date) == (step.before.due_at, step.before.due_date)
        assert (todo.status, todo.recurrence) == (Status.COMPLETED.value, None)
        assert todo.created_at == todo.completed_at == step.after.updated_at <= until


async def test_seeded_occurrences_are_as_if_completed_through_the_api(account: Account) -> None:
    """A repeating todo shows its completed occurrences, and the last completion can be taken back."""
    await seeded(account, 400)
    found = (await account.data(REPEATING))["todos"]["nodes"]
    todo = next(todo for todo in found if todo["recurrence"]["past"]["nodes"])
    past = todo["recurrence"]["past"]["nodes"]
    assert todo["recurrence"]["done"] == len(past)
    assert {copy["status"] for copy in past} == {"COMPLETED"}
    assert await wrong_counts(UUID(account.id)) == {}
    payload = (await account.data(UNDO_OCCURRENCE, id=past[0]["id"]))["todoUndoOccurrence"]
    assert payload["errors"] == []
    undone = payload["todo"]
    assert (undone["id"], undone["recurrence"]["done"]) == (todo["id"], len(past) - 1)
    assert (undone["dueAt"], undone["dueDate"]) == (past[0]["dueAt"], past[0]["dueDate"])
    assert await wrong_counts(UUID(account.id)) == {}


async def test_seeded_reminders_lie_ahead(account: Account) -> None:
    """There are some reminders, of open todos that are due later, most of which fire."""
    await seeded(account, 600)
    reminders = await rows(
        "SELECT r.fires_at, r.person_id, t.status, t.deleted_at FROM reminders r"
        " JOIN todos t ON t.owner_id = r.owner_id AND t.id = r.todo_id WHERE r.owner_id = $1",
        account,
    )
    assert 5 < len(reminders) < 200
    assert {row["person_id"] for row in reminders} == {UUID(account.id)}
    assert {row["status"] for row in reminders} <= {Status.PENDING, Status.IN_PROGRESS}
    assert {row["deleted_at"] for row in reminders} == {None}
    ahead = [row["fires_at"] for row in reminders if row["fires_at"]]
    assert len(ahead) > len(reminders) / 2
    assert min(ahead) > datetime.now(UTC) - timedelta(minutes=1)


def test_same_random_seed_gives_the_same_todos() -> None:
    """Two runs with one number differ in nothing but ids; another number gives others."""
    until = datetime(2026, 6, 1, tzinfo=UTC)

    def told(number: int) -> list[str]:
        made = believable(until, UUID(int=1), 50, number, is_latest=True)
        diffs = [entry.logged.diff.decode() for history in made for entry in history.entries]
        return [ID.sub("", diff) for diff in diffs]

    assert told(1) == told(1)
    assert told(1) != told(2)
