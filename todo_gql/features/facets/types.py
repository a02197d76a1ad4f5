"""Counts of todos by their values, as the schema shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import PageArguments
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Row, Values
from todo_gql.execution import loaded_field
from todo_gql.features.accounts.loaders import users_by_id
from todo_gql.features.accounts.types import User, user_or_none
from todo_gql.features.todos.enums import DayGroup, TodoPriority, TodoStatus
from todo_gql.features.todos.list_access import key_of
from todo_gql.features.todos.list_loaders import lists_by_id
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.types import TodoList
from todo_gql.operation.context import Context, loader_of

FACETS_PAGE: Final = 20

First = Annotated[int | None, strawberry.argument(description="How many: 1 to 100, 20 if absent.")]


@strawberry.type(description="How many todos have a status.")
class StatusFacet:
    """A status and a count."""

    status: TodoStatus = strawberry.field(description="The status.")
    count: int = strawberry.field(description="The todos that have it.")


@strawberry.type(description="How many todos have a priority.")
class PriorityFacet:
    """A priority and a count."""

    priority: TodoPriority = strawberry.field(description="The priority.")
    count: int = strawberry.field(description="The todos that have it.")


@strawberry.type(description="How many todos carry a tag.")
class TagFacet:
    """A tag and a count."""

    tag: Tag = strawberry.field(description="The tag.")
    count: int = strawberry.field(description="The todos that carry it.")


def _list(row: Row | None, _context: Context) -> TodoList | None:
    return TodoList.from_row(row) if row else None


@strawberry.type(description="How many todos are in a list.")
class ListFacet:
    """A list or the inbox, and a count."""

    count: int = strawberry.field(description="The todos that are in it.")
    list_key: strawberry.Private[UUID]

    list: TodoList | None = loaded_field(
        loader_of(lists_by_id),
        by="list_key",
        make=_list,
        description="The list; null for the inbox.",
        metadata=scoped(TokenScope.TODOS_READ),
    )


@strawberry.type(description="How many todos somebody is to do.")
class AssigneeFacet:
    """An assignee and a count."""

    count: int = strawberry.field(description="The todos that are theirs to do.")
    assignee_key: strawberry.Private[UUID | None]

    assignee: User | None = loaded_field(
        loader_of(users_by_id),
        by="assignee_key",
        make=user_or_none,
        description="Who it is; null for nobody.",
    )


@strawberry.type(description="How many todos are due on days of a group.")
class DayFacet:
    """A group and a count."""

    group: DayGroup = strawberry.field(description="The group of days.")
    count: int = strawberry.field(description="The todos that are due then.")


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of todos; those by a value are None where there are too many todos to count them."""

    total: int
    by_status: Mapping[int, int] | None
    by_priority: Mapping[int, int] | None
    by_group: Mapping[int, int] | None
    tags: Sequence[Values] | None
    lists: Sequence[Values] | None
    assignees: Sequence[Values] | None

    @property
    def is_complete(self) -> bool:
        """Whether they are counted by their values."""
        return self.by_status is not None

    def plus(self, other: "Counts") -> "Counts":
        """The counts of these and other todos together."""
        return Counts(
            self.total + other.total,
            _sums(self.by_status, other.by_status),
            _sums(self.by_priority, other.by_priority),
            _sums(self.by_group, other.by_group),
            _most_first(self.tags, other.tags),
            _most_first(self.lists, other.lists),
            _most_first(self.assignees, other.assignees),
        )


def _sums(
    one: Mapping[int, int] | None, other: Mapping[int, int] | None
) -> Mapping[int, int] | None:
    if one is None or other is None:
        return None
    return {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other}}


def _most_first(one: Sequence[Any] | None, other: Sequence[Any] | None) -> Sequence[Values] | None:
    if one is None or other is None:
        return None
    rows: dict[UUID | None, dict[str, Any]] = {}
    for row in (*one, *other):
        same = rows.setdefault(row["id"], {**row, "count": 0})
        same["count"] += row["count"]
    return sorted(rows.values(), key=lambda row: -row["count"])


GROUPS: Final = tuple(DayGroup)


def _numbers(members: type[Enum], counts: Mapping[int, int] | None) -> list[tuple[Any, int]]:
    """Each member of an enum of numbers with its count, those with 0 too."""
    if counts is None:
        return []
    return [(member, counts.get(member.value, 0)) for member in members]


@strawberry.type(
    description="How many todos of a filter have each value, in the order of the values, or most used "
    "first. Of more than 100,000 todos only the total is counted."
)
class TodoFacets:
    """Counts by status, priority, tag, list, assignee and day."""

    counts: strawberry.Private[Counts]

    @strawberry.field(description="All todos of the filter.")
    def total(self) -> int:
        return self.counts.total

    @strawberry.field(
        description="False where there are too many to count by their values: all lists are empty then."
    )
    def is_complete(self) -> bool:
        return self.counts.is_complete

    @strawberry.field(description="By status: each of them, also with none.")
    def status(self) -> list[StatusFacet]:
        numbers = _numbers(TodoStatus, self.counts.by_status)
        return [StatusFacet(status=status, count=count) for status, count in numbers]

    @strawberry.field(description="By priority: each of them, also with none.")
    def priority(self) -> list[PriorityFacet]:
        numbers = _numbers(TodoPriority, self.counts.by_priority)
        return [PriorityFacet(priority=priority, count=count) for priority, count in numbers]

    @strawberry.field(
        description="By tag, the most used first, then by name.",
        metadata={"default_page": FACETS_PAGE},
    )
    def tags(self, first: First = UNSET) -> list[TagFacet]:
        rows = (self.counts.tags or ())[: PageArguments.of(first, None).size(FACETS_PAGE)]
        return [TagFacet(tag=Tag.from_row(row), count=row["count"]) for row in rows]

    @strawberry.field(
        description="By list, that with most todos first, then the inbox, then in the order of the lists; "
        "none without todos.",
        metadata={"default_page": FACETS_PAGE},
    )
    def lists(self, first: First = UNSET) -> list[ListFacet]:
        rows = (self.counts.lists or ())[: PageArguments.of(first, None).size(FACETS_PAGE)]
        return [ListFacet(list_key=key_of(row["id"]), count=row["count"]) for row in rows]

    @strawberry.field(
        description="By who is to do them, whoever has most first; nobody, too, but none without todos. "
        "Empty where there are too many to count.",
        metadata={"default_page": FACETS_PAGE},
    )
    def assignees(self, first: First = UNSET) -> list[AssigneeFacet]:
        rows = (self.counts.assignees or ())[: PageArguments.of(first, None).size(FACETS_PAGE)]
        return [AssigneeFacet(assignee_key=row["id"], count=row["count"]) for row in rows]

    @strawberry.field(
        description="By the day that they are due, in the viewer's time zone: each group, also with none."
    )
    def due(self) -> list[DayFacet]:
        counts = self.counts.by_group
        if counts is None:
            return []
        return [DayFacet(group=one, count=counts.get(n, 0)) for n, one in enumerate(GROUPS)]
