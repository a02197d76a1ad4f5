"""The pool of connections, on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from starlette.types import ASGIApp
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from tests.support.proxy import Proxy
from tests.support.waiting import until
from todo_gql.database.connection import acquire, fetch
from todo_gql.database.pool import STALE_CHECKS, Pool
from todo_gql.database.tortoise_backend import Client

HELD = "SELECT FROM pg_locks WHERE pid = $1 AND relation = 'todos'::regclass"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """One connection that is kept, and one more under load."""
    pool = Pool(database_url, min_size=1, max_size=2, timeout=5, share=3)
    await pool
    yield pool
    await pool.close()


async def backend(pool: Pool) -> int:
    """The PostgreSQL process that answers the next statement."""
    connection = await pool.acquire()
    try:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
    finally:
        await pool.release(connection)


async def test_the_connection_used_last_is_lent_first(pool: Pool) -> None:
    """One after the other, all use the same."""
    assert len({await backend(pool) for _ in range(5)}) == 1
    assert (pool.get_size(), pool.get_idle_size()) == (1, 1)


async def test_a_connection_goes_to_whoever_waits_longest(pool: Pool) -> None:
    """A connection that is released goes straight to whoever waits longest."""
    lent = [await pool.acquire(), await pool.acquire()]
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(2)]
    await asyncio.sleep(0)
    assert pool.waiting == 2
    await pool.release(lent[1])
    await pool.release(lent[0])
    assert await asyncio.gather(*waiting) == [lent[1], lent[0]]
    for connection in lent:
        await pool.release(connection)


async def test_the_place_of_a_lost_connection_goes_to_whoever_waits_longest(pool: Pool) -> None:
    """A lost connection's slot goes to whoever waits longest, and not to the one who lost it."""
    pool.acquire_timeout = 0.5
    lent = [await pool.acquire(), await pool.acquire()]
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await pool.discard(lent[0])
    with pytest.raises(TimeoutError):
        await pool.acquire()
    for connection in (await waiting, lent[1]):
        await pool.release(connection)
    assert pool.open_count == 1


async def test_who_waits_too_long_is_told_so(pool: Pool) -> None:
    """Whoever waits too long gets an error, and a connection released later is not lost to them."""
    pool.acquire_timeout = 0.1
    lent = [await pool.acquire(), await pool.acquire()]
    with pytest.raises(TimeoutError):
        await pool.acquire()
    for connection in lent:
        await pool.release(connection)
    assert await pool.acquire() in lent
    assert pool.waiting == 0
    await pool.release(lent[0])


async def test_who_gives_up_passes_on_what_just_came(pool: Pool) -> None:
    """Cancelled between being served and running on, a task takes no connection with it."""
    lent = [await pool.acquire(), await pool.acquire()]
    given_up = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    patient = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await pool.release(lent[0])
    given_up.cancel()
    assert await patient is lent[0]
    for connection in lent:
        await pool.release(connection)


async def test_a_broken_connection_is_replaced(pool: Pool) -> None:
    """Nobody is lent what PostgreSQL has closed."""
    ended = await backend(pool)
    other = await pool.acquire()
    killer = await pool.acquire()
    await pool.release(other)
    await killer.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = {ended}"
    )
    await until(other.is_closed)
    await pool.release(killer)
    pids = {await backend(pool) for _ in range(3)}
    assert ended not in pids


async def test_a_connection_is_lent_again_while_it_is_taken_back(pool: Pool) -> None:
    """Somebody else may have it before whoever gives it back goes on."""

    async def fail() -> None:
        for _ in range(30):
            connection = await pool.acquire()
            await pool.release_after_error(connection, asyncpg.DataError())

    await asyncio.gather(*(fail() for _ in range(6)))
    assert (pool.open_count, pool.proxies) == (0, {})


async def test_an_open_transaction_is_never_passed_on(pool: Pool) -> None:
    """Whoever leaves one behind leaves a connection that is closed."""
    connection = await pool.acquire()
    left = await connection.fetchval("SELECT pg_backend_pid()")
    await connection.execute("BEGIN")
    await pool.release(connection)
    assert await backend(pool) != left


@pytest.mark.parametrize("error", [asyncio.CancelledError, asyncpg.DataError])
async def test_a_statement_given_up_leaves_nothing_behind(
    app: ASGIApp, error: type[BaseException]
) -> None:
    """Parsed and then not run, it holds its table only until the connection comes back."""

    async def is_held(pid: int) -> bool:
        return bool(await fetch(HELD, pid))

    with suppress(error):
        async with acquire() as connection:
            pid = connection.get_server_pid()
            await connection.prepare("SELECT FROM todos")
            assert await is_held(pid)
            raise error
    assert not await is_held(pid)


async def test_a_transaction_that_cannot_begin_takes_no_connection_away(app: ASGIApp) -> None:
    """Whoever is cancelled before it has begun is in no transaction, either."""
    client = get_connection("default")
    assert isinstance(client, Client)
    pool = await client.opened_pool()
    await fetch("SELECT")
    [*_, connection] = pool.idle

    async def begin() -> None:
        with suppress(asyncio.CancelledError):
            async with in_transaction():
                raise AssertionError
        assert get_connection("default") is client

    beginning = asyncio.create_task(begin())
    await asyncio.sleep(0)
    assert connection not in pool.idle
    beginning.cancel()
    await beginning
    assert connection not in pool.proxies


async def test_there_is_room_again_after_a_failed_start(database_url: str) -> None:
    """A database that refuses connections takes no places away for good."""
    pool = Pool(
        urlunsplit(urlsplit(database_url)._replace(path="/gone")),
        min_size=0,
        max_size=1,
        timeout=1,
        share=1,
    )
    await pool
    for _ in range(3):
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await pool.acquire()
    assert pool.open_count == 0
    await pool.close()


async def test_silent_connections_are_given_up(database_url: str) -> None:
    """Who waits for an answer on one is told, and nobody is lent another that was at hand."""
    proxy = Proxy(database_url)
    async with proxy.listening() as url:
        pool = Pool(url, min_size=2, max_size=2, timeout=5, share=2)
        await pool
        one, two = await pool.acquire(), await pool.acquire()
        await pool.release(two)
        proxy.fall_silent()
        asking = asyncio.create_task(one.fetchval("SELECT 1"))
        await asyncio.sleep(0)
        for _ in range(STALE_CHECKS):
            pool.close_stale()
            assert not one.is_closed()
        pool.close_stale()
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await asking
        await pool.release(one)
        assert await backend(pool)
        await pool.close()


async def test_who_is_cancelled_does_not_wait_for_the_database(database_url: str) -> None:
    """A cancelled caller doesn't wait for a frozen database, and its slot is free once closed."""
    proxy = Proxy(database_url)
    async with proxy.listening() as url:
        pool = Pool(url, min_size=1, max_size=1, timeout=5, share=1)
        await pool
        connection = await pool.acquire()
        proxy.stall()
        asking = asyncio.create_task(connection.fetchval("SELECT 1"))
        # Until it has sent its statement.
        await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await pool.release_cancelled(connection)
        assert pool.open_count == 1
        for _ in range(STALE_CHECKS + 1):
            pool.close_stale()
        await asyncio.gather(*pool.releasing)
        assert pool.open_count == 0
        proxy.resume()
        assert await backend(pool)
        await pool.close()


async def test_a_lost_connection_holds_no_locks(database_url: str) -> None:
    """The session of a connection on which nothing comes any more is ended, and so are its locks."""
    proxy = Proxy(database_url)
    async with proxy.listening() as url:
        pool = Pool(url, min_size=1, max_size=2, timeout=5, share=3)
        await pool
        try:
            connection = await pool.acquire()
            pid = connection.get_server_pid()
            await connection.execute("BEGIN; LOCK TABLE todos IN SHARE ROW EXCLUSIVE MODE")
            proxy.fall_silent()
            await pool.discard(connection)
            assert await pool.fetch_rows(HELD, [pid])

            async def is_ended() -> bool:
                return bool(await pool.end_unheard())

            await until(is_ended)
            await until(partial(_is_released, pool, pid))
            assert not pool.terminated
        finally:
            await pool.close()


async def _is_released(pool: Pool, pid: int) -> bool:
    return not await pool.fetch_rows(HELD, [pid])
