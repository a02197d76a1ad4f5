"""Todos and changes as the schema shows them: together, since they refer to each other."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import strawberry

from todo_gql.api.connections import Connection, Page, PageArguments
from todo_gql.api.cost_weights import MAX_BYTES
from todo_gql.api.node import Node
from todo_gql.api.page_arguments import After, Before, First, FirstOrDefault, Last
from todo_gql.api.scalars import diff_entries, metadata_fragment
from todo_gql.changelog.cursors import cursor_of, history_keyset
from todo_gql.database.connection import Row, Values
from todo_gql.execution import (
    ColumnLoader,
    ConvertedColumn,
    RowType,
    Source,
    loaded_field,
    loaded_rows,
)
from todo_gql.features.accounts.loaders import users_by_id
from todo_gql.features.accounts.types import User
from todo_gql.features.todos.change_types import ACTIONS, ChangeAction, FieldChange, field_changes
from todo_gql.features.todos.field_types import ComputedField, StoredField, with_fields
from todo_gql.features.todos.fields import TODO_FIELDS
from todo_gql.features.todos.history_pages import history_page
from todo_gql.features.todos.loaders import TagOfTodo, tags_by_todo_id, todos_by_id
from todo_gql.features.todos.subtasks import subtask_counts, subtask_page
from todo_gql.features.todos.tag_types import TAGS_OF_TODO, Tag
from todo_gql.features.todos.todo_pages import select_todos
from todo_gql.operation.context import Context, Info
from todo_gql.operation.json_columns import parse_json_column


def _todo_by_id(context: Context) -> ColumnLoader[UUID | None, Row | None]:
    return context.loader(todos_by_id)


def _user_by_id(context: Context) -> ColumnLoader[UUID, Row | None]:
    return context.loader(users_by_id)


def _tags_by_todo_id(context: Context) -> ColumnLoader[UUID, Sequence[TagOfTodo]]:
    return context.loader(tags_by_todo_id)


@strawberry.type(description="One committed change of one todo.")
class Change(Node):
    """A row of changes."""

    cursor: str = strawberry.field(
        description="Position in the owner's feed; pass it as `after` to go on from here."
    )
    action: ChangeAction = strawberry.field(description="What the change did.")
    todo_id: strawberry.ID = strawberry.field(description="The id of the todo that changed.")
    fields: list[FieldChange] = strawberry.field(
        description="The fields that changed, sorted by name."
    )
    at: datetime = strawberry.field(description="When the change was made.")
    matches: bool = strawberry.field(
        description="In a subscription with a filter, whether it matches the todo as it is now: "
        "show the todo if so, or else take it from the list. Everywhere else true."
    )
    todo_key: strawberry.Private[UUID]
    actor_key: strawberry.Private[UUID]

    todo: "Todo | None" = loaded_field(
        _todo_by_id,
        by="todo_key",
        make=lambda row, context: Todo.from_row(row, context.now) if row else None,
        description="The todo as it is now; null once it is purged.",
    )
    actor: User | None = loaded_field(
        _user_by_id,
        by="actor_key",
        make=lambda row, context: User.from_row(row, context.signed_in()) if row else None,
        description="Who made the change; null if the account is gone.",
    )

    @property
    def share_key(self) -> Hashable:
        """Equal for events with the same response: subscriptions share it."""
        return "changes", self.id, self.matches

    @classmethod
    def from_row(cls, row: Values, *, matches: bool = True) -> "Change":
        """The change in a row, whose todo a subscription's filter matches or doesn't."""
        change = CHANGES.object(row)
        change.matches = matches
        return change


CHANGES = RowType(
    Change,
    id=ConvertedColumn("id", str),
    cursor=lambda row: cursor_of(row["owner_id"], row["seq"], row["id"]),
    action=ConvertedColumn("action", ACTIONS.__getitem__),
    todo_id=ConvertedColumn("todo_id", str),
    fields=ConvertedColumn("diff", field_changes),
    at="at",
    matches=lambda _row: True,
    todo_key="todo_id",
    actor_key="actor_id",
)


@strawberry.type(name="ChangeConnection", description="A page of changes.")
class ChangeConnection(Connection[Change]):
    """Changes in the order of the feed, or of a history."""

    @classmethod
    async def of(cls, page: Page) -> "ChangeConnection":
        """The changes in a page of rows."""
        rows = await parse_json_column(page.rows, "diff", diff_entries)
        return cls(page=page, nodes=CHANGES.objects(rows))


def _owner(row: Row | None, context: Context) -> User:
    assert row is not None
    return User.from_row(row, context.signed_in())


def _todo_fields() -> Sequence[tuple[str, Any, Any]]:
    """The fields of Todo that the table declares."""
    return [
        (
            field.name,
            field.graphql_type,
            strawberry.field(description=field.description, metadata=_metadata(field)),
        )
        for field in TODO_FIELDS
        if field.description
    ]


def _metadata(field: StoredField | ComputedField) -> dict[str, int] | None:
    max_bytes = field.max_bytes if isinstance(field, StoredField) else None
    return {MAX_BYTES: max_bytes} if max_bytes else None


@strawberry.type(description="Something to do.")
@with_fields(_todo_fields(), before="key")
class Todo(Node):
    """A row of todos: all fields of `fields.py` that have a description, and these."""

    key: strawberry.Private[UUID]
    owner_key: strawberry.Private[UUID]
    parent_key: strawberry.Private[UUID | None]

    tags: Sequence[Tag] = loaded_rows(
        _tags_by_todo_id,
        by="key",
        row_type=TAGS_OF_TODO,
        prefetched_column="tag_rows",
        description="Its tags in alphabetical order.",
    )
    owner: User = loaded_field(_user_by_id, by="owner_key", make=_owner, description="Whose it is.")
    parent: "Todo | None" = loaded_field(
        _todo_by_id,
        by="parent_key",
        make=lambda row, context: Todo.from_row(row, context.now) if row else None,
        description="The todo that it is a subtask of; null at the top.",
    )

    @classmethod
    def from_row(cls, row: Values, now: datetime) -> "Todo":
        """The todo in a row, overdue or not at the moment `now`."""
        return TODOS.lazy(row, now)

    @classmethod
    def from_rows(cls, rows: Sequence[Values], now: datetime) -> Sequence["Todo"]:
        """The todos in rows, overdue or not at the moment `now`."""
        return TODOS.objects(rows, now)

    @strawberry.field(
        description="The changes made to it, newest first, as far back as the log is kept."
    )
    async def history(
        self,
        info: Info,
        first: FirstOrDefault = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> ChangeConnection:
        arguments = PageArguments.of(first, after)
        keyset = history_keyset(self.owner_key)
        page = await history_page(info.context, self.key, keyset, arguments)
        return await ChangeConnection.of(page)

    @strawberry.field(
        description="Its subtasks outside the trash, by their positions; 50 if no size is given."
    )
    async def subtasks(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> "TodoConnection":
        context, arguments = info.context, PageArguments.of(first, after, last, before)
        select_todos(info)
        page = await subtask_page(context, self.key, arguments)
        count = partial(_subtask_count, self.key)
        return TodoConnection.of(page, context.now, count)


def _subtask_count(parent_id: UUID, context: Context) -> Any:
    return context.loader(subtask_counts).load(parent_id)


CONVERSIONS: dict[Any, Callable[[Any], Any]] = {
    strawberry.ID: str,
    strawberry.scalars.JSON: metadata_fragment,
}


def _source(field: StoredField | ComputedField) -> Source:
    """How Todo reads a field from a row."""
    if isinstance(field, ComputedField):
        return field.source
    convert = CONVERSIONS.get(field.value_type)
    if field.enum:
        convert = {member.value: member for member in field.enum}.__getitem__
    return ConvertedColumn(field.name, field.nullable(convert)) if convert else field.name


TODOS = RowType(
    Todo,
    id=ConvertedColumn("id", str),
    **{field.name: _source(field) for field in TODO_FIELDS if field.description},
    key="id",
    owner_key="owner_id",
    parent_key="parent_id",
)


@strawberry.type(name="TodoConnection", description="A page of todos.")
class TodoConnection(Connection[Todo]):
    """A page of todos in the order of `sort`."""

    count: strawberry.Private[Any]

    @classmethod
    def of(cls, page: Page, now: datetime, count: Callable[[Context], Any]) -> "TodoConnection":
        """The todos in a page of rows at the moment `now`; `count` counts all that match."""
        return cls(page=page, nodes=Todo.from_rows(page.rows, now), count=count)

    def _count(self, info: Info) -> Any:
        return self.count(info.context)

    total_count: int = strawberry.field(
        resolver=_count,
        graphql_type=int,
        description="All todos that the filter matches, whatever the page.",
    )
