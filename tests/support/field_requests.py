"""Asking for any field of the schema, subscriptions too, by an operation that comes to an end."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any
from uuid import UUID

import httpx
from starlette.types import Message

from tests.support.accounts import Account, Client
from tests.support.operations import Call, field_of
from tests.support.subscribers import PATIENCE
from todo_gql.changelog.cursors import cursor_of

# Longer than it takes to send what is stored already.
MOMENT = 0.5
OF_LIST = """query ($after: String, $listId: ID) {
  feed(after: $after, listId: $listId, first: 100) { nodes { id } }
}"""


async def ask(client: Client, call: Call, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer to a call; of a subscription, all that it tells of the log up to now."""
    if call.operation != "subscription":
        return await client.execute(call.document(arguments), arguments)
    if not isinstance(client, Account):
        [answer, *_] = await told(client, call.document(arguments), arguments, last=None)
        return answer
    if "after" not in field_of(call.coordinate).args:
        answers = await told(client, call.document(arguments), arguments, last=None)
        return _joined(answers, call)
    # Told in any case, so that it is known when everything before it was.
    newest = await client.data("{ changeCursor changes { nodes { todoId cursor } } }")
    last = newest["changeCursor"]
    if arguments.get("after") is None:
        arguments = {**arguments, "after": cursor_of(UUID(client.id), 0)}
    if isinstance(wanted := arguments.get("filter"), dict):
        # Filters let only changes of todos through.
        end = [change for change in newest["changes"]["nodes"] if change["todoId"]][-1]
        arguments["filter"] = {"or": [wanted, {"id": {"eq": end["todoId"]}}]}
        last = end["cursor"]
    document = call.document(arguments)
    if arguments.get("listId") is not None:
        answers = await told(client, document, arguments, None, await number_of(client, arguments))
    else:
        answers = await told(client, document, arguments, last)
    return _joined(answers, call)


def _joined(answers: Sequence[dict[str, Any]], call: Call) -> dict[str, Any]:
    """The answers to a subscription as one, with the events as a list."""
    field = call.coordinate[1]
    events = [(answer.get("data") or {}).get(field) for answer in answers]
    errors = [error for answer in answers for error in answer.get("errors", ())]
    return {"data": {field: events}, **({"errors": errors} if errors else {})}


async def number_of(client: Account, arguments: dict[str, Any]) -> int | None:
    """How many entries of a list a feed has by now; None if it can't be asked for them."""
    if not str(arguments["listId"]).isprintable():
        return 0
    answer = await client.execute(OF_LIST, arguments)
    return len(answer["data"]["feed"]["nodes"]) if answer.get("data") else None


async def told(
    client: Client,
    document: str,
    arguments: dict[str, Any],
    last: str | None,
    number: int | None = None,
) -> list[dict[str, Any]]:
    """What an event stream sends until it completes, or has sent the cursor `last` or `number` events.

    What it sends within a moment if that is no event.
    """
    transport = client.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    body = json.dumps({"query": document, "variables": arguments}).encode()
    headers = [(b"accept", b"text/event-stream"), (b"content-type", b"application/json")]
    if isinstance(client, Account):
        headers.append((b"authorization", f"Bearer {client.token}".encode()))
    received: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    answers: list[dict[str, Any]] = []
    ended = asyncio.Event()

    async def receive() -> Message:
        if not received:
            await ended.wait()
        return received.pop() if received else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        for line in message.get("body", b"").splitlines():
            if line.startswith(b"data: ") and not ended.is_set():
                answers.append(json.loads(line.removeprefix(b"data: ")))
                data = answers[-1].get("data") or {}
                change = data.get("changes") or data.get("feed") or {}
                if last is not None and change.get("cursor") == last:
                    answers.pop()
                    ended.set()
                if len(answers) == number:
                    ended.set()

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 40000),
    }
    with suppress(TimeoutError) if number == 0 else nullcontext():
        async with asyncio.timeout(MOMENT if number == 0 else PATIENCE):
            await transport.app(scope, receive, send)
    return answers
