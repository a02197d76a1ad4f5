"""Occurrences of repeating todos are completed once, however often the server is killed meanwhile."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from tests.faults.installation import Installation
from tests.faults.workload import registered
from tests.support.waiting import until

KILLS = int(os.environ.get("KILLS") or 3)
SERIES = 6
FIRST = date(2030, 1, 1)
CREATE = """
mutation ($input: TodoCreateInput!) { todoCreate(input: $input) { todo { id version } } }
"""
COMPLETE = """
mutation ($id: ID!, $version: Int) {
  todoComplete(id: $id, expectedVersion: $version) {
    todo { version } completedOccurrence { id } errors { code }
  }
}
"""
READ = """
query ($id: ID!, $after: String) {
  todo(id: $id) {
    status version dueDate
    recurrence { done past(first: 100, after: $after) {
      totalCount nodes { id status dueDate } pageInfo { hasNextPage endCursor }
    } }
  }
}
"""


@dataclass
class Completing:
    """Somebody who completes the occurrences of a series one by one, and what they were answered."""

    installation: Installation
    token: str
    id: str = ""
    version: int = 0
    acknowledged: list[str] = field(default_factory=list)
    is_done: bool = False

    async def ask(self, http: httpx.AsyncClient, document: str, **variables: Any) -> Any:
        """The data of an operation; raises `httpx.HTTPError` if nobody answers."""
        body = {"query": document, "variables": variables}
        headers = {"Authorization": f"Bearer {self.token}"}
        response = await http.post(self.installation.address, json=body, headers=headers)
        answer = response.json()
        if answer.get("data") is None:
            raise httpx.TransportError(str(answer))
        return answer["data"]

    async def begin(self, http: httpx.AsyncClient) -> None:
        """Create the series."""
        sent = {"title": "Again", "dueDate": str(FIRST), "recurrence": {"rule": "FREQ=DAILY"}}
        todo = (await self.ask(http, CREATE, input=sent))["todoCreate"]["todo"]
        self.id, self.version = todo["id"], todo["version"]

    async def run(self, http: httpx.AsyncClient) -> None:
        """Complete one occurrence after the other; after a lost answer, go on from what is stored."""
        while not self.is_done:
            try:
                await self._complete(http)
            except httpx.HTTPError:
                await asyncio.sleep(0.02)

    async def _complete(self, http: httpx.AsyncClient) -> None:
        if not self.version:
            self.version = (await self.ask(http, READ, id=self.id))["todo"]["version"]
        # What isn't answered may be done.
        version, self.version = self.version, 0
        sent = {"id": self.id, "version": version}
        payload = (await self.ask(http, COMPLETE, **sent))["todoComplete"]
        if payload["errors"]:
            # A killed server's last commit came after the version was read.
            assert payload["errors"] == [{"code": "CONFLICT"}]
            return
        self.acknowledged.append(payload["completedOccurrence"]["id"])
        self.version = payload["todo"]["version"]

    async def check(self, http: httpx.AsyncClient) -> None:
        """Check that there is one copy for each step, and those that were acknowledged among them."""
        copies, after = list[Any](), None
        while True:
            todo = (await self.ask(http, READ, id=self.id, after=after))["todo"]
            past = todo["recurrence"]["past"]
            copies += past["nodes"]
            if not past["pageInfo"]["hasNextPage"]:
                break
            after = past["pageInfo"]["endCursor"]
        done = todo["recurrence"]["done"]
        assert (todo["status"], todo["dueDate"]) == ("PENDING", str(FIRST + timedelta(done)))
        assert past["totalCount"] == done >= len(self.acknowledged)
        days = [str(FIRST + timedelta(number)) for number in range(done)]
        assert [copy["dueDate"] for copy in reversed(copies)] == days
        assert {copy["status"] for copy in copies} <= {"COMPLETED"}
        assert set(self.acknowledged) <= {copy["id"] for copy in copies}
        # One step is lost to view with each kill at most.
        assert done - len(self.acknowledged) <= KILLS


@asynccontextmanager
async def completing(people: list[Completing], http: httpx.AsyncClient) -> AsyncIterator[None]:
    """Have everybody complete occurrences within the block; after it all are answered."""
    async with asyncio.TaskGroup() as group:
        for one in people:
            group.create_task(one.run(http))
        yield
        for one in people:
            one.is_done = True


async def test_every_step_has_one_copy(installation: Installation, chance: random.Random) -> None:
    """Each series has as many copies as steps, and those that were acknowledged, after kills amid completions."""
    owner = await registered(installation)
    people = [Completing(installation, owner.token) for _ in range(SERIES)]

    async def goes_on(more: int) -> None:
        """Wait until so many more completions are acknowledged."""
        number = sum(len(one.acknowledged) for one in people) + more
        await until(lambda: sum(len(one.acknowledged) for one in people) >= number)

    async with httpx.AsyncClient(timeout=10) as http:
        for one in people:
            await one.begin(http)
        async with completing(people, http):
            for _ in range(KILLS):
                await goes_on(chance.randint(1, 20))
                await asyncio.sleep(chance.uniform(0, 0.02))
                installation.kill_server()
                await asyncio.to_thread(installation.start_server)
            await goes_on(SERIES)
        for one in people:
            await one.check(http)
