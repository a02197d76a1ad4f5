"""Compiling selections: a function, generated for a selection of rows, that builds their objects.

A small response is complete by the time that a walk over its plan would have begun, and of a large
one each value is touched by as little Python code as possible. For the selection
`{ id status dueAt tags { name } }` of rows whose columns are `id`, `status`, `due_at` and
`tag_names`, the function for many rows is

    def make(rows, extras, other_columns):
        c0, c1, c2, c3, = zip(*rows, strict=True)
        v0 = list(map(f0, c0))                              # str, as the row type says
        if not (k0.issuperset(map(type, v0))): return None
        v1 = list(map(f1, c1))                              # the members of the enum
        m3 = nested3(to_rows(chain(c3), 1))                 # all tags of all todos
        if not (m3 is not None): return None
        t2 = s2([*[x for x in c2 if x is not None]])        # all times, whatever their column
        if not (t2 is not None): return None
        i2 = iter(t2)
        w2 = [None if x is None else next(i2) for x in c2]
        return [
            {'id': x0, 'status': x1, 'dueAt': x2, 'tags': x3}
            for x0, x1, x2, x3, in zip(v0, map(n1, map(id, v1)), w2, split(m3, c3, 1))
        ]

and for a single row

    def make(rows, extras, other_columns):
        c0, c1, c2, c3, = rows[0]
        v0 = f0(c0)
        if not (type(v0) in k0): return None
        v1 = f1(c1)
        m3 = nested3(to_rows(c3, 1))
        if not (m3 is not None): return None
        t2 = s2([x for x in (c2, ) if x is not None])
        if not (t2 is not None): return None
        i2 = iter(t2)
        w2 = None if c2 is None else next(i2)
        return [{'id': v0, 'status': n1(id(v1)), 'dueAt': w2, 'tags': m3}]

The letters: `c` a column of the rows, `f` a function of the row type and `v` its values, `k` their
expected types and `g` the check of their range, `n` the names of an enum's members, `s` the
serializer of a scalar, `t` all that it serialized, `i` an iterator over that and `w` one field's
part of it, `m` nested objects, `x` a cell of the object. The number is the field's index in the
selection; for `c` the column's index in the row.

Where any value isn't as expected, the functions return None or raise. Then the fields are executed
one by one, as without compiled functions, which finds out what is wrong and with which value.
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
from todo_gql.execution.loaded_fields import to_rows
from todo_gql.execution.plan import (
    CompiledSelection,
    IndexedFields,
    MakeObjects,
    PlannedField,
    Selection,
)
from todo_gql.execution.rows import ConvertedColumn, RowLayout, RowType, Source, layout_of
from todo_gql.execution.strawberry_fields import origin_of

SubselectField: TypeAlias = Callable[[PlannedField, GraphQLObjectType], Selection]
"""What is selected of a field's objects of field type."""

# Compiled forms of field selection. Rows of each layout need their own, and clients can change the
# layout, for example by how they sort.
MAX_COMPILED = 8

SerializedColumn: TypeAlias = tuple[int, str, bool]
"""A column to be serialized: its field's index, its name in the code, whether it can hold nulls."""


def compile_selection(
    selection: Selection,
    subselect: SubselectField | None,
    row_type: RowType[Any],
    rows: Sequence[Any],
) -> CompiledSelection | None:
    """The compiled form of a selection of rows; None if it has no field to compile, or no rows.

    It is compiled once for each row type and layout, which is that of the first row. Without
    `subselect` no fields of nested objects are compiled.
    """
    if not rows:
        return None
    key = row_type, layout_of(rows[0])
    try:
        return selection.compiled[key]
    except KeyError:
        compiled = _compile(selection, subselect, *key)
        if len(selection.compiled) >= MAX_COMPILED:
            selection.compiled.clear()
        selection.compiled[key] = compiled
        return compiled


def _compile(
    selection: Selection,
    subselect: SubselectField | None,
    row_type: RowType[Any],
    layout: RowLayout,
) -> CompiledSelection | None:
    single = _SingleRowGenerator(selection, subselect, row_type, layout)
    columns = _ColumnsGenerator(selection, subselect, row_type, layout)
    indexes = [index for index, _ in single.other_fields]
    if not single.compiled_fields:
        return None
    return CompiledSelection(
        single.function(indexes),
        columns.function(indexes),
        single.compiled_fields,
        single.other_fields,
    )


class _CodeGenerator(ABC):
    """Generates the code of a function that builds the objects of a selection from rows."""

    def __init__(
        self,
        selection: Selection,
        subselect: SubselectField | None,
        row_type: RowType[Any],
        layout: RowLayout,
    ) -> None:
        self.selection = selection
        self.subselect = subselect
        self.row_type = row_type
        self.layout = layout
        self.names: dict[str, Any] = {
            "chain": chain.from_iterable,
            "to_rows": to_rows,
            "islice": islice,
            "split": split,
        }
        self.lines: list[str] = []
        self.cells: dict[int, str] = {}
        self.constants: dict[int, str] = {}
        self.serialized: dict[Serialize, list[SerializedColumn]] = {}
        self.compiled_fields: IndexedFields = []
        self.other_fields: IndexedFields = []
        for index, field in selection.indexed_fields:
            compiles = self._compile_field(index, field)
            (self.compiled_fields if compiles else self.other_fields).append((index, field))
        for serialize, columns in self.serialized.items():
            self._serialize_together(serialize, columns)

    @abstractmethod
    def _row_columns(self) -> str:
        """Expression: the columns of the rows."""

    @abstractmethod
    def _converted_values(self, index: int, column: int) -> str:
        """Expression: a column's values, converted by a function of the row type."""

    @abstractmethod
    def _computed_values(self, index: int) -> str:
        """Expression: what a function of the row type returns for each row."""

    @abstractmethod
    def _enum_names(self, index: int, values: str) -> str:
        """Expression: the names of members of an enum."""

    @abstractmethod
    def _are_expected(self, index: int, values: str) -> str:
        """Condition: the values are of the expected types."""

    @abstractmethod
    def _are_serializable(self, index: int, values: str, *, nullable: bool) -> str:
        """Condition: the values, which are of the expected types, are within the scalar's range."""

    @abstractmethod
    def _nested_rows(self, column: int, width: int) -> str:
        """Expression: all rows in the lists of a column."""

    @abstractmethod
    def _nested_lists(self, index: int, column: int, width: int) -> str:
        """Expression: the nested objects, as one list per row again."""

    @abstractmethod
    def _non_null_values(self, columns: list[SerializedColumn]) -> str:
        """Expression: all non-null values of several columns, as one list."""

    @abstractmethod
    def _next_values(self, key: int, values: str, *, nullable: bool) -> str:
        """Expression: this column's values from the shared iterator of serialized values."""

    @abstractmethod
    def _other_column(self, number: int) -> str:
        """Expression: the column of a field that isn't compiled, an argument of the function."""

    @abstractmethod
    def _objects(self) -> str:
        """Expression: the list of all objects."""

    def _compile_field(self, index: int, field: PlannedField) -> bool:
        """Generate code that reads and completes a field; False if the field can't be compiled."""
        if field.definition is TypeNameMetaFieldDef:
            self.constants[index] = repr(field.parent_type.name)
            return True
        column = self._prefetched_column(field)
        if column is not None and field.strategy.batch_serializer is None:
            return self._compile_nested(index, field, column)
        source = self._attribute_source(field) if column is None else column
        if source is None or field.strategy.batch_serializer is None:
            return False
        values = self._attribute_values(index, source)
        if values is None:
            return False
        self._complete(index, field, values)
        return True

    def _prefetched_column(self, field: PlannedField) -> str | None:
        """The column of the rows in which a loaded field's values were prefetched, if any."""
        loading = field.strategy.loading
        columns = () if loading is None else loading.prefetched_columns
        return next((column for column in columns if self._column_index(column) is not None), None)

    def _attribute_source(self, field: PlannedField) -> Source | None:
        return (
            self.row_type.attributes.get(field.strategy.attribute)
            if field.strategy.attribute
            else None
        )

    def _column_index(self, column: str | int) -> int | None:
        """The index of a column in the rows; None if they don't have it."""
        kind, columns = self.layout
        if isinstance(columns, int):
            return column if isinstance(column, int) and column < columns else None
        if isinstance(column, int) and not issubclass(kind, Mapping):
            return column if column < len(columns) else None
        return columns.index(column) if column in columns else None

    def _attribute_values(self, index: int, source: Source) -> str | None:
        """The name in the code of an attribute's values; None if the rows lack its column."""
        if isinstance(source, (str, int)):
            column = self._column_index(source)
            return None if column is None else f"c{column}"
        if isinstance(source, ConvertedColumn):
            column = self._column_index(source.column)
            if column is None:
                return None
            self.names[f"f{index}"] = source.convert
            self.lines.append(f"v{index} = {self._converted_values(index, column)}")
        else:
            self.names[f"f{index}"] = source
            self.lines.append(f"v{index} = {self._computed_values(index)}")
        return f"v{index}"

    def _complete(self, index: int, field: PlannedField, values: str) -> None:
        """Generate code that completes the values of a leaf."""
        serializer = field.strategy.batch_serializer
        assert serializer is not None
        if serializer.names_by_id is not None:
            self.names[f"n{index}"] = serializer.names_by_id.__getitem__
            self.cells[index] = self._enum_names(index, values)
        elif serializer.serialize is not None:
            together = self.serialized.setdefault(serializer.serialize, [])
            together.append((index, values, serializer.nullable))
            self.cells[index] = f"w{index}"
        else:
            self.names[f"k{index}"] = serializer.types
            self._check(self._are_expected(index, values))
            if serializer.is_serializable is not None:
                self.names[f"g{index}"] = serializer.is_serializable
                self._check(self._are_serializable(index, values, nullable=serializer.nullable))
            self.cells[index] = values

    def _check(self, condition: str) -> None:
        self.lines.append(f"if not ({condition}): return None")

    def _compile_nested(self, index: int, field: PlannedField, column: str) -> bool:
        """Generate code that turns lists of rows in a column into lists of objects."""
        loading, list_type = field.strategy.loading, get_nullable_type(field.type)
        if loading is None or loading.row_type is None or not is_list_type(list_type):
            return False
        row_type, type_ = loading.row_type, get_nullable_type(list_type.of_type)
        if not is_object_type(type_) or origin_of(type_) is not row_type.type:
            return False
        nested = _nested_builder(field, type_, row_type, self.subselect) if self.subselect else None
        if nested is None:
            return False
        self.names[f"nested{index}"] = nested
        column_index = self._column_index(column)
        assert column_index is not None
        rows = self._nested_rows(column_index, loading.prefetched_columns[column])
        self.lines.append(f"m{index} = nested{index}({rows})")
        self._check(f"m{index} is not None")
        self.cells[index] = self._nested_lists(
            index, column_index, loading.prefetched_columns[column]
        )
        return True

    def _serialize_together(self, serialize: Serialize, columns: list[SerializedColumn]) -> None:
        """Generate code that serializes all values of a scalar at once, nullable columns first."""
        columns.sort(key=lambda column: not column[2])
        key = columns[0][0]
        self.names[f"s{key}"] = serialize
        self.lines.append(f"t{key} = s{key}({self._non_null_values(columns)})")
        self._check(f"t{key} is not None")
        self.lines.append(f"i{key} = iter(t{key})")
        self.lines += [
            f"w{index} = {self._next_values(key, values, nullable=nullable)}"
            for index, values, nullable in columns
        ]

    def function(self, other_fields: list[int]) -> MakeObjects:
        """Compile the code; `other_fields` are the indexes of the fields that aren't in it."""
        _, columns = self.layout
        number = columns if isinstance(columns, int) else len(columns)
        unpacked = "".join(f"c{index}, " for index in range(number))
        body = [f"{unpacked}= {self._row_columns()}" if number else "pass", *self.lines]
        for n, index in enumerate(other_fields):
            self.cells[index] = self._other_column(n)
        body.append(f"return {self._objects()}")
        text = "def make(rows, extras, other_columns):\n " + "\n ".join(body)
        # All names in the code are chosen here, except response names: these are GraphQL names,
        # which consist of letters, digits and underscores.
        assert all(map(str.isidentifier, self.selection.names))
        exec(_code_of(text), self.names)  # noqa: S102 - all names are safe, as said above
        # In its own globals it would form a reference cycle, which would keep the documents of its
        # selection until the garbage collector runs.
        make: MakeObjects = self.names.pop("make")
        return make

    def _object(self, cells: Mapping[int, str]) -> str:
        """Expression: an object with these cells."""
        named = enumerate(self.selection.names)
        pairs = (f"{name!r}: {self.constants.get(p) or cells[p]}" for p, name in named)
        return f"{{{', '.join(pairs)}}}"

    @property
    def _has_named_columns(self) -> bool:
        kind, _ = self.layout
        return issubclass(kind, Mapping)


class _ColumnsGenerator(_CodeGenerator):
    """Generates the function for many rows, which works on whole columns."""

    def _row_columns(self) -> str:
        if not self._has_named_columns:
            return "zip(*rows, strict=True)"
        # Read by key, since mappings may have the same keys in another order.
        self.names["columns"] = self.layout[1]
        return "zip(*([row[one] for one in columns] for row in rows), strict=True)"

    def _converted_values(self, index: int, column: int) -> str:
        return f"list(map(f{index}, c{column}))"

    def _computed_values(self, index: int) -> str:
        return f"[f{index}(row, *extras) for row in rows]"

    def _enum_names(self, index: int, values: str) -> str:
        return f"map(n{index}, map(id, {values}))"

    def _are_expected(self, index: int, values: str) -> str:
        return f"k{index}.issuperset(map(type, {values}))"

    def _are_serializable(self, index: int, values: str, *, nullable: bool) -> str:
        present = f"[x for x in {values} if x is not None]" if nullable else values
        return f"all(map(g{index}, {present}))"

    def _nested_rows(self, column: int, width: int) -> str:
        rows = f"chain(c{column})"
        return f"to_rows({rows}, {width})" if width else f"list({rows})"

    def _nested_lists(self, index: int, column: int, width: int) -> str:
        return f"split(m{index}, c{column}, {width or 1})"

    def _non_null_values(self, columns: list[SerializedColumn]) -> str:
        parts = (
            f"*[x for x in {values} if x is not None]" if nullable else f"*{values}"
            for _, values, nullable in columns
        )
        return f"[{', '.join(parts)}]"

    def _next_values(self, key: int, values: str, *, nullable: bool) -> str:
        if nullable:
            return f"[None if x is None else next(i{key}) for x in {values}]"
        return f"list(islice(i{key}, len(rows)))"

    def _other_column(self, number: int) -> str:
        return f"other_columns[{number}]"

    def _objects(self) -> str:
        built = self._object({index: f"x{index}" for index in self.cells})
        if not self.cells:
            return f"[{built} for _ in rows]"
        each = "".join(f"x{index}, " for index in self.cells)
        return f"[{built} for {each}in zip({', '.join(self.cells.values())})]"


class _SingleRowGenerator(_CodeGenerator):
    """Generates the function for a single row, which works on its values."""

    def _row_columns(self) -> str:
        if not self._has_named_columns:
            return "rows[0]"
        self.names["columns"] = self.layout[1]
        return "[rows[0][one] for one in columns]"

    def _converted_values(self, index: int, column: int) -> str:
        return f"f{index}(c{column})"

    def _computed_values(self, index: int) -> str:
        return f"f{index}(rows[0], *extras)"

    def _enum_names(self, index: int, values: str) -> str:
        return f"n{index}(id({values}))"

    def _are_expected(self, index: int, values: str) -> str:
        return f"type({values}) in k{index}"

    def _are_serializable(self, index: int, values: str, *, nullable: bool) -> str:
        return f"{values} is None or g{index}({values})" if nullable else f"g{index}({values})"

    def _nested_rows(self, column: int, width: int) -> str:
        return f"to_rows(c{column}, {width})" if width else f"list(c{column})"

    def _nested_lists(self, index: int, _column: int, _width: int) -> str:
        return f"m{index}"

    def _non_null_values(self, columns: list[SerializedColumn]) -> str:
        values = "".join(f"{values}, " for _, values, _ in columns)
        return f"[x for x in ({values}) if x is not None]"

    def _next_values(self, key: int, values: str, *, nullable: bool) -> str:
        return f"None if {values} is None else next(i{key})" if nullable else f"next(i{key})"

    def _other_column(self, number: int) -> str:
        return f"other_columns[{number}][0]"

    def _objects(self) -> str:
        return f"[{self._object(self.cells)}]"


def _nested_builder(
    field: PlannedField, type_: GraphQLObjectType, row_type: RowType[Any], subselect: SubselectField
) -> Callable[[list[Any]], list[dict[str, Any]] | None] | None:
    """A function that builds a field's nested objects from rows; None if some field needs more."""
    try:
        selection = subselect(field, type_)
    except (GraphQLError, RecursionError):
        return None
    if not all(_is_leaf_of_row(chosen, row_type) for chosen in selection.fields):
        return None

    def make(rows: list[Any]) -> list[dict[str, Any]] | None:
        if not rows:
            return []
        compiled = compile_selection(selection, None, row_type, rows)
        return None if compiled is None or compiled.other_fields else compiled.make(rows, (), [])

    return make


def _is_leaf_of_row(field: PlannedField, row_type: RowType[Any]) -> bool:
    """Whether a field is a leaf whose value is in the row."""
    if field.definition is TypeNameMetaFieldDef:
        return True
    return (
        field.strategy.batch_serializer is not None
        and field.strategy.attribute in row_type.attributes
    )


@lru_cache(maxsize=1024)
def _code_of(text: str) -> CodeType:
    """The code of a function, shared by selections that differ only in the values of its names."""
    return compile(text, "<compiled selection>", "exec")
