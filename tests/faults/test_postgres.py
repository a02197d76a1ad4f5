"""PostgreSQL restarted, frozen, slow and out of connections, and the network to it broken."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.faults.checker import check
from tests.faults.installation import Database, Installation
from tests.faults.workload import DEVICES, Workload, working

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'todo_gql' AND pid <> pg_backend_pid()
"""


@asynccontextmanager
async def harmed(installation: Installation, chance: random.Random) -> AsyncIterator[Workload]:
    """Users at work while something fails in the block; after it all is well, and stays so."""
    async with working(installation, chance) as workload, installation.alive():
        yield workload
        await workload.recovers()
    await check(installation, workload)


@pytest.mark.parametrize("end", [Database.stop, Database.kill], ids=["stopped", "killed"])
async def test_restarts_lose_nothing(
    installation: Installation, chance: random.Random, end: Callable[[Database], None]
) -> None:
    """PostgreSQL is stopped or killed in the midst of writes, and started a moment later."""
    async with harmed(installation, chance) as workload:
        for _ in range(2):
            await workload.does(chance.randint(1, 50))
            await asyncio.to_thread(end, installation.database)
            await asyncio.sleep(chance.uniform(0, 1))
            await asyncio.to_thread(installation.database.start)
            await workload.recovers()


async def test_terminated_backends_lose_nothing(
    installation: Installation, chance: random.Random
) -> None:
    """All connections of the server are ended by an administrator, again and again."""
    connection = await installation.connect()
    async with harmed(installation, chance) as workload:
        for _ in range(10):
            await workload.does(chance.randint(1, 20))
            await connection.execute(TERMINATE)
    await connection.close()


async def test_cut_connections_lose_nothing(
    installation: Installation, chance: random.Random
) -> None:
    """All connections are broken by the network, again and again."""
    async with harmed(installation, chance) as workload:
        for _ in range(10):
            await workload.does(chance.randint(1, 20))
            installation.proxy.cut()


async def test_a_database_frozen_for_a_moment_is_waited_for(
    installation: Installation, chance: random.Random
) -> None:
    """Nobody hears of it."""
    async with harmed(installation, chance) as workload:
        await asyncio.to_thread(installation.database.freeze)
        await asyncio.sleep(chance.uniform(0.1, 2))
        await asyncio.to_thread(installation.database.thaw)
        await workload.does(chance.randint(1, 20))


async def test_a_database_frozen_for_long_is_unavailable(
    installation: Installation, chance: random.Random
) -> None:
    """All who wait are told so; once it goes on the server does, too."""
    async with harmed(installation, chance) as workload:
        await asyncio.to_thread(installation.database.freeze)
        await workload.is_answered(len(workload.owners) * DEVICES)
        await asyncio.sleep(chance.uniform(0, 2))
        await asyncio.to_thread(installation.database.thaw)
    assert workload.codes["UNAVAILABLE"]


async def test_a_silent_network_is_given_up(
    installation: Installation, chance: random.Random
) -> None:
    """Connections on which nothing comes any more are replaced, as when a machine is gone."""
    async with harmed(installation, chance) as workload:
        installation.proxy.fall_silent()
        await workload.does(chance.randint(50, 100))


async def test_a_stalled_network_loses_nothing(
    installation: Installation, chance: random.Random
) -> None:
    """What was held back for seconds comes after all."""
    async with harmed(installation, chance) as workload:
        for _ in range(3):
            installation.proxy.stall()
            await asyncio.sleep(chance.uniform(0.1, 2))
            installation.proxy.resume()
            await workload.does(chance.randint(1, 20))


async def test_a_slow_network_loses_nothing(
    installation: Installation, chance: random.Random
) -> None:
    """Each message takes long, and the users wait or are told to come back."""
    async with harmed(installation, chance):
        for _ in range(2):
            installation.proxy.delay = chance.uniform(0.02, 0.3)
            await asyncio.sleep(chance.uniform(0.5, 1.5))
        installation.proxy.delay = 0


async def test_without_connections_it_is_unavailable(
    installation: Installation, chance: random.Random
) -> None:
    """Others have taken all connections that PostgreSQL gives, until they give them back."""
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    async with harmed(installation, chance) as workload:
        one = await installation.connect()
        for _ in range(3):
            await one.execute(TERMINATE)
            try:
                while True:
                    taken.append(await installation.connect())
            except asyncpg.TooManyConnectionsError:
                pass
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        for connection in (*taken, one):
            await connection.close()
    assert workload.codes["UNAVAILABLE"]
