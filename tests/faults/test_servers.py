"""Servers that are killed or stopped in the midst of everything."""

import asyncio
import os
import random
import signal
import time

from tests.faults.checker import check
from tests.faults.installation import Installation
from tests.faults.workload import working
from tests.support.slow_clients import assert_let_go, send_slowly
from tests.support.subscribers import connected

KILLS = int(os.environ.get("KILLS") or 3)
STOP_SECONDS = 25
CROWD_SECONDS = 12
GOING_AWAY, RESTARTING = 1001, 1012


async def test_killed_servers_lose_nothing(
    installation: Installation, chance: random.Random
) -> None:
    """Each time that it is killed in the midst of writes, what it has acknowledged is there."""
    async with working(installation, chance) as workload:
        for _ in range(KILLS):
            await workload.does(chance.randint(1, 60))
            await asyncio.sleep(chance.uniform(0, 0.05))
            installation.kill_server()
            await asyncio.to_thread(installation.start_server)
            await workload.recovers()
    await check(installation, workload)


async def test_a_stopped_server_finishes(installation: Installation, chance: random.Random) -> None:
    """A server that is stopped under load tells sockets to go, ends in time, and loses nothing."""
    async with working(installation, chance) as workload:
        async with connected(installation.host, workload.observer.token) as socket:
            await socket.subscribe()
            await workload.does(chance.randint(1, 60))
            assert installation.server
            began = time.monotonic()
            said = await asyncio.to_thread(installation.server.stop, signal.SIGTERM)
            assert said == "Stopping.\nStopped.\n"
            assert installation.server.process.returncode == 0
            assert time.monotonic() - began < STOP_SECONDS
            assert (await socket.close_code())[0] in {GOING_AWAY, RESTARTING}
        await asyncio.to_thread(installation.start_server)
        await workload.recovers()
    await check(installation, workload)


async def test_a_crowd_of_slow_clients_is_gone_in_time(installation: Installation) -> None:
    """Two hundred that send a byte a second are gone within 12 s, by the limits as they come."""
    assert installation.server
    server = installation.server
    async with installation.alive(), asyncio.timeout(CROWD_SECONDS):
        crowd = [send_slowly(server, 1) for _ in range(200)]
        said = await asyncio.gather(*crowd)
    assert_let_go(said)
