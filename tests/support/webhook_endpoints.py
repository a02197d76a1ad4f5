"""Endpoints of webhooks for tests: they verify with the public library whatever they receive."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from standardwebhooks import Webhook

from tests.support.accounts import Account
from tests.support.https_servers import Authority, https_server
from todo_gql.database.connection import fetch

CREATE = """
mutation ($input: WebhookCreateInput!) {
  webhookCreate(input: $input) { webhook { id url types state behind } secret errors { code path message } }
}
"""
Reply = Callable[[], web.StreamResponse]


@dataclass
class Message:
    """A delivery that an endpoint took, or answered otherwise."""

    id: str
    content: dict[str, Any]
    signatures: int
    size: int

    @property
    def type(self) -> str:
        """The type of the event."""
        return str(self.content["type"])

    @property
    def data(self) -> dict[str, Any]:
        """What the event is about."""
        data: dict[str, Any] = self.content["data"]
        return data


@dataclass
class Endpoint:
    """A path that a webhook is sent to; `replies` answer the next requests, one each, later ones 200."""

    url: str
    secret: str = ""
    id: str = ""
    received: list[Message] = field(default_factory=list)
    refused: list[Message] = field(default_factory=list)
    taken_ids: set[str] = field(default_factory=set)
    replies: list[Reply] = field(default_factory=list)
    always: Reply | None = None
    hold: Callable[[], Awaitable[None]] | None = None
    errors: list[BaseException] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """The types of what it took, in order."""
        return [message.type for message in self.received]

    @property
    def titles(self) -> list[str]:
        """The titles of the todos in what it took, in order."""
        return [message.data["todo"]["title"] for message in self.received]

    def opened(self, request: web.BaseRequest, body: bytes) -> Message:
        """A request as a message, verified."""
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/json"
        assert len(body) < 20_000
        headers = dict(request.headers)
        Webhook(self.secret).verify(body, headers, json_parse=False)
        content = orjson.loads(body)
        assert set(content) == {"type", "timestamp", "data"}
        signatures = request.headers["webhook-signature"].split(" ")
        return Message(request.headers["webhook-id"], content, len(signatures), len(body))


@dataclass
class Endpoints:
    """A server with endpoints."""

    port: int = 0
    by_path: dict[str, Endpoint] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def add(self, name: str, *replies: Reply, always: Reply | None = None) -> Endpoint:
        """A new endpoint."""
        endpoint = Endpoint(f"https://127.0.0.1:{self.port}/{name}", replies=list(replies))
        endpoint.always = always
        self.by_path[f"/{name}"] = endpoint
        return endpoint

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; what is wrong with it is noted, and answered with 400."""
        self.requests.append(request.path)
        endpoint, body = self.by_path[request.path], await request.read()
        if endpoint.hold:
            await endpoint.hold()
        try:
            message = endpoint.opened(request, body)
        except Exception as error:  # noqa: BLE001
            endpoint.errors.append(error)
            return web.Response(status=400, text=str(error))
        reply = endpoint.replies.pop(0) if endpoint.replies else endpoint.always
        answer = reply() if reply else web.Response()
        taken = answer.status // 100 == 2
        (endpoint.received if taken else endpoint.refused).append(message)
        if taken:
            endpoint.taken_ids.add(message.id)
        return answer


def reply(status: int, text: str = "", **headers: str) -> Reply:
    """An answer of a status; names of headers have _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.Response(status=status, text=text, headers=named)


def late(seconds: float) -> Callable[[], Awaitable[None]]:
    """Has an endpoint take some time for its answers."""
    return lambda: asyncio.sleep(seconds)


@asynccontextmanager
async def webhook_endpoints(authority: Authority) -> AsyncIterator[Endpoints]:
    """A server that listens for as long as the block."""
    endpoints = Endpoints()
    tls = authority.server_context("127.0.0.1")
    async with https_server(endpoints.answer, tls) as endpoints.port:
        yield endpoints
    for endpoint in endpoints.by_path.values():
        assert endpoint.errors == []


async def connect(account: Account, endpoint: Endpoint, *types: str, **values: Any) -> Endpoint:
    """Make a webhook of an account that is sent to an endpoint: all types unless some are named."""
    sent = {"url": endpoint.url, "types": list(types) or ["*"], **values}
    payload = (await account.data(CREATE, input=sent))["webhookCreate"]
    assert payload["errors"] == []
    endpoint.id, endpoint.secret = payload["webhook"]["id"], payload["secret"]
    return endpoint


DELIVERED_ONCE = (
    """{ webhooks { id deliveries(first: 1) { nodes { id } pageInfo { endCursor } } } }"""
)
TEST = "mutation ($id: ID!) { webhookTest(id: $id) { delivery { id } errors { code } } }"


ATTEMPTED = """
UPDATE webhook_deliveries SET attempts = '[{"at": "2030-01-01T00:00:00.000000Z", "status": 500,
    "error": "The endpoint answered 500.", "milliseconds": 7}]' WHERE webhook_id = $1
"""


async def delivered_once(account: Account, url: str, list_id: str) -> dict[str, Any]:
    """A webhook of an account for a list, with one delivery that was attempted once."""
    endpoint = await connect(account, Endpoint(url), listId=list_id)
    await account.data(TEST, id=endpoint.id)
    await fetch(ATTEMPTED, UUID(endpoint.id))
    webhooks = (await account.data(DELIVERED_ONCE))["webhooks"]
    return dict(next(one for one in webhooks if one["id"] == endpoint.id))
