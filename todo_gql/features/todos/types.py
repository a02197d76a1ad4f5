"""Todos, lists and changes as the schema shows them: together, since they refer to each other."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import strawberry

from todo_gql.api.connections import Connection, Page, PageArguments, PageInfo, ParentPage
from todo_gql.api.cost_weights import COST_WEIGHT, COUNTS_ALL, FEW_ROWS, MAX_BYTES
from todo_gql.api.durations import Duration
from todo_gql.api.errors import SeenNoMore
from todo_gql.api.list_roles import ROLES, ListRole
from todo_gql.api.node import Node
from todo_gql.api.page_arguments import After, Before, First, FirstOrDefault, Last
from todo_gql.api.scalars import diff_entries
from todo_gql.api.time_zones import TimeZoneName
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.changelog.cursors import cursor_of, history_keyset, others_log_keyset
from todo_gql.database.connection import Row, Values
from todo_gql.database.models import ChangeKind
from todo_gql.execution import (
    ConvertedColumn,
    RowType,
    Source,
    loaded_field,
    loaded_rows,
    loaded_value,
)
from todo_gql.features.accounts.loaders import users_by_id
from todo_gql.features.accounts.types import User, present_user, user_or_none
from todo_gql.features.files.loaders import attachments_by_comment_id, attachments_by_todo_id
from todo_gql.features.files.types import ATTACHMENTS, Attachment
from todo_gql.features.members.enums import LEVELS, ListNotifyLevel
from todo_gql.features.members.loaders import (
    INVITATIONS_BY_TIME,
    MEMBERS_BY_TIME,
    ListKey,
    invitations_by_list,
    members_by_list,
    notify_levels_by_list,
    roles_by_list,
    sharing_by_list,
)
from todo_gql.features.members.types import InvitationConnection, ListMemberConnection
from todo_gql.features.stats.types import TodoStats, total_of
from todo_gql.features.todos.change_types import (
    ACTIONS,
    FEED_ACTIONS,
    ChangeAction,
    FeedAction,
    FieldChange,
    field_changes,
)
from todo_gql.features.todos.comments import (
    MAX_BODY,
    OLDEST_FIRST,
    authors_by_comment,
    comment_counts,
    comment_pages_by_todo,
    comments_by_id,
    mention_key,
    mentions_by_comment,
)
from todo_gql.features.todos.enums import ANCHORS, TodoAnchor
from todo_gql.features.todos.field_sources import declared_fields, sources
from todo_gql.features.todos.field_types import with_fields
from todo_gql.features.todos.fields import MAX_DESCRIPTION
from todo_gql.features.todos.filters import is_plain
from todo_gql.features.todos.history_pages import history_page
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.list_access import NOTHING, key_of
from todo_gql.features.todos.list_loaders import (
    ListCountsKey,
    ListPageKey,
    SameFilter,
    TodosRequest,
    counts_by_list,
    lists_by_id,
    sections_by_id,
    sections_by_list_id,
    todo_pages_by_list,
)
from todo_gql.features.todos.loaders import tags_by_todo_id, todos_by_id
from todo_gql.features.todos.log_pages import activity_by_list, log_page, others_history
from todo_gql.features.todos.occurrences import past_counts, past_page
from todo_gql.features.todos.recurrence_types import Occurrence, RecurrenceMode
from todo_gql.features.todos.redaction import IS_VISIBLE
from todo_gql.features.todos.reminders import reminders_by_todo_id
from todo_gql.features.todos.snoozes import snoozes_by_todo_id
from todo_gql.features.todos.sorting import BY_POSITION, todo_keyset
from todo_gql.features.todos.subtasks import subtask_counts, subtask_page
from todo_gql.features.todos.tag_types import TAGS_OF_TODO, Tag
from todo_gql.features.todos.todo_pages import Filter, Sort, page_columns, select_todos
from todo_gql.features.todos.upcoming import UPCOMING_PAGE, Upcoming
from todo_gql.operation.context import Context, Info, loader_of
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.reminder_times.moments import UNKNOWN


def _todo(row: Row | None, context: Context) -> "Todo | None":
    return Todo.from_row(row, context.now) if row else None


def _present_todo(row: Row | None, context: Context) -> "Todo":
    if row is None:
        raise SeenNoMore
    return Todo.from_row(row, context.now)


def _list(row: Row | None, _context: Context) -> "TodoList | None":
    return TodoList.from_row(row) if row else None


def _present_list(row: Row | None, _context: Context) -> "TodoList":
    if row is None:
        raise SeenNoMore
    return TodoList.from_row(row)


def _role(role: int | None, _context: Context) -> ListRole:
    # Who was removed since the list was read may at most have read it.
    return ROLES[role or 0]


@strawberry.interface(description="One number of the viewer's feed, whatever it is about.")
class FeedEntry:
    """What a row of changes of any kind has."""

    id: strawberry.ID = strawberry.field(description="A UUID in canonical text form.")
    cursor: str = strawberry.field(
        description="Position in the viewer's feed; pass it as `after` to go on from here."
    )
    at: datetime = strawberry.field(description="When it happened.")
    actor_key: strawberry.Private[UUID]

    actor: User | None = loaded_field(
        loader_of(users_by_id),
        by="actor_key",
        make=user_or_none,
        description="Who did it; null if the account is gone, or the viewer can't see it.",
    )


@strawberry.type(description="One committed change of one todo.")
class Change(Node, FeedEntry):
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
    list_key: strawberry.Private[UUID]
    is_visible: strawberry.Private[bool] = True

    todo: "Todo | None" = loaded_field(
        loader_of(todos_by_id),
        by="todo_key",
        make=_todo,
        description="The todo as it is now; null once it is purged, or the viewer can't see it any more.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    actor: User | None = loaded_field(
        loader_of(users_by_id),
        by="actor_key",
        make=user_or_none,
        description="Who made the change; null if the account is gone.",
    )

    list: "TodoList | None" = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_list,
        description="The list that the todo was in after the change, as it is now; null for the inbox, "
        "and once the list is purged.",
        metadata=scoped(TokenScope.TODOS_READ),
    )

    @property
    def share_key(self) -> Hashable:
        """Equal for events with the same response: subscriptions share it."""
        return "changes", self.id, self.matches, self.is_visible

    @classmethod
    def from_row(cls, row: Values, *, matches: bool = True) -> "Change":
        """The change in a row, whose todo a subscription's filter matches or doesn't."""
        change = CHANGES.object(row)
        change.matches = matches
        return change

    @classmethod
    def of_others(cls, row: Mapping[str, Any]) -> "Change":
        """The change in a row of another owner's log, whose diff is redacted."""
        cursor = others_log_keyset(row["owner_id"]).cursor(row)
        return REDACTED_CHANGES.object({**row, "cursor": cursor})

    @classmethod
    def from_redacted(cls, row: Values, *, matches: bool = True) -> "Change":
        """The change in a redacted row, as `from_row`."""
        change = REDACTED_CHANGES.object(row)
        change.matches, change.is_visible = matches, row[IS_VISIBLE]
        return change


def _changes(cursor: Source) -> RowType[Change]:
    """Changes in rows with this source of their cursors."""
    return RowType(
        Change,
        id=ConvertedColumn("id", str),
        cursor=cursor,
        action=ConvertedColumn("action", ACTIONS.__getitem__),
        todo_id=ConvertedColumn("todo_id", str),
        fields=ConvertedColumn("diff", field_changes),
        at="at",
        matches=lambda _row: True,
        todo_key="todo_id",
        actor_key="actor_id",
        list_key=ConvertedColumn("list_id", key_of),
    )


CHANGES = _changes(lambda row: cursor_of(row["owner_id"], row["seq"], row["id"]))
REDACTED_CHANGES = _changes("cursor")
"""Changes in rows of `redaction.py`."""


@strawberry.type(name="ChangeConnection", description="A page of changes.")
class ChangeConnection(Connection[Change]):
    """Changes in the order of the feed, or of a history."""

    @classmethod
    async def of(cls, page: Page) -> "ChangeConnection":
        """The changes in a page of rows."""
        rows = await parse_json_column(page.rows, "diff", diff_entries)
        return cls(page=page, nodes=CHANGES.objects(rows))

    @classmethod
    def of_redacted(cls, page: Page) -> "ChangeConnection":
        """The changes in a page of redacted rows."""
        return cls(page=page, nodes=REDACTED_CHANGES.objects(page.rows))


@strawberry.type(description="A change of a list, or of its sections.")
class ListChange(FeedEntry):
    """A row of changes of a list or a section."""

    action: FeedAction = strawberry.field(
        description="What happened to the list; UPDATED for whatever happened to a section."
    )
    list_id: strawberry.ID = strawberry.field(description="The id of the list.")
    list_key: strawberry.Private[UUID]
    is_visible: strawberry.Private[bool]

    list: "TodoList | None" = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_list,
        description="The list as it is now; null once it is purged, or the viewer can't see it any more.",
        metadata=scoped(TokenScope.TODOS_READ),
    )

    @property
    def share_key(self) -> Hashable:
        """As that of a change."""
        return "list", self.id, self.is_visible


@strawberry.type(
    description="Somebody joined or left a list, or has another role in it. After the viewer's own JOINED "
    "load the list: whatever happens to it later is told. After their own LEFT drop it."
)
class MemberChange(FeedEntry):
    """A row of changes of a member."""

    action: FeedAction = strawberry.field(description="What happened.")
    list_id: strawberry.ID = strawberry.field(description="The id of the list.")
    role: ListRole | None = strawberry.field(
        description="What they may do since then; null once they have left, or the viewer can't see the "
        "list any more."
    )
    list_key: strawberry.Private[UUID]
    user_key: strawberry.Private[UUID]
    is_visible: strawberry.Private[bool]

    list: "TodoList | None" = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_list,
        description="The list as it is now; null once it is purged, or the viewer can't see it any more.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    user: User | None = loaded_field(
        loader_of(users_by_id),
        by="user_key",
        make=user_or_none,
        description="Who joined or left; null if the account is gone, or the viewer can't see it.",
    )

    @property
    def share_key(self) -> Hashable:
        """As that of a change."""
        return "member", self.id, self.is_visible


@strawberry.type(description="A change of a comment on a todo.")
class CommentChange(FeedEntry):
    """A row of changes of a comment."""

    action: FeedAction = strawberry.field(description="What happened.")
    todo_id: strawberry.ID = strawberry.field(description="The id of the todo.")
    comment_id: strawberry.ID = strawberry.field(description="The id of the comment.")
    comment_key: strawberry.Private[UUID]
    is_visible: strawberry.Private[bool]

    comment: "Comment | None" = loaded_field(
        loader_of(comments_by_id),
        by="comment_key",
        make=lambda row, _context: Comment.from_row(row) if row else None,
        description="The comment as it is now; null in the trash, or if the viewer can't see it any more.",
        metadata=scoped(TokenScope.TODOS_READ),
    )

    @property
    def share_key(self) -> Hashable:
        """As that of a change."""
        return "comment", self.id, self.is_visible


def _of_entry(row: Values) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "cursor": row["cursor"],
        "at": row["at"],
        "actor_key": row["actor_id"],
        "is_visible": row[IS_VISIBLE],
    }


def _list_change(row: Values) -> ListChange:
    is_of_list = row["kind"] == ChangeKind.LIST
    return ListChange(
        action=FEED_ACTIONS[row["action"]] if is_of_list else FeedAction.UPDATED,
        list_id=strawberry.ID(str(row["list_id"])),
        list_key=row["list_id"],
        **_of_entry(row),
    )


def _member_change(row: Values) -> MemberChange:
    roles = (entry["after"] for entry in row["diff"] if entry["name"] == "role")
    role = next(roles, None) if row[IS_VISIBLE] else None
    is_shown = row[IS_VISIBLE] or row["entity_id"] == row["owner_id"]
    return MemberChange(
        action=FEED_ACTIONS[row["action"]],
        list_id=strawberry.ID(str(row["list_id"])),
        role=ListRole[role] if role else None,
        list_key=row["list_id"],
        user_key=row["entity_id"] if is_shown else NOTHING,
        **_of_entry(row),
    )


def _comment_change(row: Values) -> CommentChange:
    return CommentChange(
        action=FEED_ACTIONS[row["action"]],
        todo_id=strawberry.ID(str(row["todo_id"])),
        comment_id=strawberry.ID(str(row["entity_id"])),
        comment_key=row["entity_id"],
        **_of_entry(row),
    )


ENTRIES: dict[int, Callable[[Values], Change | ListChange | MemberChange | CommentChange]] = {
    ChangeKind.TODO: Change.from_redacted,
    ChangeKind.LIST: _list_change,
    ChangeKind.SECTION: _list_change,
    ChangeKind.MEMBER: _member_change,
    ChangeKind.COMMENT: _comment_change,
}
"""What makes an entry of a feed from a redacted change, by its kind; all other kinds are read over."""


@strawberry.type(description="An entry of a feed, and its place there.")
class FeedEdge:
    """As an edge of all other connections, with a name that they can't have."""

    cursor: str = strawberry.field(description="Pass it as `after` to go on from here.")
    node: FeedEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a feed, or of the activity of a list.")
class FeedConnection:
    """Entries of a feed; `span` is a page from the first to the last position that was read for it."""

    span: strawberry.Private[Page]
    nodes: Sequence[FeedEntry] = strawberry.field(description="The entries of this page.")

    @classmethod
    def of(cls, span: Page, rows: Sequence[Values]) -> "FeedConnection":
        """The entries in redacted rows."""
        return cls(span=span, nodes=[ENTRIES[row["kind"]](row) for row in rows])

    @strawberry.field(description="The entries of this page with their cursors.")
    def edges(self) -> list[FeedEdge]:
        return [FeedEdge(cursor=node.cursor, node=node) for node in self.nodes]

    @strawberry.field(
        description="Where this page stands in the feed. `endCursor` is the last position that was read: "
        "with `listId` it may lie behind the last entry, and the page may be short though more follow."
    )
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.span)


@strawberry.type(
    description="A reminder of a todo, of one person's own; it fires once for a moment."
)
class Reminder(Node):
    """A row of reminders."""

    at: datetime | None = strawberry.field(
        description="The moment at which it fires; null if it is relative."
    )
    anchor: TodoAnchor | None = strawberry.field(
        description="What it is relative to; null if it fires at a moment of its own."
    )
    offset: Duration | None = strawberry.field(
        description="How long after the anchor it fires, or before it if negative; null if it fires at a "
        "moment of its own."
    )
    fires_at: datetime | None = strawberry.field(
        description="When it fires next, unless the todo is done or in the trash by then; null if its "
        "moment has passed, or the todo has no such date."
    )
    fired_at: datetime | None = strawberry.field(
        description="The moment for which it fired last; null if it never did."
    )
    todo_key: strawberry.Private[UUID]

    todo: "Todo" = loaded_field(
        loader_of(todos_by_id),
        by="todo_key",
        make=_present_todo,
        description="What it reminds of.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )

    @classmethod
    def from_row(cls, row: Values) -> "Reminder":
        """The reminder in a row."""
        return REMINDERS.lazy(row)


REMINDERS = RowType(
    Reminder,
    id=ConvertedColumn("id", str),
    at="at",
    anchor=ConvertedColumn("anchor", ANCHORS.get),
    offset="relative_offset",
    fires_at=ConvertedColumn("fires_at", lambda moment: None if moment == UNKNOWN else moment),
    fired_at="fired_at",
    todo_key="todo_id",
)


def _people(rows: Sequence[Row] | None, context: Context) -> Sequence[User]:
    return [User.from_row(row, context.signed_in()) for row in rows or ()]


@strawberry.type(
    description="A comment on a todo, which all who see the todo see. A deleted one stays where it was, "
    "without its words."
)
class Comment(Node):
    """A row of comments."""

    body: str = strawberry.field(
        description="Markdown, as it was sent; `@[name](user:UUID)` outside code mentions a member of the "
        "list. Empty once it is deleted.",
        metadata={MAX_BYTES: 4 * MAX_BODY},
    )
    version: int = strawberry.field(
        description="Raised by one with every change; pass it as `expectedVersion` to detect a lost "
        "update."
    )
    created_at: datetime = strawberry.field(description="When it was written.")
    edited_at: datetime | None = strawberry.field(
        description="When its author last changed it; null if they never did."
    )
    deleted_at: datetime | None = strawberry.field(
        description="When it was deleted; null if it wasn't."
    )
    todo_key: strawberry.Private[UUID]
    key: strawberry.Private[UUID]
    mention_key: strawberry.Private[UUID | None]

    todo: "Todo" = loaded_field(
        loader_of(todos_by_id),
        by="todo_key",
        make=_present_todo,
        description="What it is on.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    author: User | None = loaded_field(
        loader_of(authors_by_comment),
        by="key",
        make=user_or_none,
        description="Who wrote it, also after leaving the list; null if the account is gone.",
    )
    mentions: Sequence[User] = loaded_field(
        loader_of(mentions_by_comment),
        by="mention_key",
        make=_people,
        description="The members of the list whom it mentions, each once, 20 at most.",
    )
    attachments: Sequence[Attachment] = loaded_rows(
        loader_of(attachments_by_comment_id),
        by="key",
        row_type=ATTACHMENTS,
        description="Its files, at most 10, in the order in which they were announced.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )

    @classmethod
    def from_row(cls, row: Values) -> "Comment":
        """The comment in a row."""
        return COMMENTS.lazy(row)


COMMENTS = RowType(
    Comment,
    id=ConvertedColumn("id", str),
    body="body",
    version="version",
    created_at="created_at",
    edited_at="edited_at",
    deleted_at="deleted_at",
    todo_key="todo_id",
    key="id",
    mention_key=mention_key,
)


@strawberry.type(name="CommentConnection", description="A page of comments.")
class CommentConnection(Connection[Comment]):
    """Comments of one todo, oldest first."""

    count: strawberry.Private[Any]

    def _count(self, info: Info) -> Any:
        return self.count(info.context)

    total_count: int = strawberry.field(
        resolver=_count,
        graphql_type=int,
        description="All comments on the todo, deleted ones included, whatever the page.",
    )


def _comment_count(todo_id: UUID, context: Context) -> Any:
    return context.loader(comment_counts).load(todo_id)


@strawberry.type(description="Something to do.")
@with_fields(declared_fields(), before="key")
class Todo(Node):
    """A row of todos: all fields of `fields.py` that have a description, and these."""

    key: strawberry.Private[UUID]
    owner_key: strawberry.Private[UUID]
    parent_key: strawberry.Private[UUID | None]
    list_key: strawberry.Private[UUID]
    section_key: strawberry.Private[UUID]
    assignee_key: strawberry.Private[UUID | None]

    tags: Sequence[Tag] = loaded_rows(
        loader_of(tags_by_todo_id),
        by="key",
        row_type=TAGS_OF_TODO,
        prefetched_column="tag_rows",
        description="Its tags in alphabetical order.",
    )
    owner: User = loaded_field(
        loader_of(users_by_id), by="owner_key", make=present_user, description="Whose it is."
    )
    list: "TodoList | None" = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_list,
        description="The list that it is in, which may be in the trash with it; null for the inbox.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    section: "Section | None" = loaded_field(
        loader_of(sections_by_id),
        by="section_key",
        make=lambda row, _context: Section.from_row(row) if row else None,
        description="The section of the list that it is in; null if in none.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    parent: "Todo | None" = loaded_field(
        loader_of(todos_by_id),
        by="parent_key",
        make=_todo,
        description="The todo that it is a subtask of; null at the top.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )

    assignee: User | None = loaded_field(
        loader_of(users_by_id),
        by="assignee_key",
        make=user_or_none,
        description="Who is to do it; null for nobody.",
    )
    reminders: Sequence[Reminder] = loaded_rows(
        loader_of(reminders_by_todo_id),
        by="key",
        row_type=REMINDERS,
        description="The viewer's own reminders of it, at most 10, in the order in which they were added.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    attachments: Sequence[Attachment] = loaded_rows(
        loader_of(attachments_by_todo_id),
        by="key",
        row_type=ATTACHMENTS,
        description="Its files and those of its comments, at most 20, in the order in which they were "
        "announced.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    snoozed_until: datetime | None = loaded_value(
        loader_of(snoozes_by_todo_id),
        by="key",
        description="Until when the viewer has put it off, for themselves alone; null once that is over.",
    )
    recurrence: "Recurrence | None" = strawberry.field(
        description="How it repeats; null if it doesn't."
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
        description="The changes made to it, newest first, as far back as the log is kept; of a todo of "
        "somebody else's since it last came into its list.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def history(
        self,
        info: Info,
        first: FirstOrDefault = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> ChangeConnection:
        context, arguments = info.context, PageArguments.of(first, after)
        if self.owner_key != context.signed_in().id:
            page = await log_page(context, others_history, self.owner_key, self.key, arguments)
            return ChangeConnection.of_redacted(page)
        keyset = history_keyset(self.owner_key)
        return await ChangeConnection.of(await history_page(context, self.key, keyset, arguments))

    @strawberry.field(
        description="Its subtasks outside the trash, by their positions; 50 if no size is given.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
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

    @strawberry.field(
        description="The comments on it, oldest first; 50 if no size is given.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def comments(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> CommentConnection:
        arguments = PageArguments.of(first, after, last, before)
        key = ParentPage.of(self.key, arguments, OLDEST_FIRST)
        page = await info.context.loader(comment_pages_by_todo).load(key)
        count = partial(_comment_count, self.key)
        return CommentConnection(page=page, nodes=COMMENTS.objects(page.rows), count=count)


def _subtask_count(parent_id: UUID, context: Context) -> Any:
    return context.loader(subtask_counts).load(parent_id)


@strawberry.type(
    description="How a todo repeats. Completing it moves it to the next occurrence, and leaves a completed "
    "copy of this one."
)
class Recurrence:
    """The recurrence of one todo."""

    rule: str = strawberry.field(
        description="An RRULE of RFC 5545 as it is stored: from the 29th to the 31st, monthly ends with "
        "the month where that is shorter, and UNTIL is in UTC if there is a time of day."
    )
    mode: RecurrenceMode = strawberry.field(description="What the next due date is counted from.")
    time_zone: TimeZoneName = strawberry.field(description="The zone of its days and times.")
    anchor: date = strawberry.field(
        description="The first due date, from which intervals and COUNT count."
    )
    done: int = strawberry.field(description="How many occurrences were completed.")
    catches_up: bool = strawberry.field(description="Whether what was missed comes one by one.")
    todo_key: strawberry.Private[UUID]
    upcoming: strawberry.Private[Upcoming]

    @classmethod
    def from_row(cls, row: Values, now: datetime) -> "Recurrence | None":
        """The recurrence in a row of todos."""
        if row["recurrence"] is None:
            return None
        upcoming = Upcoming.from_row(row, now)
        return cls(todo_key=row["id"], upcoming=upcoming, **upcoming.values)

    @strawberry.field(
        description="When it will be due after this, if each occurrence is completed on its day, or today "
        "if that has passed: 1 to 100, 5 if absent. None after the last one.",
        metadata={"default_page": UPCOMING_PAGE},
    )
    async def next(self, first: First = strawberry.UNSET) -> Sequence[Occurrence]:
        size = PageArguments.of(first, None).size(UPCOMING_PAGE)
        return await self.upcoming.occurrences(size)

    @strawberry.field(
        description="The copies of its completed occurrences outside the trash, the last one first.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def past(
        self,
        info: Info,
        first: FirstOrDefault = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> "TodoConnection":
        select_todos(info)
        page = await past_page(info.context, self.todo_key, PageArguments.of(first, after))
        count = partial(_past_count, self.todo_key)
        return TodoConnection.of(page, info.context.now, count)


def _past_count(series_id: UUID, context: Context) -> Any:
    return context.loader(past_counts).load(series_id)


TODOS = RowType(
    Todo,
    id=ConvertedColumn("id", str),
    **sources(),
    key="id",
    owner_key="owner_id",
    parent_key="parent_id",
    list_key=ConvertedColumn("list_id", key_of),
    section_key=ConvertedColumn("section_id", key_of),
    assignee_key="assignee_id",
    recurrence=Recurrence.from_row,
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


@strawberry.type(description="A part of a list, with a name.")
class Section(Node):
    """A row of sections."""

    name: str = strawberry.field(description="Trimmed, 1 to 120 characters.")
    position: str = strawberry.field(
        description="Sorts the sections of a list as text, in the order of code points."
    )
    version: int = strawberry.field(description="Counts its changes, from 1.")
    list_key: strawberry.Private[UUID]

    list: "TodoList" = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_present_list,
        description="The list that it is a part of.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )

    @classmethod
    def from_row(cls, row: Values) -> "Section":
        """The section in a row."""
        return SECTIONS.lazy(row)


SECTIONS = RowType(
    Section,
    id=ConvertedColumn("id", str),
    name="name",
    position="position",
    version="version",
    list_key="list_id",
)


@strawberry.type(description="A named list of todos; todos in none are in the inbox.")
class TodoList(Node):
    """A row of lists."""

    name: str = strawberry.field(description="Trimmed, 1 to 120 characters.")
    description: str | None = strawberry.field(
        description="What it is for: up to 5,000 characters.",
        metadata={MAX_BYTES: 4 * MAX_DESCRIPTION},
    )
    color: str | None = strawberry.field(description="As #rrggbb in lower case.")
    position: str = strawberry.field(
        description="Sorts lists as text, in the order of code points."
    )
    version: int = strawberry.field(
        description="Counts the changes of the list itself, from 1; pass it as expectedVersion."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When the list itself last changed.")
    archived_at: datetime | None = strawberry.field(
        description="Set while it is archived: left out of `lists` unless asked for, while its todos are "
        "listed, found and changed like all others."
    )
    deleted_at: datetime | None = strawberry.field(
        description="Set while it is in the trash, with the todos that were in it."
    )
    key: strawberry.Private[UUID]
    owner_key: strawberry.Private[UUID]
    member_key: strawberry.Private[ListKey]
    counts: strawberry.Private[Row]

    viewer_role: ListRole = loaded_field(
        loader_of(roles_by_list),
        by="member_key",
        make=_role,
        description="What the viewer may do in it.",
    )
    is_shared: bool = loaded_value(
        loader_of(sharing_by_list),
        by="key",
        description="Whether others than its owner are in it.",
    )
    notify: ListNotifyLevel = loaded_field(
        loader_of(notify_levels_by_list),
        by="key",
        make=lambda level, _context: LEVELS[level or 0],
        description="Which of its events the viewer is notified of: a setting of their own.",
    )

    owner: User = loaded_field(
        loader_of(users_by_id), by="owner_key", make=present_user, description="Whose it is."
    )
    sections: Sequence[Section] = loaded_rows(
        loader_of(sections_by_list_id),
        by="key",
        row_type=SECTIONS,
        description="Its sections in their order.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )

    @classmethod
    def from_row(cls, row: Values) -> "TodoList":
        """The list in a row."""
        return LISTS.lazy(row)

    def _has_count_of(self, todo_filter: TodoFilter | None) -> bool:
        """Whether the row has the counts: of all todos, and once the worker has counted.

        Until then the release before this one has changed todos without counting them.
        """
        return bool(is_plain(todo_filter) and self.counts["is_counted"])

    @strawberry.field(
        description="How many of its todos there are of each kind.",
        metadata={COUNTS_ALL: True} | scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def stats(self, info: Info, filter: Filter = strawberry.UNSET) -> TodoStats:
        todo_filter = unset_to_none(filter)
        if self._has_count_of(todo_filter):
            return TodoStats.from_counts(self.counts)
        key = ListCountsKey(self.key, SameFilter(todo_filter))
        return TodoStats.from_counted(
            await info.context.loader(counts_by_list).load(key), info.context.now
        )

    @strawberry.field(
        description="Who is in it, its owner first, then in the order in which they joined. `first`: 1 to "
        "100, 50 if absent.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def members(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> ListMemberConnection:
        key = ParentPage.of(self.key, PageArguments.of(first, after), MEMBERS_BY_TIME)
        page = await info.context.loader(members_by_list).load(key)
        return ListMemberConnection.of(page, self.key)

    @strawberry.field(
        description="The open invitations to it, newest first; none for who may not choose its members. "
        "`first`: 1 to 100, 50 if absent.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def invitations(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> InvitationConnection:
        key = ParentPage.of(self.key, PageArguments.of(first, after), INVITATIONS_BY_TIME)
        return InvitationConnection.of(await info.context.loader(invitations_by_list).load(key))

    @strawberry.field(
        description="What happened to it and in it, newest first, as far back as the log is kept: to the list, "
        "its sections and members, its todos and their comments. What happened to a todo stays with the list "
        "that it was in.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def activity(
        self,
        info: Info,
        first: FirstOrDefault = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> FeedConnection:
        arguments = PageArguments.of(first, after)
        page = await log_page(info.context, activity_by_list, self.owner_key, self.key, arguments)
        return FeedConnection.of(page, page.rows)

    @strawberry.field(
        description="Its todos, in their order unless sorted otherwise. `first` and `last`: 1 to 100, "
        "50 if neither is given.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def todos(
        self,
        info: Info,
        filter: Filter = strawberry.UNSET,
        sort: Sort = strawberry.UNSET,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> TodoConnection:
        todo_filter, keys = unset_to_none(filter), unset_to_none(sort)
        keyset = todo_keyset(keys) if keys else BY_POSITION
        arguments = PageArguments.of(first, after, last, before)
        arguments.check(keyset)
        request = TodosRequest(SameFilter(todo_filter), keyset, arguments, page_columns(info))
        page = await info.context.loader(todo_pages_by_list).load(ListPageKey(self.key, request))
        if self._has_count_of(todo_filter):
            return TodoConnection.of(page, info.context.now, lambda _: total_of(self.counts))
        return TodoConnection.of(
            page, info.context.now, partial(_count_of_list, ListCountsKey(self.key, request.filter))
        )


async def _count_of_list(key: ListCountsKey, context: Context) -> int:
    return total_of(await context.loader(counts_by_list).load(key))


LISTS = RowType(
    TodoList,
    id=ConvertedColumn("id", str),
    name="name",
    description="description",
    color="color",
    position="position",
    version="version",
    created_at="created_at",
    updated_at="updated_at",
    archived_at="archived_at",
    deleted_at="deleted_at",
    key="id",
    owner_key="owner_id",
    member_key=lambda row: ListKey(row["owner_id"], row["id"]),
    counts=lambda row: row,
)


@strawberry.type(name="TodoListConnection", description="A page of lists.")
class TodoListConnection(Connection[TodoList]):
    """A page of lists in the order of their positions."""

    count: strawberry.Private[Any]

    @strawberry.field(
        description="All lists that the arguments select, whatever the page.",
        metadata={COST_WEIGHT: FEW_ROWS},
    )
    async def total_count(self, info: Info) -> int:
        return int(await self.count(info.context))
