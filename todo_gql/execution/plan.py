"""The plan of a selection: its fields, how each is had and how it is completed."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

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

from todo_gql.execution.arguments import Given, argument_reader
from todo_gql.execution.attributes import attributes_reader
from todo_gql.execution.columns import Column
from todo_gql.execution.leaf_serializers import BatchSerializer
from todo_gql.execution.loaded_fields import Loading

Resolve: TypeAlias = Callable[..., Column | Coroutine[Any, Any, Column]]
"""`resolve(execution, field, sources, paths)`: the field's values for all sources."""

Complete: TypeAlias = Callable[..., Sequence[Any]]
"""`complete(execution, field, values, value_types, paths)`: the values as the answer holds them."""

Subselect: TypeAlias = Callable[..., "Selection"]
"""`subselect(execution, field, type)`: what is selected of a field's objects of one type."""


class Way(NamedTuple):
    """How a field of a type is dealt with, whatever the document.

    `attribute` is what its value is read from, if it is no more than that, `loading` how it is
    loaded, if it is, and `batch_serializer` completes the columns of a leaf that need no look at each value.
    """

    resolve: Resolve
    complete: Complete
    attribute: str | None
    loading: Loading[Any, Any, Any, Any] | None
    batch_serializer: BatchSerializer | None


@dataclass(slots=True, eq=False)
class PlannedField:
    """A field of a selection, the same one merged."""

    name: str
    details: FieldDetailsList
    definition: GraphQLField
    parent_type: GraphQLObjectType
    way: Way
    subselect: Subselect
    resolve: Resolve = field(init=False)
    complete: Complete = field(init=False)
    selections: dict[GraphQLObjectType, "Selection"] = field(default_factory=dict)
    nullable: bool = field(init=False)
    type: GraphQLOutputType = field(init=False)
    field_name: str = field(init=False)
    nodes: list[FieldNode] = field(init=False)
    given: Given = field(init=False)

    def __post_init__(self) -> None:
        self.resolve, self.complete = self.way.resolve, self.way.complete
        self.type = self.definition.type
        self.nodes = [detail.node for detail in self.details]
        self.field_name = self.nodes[0].name.value
        self.nullable = not is_non_null_type(self.type)
        self.given = argument_reader(self.definition, self.nodes[0])

    def selects_only_leaves(self, execution: object) -> bool:
        """Whether all that is selected of the field's objects are attributes that are leaves."""
        named = get_named_type(self.type)
        try:
            return is_object_type(named) and self.subselect(execution, self, named).has_only_leaves
        except (GraphQLError, RecursionError):
            return False


Numbered: TypeAlias = list[tuple[int, PlannedField]]
"""Fields, and their indexes in the selection."""


MakeObjects: TypeAlias = Callable[
    [Sequence[Any], tuple[Any, ...], list[Sequence[Any]]], list[dict[str, Any]] | None
]
"""`make(rows, extras, other_columns)`: a selection's objects; None if a value isn't as expected."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSelection:
    """Functions compiled for a selection of rows of one type and layout.

    They read and complete `compiled_fields`; the completed columns of `other_fields` are arguments.
    `make_one` is for a single row, `make_many` for any number of rows.
    """

    make_one: MakeObjects
    make_many: MakeObjects
    compiled_fields: Numbered
    other_fields: Numbered

    def make(
        self, rows: Sequence[Any], extras: tuple[Any, ...], other_columns: list[Sequence[Any]]
    ) -> list[dict[str, Any]] | None:
        """The objects of these rows; None if a value isn't as expected.

        `extras` are the further arguments of the row type's functions.
        """
        make = self.make_one if len(rows) == 1 else self.make_many
        return make(rows, extras, other_columns)


@dataclass(eq=False)
class Selection:
    """What is selected of objects of one type.

    `attributes` are the fields that only read an attribute, `others` are all others, and `compiled`
    its compiled forms, by row type and layout.
    """

    fields: Sequence[PlannedField]
    names: tuple[str, ...] = field(init=False)
    rows: Callable[[list[Sequence[Any]]], list[dict[str, Any]]] = field(init=False)
    everything: Numbered = field(init=False)
    attributes: Numbered = field(init=False)
    others: Numbered = field(init=False)
    has_only_leaves: bool = field(init=False)
    read: Callable[[Sequence[Any]], list[Sequence[Any]] | None] = field(init=False)
    compiled: dict[Any, CompiledSelection | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = tuple(field.name for field in self.fields)
        self.rows = _row_maker(self.names)
        self.everything = list(enumerate(self.fields))
        self.attributes = [(n, one) for n, one in self.everything if one.way.attribute]
        self.others = [(n, one) for n, one in self.everything if not one.way.attribute]
        self.has_only_leaves = all(
            one.way.batch_serializer
            and (one.way.attribute or one.definition is TypeNameMetaFieldDef)
            for one in self.fields
        )
        self.read = attributes_reader([str(one.way.attribute) for _, one in self.attributes])


@lru_cache(maxsize=1024)
def _row_maker(
    names: tuple[str, ...],
) -> Callable[[list[Sequence[Any]]], list[dict[str, Any]]]:
    """What makes a dictionary for each object, of the columns of these names.

    Python builds a dictionary whose keys stand in the code in half the time of `dict(zip(…))`.
    """
    if not names:
        return lambda _columns: []
    cells = "".join(f"cell_{index}, " for index in range(len(names)))
    pairs = ", ".join(f"{name!r}: cell_{index}" for index, name in enumerate(names))
    code = f"lambda columns: [{{{pairs}}} for {cells} in zip(*columns)]"
    # Names are letters, digits and underscores: GraphQL knows no others.
    assert all(map(str.isidentifier, names))
    maker: Callable[[list[Sequence[Any]]], list[dict[str, Any]]] = eval(code)  # noqa: S307 - as said
    return maker
