"""A schema whose resolvers do all that resolvers may do, and much that they should not.

What a resolver does follows from the path that it is called for and from a number, so that whoever
executes an operation meets the same behaviour, in whatever order fields are executed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_list_type,
    is_non_null_type,
)
from graphql.type import GraphQLEnumType, GraphQLScalarType

SDL = """
scalar Odd
enum Colour { RED GREEN BLUE }
input Wish { text: String! = "none", size: Int, colours: [Colour!], more: Wish }

interface Being { id: ID! name: String friend: Being friends: [Being!]! sure: Being! }
type Cat implements Being {
  id: ID! name: String friend: Being friends: [Being!]! sure: Being!
  lives: Int! colour: Colour! odd: Odd pets: [Pet] self: Cat!
}
type Dog implements Being {
  id: ID! name: String friend: Being friends: [Being!]! sure: Being!
  weight: Float tricks: [String!] grid: [[Int!]!] good: Boolean! cat: Cat
}
type Rock { name: String! weight: Float! odd: Odd! under: [Pet!] }
union Pet = Cat | Dog | Rock
union Mammal = Cat | Dog

type Query {
  being: Being
  beings: [Being]
  sureBeings: [Being!]!
  cat: Cat!
  maybeCat: Cat
  cats: [Cat!]
  dogs: [Dog]!
  rock: Rock
  pet: Pet
  pets: [[Pet!]!]
  mammal: Mammal
  mammals: [Mammal]
  echo(text: String = "quiet", count: Int!, wish: Wish, colours: [Colour] = [RED]): String
  strict(wish: Wish!): Wished
  odd: Odd
  colour: Colour!
  numbers: [Int]
}
type Wished { text: String! size: Int colours: [Colour!] of(size: Int! = 3): Wished }
type Mutation { first: Cat second(wish: Wish): Being sure: Cat! count: Int! }
"""

Info: TypeAlias = GraphQLResolveInfo[Any]


@dataclass(eq=False)
class Thing:
    """An object of some type, from whose seed its type's behaviour follows."""

    kind: str
    seed: int


class Refused(Exception):
    """What a resolver raises."""


@dataclass(frozen=True)
class Behaviours:
    """How often resolvers misbehave, and whether they may have to be awaited."""

    number: int
    trouble: float
    is_async: bool


def adversarial_schema() -> GraphQLSchema:
    """The schema with its resolvers."""
    schema = build_schema(SDL)
    for type_ in schema.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType):
            type_.is_type_of = IS_TYPE_OF.get(type_.name)
            for name, field in type_.fields.items():
                field.resolve = _resolver(type_, name, field)
        elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType) and type_.name != "Mammal":
            # A mammal's type is found by asking each possible type.
            type_.resolve_type = _resolve_type
    odd = schema.type_map["Odd"]
    assert isinstance(odd, GraphQLScalarType)
    odd.coerce_output_value = _serialize_odd
    return schema


def _random(info: Info, purpose: str) -> Random:
    behaviours: Behaviours = info.context
    return Random(f"{behaviours.number} {purpose} {info.path.as_list()}")


def _resolver(
    type_: GraphQLObjectType, name: str, field: GraphQLField
) -> Callable[..., Any] | None:
    if type_.name == "Wished" and name != "of":
        return None

    def resolve(source: Any, info: Info, **arguments: Any) -> Any:
        random, behaviours = _random(info, "resolve"), info.context
        if type_.name == "Wished" or name == "strict":
            wish = arguments.get("wish") or {"text": "of", "size": arguments.get("size")}
            return Wish(wish) if random.random() < 0.5 else wish
        if name == "echo" and random.random() < 0.8:
            told = repr(arguments)
            if len(arguments.get("colours") or []) > 1:
                # graphql-core itself gives a default to all requests, so that one is left alone.
                arguments["colours"].append("SPOILED")
            return told
        return _value(random, field.type, behaviours)

    return resolve


class Wish:
    """A wish whose parts are attributes, some of them functions."""

    def __init__(self, wish: dict[str, Any]) -> None:
        self.size = wish.get("size")
        self.colours = wish.get("colours")
        self._text = wish["text"]

    def text(self, info: Info) -> str:
        """The text and where it stands."""
        return f"{self._text} at {info.path.as_list()}"


async def _later(random: Random, type_: GraphQLOutputType, behaviours: Behaviours) -> Any:
    for _ in range(random.choice([0, 0, 1, 3])):
        await asyncio.sleep(0)
    if random.random() < 0.02:
        await asyncio.sleep(0.002)
    if random.random() < behaviours.trouble:
        return _trouble(random)
    return _good(random, type_, behaviours)


@dataclass(eq=False)
class Later:
    """An awaitable that is no coroutine: graphql-core doesn't start all that it gives up."""

    arguments: tuple[Random, GraphQLOutputType, Behaviours]

    def __await__(self) -> Generator[Any, None, Any]:
        return _later(*self.arguments).__await__()


def _value(random: Random, type_: GraphQLOutputType, behaviours: Behaviours) -> Any:
    """What a resolver gives for a field of the type: mostly a good value."""
    if behaviours.is_async and random.random() < 0.25:
        return Later((Random(random.random()), type_, behaviours))
    if random.random() < behaviours.trouble:
        return _trouble(random)
    return _good(random, type_, behaviours)


def _trouble(random: Random) -> Any:
    match random.randrange(7):
        case 0 | 1:
            raise Refused(f"Refused {random.randrange(100)}.")
        case 2:
            return Refused("An exception that is returned.")
        case 5:
            raise StopIteration
        case 3:
            raise GraphQLError("Told by GraphQL.", extensions={"code": "ODD"})
        case 4:
            return random.choice([object, 3.5, "text", -(2**40), float("nan"), [[]], {}, b"bytes"])
    return None


def _good(random: Random, type_: GraphQLOutputType, behaviours: Behaviours) -> Any:
    if is_non_null_type(type_):
        return _good(random, type_.of_type, behaviours)
    if random.random() < behaviours.trouble / 2:
        return None
    if is_list_type(type_):
        items = [
            _item(random, type_.of_type, behaviours) for _ in range(random.choice([0, 1, 2, 2, 3]))
        ]
        return _iterable(random, items, behaviours)
    if isinstance(type_, GraphQLEnumType):
        return random.choice(["RED", "GREEN", "BLUE"])
    if isinstance(type_, GraphQLScalarType):
        return random.choice(LEAVES[type_.name])
    name = str(type_)
    kinds = KINDS.get(name, [name])
    if random.random() < behaviours.trouble / 4:
        kinds = ["Rock", "Nothing"]
    return Thing(random.choice(kinds), random.randrange(10**6))


def _item(random: Random, type_: GraphQLOutputType, behaviours: Behaviours) -> Any:
    try:
        return _value(random, type_, behaviours)
    except Exception as error:  # noqa: BLE001 - an item can't be raised, so it is returned
        return error


def _iterable(random: Random, items: list[Any], behaviours: Behaviours) -> Any:
    breaks_off = random.random() < behaviours.trouble

    async def one_by_one() -> AsyncIterator[Any]:
        for item in items:
            await asyncio.sleep(0)
            yield item
        if breaks_off:
            raise Refused("There are no more.")

    def generator() -> Iterator[Any]:
        yield from items
        if breaks_off:
            raise Refused("There are no more.")

    match random.randrange(8):
        case 0:
            return tuple(items)
        case 1:
            return generator()
        case 2 if behaviours.is_async:
            return one_by_one()
    return items


KINDS = {"Being": ["Cat", "Dog"], "Mammal": ["Cat", "Dog"], "Pet": ["Cat", "Dog", "Rock"]}
LEAVES: dict[str, list[Any]] = {
    "ID": ["1", 2, "three"],
    "String": ["one", "two", "", 3, True, "ünï"],
    "Int": [1, 2, 3, -(2**31), 2**31 - 1, True, 4.0, "5"],
    "Float": [1.5, 2, 0.0, -1e10, "2.5"],
    "Boolean": [True, False, 1, 0],
    "Odd": [1, "odd", [1, {"a": None}], {"b": 2}, "refuse", "nothing"],
}


def _serialize_odd(value: Any) -> Any:
    if value == "refuse":
        raise ValueError("This is too odd.")
    return None if value == "nothing" else value


def _resolve_type(value: Any, info: Info, abstract_type: GraphQLAbstractType) -> Any:
    random, behaviours = Random(f"{getattr(value, 'seed', 0)} type"), info.context
    name: Any = getattr(value, "kind", None)
    if random.random() < behaviours.trouble / 2:
        name = random.choice([None, "Nothing", "Pet", "Query", 7, str(abstract_type)])
    if random.random() < behaviours.trouble / 4:
        raise Refused("The type is not told.")
    return _soon(name) if behaviours.is_async and random.random() < 0.2 else name


async def _soon(value: Any) -> Any:
    await asyncio.sleep(0)
    if value == "Query":
        raise Refused("The type is not told in the end.")
    return value


def _is_cat(value: Any, info: Info) -> Any:
    is_cat = getattr(value, "kind", None) == "Cat"
    random = Random(f"{getattr(value, 'seed', 0)} cat {info.path.as_list()}")
    if random.random() < info.context.trouble / 4:
        raise Refused("It is not told whether this is a cat.")
    return _soon(is_cat) if info.context.is_async and random.random() < 0.2 else is_cat


def _is_dog(value: Any, _info: Info) -> bool:
    return getattr(value, "kind", None) == "Dog"


IS_TYPE_OF: dict[str, Callable[..., Any]] = {"Cat": _is_cat, "Dog": _is_dog}
