"""The documented session and follower, while tokens expire and the database goes away."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from clearing import client_of
from follow import changes_after, requests_of
from gql import gql
from session import Session, Tokens
from todo_client import RegisterInput, TodoClient, TodoCreateInput

LAST = "Last"
READY = Path(os.environ.get("TODO_READY", "ready"))
SECONDS = float(os.environ.get("TODO_SECONDS", "0"))
LOGIN = """
mutation ($name: String!) {
  login(input: { usernameOrEmail: $name, password: "Correct1horse" }) {
    tokens { accessToken refreshToken }
  }
}
"""
pytestmark = pytest.mark.skipif(not SECONDS, reason="takes more than a minute")


async def signed_in(url: str, name: str) -> Session:
    """Another device of somebody."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(url, json={"query": LOGIN, "variables": {"name": name}})
    tokens = answer.json()["data"]["login"]["tokens"]
    return Session(url, Tokens(tokens["accessToken"], tokens["refreshToken"]))


async def write(session: Session, ends: float) -> list[str]:
    """Create a todo every second or so, each until it is there, and give their titles."""
    client = client_of(session)
    made: list[str] = []
    while LAST not in made:
        title = f"Todo {len(made)}" if time.monotonic() < ends else LAST
        created = TodoCreateInput(id=str(uuid4()), title=title)
        is_there = False
        while not is_there:
            with suppress(Exception):
                payload = (await client.create_todo(created)).todo_create
                is_there = bool(payload and payload.todo)
            await asyncio.sleep(0.5)
        made.append(title)
    return made


async def follow(session: Session, after: str) -> list[str]:
    """The titles that are told of, down to the last."""
    seen: list[str] = []
    async for change in changes_after(session, after):
        seen.append(change["todo"]["title"])
        if seen[-1] == LAST:
            break
    return seen


async def ask(session: Session, ends: float) -> None:
    """Ask again and again; the last time has to work."""
    async with requests_of(session) as client:
        while time.monotonic() < ends:
            with suppress(Exception):
                await client.execute(gql("{ todos { totalCount } }"))
            await asyncio.sleep(0.5)
        await client.execute(gql("{ todos { totalCount } }"))


async def test_clients_outlast_their_tokens_and_an_outage(
    url: str, newcomer: Callable[[], dict[str, str]]
) -> None:
    """The follower is told of everything once and in order, and nobody is signed out."""
    somebody = newcomer()
    assert (await TodoClient(url).register(RegisterInput(**somebody))).register
    sessions = [await signed_in(url, somebody["username"]) for _ in range(3)]
    first = [session.tokens for session in sessions]
    writer, follower, asker = sessions
    async with requests_of(follower) as client:
        cursor = (await client.execute(gql("{ changeCursor }")))["changeCursor"]
    await asyncio.to_thread(READY.touch)
    ends = time.monotonic() + SECONDS
    async with asyncio.timeout(SECONDS + 60):
        made, seen, _ = await asyncio.gather(
            write(writer, ends), follow(follower, cursor), ask(asker, ends)
        )
    assert seen == made
    for session, old in zip(sessions, first, strict=True):
        assert session.tokens
        assert session.tokens != old
