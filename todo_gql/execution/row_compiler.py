"""Shapes: what a selection makes of rows, as functions that are written for just that.

A small answer is done by the time that a walk over its plan would have begun, and of a large one
each value is touched by as little Python as can be. For `{ id status dueAt tags { name } }` of rows
whose columns are `id`, `status`, `due_at` and `tag_names`, the function for many rows is

    def make(rows, given, others):
        c0, c1, c2, c3, = zip(*rows, strict=True)
        v0 = list(map(f0, c0))                              # str, as the row type says
        if not (k0.issuperset(map(type, v0))): return None
        v1 = list(map(f1, c1))                              # the members of the enum
        m3 = nested3(in_rows(chain(c3), 1))                 # all tags of all todos
        if not (m3 is not None): return None
        t2 = s2([*[x for x in c2 if x is not None]])        # all moments, whatever their column
        if not (t2 is not None): return None
        i2 = iter(t2)
        w2 = [None if x is None else next(i2) for x in c2]
        return [
            {'id': x0, 'status': x1, 'dueAt': x2, 'tags': x3}
            for x0, x1, x2, x3, in zip(v0, map(n1, map(id, v1)), w2, split(m3, c3, 1))
        ]

and for a single one

    def make(rows, given, others):
        c0, c1, c2, c3, = rows[0]
        v0 = f0(c0)
        if not (type(v0) in k0): return None
        v1 = f1(c1)
        m3 = nested3(in_rows(c3, 1))
        if not (m3 is not None): return None
        t2 = s2([x for x in (c2, ) if x is not None])
        if not (t2 is not None): return None
        i2 = iter(t2)
        w2 = None if c2 is None else next(i2)
        return [{'id': v0, 'status': n1(id(v1)), 'dueAt': w2, 'tags': m3}]

They answer None, or raise, when anything isn't as they expect; then the general way, which finds out
what is wrong and with which value, does it all again.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from types import CodeType
from typing import Any, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    TypeNameMetaFieldDef,
    get_nullable_type,
    is_list_type,
    is_object_type,
)

from todo_gql.execution.columns import split
from todo_gql.execution.leaf_serializers import Serialize
from todo_gql.execution.loaded_fields import in_rows
from todo_gql.execution.plan import Make, Numbered, PlannedField, Selection, Shape
from todo_gql.execution.rows import Converted, Layout, RowType, Source, layout_of
from todo_gql.execution.strawberry_fields import origin_of

Subselect: TypeAlias = Callable[[PlannedField, GraphQLObjectType], Selection]
"""What is selected of a field's objects of one type."""

# A client that sorts by whatever it likes has a layout of rows for each way.
MAX_SHAPES = 8

Serialized: TypeAlias = tuple[int, str, bool]
"""A column that is serialized: its field's index, its name, and whether it can hold nulls."""


def shape_of(
    selection: Selection,
    subselect: Subselect | None,
    row_type: RowType[Any],
    rows: Sequence[Any],
) -> Shape | None:
    """The shape of a selection of rows; None where it would shape nothing, or there are no rows.

    No `subselect` is needed where all that is selected stands in the rows.
    """
    if not rows:
        return None
    key = row_type, layout_of(rows[0])
    try:
        return selection.shapes[key]
    except KeyError:
        shape = _new_shape(selection, subselect, *key)
        if len(selection.shapes) >= MAX_SHAPES:
            selection.shapes.clear()
        selection.shapes[key] = shape
        return shape


def _new_shape(
    selection: Selection,
    subselect: Subselect | None,
    row_type: RowType[Any],
    layout: Layout,
) -> Shape | None:
    one = _SingleWriter(selection, subselect, row_type, layout)
    many = _ColumnsWriter(selection, subselect, row_type, layout)
    indexes = [index for index, _ in one.others]
    if not one.shaped:
        return None
    return Shape(one.function(indexes), many.function(indexes), one.shaped, one.others)


class _Writer(ABC):
    """Writes a function that makes the answer of rows."""

    def __init__(
        self,
        selection: Selection,
        subselect: Subselect | None,
        row_type: RowType[Any],
        layout: Layout,
    ) -> None:
        self.selection = selection
        self.subselect = subselect
        self.row_type = row_type
        self.layout = layout
        self.names: dict[str, Any] = {
            "chain": chain.from_iterable,
            "in_rows": in_rows,
            "islice": islice,
            "split": split,
        }
        self.lines: list[str] = []
        self.cells: dict[int, str] = {}
        self.constants: dict[int, str] = {}
        self.serialized: dict[Serialize, list[Serialized]] = {}
        self.shaped: Numbered = []
        self.others: Numbered = []
        for index, one in selection.everything:
            (self.shaped if self._writes(index, one) else self.others).append((index, one))
        for serialize, columns in self.serialized.items():
            self._write_serialized(serialize, columns)

    @abstractmethod
    def _unpacked(self) -> str:
        """The rows' columns."""

    @abstractmethod
    def _converted(self, index: int, column: int) -> str:
        """What a function makes of a column's values."""

    @abstractmethod
    def _called(self, index: int) -> str:
        """What a function makes of each row."""

    @abstractmethod
    def _written(self, index: int, values: str) -> str:
        """What is written for members of an enum."""

    @abstractmethod
    def _are_expected(self, index: int, values: str) -> str:
        """Whether values are of the types that they are to be of."""

    @abstractmethod
    def _are_fine(self, index: int, values: str, *, nullable: bool) -> str:
        """Whether values of these types can be written."""

    @abstractmethod
    def _rows(self, column: int, width: int) -> str:
        """All rows in the lists of a column."""

    @abstractmethod
    def _lists(self, index: int, column: int, width: int) -> str:
        """The objects made of them, as lists again."""

    @abstractmethod
    def _together(self, columns: list[Serialized]) -> str:
        """All values of several columns that aren't null."""

    @abstractmethod
    def _following(self, key: int, values: str, *, nullable: bool) -> str:
        """A column of what was made of them, where it goes on."""

    @abstractmethod
    def _other(self, number: int) -> str:
        """A column that the function is given."""

    @abstractmethod
    def _objects(self) -> str:
        """All objects."""

    def _writes(self, index: int, one: PlannedField) -> bool:
        """Write how a field is had of the rows and completed, unless it takes another way."""
        if one.definition is TypeNameMetaFieldDef:
            self.constants[index] = repr(one.parent_type.name)
            return True
        column = self._along(one)
        if column is not None and one.way.batch_serializer is None:
            return self._write_rows(index, one, column)
        source = self._source(one) if column is None else column
        if source is None or one.way.batch_serializer is None:
            return False
        values = self._values(index, source)
        if values is None:
            return False
        self._complete(index, one, values)
        return True

    def _along(self, one: PlannedField) -> str | None:
        """The column that a loaded field's values came along in, if they did."""
        loading = one.way.loading
        columns = () if loading is None else loading.along
        return next((column for column in columns if self._column_index(column) is not None), None)

    def _source(self, one: PlannedField) -> Source | None:
        return self.row_type.attributes.get(one.way.attribute) if one.way.attribute else None

    def _column_index(self, column: str | int) -> int | None:
        """Where a column stands in the rows; None if there is none."""
        kind, columns = self.layout
        if isinstance(columns, int):
            return column if isinstance(column, int) and column < columns else None
        if isinstance(column, int) and not issubclass(kind, Mapping):
            return column if column < len(columns) else None
        return columns.index(column) if column in columns else None

    def _values(self, index: int, source: Source) -> str | None:
        """The name of an attribute's values, which are written if they aren't in the rows."""
        if isinstance(source, (str, int)):
            column = self._column_index(source)
            return None if column is None else f"c{column}"
        if isinstance(source, Converted):
            column = self._column_index(source.column)
            if column is None:
                return None
            self.names[f"f{index}"] = source.convert
            self.lines.append(f"v{index} = {self._converted(index, column)}")
        else:
            self.names[f"f{index}"] = source
            self.lines.append(f"v{index} = {self._called(index)}")
        return f"v{index}"

    def _complete(self, index: int, one: PlannedField, values: str) -> None:
        """Write how the values of a leaf are completed."""
        serializer = one.way.batch_serializer
        assert serializer is not None
        if serializer.names_by_id is not None:
            self.names[f"n{index}"] = serializer.names_by_id.__getitem__
            self.cells[index] = self._written(index, values)
        elif serializer.serialize is not None:
            together = self.serialized.setdefault(serializer.serialize, [])
            together.append((index, values, serializer.nullable))
            self.cells[index] = f"w{index}"
        else:
            self.names[f"k{index}"] = serializer.types
            self._unless(self._are_expected(index, values))
            if serializer.is_serializable is not None:
                self.names[f"g{index}"] = serializer.is_serializable
                self._unless(self._are_fine(index, values, nullable=serializer.nullable))
            self.cells[index] = values

    def _unless(self, condition: str) -> None:
        self.lines.append(f"if not ({condition}): return None")

    def _write_rows(self, index: int, one: PlannedField, column: str) -> bool:
        """Write how the lists of rows in a column are made into lists of objects."""
        loading, list_type = one.way.loading, get_nullable_type(one.type)
        if loading is None or loading.row_type is None or not is_list_type(list_type):
            return False
        row_type, type_ = loading.row_type, get_nullable_type(list_type.of_type)
        if not is_object_type(type_) or origin_of(type_) is not row_type.type:
            return False
        nested = _nested(one, type_, row_type, self.subselect) if self.subselect else None
        if nested is None:
            return False
        self.names[f"nested{index}"] = nested
        column_index = self._column_index(column)
        assert column_index is not None
        rows = self._rows(column_index, loading.along[column])
        self.lines.append(f"m{index} = nested{index}({rows})")
        self._unless(f"m{index} is not None")
        self.cells[index] = self._lists(index, column_index, loading.along[column])
        return True

    def _write_serialized(self, serialize: Serialize, columns: list[Serialized]) -> None:
        """Write how all values of one scalar are serialized, those that can be null first."""
        columns.sort(key=lambda column: not column[2])
        key = columns[0][0]
        self.names[f"s{key}"] = serialize
        self.lines.append(f"t{key} = s{key}({self._together(columns)})")
        self._unless(f"t{key} is not None")
        self.lines.append(f"i{key} = iter(t{key})")
        self.lines += [
            f"w{index} = {self._following(key, values, nullable=nullable)}"
            for index, values, nullable in columns
        ]

    def function(self, others: list[int]) -> Make:
        """The function, given the indexes of the fields whose columns it is given."""
        _, columns = self.layout
        number = columns if isinstance(columns, int) else len(columns)
        unpacked = "".join(f"c{index}, " for index in range(number))
        body = [f"{unpacked}= {self._unpacked()}" if number else "pass", *self.lines]
        for n, index in enumerate(others):
            self.cells[index] = self._other(n)
        body.append(f"return {self._objects()}")
        text = "def make(rows, given, others):\n " + "\n ".join(body)
        # Names in it are ours but for those of the answer, which are GraphQL's: letters, digits and
        # underscores, all that there are there.
        assert all(map(str.isidentifier, self.selection.names))
        exec(_compiled(text), self.names)  # noqa: S102 - as said
        # Left in there it would keep itself, and the documents of its selection, from going.
        make: Make = self.names.pop("make")
        return make

    def _object(self, cells: Mapping[int, str]) -> str:
        """An object with these cells."""
        named = enumerate(self.selection.names)
        pairs = (f"{name!r}: {self.constants.get(p) or cells[p]}" for p, name in named)
        return f"{{{', '.join(pairs)}}}"

    @property
    def _has_named_columns(self) -> bool:
        kind, _ = self.layout
        return issubclass(kind, Mapping)


class _ColumnsWriter(_Writer):
    """Writes the function for many rows, whose columns are dealt with as a whole."""

    def _unpacked(self) -> str:
        if not self._has_named_columns:
            return "zip(*rows, strict=True)"
        # Mappings may hold the same in another order.
        self.names["columns"] = self.layout[1]
        return "zip(*([row[one] for one in columns] for row in rows), strict=True)"

    def _converted(self, index: int, column: int) -> str:
        return f"list(map(f{index}, c{column}))"

    def _called(self, index: int) -> str:
        return f"[f{index}(row, *given) for row in rows]"

    def _written(self, index: int, values: str) -> str:
        return f"map(n{index}, map(id, {values}))"

    def _are_expected(self, index: int, values: str) -> str:
        return f"k{index}.issuperset(map(type, {values}))"

    def _are_fine(self, index: int, values: str, *, nullable: bool) -> str:
        given = f"[x for x in {values} if x is not None]" if nullable else values
        return f"all(map(g{index}, {given}))"

    def _rows(self, column: int, width: int) -> str:
        rows = f"chain(c{column})"
        return f"in_rows({rows}, {width})" if width else f"list({rows})"

    def _lists(self, index: int, column: int, width: int) -> str:
        return f"split(m{index}, c{column}, {width or 1})"

    def _together(self, columns: list[Serialized]) -> str:
        parts = (
            f"*[x for x in {values} if x is not None]" if nullable else f"*{values}"
            for _, values, nullable in columns
        )
        return f"[{', '.join(parts)}]"

    def _following(self, key: int, values: str, *, nullable: bool) -> str:
        if nullable:
            return f"[None if x is None else next(i{key}) for x in {values}]"
        return f"list(islice(i{key}, len(rows)))"

    def _other(self, number: int) -> str:
        return f"others[{number}]"

    def _objects(self) -> str:
        made = self._object({index: f"x{index}" for index in self.cells})
        if not self.cells:
            return f"[{made} for _ in rows]"
        each = "".join(f"x{index}, " for index in self.cells)
        return f"[{made} for {each}in zip({', '.join(self.cells.values())})]"


class _SingleWriter(_Writer):
    """Writes the function for a single row, whose values need no columns."""

    def _unpacked(self) -> str:
        if not self._has_named_columns:
            return "rows[0]"
        self.names["columns"] = self.layout[1]
        return "[rows[0][one] for one in columns]"

    def _converted(self, index: int, column: int) -> str:
        return f"f{index}(c{column})"

    def _called(self, index: int) -> str:
        return f"f{index}(rows[0], *given)"

    def _written(self, index: int, values: str) -> str:
        return f"n{index}(id({values}))"

    def _are_expected(self, index: int, values: str) -> str:
        return f"type({values}) in k{index}"

    def _are_fine(self, index: int, values: str, *, nullable: bool) -> str:
        return f"{values} is None or g{index}({values})" if nullable else f"g{index}({values})"

    def _rows(self, column: int, width: int) -> str:
        return f"in_rows(c{column}, {width})" if width else f"list(c{column})"

    def _lists(self, index: int, _column: int, _width: int) -> str:
        return f"m{index}"

    def _together(self, columns: list[Serialized]) -> str:
        values = "".join(f"{values}, " for _, values, _ in columns)
        return f"[x for x in ({values}) if x is not None]"

    def _following(self, key: int, values: str, *, nullable: bool) -> str:
        return f"None if {values} is None else next(i{key})" if nullable else f"next(i{key})"

    def _other(self, number: int) -> str:
        return f"others[{number}][0]"

    def _objects(self) -> str:
        return f"[{self._object(self.cells)}]"


def _nested(
    one: PlannedField, type_: GraphQLObjectType, row_type: RowType[Any], subselect: Subselect
) -> Callable[[list[Any]], list[dict[str, Any]] | None] | None:
    """What makes the objects of a field's rows; None where it could make only a part of them."""
    try:
        selection = subselect(one, type_)
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
    return one.way.batch_serializer is not None and one.way.attribute in row_type.attributes


@lru_cache(maxsize=1024)
def _compiled(text: str) -> CodeType:
    """The code of a function; selections that differ in values alone share it."""
    return compile(text, "<shape>", "exec")
