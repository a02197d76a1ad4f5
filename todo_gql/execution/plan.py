"""The plan of a selection: its fields, how each is had and how it is completed."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLOutputType, is_non_null_type
from graphql.execution.collect_fields import FieldDetailsList

from todo_gql.execution.columns import Column

Resolve: TypeAlias = Callable[..., Column | Coroutine[Any, Any, Column]]
"""`resolve(execution, field, sources, places)`: the field's values for all sources."""

Complete: TypeAlias = Callable[..., Column]
"""`complete(execution, field, values, kinds, places)`: the values as the answer holds them."""

Subselect: TypeAlias = Callable[..., "Selection"]
"""`subselect(execution, field, type)`: what is selected of a field's objects of one type."""


@dataclass(slots=True, eq=False)
class PlannedField:
    """A field of a selection, the same one merged."""

    name: str
    details: FieldDetailsList
    definition: GraphQLField
    parent_type: GraphQLObjectType
    resolve: Resolve
    complete: Complete
    subselect: Subselect
    selections: dict[GraphQLObjectType, "Selection"] = field(default_factory=dict)
    nullable: bool = field(init=False)

    def __post_init__(self) -> None:
        self.nullable = not is_non_null_type(self.type)

    @property
    def type(self) -> GraphQLOutputType:
        """What the field returns."""
        return self.definition.type

    @property
    def field_name(self) -> str:
        """The field's name in the schema."""
        return self.details[0].node.name.value

    @property
    def nodes(self) -> list[FieldNode]:
        """Where the document asks for the field."""
        return [detail.node for detail in self.details]


@dataclass(slots=True, eq=False)
class Selection:
    """What is selected of objects of one type."""

    fields: Sequence[PlannedField]
    names: tuple[str, ...] = field(init=False)
    rows: Callable[[list[Column]], list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        self.names = tuple(field.name for field in self.fields)
        self.rows = _row_maker(self.names)


def _row_maker(names: Sequence[str]) -> Callable[[list[Column]], list[dict[str, Any]]]:
    """What makes a dictionary for each object, of the columns of these names.

    Python builds a dictionary whose keys stand in the code in half the time of `dict(zip(…))`.
    """
    if not names:
        return lambda _columns: []
    cells = "".join(f"cell_{place}, " for place in range(len(names)))
    pairs = ", ".join(f"{name!r}: cell_{place}" for place, name in enumerate(names))
    code = f"lambda columns: [{{{pairs}}} for {cells} in zip(*columns)]"
    # Names are letters, digits and underscores: GraphQL knows no others.
    assert all(map(str.isidentifier, names))
    maker: Callable[[list[Column]], list[dict[str, Any]]] = eval(code)  # noqa: S307 - as said
    return maker
