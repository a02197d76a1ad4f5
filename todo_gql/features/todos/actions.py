"""Changes of one todo under its owner's lock."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.text import Problem
from todo_gql.database.retry import retried
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.inputs import TodoCreateInput, given
from todo_gql.features.todos.payloads import TodoPayload
from todo_gql.features.todos.state import TodoEdit, TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.types import Todo
from todo_gql.features.todos.validation import read_create
from todo_gql.features.todos.writes import Made, OwnerWrite, create_at_once, owner_write
from todo_gql.operation.context import Info
from todo_gql.operation.loaders import TagOfTodo, has_name_alone
from todo_gql.operation.lookahead import asked_everywhere
from todo_gql.security.authentication import Viewer

# What becomes of a todo at a moment, or why nothing can.
Edit: TypeAlias = Callable[[TodoState, datetime], TodoState | Problem]
Draft: TypeAlias = tuple[UUID, TodoEdit]


def apply(edit: TodoEdit) -> Edit:
    """The edit that sets these values."""
    return lambda todo, now: todo.edited(edit, now)


def delete(todo: TodoState, now: datetime) -> TodoState:
    """The todo in the trash."""
    return todo._replace(deleted_at=now)


def restore(todo: TodoState, now: datetime) -> TodoState:
    """The todo out of the trash."""
    return todo._replace(deleted_at=None)


def shown(
    todo: TodoState | None, info: Info, tags: Sequence[TagOfTodo] | None = None
) -> Todo | None:
    """The todo as the schema shows it, with its tags where they are known or just names."""
    if todo is None:
        return None
    row = todo.as_row()
    # It was written anew when it was read.
    row["metadata"] = orjson.Fragment(todo.metadata)
    if has_name_alone(asked_everywhere(info, "tags")):
        row["tag_names"] = list(todo.tags)
    elif tags is not None:
        row["tag_rows"] = tags
    return Todo.from_row(row, info.context.now)


@retried
async def change_todo(
    info: Info,
    id: str,
    edit: Edit,
    *,
    expected_version: int | None = None,
    problems: Sequence[UserError] = (),
    trash: bool = False,
) -> TodoPayload:
    """Make one todo what the edit says, unless it is away, newer than expected or has problems."""
    todo_id = parse_id(id)
    async with owner_write(info.context.signed_in()) as write:
        stored = (await write.load([todo_id], trash=trash)).get(todo_id) if todo_id else None
        errors = [*_refusals(stored, expected_version, info), *problems]
        if errors or stored is None:
            return TodoPayload(errors=errors)
        changed = edit(stored, write.now)
        if not isinstance(changed, TodoState):
            return TodoPayload(errors=[invalid(*changed, "id")])
        quota = Quota.of(info.context.settings)
        if stored != changed and (refusal := write.storage.refusal(Entry(stored, changed), quota)):
            return TodoPayload(todo=shown(stored, info), errors=[invalid(*refusal, "id")])
        todo = write.change(stored, changed)
        await write.store()
    info.context.forget_loaded()
    return TodoPayload(todo=shown(todo, info))


def _refusals(
    stored: TodoState | None, expected_version: int | None, info: Info
) -> list[UserError]:
    if stored is None:
        return [not_found("id")]
    if expected_version is None or expected_version == stored.version:
        return []
    message = f"It has version {stored.version} now: load it and try again."
    conflict = ConflictError(
        code=ErrorCode.CONFLICT,
        message=message,
        path=["expectedVersion"],
        current=shown(stored, info),
    )
    return [conflict]


def read_draft(sent: TodoCreateInput, *path: str) -> tuple[Draft, list[UserError]]:
    """The id and values of a todo to be made, and what is wrong with them."""
    edit, problems = read_create(sent, *path)
    sent_id = given(sent.id)
    todo_id = uuid7() if sent_id is None else parse_id(sent_id)
    if todo_id is None:
        return (uuid7(), edit), [_unusable_id(*path), *problems]
    return (todo_id, edit), problems


def _unusable_id(*path: str) -> UserError:
    return invalid(ErrorCode.INVALID, "The id must be a UUID that nothing else has.", *path, "id")


def drafted(draft: Draft, viewer: Viewer, now: datetime) -> TodoState:
    """The new todo of a draft."""
    todo_id, edit = draft
    return TodoState.made(todo_id, viewer.id, edit, now)


async def taken(
    write: OwnerWrite, ids: Sequence[UUID], paths: Sequence[Sequence[str]], info: Info
) -> list[tuple[TodoState | None, UserError]]:
    """For each id that can't be used again, the viewer's todo that has it, and the error.

    A todo that was purged had its id for good. Somebody else's is never told from no id at all.
    """
    stored = await write.load(ids, trash=True) if ids else {}
    gone = [id for id in ids if id not in stored]
    known = await write.known(gone) if gone else frozenset()
    return [
        (
            stored.get(id),
            _exists(stored.get(id), path, info)
            if id in stored or id in known
            else _unusable_id(*path),
        )
        for id, path in zip(ids, paths, strict=True)
    ]


def _exists(todo: TodoState | None, path: Sequence[str], info: Info) -> UserError:
    return ConflictError(
        code=ErrorCode.ALREADY_EXISTS,
        message="A todo with this id was created already."
        if todo
        else "A todo with this id was created already, and has been purged since.",
        path=[*path, "id"],
        current=shown(todo, info),
    )


@retried
async def create_todo(info: Info, sent: TodoCreateInput) -> TodoPayload:
    """Make a todo, or tell which one has its id."""
    viewer = info.context.signed_in()
    draft, problems = read_draft(sent, "input")
    if problems:
        return TodoPayload(errors=problems)
    todo = drafted(draft, viewer, info.context.now)
    # The log tells when a todo was completed, so that has to be known before it is written.
    quota = Quota.of(info.context.settings)
    made = None if todo.completed_at else await create_at_once(viewer, todo, quota)
    if made is None:
        async with owner_write(viewer) as write:
            todo = drafted(draft, viewer, write.now)
            refusal = write.storage.refusal(Entry(None, todo), quota)
            if refusal or not await write.create([todo]):
                [(stored, error)] = await taken(write, [todo.id], [["input"]], info)
                if refusal and stored is None and not isinstance(error, ConflictError):
                    return TodoPayload(errors=[invalid(*refusal, "input")])
                return TodoPayload(todo=shown(stored, info), errors=[error])
            made = Made(todo, write.made_tags[todo.id])
    info.context.forget_loaded()
    return TodoPayload(todo=shown(made.todo, info, made.tags))
