"""Strawberry fields under the engine and under graphql-core: equal responses, with fewer calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Annotated, Any, NoReturn

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLObjectType, GraphQLSchema, execute, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.relay import GlobalID

from todo_gql.api.scalars import serialize_time, serialize_times
from todo_gql.execution import ConvertedColumn, Engine, Rows, RowType, loaded_field
from todo_gql.execution.strawberry_fields import bare_field
from todo_gql.operation.dataloader import ColumnDataLoader

BOOKS: dict[int, list[dict[str, Any]]] = {
    1: [{"number": 10, "title": "Emma"}, {"number": 11, "title": "Persuasion"}],
    2: [],
    3: [{"number": 12, "title": None}],
}


@dataclass
class Shelf:
    """The context: loaders, and the batches that they loaded."""

    batches: list[list[int]] = field(default_factory=list)
    broken: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        self.books = ColumnDataLoader(self._books)

    async def _books(self, keys: list[int]) -> list[Any]:
        self.batches.append(keys)
        if self.broken:
            raise ConnectionError("The shelf is out of reach.")
        return [BOOKS.get(key, LookupError(f"There is no writer {key}.")) for key in keys]


def _books_of(context: Shelf) -> ColumnDataLoader[int, Any]:
    if context.closed:
        raise PermissionError("The shelf is closed.")
    return context.books


@strawberry.interface
class Thing:
    """Something with a number."""

    number: int


@strawberry.type
class Book(Thing):
    """A book that records each construction of a book."""

    title: str
    created: strawberry.Private[list[int]]

    def __post_init__(self) -> None:
        self.created.append(self.number)


CREATED: list[int] = []
BOOK_ROWS = RowType(Book, number="number", title="title", created=lambda _row: CREATED)


class Nobody(BasePermission):
    """A permission that is always denied."""

    message = "This is for nobody."

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        """Deny it."""
        return False


class Louder(FieldExtension):
    """An extension that changes what a resolver returns."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> str:
        """The value in capitals."""
        return str(next_(source, info, **kwargs)).upper()


def _explode(_writer: Any) -> NoReturn:
    raise ValueError("This can't be read.")


@strawberry.type
class Writer:
    """A writer, whose fields are resolved in all possible ways."""

    key: strawberry.Private[int]
    name: str
    books: Sequence[Book] | None = loaded_field(
        _books_of, by="key", make=lambda rows, _context: BOOK_ROWS.objects(rows)
    )
    secret: str | None = strawberry.field(
        resolver=lambda: "never told", permission_classes=[Nobody], graphql_type=str | None
    )
    guarded: str | None = strawberry.field(permission_classes=[Nobody], default="kept")
    loud: str = strawberry.field(extensions=[Louder()], default="quiet")

    @strawberry.field
    def initial(self) -> str:
        """A method without parameters."""
        return self.name[0]

    @strawberry.field
    def place(self, info: strawberry.Info) -> str:
        """A method that uses the path."""
        return f"{info.field_name} {info.path.as_list() if info.path else ''}"

    @strawberry.field
    async def slow(self) -> str:
        """A coroutine."""
        return self.name

    @strawberry.field
    def broken(self) -> int | None:
        """A method that raises for one of the writers."""
        return 6 // (self.key - 2)

    @strawberry.field
    def joined(self, words: Annotated[list[str], strawberry.argument()]) -> str:
        """A method that changes its arguments."""
        words.append(self.name)
        return " ".join(words)


def _writers(count: int) -> list[Writer]:
    return [Writer(key=key, name=f"Writer {key}") for key in range(1, count + 1)]


@strawberry.type
class Number:
    """A type whose constructor always raises."""

    number: int

    def __post_init__(self) -> None:
        raise ArithmeticError

    @strawberry.field
    def doubled(self) -> int | None:
        """Twice the number."""
        return self.number * 2


NUMBER_ROWS = RowType(Number, number="number")


@strawberry.enum
class Mood(Enum):
    """How somebody likes a book."""

    FOND = "fond"
    BORED = "bored"


@strawberry.input
class Reader:
    """An input with fields of all kinds."""

    name: str = strawberry.field(name="calledBy")
    mood: Mood = Mood.FOND
    id: GlobalID | None = None
    moods: list[Mood | None] | None = strawberry.UNSET
    friends: "list[Reader] | None" = strawberry.UNSET
    address: strawberry.Maybe[str | None]
    pages: strawberry.Maybe[list[int]]
    best: "Reader | None"
    tags: list[list[str]] = strawberry.field(default_factory=list)


@strawberry.type
class Query:
    """The root of the schema."""

    @strawberry.field
    def arguments(
        self,
        reader: Reader | None = None,
        readers: list[Reader] | None = None,
        words: list[str] | None = strawberry.UNSET,
    ) -> str:
        """The arguments as Python values."""
        return repr((reader, readers, words))

    @strawberry.field
    def spoiled(self) -> Sequence[Number]:
        """Rows of which no object can be created."""
        return NUMBER_ROWS.objects([{"number": 1}])

    @strawberry.field
    def writers(self, count: int = 3) -> list[Writer]:
        """So many writers."""
        return _writers(count)

    @strawberry.field
    def rows(self) -> Sequence[Book]:
        """Books that are rows."""
        return BOOK_ROWS.objects(BOOKS[1])

    @strawberry.field
    def things(self) -> Sequence[Thing]:
        """Books that are rows, of an interface."""
        return BOOK_ROWS.objects(BOOKS[1])


SCHEMA: GraphQLSchema = strawberry.Schema(Query, types=[Book])._schema


async def by_both(
    text: str, **options: Any
) -> tuple[ExecutionResult, ExecutionResult, Shelf, Shelf]:
    """The results of the engine and of graphql-core, and the contexts of both."""
    document = parse(text)
    assert not validate(SCHEMA, document)
    engine, ours, theirs = Engine(SCHEMA), Shelf(**options), Shelf(**options)
    operation = engine.prepare(document)
    assert operation is not None
    actual = await engine.execute(operation, context=ours)
    running = execute(SCHEMA, document, context_value=theirs)
    expected = running if isinstance(running, ExecutionResult) else await running
    assert engine.fallbacks == 0
    return actual, expected, ours, theirs


@pytest.mark.parametrize(
    "fields",
    [
        "name",
        "initial",
        "place",
        "slow",
        "broken",
        "secret",
        "guarded",
        "loud",
        'joined(words: ["by"])',
        "name initial again: initial __typename slow",
        "books { number title __typename }",
        "books { number } titles: books { title }",
    ],
)
async def test_a_field_is_the_same_however_it_is_resolved(fields: str) -> None:
    """Attributes, resolvers, permissions, extensions and loaders answer as under graphql-core."""
    actual, expected, *_ = await by_both(f"{{ writers(count: 4) {{ {fields} }} }}")
    assert actual.formatted == expected.formatted


@pytest.mark.parametrize(
    "arguments",
    [
        'reader: { calledBy: "Ann" }',
        "reader: null, readers: null, words: null",
        'reader: { calledBy: "Ann", mood: BORED, id: "Qm9vazox", moods: [FOND, null] }',
        'reader: { calledBy: "Ann", address: null, best: null, moods: null, tags: [["a"], []] }',
        'reader: { calledBy: "Ann", address: "here", pages: [1, 2] }',
        'reader: { calledBy: "Ann", pages: null }',
        'reader: { calledBy: "Ann", id: "no id" }',
        'reader: { calledBy: "Ann", best: { calledBy: "Bea", friends: [{ calledBy: "Cy" }] } }',
        'readers: [{ calledBy: "Ann" }, { calledBy: "Bea" }], words: ["to"]',
        'readers: { calledBy: "Ann" }, words: "to"',
    ],
)
async def test_arguments_are_converted_as_by_strawberry(arguments: str) -> None:
    """Objects, lists, enums, ids, absent values and nulls are converted as by Strawberry."""
    actual, expected, *_ = await by_both(f"{{ arguments({arguments}) }}")
    assert actual.formatted == expected.formatted


async def test_a_loader_is_called_once_for_all_objects_of_a_level() -> None:
    """Both engines load the books of all writers in one batch, also if selected twice."""
    *_, ours, theirs = await by_both("{ writers { a: books { number } b: books { number } } }")
    assert ours.batches == theirs.batches == [[1, 2, 3]]


@pytest.mark.parametrize("trouble", ["broken", "closed"])
async def test_a_loader_that_fails_is_an_error_of_each_object(trouble: str) -> None:
    """A batch that fails, or whose loader fails, is an error of each writer's books."""
    actual, expected, *_ = await by_both("{ writers { books { number } } }", **{trouble: True})
    assert actual.formatted == expected.formatted
    assert len(actual.errors or ()) == 3


async def test_rows_are_not_materialized() -> None:
    """The engine reads columns directly from rows; graphql-core reads them from objects."""
    document = parse("{ rows { number __typename } }")
    engine = Engine(SCHEMA)
    operation = engine.prepare(document)
    assert operation is not None
    CREATED.clear()
    result = await engine.execute(operation, context=Shelf())
    assert (result.errors, CREATED) == (None, [])
    assert result == execute(SCHEMA, document)
    assert CREATED == [10, 11]


async def test_rows_of_an_interface_are_materialized() -> None:
    """Rows of an interface become objects, whose types are then resolved."""
    actual, expected, *_ = await by_both("{ things { __typename number ... on Book { title } } }")
    assert actual.formatted == expected.formatted


@dataclass
class Pair:
    """An object of a row and an extra value."""

    sum: int
    text: str


def test_a_row_type_names_all_attributes() -> None:
    """A forgotten or misspelt attribute is an error where the row type is declared."""
    for attributes in ({"sum": "a"}, {"sum": "a", "text": "b", "txet": "c"}):
        with pytest.raises(TypeError):
            RowType(Pair, **attributes)


def test_a_row_type_has_no_defaults() -> None:
    """A default would hide what is in the row, and is an error where the row type is declared."""

    @dataclass
    class Named:
        name: str = "nobody"

    with pytest.raises(TypeError, match="name"):
        RowType(Named, name="name")


async def test_a_constructor_that_fails_is_an_error_of_the_fields_that_need_it() -> None:
    """Fields that need the object fail if its constructor raises; fields of columns don't."""
    document = parse("{ spoiled { number doubled } }")
    engine = Engine(SCHEMA)
    operation = engine.prepare(document)
    assert operation is not None
    result = await engine.execute(operation, context=Shelf())
    assert result.data == {"spoiled": [{"number": 1, "doubled": None}]}
    assert [error.path for error in result.errors or ()] == [["spoiled", 0, "doubled"]]


def test_rows_are_a_sequence_of_objects() -> None:
    """Rows have a length, indexes and slices, and each object is created once."""
    rows = BOOK_ROWS.objects(BOOKS[1])
    assert len(rows) == 2
    assert [book.title for book in rows] == ["Emma", "Persuasion"]
    assert rows[0] is next(iter(rows))
    assert list(rows[1:]) == [rows[1]]


def test_rows_with_different_extras_are_not_joined() -> None:
    """Rows of one type are joined if their extras are equal."""
    kind = RowType(Pair, sum=lambda row, more: row["a"] + more, text=ConvertedColumn("a", str))
    one, two = kind.objects([{"a": 1}], 10), kind.objects([{"a": 2}], 10)
    joined = Rows.joined([one, two])
    assert joined is not None
    assert (joined.column("sum"), joined.column("text")) == ([11, 12], ["1", "2"])
    assert Rows.joined([one, kind.objects([{"a": 2}], 20)]) is None


def test_schemas_that_handle_exceptions_are_called_through_strawberry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A schema's own exception handlers see what resolvers raise."""
    handling = strawberry.Schema(Query, types=[Book])
    writer = handling._schema.get_type("Writer")
    assert isinstance(writer, GraphQLObjectType)
    definition = writer.fields["name"]
    assert bare_field(definition, handling._schema) is not None
    monkeypatch.setattr(handling, "exception_handlers", (object(),))
    assert bare_field(definition, handling._schema) is None


# No deadline: the time of an example depends on the load of the machine.
@settings(deadline=None)
@given(
    st.lists(
        st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]))
        | st.datetimes().map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC))
    )
)
def test_many_moments_are_written_as_each_is(moments: list[datetime]) -> None:
    """A column of UTC times is serialized as each time by itself; other columns are not."""
    written = serialize_times(moments)
    if all(moment.tzinfo is UTC for moment in moments):
        assert written == [serialize_time(moment) for moment in moments]
    else:
        assert written is None
