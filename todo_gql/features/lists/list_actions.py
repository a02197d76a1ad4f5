"""Changes of one list under its owner's lock."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import (
    ConflictError,
    ErrorCode,
    UserError,
    invalid,
    not_found,
    unusable_id,
    version_errors,
)
from todo_gql.api.node import parse_id
from todo_gql.api.placement import LAST, PlacementInput, Sibling, read_placement
from todo_gql.database.connection import Row
from todo_gql.database.models import EntityAction, ListNotifyLevel, ListRole
from todo_gql.database.retry import retried
from todo_gql.features.lists.bulk_changes import move_to_trash, restore_from_trash
from todo_gql.features.lists.entities import (
    LISTS,
    insert,
    load_list,
    update,
)
from todo_gql.features.lists.inputs import (
    ListCreateInput,
    ListUpdateInput,
    read_create,
    read_update,
)
from todo_gql.features.lists.own_order import (
    load_list_of_others,
    move_list_of_others,
    position_in_own_order,
    shown,
)
from todo_gql.features.lists.payloads import ListPayload
from todo_gql.features.stats.types import total_of
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.list_access import LIST_COLUMNS, lists_of
from todo_gql.features.todos.owners import owner_of_list
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.types import TodoList
from todo_gql.features.todos.viewer_writes import viewer_write
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import COST
from todo_gql.settings import Settings

MAX_LISTS: Final = 500
SET_NOTIFY = """
UPDATE list_members SET notify = $4 WHERE owner_id = $1 AND list_id = $2 AND user_id = $3
"""
COUNT_LISTS = "SELECT count(*) FROM lists WHERE owner_id = $1 AND deleted_at IS NULL"
# Each todo takes up to 0.2 ms, there and back, while the owner's other writes wait: so many come back well
# within the default REQUEST_TIMEOUT.
MAX_TODOS: Final = 20_000
# Also of a list that was purged, and of a todo: `node` has one thing for an id.
IS_LOGGED = """
SELECT EXISTS (SELECT FROM changes WHERE owner_id = $1 AND list_id = $2)
    OR EXISTS (SELECT FROM changes WHERE owner_id = $1 AND todo_id = $2)
"""


@retried
async def create_list(context: Context, sent: ListCreateInput) -> ListPayload:
    """Create a list of the viewer's; an error with the stored list if the id is in use already.

    `Unauthenticated` if nobody is signed in.
    """
    owner_id = context.signed_in().id
    values, problems = read_create(sent)
    sent_id, sent_placement = unset_to_none(sent.id), unset_to_none(sent.placement)
    placement = (
        read_placement(sent_placement, problems, "input", "place") if sent_placement else LAST
    )
    list_id = uuid7() if sent_id is None else parse_id(sent_id)
    if list_id is None:
        problems.insert(0, unusable_id("input"))
    if problems or list_id is None or placement is None:
        return ListPayload(errors=problems)
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        if sent_id is not None and (refused := await _id_conflict(write, list_id)):
            return refused
        if problem := await _no_room(write, context.settings):
            return ListPayload(errors=[invalid(*problem, "input")])
        moved = Sibling(list_id)
        key = await position_in_own_order(write, placement, moved, "input", "place")
        if isinstance(key, UserError):
            write.discard()
            return ListPayload(errors=[key])
        row = await insert(write, LISTS, {"id": list_id, "position": key, **values})
        if row is None:
            write.discard()
            return ListPayload(errors=[unusable_id("input")])
        await write.store()
    context.clear_loaders()
    return ListPayload(list=TodoList.from_row(row), first_change=write.first_change)


async def _id_conflict(write: OwnerWrite, list_id: UUID) -> ListPayload | None:
    """The answer for an id that the owner has used already; the id of a purged list stays used."""
    statement = lists_of(write.owner_id)
    statement.where(f"l.id = {statement.bind(list_id)}")
    row = await write.connection.fetchrow(statement.select(LIST_COLUMNS), *statement.values)
    stored = TodoList.from_row(row) if row else None
    if row is None and not await write.connection.fetchval(IS_LOGGED, write.owner_id, list_id):
        return None
    conflict = ConflictError(
        code=ErrorCode.ALREADY_EXISTS,
        message="A list with this id was created already."
        if stored
        else "This id was used already. Use a new id.",
        path=["input", "id"],
        current=stored,
    )
    return ListPayload(list=stored, errors=[conflict])


async def _no_room(write: OwnerWrite, settings: Settings) -> tuple[ErrorCode, str] | None:
    """The problem if the owner can't have one more list outside the trash."""
    if await write.connection.fetchval(COUNT_LISTS, write.owner_id) >= MAX_LISTS:
        return ErrorCode.TOO_MANY, (
            f"You have {MAX_LISTS} lists, archived ones included, and more are not allowed. Delete one"
            " first."
        )
    return write.storage.full_problem(Quota.of(settings))


@retried
async def update_list(
    context: Context,
    id: str,
    sent: ListUpdateInput,
    expected_version: int | None,
) -> ListPayload:
    """Change a list, unless it is missing, newer than expected or the input has problems.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    list_id, viewer = parse_id(id), context.signed_in()
    owner_id = await owner_of_list(viewer, list_id)
    async with viewer_write(viewer, owner_id) as write:
        stored = await load_list(write, list_id)
        # What somebody is notified of is up to them.
        needed = ListRole.MANAGER if sent.changes_list else ListRole.VIEWER
        if stored and (refused := await _refused(write, stored, needed)):
            return refused
        values, problems = read_update(sent, stored["archived_at"] if stored else None, write.now)
        current = await shown(write, stored) if stored else None
        errors = _precondition_errors(current, expected_version)
        if stored is None or errors or problems:
            return ListPayload(errors=[*errors, *(problems if stored else [])])
        row = await _updated(write, context, stored, values)
        if isinstance(row, UserError):
            return ListPayload(list=await shown(write, stored), errors=[row])
        if sent.notify and sent.notify.value:
            values_of_actor = (
                owner_id,
                row["id"],
                viewer.id,
                ListNotifyLevel[sent.notify.value.name],
            )
            await write.connection.execute(SET_NOTIFY, *values_of_actor)
        changed = await shown(write, row)
    context.clear_loaders()
    return ListPayload(list=changed, first_change=write.first_change)


async def _refused(write: OwnerWrite, stored: Row, needed: ListRole) -> ListPayload | None:
    """The answer to an actor whose role in a list is too little."""
    refusal = write.refusal(stored["id"], "id", needed=needed)
    return ListPayload(list=await shown(write, stored), errors=[refusal]) if refusal else None


async def _updated(
    write: OwnerWrite, context: Context, stored: Row, values: dict[str, Any]
) -> Row | UserError:
    is_changed = any(stored[name] != value for name, value in values.items())
    if is_changed and (problem := write.storage.full_problem(Quota.of(context.settings))):
        return invalid(*problem, "id")
    row = await update(write, LISTS, stored, values)
    await write.store()
    return row


def _precondition_errors(stored: TodoList | None, expected_version: int | None) -> list[UserError]:
    """Why a list, as the actor sees it, can't be changed: there is none, or it has another version than expected."""
    if stored is None:
        return [not_found("id")]
    return version_errors("list", stored.version, expected_version, lambda: stored)


@retried
async def move_list(context: Context, id: str, sent: PlacementInput) -> ListPayload:
    """Move a list among the others that the viewer sees; where it stands already is no change.

    A list of somebody else's moves for the viewer alone, which no log has. `Unauthenticated` if nobody is
    signed in.
    """
    list_id, owner_id = parse_id(id), context.signed_in().id
    problems: list[UserError] = []
    placement = read_placement(sent, problems, "place")
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        if of_others := await load_list_of_others(write, list_id):
            errors = problems or await move_list_of_others(write, of_others, placement)
            of_others = await load_list_of_others(write, list_id) or of_others
            context.clear_loaders()
            return ListPayload(list=TodoList.from_row(of_others), errors=errors)
        stored = await load_list(write, list_id)
        if stored is None or placement is None:
            return ListPayload(errors=[*([] if stored else [not_found("id")]), *problems])
        moved = Sibling(stored["id"], stored["position"])
        key = await position_in_own_order(write, placement, moved, "place")
        if isinstance(key, UserError):
            write.discard()
            return ListPayload(list=TodoList.from_row(stored), errors=[key])
        # It may have got another key meanwhile.
        current = await load_list(write, list_id)
        assert current is not None
        row = await _updated(write, context, current, {"position": key})
        if isinstance(row, UserError):
            write.discard()
            return ListPayload(list=TodoList.from_row(stored), errors=[row])
    context.clear_loaders()
    return ListPayload(list=TodoList.from_row(row), first_change=write.first_change)


@retried
async def delete_list(context: Context, id: str, expected_version: int | None) -> ListPayload:
    """Move a list into the trash, with all todos in it that aren't there already.

    The viewer is the actor, and is charged for the todos. `Unauthenticated` if nobody is signed in.
    """
    list_id, viewer = parse_id(id), context.signed_in()
    owner_id = await owner_of_list(viewer, list_id)
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        stored = await load_list(write, list_id)
        if stored and (refused := await _refused(write, stored, ListRole.OWNER)):
            return refused
        current = TodoList.from_row(stored) if stored else None
        if (errors := _precondition_errors(current, expected_version)) or stored is None:
            return ListPayload(errors=errors)
        if problem := _too_long(stored):
            return ListPayload(list=TodoList.from_row(stored), errors=[invalid(*problem, "id")])
        values = {"deleted_at": write.now}
        await update(write, LISTS, stored, values, EntityAction.DELETED)
        await write.store()
        changed = await move_to_trash(write, stored["id"])
        row = await load_list(write, list_id, trash=True)
    return _changed(context, write, row, changed)


def _too_long(stored: Row) -> tuple[ErrorCode, str] | None:
    """The problem if a list has too many todos to come back from the trash in one mutation."""
    if (number := total_of(stored)) <= MAX_TODOS:
        return None
    return ErrorCode.TOO_MANY, (
        f"The list has {number:,} todos; at most {MAX_TODOS:,} are moved to the trash at once. Delete or"
        " move some of them first."
    )


@retried
async def restore_list(context: Context, id: str) -> ListPayload:
    """Take a list out of the trash, with the todos that were moved there with it.

    A list whose time in the trash is over can't be restored, since a part of it may be purged. In the
    trash nobody but its owner sees it. The viewer is charged for the todos. `Unauthenticated` if nobody is
    signed in.
    """
    list_id, viewer = parse_id(id), context.signed_in()
    owner_id = await owner_of_list(viewer, list_id)
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        if present := await load_list(write, list_id):
            refused = await _refused(write, present, ListRole.OWNER)
            return refused or ListPayload(list=TodoList.from_row(present))
        stored = await load_list(write, list_id, trash=True)
        if stored is None or _is_over(write, stored, context.settings):
            return ListPayload(errors=[not_found("id")])
        if problem := await _no_room(write, context.settings):
            return ListPayload(list=TodoList.from_row(stored), errors=[invalid(*problem, "id")])
        await update(write, LISTS, stored, {"deleted_at": None}, EntityAction.RESTORED)
        await write.store()
        changed = await restore_from_trash(write, stored["id"], stored["deleted_at"])
        row = await load_list(write, list_id)
    return _changed(context, write, row, changed)


def _is_over(write: OwnerWrite, stored: Row, settings: Settings) -> bool:
    """Whether a list has been in the trash for as long as things are stored there."""
    days = settings.trash_retention_days
    return bool(days and stored["deleted_at"] < write.now - timedelta(days=days))


def _changed(context: Context, write: OwnerWrite, row: Row | None, todos: int) -> ListPayload:
    """The answer after a change of a list with its todos, for which the viewer is charged.

    Their number is known only now; each costs as much as an item of a bulk action.
    """
    assert row is not None
    context.limits.charge(write.actor_id.int, COST, todos)
    context.clear_loaders()
    return ListPayload(list=TodoList.from_row(row), first_change=write.first_change)
