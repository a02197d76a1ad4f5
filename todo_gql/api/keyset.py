"""Keysets: total orders of rows, and the cursors that hold a row's sort values.

A page begins after (or ends before) the sort values of a cursor: keyset pagination, also called the
seek method. A cursor is base64url of a JSON list: the order's signature, then the sort values.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from todo_gql.api.errors import BadUserInput
from todo_gql.database.connection import Values
from todo_gql.database.select import SelectQuery

MAX_CURSOR = 2_000
"""Characters of the longest cursor that is parsed."""


def parse_text(value: object) -> str:
    """The string of a cursor; raises `TypeError` for anything else, and for one with U+0000."""
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value


def parse_time(value: object) -> datetime:
    """The ISO 8601 time with offset of a cursor; raises `ValueError` or `TypeError` otherwise."""
    moment = datetime.fromisoformat(parse_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment


def parse_optional_time(value: object) -> datetime | None:
    """The time or null of a cursor; raises as `parse_time`."""
    return None if value is None else parse_time(value)


def parse_number(value: object) -> int:
    """The 64-bit signed integer of a cursor; raises `ValueError` for anything else."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def parse_uuid(value: object) -> UUID:
    """The UUID of a cursor; raises `ValueError` or `TypeError` for anything else."""
    return UUID(parse_text(value))


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort key: an SQL expression that is never null.

    `column` is the row's column that holds the value, `extra` an expression to select as that
    column if the table has none, and `bound` a format string that turns the value's placeholder
    into an expression comparable with `sql`. `parse` checks a value from a cursor; it raises
    `ValueError` or `TypeError`.
    """

    name: str
    sql: str
    column: str
    parse: Callable[[object], Any]
    descending: bool = False
    extra: str | None = None
    bound: str = "{}"


class Keyset:
    """A total order of rows; the last key must be unique.

    A cursor is valid for every keyset of the same `scope`, by default for the same keys only.
    """

    def __init__(self, *keys: SortKey, scope: str | None = None) -> None:
        self.keys = keys
        described = scope or ";".join(f"{key.name} {key.descending}" for key in keys)
        self.signature = sha256(described.encode()).hexdigest()[:8]

    @cached_property
    def extra_columns(self) -> tuple[str, ...]:
        """Expressions to select in addition to the table's columns, with their aliases."""
        return tuple(f"{key.extra} AS {key.column}" for key in self.keys if key.extra)

    @cached_property
    def forwards(self) -> str:
        """The list of an ORDER BY clause."""
        return self._order_by(backwards=False)

    @cached_property
    def backwards(self) -> str:
        """The list of an ORDER BY clause in the reverse order."""
        return self._order_by(backwards=True)

    def _order_by(self, *, backwards: bool) -> str:
        return ", ".join(
            f"{key.sql} {'DESC' if key.descending is not backwards else 'ASC'}" for key in self.keys
        )

    def seek_condition(
        self,
        statement: SelectQuery,
        values: Sequence[object],
        *,
        backwards: bool,
        inclusive: bool = False,
    ) -> str:
        """SQL condition: the row comes after `values`, or before them if `backwards`.

        With `inclusive`, the row at `values` counts too. Binds the values to `statement`.
        """
        bound = [
            key.bound.format(statement.bind(value))
            for key, value in zip(self.keys, values, strict=True)
        ]
        greater = [">" if key.descending is backwards else "<" for key in self.keys]
        if len(set(greater)) == 1:
            # PostgreSQL can start an index scan at a row comparison, but not at the OR below.
            left = ", ".join(key.sql for key in self.keys)
            return f"({left}) {greater[0]}{'=' if inclusive else ''} ({', '.join(bound)})"
        steps = []
        for index, key in enumerate(self.keys):
            equal = [f"{self.keys[i].sql} = {bound[i]}" for i in range(index)]
            sign = greater[index] + ("=" if inclusive and index == len(self.keys) - 1 else "")
            steps.append(" AND ".join([*equal, f"{key.sql} {sign} {bound[index]}"]))
        return "(" + " OR ".join(f"({step})" for step in steps) + ")"

    def cursor(self, row: Values) -> str:
        """The opaque cursor of a row."""
        return self.cursor_of([row[key.column] for key in self.keys])

    def cursor_of(self, values: Sequence[object]) -> str:
        """The opaque cursor of these sort values."""
        return (
            urlsafe_b64encode(orjson.dumps([self.signature, *values], default=str))
            .rstrip(b"=")
            .decode()
        )

    def owns(self, cursor: str) -> bool:
        """Whether a cursor belongs to this order."""
        try:
            self.values(cursor)
        except BadUserInput:
            return False
        return True

    def values(self, cursor: str) -> list[object]:
        """The sort values of a cursor; raises `BadUserInput` unless it belongs to this order."""
        return self.parsed(self.content(cursor))

    def content(self, cursor: str) -> list[object]:
        """The unchecked values of a cursor; raises `BadUserInput` unless it belongs to this order."""
        try:
            if len(cursor) > MAX_CURSOR:
                raise ValueError
            signature, *values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (ValueError, TypeError):
            raise BadUserInput(
                "This is not a cursor of this list. Pass one that this list returned."
            ) from None
        if signature != self.signature:
            raise BadUserInput(
                "This cursor belongs to a list with another order. Start again without a cursor."
            )
        return list(values)

    def parsed(self, values: Sequence[object]) -> list[object]:
        """The sort values of a cursor, checked by the keys; raises `BadUserInput`."""
        try:
            return [key.parse(value) for key, value in zip(self.keys, values, strict=True)]
        except (ValueError, TypeError):
            raise BadUserInput(
                "This is not a cursor of this list. Pass one that this list returned."
            ) from None
