"""Transferring a list to another owner, with all that is in it.

Each todo leaves the log, counts and storage of the owner before, and is created in those of the one after, as
if it was moved to a list of theirs. All members get both changes, so that their feeds go on.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.order_keys import key_between, position_key
from todo_gql.api.text import Problem
from todo_gql.changelog.feed_registry import announce_joined
from todo_gql.changelog.mirror import mirrored
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import ChangeKind, EntityAction, ListRole, NotificationKind
from todo_gql.database.retry import retried
from todo_gql.features.lists.list_actions import COUNT_LISTS, MAX_LISTS
from todo_gql.features.sharing.memberships import COUNT_MEMBER, LAST_POSITION
from todo_gql.features.sharing.standing import refusal, standing_in
from todo_gql.features.todos.file_usage import bytes_of_files, file_problem
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.storage import COMMENT_BYTES, Quota
from todo_gql.features.todos.transfers import DEFER, transfer
from todo_gql.features.todos.writes import OwnerWrite, owner_writes
from todo_gql.inbox import entries as inbox
from todo_gql.inbox.wake_ups import announce
from todo_gql.settings import Settings

MAX_TODOS: Final = 3_000
"""How many todos a list may have, those in the trash included, to be transferred within a request."""

TODOS_AT_ONCE: Final = 500
FIND_MEMBER: Final = """
SELECT user_id, role FROM list_members
WHERE owner_id = $1 AND list_id = $2 AND (id = $3 OR user_id = $3) AND user_id <> owner_id
"""
TODO_IDS: Final = """
SELECT id, parent_id FROM todos WHERE owner_id = $1 AND list_id = $2 ORDER BY position, id LIMIT $3
"""
# Its todos count themselves in again. `$3` is the owner after.
MOVE_LIST: Final = """
UPDATE lists SET owner_id = $3, position = $4, version = version + 1, updated_at = $5, pending_count = 0,
    in_progress_count = 0, completed_count = 0, cancelled_count = 0
WHERE owner_id = $1 AND id = $2
"""
MOVE_MEMBERS: Final = f"""
UPDATE list_members SET owner_id = $3,
    role = CASE user_id WHEN $3 THEN {ListRole.OWNER.value} WHEN $1 THEN {ListRole.MANAGER.value} ELSE role END,
    position = CASE user_id WHEN $3 THEN '' WHEN $1 THEN $4 ELSE position END
WHERE owner_id = $1 AND list_id = $2
"""
MOVE_OF_LIST: Final = [
    f"UPDATE {table} SET owner_id = $3 WHERE owner_id = $1 AND list_id = $2"
    for table in ("sections", "invitations")
]
# Also those of people who have left the list. Returns their bytes.
MOVE_COMMENTS: Final = f"""
WITH moved AS (
    UPDATE comments c SET owner_id = $3 FROM todos t
    WHERE c.owner_id = $1 AND t.owner_id = $1 AND t.id = c.todo_id AND t.list_id = $2 RETURNING c.body
) SELECT coalesce(sum({COMMENT_BYTES}), 0)::bigint FROM moved
"""
STORE_BYTES: Final = mirrored(
    "UPDATE feeds f SET stored_bytes = f.stored_bytes + $2 WHERE f.owner_id = $1"
)
DELETE_LIST_TAGS: Final = "DELETE FROM list_tags WHERE owner_id = $1 AND list_id = $2"
COUNT_LIST: Final = "UPDATE users SET shared_list_count = shared_list_count + $2 WHERE id = $1"
POSITION: Final = "SELECT position FROM lists WHERE owner_id = $1 AND id = $2"


@retried
async def transfer_list(
    list_id: UUID, owner_id: UUID, to_id: UUID, settings: Settings, *, max_todos: int = MAX_TODOS
) -> UserError | None:
    """Transfer an owner's list to one of its members, by an account or a membership; why it can't be, if so.

    The owner is the actor. The owner before becomes a MANAGER. Raises `Unauthenticated` if the actor's account is deleted.
    """
    member = await fetchrow(FIND_MEMBER, owner_id, list_id, to_id)
    if member is None:
        return not_found("toId")
    member_id: UUID = member["user_id"]
    both: Mapping[UUID, Sequence[UUID]] = {owner_id: [], member_id: []}
    async with owner_writes(both, actor_id=owner_id) as writes:
        source, target = writes[owner_id], writes[member_id]
        if problem := await _transferred(source, target, list_id, Quota.of(settings), max_todos):
            source.discard()
            return problem
        source_id = f"members {target.next_seq} of {list_id}"
        entry = inbox.Entry(
            *(member_id, NotificationKind.MEMBERSHIP, source_id, owner_id),
            *(ChangeKind.LIST, list_id),
        )
        await inbox.enter(target.connection, [entry])
    announce_joined([owner_id, member_id])
    announce([member_id])
    return None


async def _transferred(
    source: OwnerWrite, target: OwnerWrite, list_id: UUID, quota: Quota, max_todos: int
) -> UserError | None:
    """Transfer a list under the locks of both owners; or why that can't be done."""
    connection, ids = source.connection, (source.owner_id, list_id)
    if problem := await _problem(source, target, list_id):
        return problem
    rows = await connection.fetch(TODO_IDS, *ids, max_todos + 1)
    if len(rows) > max_todos:
        message = (
            f"The list has more than {max_todos:,} todos, those in the trash included; so many aren't"
            " transferred at once. Move or delete some first."
        )
        return invalid(ErrorCode.TOO_MANY, message, "id")
    member = await connection.fetchrow(FIND_MEMBER, *ids, target.owner_id)
    assert member is not None
    # From here on the members' feeds are locked.
    target.join(list_id, source.owner_id)
    source.join(list_id, target.owner_id)
    await source.lock_feeds([list_id])
    await connection.execute(DEFER)
    if full := await _move(source, target, list_id, rows, quota):
        return invalid(*full, "toId")
    await connection.execute(DELETE_LIST_TAGS, *ids)
    _log_roles(target, ListRole(member["role"]), source.owner_id, list_id)
    await target.store()
    return None


async def _problem(source: OwnerWrite, target: OwnerWrite, list_id: UUID) -> UserError | None:
    """Why a list can't be transferred from the one to the other."""
    connection = source.connection
    standing = await standing_in(list_id, source.owner_id, connection)
    if refused := refusal(standing, ListRole.OWNER, "id"):
        return refused
    if not await connection.fetchval(FIND_MEMBER, source.owner_id, list_id, target.owner_id):
        return not_found("toId")
    if await connection.fetchval(COUNT_LISTS, target.owner_id) >= MAX_LISTS:
        message = f"They have {MAX_LISTS} lists, and more are not allowed."
        return invalid(ErrorCode.TOO_MANY, message, "toId")
    return None


async def _move(
    source: OwnerWrite, target: OwnerWrite, list_id: UUID, rows: Sequence[Row], quota: Quota
) -> Problem | None:
    """Move the list and its todos, whose ids are in the rows; the problem if the quota is exceeded."""
    comment_bytes = await _move_list(source, target, list_id)
    if problem := target.storage.reserve_bytes(comment_bytes, quota):
        return problem
    # Keys of order begin with numbers of the owner's log, those of all todos with numbers that are used.
    positions = {row["id"]: position_key(n) for n, row in enumerate(rows, target.next_seq)}
    for batch in _trees(rows):
        states = await source.load(batch, trash=True)
        moved = [
            states[id]._replace(owner_id=target.owner_id, position=positions[id]) for id in batch
        ]
        entries = [source.versioned(states[todo.id], todo) for todo in moved]
        added = await bytes_of_files(source, batch)
        problem = _reserve(target, entries, quota) or await file_problem(target, added, quota)
        if problem:
            return problem
        await transfer(source, target, list_id, entries)
    return None


def _reserve(target: OwnerWrite, entries: Sequence[Entry], quota: Quota) -> Problem | None:
    """Count todos for the owner after; the problem if they exceed the quota."""
    for entry in entries:
        if problem := target.storage.reserve(Entry(None, entry.after), quota):
            return problem
    return None


async def _move_list(source: OwnerWrite, target: OwnerWrite, list_id: UUID) -> int:
    """Give the list another owner, with all of it but its todos, and count it for whose it is.

    Returns the bytes of its comments.
    """
    connection = source.connection
    ids = (source.owner_id, list_id, target.owner_id)
    position = await connection.fetchval(POSITION, *ids[:2])
    last = await connection.fetchval(LAST_POSITION, target.owner_id)
    await connection.execute(MOVE_LIST, *ids, key_between(last, None, "lower"), target.now)
    await connection.execute(MOVE_MEMBERS, *ids, position)
    for statement in MOVE_OF_LIST:
        await connection.execute(statement, *ids)
    stored_bytes = await connection.fetchval(MOVE_COMMENTS, *ids)
    for owner_id, sign in ((source.owner_id, -1), (target.owner_id, 1)):
        await connection.execute(COUNT_LIST, owner_id, sign)
        await connection.execute(COUNT_MEMBER, owner_id, -sign)
        if stored_bytes:
            await connection.execute(STORE_BYTES, owner_id, sign * stored_bytes)
    return int(stored_bytes)


def _trees(rows: Sequence[Row]) -> Iterator[list[UUID]]:
    """The ids of todos in batches, each subtree in one, in the order of their positions."""
    ids = {row["id"] for row in rows}
    children = defaultdict[UUID | None, list[UUID]](list)
    for row in rows:
        parent_id = row["parent_id"]
        children[parent_id if parent_id in ids else None].append(row["id"])
    batch = list[UUID]()
    for root in children[None]:
        tree = [root]
        for id in tree:
            tree += children[id]
        batch += tree
        if len(batch) >= TODOS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _log_roles(write: OwnerWrite, role: ListRole, former_id: UUID, list_id: UUID) -> None:
    """Record the roles of the owners before and after, of whom the one after had another role before."""
    for user_id, before, after in (
        (write.owner_id, role, ListRole.OWNER),
        (former_id, ListRole.OWNER, ListRole.MANAGER),
    ):
        fields = [{"name": "role", "before": before.name, "after": after.name}]
        action = EntityAction.ROLE_CHANGED
        write.log(ChangeKind.MEMBER, user_id, action, fields, list_id=list_id)
