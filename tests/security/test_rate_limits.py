"""How much a caller may ask for in a while, and what replicas share of that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, visiting
from tests.support.trees import add_list
from tests.support.valkey import Valkey, valkey
from tests.support.views import save
from tests.support.waiting import until
from todo_gql.app import create_app
from todo_gql.security import shared_counters, sliding_window
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

NAME = "{ __typename }"
PAGE = "{ todos { nodes { id } } }"
# Waits that end as soon as what they wait for is there.
PATIENCE = 200
LATE_SECONDS = 30.0


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the limits, at the beginning of a period."""
    clock = Clock()
    monkeypatch.setattr(sliding_window, "time", clock)
    return clock


class Limited:
    """Gives clients of servers with limits of their own."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self.settings = settings
        self.database_url = database_url
        self.created = list[RateLimits]()

    def create_limits(self, settings: Settings) -> RateLimits:
        """The limits of an application, which are noted."""
        self.created.append(RateLimits(settings))
        return self.created[-1]

    @asynccontextmanager
    async def __call__(self, **limits: Any) -> AsyncIterator[Client]:
        """A client of a new server."""
        app = create_app(self.settings.model_copy(update=limits), self.database_url)
        own = self.created[-1]
        async with visiting(app) as client:
            yield client
        await own.close()

    async def synchronized(self) -> None:
        """Wait until each server knows what the others had counted before."""
        await until(lambda: not any(own._syncs for own in self.created))


@pytest.fixture
def limited(
    app: ASGIApp, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Limited:
    """Gives a client of a server with limits of its own; `app` keeps the database connected."""
    limited = Limited(settings, database_url)
    monkeypatch.setattr("todo_gql.app.RateLimits", limited.create_limits)
    return limited


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey."""
    with valkey(tmp_path) as server:
        yield server


def told(answer: httpx.Response) -> tuple[int, str | None]:
    """The status of an answer, and what is left of the limits."""
    return answer.status_code, answer.headers.get("ratelimit")


async def test_a_request_more_than_allowed_is_refused(clock: Clock, limited: Limited) -> None:
    """A request more than allowed gets status 429, with the limit and when to come back."""
    async with limited(rate_limit_requests=3) as client:
        for left in (2, 1, 0):
            answer = await client.post(NAME)
            assert told(answer) == (200, f'"requests";r={left};t=60')
            assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=60'
        refused = await client.post(NAME)
    assert told(refused) == (429, '"requests";r=0;t=80')
    assert refused.headers["retry-after"] == "80"
    assert refused.json() == {
        "errors": [
            {
                "message": "Too many requests. Wait 80 seconds, then try again.",
                "extensions": {"code": "RATE_LIMITED", "retryAfter": 80},
            }
        ]
    }


async def test_who_waits_as_told_gets_through(clock: Clock, limited: Limited) -> None:
    """Whoever waits as told gets through, and tries before that don't extend the wait."""
    async with limited(rate_limit_requests=3) as client:
        for _ in range(3):
            await client.post(NAME)
        clock.now += 30
        for _ in range(5):
            assert (await client.post(NAME)).headers["retry-after"] == "50"
        clock.now += 49
        assert (await client.post(NAME)).headers["retry-after"] == "1"
        clock.now += 1
        assert (await client.post(NAME)).status_code == 200
        assert (await client.post(NAME)).status_code == 429


async def test_what_was_used_is_forgotten_little_by_little(clock: Clock, limited: Limited) -> None:
    """Half of what was used is free again half a period later, and all of it after two."""
    async with limited(rate_limit_requests=10) as client:
        for _ in range(10):
            await client.post(NAME)
        clock.now += 90
        assert told(await client.post(NAME)) == (200, '"requests";r=4;t=30')
        clock.now += 120
        assert told(await client.post(NAME)) == (200, '"requests";r=9;t=30')


async def test_the_cost_of_operations_is_limited(
    clock: Clock, limited: Limited, account: Account
) -> None:
    """An operation that costs more than is left isn't executed, a cheaper one is."""
    async with limited(rate_limit_cost=5000, rate_limit_requests=100) as client:
        big = "{ todos(first: 100) { nodes { history(first: 47) { nodes { id } } } } }"
        answer = await client.post(big, token=account.token)
        assert told(answer) == (200, '"requests";r=99;t=60, "cost";r=200;t=60')
        refused = await client.post(big, token=account.token)
        assert refused.status_code == 429
        assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        answer = await client.post(PAGE, token=account.token)
        assert told(answer) == (200, '"requests";r=97;t=60, "cost";r=150;t=60')


async def test_renaming_a_tag_costs_for_each_todo_that_carries_it(
    clock: Clock, limited: Limited, account: Account
) -> None:
    """Renaming a tag costs for each todo that has it, and a rename to its own name costs none."""
    await account.create_many([{"title": "t", "tags": ["old"]}] * 30)
    [tag] = (await account.data("{ tags { nodes { id } } }"))["tags"]["nodes"]
    rename = f'mutation {{ tagRename(id: "{tag["id"]}", name: "new") {{ tag {{ id }} }} }}'
    async with limited(rate_limit_cost=5000, rate_limit_requests=0) as client:
        for left in (4989, 4948):
            answer = await client.post(rename, token=account.token)
            assert told(answer) == (200, f'"cost";r={left};t=60')


async def test_subtasks_that_change_with_a_todo_cost(
    clock: Clock, limited: Limited, account: Account
) -> None:
    """A mutation costs 1 more for each subtask that changes with its todo, and none for the others."""
    parent, created = (await account.create(title="t"))["id"], []
    for _ in range(30):
        to = {"parentId": parent}
        created.append((await account.create(title="t", to=to))["id"])
    list_id = await add_list(account)
    move = f'todoMove(id: "{parent}", to: {{ listId: "{list_id}" }}) {{ undoCursor }}'
    bulk = f'(ids: ["{parent}", "{created[0]}"]) {{ updated }}'
    async with limited(rate_limit_cost=5000, rate_limit_requests=0) as client:
        for field, left in (
            (f'todoComplete(id: "{parent}") {{ undoCursor }}', 4960),
            (f'todoComplete(id: "{parent}") {{ undoCursor }}', 4950),
            (f'todoDelete(id: "{parent}") {{ undoCursor }}', 4910),
            (f'todoRestore(id: "{parent}") {{ undoCursor }}', 4870),
            (move, 4830),
            (f"todoBulkDelete{bulk}", 4789),
            (f"todoBulkRestore{bulk}", 4748),
            (f'listDelete(id: "{list_id}") {{ list {{ id }} }}', 4706),
        ):
            await client.post(f"mutation {{ {field} }}", token=account.token)
            # What is known only afterwards is in the header of the next answer.
            answer = await client.post("{ __typename }", token=account.token)
            assert told(answer) == (200, f'"cost";r={left};t=60'), field


async def test_an_undo_costs_for_each_todo_that_the_mutation_changed(
    clock: Clock, limited: Limited, account: Account
) -> None:
    """An undo costs for each todo beside its own cost, also where a todo stays as it is."""
    await account.create_many([{"title": "t"}] * 30)
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    undo = f'mutation {{ todoUndo(cursor: "{cursor}") {{ updated }} }}'
    async with limited(rate_limit_cost=5000, rate_limit_requests=0) as client:
        for left in (4990, 4950):
            answer = await client.post(undo, token=account.token)
            assert told(answer) == (200, f'"cost";r={left};t=60')


async def test_a_saved_view_costs_what_its_filter_does(
    clock: Clock, limited: Limited, account: Account
) -> None:
    """A view costs what its filter does; without enough left, its todos aren't searched."""
    dear = {"status": {"in": ["PENDING"]}, "or": [{"search": "a"}, {"tags": {"some": ["b"]}}]}
    plain, filtered = [(await save(account, filter=one))["id"] for one in ({}, dear)]
    page = '{ node(id: "%s") { ... on SavedView { todos(first: 5) { totalCount } } } }'
    async with limited(rate_limit_cost=1000, rate_limit_requests=0) as client:
        for view, left in ((plain, 998), (filtered, 996), (plain, 214)):
            answer = await client.post(page % view, token=account.token)
            assert told(answer) == (200, f'"cost";r={left};t=60')
            assert "errors" not in answer.json()
        answer = await client.post(page % filtered, token=account.token)
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"


async def test_introspection_uses_up_some_of_the_cost(clock: Clock, limited: Limited) -> None:
    """Introspection uses up some of the limit, though its own cost is nothing."""
    async with limited(rate_limit_cost=5000, rate_limit_requests=0) as client:
        answer = await client.post("{ __schema { queryType { name } } }")
        assert told(answer) == (200, '"cost";r=4500;t=60')
        assert answer.json()["extensions"]["cost"]["requested"] == 0
        two = '{ a: __type(name: "Todo") { name } b: __type(name: "Tag") { name } }'
        assert told(await client.post(two)) == (200, '"cost";r=4400;t=60')


async def test_a_user_is_limited_wherever_they_are(
    limited: Limited, account: Account, stranger: Account
) -> None:
    """A user is limited by account wherever they are, and only anonymous clients by address."""
    async with limited(rate_limit_requests=1) as client:
        assert [
            (await client.post(NAME, token=token)).status_code
            for token in (account.token, account.token, stranger.token, None, None, "forged")
        ] == [200, 429, 200, 200, 429, 429]


async def test_documents_that_cannot_be_read_count(limited: Limited) -> None:
    """Documents that can't be read count, so that nobody makes the server parse for ever."""
    async with limited(rate_limit_requests=2) as client:
        assert [(await client.post("{ nonsense }")).status_code for _ in range(3)] == [
            200,
            200,
            429,
        ]


async def test_health_is_never_limited(limited: Limited) -> None:
    """A probe asks as often as it likes."""
    async with limited(rate_limit_requests=1) as client:
        await client.post(NAME)
        assert (await client.post(NAME)).status_code == 429
        for path in ("/health", "/health/live", "/health/ready", "/"):
            answer = await client.http.get(path)
            assert answer.status_code != 429
            assert "ratelimit" not in answer.headers


async def test_zero_switches_a_limit_off(limited: Limited) -> None:
    """Each on its own, and without headers where there is none."""
    async with limited() as client:
        assert told(await client.post(NAME)) == (200, None)


def test_an_operation_has_to_fit_into_the_limit() -> None:
    """A period's cost below an operation's would refuse it for ever."""
    with pytest.raises(ValidationError, match="RATE_LIMIT_COST must be at least MAX_COST"):
        Settings(_env_file=None, rate_limit_cost=100)


def shared(server: Valkey, requests: int) -> dict[str, Any]:
    """The settings of a replica."""
    return {"redis_url": SecretStr(server.url), "rate_limit_requests": requests}


async def requests_until_refused(client: Client, limited: Limited) -> int:
    """How many requests are answered; what a replica did is synchronized after each."""
    for count in range(PATIENCE):
        if (await client.post(NAME)).status_code == 429:
            return count
        await limited.synchronized()
    raise AssertionError("nothing was refused")


async def test_replicas_share_their_counts(
    server: Valkey, limited: Limited, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was refused by one of them is refused by the next, but for what it hadn't heard of."""
    # A busy machine may answer late.
    monkeypatch.setattr(shared_counters, "TIMEOUT_SECONDS", LATE_SECONDS)
    settings = shared(server, 20)
    async with limited(**settings) as one, limited(**settings) as other:
        assert await requests_until_refused(one, limited) == 20
        assert await requests_until_refused(other, limited) == 1


@pytest.mark.parametrize("fault", [Valkey.freeze, Valkey.kill])
async def test_without_redis_each_replica_counts_alone(
    server: Valkey,
    limited: Limited,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Valkey], None],
) -> None:
    """Requests go on to be answered, and to be limited."""
    timeout = shared_counters.TIMEOUT_SECONDS
    monkeypatch.setattr(shared_counters, "TIMEOUT_SECONDS", LATE_SECONDS)
    async with limited(**shared(server, 20)) as client:
        for _ in range(5):
            assert (await client.post(NAME)).status_code == 200
        # What isn't known to be counted by a late answer would be counted twice.
        await limited.synchronized()
        monkeypatch.setattr(shared_counters, "TIMEOUT_SECONDS", timeout)
        fault(server)
        assert await requests_until_refused(client, limited) == 15


async def test_replicas_find_each_other_again(server: Valkey, limited: Limited) -> None:
    """What was counted while Redis was away is told once it is back."""
    settings = shared(server, 1000)
    async with limited(**settings) as one, limited(**settings) as other:
        server.kill()
        for _ in range(100):
            await one.post(NAME)
        server.start()
        for _ in range(PATIENCE):
            await one.post(NAME)
            answer = await other.post(NAME)
            if int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]) < 900:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the other replica learnt nothing")


@pytest.fixture
async def replicas(server: Valkey, settings: Settings) -> AsyncIterator[list[RateLimits]]:
    """The limits of two replicas that allow two tries of a credential."""
    changes = {"redis_url": SecretStr(server.url), "rate_limit_credentials": 2}
    both = [RateLimits(settings.model_copy(update=changes)) for _ in range(2)]
    yield both
    for one in both:
        await one.close()


async def test_replicas_share_tries_of_credentials(replicas: list[RateLimits]) -> None:
    """Replicas share the limit of sign-in tries to the last one."""
    one, other = replicas
    waits = [await limits.wait_for_credential("::1", "ada") for limits in (one, other, one, other)]
    assert waits[:2] == [0, 0]
    assert all(0 < wait <= 60 for wait in waits[2:])


@pytest.mark.parametrize("fault", [Valkey.freeze, Valkey.kill])
async def test_tries_of_credentials_are_limited_without_redis(
    server: Valkey, replicas: list[RateLimits], fault: Callable[[Valkey], None]
) -> None:
    """Those before it went away count, too."""
    one, _ = replicas
    assert await one.wait_for_credential("::1", "ada") == 0
    fault(server)
    assert await one.wait_for_credential("::1", "ada") == 0
    assert await one.wait_for_credential("::1", "ada") > 0
