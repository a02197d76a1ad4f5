"""The account that grows fastest: the gauge and the log of the worker."""

from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.changelog.retention import purge_changes
from todo_gql.database.connection import fetch
from todo_gql.features.todos import tasks
from todo_gql.features.todos.growth import GrowthMonitor
from todo_gql.features.todos.recount import recount_accounts
from todo_gql.settings import Settings
from todo_gql.tasks import working

GAUGE = "todo_gql_account_growth_bytes_per_second_max"
LONG = "x" * 5_000


@pytest.fixture(autouse=True)
async def small_accounts(account: Account) -> None:
    """No account of another test is among the largest."""
    await fetch("UPDATE feeds SET stored_bytes = 1 WHERE stored_bytes > 2 ^ 27")


def gauge() -> float:
    """What the worker's gauge shows."""
    return REGISTRY.get_sample_value(GAUGE) or 0


async def store(account: Account, stored_bytes: int) -> None:
    """Have an account count as storing so many bytes."""
    await fetch(
        "UPDATE feeds SET stored_bytes = $2 WHERE owner_id = $1", UUID(account.id), stored_bytes
    )


async def test_the_worker_names_the_owner_whose_account_grows_fast(
    account: Account,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The gauge shows and the log names an account while it grows too fast, and then both rest."""
    monkeypatch.setattr(tasks, "GROWTH_SECONDS", 0.05)

    async def is_noticed() -> bool:
        await account.create(title="Water", description=LONG)
        return gauge() > 0 and f"account {account.id} grows fast" in caplog.text

    async with working(settings, database_url):
        await until(is_noticed)
        await until(lambda: gauge() == 0)
    assert REGISTRY.get_sample_value("todo_gql_account_bytes_limit") == settings.account_bytes


async def test_slow_growth_is_measured_and_not_logged(
    account: Account,
    settings: Settings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An account that a day wouldn't fill is seen in the gauge alone."""
    monkeypatch.setattr(tasks, "GROWTH_SECONDS", 0.05)
    roomy = settings.model_copy(update={"account_bytes": 2**60})

    async def is_measured() -> bool:
        await account.create(title="Water")
        return gauge() > 0

    async with working(roomy, database_url):
        await until(is_measured)
    assert "grows fast" not in caplog.text


async def test_the_fastest_of_several_is_found(account: Account, stranger: Account) -> None:
    """The account that grows by more bytes is the fastest of two."""
    # Above the accounts of all other tests.
    await store(account, 2**28)
    await store(stranger, 2**28)
    watch = GrowthMonitor()
    assert await watch.fastest() is None
    await account.create(title="Water", description=LONG)
    await stranger.create(title="Water")
    fastest = await watch.fastest()
    assert fastest is not None
    assert fastest.owner_id == UUID(account.id)
    assert fastest.bytes_per_second > 0
    assert await watch.fastest() is None


async def test_an_account_that_shrinks_does_not_grow(account: Account) -> None:
    """What the retention of changes gives back counts as no growth."""
    await account.create(title="Water")
    watch = GrowthMonitor()
    await watch.fastest()
    await fetch(
        "UPDATE changes SET at = at - interval '9 days' WHERE owner_id = $1", UUID(account.id)
    )
    assert await purge_changes(8) >= 1
    assert await watch.fastest() is None


async def test_an_account_that_is_counted_anew_does_not_grow(account: Account) -> None:
    """Bytes that were stored before they were counted are no growth."""
    await account.create(title="Water", description=LONG)
    await fetch(
        "UPDATE feeds SET stored_bytes = 0, counted_seq = 0 WHERE owner_id = $1", UUID(account.id)
    )
    watch = GrowthMonitor()
    await watch.fastest()
    assert await recount_accounts() >= 1
    assert await watch.fastest() is None


async def test_a_new_account_sets_no_alarm(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that wasn't among the largest before has nothing to be compared with."""
    monkeypatch.setattr("todo_gql.features.todos.growth.MAX_ACCOUNTS", 1)
    await store(account, 2**28)
    watch = GrowthMonitor()
    await watch.fastest()
    await store(stranger, 2**29)
    assert await watch.fastest() is None
    await stranger.create(title="Water")
    fastest = await watch.fastest()
    assert fastest is not None
    assert fastest.owner_id == UUID(stranger.id)
