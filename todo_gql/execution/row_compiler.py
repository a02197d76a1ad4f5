"""Compiling selections: a function, generated for a selection of rows, that builds their objects.

A small response is complete by the time that a walk over its plan would have begun, and of a large
one each value is touched by as little Python code as possible. For the selection
`{ id status dueAt tags { name } }` of rows whose columns are `id`, `status`, `due_at` and
`tag_rows`, the function for many rows is

    def make(rows, extras, other_columns):
        c0, c1, c2, c3, = zip(*rows, strict=True)
        v0 = list(map(f0, c0))                              # str, as the row type says
        if not (k0.issuperset(map(type, v0))): return None
        v1 = list(map(f1, c1))                              # the members of the enum
        m3 = nested3(list(chain(c3)))                       # all tags of all todos
        if not (m3 is not None): return None
        t2 = s2([*[x for x in c2 if x is not None], ])      # all times, whatever their column
        if not (t2 is not None): return None
        i2 = iter(t2)
        w2 = [None if x is None else next(i2) for x in c2]
        return [
            {'id': x0, 'status': x1, 'dueAt': x2, 'tags': x3}
            for x0, x1, x2, x3, in zip(v0, map(n1, map(id, v1)), w2, split(m3, c3))
        ]

and for a single row

    def make(rows, extras, other_columns):
        c0, c1, c2, c3, = rows[0]
        v0 = f0(c0)
        if not (type(v0) in k0): return None
        v1 = f1(c1)
        m3 = nested3(list(c3))
        if not (m3 is not None): return None
        t2 = s2([x for x in (c2, ) if x is not None])
        if not (t2 is not None): return None
        i2 = iter(t2)
        w2 = None if c2 is None else next(i2)
        return [{'id': v0, 'status': n1(id(v1)), 'dueAt': w2, 'tags': m3}]

It takes the engine 26 µs instead of 61 for a todo with ten fields and its tags, and 71 instead of 110
for 20 of them (ADR 28). It costs a second path for the same values, which `test_rows.py` compares with
graphql-core, and the code of 1,024 functions in memory at most. `compile_selection` is all of it that
others call.

The letters are explained in `row_templates`, which has the expressions for both.

Where any value isn't as expected, the functions return None or raise. Then the fields are executed
one by one, as without compiled functions, which finds out what is wrong and with which value.
"""

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
from todo_gql.execution.plan import (
    CompiledSelection,
    IndexedFields,
    MakeObjects,
    PlannedField,
    Selection,
)
from todo_gql.execution.row_templates import COLUMNS, SINGLE_ROW, Templates
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
    single = _CodeGenerator(SINGLE_ROW, selection, subselect, row_type, layout)
    columns = _CodeGenerator(COLUMNS, selection, subselect, row_type, layout)
    indexes = [index for index, _ in single.other_fields]
    if not single.compiled_fields:
        return None
    return CompiledSelection(
        single.function(indexes),
        columns.function(indexes),
        single.compiled_fields,
        single.other_fields,
    )


class _CodeGenerator:
    """Generates the code of a function that builds the objects of a selection from rows."""

    def __init__(
        self,
        templates: Templates,
        selection: Selection,
        subselect: SubselectField | None,
        row_type: RowType[Any],
        layout: RowLayout,
    ) -> None:
        self.templates = templates
        self.selection = selection
        self.subselect = subselect
        self.row_type = row_type
        self.layout = layout
        self.names: dict[str, Any] = {
            "chain": chain.from_iterable,
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
        column = None if loading is None else loading.prefetched_column
        return None if column is None or self._column_index(column) is None else column

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
            converted = self.templates.converted.format(index=index, column=column)
            self.lines.append(f"v{index} = {converted}")
        else:
            self.names[f"f{index}"] = source
            self.lines.append(f"v{index} = {self.templates.computed.format(index=index)}")
        return f"v{index}"

    def _complete(self, index: int, field: PlannedField, values: str) -> None:
        """Generate code that completes the values of a leaf."""
        serializer, templates = field.strategy.batch_serializer, self.templates
        assert serializer is not None
        if serializer.names_by_id is not None:
            self.names[f"n{index}"] = serializer.names_by_id.__getitem__
            self.cells[index] = templates.enum.format(index=index, values=values)
        elif serializer.serialize is not None:
            together = self.serialized.setdefault(serializer.serialize, [])
            together.append((index, values, serializer.nullable))
            self.cells[index] = f"w{index}"
        else:
            self.names[f"k{index}"] = serializer.types
            self._check(templates.are_expected.format(index=index, values=values))
            if serializer.is_serializable is not None:
                self.names[f"g{index}"] = serializer.is_serializable
                nullable = serializer.nullable
                check = templates.are_null_or_in_range if nullable else templates.are_in_range
                self._check(check.format(index=index, values=values))
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
        numbers = {"index": index, "column": self._column_index(column)}
        rows = self.templates.nested_rows.format(**numbers)
        self.lines.append(f"m{index} = nested{index}({rows})")
        self._check(f"m{index} is not None")
        self.cells[index] = self.templates.nested.format(**numbers)
        return True

    def _serialize_together(self, serialize: Serialize, columns: list[SerializedColumn]) -> None:
        """Generate code that serializes all values of a scalar at once, nullable columns first."""
        columns.sort(key=lambda column: not column[2])
        key, templates = columns[0][0], self.templates
        parts = "".join(
            (templates.nullable_part if nullable else templates.part).format(values=values)
            for _, values, nullable in columns
        )
        self.names[f"s{key}"] = serialize
        self.lines.append(f"t{key} = s{key}({templates.present.format(parts=parts)})")
        self._check(f"t{key} is not None")
        self.lines.append(f"i{key} = iter(t{key})")
        for index, values, nullable in columns:
            next_values = templates.nullable_next if nullable else templates.next
            self.lines.append(f"w{index} = {next_values.format(key=key, values=values)}")

    def function(self, other_fields: list[int]) -> MakeObjects:
        """Compile the code; `other_fields` are the indexes of the fields that aren't in it."""
        kind, columns = self.layout
        number = columns if isinstance(columns, int) else len(columns)
        unpacked = "".join(f"c{index}, " for index in range(number))
        has_names = issubclass(kind, Mapping)
        row_columns = self.templates.columns_by_name if has_names else self.templates.columns
        self.names["columns"] = columns
        body = [f"{unpacked}= {row_columns}" if number else "pass", *self.lines]
        for n, index in enumerate(other_fields):
            self.cells[index] = self.templates.other_column.format(number=n)
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

    def _objects(self) -> str:
        """Expression: the list of all objects."""
        templates = self.templates
        cells = {
            index: templates.cell.format(index=index, values=values)
            for index, values in self.cells.items()
        }
        pairs = (
            f"{name!r}: {self.constants.get(index) or cells[index]}"
            for index, name in enumerate(self.selection.names)
        )
        return (templates.objects if cells else templates.constant_objects).format(
            object=f"{{{', '.join(pairs)}}}",
            cells="".join(f"{cell}, " for cell in cells.values()),
            values=", ".join(self.cells.values()),
        )


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
