"""People who share lists, on several servers on one database: they write, join, leave and follow their feeds."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx

from tests.faults.installation import Installation
from tests.faults.journal import Outcome, Write, note
from tests.faults.workload import Owner, registered
from tests.support.shared_writes import TODOS_OF_A_WRITE, draw
from tests.support.waiting import until
from todo_gql.database.connection import fetch

PEOPLE: Final = 6
MANAGER: Final = 2
LISTS_EACH: Final = 1
TODOS_EACH: Final = 4
WRITERS: Final = 16
WRITES_MEANWHILE: Final = 3
CREATE_LIST: Final = (
    "mutation ($name: String!) { payload: listCreate(input: { name: $name }) { list { id } } }"
)
CREATE_TODOS: Final = """
mutation ($inputs: [TodoCreateInput!]!) { payload: todoBulkCreate(inputs: $inputs) { results { id } } }
"""
INVITE: Final = """
mutation ($id: ID!, $input: InvitationInput!) { payload: listInvite(id: $id, input: $input) { ok errors { code } } }
"""
INVITATIONS: Final = "{ invitations(first: 100) { nodes { id listName } } }"
ACCEPT: Final = "mutation ($id: ID) { payload: invitationAccept(id: $id) { errors { code } } }"
SET_ROLE: Final = """
mutation ($id: ID!, $role: ListRole!) { payload: memberUpdate(id: $id, role: $role) { errors { code } } }
"""
REMOVE: Final = """
mutation ($id: ID!, $to: ID) { payload: memberRemove(id: $id, reassignToId: $to) { ok errors { code } } }
"""
LEAVE: Final = "mutation ($id: ID!) { payload: listLeave(id: $id) { ok errors { code } } }"
# All in which a list could be seen; the newest changes are those after a cursor.
LOOK: Final = """
query ($id: ID!, $after: String) {
  node(id: $id) { id }
  lists(first: 100) { nodes { id } }
  todos(first: 100) { nodes { list { id } } }
  changes(first: 100, after: $after) { nodes { todo { list { id } } } }
}
"""
MEMBERS: Final = (
    "SELECT id, user_id, role FROM list_members WHERE list_id = $1 AND user_id <> owner_id"
)
TODOS: Final = "SELECT id FROM todos WHERE list_id = $1 ORDER BY version DESC LIMIT 20"
# What is sent within a day is limited, so it was sent long ago. It waits for nobody.
AGE_INVITATIONS: Final = """
UPDATE invitations SET created_at = created_at - interval '2 days' WHERE id IN (
    SELECT id FROM invitations WHERE created_at > now() - interval '1 day' FOR NO KEY UPDATE SKIP LOCKED
)
"""


class SharedList(NamedTuple):
    """A list and whose it is."""

    id: str
    name: str
    owner: Owner


@dataclass
class Sharing:
    """Who shares which lists, and what became of what they asked for."""

    servers: Sequence[Installation]
    http: httpx.AsyncClient
    people: list[Owner] = field(default_factory=list)
    lists: list[SharedList] = field(default_factory=list)
    todo_ids: list[str] = field(default_factory=list)
    writes: list[tuple[str, Write]] = field(default_factory=list)
    joined: Counter[tuple[str, str]] = field(default_factory=Counter)
    left: Counter[tuple[str, str]] = field(default_factory=Counter)
    looks: int = 0
    cursors: dict[str, str] = field(default_factory=dict)
    """The newest cursor that each person has got, by their id."""
    is_over: bool = False

    def __str__(self) -> str:
        outcomes = Counter(write.outcome for _, write in self.writes)
        done = ", ".join(f"{outcomes[one]} {one.name.lower()}" for one in Outcome)
        return f"writes: {done}; {self.joined.total()} joined, {self.left.total()} left, {self.looks} looks of who left"

    async def send(
        self, person: Owner, server: Installation, document: str, values: dict[str, Any]
    ) -> httpx.Response:
        """The answer to an operation of somebody's; raises `httpx.TransportError` without one."""
        return await self.http.post(
            server.address,
            json={"query": document, "variables": values},
            headers={"Authorization": f"Bearer {person.token}"},
        )

    async def ask(self, person: Owner, server: Installation, document: str, **values: Any) -> Any:
        """The data of an operation; raises `httpx.TransportError` if it wasn't executed."""
        answer = (await self.send(person, server, document, values)).json()
        if "errors" in answer:
            codes = {error["extensions"]["code"] for error in answer["errors"]}
            assert codes <= {"UNAVAILABLE", "TIMEOUT"}, answer
            raise httpx.TransportError(str(codes))
        return answer["data"]

    async def prepare(self, chance: random.Random) -> None:
        """Register people, create lists and todos, and have people join."""
        server = self.servers[0]
        self.people = [await registered(server) for _ in range(PEOPLE)]
        for number in range(PEOPLE * LISTS_EACH):
            owner, name = self.people[number % PEOPLE], f"List {number}"
            created = await self.ask(owner, server, CREATE_LIST, name=name)
            id = created["payload"]["list"]["id"]
            self.lists.append(SharedList(id, name, owner))
            inputs = [{"title": "Todo", "to": {"listId": id}}] * TODOS_EACH
            created = await self.ask(owner, server, CREATE_TODOS, inputs=inputs)
            self.todo_ids += [result["id"] for result in created["payload"]["results"]]
        for shared in self.lists:
            others = [person for person in self.people if person is not shared.owner]
            for person in chance.sample(others, 2):
                await self.join(person, shared, chance)

    async def write(self, chance: random.Random) -> None:
        """Have one person after the other write, now by this server and now by that."""
        while not self.is_over:
            await self.write_once(chance.choice(self.people), chance, self.todo_ids)

    async def write_once(
        self, person: Owner, chance: random.Random, todo_ids: Sequence[str]
    ) -> None:
        """Send one mutation, which may be refused, and note what is known of it."""
        drawn = draw(
            chance,
            todo_ids=todo_ids,
            list_ids=[shared.id for shared in self.lists],
            user_ids=[person.id for person in self.people],
            title=(title := f"Write {len(self.writes)}."),
        )
        write = Write("payload", drawn.variables, [], title)
        self.writes.append((drawn.name, write))
        server = chance.choice(self.servers)
        try:
            answer = await self.send(person, server, drawn.document, drawn.variables)
        except httpx.ConnectError:
            await asyncio.sleep(chance.uniform(0.01, 0.1))
            return
        except httpx.TransportError:
            write.learn(Outcome.UNKNOWN)
            return
        note(write, answer)
        if drawn.name.startswith("create"):
            self.todo_ids += [todo["id"] for todo in write.told]

    async def change_members(self, lists: Sequence[SharedList], chance: random.Random) -> None:
        """Have people join and leave these lists, of which nobody else changes the members."""
        while not self.is_over:
            shared = chance.choice(lists)
            person = chance.choice([one for one in self.people if one is not shared.owner])
            try:
                await self.change_member(person, shared, chance)
            except httpx.TransportError:
                await asyncio.sleep(chance.uniform(0.01, 0.1))

    async def change_member(self, person: Owner, shared: SharedList, chance: random.Random) -> None:
        """Have somebody join, leave, be removed, or get another role."""
        members = {str(row["user_id"]): row for row in await fetch(MEMBERS, UUID(shared.id))}
        member = members.get(person.id)
        if member is None:
            await self.join(person, shared, chance)
            return
        managers = [
            one for one in self.people if one.id in members and members[one.id]["role"] == MANAGER
        ]
        by, server = chance.choice([shared.owner, *managers]), chance.choice(self.servers)
        match chance.choice(["leave", "remove", "role", "role"]):
            case "leave":
                asked = self.ask(person, server, LEAVE, id=shared.id)
            case "remove":
                to = chance.choice([None, shared.owner.id])
                asked = self.ask(by, server, REMOVE, id=str(member["id"]), to=to)
            case _:
                role = chance.choice(["VIEWER", "EDITOR", "MANAGER"])
                asked = self.ask(by, server, SET_ROLE, id=str(member["id"]), role=role)
        payload = (await self.while_writing(asked, person, shared, chance))["payload"]
        if "ok" in payload and not payload["errors"]:
            self.left[shared.id, person.id] += 1
            await self.look(person, shared)

    async def while_writing(
        self,
        asked: Coroutine[Any, Any, Any],
        person: Owner,
        shared: SharedList,
        chance: random.Random,
    ) -> Any:
        """What is answered, with somebody writing to a list at the same moment; raises what `ask` raises."""
        rows = await fetch(TODOS, UUID(shared.id))
        ids = [str(row["id"]) for row in rows]
        number = WRITES_MEANWHILE if len(ids) >= TODOS_OF_A_WRITE else 0
        writes = [self.write_once(person, chance, ids) for _ in range(number)]
        answer, *others = await asyncio.gather(asked, *writes, return_exceptions=True)
        for one in (answer, *others):
            if isinstance(one, BaseException):
                raise one
        return answer

    async def join(self, person: Owner, shared: SharedList, chance: random.Random) -> None:
        """Have somebody accept an invitation to a list, and see it on every server."""
        await fetch(AGE_INVITATIONS)
        role = chance.choice(["VIEWER", "EDITOR", "EDITOR", "MANAGER"])
        server, input = chance.choice(self.servers), {"usernameOrEmail": person.name, "role": role}
        invited = await self.ask(shared.owner, server, INVITE, id=shared.id, input=input)
        if not invited["payload"]["ok"]:
            # What a killed server was asked for may have been done after the members were read.
            assert invited["payload"]["errors"] == [{"code": "ALREADY_EXISTS"}], invited
            return
        page = (await self.ask(person, server, INVITATIONS))["invitations"]["nodes"]
        [id] = [one["id"] for one in page if one["listName"] == shared.name]
        accepted = await self.ask(person, server, ACCEPT, id=id)
        assert accepted["payload"]["errors"] == [], accepted
        self.joined[shared.id, person.id] += 1
        for other in self.servers:
            await until(partial(self.sees, person, shared, other))

    async def sees(self, person: Owner, shared: SharedList, server: Installation) -> bool:
        """Whether somebody sees a list by a server; also if it isn't there to be asked."""
        try:
            data = await self.ask(person, server, LOOK, id=shared.id)
        except httpx.TransportError:
            return True
        return shared.id in _list_ids(data)

    async def look(self, person: Owner, shared: SharedList) -> None:
        """Have somebody look on every server for a list that they have just left; fails if anything is seen."""
        for server in self.servers:
            try:
                data = await self.ask(
                    person, server, LOOK, id=shared.id, after=self.cursors.get(person.id)
                )
            except httpx.TransportError:
                continue
            assert shared.id not in _list_ids(data), (person, shared, data)
            self.looks += 1


def _list_ids(data: Any) -> set[str]:
    """All lists of which anything is in what was read."""
    todos: Iterable[Any] = [
        *data["todos"]["nodes"],
        *(node["todo"] for node in data["changes"]["nodes"]),
    ]
    lists = [data["node"], *data["lists"]["nodes"]]
    lists += [todo["list"] for todo in todos if todo]
    return {one["id"] for one in lists if one}
