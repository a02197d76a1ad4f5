"""The process of an attacker."""

import asyncio
import os
from contextlib import suppress

from bench import variants as _variants  # noqa: F401 - registers them
from bench.attacks import ATTACKS, Target

# Behind the ordinary users, so that what the attacker's own process needs isn't what slows them.
NICENESS = 5


def run(titles: list[str], target: Target) -> None:
    """Attack a server from this process, in all of these ways at the same time."""
    os.nice(NICENESS)

    async def bounded() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(target.seconds):
                await asyncio.gather(*(ATTACKS[title](target) for title in titles))

    asyncio.run(bounded())
