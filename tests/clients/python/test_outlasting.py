"""The documented session and follower, while tokens expire and the database goes away."""

import asyncio
import os
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
OVER = Path(os.environ.get("TODO_OVER", "over"))
LOGIN = """
mutation ($name: String!) {
  login(input: { usernameOrEmail: $name, password: "Correct1horse" }) {
    tokens { accessToken refreshToken }
  }
}
"""
pytestmark = pytest.mark.skipif("TODO_OVER" not in os.environ, reason="takes more than a minute")


def is_over() -> bool:
    """Whether the outage is over, and all tokens are worn."""
    return OVER.exists()


async def signed_in(url: str, name: str) -> Session:
    """Another device of somebody."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(url, json={"query": LOGIN, "variables": {"name": name}})
    tokens = answer.json()["data"]["login"]["tokens"]
    return Session(url, Tokens(tokens["accessToken"], tokens["refreshToken"]))


async def write(session: Session) -> list[str]:
    """Create a todo every second or so, each until it is there, and give their titles.

    The last one comes when the outage is over, and all tokens are worn.
    """
    client = client_of(session)
    made: list[str] = []
    while LAST not in made:
        title = f"Todo {len(made)}" if not is_over() else LAST
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


async def ask(session: Session) -> None:
    """Ask again and again, whatever comes of it, until it works after the outage."""
    async with requests_of(session) as client:
        is_answered = False
        while not is_answered:
            is_late = is_over()
            with suppress(Exception):
                await client.execute(gql("{ todos { totalCount } }"))
                is_answered = is_late
            await asyncio.sleep(0.5)


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
    made, seen, _ = await asyncio.gather(write(writer), follow(follower, cursor), ask(asker))
    assert seen == made
    for session, old in zip(sessions, first, strict=True):
        assert session.tokens
        assert session.tokens != old
