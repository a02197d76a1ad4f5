"""What is counted with every write: it is what a count of all rows gives."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.accounts import Account
from tests.support.lists import write_list
from tests.support.recounts import wrong_counts
from tests.support.tag_operations import DELETE_TAG, rename, tags
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import ChangeKind, EntityAction, Status
from todo_gql.features.todos.recount import (
    correct_counts,
    delete_empty_counts,
    find_wrong_counts,
    recount,
    recount_accounts,
)
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.trash import purge_trash
from todo_gql.features.todos.writes import OwnerWrite, owner_write

NOW = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)
TAGS = ("home", "work", "urgent", "later")
Step = Callable[[TodoState, Random], TodoState]


async def new_list(account: Account, name: str) -> UUID:
    """A list, with its line in the log."""
    owner_id, list_id = UUID(account.id), uuid4()
    await fetch(
        "INSERT INTO lists (id, owner_id, name, position, created_at, updated_at, version)"
        " VALUES ($1, $2, $3, $4, now(), now(), 1)",
        *(list_id, owner_id, name, list_id.hex),
    )
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        fields = [{"name": "name", "before": None, "after": name}]
        write.log(ChangeKind.LIST, list_id, EntityAction.CREATED, fields, list_id=list_id)
        await write.store()
    return list_id


def new_todo(owner_id: UUID, random: Random, **values: Any) -> TodoState:
    """A todo of the owner's, of any status, priority, tags and day."""
    status = random.choice(list(Status)).value
    edit = {
        # By which they are sorted, whatever their ids are.
        "title": f"Todo {random.random()}",
        "status": status,
        "priority": random.randrange(4),
        "tags": tuple(sorted(random.sample(TAGS, random.randrange(3)))),
        "due_at": NOW + timedelta(hours=random.randrange(72)) if random.random() < 0.5 else None,
        **values,
    }
    return TodoState.new(uuid4(), owner_id, edit, NOW)


def any_change(todo: TodoState, random: Random, lists: list[UUID | None]) -> TodoState:
    """The todo after one change of any kind that moves it from one count to another."""
    status = random.choice(list(Status)).value
    changes: list[Callable[[], TodoState]] = [
        lambda: todo.with_edit({"status": status}, NOW),
        lambda: todo._replace(priority=random.randrange(4)),
        lambda: todo._replace(tags=tuple(sorted(random.sample(TAGS, random.randrange(4))))),
        lambda: todo._replace(due_at=NOW + timedelta(hours=random.randrange(72)), due_date=None),
        lambda: todo._replace(due_at=None, due_date=None),
        lambda: todo._replace(due_at=None, due_date=NOW.date() + timedelta(random.randrange(3))),
        lambda: todo._replace(deleted_at=None if todo.deleted_at else NOW),
        lambda: todo._replace(list_id=random.choice(lists), position=f"g{uuid4().hex}1"),
    ]
    return random.choice(changes)()


async def all_states(write: OwnerWrite) -> list[TodoState]:
    """All todos of the owner's, in an order that their titles decide."""
    rows = await write.connection.fetch("SELECT id FROM todos WHERE owner_id = $1", write.owner_id)
    states = await write.load([row["id"] for row in rows], trash=True)
    return sorted(states.values(), key=lambda todo: todo.title)


@pytest.mark.parametrize("seed", range(3))
async def test_counts_are_right_after_any_changes(account: Account, seed: int) -> None:
    """The counts of the owner, lists, tags, days and parents are right, however todos move between them."""
    random, owner_id = Random(seed), UUID(account.id)
    lists = [None, await new_list(account, "Home"), await new_list(account, "Work")]
    for _ in range(12):
        async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
            known = await all_states(write)
            parents = [todo.id for todo in known if not todo.deleted_at]
            await write.create(
                [
                    new_todo(
                        owner_id,
                        random,
                        list_id=random.choice(lists),
                        parent_id=random.choice([None, *parents[:3]]),
                    )
                    for _ in range(3)
                ]
            )
            for todo in random.sample(known, len(known) // 2):
                write.change(todo, any_change(todo, random, lists))
            await write.store()
        assert await wrong_counts(owner_id) == {}


async def test_a_parent_that_changes_with_its_subtasks_has_the_right_numbers(
    account: Account,
) -> None:
    """A parent's counts change in its row and in the state that the write returns, with one new version."""
    owner_id = UUID(account.id)
    parent = new_todo(owner_id, Random(1), status=0)
    children = [new_todo(owner_id, Random(n), status=0, parent_id=parent.id) for n in range(3)]
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        created = await write.create([parent, *children])
    assert created[parent.id].subtask_count == 3
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        loaded = await write.load(list(created))
        done = {
            id: write.change(todo, todo.with_edit({"status": 2}, NOW))
            for id, todo in loaded.items()
        }
        await write.store()
        after = write.stored(done[parent.id])
    assert (after.subtask_count, after.completed_subtask_count, after.version) == (3, 3, 2)
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        one = (await write.load([children[0].id]))[children[0].id]
        write.change(one, one._replace(deleted_at=write.now))
        await write.store()
        [stored] = (await write.load([parent.id])).values()
    assert (stored.subtask_count, stored.completed_subtask_count, stored.version) == (2, 2, 2)
    assert await wrong_counts(owner_id) == {}


async def test_all_changes_of_a_write_name_its_first(account: Account) -> None:
    """Created, changed and logged in several statements, they are one mutation in the log."""
    owner_id, list_id = UUID(account.id), uuid4()
    old = await account.create()
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        [todo] = (await write.load([UUID(old["id"])])).values()
        assert write.next_seq == 2
        await write.create([new_todo(owner_id, Random(1)), new_todo(owner_id, Random(2))])
        write.change(todo, todo._replace(title="Changed"))
        write.log(ChangeKind.LIST, list_id, EntityAction.UPDATED, [], list_id=list_id)
        assert write.next_seq == 6
        await write.store()
        [todo] = (await write.load([UUID(old["id"])])).values()
        write.change(todo, todo._replace(title="Changed again"))
        await write.store()
    rows = await fetch(
        "SELECT seq, first_seq, kind, entity_id FROM changes WHERE owner_id = $1 ORDER BY seq",
        owner_id,
    )
    assert [tuple(row) for row in rows] == [
        (1, 1, 0, None),
        (2, 2, 0, None),
        (3, 2, 0, None),
        (4, 2, 0, None),
        (5, 2, 1, list_id),
        (6, 2, 0, None),
    ]


async def test_a_purged_parent_takes_its_subtasks_out_of_the_counts(account: Account) -> None:
    """All of its subtree that is in the trash is counted as purged; what isn't stays, without it."""
    owner_id = UUID(account.id)
    parent = new_todo(owner_id, Random(1), tags=("home",))
    child = new_todo(owner_id, Random(2), parent_id=parent.id, tags=("home",))
    below = new_todo(owner_id, Random(3), parent_id=child.id, tags=())
    kept = new_todo(owner_id, Random(4), parent_id=parent.id, tags=("work",))
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        created = await write.create([parent, child, below, kept])
        for todo in await all_states(write):
            if todo.id != kept.id:
                write.change(todo, todo._replace(deleted_at=NOW - timedelta(days=90)))
        await write.store()
    assert len(created) == 4
    # A younger one than the retention, below one that is purged.
    await fetch("UPDATE todos SET deleted_at = now() WHERE id = $1", below.id)
    assert await purge_trash(30) >= 3
    [row] = await fetch("SELECT id, parent_id FROM todos WHERE owner_id = $1", owner_id)
    assert tuple(row) == (kept.id, None)
    assert await wrong_counts(owner_id) == {}
    assert (
        await fetchrow("SELECT 1 FROM tags WHERE owner_id = $1 AND name = 'home'", owner_id) is None
    )


CREATED_BY_THE_RELEASE_BEFORE = """
WITH todo AS (
    INSERT INTO todos (id, owner_id, title, status, priority, due_at, metadata, version, created_at,
        updated_at, completed_at, deleted_at)
    VALUES ($2, $1, 'Old', 0, 3, '2026-11-30T10:00:00Z', '{}', 1, now(), now(), NULL, NULL)
), counted AS (
    UPDATE users SET change_seq = change_seq + 1, pending_count = pending_count + 1,
        stored_bytes = stored_bytes + 200 + 200 + 3 + 2 + octet_length('[]'),
        counted_seq = counted_seq + 1
    WHERE id = $1 RETURNING change_seq
)
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
SELECT gen_random_uuid(), $1, change_seq, $2, $1, 0, '[]', now() FROM counted
"""


async def test_what_the_release_before_writes_is_followed_and_recounted(account: Account) -> None:
    """Its changes continue the numbers at once, and what it doesn't count the worker does."""
    owner_id = UUID(account.id)
    await account.create(priority="LOW")
    await fetch(CREATED_BY_THE_RELEASE_BEFORE, owner_id, uuid4())
    seen = await account.data(
        "{ stats { total pending } changes { nodes { todoId } } todos { nodes { position } } }"
    )
    assert seen["stats"] == {"total": 2, "pending": 2}
    assert len(seen["changes"]["nodes"]) == 2
    await account.create(priority="HIGH")
    positions = "SELECT position FROM todos WHERE owner_id = $1 ORDER BY created_at"
    in_order = [row["position"] for row in await fetch(positions, owner_id)]
    assert in_order == sorted(set(in_order))
    assert set(await wrong_counts(owner_id)) == {"the counts of the owner", "the days"}
    assert await recount_accounts() >= 1
    assert await wrong_counts(owner_id) == {}
    assert await recount_accounts() == 0


# All that the migration leaves to the worker, and more that may be wrong.
MAKE_WRONG = (
    (
        "UPDATE feeds SET counted_seq = -1, low_count = 7, medium_count = 0, high_count = 90,"
        " urgent_count = 0, stored_bytes = stored_bytes - 100 WHERE owner_id = $1"
    ),
    (
        "UPDATE users u SET stored_bytes = f.stored_bytes, mirrored_seq = -1 FROM feeds f"
        " WHERE u.id = $1 AND f.owner_id = u.id"
    ),
    "UPDATE lists SET pending_count = pending_count - 5, completed_count = 9 WHERE owner_id = $1",
    "UPDATE tags SET todo_count = todo_count + 2 WHERE owner_id = $1",
    "UPDATE todos SET subtask_count = subtask_count + 1 WHERE owner_id = $1",
    "DELETE FROM list_tags WHERE owner_id = $1",
    "DELETE FROM due_counts WHERE owner_id = $1 AND day < '2026-12-01'",
)


async def write_anything(account: Account, random: Random, lists: list[UUID | None]) -> None:
    """Some todos that are new, and some that change, in one write of this release.

    Subtasks are and stay in the list of their parent.
    """
    owner_id = UUID(account.id)
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        known = await all_states(write)
        new = []
        for list_id in random.sample(lists, len(lists)):
            parents = [todo.id for todo in known if not todo.deleted_at and todo.list_id == list_id]
            parent_id = random.choice([None, *parents[:2]])
            new.append(new_todo(owner_id, random, list_id=list_id, parent_id=parent_id))
        await write.create(new)
        related = {
            id for todo in [*known, *new] if todo.parent_id for id in (todo.id, todo.parent_id)
        }
        for todo in random.sample(known, len(known) // 2):
            stays = todo.id in related
            write.change(todo, any_change(todo, random, [todo.list_id] if stays else lists))
        await write.store()


async def wrongly_counted(account: Account, random: Random) -> list[UUID | None]:
    """Todos in the inbox and in two lists, of which nothing is counted rightly; returns the lists.

    The random todos depend on the order of their ids, too. So the last ones make sure that each table has
    counts to be wrong, and that each tag exists.
    """
    owner_id = UUID(account.id)
    lists = [None, await new_list(account, "Home"), await new_list(account, "Work")]
    for _ in range(4):
        await write_anything(account, random, lists)
    values = {"tags": tuple(sorted(TAGS)), "due_at": NOW}
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        await write.create([new_todo(owner_id, random, list_id=id, **values) for id in lists])
    for statement in MAKE_WRONG:
        await fetch(statement, owner_id)
    return lists


@pytest.mark.parametrize("seed", range(3))
async def test_a_recount_beside_writes_of_this_release_ends_right(
    account: Account, seed: int
) -> None:
    """They change counts while the account is compared without its lock, in every table of counts."""
    random, owner_id = Random(seed), UUID(account.id)
    lists = await wrongly_counted(account, random)
    wrong = await find_wrong_counts(owner_id)
    for _ in range(4):
        await write_anything(account, random, lists)
    ids = {tag["name"]: tag["id"] for tag in (await tags(account))["nodes"]}
    await rename(account, ids["home"], "work")
    for call in ("listDelete(id: $id)", "listRestore(id: $id)"):
        assert (await write_list(account, call, id=str(lists[1])))["errors"] == []
    assert wrong is not None
    assert await correct_counts(owner_id, wrong)
    assert await wrong_counts(owner_id) == {}


async def test_a_recount_survives_what_is_deleted_meanwhile(account: Account) -> None:
    """Differences of lists and tags that are gone are left out."""
    random, owner_id = Random(5), UUID(account.id)
    lists = await wrongly_counted(account, random)
    wrong = await find_wrong_counts(owner_id)
    ids = {tag["name"]: tag["id"] for tag in (await tags(account))["nodes"]}
    await account.data(DELETE_TAG, id=ids["work"])
    assert (await write_list(account, "listDelete(id: $id)", id=str(lists[2])))["errors"] == []
    await fetch(
        "UPDATE todos SET deleted_at = now() - interval '90 days' WHERE list_id = $1", lists[2]
    )
    await purge_trash(30)
    assert wrong is not None
    assert await correct_counts(owner_id, wrong)
    assert await wrong_counts(owner_id) == {}


@pytest.mark.parametrize(
    "statement",
    [
        CREATED_BY_THE_RELEASE_BEFORE,
        "UPDATE users SET stored_bytes = stored_bytes + 1 WHERE id = $1 AND $2::uuid IS NOT NULL",
    ],
    ids=["logged", "not logged"],
)
async def test_a_recount_beside_a_write_of_the_release_before_begins_anew(
    account: Account, statement: str
) -> None:
    """What was wrong is unknown then, even if this release has written after it."""
    random, owner_id = Random(6), UUID(account.id)
    lists = await wrongly_counted(account, random)
    wrong = await find_wrong_counts(owner_id)
    await fetch(statement, owner_id, uuid4())
    await write_anything(account, random, lists)
    assert wrong is not None
    assert not await correct_counts(owner_id, wrong)
    assert await recount(owner_id)
    assert await wrong_counts(owner_id) == {}


async def test_a_recount_counts_without_the_lock(account: Account) -> None:
    """A write that holds the owner's lock doesn't keep an account from being compared."""
    random, owner_id = Random(7), UUID(account.id)
    await wrongly_counted(account, random)
    async with owner_write(owner_id=owner_id, actor_id=owner_id):
        wrong = await find_wrong_counts(owner_id)
    assert wrong is not None
    assert all(rows for _, rows in wrong.rows)


async def test_counts_of_nothing_are_deleted(account: Account) -> None:
    """Those of days and of tags in lists, of which there may be any number; the others stay."""
    random, owner_id = Random(8), UUID(account.id)
    list_id = await new_list(account, "Home")
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        await write.create(
            [
                new_todo(
                    owner_id, random, list_id=list_id, tags=(tag,), due_at=NOW + timedelta(days=day)
                )
                for day, tag in enumerate(TAGS)
            ]
        )
        for todo in (await all_states(write))[:3]:
            write.change(todo, todo._replace(deleted_at=write.now))
        await write.store()
    assert await delete_empty_counts() >= 6
    for table in ("list_tags", "due_counts"):
        assert len(await fetch(f"SELECT FROM {table} WHERE owner_id = $1", owner_id)) == 1
    assert await wrong_counts(owner_id) == {}


async def test_a_list_shows_no_counts_that_the_release_before_left_wrong(account: Account) -> None:
    """Its stats and totals are counted until the worker has corrected the stored ones."""
    owner_id, random = UUID(account.id), Random(9)
    list_id = await new_list(account, "Home")
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        await write.create(
            [new_todo(owner_id, random, list_id=list_id, status=0) for _ in range(3)]
        )
    await fetch(CREATED_BY_THE_RELEASE_BEFORE, owner_id, uuid4())
    await fetch("UPDATE lists SET pending_count = 9 WHERE id = $1", list_id)
    fields = "stats { total pending } todos { totalCount }"
    document = f"{{ lists {{ nodes {{ {fields} }} }} }}"
    expected = {"stats": {"total": 3, "pending": 3}, "todos": {"totalCount": 3}}
    for _ in range(2):
        assert await account.data(document) == {"lists": {"nodes": [expected]}}
        assert await recount(owner_id)
    assert await wrong_counts(owner_id) == {}
