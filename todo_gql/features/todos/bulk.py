"""Changes of many todos in one transaction: all or none, or those that can be."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.time_zones import LocalClock
from todo_gql.changelog.cursors import FirstChange
from todo_gql.database.retry import retried
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.actions import (
    Edit,
    as_error,
    charge_further,
    set_values,
    to_todo,
)
from todo_gql.features.todos.dry_runs import prime_loaders
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.inputs import (
    BulkErrorPolicy,
    TodoBulkAction,
)
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.features.todos.loaders import tags_by_todo_id
from todo_gql.features.todos.occurrences import CompletedOccurrences
from todo_gql.features.todos.owners import owners_of_todos
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoBulkResult
from todo_gql.features.todos.spreading import record_changes
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.subtrees import Spread, Subtrees, load_subtrees
from todo_gql.features.todos.tag_names import (
    MAX_TAGS,
    as_carried,
    normal_form,
    read_names_to_remove,
    read_tags,
)
from todo_gql.features.todos.viewer_writes import viewer_writes
from todo_gql.features.todos.writes import OwnerWrite
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
    ids: Sequence[str],
    edit: Edit,
    options: BulkOptions,
    *,
    problems: Sequence[UserError] = (),
    spread: Spread | None = None,
    trash: bool = False,
) -> TodoBulkPayload:
    """Apply an edit to each of the todos with one of the ids, whoever of several owners has them.

    `spread` says what becomes of their subtasks. The viewer is the actor. `Unauthenticated` if nobody is
    signed in.
    """
    viewer = info.context.signed_in()
    if refusals := [*size_problems(ids, "ids"), *duplicates(ids, "ids"), *problems]:
        return TodoBulkPayload(errors=refusals)
    keys = [parse_id(id) for id in ids]
    owners = await owners_of_todos(viewer, [key for key in keys if key])
    by_owner = ids_by_owner(owners, viewer.id)
    parents, quota = spread is not None, Quota.of(info.context.settings)
    async with viewer_writes(viewer, by_owner, parents=parents) as writes:
        info.context.viewer_time_zone = next(iter(writes.values())).clock.zone_name
        parts = {
            owner_id: _Part(
                CompletedOccurrences(write, quota),
                await load_subtrees(write, by_owner[owner_id], spread, trash=trash),
            )
            for owner_id, write in writes.items()
        }
        time_slice, results, own = TimeSlice(), list[ItemResult](), next(iter(parts))
        for index, (id, key) in enumerate(zip(ids, keys, strict=True)):
            await time_slice.checkpoint()
            results.append(parts[owners[key] if key else own].apply(id, key, edit, index))
        for part in parts.values():
            await part.record(spread)
        then = [part.occurrences.store for part in parts.values()]
        payload = await finish(info, list(writes.values()), results, options, then)
    return finished(info, writes.values(), results, options, payload)


def ids_by_owner(owners: Mapping[UUID, UUID], viewer_id: UUID) -> dict[UUID, list[UUID]]:
    """The ids by their owners; none of the viewer's if there are none at all."""
    by_owner = defaultdict[UUID, list[UUID]](list)
    for id, owner_id in owners.items():
        by_owner[owner_id].append(id)
    return dict(by_owner) or {viewer_id: []}


@dataclass
class _Part:
    """What a bulk action does to the todos of one owner; `results` are by their index in the call."""

    occurrences: CompletedOccurrences
    subtrees: Subtrees
    results: dict[int, ItemResult] = field(default_factory=dict)

    def apply(self, id: str, key: UUID | None, edit: Edit, index: int) -> ItemResult:
        """The result of an edit of one todo, which isn't recorded yet."""
        stored = self.subtrees.states.get(key) if key else None
        result = self.results[index] = self._edited(id, stored, edit, index)
        return result

    def _edited(self, id: str, stored: TodoState | None, edit: Edit, index: int) -> ItemResult:
        if stored is None:
            return ItemResult(id, errors=[not_found("ids", str(index))])
        write = self.occurrences.write
        if refusal := write.refusal(stored.list_id, "ids", str(index)):
            return ItemResult(id, stored, stored, [refusal])
        changed = edit(stored, write.clock)
        if isinstance(changed, TodoState):
            changed = self.occurrences.advance(stored, changed)
        if not isinstance(changed, TodoState):
            return ItemResult(id, stored, stored, [as_error(changed, "ids", str(index))])
        return ItemResult(id, stored, changed)

    async def record(self, spread: Spread | None) -> None:
        """Record the changes of todos that have no errors, and what they spread to their subtasks."""
        results = self.results.values()
        changed = {one.after.id: one.after for one in results if one.after and not one.errors}
        write, quota = self.occurrences.write, self.occurrences.quota
        outcomes = await record_changes(write, self.subtrees, changed, spread, quota)
        for index, result in self.results.items():
            if result.after is None or result.errors:
                continue
            outcome = outcomes[result.after.id]
            if isinstance(outcome, TodoState):
                result.after = outcome
            else:
                self.occurrences.drop(result.after.id)
                result.after = result.before
                result.errors.append(invalid(*outcome, "ids", str(index)))


async def finish(
    info: Info,
    writes: Sequence[OwnerWrite],
    results: Sequence[ItemResult],
    options: BulkOptions,
    then: Sequence[Callable[[], Awaitable[object]]] = (),
) -> TodoBulkPayload:
    """Store the changes as the options say, and build the payload, which is `finished` after the commit.

    What is `then` to be stored follows the changes that are recorded.
    """
    info.context.clear_loaders()
    for write in writes:
        info.context.loader(tags_by_todo_id).prime_many(write.created_tags)
    failed = sum(bool(result.errors) for result in results)
    processed = sum(result.after is not None for result in results)
    if failed and options.on_error is BulkErrorPolicy.ABORT_ALL:
        writes[0].discard()
        message = f"Nothing was changed, because {failed} of {len(results)} failed."
        return TodoBulkPayload(
            results=_bulk_results(info, writes, results, aborted=True),
            processed=processed,
            errors=[invalid(ErrorCode.INVALID, message, options.argument)],
        )
    for write in writes:
        await write.store()
    for store in then:
        await store()
    if options.dry_run:
        for write in writes:
            todos = [one.after for one in results if one.after]
            own = [todo for todo in todos if todo.owner_id == write.owner_id]
            await prime_loaders(info, write, own)
        writes[0].discard()
    return TodoBulkPayload(
        results=_bulk_results(info, writes, results, aborted=False),
        processed=processed,
        updated=sum(result.changed for result in results),
    )


def finished(
    info: Info,
    writes: Iterable[OwnerWrite],
    results: Sequence[ItemResult],
    options: BulkOptions,
    payload: TodoBulkPayload,
) -> TodoBulkPayload:
    """The payload after the commit: it can be undone if one owner's log has all changes.

    The viewer is charged for todos that changed without being named.
    """
    writes = list(writes)
    charge_further(info, writes, sum(result.changed for result in results))
    if not options.dry_run and not writes[0].discarded:
        payload.first_change = only_change(writes)
    return payload


def only_change(writes: Iterable[OwnerWrite]) -> FirstChange | None:
    """The first change of a mutation that one owner's log has; None for changes of several, which can't be undone."""
    first = [change for write in writes if (change := write.first_change)]
    return first[0] if len(first) == 1 else None


def _bulk_results(
    info: Info, writes: Sequence[OwnerWrite], items: Sequence[ItemResult], *, aborted: bool
) -> list[TodoBulkResult]:
    by_owner = {write.owner_id: write for write in writes}
    results = []
    for index, item in enumerate(items):
        todo = item.before if aborted else item.after
        if todo and not aborted:
            todo = by_owner[todo.owner_id].stored(todo)
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
