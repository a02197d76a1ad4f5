"""The plan of a selection: its fields, how each is resolved and how it is completed.

Names of algorithms are those of https://spec.graphql.org/September2025/#sec-Execution.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    TypeNameMetaFieldDef,
    get_named_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList

from todo_gql.execution.arguments import ArgumentReader, argument_reader
from todo_gql.execution.attributes import attributes_reader
from todo_gql.execution.columns import Column, ValueTypes
from todo_gql.execution.leaf_serializers import BatchSerializer
from todo_gql.execution.loaded_fields import Loading
from todo_gql.execution.paths import ResponsePaths


class Resolve(Protocol):
    """Resolves a field for all sources at once (ResolveFieldValue)."""

    def __call__(
        self, execution: Any, field: "PlannedField", sources: Sequence[Any], paths: ResponsePaths, /
    ) -> Column | Coroutine[Any, Any, Column]:
        """The field's value for each source, an exception where resolving it failed."""


class Complete(Protocol):
    """Completes a column of values (CompleteValue)."""

    def __call__(
        self,
        execution: Any,
        field: "PlannedField",
        values: Sequence[Any],
        value_types: ValueTypes,
        paths: ResponsePaths,
        /,
    ) -> Sequence[Any]:
        """The values as the response holds them; errors are reported by `execution.fail`."""


class Subselect(Protocol):
    """Collects the fields that are selected of a field's objects (CollectSubfields)."""

    def __call__(
        self, execution: Any, field: "PlannedField", type_: GraphQLObjectType, /
    ) -> "Selection":
        """The selection for objects of one type; raises `GraphQLError` if it can't be collected."""


class FieldStrategy(NamedTuple):
    """How a field of a type is resolved and completed, in any document.

    `attribute` is set if its value is an attribute of the object, `loading` if a loader resolves
    it, and `batch_serializer` if it is a leaf of which whole columns can be serialized.
    """

    resolve: Resolve
    complete: Complete
    attribute: str | None
    loading: Loading[Any, Any, Any, Any] | None
    batch_serializer: BatchSerializer | None


@dataclass(slots=True, eq=False)
class PlannedField:
    """A field of a selection, in which all nodes of the same response name are merged."""

    name: str
    details: FieldDetailsList
    definition: GraphQLField
    parent_type: GraphQLObjectType
    strategy: FieldStrategy
    subselect: Subselect
    resolve: Resolve = field(init=False)
    complete: Complete = field(init=False)
    selections: dict[GraphQLObjectType, "Selection"] = field(default_factory=dict)
    nullable: bool = field(init=False)
    type: GraphQLOutputType = field(init=False)
    field_name: str = field(init=False)
    nodes: list[FieldNode] = field(init=False)
    read_arguments: ArgumentReader = field(init=False)

    def __post_init__(self) -> None:
        self.resolve, self.complete = self.strategy.resolve, self.strategy.complete
        self.type = self.definition.type
        self.nodes = [detail.node for detail in self.details]
        self.field_name = self.nodes[0].name.value
        self.nullable = not is_non_null_type(self.type)
        self.read_arguments = argument_reader(self.definition, self.nodes[0])

    def selects_only_leaves(self, execution: object) -> bool:
        """Whether only leaves that are attributes are selected of the field's objects."""
        named = get_named_type(self.type)
        try:
            return is_object_type(named) and self.subselect(execution, self, named).has_only_leaves
        except (GraphQLError, RecursionError):
            return False


IndexedFields: TypeAlias = list[tuple[int, PlannedField]]
"""Fields with their indexes in the selection."""


class MakeObjects(Protocol):
    """A compiled function that builds the objects of a selection from rows."""

    def __call__(
        self,
        rows: Sequence[Any],
        extras: tuple[Any, ...],
        other_columns: list[Sequence[Any]],
        /,
    ) -> list[dict[str, Any]] | None:
        """The objects; None if a value isn't as expected."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSelection:
    """Functions compiled for a selection of rows of one type and layout.

    They read and complete `compiled_fields`; the completed columns of `other_fields` are arguments.
    `make_one` is for a single row, `make_many` for any number of rows.
    """

    make_one: MakeObjects
    make_many: MakeObjects
    compiled_fields: IndexedFields
    other_fields: IndexedFields

    def make(
        self, rows: Sequence[Any], extras: tuple[Any, ...], other_columns: list[Sequence[Any]]
    ) -> list[dict[str, Any]] | None:
        """The objects of these rows; None if a value isn't as expected.

        `extras` are the further arguments of the row type's functions.
        """
        make = self.make_one if len(rows) == 1 else self.make_many
        return make(rows, extras, other_columns)


BuildObjects: TypeAlias = Callable[[list[Sequence[Any]]], list[dict[str, Any]]]
"""Builds a dictionary for each object, from one column for each field of a selection."""


@dataclass(eq=False)
class Selection:
    """What is selected of objects of one type.

    `attribute_fields` are the fields whose values are attributes, `other_fields` all others, and
    `indexed_fields` both. `compiled` holds the compiled forms for rows, by row type and layout.
    """

    fields: Sequence[PlannedField]
    names: tuple[str, ...] = field(init=False)
    build_objects: BuildObjects = field(init=False)
    indexed_fields: IndexedFields = field(init=False)
    attribute_fields: IndexedFields = field(init=False)
    other_fields: IndexedFields = field(init=False)
    has_only_leaves: bool = field(init=False)
    read_attributes: Callable[[Sequence[Any]], list[Sequence[Any]] | None] = field(init=False)
    compiled: dict[Any, CompiledSelection | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = tuple(field.name for field in self.fields)
        self.build_objects = _object_builder(self.names)
        self.indexed_fields = list(enumerate(self.fields))
        self.attribute_fields = [
            (n, planned) for n, planned in self.indexed_fields if planned.strategy.attribute
        ]
        self.other_fields = [
            (n, planned) for n, planned in self.indexed_fields if not planned.strategy.attribute
        ]
        self.has_only_leaves = all(
            planned.strategy.batch_serializer
            and (planned.strategy.attribute or planned.definition is TypeNameMetaFieldDef)
            for planned in self.fields
        )
        self.read_attributes = attributes_reader(
            [str(planned.strategy.attribute) for _, planned in self.attribute_fields]
        )


@lru_cache(maxsize=1024)
def _object_builder(names: tuple[str, ...]) -> BuildObjects:
    """The function that builds a dictionary for each object from columns with these names.

    A dictionary display with constant keys takes Python half the time of `dict(zip(…))`.
    """
    if not names:
        return lambda _columns: []
    cells = "".join(f"cell_{index}, " for index in range(len(names)))
    pairs = ", ".join(f"{name!r}: cell_{index}" for index, name in enumerate(names))
    code = f"lambda columns: [{{{pairs}}} for {cells} in zip(*columns)]"
    # GraphQL names consist of letters, digits and underscores.
    assert all(map(str.isidentifier, names))
    builder: BuildObjects = eval(code)  # noqa: S307 - all names are checked
    return builder
