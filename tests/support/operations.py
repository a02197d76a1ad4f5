"""Operations written from the schema itself, so that no field of it can be forgotten."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    parse,
    visit,
)

from todo_gql.schema import graphql_schema

SCHEMA = graphql_schema()
ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}

# What only superusers may ask for; everybody else is told so.
ADMINISTRATION = {("Query", "users"), ("Mutation", "userAdminUpdate")}

# A value of each scalar, to fill in what has to be there.
SAMPLES: dict[str, Any] = {
    "Boolean": True,
    "Date": "2030-01-01",
    "DateTime": "2030-01-01T00:00:00Z",
    "Duration": "-PT15M",
    "Float": 1.5,
    "ID": "01890a5d-ac96-774b-bcce-b302099a8057",
    "Int": 7,
    "JSON": {"sample": True},
    "String": "Sample1",
    "TimeZone": "Europe/Berlin",
}

# Where any text won't do.
SAMPLES_OF_INPUTS: dict[str, dict[str, Any]] = {
    "RecurrenceInput": {"rule": "FREQ=DAILY"},
    "WebhookCreateInput": {"url": "https://example.com/", "types": ["*"]},
}

# Texts that have a form of their own.
SAMPLES_OF_NAMES = {"sha256": "0" * 64, "contentType": "text/plain"}

# All fields of pages of fifty would cost more than an operation may.
SMALL_PAGE = "(first: 4)"
PAGING = {"first", "last", "before"}

TEXTS = {"ID", "String"}

# Interfaces whose types are had by them alone; a step of a way names the type behind this sign.
TOLD_BY_FRAGMENTS = {"Job"}
FRAGMENT = ">"

Coordinate: TypeAlias = tuple[str, str]
"""A type and one of its fields."""

Path: TypeAlias = tuple[str, ...]
"""The names that lead into an argument, its own first."""


def object_types() -> Iterator[GraphQLObjectType]:
    """Every object type that clients can meet."""
    for name, kind in SCHEMA.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            yield kind


def field_of(coordinate: Coordinate) -> GraphQLField:
    """The definition of a field."""
    kind = SCHEMA.type_map[coordinate[0]]
    assert isinstance(kind, GraphQLObjectType)
    field: GraphQLField = kind.fields[coordinate[1]]
    return field


def root_fields(operation: str) -> list[Coordinate]:
    """The fields of `query`, `mutation` or `subscription`."""
    kind = SCHEMA.type_map[ROOTS[operation]]
    assert isinstance(kind, GraphQLObjectType)
    return [(kind.name, name) for name in kind.fields]


def asks_nothing(field: GraphQLField) -> bool:
    """Whether a field can be selected without arguments."""
    return not any(is_required_argument(argument) for argument in field.args.values())


def is_leaf(field: GraphQLField) -> bool:
    """Whether a field's value has no fields of its own."""
    return is_leaf_type(get_named_type(field.type))


def shape(field: GraphQLField) -> str:
    """What fields of one response name have in common in all types: lists, nulls and scalars."""
    text = str(field.type)
    return text if is_leaf(field) else text.replace(get_named_type(field.type).name, "")


def conflicting(possible: Iterable[GraphQLObjectType]) -> set[str]:
    """The fields that can't be selected of several types under one name."""
    shapes: dict[str, set[str]] = {}
    for kind in possible:
        for name, field in kind.fields.items():
            shapes.setdefault(name, set()).add(shape(field))
    return {name for name, found in shapes.items() if len(found) > 1}


def selection(
    kind: Any, depth: int, aliased: Collection[str] = (), only: Collection[str] | None = None
) -> str:
    """All that can be selected of a type without arguments, so many objects deep; `only` leaves of some types."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        possible = SCHEMA.get_possible_types(named)
        aliased = conflicting(possible)
        # All nodes with objects of their own are more tokens than a document may have, and so is all that
        # nodes in two fields of it have beside ids and texts.
        only = TEXTS if named.name == "Node" and depth < 1 else None
        depth = 0 if named.name == "Node" else depth
        parts = [f"... on {each.name} {selection(each, depth, aliased, only)}" for each in possible]
    else:
        assert isinstance(named, GraphQLObjectType)
        parts = [
            f"{f'{name}Of{named.name}: ' if name in aliased else ''}"
            f"{name}{SMALL_PAGE if 'first' in field.args else ''} {selection(field.type, depth - 1)}"
            for name, field in named.fields.items()
            if asks_nothing(field) and (depth > 0 or is_leaf(field))
            if only is None or get_named_type(field.type).name in only
        ]
    return f"{{ __typename {' '.join(parts)} }}"


@cache
def ways() -> dict[str, tuple[str, ...]]:
    """The shortest way from a query to each object type that everybody can go without arguments."""
    found: dict[str, tuple[str, ...]] = {"Query": ()}
    waiting = ["Query"]
    for name in waiting:
        kind = SCHEMA.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        for field_name, field in kind.fields.items():
            if not asks_nothing(field) or (name, field_name) in ADMINISTRATION:
                continue
            for target, step in _steps(field_name, field):
                if target not in found:
                    found[target] = (*found[name], step)
                    waiting.append(target)
    return found


def _steps(name: str, field: GraphQLField) -> Iterator[tuple[str, str]]:
    """The object types that a field leads to, and a step of a way to each."""
    target = get_named_type(field.type)
    if isinstance(target, GraphQLObjectType):
        yield target.name, name
    elif isinstance(target, GraphQLInterfaceType) and target.name in TOLD_BY_FRAGMENTS:
        for possible in SCHEMA.get_possible_types(target):
            yield possible.name, f"{name}{FRAGMENT}{possible.name}"


def enclosed(way: tuple[str, ...], inside: str) -> str:
    """A selection at the end of a way, in small pages."""
    kind, parts, depth = SCHEMA.type_map["Query"], list[str](), 0
    for step in way:
        assert isinstance(kind, GraphQLObjectType)
        name, _, possible = step.partition(FRAGMENT)
        field = kind.fields[name]
        parts.append(f"{name}{SMALL_PAGE if 'first' in field.args else ''} {{ ")
        parts += [f"... on {possible} {{ "] if possible else []
        depth += 2 if possible else 1
        kind = SCHEMA.type_map[possible] if possible else get_named_type(field.type)
    return "".join(parts) + inside + " }" * depth


def reached(data: Any, way: tuple[str, ...]) -> list[Any]:
    """What an answer's data holds at the end of a way, lists flattened."""
    found = [data]
    for name in (step.partition(FRAGMENT)[0] for step in way):
        # Objects of other types than the fragment's have nothing.
        values = [each[name] for each in found if each]
        found = []
        for value in values:
            found += value if isinstance(value, list) else [value]
    return found


# Days, of which a todo has one or the moment in place of it.
IN_PLACE_OF_OTHERS = frozenset({"dueDate", "startDate"})


def samples(kind: GraphQLInputType) -> list[Any]:
    """Values of an input type, more than one if the client has to choose between its fields."""
    if isinstance(kind, GraphQLNonNull):
        return samples(kind.of_type)
    if isinstance(kind, GraphQLList):
        return [[value] for value in samples(kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return [list(kind.values)[-1]]
    if isinstance(kind, GraphQLInputObjectType):
        nests = any(get_named_type(field.type) is kind for field in kind.fields.values())
        fields = {
            name: samples(field.type)[0]
            for name, field in kind.fields.items()
            if not nests and name not in IN_PLACE_OF_OTHERS
        }
        fields |= {name: SAMPLES_OF_NAMES[name] for name in fields if name in SAMPLES_OF_NAMES}
        fields |= SAMPLES_OF_INPUTS.get(kind.name, {})
        if kind.extensions["strawberry-definition"].is_one_of:
            return [{name: value} for name, value in fields.items()]
        return [fields]
    return [SAMPLES[get_named_type(kind).name]]


def required_arguments(field: GraphQLField) -> dict[str, Any]:
    """A sample of every argument that a field can't do without."""
    return {
        name: samples(argument.type)[0]
        for name, argument in field.args.items()
        if is_required_argument(argument)
    }


def leaves(name: str, kind: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[Path, Any]]:
    """The path and type of every scalar in an argument, each input type at most twice on it."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType):
        yield (name,), kind
    elif above.count(named.name) < 2:
        for field_name, field in named.fields.items():
            for path, leaf in leaves(field_name, field.type, (*above, named.name)):
                yield (name, *path), leaf


def placed(kind: GraphQLInputType, path: Path, value: Any) -> Any:
    """A value of an input type that has `value` at the path and else only what it must have."""
    nullable = get_nullable_type(kind)
    if is_list_type(nullable):
        whole = isinstance(value, list) and not path
        return value if whole else [placed(nullable.of_type, path, value)]
    if not path:
        return value
    assert isinstance(nullable, GraphQLInputObjectType)
    given = {
        name: SAMPLES_OF_NAMES.get(name, samples(field.type)[0])
        for name, field in nullable.fields.items()
        if str(field.type).endswith("!")
    }
    own = SAMPLES_OF_INPUTS.get(nullable.name, {})
    given |= {name: sample for name, sample in own.items() if name in given}
    given[path[0]] = placed(nullable.fields[path[0]].type, path[1:], value)
    return given


@dataclass(frozen=True)
class Call:
    """A field with arguments, asked for where it can be had."""

    coordinate: Coordinate
    depth: int = 2

    @property
    def operation(self) -> str:
        """Whether it is asked by a query, a mutation or a subscription."""
        kinds = {root: operation for operation, root in ROOTS.items()}
        return kinds.get(self.coordinate[0], "query")

    @property
    def way(self) -> tuple[str, ...]:
        """The way to the object that has the field."""
        return () if self.operation != "query" else ways()[self.coordinate[0]]

    def document(self, arguments: dict[str, Any]) -> str:
        """The operation with a variable for each of these arguments."""
        field, name = field_of(self.coordinate), self.coordinate[1]
        defined = ", ".join(f"${each}: {field.args[each].type}" for each in arguments)
        given = ", ".join(f"{each}: ${each}" for each in arguments)
        if self.way and "first" in field.args and not PAGING & arguments.keys():
            given = ", ".join(filter(None, [given, SMALL_PAGE.strip("()")]))
        # Things of any type are asked for what is their own: more is too long for a document.
        leads_anywhere = isinstance(get_named_type(field.type), GraphQLInterfaceType)
        depth = min(self.depth, 1) if leads_anywhere else self.depth
        asked = f"{name}{f'({given})' if given else ''} {selection(field.type, depth)}"
        head = f"{self.operation}{f' ({defined})' if defined else ''}"
        return f"{head} {{ {enclosed(self.way, asked)} }}"


def coordinates_in(document: str) -> set[Coordinate]:
    """The fields of object types that a document asks for."""
    types, found = TypeInfo(SCHEMA), set[Coordinate]()

    class Noting(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if parent is not None and not node.name.value.startswith("__"):
                found.add((parent.name, node.name.value))

    visit(parse(document), TypeInfoVisitor(types, Noting()))
    return found
