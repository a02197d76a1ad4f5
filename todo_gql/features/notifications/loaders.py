"""The batch functions that load what notifications are about, and who caused them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.scalars import json_fragment
from todo_gql.database.connection import Row, Values, fetch
from todo_gql.database.models import ChangeKind
from todo_gql.database.select import SelectQuery
from todo_gql.features.accounts.access import USER_COLUMNS, visible_users
from todo_gql.features.comments.mentions import excerpt_of
from todo_gql.features.members.access import INVITATION_COLUMNS, received_invitations
from todo_gql.features.todos.access import TODO_COLUMNS, visible_todos
from todo_gql.features.todos.comments import COMMENT_COLUMNS, undeleted_comments
from todo_gql.features.todos.list_access import (
    NOTHING,
    SECTION_COLUMNS,
    list_columns,
    visible_lists,
    visible_sections,
)
from todo_gql.observability.request_record import loader
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.loaders import LoaderContext
from todo_gql.security.access import Columns
from todo_gql.security.authentication import Viewer


class SubjectKey(NamedTuple):
    """What a notification is about; without a kind it is about nothing."""

    kind: int | None
    id: UUID


TITLES: Final = {ChangeKind.TODO: "title", ChangeKind.MEMBER: "list_name"}
"""The columns with the titles of what has no `name`; what of members notifications are about are invitations."""


class Subject(NamedTuple):
    """The row of what a notification is about."""

    kind: ChangeKind
    row: Values

    @property
    def title(self) -> str:
        """The title of a todo, the beginning of a comment, the list of an invitation, or else a name."""
        if self.kind is ChangeKind.COMMENT:
            return excerpt_of(self.row["body"])
        return str(self.row[TITLES.get(self.kind, "name")])


class Source(NamedTuple):
    """How rows of a kind are read: the access rule, the columns, and the id's column."""

    visible: Callable[[Viewer], SelectQuery]
    columns: Callable[[Viewer], Columns]
    id: str


SOURCES: Final[Mapping[ChangeKind, Source]] = {
    ChangeKind.TODO: Source(visible_todos, lambda _: TODO_COLUMNS, "t.id"),
    ChangeKind.LIST: Source(visible_lists, list_columns, "l.id"),
    ChangeKind.SECTION: Source(visible_sections, lambda _: SECTION_COLUMNS, "s.id"),
    ChangeKind.MEMBER: Source(received_invitations, lambda _: INVITATION_COLUMNS, "i.id"),
    ChangeKind.COMMENT: Source(undeleted_comments, lambda _: COMMENT_COLUMNS, "c.id"),
}


@loader
async def subjects_by_key(context: LoaderContext, keys: list[SubjectKey]) -> list[Subject | None]:
    """What notifications are about, as far as the viewer sees it now: nothing in the trash."""
    ids = defaultdict[int | None, list[UUID]](list)
    for key in keys:
        ids[key.kind].append(key.id)
    subjects: dict[SubjectKey, Subject] = {}
    for kind, source in SOURCES.items():
        if kind in ids:
            statement = source.visible(context.viewer).where_one_of(source.id, ids[kind])
            rows = await fetch(statement.select(source.columns(context.viewer)), *statement.values)
            for row in await parse_json_column(rows, "metadata", json_fragment):
                subjects[SubjectKey(kind, row["id"])] = Subject(kind, row)
    return [subjects.get(key) for key in keys]


@loader
async def actors_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """The accounts that the viewer sees; none for `NOTHING`."""
    present = [id for id in ids if id != NOTHING]
    if not present:
        return [None] * len(ids)
    statement = visible_users(context.viewer).where_one_of("u.id", present)
    rows = await fetch(statement.select(USER_COLUMNS), *statement.values)
    by_id = {row["id"]: row for row in rows}
    return [by_id.get(id) for id in ids]
