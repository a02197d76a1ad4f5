"""Operations made up at random from a schema, each reproducible by its number."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    OverlappingFieldsCanBeMergedRule,
    ValuesOfCorrectTypeRule,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    parse,
    validate,
)

Composite: TypeAlias = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType

Values: TypeAlias = dict[str, list[Any]]
"""Values of each scalar that arguments are made of, good ones and bad ones."""

MOST_FIELDS = 3

# The rules that an operation made up here may break; to check all would take most of the time.
RULES = (OverlappingFieldsCanBeMergedRule, ValuesOfCorrectTypeRule)


@dataclass(frozen=True)
class Generated:
    """A valid operation and its variables, which may be refused all the same."""

    text: str
    document: DocumentNode
    variables: dict[str, Any]


def generated(
    schema: GraphQLSchema, number: int, values: Values, *, kind: str = "query", depth: int = 3
) -> Generated:
    """The operation that has this number."""
    random = Random(number)
    while True:
        writer = _Writer(schema, random, values)
        text = writer.operation(kind, depth)
        document = parse(text)
        if not validate(schema, document, RULES):
            return Generated(text, document, writer.given)


@dataclass
class _Writer:
    schema: GraphQLSchema
    random: Random
    values: Values
    given: dict[str, Any] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0

    def often(self, chance: float) -> bool:
        return self.random.random() < chance

    def operation(self, kind: str, depth: int) -> str:
        root = self.schema.query_type if kind == "query" else self.schema.mutation_type
        assert root is not None
        selection = self.selection(root, depth)
        head = f"{kind} Q({', '.join(self.variables)})" if self.variables else kind
        return "\n".join([f"{head} {selection}", *self.fragments])

    def selection(self, parent: Composite, depth: int) -> str:
        parts: list[str] = []
        while not parts:
            for _ in range(self.random.randint(1, MOST_FIELDS)):
                parts += self.part(parent, depth)
        if self.often(0.2):
            # The same field again, to be merged.
            parts.append(self.random.choice(parts))
        return "{ " + " ".join(parts) + " }"

    def part(self, parent: Composite, depth: int) -> list[str]:
        ways: list[Callable[[Composite, int], list[str]]] = [self.one_field]
        if self.often(0.25):
            ways = [self.inline_fragment, self.spread]
        if isinstance(parent, GraphQLUnionType) or self.often(0.05):
            ways = [self.inline_fragment, self.type_name]
        return self.random.choice(ways)(parent, depth)

    def type_name(self, _parent: Composite, _depth: int) -> list[str]:
        return [f"{self.alias()}__typename{self.condition()}"]

    def one_field(self, parent: Composite, depth: int) -> list[str]:
        assert not isinstance(parent, GraphQLUnionType)
        fields = [
            (name, one)
            for name, one in parent.fields.items()
            if depth > 1 or is_leaf_type(get_named_type(one.type))
        ]
        if not fields:
            return self.type_name(parent, depth)
        name, one = self.random.choice(fields)
        named = get_named_type(one.type)
        arguments = self.arguments(one)
        # Fields with arguments have names of their own, or they could not be merged.
        alias = self.alias(chance=1.0 if arguments else 0.2)
        head = f"{alias}{name}{arguments}{self.condition()}"
        if is_leaf_type(named):
            return [head]
        return [f"{head} {self.selection(named, depth - 1)}"]

    def alias(self, chance: float = 0.2) -> str:
        self.aliases += 1
        return f"a{self.aliases}: " if self.often(chance) else ""

    def fitting(self, parent: Composite) -> Composite:
        types: list[Composite] = []
        if not isinstance(parent, GraphQLObjectType):
            types += self.schema.get_possible_types(parent)
        if not isinstance(parent, GraphQLUnionType):
            types += [parent, *parent.interfaces]
        return self.random.choice(types)

    def inline_fragment(self, parent: Composite, depth: int) -> list[str]:
        if not isinstance(parent, GraphQLUnionType) and self.often(0.2):
            return [f"...{self.condition()} {self.selection(parent, depth)}"]
        target = self.fitting(parent)
        return [f"... on {target}{self.condition()} {self.selection(target, depth)}"]

    def spread(self, parent: Composite, depth: int) -> list[str]:
        target = self.fitting(parent)
        body = self.selection(target, depth)
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {target} {body}")
        return [f"...{name}{self.condition()}"]

    def condition(self) -> str:
        if not self.often(0.12):
            return ""
        directive = self.random.choice(["skip", "include"])
        keep = self.often(0.8) == (directive == "include")
        if self.often(0.5):
            return f" @{directive}(if: {str(keep).lower()})"
        name = self.variable("Boolean!" if self.often(0.7) else "Boolean = true", given=keep)
        if self.often(0.02):
            self.given[name] = None
        return f" @{directive}(if: ${name})"

    def variable(self, declared: str, **given: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables.append(f"${name}: {declared}")
        if "given" in given:
            self.given[name] = given["given"]
        return name

    def arguments(self, one: GraphQLField) -> str:
        written = []
        for name, argument in one.args.items():
            if is_required_argument(argument) or self.often(0.5):
                written.append(f"{name}: {self.argument(argument)}")
        return f"({', '.join(written)})" if written else ""

    def argument(self, argument: GraphQLArgument) -> str:
        if self.often(0.5):
            return self.literal(argument.type)
        if is_non_null_type(argument.type) and self.often(0.3):
            # A default lets what can be null stand where null can't, until null is given.
            declared = f"{argument.type.of_type} = {self.literal(argument.type)}"
            name = self.variable(declared, given=self.value(argument.type.of_type))
        elif is_non_null_type(argument.type) or self.often(0.5):
            name = self.variable(str(argument.type), given=self.value(argument.type))
        else:
            name = self.variable(f"{argument.type} = {self.literal(argument.type)}")
        if self.often(0.05):
            self.given.pop(name, None)
        return f"${name}"

    def value(self, type_: GraphQLInputType) -> Any:
        """A value of an input type as JSON, which may be wrong."""
        if not is_non_null_type(type_) and self.often(0.1):
            return None
        if is_non_null_type(type_):
            type_ = type_.of_type
        if is_list_type(type_):
            return [self.value(type_.of_type) for _ in range(self.random.randint(0, 2))]
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice([*type_.values, "NO_SUCH_VALUE"])
        if isinstance(type_, GraphQLInputObjectType):
            return {
                name: self.value(one.type)
                for name, one in type_.fields.items()
                if is_non_null_type(one.type) or self.often(0.3)
            }
        return self.random.choice(self.values[str(type_)])

    def literal(self, type_: GraphQLInputType) -> str:
        return _written(self.value(type_), type_)


def _written(value: Any, type_: GraphQLInputType | GraphQLOutputType) -> str:
    """A JSON value in GraphQL's own notation."""
    named = get_named_type(type_)
    if isinstance(value, dict) and isinstance(named, GraphQLInputObjectType):
        parts = [f"{key}: {_written(one, named.fields[key].type)}" for key, one in value.items()]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(one, type_)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(one, type_) for one in value) + "]"
    if isinstance(value, str):
        return value if isinstance(named, GraphQLEnumType) else f'"{value}"'
    return {None: "null", True: "true", False: "false"}.get(value, str(value))
