"""The seeds of a run, and the installation that its tests harm."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.installation import Installation, installed

SEEDS = int(os.environ.get("SEEDS") or 1)


def seeds() -> list[int]:
    """The seed in SEED, or as many new ones as SEEDS says."""
    if given := os.environ.get("SEED"):
        return [int(given)]
    return [random.randrange(2**32) for _ in range(SEEDS)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test once for every seed."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(), ids=lambda seed: f"SEED={seed}")


@pytest.fixture
def chance(seed: int) -> random.Random:
    """What decides when and how things fail; the seed is printed, and part of the test's name."""
    print(f"SEED={seed}")  # noqa: T201 - what makes a failure happen again
    return random.Random(seed)


@pytest.fixture(scope="session")
async def shared_installation(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Installation]:
    """A server and what it needs, for the whole run: it has to recover from every fault."""
    folder: Path = tmp_path_factory.mktemp("installation")
    async with installed(folder) as installation:
        yield installation


@pytest.fixture
async def installation(shared_installation: Installation) -> AsyncIterator[Installation]:
    """A server, its PostgreSQL and the network between them, all well again after the test."""
    yield shared_installation
    await shared_installation.mend()
