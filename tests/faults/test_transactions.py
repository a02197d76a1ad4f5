"""Transactions that PostgreSQL undoes, and connections that are lost in the midst of them."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.faults.checker import Reader, check
from tests.faults.installation import Installation
from tests.faults.journal import Outcome
from tests.faults.workload import DOCUMENTS, Device, Owner, Workload, registered, working

SERIALIZATION, DEADLOCK = "40001", "40P01"
# Undoes transactions that append to the log: of each run of tries all but the last, or by chance.
UNDOING = """
CREATE SEQUENCE undone;
CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('undone') %% %(tries)s <> 0 OR random() < %(odds)s THEN
        RAISE EXCEPTION 'try again' USING ERRCODE = '%(code)s';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER undo AFTER INSERT ON changes DEFERRABLE INITIALLY %(moment)s
    FOR EACH ROW EXECUTE FUNCTION undo();
"""
NO_LONGER = "DROP FUNCTION undo CASCADE; DROP SEQUENCE undone"
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
LIST = "{ todos(first: 100) { nodes { id title tags { name } } totalCount } }"


@asynccontextmanager
async def undoing(
    installation: Installation, chance: random.Random, tries: int = 1, odds: float = 0
) -> AsyncIterator[None]:
    """Let transactions be undone within the block, while they write or when they end."""
    how = {
        "code": chance.choice([SERIALIZATION, DEADLOCK]),
        "moment": chance.choice(["IMMEDIATE", "DEFERRED"]),
    }
    connection = await installation.connect()
    await connection.execute(UNDOING % {"tries": tries, "odds": odds, **how})
    try:
        yield
    finally:
        await connection.execute(NO_LONGER)
        await connection.close()


@pytest.fixture
async def owner(installation: Installation) -> Owner:
    """A user."""
    return await registered(installation)


@pytest.fixture
async def workload(installation: Installation, owner: Owner) -> Workload:
    """What one user sends by hand."""
    return Workload(installation, [owner], owner)


@pytest.fixture
async def http(workload: Workload, owner: Owner) -> AsyncIterator[httpx.AsyncClient]:
    """The user's client."""
    async with workload.signed_in(owner) as http:
        yield http


async def test_undone_transactions_are_tried_again(
    installation: Installation, chance: random.Random, workload: Workload, http: httpx.AsyncClient
) -> None:
    """Three times, as a whole: the fourth try is the one that counts, and the only one."""
    [owner] = workload.owners
    device = Device(owner, chance)
    async with undoing(installation, chance, tries=4):
        for _ in range(3):
            write = device.create()
            owner.writes.append(write)
            assert await workload.send(http, owner, write)
            assert write.outcome is Outcome.ACKNOWLEDGED
    await check(installation, workload)


async def test_what_is_always_undone_is_unavailable(
    installation: Installation, chance: random.Random, workload: Workload, http: httpx.AsyncClient
) -> None:
    """A write that is always rolled back is UNAVAILABLE after the fourth try, and stores nothing."""
    [owner] = workload.owners
    write = Device(owner, chance).create()
    owner.writes.append(write)
    async with undoing(installation, chance, odds=2):
        assert not await workload.send(http, owner, write)
    assert write.outcome is Outcome.REFUSED
    await check(installation, workload)


async def test_transactions_undone_by_chance_lose_nothing(
    installation: Installation, chance: random.Random
) -> None:
    """Users at work of whose transactions a fifth is undone notice nothing but the time."""
    async with working(installation, chance) as workload, undoing(installation, chance, odds=0.2):
        await workload.does(100)
    await check(installation, workload)


async def test_a_deadlock_is_resolved(
    installation: Installation, chance: random.Random, workload: Workload, http: httpx.AsyncClient
) -> None:
    """Somebody who locks a todo and then its owner gets through, and so does the write."""
    [owner] = workload.owners
    device = Device(owner, chance)
    made = device.create()
    assert await workload.send(http, owner, made)
    change = device.update()
    owner.writes += [made, change]
    holder = await installation.connect()
    # PostgreSQL ends the one that has waited for as long as its own timeout: not this one.
    await holder.execute("SET deadlock_timeout = '20s'; BEGIN")
    await holder.execute("SELECT FROM todos WHERE id = $1 FOR UPDATE", made.ids[0])
    sent = asyncio.create_task(workload.send(http, owner, change))
    while not await holder.fetchval(WAITS):
        await holder.execute("SELECT pg_sleep(0.01)")
    await holder.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", owner.id)
    await holder.close()
    assert await sent
    assert change.outcome is Outcome.ACKNOWLEDGED
    await check(installation, workload)


async def test_a_read_outlives_its_connection(
    installation: Installation, chance: random.Random, workload: Workload, http: httpx.AsyncClient
) -> None:
    """A read outlives its connection, whichever of its statements is cut off."""
    [owner] = workload.owners
    reader = Reader(http, installation.address)
    for _ in range(5):
        assert await workload.send(http, owner, Device(owner, chance).create())
    before = await reader.data(LIST)
    for number in range(10):
        cuts = installation.proxy.cuts
        heard, skipped = chance.random() < 0.5, number % 2
        installation.proxy.cut_at(b"", heard=heard, skipped=skipped)
        assert await reader.data(LIST) == before
        assert installation.proxy.cuts == cuts + 1


async def test_a_read_is_tried_twice_at_most(
    installation: Installation, owner: Owner, http: httpx.AsyncClient
) -> None:
    """Whoever loses two connections in a row is told to come back."""
    installation.proxy.cut_at(b"", heard=False, times=2)
    answer = await http.post(installation.address, json={"query": LIST})
    [error] = answer.json()["errors"]
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert error["extensions"] == {"code": "UNAVAILABLE"}


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
async def test_a_lost_create_is_told_as_unknown(
    installation: Installation,
    chance: random.Random,
    workload: Workload,
    http: httpx.AsyncClient,
    heard: bool,
) -> None:
    """Sending it again does it, or finds that it was done, and never does it twice."""
    [owner] = workload.owners
    device = Device(owner, chance)
    assert await workload.send(http, owner, device.create())
    write = device.create()
    owner.writes.append(write)
    assert write.marker
    # It is stored by the message that has all its values.
    installation.proxy.cut_at(write.marker.encode(), heard=heard)
    assert not await workload.send(http, owner, write)
    assert write.outcome is Outcome.UNKNOWN
    again = {"query": DOCUMENTS[write.field], "variables": write.variables}
    payload = (await http.post(installation.address, json=again)).json()["data"]["todoCreate"]
    assert [error["code"] for error in payload["errors"]] == ["ALREADY_EXISTS"] * heard
    assert payload["todo"]["title"] == write.marker


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
async def test_a_lost_commit_is_told_as_unknown(
    installation: Installation,
    chance: random.Random,
    workload: Workload,
    http: httpx.AsyncClient,
    heard: bool,
) -> None:
    """Sending an update again does it, or gives CONFLICT with what it has done."""
    [owner] = workload.owners
    device = Device(owner, chance)
    made = device.create()
    assert await workload.send(http, owner, made)
    change = device.update()
    change.variables["expectedVersion"] = 1
    owner.writes += [made, change]
    installation.proxy.cut_at(b"COMMIT", heard=heard)
    assert not await workload.send(http, owner, change)
    assert change.outcome is Outcome.UNKNOWN
    again = {"query": DOCUMENTS[change.field], "variables": change.variables}
    payload = (await http.post(installation.address, json=again)).json()["data"]["todoUpdate"]
    assert [error["code"] for error in payload["errors"]] == ["CONFLICT"] * heard
    await check(installation, workload)


async def test_writes_cut_off_anywhere_are_told_truly(
    installation: Installation, chance: random.Random, workload: Workload, http: httpx.AsyncClient
) -> None:
    """A write that is cut off at any message is reported as what is stored."""
    [owner] = workload.owners
    device = Device(owner, chance)
    cuts = installation.proxy.cuts
    for number in range(24):
        installation.proxy.cut_at(b"", heard=chance.random() < 0.5, skipped=number % 8)
        await workload.send(http, owner, device.next_write())
    installation.proxy.mend()
    assert installation.proxy.cuts > cuts
    await check(installation, workload)
