"""Changes of many todos in one transaction: all or none, or those that can be."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

import strawberry

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import LENGTH, parse_id
from todo_gql.database.retry import retried
from todo_gql.features.todos.actions import Draft, Edit, apply, drafted, read_draft, shown, taken
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.inputs import BulkErrorPolicy, TodoBulkAction, TodoCreateInput, given
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoBulkResult
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota, Storage
from todo_gql.features.todos.tag_names import (
    MAX_TAGS,
    as_carried,
    normal_form,
    read_tag_names,
    read_tags,
)
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.operation.context import Info
from todo_gql.operation.time_slice import Pace

MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """How a bulk action is done; `argument` names the list in the paths of errors."""

    argument: str
    on_error: BulkErrorPolicy
    dry_run: bool


@dataclass(slots=True)
class Outcome:
    """What became of one item: the todo as stored, and as it would be."""

    id: str | None
    before: TodoState | None = None
    after: TodoState | None = None
    errors: list[UserError] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return not self.errors and self.after is not None and self.after != self.before


def read_action(action: TodoBulkAction) -> tuple[Edit, list[UserError]]:
    """The edit that an action stands for, and what is wrong with it."""
    problems: list[UserError] = []
    if action.set_status:
        return apply({"status": int(action.set_status.value.value)}), problems
    if action.set_priority:
        return apply({"priority": int(action.set_priority.value.value)}), problems
    if action.add_tags:
        names = read_tags(action.add_tags.value, problems, "action", "addTags")
        return _add_tags(names), problems
    removed = action.remove_tags.value if action.remove_tags else []
    return _remove_tags(read_tag_names(removed, problems, "action", "removeTags")), problems


def _add_tags(names: Sequence[str]) -> Edit:
    def edit(todo: TodoState, now: datetime) -> TodoState | tuple[ErrorCode, str]:
        tags = tuple(sorted({*todo.tags, *as_carried(names, todo.tags)}))
        if len(tags) > MAX_TAGS:
            return ErrorCode.TOO_MANY, f"It would carry {len(tags)} tags; {MAX_TAGS} is the most."
        return todo._replace(tags=tags)

    return edit


def _remove_tags(names: Sequence[str]) -> Edit:
    removed = frozenset(names)
    return lambda todo, now: todo._replace(
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
    trash: bool = False,
) -> TodoBulkPayload:
    """Make of each todo what the edit says."""
    viewer = info.context.signed_in()
    if refusals := [*_size_problems(ids, "ids"), *_duplicates(ids, "ids"), *problems]:
        return TodoBulkPayload(errors=refusals)
    keys, quota = [parse_id(id) for id in ids], Quota.of(info.context.settings)
    async with owner_write(viewer) as write:
        stored = await write.load([key for key in keys if key], trash=trash)
        pace, outcomes = Pace(), list[Outcome]()
        for place, (id, key) in enumerate(zip(ids, keys, strict=True)):
            await pace.breathe()
            todo = stored.get(key) if key else None
            outcomes.append(_edited(write, id, todo, edit, place, quota))
        return await _concluded(info, write, outcomes, options)


def _edited(
    write: OwnerWrite, id: str, stored: TodoState | None, edit: Edit, place: int, quota: Quota
) -> Outcome:
    if stored is None:
        return Outcome(id, errors=[not_found("ids", str(place))])
    changed = edit(stored, write.now)
    if not isinstance(changed, TodoState):
        return Outcome(id, stored, stored, [invalid(*changed, "ids", str(place))])
    if stored != changed and (refusal := write.storage.refusal(Entry(stored, changed), quota)):
        return Outcome(id, stored, stored, [invalid(*refusal, "ids", str(place))])
    return Outcome(id, stored, write.change(stored, changed))


@retried
async def create_todos(
    info: Info, inputs: Sequence[TodoCreateInput], options: BulkOptions
) -> TodoBulkPayload:
    """Make all todos, or those that can be made."""
    viewer = info.context.signed_in()
    sent_ids = [given(sent.id) for sent in inputs]
    if refusals := [*_size_problems(inputs, "inputs"), *_duplicates(sent_ids, "inputs", "id")]:
        return TodoBulkPayload(errors=refusals)
    async with owner_write(viewer) as write:
        # Under the owner's lock, so that one owner's long bulks are read one after the other.
        pace, drafts = Pace(), list[tuple[Draft, list[UserError]]]()
        for place, sent in enumerate(inputs):
            await pace.breathe()
            drafts.append(read_draft(sent, "inputs", str(place)))
        outcomes = [
            Outcome(id, None, None if problems else drafted(draft, viewer, write.now), problems)
            for id, (draft, problems) in zip(sent_ids, drafts, strict=True)
        ]
        await _insert(info, write, outcomes)
        return await _concluded(info, write, outcomes, options)


async def _insert(info: Info, write: OwnerWrite, outcomes: Sequence[Outcome]) -> None:
    await _keep_to_quota(write, outcomes, Quota.of(info.context.settings))
    created = await write.create([outcome.after for outcome in outcomes if outcome.after])
    clashes = [
        (outcome, outcome.after.id, ["inputs", str(place)])
        for place, outcome in enumerate(outcomes)
        if outcome.after and outcome.after.id not in created
    ]
    found = await taken(write, [id for _, id, _ in clashes], [path for *_, path in clashes], info)
    for (outcome, *_), (stored, error) in zip(clashes, found, strict=True):
        outcome.before = outcome.after = stored
        outcome.errors.append(error)


async def _keep_to_quota(write: OwnerWrite, outcomes: Sequence[Outcome], quota: Quota) -> None:
    """Refuse the todos for which there is no room beside those before them.

    Ids that can't be used again take no room: they are looked for where there may be too little.
    """
    drafts = [outcome.after for outcome in outcomes if outcome.after]
    if await _have_room(copy(write.storage), drafts, quota):
        return
    ids = [todo.id for todo in drafts]
    used = (await write.load(ids, trash=True)).keys() | await write.known(ids)
    pace = Pace()
    for place, outcome in enumerate(outcomes):
        if outcome.after is None or outcome.after.id in used:
            continue
        await pace.breathe()
        if refusal := write.storage.refusal(Entry(None, outcome.after), quota):
            outcome.after = None
            outcome.errors.append(invalid(*refusal, "inputs", str(place)))


async def _have_room(storage: Storage, todos: Sequence[TodoState], quota: Quota) -> bool:
    """Whether there is room for all new todos, which are added to `storage` one by one."""
    pace = Pace()
    for todo in todos:
        await pace.breathe()
        if storage.refusal(Entry(None, todo), quota):
            return False
    return True


async def _concluded(
    info: Info, write: OwnerWrite, outcomes: Sequence[Outcome], options: BulkOptions
) -> TodoBulkPayload:
    """Store what is to be stored, and tell of it."""
    info.context.forget_loaded()
    info.context.loaders.keep_tags(write.made_tags)
    failed = sum(bool(outcome.errors) for outcome in outcomes)
    processed = sum(outcome.after is not None for outcome in outcomes)
    if failed and options.on_error is BulkErrorPolicy.ABORT_ALL:
        write.discard()
        message = f"Nothing was changed, since {failed} of {len(outcomes)} failed."
        return TodoBulkPayload(
            results=_results(info, outcomes, aborted=True),
            processed=processed,
            errors=[invalid(ErrorCode.INVALID, message, options.argument)],
        )
    await write.store()
    if options.dry_run:
        await _keep_tags(info, write, outcomes)
        write.discard()
    return TodoBulkPayload(
        results=_results(info, outcomes, aborted=False),
        processed=processed,
        updated=sum(outcome.changed for outcome in outcomes),
    )


def _results(info: Info, outcomes: Sequence[Outcome], *, aborted: bool) -> list[TodoBulkResult]:
    results = []
    for index, outcome in enumerate(outcomes):
        todo = outcome.before if aborted else outcome.after
        id = str(todo.id) if todo else outcome.id
        todo_id = strawberry.ID(id) if id is not None else None
        results.append(
            TodoBulkResult(
                index=index,
                id=todo_id,
                todo=shown(todo, info),
                errors=outcome.errors,
                todo_id=todo_id,
            )
        )
    return results


async def _keep_tags(info: Info, write: OwnerWrite, outcomes: Sequence[Outcome]) -> None:
    """Let the answer show the tags that a dry run is about to undo."""
    shown = {outcome.after.id for outcome in outcomes if outcome.after}
    if ids := list(shown - write.made_tags.keys()):
        tags = await write.tags_of(ids)
        info.context.loaders.keep_tags(dict(zip(ids, tags, strict=True)))


def _size_problems(items: Sequence[object], argument: str) -> list[UserError]:
    if not items:
        return [invalid(ErrorCode.TOO_SHORT, "Give at least one.", argument)]
    if len(items) > MAX_ITEMS:
        message = f"At most {MAX_ITEMS} at once, not {len(items)}."
        return [invalid(ErrorCode.TOO_MANY, message, argument)]
    return []


def _duplicates(ids: Sequence[str | None], argument: str, *path: str) -> list[UserError]:
    seen: set[str] = set()
    problems: list[UserError] = []
    for place, id in enumerate(ids[: MAX_ITEMS + 1]):
        # What is longer is no id, and is told so.
        if id is None or len(id) > LENGTH:
            continue
        if id.lower() in seen:
            message = "This id stands in the list already."
            problems.append(invalid(ErrorCode.INVALID, message, argument, str(place), *path))
        seen.add(id.lower())
    return problems
