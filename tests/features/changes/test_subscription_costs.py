"""What events cost who follows their changes, and what is shared and waited for because of that."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from graphql.execution.collect_fields import CollectedFields
from starlette.types import ASGIApp

from tests.support.accounts import RETITLE, Account
from tests.support.subscribers import (
    CHANGES,
    PATIENCE,
    Socket,
    connected,
    followed_by,
    listening,
    operations,
    streaming,
)
from tests.support.waiting import counted_turns, until
from todo_gql.app import create_app
from todo_gql.changelog import feed_registry, feeds
from todo_gql.changelog.cursors import LogPosition, cursor_of
from todo_gql.database.tortoise_backend import pools
from todo_gql.documents.parsing import DocumentParser
from todo_gql.features.changes.subscription import CACHED_FILTER_COST, FILTER_COST
from todo_gql.features.todos.loaders import todos_by_id
from todo_gql.http.graphql.operation_cache import MAX_KEY_LENGTH
from todo_gql.http.graphql.rate_limit import FAILURE
from todo_gql.http.graphql.subscriptions import CACHE_HIT_COST, EXECUTION_COST
from todo_gql.operation import event_cache
from todo_gql.operation.loaders import Loaders
from todo_gql.security.rate_limits import RateLimits
from todo_gql.security.sliding_window import COST, EVENTS
from todo_gql.settings import Settings

BY_NAME = """subscription Follow($first: Int) { changes { ... on Change {
  todoId todo { title tags { name } history(first: $first) { nodes { id } } } } } }"""
# An object each for the change, the todo, its ten tags, and the history's item.
PRICE = EXECUTION_COST + 1 + 1 + 10 + 1
SAME = {
    "another name": BY_NAME.replace("Follow", "Other"),
    "no name, and a literal": BY_NAME.replace("Follow($first: Int)", "").replace("$first", "1"),
    "a default": BY_NAME.replace("$first: Int", "$first: Int = 1"),
    "comments and spaces": BY_NAME.replace("{", " { # of one\n"),
    "fragments": """
fragment T on Todo { history(first: 1) { ...H } }
subscription { changes { ... on ResyncRequired { cursor } ...C } }
fragment H on ChangeConnection { nodes { ... on Node { id } } }
fragment C on Change { todoId todo { title ... { tags { name } } ...T } }""",
    "what is selected twice": """subscription { changes { ... on Change {
      todoId todo { title tags { name } title history(first: 1) { nodes { id } } }
      todo { tags { name } } todoId } } }""",
    "conditions that are met": """subscription ($yes: Boolean = true) { changes {
      ... on Change @include(if: $yes) { todoId action @skip(if: $yes) todo @skip(if: false) {
        title tags { name } history(first: 1) { nodes { id } } } } } }""",
    "arguments of the root field": """subscription { changes(filter: { isDeleted: false }) {
      ... on Change { todoId todo { title tags { name } history(first: 1) { nodes { id } } } } } }""",
}
OTHER = {
    "an alias": (BY_NAME.replace("title", "name: title"), 1, '"name":"New"'),
    "another order": (
        BY_NAME.replace("title tags { name }", "tags { name } title"),
        1,
        '"title":"New","history"',
    ),
    "an alias of the root field": (BY_NAME.replace("changes {", "c: changes {"), 1, '"c":'),
    "another variable": (BY_NAME, 2, '"},{"id":'),
    "another argument": (
        BY_NAME.replace("$first)", "2, after: null)").replace("($first: Int)", ""),
        2,
        '"},{"id":',
    ),
    "one field more": (BY_NAME.replace("title", "title version"), 1, '"version":2'),
}
Limited = Callable[..., AbstractAsyncContextManager[tuple[str, RateLimits]]]


@pytest.fixture
def limited(
    app: ASGIApp, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Limited:
    """Gives a server with limits of its own, and these; `app` keeps the database connected."""
    made = list[RateLimits]()

    def noted(settings: Settings) -> RateLimits:
        made.append(RateLimits(settings))
        return made[-1]

    monkeypatch.setattr("todo_gql.app.RateLimits", noted)

    @asynccontextmanager
    async def serve(**limits: Any) -> AsyncIterator[tuple[str, RateLimits]]:
        own = settings.model_copy(update={"rate_limit_cost": 1_000_000, **limits})
        async with listening(create_app(own, database_url), own) as address:
            yield address, made[-1]

    return serve


def used(limits: RateLimits, account: Account, kind: int = EVENTS) -> int:
    """What somebody's events have cost so far, or what else is limited."""
    count = limits._counter._counts.get(UUID(account.id).int)
    return count.used[kind] if count else 0


async def told(one: Socket, ids: list[str]) -> dict[str, dict[str, Any]]:
    """The next event of each of these subscriptions."""
    messages = [await one.next() for _ in ids]
    assert {(message["type"], message["id"]) for message in messages} == {("next", i) for i in ids}
    return {message["id"]: message["payload"] for message in messages}


@pytest.mark.parametrize("difference", SAME)
async def test_what_selects_the_same_is_made_once(
    difference: str, account: Account, limited: Limited
) -> None:
    """Equal selections are computed once and sent to both, however the documents are written."""
    async with limited() as (address, limits), connected(address, account.token) as one:
        await one.subscribe(BY_NAME, "first", first=1)
        await one.subscribe(SAME[difference], "second", **VARIABLES.get(difference, {}))
        await one.settled()
        await account.create(title="New")
        events = await told(one, ["first", "second"])
        assert events["first"] == events["second"]
        assert events["first"]["data"]["changes"]["todo"]["title"] == "New"
        assert used(limits, account) == PRICE + CACHE_HIT_COST + FILTERS.get(difference, 0)


FILTERS = {"arguments of the root field": FILTER_COST + 1}
VARIABLES = {"another name": {"first": 1}, "comments and spaces": {"first": 1}}


@pytest.mark.parametrize("difference", OTHER)
async def test_what_selects_something_else_is_made_and_charged_apart(
    difference: str, account: Account, limited: Limited
) -> None:
    """A name or an order in the answer is something else, too."""
    document, first, part = OTHER[difference]
    todo = await account.create(title="Old")
    async with limited() as (address, limits), connected(address, account.token) as one:
        await one.subscribe(BY_NAME, "1", first=1)
        await one.subscribe(document, "2", first=first)
        await one.settled()
        await account.data(RETITLE, id=todo["id"], title="New")
        one_text, other_text = sorted([str(await one.connection.recv()) for _ in range(2)])
        assert part not in one_text
        assert part in other_text
        assert used(limits, account) > PRICE + CACHE_HIT_COST


async def test_errors_tell_of_the_document_that_they_are_of(
    account: Account, limited: Limited
) -> None:
    """Errors name lines of the subscriber's own document, so documents that differ share none."""
    wrong = "subscription { changes { ... on Change { todo { history(first: 1000) { nodes { id } } } } } }"
    async with limited() as (address, _), connected(address, account.token) as one:
        await one.subscribe(wrong, "1")
        await one.subscribe(f"\n\n{wrong}", "2")
        await one.subscribe(wrong, "3")
        await one.settled()
        await account.create()
        events = await told(one, ["1", "2", "3"])
        lines = {id: event["errors"][0]["locations"][0]["line"] for id, event in events.items()}
        assert lines == {"1": 1, "2": 3, "3": 1}


@pytest.mark.parametrize("transport", ["WebSocket", "event stream"])
async def test_beyond_the_limit_events_wait_and_none_is_left_out(
    transport: str, account: Account, stranger: Account, limited: Limited
) -> None:
    """They come in order when there is room again; others' come at once, and requests are answered."""
    start = cursor_of(UUID(account.id), 0)
    async with (
        limited(rate_limit_cost=3 * (EXECUTION_COST + 12), rate_limit_period=1) as (
            address,
            limits,
        ),
        connected(address, stranger.token) as other,
    ):
        await other.subscribe()
        await other.settled()
        made = await account.create_many([{"title": str(n)} for n in range(8)])
        opened = (streaming if transport == "event stream" else connected)(
            address, account.token, **({"after": start} if transport == "event stream" else {})
        )
        async with opened as one:
            if isinstance(one, Socket):
                await one.subscribe(after=start)
            events = await one.changes(3)
            own = await stranger.create()
            [event] = await other.changes(1)
            assert event["todoId"] == own["id"]
            assert used(limits, account) <= 3 * (EXECUTION_COST + 12)
            if isinstance(one, Socket):
                # What events cost is no part of what requests may.
                await one.subscribe("{ todos(first: 10) { totalCount } }", "asked")
                messages = [await one.next() for _ in range(2)]
                while messages[-1]["id"] != "asked" or messages[-1]["type"] != "complete":
                    messages.append(await one.next())
                events += [
                    message["payload"]["data"]["changes"]
                    for message in messages
                    if message["id"] == "1"
                ]
                [answer] = [m for m in messages if m["id"] == "asked" and m["type"] == "next"]
                assert answer["payload"]["data"]["todos"]["totalCount"] == 8
            events += await one.changes(8 - len(events))
    assert [event["todoId"] for event in events] == [todo["id"] for todo in made]


async def test_an_event_that_costs_more_than_the_limit_is_told(
    account: Account, limited: Limited
) -> None:
    """It takes all that there is, and doesn't wait for ever."""
    async with (
        limited(rate_limit_cost=12, rate_limit_period=1) as (address, _),
        connected(address, account.token) as one,
    ):
        await one.subscribe(CHANGES, after=cursor_of(UUID(account.id), 0))
        await account.create(title="Dear")
        [event] = await one.changes(1)
        assert event["todo"]["title"] == "Dear"


async def test_who_waits_can_complete(account: Account, limited: Limited) -> None:
    """A subscriber that waits can complete, and nothing of the subscription is left."""
    await account.create_many([{"title": "A"}] * 5)
    async with (
        limited(rate_limit_cost=EXECUTION_COST + 12) as (address, _),
        connected(address, account.token) as one,
    ):
        await one.subscribe(after=cursor_of(UUID(account.id), 0))
        await one.changes(1)
        await one.send(id="1", type="complete")
        await until(lambda: not len(feed_registry.feeds()))


async def test_one_event_of_an_owner_is_worked_on_at_a_time(
    account: Account, limited: Limited, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event of an owner is worked on at a time, whatever its subscriptions differ by."""
    ids, caller = [str(number) for number in range(10)], UUID(account.id).int
    other, [pool] = await asyncpg.connect(database_url), pools
    async with limited() as (address, _), connected(address, account.token) as one:
        for id in ids:
            await one.subscribe(BY_NAME.replace("title", f"t{id}: title"), id, first=1)
        await one.settled()
        monkeypatch.setattr("todo_gql.features.todos.single_creation.announce", lambda _: None)
        await account.create(title="New")
        await other.execute("BEGIN; LOCK TABLE todos IN ACCESS EXCLUSIVE MODE")
        feed_registry.feeds().wake([UUID(account.id)])
        await until(lambda: caller in pool.queue.held)
        assert (pool.queue.held[caller], caller in pool.queue.lines) == (1, False)
        await other.close()
        events = await told(one, ids)
        assert [events[id]["data"]["changes"]["todo"][f"t{id}"] for id in ids] == ["New"] * 10


async def test_far_behind_nothing_piles_up(account: Account, limited: Limited) -> None:
    """A subscriber that is far behind keeps few loaded changes in memory."""
    text = "x" * 4_000
    for _ in range(8):
        await account.create_many([{"title": "Long", "description": text}] * 50)
    query = "subscription ($after: String) { changes(after: $after) { ... on Change { todo { description } } } }"
    sizes, loaded = list[int](), list[int]()
    async with limited() as (address, _), connected(address, account.token) as one:
        await one.subscribe(query, after=cursor_of(UUID(account.id), 0))
        for _ in range(400):
            assert (await one.next())["payload"]["data"]["changes"]["todo"]["description"] == text
            for feed in feed_registry.feeds()._feeds.values():
                for shared in feed._shared.values():
                    sizes.append(shared.bodies.size)
                    loaded.append(todos_in(shared._loaders))
    assert max(sizes) <= event_cache.MAX_BYTES
    assert 0 < max(loaded) <= event_cache.EVENTS_PER_LOADERS
    await until(lambda: not len(feed_registry.feeds()))


def todos_in(loaders: Loaders | None) -> int:
    """How many todos were loaded."""
    return len(loaders.by(todos_by_id)._cache) if loaders else 0


FILTERED = """subscription ($after: String, $filter: TodoFilter) {
  changes(after: $after, filter: $filter) { ... on Change { todo { title } } } }"""


@pytest.mark.parametrize("other", ["{ status: { eq: PENDING } }", "$filter"])
async def test_the_same_filter_is_asked_once(
    other: str, account: Account, limited: Limited
) -> None:
    """Equal filters are asked once, in the document or in a variable, and charged to the asker."""
    document = FILTERED.replace("$filter)", f"{other})")
    wanted = {"filter": {"status": {"eq": "PENDING"}}}
    if other != "$filter":
        document, sent = document.replace(", $filter: TodoFilter", ""), dict[str, Any]()
    else:
        sent = wanted
    async with limited() as (address, limits), connected(address, account.token) as one:
        await one.subscribe(FILTERED, "1", **wanted)
        await one.subscribe(document, "2", **sent)
        await one.settled()
        await account.create(title="New")
        await told(one, ["1", "2"])
        asked = FILTER_COST + 1 + CACHED_FILTER_COST
        assert used(limits, account) == asked + EXECUTION_COST + 2 + CACHE_HIT_COST


async def test_changes_that_a_filter_leaves_out_are_charged(
    account: Account, limited: Limited
) -> None:
    """Each is looked at, and whoever looks at more than they may has to wait."""
    await account.create_many([{"title": "A"}] * 50)
    last = await account.create(title="Last")
    async with (
        limited(rate_limit_cost=300, rate_limit_period=1) as (address, limits),
        connected(address, account.token) as one,
    ):
        start, wanted = cursor_of(UUID(account.id), 0), {"id": {"eq": last["id"]}}
        await one.subscribe(FILTERED.replace("title", "id"), after=start, filter=wanted)
        [event] = await one.changes(1)
        assert event["todo"]["id"] == last["id"]
        assert used(limits, account) == FILTER_COST + 51 + EXECUTION_COST + 2


async def test_who_is_far_behind_has_little_of_the_log_in_memory(account: Account) -> None:
    """Pages of long changes are shorter."""
    for _ in range(3):
        await account.create_many([{"title": "Long", "description": "x" * 4_000}] * 50)
    sizes = list[int]()
    with feed_registry.feeds().subscribed(UUID(account.id)) as feed:
        feed.newest = LogPosition(1_000)
        async for rows in feed.after(LogPosition(0)):
            sizes += [sum(len(row["diff"]) for row in rows)] * len(rows)
            if len(sizes) == 150:
                break
    assert max(sizes) <= feeds.MAX_CHUNK_CHARACTERS + 5_000


async def test_others_come_in_between_operations_that_arrive_together(
    account: Account, limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents that arrive together aren't read in one go."""
    reads, parse = list[int](), DocumentParser.parse_in_steps

    def noted(parser: DocumentParser, text: str) -> Any:
        if "noted" in text:
            reads.append(turns.number)
        return parse(parser, text)

    monkeypatch.setattr(DocumentParser, "parse_in_steps", noted)
    async with (
        limited(viewer_cache_seconds=5) as (address, _),
        connected(address, account.token) as one,
        counted_turns() as turns,
    ):
        for number in range(15):
            await one.subscribe(
                f"subscription {{ noted{number}: changes {{ __typename }} }}", str(number)
            )
        await until(lambda: len(reads) >= 15)
    # Some may coincide, as their tokens are looked up in the database.
    assert max(Counter(reads).values()) <= 3


async def test_a_document_costs_though_its_operation_is_completed_while_it_is_parsed(
    account: Account, limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document costs though its operation is completed while it is parsed."""
    begun, parse = asyncio.Event(), DocumentParser.parse_in_steps

    def endless(parser: DocumentParser, text: str) -> Any:
        while "endless" in text:
            begun.set()
            yield
        return (yield from parse(parser, text))

    monkeypatch.setattr(DocumentParser, "parse_in_steps", endless)
    async with (
        limited() as (address, limits),
        connected(address, account.token) as one,
    ):
        before = used(limits, account, COST)
        await one.subscribe("{ endless: __typename }", "1")
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        await one.send(id="1", type="complete")
        await until(lambda: not operations(one.connection.local_address[1]))
        assert used(limits, account, COST) - before == FAILURE
        # The turn to parse is passed on.
        assert await one.execute("{ next: __typename }") == {"data": {"next": "Query"}}


async def test_a_long_document_on_a_socket_is_parsed_once(
    account: Account, limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long document on a socket is parsed once, also one that is too long to be cached."""
    parsed, parse = list[str](), DocumentParser.parse_in_steps

    def noted(parser: DocumentParser, text: str) -> Any:
        parsed.append(text)
        return parse(parser, text)

    monkeypatch.setattr(DocumentParser, "parse_in_steps", noted)
    blank = " " * MAX_KEY_LENGTH
    async with limited() as (address, _), connected(address, account.token) as one:
        answer = await one.execute(f"{{ __typename {blank} }}")
        assert answer == {"data": {"__typename": "Query"}}
        await one.subscribe(f"subscription {{ changes {{ __typename }} {blank} }}")
        await followed_by(account.id)
    assert len(parsed) == 2


async def test_a_subscription_keeps_nothing_of_its_events(
    account: Account, limited: Limited
) -> None:
    """What was collected of the document for each event is gone with it."""
    await account.create_many([{"title": "A"}] * 150)
    async with limited() as (address, _), connected(address, account.token) as one:
        await one.subscribe(CHANGES, after=cursor_of(UUID(account.id), 0))
        collected = list[int]()
        for _ in range(3):
            await one.changes(50)
            gc.collect()
            collected.append(sum(isinstance(each, CollectedFields) for each in gc.get_objects()))
    # Other documents that are cached hold some, always the same.
    assert max(collected) - collected[0] < 25
