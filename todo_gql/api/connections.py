"""Keyset connections: pages by the sort values of their first and last item.

Follows the Relay cursor connections specification (https://relay.dev/graphql/connections.htm).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.database import connection as db
from todo_gql.database.select import Statement

MAX_PAGE = 100
MAX_CURSOR = 2_000


def parse_text(value: object) -> str:
    """A cursor's text; `TypeError` for anything else."""
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value


def parse_time(value: object) -> datetime:
    """A cursor's time with offset; `ValueError` or `TypeError` for anything else."""
    moment = datetime.fromisoformat(parse_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment


def parse_optional_time(value: object) -> datetime | None:
    """A cursor's time or null; errors as `parse_time`."""
    return None if value is None else parse_time(value)


def parse_number(value: object) -> int:
    """A cursor's whole number of at most 64 bits; `ValueError` for anything else."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def parse_uuid(value: object) -> UUID:
    """A cursor's id; `ValueError` or `TypeError` for anything else."""
    return UUID(parse_text(value))


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: an SQL expression that is never null.

    `column` is where a row holds the key's value, `extra` what must be selected for that, and
    `bound` turns a placeholder of that value into a value of the expression.
    """

    name: str
    sql: str
    column: str
    parse: Callable[[object], Any]
    descending: bool = False
    extra: str | None = None
    bound: str = "{}"


class Keyset:
    """A total order of rows, the last key being unique.

    Cursors are good for every keyset of the same scope, by default for the same keys only.
    """

    def __init__(self, *keys: SortKey, scope: str | None = None) -> None:
        self.keys = keys
        described = scope or ";".join(f"{key.name} {key.descending}" for key in keys)
        self.signature = sha256(described.encode()).hexdigest()[:8]

    @cached_property
    def extra_columns(self) -> tuple[str, ...]:
        """What must be selected beside the rows' own columns."""
        return tuple(f"{key.extra} AS {key.column}" for key in self.keys if key.extra)

    @cached_property
    def own_columns(self) -> tuple[str, ...]:
        """The rows' own columns that hold values of the keys."""
        return tuple(key.column for key in self.keys if not key.extra)

    @cached_property
    def forwards(self) -> str:
        """What rows are ordered by, as ORDER BY has it."""
        return self._order_by(backwards=False)

    @cached_property
    def backwards(self) -> str:
        """The opposite order."""
        return self._order_by(backwards=True)

    def _order_by(self, *, backwards: bool) -> str:
        return ", ".join(
            f"{key.sql} {'DESC' if key.descending is not backwards else 'ASC'}" for key in self.keys
        )

    def beyond(
        self,
        statement: Statement,
        values: Sequence[object],
        *,
        backwards: bool,
        or_at: bool = False,
    ) -> str:
        """The condition that a row comes after `values` (before them if backwards)."""
        bound = [
            key.bound.format(statement.bind(value))
            for key, value in zip(self.keys, values, strict=True)
        ]
        greater = [">" if key.descending is backwards else "<" for key in self.keys]
        if len(set(greater)) == 1:
            # A row comparison is what lets PostgreSQL begin inside the index.
            left = ", ".join(key.sql for key in self.keys)
            return f"({left}) {greater[0]}{'=' if or_at else ''} ({', '.join(bound)})"
        steps = []
        for place, key in enumerate(self.keys):
            equal = [f"{self.keys[i].sql} = {bound[i]}" for i in range(place)]
            sign = greater[place] + ("=" if or_at and place == len(self.keys) - 1 else "")
            steps.append(" AND ".join([*equal, f"{key.sql} {sign} {bound[place]}"]))
        return "(" + " OR ".join(f"({step})" for step in steps) + ")"

    def cursor(self, row: db.Values) -> str:
        """The opaque place of a row in this order."""
        return self.cursor_of([row[key.column] for key in self.keys])

    def cursor_of(self, values: Sequence[object]) -> str:
        """The opaque place that these sort values have."""
        return (
            urlsafe_b64encode(orjson.dumps([self.signature, *values], default=str))
            .rstrip(b"=")
            .decode()
        )

    def values(self, cursor: str) -> list[object]:
        """The sort values in a cursor; `BadUserInput` unless it belongs to this order."""
        return self.parsed(self.content(cursor))

    def content(self, cursor: str) -> list[object]:
        """What is in a cursor, unchecked; `BadUserInput` unless it belongs to this order."""
        try:
            if len(cursor) > MAX_CURSOR:
                raise ValueError
            signature, *values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (ValueError, TypeError):
            raise BadUserInput("This is not a cursor of this list.") from None
        if signature != self.signature:
            raise BadUserInput("This cursor belongs to a list that is sorted otherwise.")
        return list(values)

    def parsed(self, values: Sequence[object]) -> list[object]:
        """Sort values as they are in a cursor, checked; `BadUserInput` for any others."""
        try:
            return [key.parse(value) for key, value in zip(self.keys, values, strict=True)]
        except (ValueError, TypeError):
            raise BadUserInput("This is not a cursor of this list.") from None


class PageArguments(NamedTuple):
    """What a client asks of a page: `first` and `last` are 1 to 100."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @classmethod
    def of(cls, first: Any, after: Any, last: Any = None, before: Any = None) -> "PageArguments":
        """Arguments as resolvers get them, absent ones being UNSET."""
        given = [
            None if value is strawberry.UNSET else value for value in (first, after, last, before)
        ]
        return cls(*given)

    def size(self, default: int) -> int:
        """How many items to fetch; `BadUserInput` if that isn't clear or out of range."""
        if self.first is not None and self.last is not None:
            raise BadUserInput("Give first or last, not both.")
        if self.first is None and self.last is None and self.before is not None:
            raise BadUserInput("Give last together with before.")
        size = self.last if self.last is not None else self.first
        if size is None:
            return default
        if not 1 <= size <= MAX_PAGE:
            raise BadUserInput(f"A page has 1 to {MAX_PAGE} items, not {size}.")
        return size

    @property
    def backwards(self) -> bool:
        """Whether the page is the end of what lies before a cursor."""
        return self.last is not None


class Page(NamedTuple):
    """Rows of a list in its own order, and whether the list has more around them.

    What nobody has looked at yet is a question to be awaited.
    """

    rows: Sequence[db.Row]
    keyset: Keyset
    earlier: bool | Callable[[], Awaitable[bool]]
    later: bool | Callable[[], Awaitable[bool]]


async def fetch_page(
    statement: Statement,
    columns: Sequence[str],
    keyset: Keyset,
    arguments: PageArguments,
    default: int = 50,
) -> Page:
    """The page of a statement's rows that the arguments ask for."""
    size = arguments.size(default)
    backwards = arguments.backwards
    after = keyset.values(arguments.after) if arguments.after is not None else None
    before = keyset.values(arguments.before) if arguments.before is not None else None
    narrowed = statement if after is None and before is None else statement.copy()
    if after is not None:
        narrowed.where(keyset.beyond(narrowed, after, backwards=False))
    if before is not None:
        narrowed.where(keyset.beyond(narrowed, before, backwards=True))
    order = keyset.backwards if backwards else keyset.forwards
    text = narrowed.select((*columns, *keyset.extra_columns), order, size + 1)
    rows = await db.fetch(text, *narrowed.values, plan_anew=narrowed.plan_anew)
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    if after is None and before is None:
        return Page(rows, keyset, more and backwards, more and not backwards)

    async def exists(edge: list[object], *, towards_start: bool) -> bool:
        around = statement.copy()
        around.where(keyset.beyond(around, edge, backwards=towards_start, or_at=True))
        return await db.fetchrow(around.select(["1"], limit=1), *around.values) is not None

    earlier = more if backwards else False
    later = more if not backwards else False
    return Page(
        rows,
        keyset,
        partial(exists, after, towards_start=True)
        if after is not None and not earlier
        else earlier,
        partial(exists, before, towards_start=False) if before is not None and not later else later,
    )


async def count_rows(statement: Statement) -> int:
    """How many rows a statement has, whatever the page."""
    row = await db.fetchrow(statement.select(["count(*)"]), *statement.values)
    assert row is not None
    return int(row["count"])


NodeType = TypeVar("NodeType")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's PageInfo."""

    page: strawberry.Private[Page]

    def _has_next(self) -> Any:
        return self.page.later if isinstance(self.page.later, bool) else self.page.later()

    def _has_previous(self) -> Any:
        return self.page.earlier if isinstance(self.page.earlier, bool) else self.page.earlier()

    has_next_page: bool = strawberry.field(
        resolver=_has_next, graphql_type=bool, description="Whether items follow this page."
    )
    has_previous_page: bool = strawberry.field(
        resolver=_has_previous, graphql_type=bool, description="Whether items precede this page."
    )

    @strawberry.field(description="The cursor of the page's first item.")
    def start_cursor(self) -> str | None:
        rows = self.page.rows
        return self.page.keyset.cursor(rows[0]) if rows else None

    @strawberry.field(description="The cursor of the page's last item.")
    def end_cursor(self) -> str | None:
        rows = self.page.rows
        return self.page.keyset.cursor(rows[-1]) if rows else None


@strawberry.type(description="An item of a list, and its place there.")
class Edge(Generic[NodeType]):
    """Relay's Edge."""

    cursor: str = strawberry.field(description="Pass it as `after` or `before` to go on from here.")
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type
class Connection(Generic[NodeType]):
    """Relay's Connection over a page of rows."""

    page: strawberry.Private[Page]
    nodes: Sequence[NodeType] = strawberry.field(description="The items of this page.")

    @strawberry.field(description="The items of this page with their cursors.")
    def edges(self) -> list[Edge[NodeType]]:
        cursors = map(self.page.keyset.cursor, self.page.rows)
        return [
            Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, self.nodes, strict=True)
        ]

    @strawberry.field(description="Where this page stands in the list.")
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.page)
