"""People who send GraphQL over HTTP: without an account, and signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from starlette.types import ASGIApp

PASSWORD = "Correct1horse"
REGISTER = """
mutation ($input: RegisterInput!) {
  register(input: $input) {
    user { id username }
    tokens { accessToken refreshToken }
    errors { code message path }
  }
}
"""
TODO = """
fragment TodoParts on Todo {
  id title description status priority dueAt completedAt estimatedMinutes actualMinutes
  tags { id name todoCount } metadata isOverdue isCompleted version createdAt updatedAt deletedAt
}
"""
ERRORS = "errors { __typename code message path ... on ConflictError { current { id } } }"
CREATE = (
    "mutation ($input: TodoCreateInput!) { todoCreate(input: $input) {"
    f" todo {{ ...TodoParts }} {ERRORS} }} }} {TODO}"
)
CREATE_MANY = (
    "mutation ($inputs: [TodoCreateInput!]!) { todoBulkCreate(inputs: $inputs) {"
    f" results {{ todo {{ ...TodoParts }} {ERRORS} }} {ERRORS} }} }} {TODO}"
)


@dataclass
class Client:
    """Somebody who sends GraphQL over HTTP."""

    http: httpx.AsyncClient

    async def post(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> httpx.Response:
        """The HTTP answer to one operation."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=headers)

    async def execute(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """The JSON answer to one operation, without what it says about the operation itself."""
        answer: dict[str, Any] = (await self.post(query, variables, token)).json()
        answer.pop("extensions", None)
        return answer


@dataclass
class Account(Client):
    """A registered user, signed in."""

    id: str
    username: str
    password: str
    token: str
    refresh_token: str

    @property
    def email(self) -> str:
        """The address that the account was registered with."""
        return f"{self.username}@example.com"

    async def execute(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """The JSON answer to one operation of this user's."""
        return await super().execute(query, variables, token or self.token)

    async def data(self, query: str, **variables: Any) -> Any:
        """The data of an operation that must have no errors."""
        answer = await self.execute(query, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The one top-level error of an operation that must fail."""
        [error] = (await self.execute(query, variables))["errors"]
        return dict(error)

    async def create(self, **values: Any) -> dict[str, Any]:
        """A todo just made, with the fields that tests ask about most."""
        payload = (await self.data(CREATE, input={"title": "Todo", **values}))["todoCreate"]
        assert payload["errors"] == [], payload
        return dict(payload["todo"])

    async def create_many(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Todos just made, in bulk calls of 100."""
        made: list[dict[str, Any]] = []
        for start in range(0, len(inputs), 100):
            data = await self.data(CREATE_MANY, inputs=inputs[start : start + 100])
            assert data["todoBulkCreate"]["errors"] == [], data
            made += [result["todo"] for result in data["todoBulkCreate"]["results"]]
        return made


@asynccontextmanager
async def visiting(app: ASGIApp, address: str = "127.0.0.1") -> AsyncIterator[Client]:
    """Somebody who isn't signed in, for as long as the block."""
    transport = httpx.ASGITransport(app, client=(address, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
        yield Client(http)


async def registered(client: Client) -> Account:
    """A new user."""
    username = f"user-{uuid4().hex[:12]}"
    sent = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    payload = (await client.execute(REGISTER, {"input": sent}))["data"]["register"]
    assert payload["errors"] == [], payload
    tokens = payload["tokens"]
    return Account(
        client.http,
        payload["user"]["id"],
        username,
        PASSWORD,
        tokens["accessToken"],
        tokens["refreshToken"],
    )


NewAccount = Callable[[], Awaitable[Account]]


RETITLE = """
mutation ($id: ID!, $title: String!) {
  todoUpdate(id: $id, input: { title: $title }) { errors { code } }
}
"""
