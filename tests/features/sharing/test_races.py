"""Many writers of shared lists at once, while people join and leave: what everybody's feed has in the end."""

import asyncio
import logging
import os
import sys
from random import Random
from uuid import UUID

import pytest

from tests.support.accounts import Account, NewAccount
from tests.support.feed_checker import checked_feeds, follow
from tests.support.lists import make_list
from tests.support.recounts import wrong_counts
from tests.support.shared_writes import draw
from todo_gql.changelog.feed_registry import announce_joined
from todo_gql.database.connection import Connection, fetch
from todo_gql.database.models import ChangeKind, EntityAction, ListRole
from todo_gql.database.retry import retried
from todo_gql.features.todos.writes import owner_writes

SECONDS = float(os.environ.get("RACE_SECONDS", "3"))
PEOPLE, LISTS_EACH, WRITERS, TODOS_EACH = 4, 2, 8, 3
# What the load of the machine may cause, after which nothing or all is stored.
TRANSIENT = {"TIMEOUT", "UNAVAILABLE"}
ROLE = "SELECT role FROM list_members WHERE list_id = $1 AND user_id = $2"
JOIN = """
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
VALUES (gen_random_uuid(), $1, $2, $3, $4, 'V', now())
"""
LEAVE = "DELETE FROM list_members WHERE owner_id = $1 AND list_id = $2 AND user_id = $3"
COUNT = """
UPDATE users u SET
    membership_count = (SELECT count(*) FROM list_members m WHERE m.user_id = u.id AND m.owner_id <> u.id),
    shared_list_count = (SELECT count(DISTINCT m.list_id) FROM list_members m
        WHERE m.owner_id = u.id AND m.user_id <> u.id)
WHERE u.id = ANY($1)
"""


class Race:
    """People with lists, of which each is in some of the others'."""

    def __init__(self, people: list[Account]) -> None:
        self.people = people
        self.lists: list[tuple[UUID, UUID]] = []
        self.todos: list[str] = []
        self.commits = 0

    async def prepare(self, random: Random) -> None:
        """Make lists and todos, and have people join."""
        for person in self.people:
            for _ in range(LISTS_EACH):
                made = await make_list(person)
                self.lists.append((UUID(made["id"]), UUID(person.id)))
                inputs = [{"title": "Todo", "to": {"listId": made["id"]}}] * TODOS_EACH
                self.todos += [todo["id"] for todo in await person.create_many(inputs)]
        for _ in range(3 * len(self.lists)):
            await self.change_membership(random)

    @retried
    async def change_membership(self, random: Random) -> None:
        """Have somebody join a list, or leave it."""
        list_id, owner_id = random.choice(self.lists)
        user_id = UUID(random.choice(self.people).id)
        if user_id == owner_id:
            return
        role = random.choice([ListRole.VIEWER, ListRole.EDITOR, ListRole.EDITOR])
        async with owner_writes({owner_id: [], user_id: []}, actor_id=owner_id) as writes:
            write, key = writes[owner_id], (owner_id, list_id, user_id)
            connection: Connection = write.connection
            held = await connection.fetchval(ROLE, list_id, user_id)
            write.join(list_id, user_id)
            if held is None:
                await connection.execute(JOIN, *key, role)
            else:
                await connection.execute(LEAVE, *key)
            await connection.execute(COUNT, [owner_id, user_id])
            action = EntityAction.JOINED if held is None else EntityAction.LEFT
            after = role.name if held is None else None
            before = None if held is None else ListRole(held).name
            fields = [{"name": "role", "before": before, "after": after}]
            write.log(ChangeKind.MEMBER, user_id, action, fields, list_id=list_id)
            await write.store()
        announce_joined([user_id])

    async def write(self, random: Random) -> None:
        """One mutation of somebody's, which may be refused."""
        person = random.choice(self.people)
        drawn = draw(
            random,
            todo_ids=self.todos,
            list_ids=[str(id) for id, _ in self.lists],
            user_ids=[one.id for one in self.people],
            title=f"t{random.randrange(6)}",
        )
        answer = await person.execute(drawn.document, drawn.variables)
        if "errors" in answer:
            codes = {error["extensions"]["code"] for error in answer["errors"]}
            assert codes <= TRANSIENT, answer
            return
        self.commits += not answer["data"]["payload"]["errors"]
        if drawn.name.startswith("create") and answer["data"]["payload"]["todo"]:
            self.todos.append(answer["data"]["payload"]["todo"]["id"])

    async def run(self, seconds: float) -> None:
        """Write, join, leave and read for so long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds

        async def writer(seed: int) -> None:
            random = Random(seed)
            while loop.time() < end:
                await self.write(random)

        async def membership() -> None:
            random = Random("membership")
            while loop.time() < end:
                await self.change_membership(random)
                await asyncio.sleep(0.02)

        async def reader(user_id: UUID) -> None:
            newest = 0
            while loop.time() < end:
                newest = await follow(user_id, newest)
                await asyncio.sleep(0.1)

        readers = [reader(UUID(person.id)) for person in self.people]
        await asyncio.gather(*map(writer, range(WRITERS)), membership(), *readers)


@pytest.mark.untraced
async def test_everybody_gets_what_they_are_in_and_nothing_else(
    new_account: NewAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """No feed has a gap, misses a change or has one too many after a race, all counts are right, and nothing deadlocked."""
    caplog.set_level(logging.WARNING, "todo_gql.database.retry")
    race = Race([await new_account() for _ in range(PEOPLE)])
    await race.prepare(Random("lists"))
    await race.run(SECONDS)
    ids = [UUID(person.id) for person in race.people]
    feeds = await checked_feeds(ids)
    sys.stdout.write(
        f"{race.commits} commits, {feeds.changes} changes, {feeds.received} received\n"
    )
    assert feeds.wrong == []
    assert race.commits > 0
    assert feeds.received > 0
    for user_id in ids:
        assert await wrong_counts(user_id) == {}
    assert "DeadlockDetectedError" not in caplog.text
    others = "SELECT count(*) AS n FROM todos t JOIN lists l ON l.id = t.list_id WHERE l.owner_id <> t.owner_id"
    assert [row["n"] for row in await fetch(others)] == [0]
