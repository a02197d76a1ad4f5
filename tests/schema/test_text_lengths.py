"""What clients send is measured before it is read, wherever it may stand in the schema."""

import asyncio
import json
import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.support.accounts import CREATE, Account
from tests.support.waiting import counted_turns
from tests.support.worst_texts import SIZES, Place, places, request, texts
from todo_gql.api import folding, node, scalars
from todo_gql.api.errors import ErrorCode
from todo_gql.api.text import RAW, text_problem
from todo_gql.database.connection import fetch
from todo_gql.event_loop import time_slice
from todo_gql.features.accounts.inputs import username_problem
from todo_gql.features.todos import fields, filters, metadata, tag_names

# The longest texts that are normalised are descriptions and what is searched for.
LONGEST = RAW * max(fields.MAX_DESCRIPTION, filters.MAX_SEARCH)
BULK_CREATE = (
    "mutation ($inputs: [TodoCreateInput!]!) { todoBulkCreate(inputs: $inputs) { processed } }"
)
BULK_UPDATE = (
    "mutation ($ids: [ID!]!, $action: TodoBulkAction!)"
    " { todoBulkUpdate(ids: $ids, action: $action) { processed } }"
)
EXPANDING = "\ufdfa"
PLACES = list(places())


async def answer(account: Account, place: Place, value: Any) -> dict[str, Any]:
    """What is answered to a value in one place."""
    body = json.dumps(request(place, value)).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {account.token}"}
    sent = await account.http.post("/graphql", content=body, headers=headers)
    answered: dict[str, Any] = sent.json()
    return answered


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_long_is_normalised(
    account: Account, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No scalar normalises long text, and each answers it with an error of the client's."""
    await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    normalised = list[int]()
    real = unicodedata.normalize

    def noted(form: Any, text: str) -> str:
        normalised.append(len(text))
        return real(form, text)

    monkeypatch.setattr(unicodedata, "normalize", noted)
    text = EXPANDING * (size // 6)
    for place in PLACES:
        coordinate, path = place
        if coordinate[0] == "Subscription":
            continue
        # Scalars are read alike in all filters; in one field they are tried inside other filters.
        if coordinate != ("Query", "todos") and not {"and", "or", "not"}.isdisjoint(path):
            continue
        if path[-1] in {"usernameOrEmail", "email"}:
            # Where short ones become long ones, too.
            for name in (f"{EXPANDING * 200}@example.com", "x" * 900 + "@example.com"):
                assert not {
                    e["extensions"]["code"]
                    for e in (await answer(account, place, name)).get("errors", ())
                } & {"INTERNAL"}
        codes = {
            e["extensions"]["code"] for e in (await answer(account, place, text)).get("errors", ())
        }
        assert codes <= {"BAD_USER_INPUT", "UNAUTHENTICATED", "RATE_LIMITED"}, place
    # Eighteen times as long is what the longest that may be normalised becomes.
    assert max(normalised, default=0) <= 18 * LONGEST
    assert sum(length > LONGEST for length in normalised) == 0


@pytest.mark.parametrize("name", list(texts(0)))
def test_a_name_is_folded_only_while_it_is_short(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What becomes too long when it is composed isn't worked on any more."""
    folded = list[int]()
    real = folding.folded

    def noted(text: str) -> str:
        folded.append(len(text))
        return real(text)

    monkeypatch.setattr(folding, "folded", noted)
    text = texts(250_000)[name]
    for size in (50, 200, 201, len(text)):
        tag_names.stored_forms(text[:size])
        tag_names.read_tag_name(text[:size], [])
    assert max(folded, default=0) <= RAW * tag_names.MAX_LENGTH


def test_a_name_that_many_todos_share_is_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One variable may stand in each of a hundred."""
    folded = list[str]()
    real = folding.canonical_name

    def noted(text: str) -> str:
        folded.append(text)
        return real(text)

    monkeypatch.setattr(tag_names, "canonical_name", noted)
    names = [f"N\u00e4me {n}" for n in range(10)]
    for _ in range(100):
        assert len(tag_names.read_tags(names, [])) == 10
    assert len(folded) <= 10


def test_the_names_of_a_list_are_short_together() -> None:
    """More letters than a list of the longest names has aren't folded; names in ASCII are free."""
    problems: list[Any] = []
    assert tag_names.read_tag_names(["\u00e9" * 50 + str(n) for n in range(100)], problems) == ()
    assert [problem.code for problem in problems] == [ErrorCode.TOO_LONG]
    assert len(tag_names.read_tag_names([f"{n:050}" for n in range(100)], [])) == 100
    assert len(tag_names.read_tag_names(["\u00e9" * 50] * 100, [])) == 1


async def test_the_names_of_a_filter_are_short_together(account: Account) -> None:
    """The names in all parts of a filter are limited together."""
    names = [["\u00e9" * 100 + f"{part} {n}" for n in range(20)] for part in range(4)]
    query = "query ($f: TodoFilter) { todos(filter: $f) { totalCount } }"
    parts = [{"tags": {"some": some}} for some in names]
    assert (await account.data(query, f={"or": parts[:1]}))["todos"] == {"totalCount": 0}
    error = await account.error(query, f={"or": parts})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "too long together" in error["message"]


@pytest.mark.parametrize("kind", ["some", "every", "none"])
async def test_long_names_of_a_filter_count_before_they_are_looked_at(
    account: Account, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long names of a filter count, though none is folded since no tag has so long a name."""
    looked_at = list[int]()
    real = text_problem

    def noted(value: str, **limits: Any) -> Any:
        looked_at.append(len(value))
        return real(value, **limits)

    monkeypatch.setattr(filters, "text_problem", noted)
    query = "query ($f: TodoFilter) { todos(filter: $f) { totalCount } }"
    names = ["\u0130" * 1_000 + f"{n}" for n in range(100)]
    error = await account.error(query, f={"tags": {kind: names}})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert looked_at == []


async def test_a_long_text_that_many_todos_share_is_answered(account: Account) -> None:
    """A hundred todos of one bulk have the same description, which is right or wrong in each."""
    items = " ".join('{ title: "t", description: $d, tags: [$t] }' for _ in range(60))
    query = (
        "mutation ($d: String, $t: String!) {"
        f" todoBulkCreate(inputs: [{items}]) {{ processed errors {{ code }} }} }}"
    )
    sent = {"d": "a\u0315" * 2_400, "t": "\ufdfa" * 2}
    assert (await account.data(query, **sent))["todoBulkCreate"]["processed"] == 60
    sent = {"d": "a\u0315" * 20_000, "t": "\ufdfa" * 200}
    assert (await account.data(query, **sent))["todoBulkCreate"]["processed"] == 0


async def test_numbers_in_metadata_count_with_all_of_their_digits(account: Account) -> None:
    """Each read would have the database send these."""
    made = await account.create(metadata={"a": [1e300, -1e-300] * 25})
    [row] = await fetch(
        "SELECT octet_length(metadata::text) AS size FROM todos WHERE id = $1", UUID(made["id"])
    )
    assert 50 * 301 < row["size"] < metadata.MAX_METADATA_BYTES
    for number in (1e300, -1e-300, 1.7976931348623157e308):
        payload = (
            await account.data(CREATE, input={"title": "t", "metadata": {"a": [number] * 60}})
        )["todoCreate"]
        assert [error["code"] for error in payload["errors"]] == ["TOO_LONG"]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """An item for each time that others could have their turn in the midst of something long."""
    noted = list[None]()
    real = time_slice.TimeSlice.checkpoint

    async def checkpoint(self: time_slice.TimeSlice) -> None:
        noted.append(None)
        await real(self)

    monkeypatch.setattr(time_slice.TimeSlice, "checkpoint", checkpoint)
    return noted


async def test_a_bulk_is_worked_on_in_pieces(account: Account, pauses: list[None]) -> None:
    """A bulk action lets others have a turn between any two of its todos."""
    number = 40
    inputs = [{"title": f"{n}"} for n in range(number)]
    ids = [todo["id"] for todo in await account.create_many(inputs)]
    # Reading, comparing with the quota and storing; loading, changing and storing.
    for document, sent in (
        (BULK_CREATE, {"inputs": inputs}),
        (BULK_UPDATE, {"ids": ids, "action": {"addTags": ["new"]}}),
    ):
        pauses.clear()
        [payload] = (await account.data(document, **sent)).values()
        assert payload["processed"] == number
        assert len(pauses) >= 3 * number


async def test_long_changes_are_read_in_pieces(account: Account, pauses: list[None]) -> None:
    """Both of the feed and of a todo's history, and give what they say."""
    long: dict[str, list[Any]] = {"a": [[]] * 5_000}
    items = " ".join('{ title: "t", metadata: $m }' for _ in range(30))
    document = f"mutation ($m: JSON) {{ todoBulkCreate(inputs: [{items}]) {{ processed }} }}"
    await account.data(document, m=long)
    changes = "nodes { fields { name after } }"
    pauses.clear()
    feed = (await account.data(f"{{ changes {{ {changes} }} }}"))["changes"]["nodes"]
    assert len(pauses) >= 30
    assert [change["fields"][0] for change in feed] == [{"name": "metadata", "after": long}] * 30
    histories = f"{{ todos {{ nodes {{ history(first: 5) {{ {changes} }} }} }} }}"
    [todo, *_] = (await account.data(histories))["todos"]["nodes"]
    assert todo["history"]["nodes"][0] == feed[-1]


async def create_with_lists(account: Account, number: int, lists: int) -> list[Any]:
    """Create todos with different metadata of so many lists, three to a request's limit of 20,000."""
    inputs = [{"title": "t", "metadata": {"n": n, "a": [[]] * lists}} for n in range(number)]
    created = list[Any]()
    for start in range(0, number, 3):
        created += await account.create_many(inputs[start : start + 3])
    return created


async def test_long_metadata_is_read_in_pieces(account: Account, pauses: list[None]) -> None:
    """Long metadata is read in pieces in a page, by ids, and in the todos of changes."""
    number = 39
    created = await create_with_lists(account, number, 5_000)
    expected = {todo["id"]: todo["metadata"] for todo in created}
    asked: dict[str, Callable[[Any], Any]] = {
        "{ found: todos { nodes { id metadata } } }": lambda found: found["nodes"],
        "query ($ids: [ID!]!) { found: nodes(ids: $ids) { id ... on Todo { metadata } } }": list,
        "{ found: changes { nodes { todo { id metadata } } } }": lambda found: [
            change["todo"] for change in found["nodes"]
        ],
    }
    for query, todos_in in asked.items():
        pauses.clear()
        sent = {"ids": list(expected)} if "$ids" in query else {}
        found = todos_in((await account.data(query, **sent))["found"])
        assert {todo["id"]: todo["metadata"] for todo in found} == expected
        assert len(pauses) >= number, query


async def test_histories_that_are_long_together_are_read_in_pieces(
    account: Account, pauses: list[None]
) -> None:
    """None of which is long by itself; and so are changes by their ids."""
    await create_with_lists(account, 30, 4_000)
    pauses.clear()
    change = "{ id fields { after } }"
    query = f"{{ todos {{ nodes {{ history(first: 5) {{ nodes {change} }} }} }} }}"
    todos = (await account.data(query))["todos"]["nodes"]
    assert len(pauses) >= 30
    pauses.clear()
    changes = {each["id"]: each for todo in todos for each in todo["history"]["nodes"]}
    query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Change {change} }} }}"
    assert (await account.data(query, ids=list(changes)))["nodes"] == list(changes.values())
    assert len(pauses) >= 30


async def test_pieces_of_several_works_have_turns_of_their_own() -> None:
    """Whoever's they are, since pieces in the same turn of the event loop would add up."""
    begun = list[int]()

    async def work() -> None:
        for _ in range(3):
            await time_slice.TimeSlice(is_long=True).checkpoint()
            begun.append(turns.number)

    async with counted_turns() as turns:
        given_up = asyncio.create_task(work())
        working = [asyncio.create_task(work()) for _ in range(5)]
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(*working)
    assert len(begun) == len(set(begun)) == 15


async def test_every_one_of_many_names_is_no_more_than_no_todo(account: Account) -> None:
    """A hundred names, of which a todo can carry ten."""
    await account.create(tags=[f"{n}" for n in range(10)])
    query = (
        "query ($f: TodoFilter) { todos(filter: $f) { totalCount } stats(filter: $f) { total } }"
    )
    for number, found in ((10, 1), (11, 0), (12, 0), (100, 0)):
        wanted = {"tags": {"every": [f"{n}" for n in range(number)]}}
        answer = await account.data(query, f=wanted)
        assert answer == {"todos": {"totalCount": found}, "stats": {"total": found}}


@pytest.mark.parametrize("size", SIZES)
def test_ids_and_moments_are_measured_first(size: int) -> None:
    """No id and no time is so long."""
    assert node.parse_id("0" * size) is None
    with pytest.raises(Exception, match="RFC 3339"):
        scalars.parse_rfc3339("2026-01-01T00:00:00." + "1" * size + "Z")
    assert username_problem("\u00e9" * size) == (
        ErrorCode.TOO_LONG,
        "Use at most 50 characters.",
    )


async def test_white_space_around_a_title_counts_before_it_is_cut(account: Account) -> None:
    """Some of it is cut, and no more than four times the limit is looked at."""
    assert (await account.create(title="\u3000" * 300 + "a"))["title"] == "a"
    payload = (await account.data(CREATE, input={"title": "\u3000" * 900 + "a"}))["todoCreate"]
    assert [error["code"] for error in payload["errors"]] == ["TOO_LONG"]
