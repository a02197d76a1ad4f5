"""Documents that are new are parsed one after the other, callers in turn."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from graphql import parse, validate
from starlette.types import Scope

from tests.support.accounts import Account, NewAccount
from tests.support.waiting import PATIENCE_SECONDS, counted_turns
from todo_gql.documents import parsing
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.http.graphql import parse_queue, request_reader
from todo_gql.http.graphql.parse_queue import ParseQueue
from todo_gql.http.graphql.request import GraphQLRequest, from_body, from_query_string

NUMBER = count()


def test_nobody_waits_behind_the_documents_of_another() -> None:
    """Who sends one comes after at most one of those of a caller who has sent many."""
    order = asyncio.run(_order(["many"] * 5 + ["one"]))
    assert order == ["many", "many", "one", "many", "many", "many"]


async def _order(callers: list[str]) -> list[str]:
    queue, order = ParseQueue(), list[str]()

    async def parse(caller: str) -> None:
        async with queue.turn(caller):
            order.append(caller)

    await asyncio.gather(*map(parse, callers))
    return order


async def test_who_gives_up_lets_others_in() -> None:
    """A caller that gives up lets others in, whether it waited or was just called."""
    queue, entered = ParseQueue(), asyncio.Event()

    async def parse() -> None:
        async with queue.turn("somebody"):
            entered.set()

    await queue.enter("first")
    waiting = [asyncio.create_task(parse()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    queue.release("first", 0)
    # The next one is admitted now, and gives up before it can begin.
    await asyncio.sleep(0)
    waiting[1].cancel()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await entered.wait()
        await waiting[2]
        await queue.enter("afterwards")


async def test_new_documents_of_one_caller_delay_nobody_else(
    account: Account, new_account: NewAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are answered, and somebody else's document that came last isn't the last."""
    monkeypatch.setattr(parse_queue, "PAUSE", 1)
    other, answered = await new_account(), list[Account]()

    async def ask(who: Account) -> None:
        document = f"query Q{next(NUMBER)} {{ viewer {{ id }} }}"
        assert await who.data(document) == {"viewer": {"id": who.id}}
        answered.append(who)

    await asyncio.gather(*map(ask, [account] * 20 + [other]))
    assert answered.index(other) < 15


async def test_large_requests_begin_one_by_one(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large requests begin one by one, and others have their turn between any two."""
    begun = list[int]()

    def noted(body: bytes, trusted: TrustedDocuments) -> GraphQLRequest:
        begun.append(turns.number)
        return from_body(body, trusted)

    monkeypatch.setattr("todo_gql.http.graphql.request_reader.from_body", noted)
    query = "query ($id: ID!) { todo(id: $id) { id } }"
    long = "x" * request_reader.LARGE_BODY_BYTES
    async with counted_turns() as turns:
        answers = await asyncio.gather(*(account.data(query, id=f"{long}{n}") for n in range(20)))
    assert answers == [{"todo": None}] * 20
    assert len(set(begun)) == 20


async def test_long_query_strings_are_read_one_by_one(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long query strings are read one by one, however many come at once."""
    begun = list[int]()

    def noted(scope: Scope, trusted: TrustedDocuments) -> GraphQLRequest:
        begun.append(turns.number)
        return from_query_string(scope, trusted)

    monkeypatch.setattr("todo_gql.http.graphql.request_reader.from_query_string", noted)
    query = "{ viewer { id } }" + " " * request_reader.LARGE_BODY_BYTES
    headers = {"authorization": f"Bearer {account.token}"}
    async with counted_turns() as turns:
        answers = await asyncio.gather(
            *(
                account.http.get("/graphql", params={"query": query}, headers=headers)
                for _ in "1234"
            )
        )
    assert [answer.json()["data"]["viewer"]["id"] for answer in answers] == [account.id] * 4
    assert len(begun) == len(set(begun)) == 4


async def test_a_long_document_is_read_in_steps(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others have a turn between parsing, the limits, and each set of rules of validation."""
    begun = list[int]()

    def noted(call: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*args: Any, **options: Any) -> Any:
            begun.append(turns.number)
            return call(*args, **options)

        return noting

    monkeypatch.setattr(parsing, "parse", noted(parse))
    monkeypatch.setattr(parsing, "validate", noted(validate))
    ids = " ".join(f'"{n:0200}"' for n in range(20))
    async with counted_turns() as turns:
        answer = await account.data(f"{{ nodes(ids: [{ids}]) {{ id }} }}")
    assert answer == {"nodes": [None] * 20}
    assert len(begun) == len(set(begun)) == 3


@pytest.mark.parametrize(
    "wrong", ["nothing", "nodes(ids: [$unknown]) { id }"], ids=["a field", "a variable"]
)
async def test_a_long_document_is_held_to_all_rules(account: Account, wrong: str) -> None:
    """A long document is validated by all rules, whichever step finds the mistake."""
    body = await account.execute(f"{{ {' ' * parsing.LARGE_DOCUMENT_LENGTH} {wrong} }}")
    assert [e["extensions"]["code"] for e in body["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
