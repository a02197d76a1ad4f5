"""Shapes: what a selection makes of rows, as one function that is written for just that.

A small answer is done by the time that a walk over its plan would have begun, and of a large one
each value is touched by as little Python as can be. For `{ id status dueAt tags { name } }` of rows
whose columns are `id`, `status`, `due_at` and `tags` the function is

    def make(rows, given, others):
        c0, c1, c2, c3 = zip(*rows, strict=True)
        v0 = list(map(f0, c0))                       # str, as the row type says
        if not e0(map(type, v0)): return None        # all are of type str
        v1 = list(map(f1, c1))                       # the members of an enum
        m3 = nested3(list(chain(c3)))                # the shape of all rows of all lists
        if m3 is None: return None
        v3 = split(m3, c3, 1)
        t0 = s0([*(x for x in c2 if x is not None)]) # all moments there are, at once
        if t0 is None: return None
        i0 = iter(t0)
        v2 = [None if x is None else next(i0) for x in c2]
        return [
            {"id": x0, "status": x1, "dueAt": x2, "tags": x3}
            for x0, x1, x2, x3 in zip(v0, map(n1, map(id, v1)), v2, v3)
        ]

It answers None, or raises, when anything isn't as it expects; then the general way, which finds out
what is wrong and with which value, does it all again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    TypeNameMetaFieldDef,
    get_nullable_type,
    is_list_type,
    is_object_type,
)

from todo_gql.execution.columns import split
from todo_gql.execution.loading import in_rows
from todo_gql.execution.plan import Numbered, PlannedField, Selection
from todo_gql.execution.rows import Converted, Layout, RowType, Source, layout_of
from todo_gql.execution.strawberry_types import origin_of

if TYPE_CHECKING:
    from todo_gql.execution.execution import Execution

Make: TypeAlias = Callable[
    [Sequence[Any], tuple[Any, ...], list[Sequence[Any]]], list[dict[str, Any]] | None
]
"""`make(rows, given, others)`: the objects of the answer, with the columns of the other fields."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What makes the answer of rows, but for `others`, whose columns it has to be given."""

    make: Make
    shaped: Numbered
    others: Numbered


def shape_of(
    selection: Selection,
    execution: "Execution | None",
    row_type: RowType[Any],
    rows: Sequence[Any],
) -> Shape | None:
    """The shape of a selection of rows; None where it would shape nothing, or there are no rows.

    No execution is needed where all that is selected stands in the rows.
    """
    if not rows:
        return None
    key = row_type, layout_of(rows[0])
    try:
        return selection.shapes[key]
    except KeyError:
        shape = _Writer(selection, execution, *key).shape()
        selection.shapes[key] = shape
        return shape


class _Writer:
    """Writes the function of one shape."""

    def __init__(
        self,
        selection: Selection,
        execution: "Execution | None",
        row_type: RowType[Any],
        layout: Layout,
    ) -> None:
        self.selection = selection
        self.execution = execution
        self.row_type = row_type
        self.layout = layout
        self.names: dict[str, Any] = {
            "chain": chain.from_iterable,
            "in_rows": in_rows,
            "split": split,
        }
        self.lines: list[str] = []
        self.cells: dict[int, str] = {}
        self.constants: dict[int, str] = {}
        self.serialized: dict[int, _Serialized] = {}

    def shape(self) -> Shape | None:
        shaped: Numbered = []
        others: Numbered = []
        for place, one in self.selection.everything:
            (shaped if self._writes(place, one) else others).append((place, one))
        if not shaped:
            return None
        for serialized in self.serialized.values():
            serialized.write(self)
        return Shape(self._function([place for place, _ in others]), shaped, others)

    def _writes(self, place: int, one: PlannedField) -> bool:
        """Write how a field is had of the rows and completed, unless it takes another way."""
        if one.definition is TypeNameMetaFieldDef:
            self.constants[place] = repr(one.parent_type.name)
            return True
        column = self._along(one)
        if column is not None and one.way.shortcut is None:
            return self._writes_rows(place, one, column)
        source = self._source(one) if column is None else column
        if source is None or one.way.shortcut is None:
            return False
        values = self._values(place, source)
        if values is None:
            return False
        self._complete(place, one, values)
        return True

    def _along(self, one: PlannedField) -> str | None:
        """The column that a loaded field's values came along in, if they did."""
        loading = one.way.loading
        columns = () if loading is None else loading.along
        return next((column for column in columns if self._place(column) is not None), None)

    def _source(self, one: PlannedField) -> Source | None:
        return self.row_type.attributes.get(one.way.attribute) if one.way.attribute else None

    def _place(self, column: str | int) -> int | None:
        """Where a column stands in the rows; None if there is none."""
        kind, columns = self.layout
        if isinstance(columns, int):
            return column if isinstance(column, int) and column < columns else None
        if isinstance(column, int) and not issubclass(kind, dict):
            return column if column < len(columns) else None
        return columns.index(column) if column in columns else None

    def _values(self, place: int, source: Source) -> str | None:
        """The name of a column of attributes, which is written if it isn't one of the rows."""
        if isinstance(source, str | int):
            column = self._place(source)
            return None if column is None else f"c{column}"
        if isinstance(source, Converted):
            column = self._place(source.column)
            if column is None:
                return None
            self.names[f"f{place}"] = source.convert
            self.lines.append(f"v{place} = list(map(f{place}, c{column}))")
        else:
            self.names[f"f{place}"] = source
            self.lines.append(f"v{place} = [f{place}(row, *given) for row in rows]")
        return f"v{place}"

    def _complete(self, place: int, one: PlannedField, values: str) -> None:
        """Write how a column of a leaf is completed."""
        shortcut = one.way.shortcut
        assert shortcut is not None
        if shortcut.written is not None:
            self.names[f"n{place}"] = shortcut.written.__getitem__
            self.cells[place] = f"map(n{place}, map(id, {values}))"
        elif shortcut.serialize is not None:
            key = id(shortcut.serialize)
            together = self.serialized.setdefault(key, _Serialized(shortcut.serialize))
            together.columns.append((place, values, shortcut.nullable))
            self.cells[place] = f"w{place}"
        else:
            self.names[f"e{place}"] = shortcut.are_expected
            self._unless(f"e{place}(map(type, {values}))")
            if shortcut.are_fine is not None:
                self.names[f"g{place}"] = shortcut.are_fine
                self._unless(f"g{place}({values})")
            self.cells[place] = values

    def _unless(self, condition: str) -> None:
        self.lines.append(f"if not {condition}: return None")

    def _writes_rows(self, place: int, one: PlannedField, column: str) -> bool:
        """Write how the lists of rows in a column are made into lists of objects."""
        loading, list_type = one.way.loading, get_nullable_type(one.type)
        if loading is None or loading.row_type is None or not is_list_type(list_type):
            return False
        row_type, type_ = loading.row_type, get_nullable_type(list_type.of_type)
        if not is_object_type(type_) or origin_of(type_) is not row_type.type:
            return False
        nested = _nested(one, type_, row_type, self.execution) if self.execution else None
        if nested is None:
            return False
        self.names[f"nested{place}"] = nested
        lists, width = f"c{self._place(column)}", loading.along[column]
        rows = f"list(chain({lists}))" if width == 0 else f"in_rows(chain({lists}), {width})"
        self.lines.append(f"m{place} = nested{place}({rows})")
        self.lines.append(f"if m{place} is None: return None")
        self.cells[place] = f"split(m{place}, {lists}, {width or 1})"
        return True

    def _function(self, others: list[int]) -> Make:
        kind, columns = self.layout
        number = columns if isinstance(columns, int) else len(columns)
        unpacked = "".join(f"c{place}, " for place in range(number))
        rows = "rows"
        if not isinstance(columns, int) and issubclass(kind, dict):
            # Dictionaries may hold the same in another order.
            self.names["columns"], rows = columns, "([row[one] for one in columns] for row in rows)"
        cells = self.cells | {place: f"others[{n}]" for n, place in enumerate(others)}
        pairs, used = [], []
        for place, name in enumerate(self.selection.names):
            if place in cells:
                used.append(place)
            pairs.append(f"{name!r}: {self.constants.get(place, f'x{place}')}")
        each = "".join(f"x{place}, " for place in used) or "_"
        of = f"zip({', '.join(cells[place] for place in used)})" if used else "rows"
        body = [
            f"{unpacked}= zip(*{rows}, strict=True)" if number else "pass",
            *self.lines,
            f"return [{{{', '.join(pairs)}}} for {each} in {of}]",
        ]
        text = "def make(rows, given, others):\n " + "\n ".join(body)
        # Names in it are ours but for those of the answer, which are GraphQL's: letters, digits and
        # underscores, all that there are there.
        assert all(map(str.isidentifier, self.selection.names))
        exec(_compiled(text), self.names)  # noqa: S102 - as said
        make: Make = self.names["make"]
        return make


@dataclass(slots=True)
class _Serialized:
    """Columns of one scalar, which are serialized at once."""

    serialize: Callable[[Sequence[Any]], Sequence[Any] | None]
    columns: list[tuple[int, str, bool]] = field(default_factory=list)

    def write(self, writer: _Writer) -> None:
        """Write how they are, those that can hold nulls before all others."""
        key = self.columns[0][0]
        nullable = [(place, values) for place, values, nulls in self.columns if nulls]
        full = [(place, values) for place, values, nulls in self.columns if not nulls]
        parts = [f"*[x for x in {values} if x is not None]" for _, values in nullable]
        parts += [f"*{values}" for _, values in full]
        writer.names[f"s{key}"] = self.serialize
        lines = [f"t{key} = s{key}([{', '.join(parts)}])", f"if t{key} is None: return None"]
        if nullable:
            lines.append(f"i{key} = iter(t{key})")
        lines += [
            f"w{place} = [None if x is None else next(i{key}) for x in {values}]"
            for place, values in nullable
        ]
        if full:
            lines.append("n = len(rows)")
        for number, (place, _) in enumerate(reversed(full), 1):
            end = f"-{number - 1} * n" if number > 1 else ""
            lines.append(f"w{place} = t{key}[-{number} * n:{end}]")
        writer.lines += lines


def _nested(
    one: PlannedField, type_: GraphQLObjectType, row_type: RowType[Any], execution: "Execution"
) -> Callable[[list[Any]], list[dict[str, Any]] | None] | None:
    """What makes the objects of a field's rows; None where it could make only a part of them."""
    try:
        selection = one.subselect(execution, one, type_)
    except (GraphQLError, RecursionError):
        return None
    if not all(_stands_alone(chosen, row_type) for chosen in selection.fields):
        return None

    def make(rows: list[Any]) -> list[dict[str, Any]] | None:
        if not rows:
            return []
        shape = shape_of(selection, None, row_type, rows)
        return None if shape is None or shape.others else shape.make(rows, (), [])

    return make


def _stands_alone(one: PlannedField, row_type: RowType[Any]) -> bool:
    """Whether a field is no more than a leaf in a row."""
    if one.definition is TypeNameMetaFieldDef:
        return True
    return one.way.shortcut is not None and one.way.attribute in row_type.attributes


@lru_cache(maxsize=1024)
def _compiled(text: str) -> CodeType:
    """The code of a function; selections that differ in values alone share it."""
    return compile(text, "<shape>", "exec")
