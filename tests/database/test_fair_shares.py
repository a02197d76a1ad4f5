"""One caller, whatever it sends, leaves the others connections to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import (
    CREATE,
    PASSWORD,
    REGISTER,
    Account,
    Client,
    NewAccount,
    registered,
    visiting,
)
from tests.support.subscribers import CHANGES, connected, listening
from tests.support.waiting import IS_IN_THE_WAY, counted_turns, until
from todo_gql.database.connection import pool_use
from todo_gql.database.pool import MAX_CHECKS, Pool
from todo_gql.database.tortoise_backend import pools, tortoise_config
from todo_gql.http.graphql import endpoint
from todo_gql.observability.request_record import Caller, set_caller
from todo_gql.server import pipelining
from todo_gql.settings import Settings

SHARE = 3
MANY = 100
READ = "{ todos { nodes { title } } }"
READS = f"{{ {' '.join(f'f{n}: todos {{ nodes {{ title }} }}' for n in range(20))} }}"
WHO = "{ viewer { username } }"
AT_WORK = """
SELECT count(*) FROM pg_locks WHERE NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def in_name_of(caller: str, pool: Pool) -> Any:
    """A connection for somebody."""
    set_caller(caller)
    return await pool.acquire()


def asking(caller: str, pool: Pool) -> asyncio.Task[Any]:
    """Somebody who waits for a connection."""
    return asyncio.create_task(in_name_of(caller, pool))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Three connections, two of them at most for one."""
    pool = Pool(database_url, min_size=1, max_size=3, timeout=5, share=2)
    await pool
    yield pool
    pool.terminate()


async def given_back(pool: Pool, *lent: Any) -> None:
    """Give back these connections, and see that nobody is thought to hold any."""
    for connection in lent:
        await pool.release(connection)
    assert (pool.queue.held, pool.waiting) == ({}, 0)


async def test_one_leaves_a_connection_for_others(pool: Pool) -> None:
    """One connection is left for others, however many requests of one caller wait."""
    own = [asking("busy", pool) for _ in range(20)]
    lent = [await own[0], await own[1]]
    other = await in_name_of("other", pool)
    assert pool.waiting == 18
    for task in own[2:]:
        lent.append(await task) if task.done() else task.cancel()
    await asyncio.gather(*own, return_exceptions=True)
    await given_back(pool, *lent, other)


async def test_a_connection_goes_to_who_has_none(pool: Pool) -> None:
    """A connection goes to the caller that has none, before one that waits longer and has one."""
    lent = [await in_name_of(caller, pool) for caller in ("busy", "busy", "third")]
    busy = [asking("busy", pool) for _ in range(5)]
    await asyncio.sleep(0)
    third, late = asking("third", pool), asking("late", pool)
    await asyncio.sleep(0)
    await pool.release(lent[0])
    assert await late is lent[0]
    await pool.release(lent[0])
    # Each of them has one now, and who could have had another for the longest time is next.
    assert await third is lent[0]
    await pool.release(lent[0])
    assert await busy[0] is lent[0]
    for task in busy[1:]:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    await given_back(pool, *lent)


async def test_who_waits_for_their_own_is_not_told_that_the_server_is_busy(pool: Pool) -> None:
    """Others whom they keep waiting are; not the ones behind what they have themselves."""
    pool.acquire_timeout = 0.1
    lent = [await in_name_of("busy", pool) for _ in range(2)]
    lent.append(await in_name_of("other", pool))
    own, others = asking("busy", pool), asking("other", pool)
    with pytest.raises(TimeoutError):
        await others
    assert not own.done()
    await pool.release(lent[0])
    assert await own is lent[0]
    await given_back(pool, *lent)


async def test_a_lost_connection_is_replaced_for_its_own_line(pool: Pool) -> None:
    """Its place is its caller's, and then that of whoever's turn it is."""
    lent = [await in_name_of("busy", pool) for _ in range(2)]
    waiting = asking("busy", pool)
    await asyncio.sleep(0)
    await pool.discard(lent[0])
    await given_back(pool, await waiting, lent[1])
    assert pool.open_count == 1


async def test_who_gives_up_leaves_the_line(pool: Pool) -> None:
    """A thousand that are cancelled are forgotten, and the one behind them is next."""
    lent = [await in_name_of("busy", pool) for _ in range(2)]
    gone = [asking("busy", pool) for _ in range(1000)]
    patient = asking("busy", pool)
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert pool.waiting == 1
    await pool.release(lent[0])
    await given_back(pool, await patient, lent[1])


async def test_a_connection_counts_until_it_is_back(pool: Pool) -> None:
    """Who gives up a statement has its connection until PostgreSQL has ended it."""
    blocker = await in_name_of("blocker", pool)
    await blocker.execute("BEGIN; LOCK TABLE todos IN ACCESS EXCLUSIVE MODE")
    set_caller("busy")
    statement = asyncio.create_task(pool.fetch_rows("SELECT FROM todos", ()))
    await until(lambda: pool.queue.held.get("busy") == 1 and pool.open_count == 2)
    await until(lambda: blocker.fetchval(IS_IN_THE_WAY))
    statement.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert pool.queue.held["busy"] == 1
    await asyncio.gather(statement, return_exceptions=True)
    assert "busy" not in pool.queue.held
    await blocker.execute("ROLLBACK")
    await given_back(pool, blocker)


@asynccontextmanager
async def locked(url: str, statement: str, *values: object) -> AsyncIterator[asyncpg.Connection]:
    """Hold a lock within the block, which keeps whatever needs it from getting on."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(statement, *values)
            yield connection
    finally:
        await connection.close()


LOCK_TODOS = "LOCK TABLE todos IN ACCESS EXCLUSIVE MODE"
LOCK_OWNER = "SELECT FROM users WHERE id = $1::text::uuid FOR UPDATE"


def lent() -> dict[Caller, int]:
    """How many connections each caller has."""
    return dict(pools[-1].queue.held)


async def all_at_once(attack: Callable[[], Awaitable[Any]], number: int) -> list[Any]:
    """The answers to as many of the same."""
    return await asyncio.gather(*(attack() for _ in range(number)))


@pytest.mark.parametrize(("query", "number"), [(READ, MANY), (READS, 1), (READS, 10)])
async def test_reads_of_one_leave_connections_for_others(
    account: Account, stranger: Account, database_url: str, query: str, number: int
) -> None:
    """Many requests, or one with many fields, have three connections, and nobody is refused."""
    async with locked(database_url, LOCK_TODOS) as other:
        attack = asyncio.create_task(all_at_once(lambda: account.execute(query), number))
        await until(lambda: pool_use().waiting > 0)
        for _ in range(3):
            assert (await stranger.data(WHO))["viewer"]["username"] == stranger.username
        assert await other.fetchval(AT_WORK) <= SHARE
        assert max(lent().values()) <= SHARE
    for answer in await attack:
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert codes <= {"TIMEOUT"}


async def test_writes_of_one_leave_connections_for_others(
    account: Account, stranger: Account, database_url: str
) -> None:
    """Those that wait for their owner's lock, each with a connection, are three at a time."""
    async with locked(database_url, LOCK_OWNER, account.id):
        created = {"input": {"title": "One of many"}}
        attack = asyncio.create_task(all_at_once(lambda: account.execute(CREATE, created), MANY))
        await until(lambda: pool_use().waiting > 0)
        await stranger.create(title="Written meanwhile")
        assert max(lent().values()) == SHARE
    for answer in await attack:
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert codes <= {"TIMEOUT"}


async def test_a_users_sockets_and_requests_are_one_caller(
    account: Account, stranger: Account, app: ASGIApp, settings: Settings, database_url: str
) -> None:
    """Operations of several WebSockets and of HTTP share the three connections."""
    async with (
        listening(app, settings) as address,
        connected(address, account.token) as one,
        connected(address, account.token) as two,
        locked(database_url, LOCK_TODOS) as other,
    ):
        for socket in (one, two):
            for number in range(10):
                await socket.subscribe(READS, str(number))
        attack = asyncio.create_task(all_at_once(lambda: account.execute(READ), 10))
        await until(lambda: pool_use().waiting > 100)
        assert (await stranger.data(WHO))["viewer"]["username"] == stranger.username
        assert await other.fetchval(AT_WORK) <= SHARE
        await other.execute("ROLLBACK; BEGIN")
        await attack


async def test_an_address_is_one_caller_too(app: ASGIApp, database_url: str) -> None:
    """Who isn't signed in is known by the address; other addresses and the server get on."""
    here, elsewhere = visiting(app), visiting(app, "192.0.2.7")
    async with here as client, elsewhere as other:
        account = await registered(other)
        async with locked(database_url, "LOCK TABLE users IN EXCLUSIVE MODE"):
            attack = asyncio.create_task(all_at_once(lambda: register(client), 30))
            await until(lambda: pool_use().waiting > 0)
            assert (await other.http.get("/health/ready")).status_code == 200
            assert (await account.data(WHO))["viewer"]["username"] == account.username
            assert lent() == {"127.0.0.1": SHARE}
        await attack


async def register(client: Client) -> None:
    """Have somebody registered, whatever comes of it."""
    name = f"user-{uuid4().hex[:12]}"
    sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await client.execute(REGISTER, {"input": sent})


async def test_small_pools_leave_one_for_others(settings: Settings, database_url: str) -> None:
    """Small pools leave a connection for others, even where one caller could use all of them."""
    for size, share in ((1, 1), (2, 1), (3, 2), (4, 3), (9, 3)):
        small = settings.model_copy(update={"database_pool_size": size, "database_max_overflow": 0})
        config = tortoise_config(database_url, small)
        assert config["connections"]["default"]["credentials"]["pool_share"] == share


async def test_nothing_of_a_request_goes_on_when_its_time_is_over(
    account: Account, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its statements are ended in PostgreSQL, and those that waited aren't begun."""
    monkeypatch.setattr(endpoint, "OPERATION_SECONDS", 0.2)
    async with locked(database_url, LOCK_TODOS) as other:
        error = await account.error(READS)
        assert error["extensions"] == {"code": "TIMEOUT"}
        assert pool_use().waiting == 0

        async def nothing_is_at_work() -> bool:
            return not await other.fetchval(AT_WORK)

        await until(nothing_is_at_work)
    await until(lambda: not lent())


async def test_the_time_of_all_statements_of_a_request_has_an_end(
    account: Account, new_account: NewAccount, database_url: str
) -> None:
    """Ten seconds at three connections are over sooner; others' requests are left alone."""
    patient = await new_account()
    [pool] = pools
    async with locked(database_url, LOCK_TODOS):
        reading = asyncio.create_task(patient.execute(READ))
        attack = asyncio.create_task(account.error(READS))
        await until(lambda: sorted(lent().values()) == [1, SHARE])
        for _ in range(MAX_CHECKS // SHARE + 1):
            pool.end_long_requests()
        assert (await attack)["extensions"] == {"code": "TIMEOUT"}
    assert "errors" not in await reading


async def test_a_subscription_has_all_the_time_it_wants(
    account: Account, app: ASGIApp, settings: Settings, database_url: str
) -> None:
    """What it reads in days is no reason to end it."""
    [pool] = pools
    cursor = (await account.data("{ changeCursor }"))["changeCursor"]
    await account.create(title="Told late")
    async with listening(app, settings) as address, connected(address, account.token) as one:
        async with locked(database_url, "LOCK TABLE changes IN ACCESS EXCLUSIVE MODE"):
            await one.subscribe(CHANGES, after=cursor)
            await until(lambda: bool(lent()))
            for _ in range(2 * MAX_CHECKS):
                pool.end_long_requests()
        [change] = await one.changes(1)
        assert change["todo"]["title"] == "Told late"


async def test_connections_without_requests_take_no_room(
    app: ASGIApp, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full server closes a connection without requests for each new one, and refuses nobody."""
    monkeypatch.setattr(pipelining, "UNUSED_GRACE_SECONDS", 0)
    asked = {"query": "{ __typename }"}
    async with listening(app, settings, limit_concurrency=6) as address:
        host, _, port = address.partition(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(8)]
        async with httpx.AsyncClient(base_url=f"http://{address}") as http:
            for _ in range(4):
                assert (await http.post("/graphql", json=asked)).status_code == 200
            # As many as there is no room for beside the one that asks.
            await until(lambda: sum(reader.at_eof() for reader, _ in idle) == 4)
            assert (await http.post("/graphql", json=asked)).status_code == 200
        assert sum(reader.at_eof() for reader, _ in idle) == 4
        for _, writer in idle:
            writer.close()


async def test_pipelined_requests_begin_one_in_a_turn(app: ASGIApp, settings: Settings) -> None:
    """Pipelined requests begin one in a turn of the event loop, so that others have theirs."""
    one = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    connections, requests = 20, 10
    async with listening(app, settings) as address, counted_turns() as turns:
        host, _, port = address.partition(":")
        streams = [await asyncio.open_connection(host, int(port)) for _ in range(connections)]
        for _, writer in streams:
            writer.write(
                one * (requests - 1) + one.replace(b"x\r\n", b"x\r\nconnection: close\r\n")
            )
        received = await asyncio.gather(*(reader.read() for reader, _ in streams))
        for _, writer in streams:
            writer.close()
    assert [each.count(b"HTTP/1.1 200") for each in received] == [requests] * connections
    assert turns.number >= connections * (requests - 1)


INCOMPLETE = (
    b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"content-length: 100\r\n\r\n{"
)


def answering() -> int:
    """How many requests the server of this process is answering."""
    tasks = [task.get_coro() for task in asyncio.all_tasks()]
    return sum(getattr(coro, "__name__", "") == "run_asgi" for coro in tasks)


async def test_bodies_that_are_incomplete_take_no_room(
    app: ASGIApp, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full server closes the oldest incomplete body of the address with most connections."""
    monkeypatch.setattr(pipelining, "UNUSED_GRACE_SECONDS", 0)
    async with listening(app, settings, limit_concurrency=6) as address:
        host, _, port = address.partition(":")
        slow = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
        for local in ("127.0.0.2", *["127.0.0.1"] * 4):
            slow.append(await asyncio.open_connection(host, int(port), local_addr=(local, 0)))
            slow[-1][1].write(INCOMPLETE)
            await until(lambda: answering() == len(slow))
        async with httpx.AsyncClient(base_url=f"http://{address}") as http:
            for _ in range(2):
                asked = await http.post("/graphql", json={"query": "{ __typename }"})
                assert asked.status_code == 200
            await until(slow[1][0].at_eof)
        assert [reader.at_eof() for reader, _ in slow] == [False, True, False, False, False]
        for _, writer in slow:
            writer.close()


async def test_a_body_that_waits_behind_an_answer_has_its_connection_left(
    account: Account,
    app: ASGIApp,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A request that is being answered is never lost to one that comes later."""
    monkeypatch.setattr(pipelining, "UNUSED_GRACE_SECONDS", 0)
    body = b'{"query": "%b"}' % READ.encode()
    head = INCOMPLETE.partition(b"content-length")[0] + (
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n"
        % (account.token.encode(), len(body))
    )
    async with listening(app, settings, limit_concurrency=2) as address:
        host, _, port = address.partition(":")
        async with locked(database_url, LOCK_TODOS):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(head + body)
            await until(lambda: bool(lent()))
            writer.write(INCOMPLETE)
            async with httpx.AsyncClient(base_url=f"http://{address}") as http:
                assert (await http.post("/graphql", json={"query": WHO})).status_code == 503
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_connection_is_spared_for_a_moment(app: ASGIApp, settings: Settings) -> None:
    """It is about to be used, and whoever comes to a full server meanwhile is refused."""
    async with (
        listening(app, settings, limit_concurrency=1) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as http,
    ):
        assert (await http.post("/graphql", json={"query": "{ a }"})).status_code == 503
