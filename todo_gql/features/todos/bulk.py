"""Changes of many todos in one transaction: all or none, or those that can be."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass, field
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.retry import retried
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.actions import (
    Draft,
    Edit,
    as_error,
    charge_further,
    completed_draft,
    id_conflicts,
    new_state,
    read_draft,
    set_values,
    to_todo,
)
from todo_gql.features.todos.assignees import Assignees
from todo_gql.features.todos.creation import NewTodo, with_targets
from todo_gql.features.todos.dry_runs import prime_loaders
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.inputs import (
    BulkErrorPolicy,
    TodoBulkAction,
    TodoCreateInput,
    unset_to_none,
)
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.features.todos.loaders import tags_by_todo_id
from todo_gql.features.todos.occurrences import CompletedOccurrences
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoBulkResult
from todo_gql.features.todos.reminders import add_reminders
from todo_gql.features.todos.spreading import record_changes
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota, Storage
from todo_gql.features.todos.subtrees import Spread, Subtrees, load_subtrees
from todo_gql.features.todos.tag_names import (
    MAX_TAGS,
    as_carried,
    normal_form,
    read_names_to_remove,
    read_tags,
)
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.operation.context import Info

# The fields that a bulk action sets: with the name of the action, and the validator of the value.
SET_ALL = [
    (one.name, f"set_{one.name}", one.validate)
    for one in stored_fields()
    if one.set_all and one.validate
]


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """The options of a bulk action; `argument` names the list in the paths of errors."""

    argument: str
    on_error: BulkErrorPolicy
    dry_run: bool


@dataclass(slots=True)
class ItemResult:
    """The result for one item: the todo as stored, and as it would be after the change."""

    id: str | None
    before: TodoState | None = None
    after: TodoState | None = None
    errors: list[UserError] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return not self.errors and self.after is not None and self.after != self.before


async def read_action(action: TodoBulkAction) -> tuple[Edit, list[UserError]]:
    """The edit of an action, and its problems."""
    problems: list[UserError] = []
    for name, set_name, validate in SET_ALL:
        if some := getattr(action, set_name):
            value = validate(some.value, problems, "action", to_camel_case(set_name))
            return set_values({name: value}), problems
    if action.add_tags:
        names = read_tags(action.add_tags.value, problems, "action", "addTags")
        return _add_tags(names), problems
    removed = action.remove_tags.value if action.remove_tags else []
    return _remove_tags(
        await read_names_to_remove(removed, problems, "action", "removeTags")
    ), problems


def _add_tags(names: Sequence[str]) -> Edit:
    def edit(todo: TodoState, clock: LocalClock) -> TodoState | tuple[ErrorCode, str]:
        tags = tuple(sorted({*todo.tags, *as_carried(names, todo.tags)}))
        if len(tags) > max(MAX_TAGS, len(todo.tags)):
            return (
                ErrorCode.TOO_MANY,
                f"The todo would have {len(tags)} tags; at most {MAX_TAGS} are allowed.",
            )
        return todo._replace(tags=tags)

    return edit


def _remove_tags(removed: AbstractSet[str]) -> Edit:
    return lambda todo, clock: todo._replace(
        tags=tuple(name for name in todo.tags if removed.isdisjoint({name, normal_form(name)}))
    )


@retried
async def change_todos(
    info: Info,
    owner_id: UUID,
    ids: Sequence[str],
    edit: Edit,
    options: BulkOptions,
    *,
    problems: Sequence[UserError] = (),
    spread: Spread | None = None,
    trash: bool = False,
) -> TodoBulkPayload:
    """Apply an edit to each of an owner's todos with one of the ids.

    `spread` says what becomes of their subtasks. The viewer is the actor. `Unauthenticated` if nobody is
    signed in.
    """
    actor_id = info.context.signed_in().id
    if refusals := [*size_problems(ids, "ids"), *duplicates(ids, "ids"), *problems]:
        return TodoBulkPayload(errors=refusals)
    keys = [parse_id(id) for id in ids]
    known = [key for key in keys if key]
    parents = spread is not None
    async with owner_write(
        owner_id=owner_id, actor_id=actor_id, ids=known, parents=parents
    ) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        subtrees = await load_subtrees(write, known, spread, trash=trash)
        time_slice, results = TimeSlice(), list[ItemResult]()
        occurrences = CompletedOccurrences(write, Quota.of(info.context.settings))
        for index, (id, key) in enumerate(zip(ids, keys, strict=True)):
            await time_slice.checkpoint()
            todo = subtrees.states.get(key) if key else None
            results.append(_apply_edit(occurrences, id, todo, edit, index))
        await _record(occurrences, subtrees, results, spread)
        payload = await finish(info, write, results, options, occurrences)
    charge_further(info, write, sum(result.changed for result in results))
    return payload


def _apply_edit(
    occurrences: CompletedOccurrences,
    id: str,
    stored: TodoState | None,
    edit: Edit,
    index: int,
) -> ItemResult:
    if stored is None:
        return ItemResult(id, errors=[not_found("ids", str(index))])
    changed = edit(stored, occurrences.write.clock)
    if isinstance(changed, TodoState):
        changed = occurrences.advance(stored, changed)
    if not isinstance(changed, TodoState):
        return ItemResult(id, stored, stored, [as_error(changed, "ids", str(index))])
    return ItemResult(id, stored, changed)


async def _record(
    occurrences: CompletedOccurrences,
    subtrees: Subtrees,
    results: Sequence[ItemResult],
    spread: Spread | None,
) -> None:
    """Record the changes of todos that have no errors, and what they spread to their subtasks."""
    changed = {one.after.id: one.after for one in results if one.after and not one.errors}
    write, quota = occurrences.write, occurrences.quota
    outcomes = await record_changes(write, subtrees, changed, spread, quota)
    for index, result in enumerate(results):
        if result.after is None or result.errors:
            continue
        outcome = outcomes[result.after.id]
        if isinstance(outcome, TodoState):
            result.after = outcome
        else:
            occurrences.drop(result.after.id)
            result.after = result.before
            result.errors.append(invalid(*outcome, "ids", str(index)))


@retried
async def create_todos(
    info: Info, owner_id: UUID, inputs: Sequence[TodoCreateInput], options: BulkOptions
) -> TodoBulkPayload:
    """Create all todos of an owner's or, as the options say, those that can be created.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    actor_id = info.context.signed_in().id
    sent_ids = [unset_to_none(sent.id) for sent in inputs]
    if refusals := [*size_problems(inputs, "inputs"), *duplicates(sent_ids, "inputs", "id")]:
        return TodoBulkPayload(errors=refusals)
    async with owner_write(owner_id=owner_id, actor_id=actor_id) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        # Under the owner's lock, so that one owner's long bulks are read one after the other.
        time_slice, drafts = TimeSlice(), list[tuple[Draft, list[UserError]]]()
        for index, sent in enumerate(inputs):
            await time_slice.checkpoint()
            draft, problems = read_draft(sent, info.context.now, "inputs", str(index))
            draft = completed_draft(draft, write.clock, problems, "inputs", str(index))
            drafts.append((draft, problems))
        results = [
            ItemResult(
                id, None, None if problems else new_state(draft, owner_id, write.now), problems
            )
            for id, (draft, problems) in zip(sent_ids, drafts, strict=True)
        ]
        await _set_targets(info, write, drafts, results)
        await _insert(info, write, results)
        created = zip(results, drafts, strict=True)
        await add_reminders(
            write, [(r.after, d.reminders) for r, (d, _) in created if r.after and not r.errors]
        )
        payload = await finish(info, write, results, options)
    charge_further(info, write, sum(result.changed for result in results))
    return payload


async def _set_targets(
    info: Info,
    write: OwnerWrite,
    drafts: Sequence[tuple[Draft, list[UserError]]],
    results: Sequence[ItemResult],
) -> None:
    """Set where the new todos stand; those that can't stand there, or not with their assignees, get errors."""
    new_todos = [
        (index, NewTodo(result.after, draft.destination))
        for index, ((draft, _), result) in enumerate(zip(drafts, results, strict=True))
        if result.after and draft.destination
    ]
    targets = await with_targets(write, [new for _, new in new_todos]) if new_todos else []
    refused = dict[int, UserError]()
    for (index, _), target in zip(new_todos, targets, strict=True):
        if isinstance(target, TodoState):
            results[index].after = target
        else:
            refused[index] = target
    assignees = await Assignees.load(write, [one.after for one in results if one.after])
    for index, result in enumerate(results):
        if result.after and (error := assignees.error(result.after, "inputs", str(index))):
            refused.setdefault(index, error)
    if not refused:
        return
    ids = [drafts[index][0].id for index in refused]
    paths = [["inputs", str(index)] for index in refused]
    # One that was created already, perhaps by the same call, is said to be so.
    conflicts = await id_conflicts(write, ids, paths, info)
    for (index, error), (stored, conflict) in zip(refused.items(), conflicts, strict=True):
        results[index].before = results[index].after = stored
        is_known = isinstance(conflict, ConflictError)
        results[index].errors.append(conflict if is_known else error)


async def _insert(info: Info, write: OwnerWrite, results: Sequence[ItemResult]) -> None:
    await _enforce_quota(write, results, Quota.of(info.context.settings))
    created = await write.create(
        [result.after for result in results if result.after and not result.errors]
    )
    for result in results:
        if result.after and not result.errors:
            result.after = created.get(result.after.id, result.after)
    conflicting = [
        (result, result.after.id, ["inputs", str(index)])
        for index, result in enumerate(results)
        if result.after and not result.errors and result.after.id not in created
    ]
    conflicts = await id_conflicts(
        write, [id for _, id, _ in conflicting], [path for *_, path in conflicting], info
    )
    for (result, *_), (stored, error) in zip(conflicting, conflicts, strict=True):
        result.before = result.after = stored
        result.errors.append(error)


async def _enforce_quota(write: OwnerWrite, results: Sequence[ItemResult], quota: Quota) -> None:
    """Refuse the todos that exceed the quota together with those before them.

    Ids that can't be used again take no room; they are looked up only if room may be too little.
    """
    drafts = [result.after for result in results if result.after and not result.errors]
    if await _have_room(copy(write.storage), drafts, quota):
        return
    ids = [todo.id for todo in drafts]
    used = (await write.load(ids, trash=True)).keys() | await write.logged_ids(ids)
    time_slice = TimeSlice()
    for index, result in enumerate(results):
        if result.after is None or result.errors or result.after.id in used:
            continue
        await time_slice.checkpoint()
        if problem := write.storage.reserve(Entry(None, result.after), quota):
            result.after = None
            result.errors.append(invalid(*problem, "inputs", str(index)))


async def _have_room(storage: Storage, todos: Sequence[TodoState], quota: Quota) -> bool:
    """Whether there is room for all new todos, which are added to `storage` one by one."""
    time_slice = TimeSlice()
    for todo in todos:
        await time_slice.checkpoint()
        if storage.reserve(Entry(None, todo), quota):
            return False
    return True


async def finish(
    info: Info,
    write: OwnerWrite,
    results: Sequence[ItemResult],
    options: BulkOptions,
    occurrences: CompletedOccurrences | None = None,
) -> TodoBulkPayload:
    """Store the changes as the options say, and build the payload."""
    info.context.clear_loaders()
    info.context.loader(tags_by_todo_id).prime_many(write.created_tags)
    failed = sum(bool(result.errors) for result in results)
    processed = sum(result.after is not None for result in results)
    if failed and options.on_error is BulkErrorPolicy.ABORT_ALL:
        write.discard()
        message = f"Nothing was changed, because {failed} of {len(results)} failed."
        return TodoBulkPayload(
            results=_bulk_results(info, write, results, aborted=True),
            processed=processed,
            errors=[invalid(ErrorCode.INVALID, message, options.argument)],
        )
    await write.store()
    if occurrences:
        await occurrences.store()
    if options.dry_run:
        await prime_loaders(info, write, [result.after for result in results if result.after])
        write.discard()
    return TodoBulkPayload(
        results=_bulk_results(info, write, results, aborted=False),
        processed=processed,
        updated=sum(result.changed for result in results),
        first_change=None if options.dry_run else write.first_change,
    )


def _bulk_results(
    info: Info, write: OwnerWrite, items: Sequence[ItemResult], *, aborted: bool
) -> list[TodoBulkResult]:
    results = []
    for index, item in enumerate(items):
        todo = item.before if aborted else item.after and write.stored(item.after)
        id = str(todo.id) if todo else item.id
        todo_id = strawberry.ID(id) if id is not None else None
        results.append(
            TodoBulkResult(
                index=index,
                id=todo_id,
                todo=to_todo(todo, info),
                errors=item.errors,
                todo_id=todo_id,
            )
        )
    return results
