"""Changes of one todo under its owner's lock."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson
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
from todo_gql.api.text import Problem
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.retry import retried
from todo_gql.features.todos.assignees import assignee_error
from todo_gql.features.todos.columns import needs_names_only
from todo_gql.features.todos.creation import NewTodo, with_targets
from todo_gql.features.todos.dates import (
    completed_edit,
    date_problem,
    has_dates,
    needs_time_zone,
)
from todo_gql.features.todos.destinations import (
    Destination,
    no_list_error,
    owner_of_destination,
    read_destination,
)
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.inputs import TodoCreateInput, unset_to_none
from todo_gql.features.todos.loaders import TagOfTodo
from todo_gql.features.todos.occurrences import CompletedOccurrences, end_snoozes
from todo_gql.features.todos.owners import owner_of_todo
from todo_gql.features.todos.payloads import TodoPayload
from todo_gql.features.todos.recurring import with_recurrence
from todo_gql.features.todos.reminder_inputs import ReminderDraft, read_reminders
from todo_gql.features.todos.reminders import add_reminders
from todo_gql.features.todos.single_creation import CreatedTodo, create_in_one_message
from todo_gql.features.todos.spreading import Outcome, record_changes
from todo_gql.features.todos.state import TodoEdit, TodoState, schedule_of
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.subtrees import RESET, Spread, Subtrees, load_subtrees
from todo_gql.features.todos.types import Todo
from todo_gql.features.todos.used_ids import logged_ids
from todo_gql.features.todos.validation import read_create
from todo_gql.features.todos.viewer_writes import viewer_write
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.clock import viewer_clock
from todo_gql.operation.context import Context, Info
from todo_gql.operation.lookahead import selected_on_fields_named
from todo_gql.security.authentication import Viewer
from todo_gql.security.sliding_window import COST

Edit: TypeAlias = Callable[[TodoState, LocalClock], TodoState | Problem | UserError]
"""Returns the changed todo, given the todo and the time of the write where its writer is, or why it can't
change: an error if that has a path of its own.
"""


Preview: TypeAlias = Callable[[Info, OwnerWrite, Sequence[TodoState]], Awaitable[None]]
"""Called before the end of a write that is a dry run, with what it stored: it discards the write."""


class Draft(NamedTuple):
    """The id and the values of a todo to be created, where it is to stand, and its reminders."""

    id: UUID
    edit: TodoEdit
    destination: Destination | None
    reminders: Sequence[ReminderDraft] = ()


def set_values(edit: TodoEdit, *path: str) -> Edit:
    """The edit that sets these values, which were sent at a path."""
    if not has_dates(edit):
        return lambda todo, clock: todo.with_edit(edit, clock.now)

    def set_dates(todo: TodoState, clock: LocalClock) -> TodoState | UserError:
        changed = todo.with_edit(completed_edit(edit, todo, clock), clock.now)
        problem = date_problem(edit, todo, changed, clock)
        return problem.at(*path) if problem else with_recurrence(edit, todo, changed, clock, *path)

    return set_dates


def delete(todo: TodoState, clock: LocalClock) -> TodoState:
    """The todo in the trash."""
    return todo._replace(deleted_at=clock.now)


def restore(todo: TodoState, clock: LocalClock) -> TodoState:
    """The todo out of the trash."""
    return todo._replace(deleted_at=None)


def to_todo(
    todo: TodoState | None, info: Info, tags: Sequence[TagOfTodo] | None = None
) -> Todo | None:
    """The GraphQL type for a todo; with its tags if they are loaded, or only names are selected."""
    return Todo.from_row(todo_row(todo, info, tags), info.context.now) if todo else None


def todo_row(
    todo: TodoState, info: Info, tags: Sequence[TagOfTodo] | None = None
) -> dict[str, Any]:
    """The row of a todo; with its tags if they are loaded, or only names are selected.

    The names are a part of the state, so that they need no statement.
    """
    row = todo.as_row()
    # It is canonical JSON already.
    row["metadata"] = orjson.Fragment(todo.metadata)
    if todo.due_date:
        row["viewer_time_zone"] = info.context.viewer_time_zone
    if tags is not None:
        row["tag_rows"] = tags
    elif needs_names_only(selected_on_fields_named(info, "tags")):
        row["tag_rows"] = [(name,) for name in todo.tags]
    return row


@retried
async def change_todo(
    info: Info,
    id: str,
    edit: Edit,
    *,
    expected_version: int | None = None,
    problems: Sequence[UserError] = (),
    spread: Spread | None = None,
    trash: bool = False,
    preview: Preview | None = None,
) -> TodoPayload:
    """Apply an edit to a todo, unless it is missing, newer than expected or has problems.

    `spread` says what becomes of its subtasks; with a `preview` it is a dry run. The viewer is the actor.
    `Unauthenticated` if nobody is signed in.
    """
    todo_id, viewer = parse_id(id), info.context.signed_in()
    owner_id = await owner_of_todo(viewer, todo_id)
    ids = [todo_id] if todo_id else []
    parents = spread is not None
    async with viewer_write(viewer, owner_id, ids, parents=parents) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        subtrees = await load_subtrees(write, ids, spread, trash=trash)
        stored = subtrees.states.get(todo_id) if todo_id else None
        refusal = stored and write.refusal(stored.list_id, "id")
        if refused := refused_write(stored, refusal, expected_version, problems, info):
            return refused
        assert stored
        changed = edit(stored, write.clock)
        if not isinstance(changed, TodoState):
            return TodoPayload(errors=[as_error(changed, "id")])
        if error := await assignee_error(write, stored, changed, "input"):
            return TodoPayload(errors=[error])
        occurrences = CompletedOccurrences(write, Quota.of(info.context.settings))
        todo = await _record(occurrences, subtrees, stored, changed, spread)
        if not isinstance(todo, TodoState):
            return TodoPayload(todo=to_todo(stored, info), errors=[invalid(*todo, "id")])
        await write.store()
        copies = await occurrences.store()
        if spread is RESET:
            await end_snoozes(write, [todo.id])
        info.context.clear_loaders()
        if preview:
            await preview(info, write, [todo, *copies.values()])
    return _changed(info, write, todo, copies.get(stored.id))


def _changed(info: Info, write: OwnerWrite, todo: TodoState, copy: TodoState | None) -> TodoPayload:
    """The payload of a todo that is stored, and of the copy that it leaves."""
    charge_further(info, [write], 1)
    return TodoPayload(
        todo=to_todo(write.stored(todo), info),
        completed_occurrence=to_todo(copy, info),
        first_change=None if write.discarded else write.first_change,
    )


async def _record(
    occurrences: CompletedOccurrences,
    subtrees: Subtrees,
    before: TodoState,
    after: TodoState,
    spread: Spread | None,
) -> Outcome:
    """Record the change of a todo, and what it spreads to; the next occurrence if it completes one."""
    advanced = occurrences.advance(before, after)
    if not isinstance(advanced, TodoState):
        return advanced
    changed = {before.id: advanced}
    outcomes = await record_changes(occurrences.write, subtrees, changed, spread, occurrences.quota)
    return outcomes[before.id]


def refused_write(
    stored: TodoState | None,
    refusal: UserError | None,
    expected_version: int | None,
    problems: Sequence[UserError],
    info: Info,
) -> TodoPayload | None:
    """The payload for a todo that isn't there, or of another version than is expected, or with problems.

    `refusal` is the error if the actor's role is too little; then the payload has nothing else but the todo.
    """
    if stored is None:
        return TodoPayload(errors=[not_found("id"), *problems])
    if refusal:
        return TodoPayload(todo=to_todo(stored, info), errors=[refusal])
    version = version_errors(
        "todo", stored.version, expected_version, lambda: to_todo(stored, info)
    )
    errors = [*version, *problems]
    return TodoPayload(errors=errors) if errors else None


def as_error(refusal: Problem | UserError, *path: str) -> UserError:
    """Why a todo can't change, as an error at a path unless it has its own."""
    return refusal if isinstance(refusal, UserError) else invalid(*refusal, *path)


def read_draft(sent: TodoCreateInput, now: datetime, *path: str) -> tuple[Draft, list[UserError]]:
    """The id and values of a todo to be created at a moment, and their problems."""
    edit, problems = read_create(sent, *path)
    sent_id, to = unset_to_none(sent.id), unset_to_none(sent.to)
    todo_id = uuid7() if sent_id is None else parse_id(sent_id)
    if todo_id is None:
        problems = [unusable_id(*path), *problems]
    destination = read_destination(to, problems, *path, "to") if to else None
    drafts: list[ReminderDraft] = []
    if reminders := unset_to_none(sent.reminders):
        drafts, more = read_reminders(reminders, now, *path, "reminders")
        problems += more
    return Draft(todo_id or uuid7(), edit, destination, drafts), problems


def completed_draft(
    draft: Draft, clock: LocalClock, problems: list[UserError], *path: str
) -> Draft:
    """The draft with what follows from its dates; what is wrong with them is added to the problems."""
    if problems or not has_dates(draft.edit):
        return draft
    completed = draft._replace(edit=completed_edit(draft.edit, None, clock))
    todo = new_state(completed, draft.id, clock.now)
    if problem := date_problem(draft.edit, None, todo, clock):
        problems.append(problem.at(*path))
    if problems or "recurrence" not in draft.edit:
        return completed
    begun = with_recurrence(draft.edit, None, todo, clock, *path)
    if not isinstance(begun, TodoState):
        problems.append(begun)
        return completed
    return completed._replace(edit=completed.edit | schedule_of(begun))


def new_state(draft: Draft, owner_id: UUID, now: datetime) -> TodoState:
    """The owner's new todo of a draft."""
    return TodoState.new(draft.id, owner_id, draft.edit, now)


def charge_further(info: Info, writes: Sequence[OwnerWrite], named: int) -> None:
    """Charge the viewer for the todos that writes changed besides those of the named ones that they did.

    They are subtasks, or all of a list that got new positions. Their number is known only now; each costs
    as much as an item of a bulk action.
    """
    if (further := sum(write.change_count for write in writes) - named) > 0:
        info.context.limits.charge(info.context.signed_in().caller, COST, further)


async def id_conflicts(
    write: OwnerWrite, ids: Sequence[UUID], paths: Sequence[Sequence[str]], info: Info
) -> list[tuple[TodoState | None, UserError]]:
    """For each id that can't be used again, the owner's todo that has it, and the error.

    The id of a purged todo stays used. The error for another owner's id doesn't reveal that it
    exists.
    """
    stored = await write.load(ids, trash=True) if ids else {}
    missing = [id for id in ids if id not in stored]
    logged = await logged_ids(write, missing) if missing else frozenset()
    return [
        (
            stored.get(id),
            _id_conflict(stored.get(id), path, info)
            if id in stored or id in logged
            else unusable_id(*path),
        )
        for id, path in zip(ids, paths, strict=True)
    ]


def _id_conflict(todo: TodoState | None, path: Sequence[str], info: Info) -> UserError:
    return ConflictError(
        code=ErrorCode.ALREADY_EXISTS,
        message="A todo with this id was created already."
        if todo
        else "A todo with this id was created already, and has been purged since. Use a new id.",
        path=[*path, "id"],
        current=to_todo(todo, info),
    )


async def _refused(write: OwnerWrite, todo_id: UUID, error: UserError, info: Info) -> TodoPayload:
    """That a todo can't stand where it is to, or not with its assignee; unless it was created already, perhaps by the same call."""
    [(stored, conflict)] = await id_conflicts(write, [todo_id], [["input"]], info)
    is_known = isinstance(conflict, ConflictError)
    return TodoPayload(todo=to_todo(stored, info), errors=[conflict if is_known else error])


async def _with_target(
    write: OwnerWrite, todo: TodoState, destination: Destination | None
) -> TodoState | UserError:
    """A new todo where it is to stand; or why it can't, or not with its assignee."""
    if destination:
        [target] = await with_targets(write, [NewTodo(todo, destination)])
        if not isinstance(target, TodoState):
            return target
        todo = target
    elif error := no_list_error(write, "input"):
        return error
    return await assignee_error(write, None, todo, "input") or todo


async def _local_draft(sent: TodoCreateInput, context: Context) -> tuple[Draft, list[UserError]]:
    """As `read_draft`, with what follows from dates in the viewer's zone, which is read if that matters."""
    draft, problems = read_draft(sent, context.now, "input")
    if problems or not has_dates(draft.edit):
        return draft, problems
    clock = LocalClock(context.now)
    if needs_time_zone(draft.edit):
        clock = await viewer_clock(context.signed_in(), context.now)
        context.viewer_time_zone = clock.zone_name
    return completed_draft(draft, clock, problems, "input"), problems


@retried
async def create_todo(info: Info, sent: TodoCreateInput) -> TodoPayload:
    """Create a todo of the owner of its list; an error with the stored todo if the id is in use already.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    context, viewer = info.context, info.context.signed_in()
    draft, problems = await _local_draft(sent, context)
    if problems:
        return TodoPayload(errors=problems)
    owner_id = await owner_of_destination(viewer, draft.destination) or viewer.id
    todo = new_state(draft, owner_id, context.now)
    # The log entry holds the time of completion, so the time of the write has to be known first.
    quota = Quota.of(info.context.settings)
    created: CreatedTodo | TodoPayload | None = (
        None
        if todo.completed_at
        or draft.destination
        or draft.reminders
        or todo.assignee_id
        or viewer.bound_list_ids is not None
        else await create_in_one_message(todo, quota)
    )
    if created is None:
        created = await _create_in_transaction(info, draft, owner_id, viewer)
    if isinstance(created, TodoPayload):
        return created
    info.context.clear_loaders()
    todo_type = to_todo(created.todo, info, created.tags)
    return TodoPayload(todo=todo_type, first_change=created.change)


async def _create_in_transaction(
    info: Info, draft: Draft, owner_id: UUID, viewer: Viewer
) -> CreatedTodo | TodoPayload:
    """Create a todo that isn't created in one message; the payload if it can't be."""
    quota = Quota.of(info.context.settings)
    async with viewer_write(viewer, owner_id) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        todo = await _with_target(write, new_state(draft, owner_id, write.now), draft.destination)
        if not isinstance(todo, TodoState):
            return await _refused(write, draft.id, todo, info)
        problem = write.storage.reserve(Entry(None, todo), quota)
        inserted = {} if problem else await write.create([todo])
        if not inserted:
            [(stored, error)] = await id_conflicts(write, [todo.id], [["input"]], info)
            if problem and stored is None and not isinstance(error, ConflictError):
                return TodoPayload(errors=[invalid(*problem, "input")])
            return TodoPayload(todo=to_todo(stored, info), errors=[error])
        await add_reminders(write, [(todo, draft.reminders)])
    charge_further(info, [write], 1)
    return CreatedTodo(inserted[todo.id], write.created_tags[todo.id], write.first_change)
