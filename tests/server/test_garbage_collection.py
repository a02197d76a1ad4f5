"""How the garbage collector runs while requests are answered."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.types import ASGIApp, Message

from tests.support.accounts import Account
from tests.support.raw_connections import answers
from tests.support.subscribers import connected, listening
from tests.support.waiting import until
from todo_gql.server.garbage_collection import THRESHOLDS, tune_garbage_collector
from todo_gql.server.protocols import HTTPProtocol
from todo_gql.server.websocket_protocol import WebSocketProtocol
from todo_gql.settings import Settings


def test_what_is_there_for_good_is_never_looked_at_again() -> None:
    """Permanent objects are never collected again, and new garbage still is, only less often."""
    before = gc.get_threshold()
    try:
        tune_garbage_collector()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == THRESHOLDS
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


async def test_collections_of_new_documents_are_short(app: ASGIApp, account: Account) -> None:
    """A collection finds the garbage of a few documents, however many are parsed."""
    most = 0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal most
        if phase == "stop" and info["generation"] == 0:
            most = max(most, info["collected"])

    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(note)
    try:
        for number in range(40):
            fields = " ".join(f"a{number}x{n}: id" for n in range(25))
            await account.execute(f"{{ todos(first: 1) {{ nodes {{ {fields} }} }} }}")
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*before)
    assert 0 < most <= 12_000


async def answer_to(app: ASGIApp, document: str, token: str) -> bytes:
    """The body of the answer to a document, asked for without a client that leaves garbage."""
    parts: list[bytes] = []

    async def receive() -> Message:
        body = json.dumps({"query": document}).encode()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"authorization", b"Bearer " + token.encode()),
        ],
        "client": ("127.0.0.1", 40000),
    }
    await app(scope, receive, send)
    return b"".join(parts)


@pytest.mark.parametrize(
    "document",
    [
        "{ todos { nodes { id title tags { name } owner { username } } totalCount } }",
        "{ stats { total overdue } viewer { username stats { pending } } }",
        'mutation { todoCreate(input: { title: "Todo", tags: ["a"] }) { todo { tags { name } } } }',
        'mutation { todoCreate(input: { title: "" }) { errors { code } } }',
    ],
)
async def test_an_answer_is_freed_without_the_collector(
    account: Account, app: ASGIApp, settings: Settings, document: str
) -> None:
    """Nothing of it refers to itself, so that it is gone as soon as it is sent."""
    if settings.execution_engine == "graphql-core":
        pytest.skip("graphql-core's executor refers to itself.")
    await account.create(tags=["a", "b"])
    await answer_to(app, document, account.token)
    gc.collect()
    gc.disable()
    # A connection that is closed meanwhile, after 300 s of idling, is garbage of another answer.
    before = {id(one) for one in gc.get_objects()}
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        answered = await answer_to(app, document, account.token)
        gc.collect()
        left = [repr(one) for one in gc.garbage if id(one) not in before]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert b'"data":{' in answered
    assert left == []


@contextmanager
def without_collector() -> Iterator[None]:
    """Let nothing be freed that refers to itself."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def open_connections(kind: type) -> set[int]:
    """The connections of a kind that are in memory."""
    return {id(one) for one in gc.get_objects() if isinstance(one, kind)}


async def test_a_refused_request_is_freed_without_the_collector(
    app: ASGIApp, settings: Settings
) -> None:
    """Its connection, which holds what came of its body, is gone once it is closed."""
    size = settings.max_body_bytes + 1
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    sent = [head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % size, b"x" * size]
    async with listening(app, settings) as address:
        with without_collector():
            before = open_connections(HTTPProtocol)
            [refused] = await answers(address, sent)
            assert refused.status == 413
            await until(lambda: open_connections(HTTPProtocol) <= before)


async def test_a_closed_websocket_is_freed_without_the_collector(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """What came on it doesn't stay until the garbage collector runs."""
    async with listening(app, settings) as address:
        with without_collector():
            before = open_connections(WebSocketProtocol)
            async with connected(address, account.token) as one:
                assert "data" in await one.execute("{ viewer { id } }")
            await until(lambda: open_connections(WebSocketProtocol) <= before)
