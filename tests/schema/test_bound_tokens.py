"""What an API token that is bound to lists opens: derived from the schema, so that each new field is tried."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, get_named_type, is_leaf_type
from starlette.types import ASGIApp

from tests.support.accounts import visiting
from tests.support.api_tokens import refusals
from tests.support.bound_tokens import Bound, bound_token, without
from tests.support.operations import (
    ROOTS,
    SCHEMA,
    SMALL_PAGE,
    Call,
    Coordinate,
    Path,
    asks_nothing,
    field_of,
    leaves,
    placed,
    required_arguments,
)
from todo_gql.documents.token_access import need_of
from todo_gql.features.registry import FEATURES

pytestmark = pytest.mark.untraced

NODE_TYPES = {one.type.__name__: one for feature in FEATURES for one in feature.node_types}
# They name nothing by an id, and what they show is tried below by hand.
WITHOUT_IDS = {"lists", "recurrencePreview"}
# Whatever ends or moves what others are tried with comes last.
ENDINGS = ("Restore", "Move", "Skip", "Remove", "Revoke", "Delete")


def roots() -> Iterator[tuple[Coordinate, GraphQLField]]:
    """All fields of the roots."""
    for root in ROOTS.values():
        type_ = SCHEMA.type_map[root]
        for name, field in type_.fields.items():  # type: ignore[attr-defined]
            yield (root, name), field


def opens(coordinate: Coordinate, field: GraphQLField) -> bool:
    """Whether a field is open to bound tokens, or needs nothing."""
    need = need_of(SCHEMA.type_map[coordinate[0]], coordinate[1], field)
    return need is None or need.lists


OPEN = [coordinate for coordinate, field in roots() if opens(coordinate, field)]
CLOSED = [coordinate for coordinate, field in roots() if not opens(coordinate, field)]


def opened(kind: Any, depth: int) -> str:
    """All that a bound token may select of a type without arguments, so many objects deep."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType):
        names = "code message path" if named.name == "UserError" else "id"
        current = "... on ConflictError { current { id } }" if named.name == "UserError" else ""
        return f"{{ __typename {names} {current} }}"
    parts = [
        f"{name}{SMALL_PAGE if 'first' in field.args else ''} {opened(field.type, depth - 1)}"
        for name, field in named.fields.items()
        if asks_nothing(field)
        and opens((named.name, name), field)
        and (depth > 0 or is_leaf_type(get_named_type(field.type)))
    ]
    return f"{{ __typename {' '.join(parts)} }}"


def document(coordinate: Coordinate, arguments: dict[str, Any], depth: int = 2) -> str:
    """The operation of a root field, with all that a bound token may select of it."""
    field, name = field_of(coordinate), coordinate[1]
    defined = ", ".join(f"${each}: {field.args[each].type}" for each in arguments)
    sent = ", ".join(f"{each}: ${each}" for each in arguments)
    head = Call(coordinate).operation + (f" ({defined})" if defined else "")
    return f"{head} {{ {name}{f'({sent})' if sent else ''} {opened(field.type, depth)} }}"


def id_paths(coordinate: Coordinate) -> list[Path]:
    """Where an id can be sent in the arguments of a field, filters inside filters left out."""
    return [
        path
        for name, argument in field_of(coordinate).args.items()
        for path, leaf in leaves(name, argument.type)
        if get_named_type(leaf).name == "ID" and {"and", "or", "not"}.isdisjoint(path)
    ]


def arguments_with(coordinate: Coordinate, path: Path, value: str) -> dict[str, Any]:
    """The arguments of a field with an id in one of its paths."""
    field = field_of(coordinate)
    arguments = required_arguments(field)
    arguments[path[0]] = placed(field.args[path[0]].type, tuple(path[1:]), value)
    return arguments


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "in lists of others"])
async def bound(app: ASGIApp, request: pytest.FixtureRequest) -> AsyncIterator[Bound]:
    """Somebody with a bound token, for tests that change nothing."""
    async with visiting(app) as client:
        yield await bound_token(client, in_lists_of_others=request.param)


async def the_answer(bound: Bound, coordinate: Coordinate, path: Path, value: str) -> str:
    """What a bound token is answered that sends an id, without that id."""
    arguments = arguments_with(coordinate, path, value)
    answer = await bound.execute(document(coordinate, arguments), arguments)
    assert "FORBIDDEN" not in without(answer), answer
    return without(answer, value)


@pytest.mark.parametrize("coordinate", CLOSED, ids=".".join)
async def test_a_field_that_is_not_limited_to_lists_is_closed(
    coordinate: Coordinate, bound: Bound
) -> None:
    """A field that isn't limited to lists is refused before it is executed, and says why."""
    arguments = required_arguments(field_of(coordinate))
    query = Call(coordinate, 1).document(arguments)
    [error] = await refusals(bound.account, query, bound.token, **arguments)
    assert error["path"] == [coordinate[1]]
    need = need_of(SCHEMA.type_map[coordinate[0]], coordinate[1], field_of(coordinate))
    assert need
    reason = "BOUND_TO_LISTS" if need.scope else "SESSIONS_ONLY"
    assert (error["extensions"]["reason"], coordinate[1] in error["message"]) == (reason, True)


@pytest.mark.parametrize("coordinate", OPEN, ids=".".join)
async def test_what_lies_outside_the_lists_does_not_exist(
    coordinate: Coordinate, bound: Bound
) -> None:
    """An id outside the binding gets the answer that an unknown id gets, and nothing changes."""
    paths = id_paths(coordinate)
    assert paths or coordinate[1] in WITHOUT_IDS, (
        "say in WITHOUT_IDS that it takes no id, and try it below"
    )
    before = await bound.rows()
    for path in paths:
        unknown = await the_answer(bound, coordinate, path, str(uuid4()))
        for name, id in bound.outside.items():
            answer = await the_answer(bound, coordinate, path, id)
            assert (path, name, answer) == (path, name, unknown)
        assert [mark for mark in bound.marks if mark in unknown] == []
    assert await bound.rows() == before


async def test_what_lies_inside_the_lists_is_open(app: ASGIApp) -> None:
    """Each field that is open to bound tokens does something with what is in their lists."""
    async with visiting(app) as client:
        bound = await bound_token(client, in_lists_of_others=True)
        outside = (await bound.rows()).items()
        useless = []
        for coordinate in sorted(OPEN, key=lambda one: one[1].endswith(ENDINGS)):
            answers = set[bool]()
            for path in id_paths(coordinate):
                unknown = await the_answer(bound, coordinate, path, str(uuid4()))
                for id in bound.inside.values():
                    answer = await the_answer(bound, coordinate, path, id)
                    answers.add(answer != unknown)
                    assert [mark for mark in bound.marks if mark in answer] == []
            if True not in answers and coordinate[1] not in WITHOUT_IDS:
                useless.append(coordinate)
        assert useless == []
        assert dict(outside).keys() == (await bound.rows()).keys()


async def test_every_id_is_a_node_of_the_lists_or_of_nothing(bound: Bound) -> None:
    """A bound token finds by id what is of its lists and of a type that is limited to lists, and nothing else."""
    stored = without(await bound.rows())
    ids = {
        word
        for word in stored.replace("\\", "").split('"')
        if len(word) == 36 and word.count("-") == 4
    }
    kinds: dict[str, set[str]] = {}
    for start in range(0, len(listed := sorted(ids)), 100):
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
        answer = await bound.execute(query, {"ids": listed[start : start + 100]})
        for node in filter(None, answer["data"]["nodes"]):
            kinds.setdefault(node["__typename"], set()).add(node["id"])
    seen = set().union(*kinds.values())
    assert seen.isdisjoint(bound.outside.values())
    assert seen >= {id for name, id in bound.inside.items() if "trashed" not in name}
    assert set(kinds) == {name for name, one in NODE_TYPES.items() if one.in_lists}


@pytest.mark.parametrize("depth", [1, 3])
async def test_nothing_leads_out_of_the_lists(bound: Bound, depth: int) -> None:
    """All that a bound token can select, however deep, is of its lists."""
    shown = ""
    for query in (
        f"{{ todos(first: 9) {opened(SCHEMA.type_map['TodoConnection'], depth)} }}",
        f"{{ lists(first: 2) {opened(SCHEMA.type_map['TodoListConnection'], depth)} }}",
        "{ todos(first: 9, filter: { isDeleted: true }) { totalCount nodes { id title } } }",
        '{ todos(first: 9, filter: { search: "outside" }) { totalCount nodes { id title } } }',
        "{ lists(isDeleted: true) { totalCount nodes { id } } }",
    ):
        answer = await bound.execute(query)
        assert "errors" not in answer, answer
        shown += without(answer)
    assert [mark for mark in bound.marks if mark in shown] == []
    assert bound.inside["todo"] in shown
    assert bound.inside["trashed todo"] in shown


async def test_totals_count_the_lists_alone(bound: Bound) -> None:
    """A total says nothing of how many todos and lists there are besides."""
    answer = await bound.execute(
        "{ todos { totalCount } lists { totalCount nodes { stats { total } } } }"
    )
    lists = sum(name.endswith("list") for name in bound.inside)
    assert answer["data"]["todos"]["totalCount"] == 2 * lists
    assert answer["data"]["lists"]["totalCount"] == lists
    assert {one["stats"]["total"] for one in answer["data"]["lists"]["nodes"]} == {2}
