"""Servers that are killed while many people write to lists that they share, join and leave them."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx

from tests.faults.feed_followers import CURSOR, Follower
from tests.faults.installation import PATIENCE, Installation, installed
from tests.faults.journal import Outcome
from tests.faults.sharing import WRITERS, Sharing
from tests.support.feed_checker import checked_feeds
from tests.support.ports import free_port
from tests.support.recounts import wrong_counts
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import Action, ChangeKind, EntityAction
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.settings import Settings

SECONDS = float(os.environ.get("RACE_SECONDS") or 5)
SECONDS_BETWEEN_KILLS = 10
NEWEST = "SELECT owner_id, seq FROM feeds WHERE owner_id = ANY($1::uuid[])"
DEADLOCKS = "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()"
# What was written as a title, by creates and by updates; by a move to another owner, once more.
TITLES = f"""
SELECT d ->> 'after' AS title, c.action FROM changes c, jsonb_array_elements(c.diff) d
WHERE c.kind = {ChangeKind.TODO.value} AND d ->> 'name' = 'title'
"""
ENTITIES = "SELECT list_id, entity_id FROM changes WHERE kind = $1 AND action = $2"
# Whose numbers of lists with members, and of memberships in lists of others, aren't those that there are.
MISCOUNTED = """
SELECT count(*) AS n FROM users u WHERE (u.shared_list_count, u.membership_count) <> (
    (SELECT count(DISTINCT m.list_id) FROM list_members m WHERE m.owner_id = u.id AND m.user_id <> u.id),
    (SELECT count(*) FROM list_members m WHERE m.user_id = u.id AND m.owner_id <> u.id)
)
"""
STRAYS = "SELECT count(*) AS n FROM todos t JOIN lists l ON l.id = t.list_id WHERE l.owner_id <> t.owner_id"


@asynccontextmanager
async def two_servers(folder: Path) -> AsyncIterator[Sequence[Installation]]:
    """Two servers on one database, where tokens are valid for a day and starts may take their time."""
    options = {"ACCESS_TOKEN_EXPIRE_MINUTES": "1440", "DATABASE_POOL_TIMEOUT": "20"}
    async with installed(folder, **options) as first:
        (folder / "second").mkdir()
        settings = {"PORT": str(free_port()), "DATA_DIR": str(folder / "second" / "server")}
        second = replace(
            first,
            folder=folder / "second",
            settings=first.settings | settings,
            running=ExitStack(),
            server=None,
        )
        try:
            await asyncio.to_thread(second.start_server)
            yield first, second
        finally:
            await asyncio.to_thread(second.running.close)


async def kill_servers(servers: Sequence[Installation], chance: random.Random) -> int:
    """Kill one server or the other, in the midst of everything, for `SECONDS`; how often."""
    loop = asyncio.get_running_loop()
    end, kills = loop.time() + SECONDS, 0
    between = min(SECONDS_BETWEEN_KILLS, SECONDS / 2)
    while not kills or loop.time() < end:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * between)
        server = chance.choice(servers)
        server.kill_server()
        await asyncio.to_thread(server.start_server)
        kills += 1
    return kills


async def race(sharing: Sharing, chance: random.Random) -> tuple[Sharing, list[Follower]]:
    """Have people write, join, leave and follow, while servers are killed."""
    servers = sharing.servers
    await sharing.prepare(chance)
    newest = {str(row["owner_id"]): row["seq"] for row in await fetch(NEWEST, _ids(sharing))}
    followers = []
    for person in sharing.people:
        data = await sharing.ask(person, servers[0], CURSOR)
        sharing.cursors[person.id] = data["changeCursor"]
        followers.append(Follower(person, servers, sharing.cursors, newest[person.id]))
    async with asyncio.TaskGroup() as following:
        tasks = [following.create_task(one.run(_next(chance))) for one in followers]
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(sharing.write(_next(chance)))
            for lists in (sharing.lists[::3], sharing.lists[1::3], sharing.lists[2::3]):
                group.create_task(sharing.change_members(lists, _next(chance)))
            kills = await kill_servers(servers, chance)
            sharing.is_over = True
        for one in followers:
            await one.catches_up()
        for task in tasks:
            task.cancel()
    print(sharing, f"{kills} kills", sep="; ")  # noqa: T201 - what the run was worth
    return sharing, followers


def _next(chance: random.Random) -> random.Random:
    return random.Random(chance.getrandbits(64))


def _ids(sharing: Sharing) -> list[UUID]:
    return [UUID(person.id) for person in sharing.people]


async def check_writes(sharing: Sharing) -> None:
    """Fail unless what was acknowledged is in the log once, and what was refused isn't there."""
    titles = Counter((row["title"], row["action"]) for row in await fetch(TITLES))
    comments = await fetch(ENTITIES, ChangeKind.COMMENT, EntityAction.CREATED)
    commented = {str(row["entity_id"]) for row in comments}
    for name, write in sharing.writes:
        created = titles[write.marker, Action.CREATED]
        updated = titles[write.marker, Action.UPDATED]
        assert updated <= 1, (name, write)
        if write.outcome is Outcome.REFUSED:
            assert not created + updated, (name, write, created, updated)
        elif write.outcome is Outcome.ACKNOWLEDGED and "create" in name:
            assert created >= len(write.told), (name, write, created)
        elif write.outcome is Outcome.ACKNOWLEDGED and name == "update":
            assert updated == 1, (name, write)
        if name == "comment":
            assert {one["id"] for one in write.told} <= commented, write


async def check_memberships(sharing: Sharing) -> None:
    """Fail unless every acknowledged join and leave is in the log."""
    for acknowledged, action in (
        (sharing.joined, EntityAction.JOINED),
        (sharing.left, EntityAction.LEFT),
    ):
        rows = await fetch(ENTITIES, ChangeKind.MEMBER, action)
        logged = Counter((str(row["list_id"]), str(row["entity_id"])) for row in rows)
        assert acknowledged <= logged


async def test_feeds_counts_and_writes_of_shared_lists_survive_kills(
    tmp_path: Path, chance: random.Random, settings: Settings
) -> None:
    """No feed has a gap, misses a change or has one too many, all counts are right, nothing deadlocks, and no acknowledged write is lost, though servers are killed while people write, join, leave and follow."""
    async with two_servers(tmp_path) as servers:
        await connect(servers[0].database.url, settings)
        try:
            async with httpx.AsyncClient(timeout=PATIENCE) as http:
                sharing, followers = await race(Sharing(servers, http), chance)
            for server in servers:
                await asyncio.to_thread(server.running.close)
            await check(sharing, followers)
        finally:
            await disconnect()


async def check(sharing: Sharing, followers: Sequence[Follower]) -> None:
    """Fail unless all that is stored, and all that was sent to followers, is as it has to be."""
    ids = _ids(sharing)
    feeds = await checked_feeds(ids)
    received = sum(len(one.received) for one in followers)
    connections = sum(one.connections for one in followers)
    print(  # noqa: T201
        f"{feeds.changes} changes, {feeds.received} numbers of others' changes,"
        f" {received} received live on {connections} connections"
    )
    assert feeds.wrong == []
    for one in followers:
        assert one.received == await one.expected()
    for user_id in ids:
        assert await wrong_counts(user_id) == {}
    await check_writes(sharing)
    await check_memberships(sharing)
    for statement in (STRAYS, MISCOUNTED, DEADLOCKS):
        row = await fetchrow(statement)
        assert row is not None
        assert row["n"] == 0, statement
