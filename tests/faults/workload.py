"""Users who never stop to write, each in ways that a seed decides."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.installation import PATIENCE, Installation
from tests.faults.journal import Outcome, Todo, Write, codes_of, note
from tests.support.accounts import PASSWORD, REGISTER

OWNERS = 3
DEVICES = 3
TAGS = ("errands", "garden", "home", "work")
PARTS = """
fragment Parts on Todo {
  id version title description status priority dueAt completedAt estimatedMinutes actualMinutes
  metadata deletedAt tags { name }
}
"""
ERRORS = "errors { code }"
RESULTS = f"results {{ id todo {{ ...Parts }} {ERRORS} }} {ERRORS}"
# What each mutation takes.
ARGUMENTS = {
    "todoCreate": {"input": "TodoCreateInput!"},
    "todoUpdate": {"id": "ID!", "input": "TodoUpdateInput!", "expectedVersion": "Int"},
    "todoStart": {"id": "ID!", "expectedVersion": "Int"},
    "todoComplete": {"id": "ID!", "expectedVersion": "Int"},
    "todoDelete": {"id": "ID!", "expectedVersion": "Int"},
    "todoRestore": {"id": "ID!", "expectedVersion": "Int"},
    "todoBulkCreate": {"inputs": "[TodoCreateInput!]!", "onError": "BulkErrorPolicy!"},
    "todoBulkUpdate": {
        "ids": "[ID!]!",
        "action": "TodoBulkAction!",
        "onError": "BulkErrorPolicy!",
    },
    "todoBulkDelete": {"ids": "[ID!]!", "onError": "BulkErrorPolicy!"},
    "todoBulkRestore": {"ids": "[ID!]!", "onError": "BulkErrorPolicy!"},
}
READS = (
    "{ todos(first: 20) { nodes { id tags { name } } totalCount } }",
    "{ stats { total pending } changeCursor }",
    "{ changes(first: 20) { nodes { id todo { id title } } } }",
    "{ viewer { id username } tags { nodes { name todoCount } } }",
)


def document(field: str) -> str:
    """The mutation of one field."""
    arguments = ARGUMENTS[field]
    defined = ", ".join(f"${name}: {kind}" for name, kind in arguments.items())
    given = ", ".join(f"{name}: ${name}" for name in arguments)
    asked = RESULTS if field.startswith("todoBulk") else f"todo {{ ...Parts }} {ERRORS}"
    return f"mutation ({defined}) {{ {field}({given}) {{ {asked} }} }} {PARTS}"


DOCUMENTS = {field: document(field) for field in ARGUMENTS}


@dataclass
class Owner:
    """A user: what their devices have sent, and what they know of what is stored."""

    name: str
    id: str
    token: str
    versions: dict[str, int] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    unsure: list[Write] = field(default_factory=list)
    """The creates of which nobody knows whether they were done, and that nobody sends now."""
    marked: int = 0

    def mark(self) -> str:
        """A text that nothing else has in it."""
        self.marked += 1
        return f"{self.name} {self.marked}."

    def learn(self, todos: Sequence[Todo]) -> None:
        """Take note of the versions of todos."""
        for todo in todos:
            self.versions[todo["id"]] = max(todo["version"], self.versions.get(todo["id"], 0))


@dataclass
class Device:
    """One of the devices on which an owner writes and reads, one thing after the other."""

    owner: Owner
    chance: random.Random

    def new_id(self) -> str:
        """A todo's id."""
        return str(uuid4())

    def draft(self, marker: str) -> dict[str, Any]:
        """The values of a todo to be made."""
        return {
            "id": self.new_id(),
            "title": marker,
            "tags": self.chance.sample(TAGS, self.chance.randrange(3)),
            "priority": self.chance.choice(["LOW", "MEDIUM", "HIGH"]),
        }

    def some(self, most: int) -> list[str]:
        """The ids of some todos, which may be in the trash."""
        known = sorted(self.owner.versions)
        return self.chance.sample(known, min(len(known), self.chance.randint(1, most)))

    def next_write(self) -> Write:
        """What to send next."""
        owner, chance = self.owner, self.chance
        if owner.unsure and chance.random() < 0.3:
            return owner.unsure.pop(chance.randrange(len(owner.unsure)))
        makers: Sequence[Callable[[], Write]] = [self.create, self.create_some]
        if len(owner.versions) > 3:
            makers = [self.create, self.create_some, self.update, self.update, self.move]
            makers = [*makers, self.update_some, self.move_some]
        write = chance.choice(makers)()
        owner.writes.append(write)
        return write

    def create(self) -> Write:
        """One todo."""
        draft = self.draft(marker := self.owner.mark())
        return Write("todoCreate", {"input": draft}, [draft["id"]], marker)

    def create_some(self) -> Write:
        """Several todos in one transaction."""
        marker = self.owner.mark()
        drafts = [self.draft(marker) for _ in range(self.chance.randint(2, 5))]
        variables = {"inputs": drafts, "onError": self.policy()}
        return Write("todoBulkCreate", variables, [draft["id"] for draft in drafts], marker)

    def update(self) -> Write:
        """Another title, and maybe another status or other tags, for a todo as it was seen."""
        [id] = self.some(1)
        marker = self.owner.mark()
        input: dict[str, Any] = {"title": marker}
        if self.chance.random() < 0.3:
            input["status"] = self.chance.choice(["PENDING", "IN_PROGRESS", "CANCELLED"])
        if self.chance.random() < 0.3:
            input["tags"] = self.chance.sample(TAGS, self.chance.randrange(4))
        variables = {"id": id, "input": input, "expectedVersion": self.seen(id)}
        return Write("todoUpdate", variables, [id], marker)

    def move(self) -> Write:
        """Another status, into the trash, or out of it."""
        [id] = self.some(1)
        fields = ["todoStart", "todoComplete", "todoDelete", "todoRestore"]
        variables = {"id": id, "expectedVersion": self.seen(id)}
        return Write(self.chance.choice(fields), variables, [id])

    def update_some(self) -> Write:
        """One thing for several todos."""
        tags = self.chance.sample(TAGS, 2)
        actions: list[dict[str, Any]] = [
            *({"setStatus": "COMPLETED"}, {"setStatus": "PENDING"}, {"setPriority": "URGENT"}),
            *({"addTags": tags}, {"removeTags": tags}),
        ]
        action = self.chance.choice(actions)
        ids = self.some(6)
        variables = {"ids": ids, "action": action, "onError": self.policy()}
        return Write("todoBulkUpdate", variables, ids)

    def move_some(self) -> Write:
        """Several todos into the trash, or out of it."""
        ids = self.some(4)
        field = self.chance.choice(["todoBulkDelete", "todoBulkRestore"])
        return Write(field, {"ids": ids, "onError": self.policy()}, ids)

    def seen(self, id: str) -> int | None:
        """The version that the device has seen, or none, as when it doesn't mind."""
        return self.owner.versions[id] if self.chance.random() < 0.7 else None

    def policy(self) -> str:
        """What to do when some of several fail."""
        return self.chance.choice(["ABORT_ALL", "SKIP_FAILED"])


@dataclass
class Workload:
    """All devices at work."""

    installation: Installation
    owners: list[Owner]
    observer: Owner
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    failed_reads: int = 0
    is_over: bool = False

    def __str__(self) -> str:
        told = ", ".join(f"{self.outcomes[outcome]} {outcome.name.lower()}" for outcome in Outcome)
        return f"writes: {told}; reads: {self.reads}, {self.failed_reads} of them failed"

    async def run(self, device: Device) -> None:
        """Write, and read now and then, until it is over."""
        async with self.signed_in(device.owner) as http:
            while not self.is_over:
                if device.chance.random() < 0.2:
                    is_well = await self.read(http, device.chance.choice(READS))
                else:
                    is_well = await self.send(http, device.owner, device.next_write())
                if not is_well:
                    # As a client does that is told to come back later.
                    await asyncio.sleep(device.chance.uniform(0.01, 0.1))

    def signed_in(self, owner: Owner) -> httpx.AsyncClient:
        """Who sends what an owner asks for."""
        headers = {"Authorization": f"Bearer {owner.token}"}
        return httpx.AsyncClient(headers=headers, timeout=PATIENCE)

    async def send(self, http: httpx.AsyncClient, owner: Owner, write: Write) -> bool:
        """Send a write and note what becomes of it; whether it was done or refused for good."""
        body = {"query": DOCUMENTS[write.field], "variables": write.variables}
        try:
            answer = await http.post(self.installation.address, json=body)
        except httpx.ConnectError:
            write.learn(Outcome.REFUSED)
            is_well = False
        except httpx.TransportError:
            write.learn(Outcome.UNKNOWN)
            is_well = False
        else:
            is_well = note(write, answer)
            self.codes.update(codes_of(answer))
        owner.learn(write.told)
        self.outcomes[write.outcome] += 1
        if write.outcome is Outcome.UNKNOWN and write.field == "todoCreate":
            owner.unsure.append(write)
        return is_well

    async def read(self, http: httpx.AsyncClient, query: str) -> bool:
        """Read something; whether it was answered."""
        try:
            answer = await http.post(self.installation.address, json={"query": query})
        except httpx.TransportError:
            self.reads += 1
            self.failed_reads += 1
            return False
        self.reads += 1
        codes = codes_of(answer)
        self.codes.update(codes)
        assert codes <= {"UNAVAILABLE", "TIMEOUT"}, answer.text
        self.failed_reads += bool(codes)
        return not codes

    async def does(self, more: int) -> None:
        """Wait until so many more writes are acknowledged."""
        await grown_by(more, lambda: self.outcomes[Outcome.ACKNOWLEDGED])

    async def is_answered(self, more: int) -> None:
        """Wait until so many more requests are answered, whatever the answer is."""
        await grown_by(more, lambda: self.outcomes.total() + self.reads)

    async def recovers(self) -> None:
        """Wait until the server writes and reads again, and all devices with it."""
        print(f"{await self.installation.recovers(self.observer.token):.2f} s")  # noqa: T201
        await self.does(20)

    async def send_again(self) -> None:
        """Send the creates that may not have been done, as a client does that wants to be sure."""
        for owner in self.owners:
            async with self.signed_in(owner) as http:
                while owner.unsure:
                    await self.send(http, owner, owner.unsure.pop())


async def grown_by(more: int, count: Callable[[], int]) -> None:
    """Wait until there are so many more than now."""
    enough = count() + more
    async with asyncio.timeout(PATIENCE):
        while count() < enough:  # noqa: ASYNC110 - of many tasks
            await asyncio.sleep(0.005)


async def registered(installation: Installation) -> Owner:
    """A new user."""
    name = f"user-{uuid4().hex[:12]}"
    given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    body = {"query": REGISTER, "variables": {"input": given}}
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        answer = (await http.post(installation.address, json=body)).json()
    payload = answer["data"]["register"]
    return Owner(name, payload["user"]["id"], payload["tokens"]["accessToken"])


@asynccontextmanager
async def working(
    installation: Installation, chance: random.Random, owners: int = OWNERS
) -> AsyncIterator[Workload]:
    """New users at work within the block; after it all that they asked for is answered."""
    observer, *users = [await registered(installation) for _ in range(owners + 1)]
    workload = Workload(installation, users, observer)
    async with asyncio.TaskGroup() as group:
        for owner in users * DEVICES:
            device = Device(owner, random.Random(chance.getrandbits(64)))
            group.create_task(workload.run(device))
        await workload.does(chance.randint(10, 60))
        try:
            yield workload
        finally:
            workload.is_over = True
    await workload.send_again()
    print(workload)  # noqa: T201 - what the run was worth
