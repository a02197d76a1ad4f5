"""GraphQL over WebSocket, message by message, by graphql-transport-ws."""

import asyncio
import contextlib
import json
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.types import ASGIApp, Message
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.support.accounts import Account
from tests.support.subscribers import CHANGES, connected, listening, opened
from tests.support.waiting import counted_turns
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.http.graphql.endpoint import GraphQLRoute
from todo_gql.http.graphql.request_reader import LARGE_BODY_BYTES
from todo_gql.http.graphql.transport_ws import MAX_CONTROL_BYTES, ClientMessage, parse_message
from todo_gql.http.graphql.websocket import SIGNED_OUT_REASON
from todo_gql.server.websocket_protocol import WebSocketProtocol
from todo_gql.settings import Settings

SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}
MALFORMED: list[Any] = [
    *("", "{", "[]", '"x"', "null", "5", "[" * 100_000, '{"type": "ping"', "{}"),
    *({"type": None}, {"type": 5}, {"type": "nonsense"}, {"type": "connection_ack"}),
    *({"type": "next", "id": "1", "payload": {}}, {"type": "error", "id": "1", "payload": []}),
    *({"type": "ping", "payload": [1]}, {"type": "pong", "payload": "x"}),
    *({"type": "complete"}, {"type": "complete", "id": 5}, {"type": "complete", "id": ""}),
    {"type": "subscribe", "payload": SUBSCRIBE["payload"]},
    *({**SUBSCRIBE, "id": None}, {**SUBSCRIBE, "id": ""}, {**SUBSCRIBE, "id": "x" * 1_000}),
    *({**SUBSCRIBE, "id": 1}, {**SUBSCRIBE, "type": "start"}, [SUBSCRIBE]),
    {"type": "ping", "payload": {"a": json.loads("[" * 40 + "]" * 40)}},
    '{"type": "ping", "payload": {"n": ' + "9" * 5_000 + ', "s": "\\ud800"}}',
    b'{"type": "ping"}',
]


@pytest.mark.parametrize("frame", MALFORMED, ids=lambda frame: str(frame)[:60])
@pytest.mark.parametrize("is_connected", [True, False], ids=["connected", "new"])
async def test_malformed_messages_close_with_4400(
    frame: Any, is_connected: bool, account: Account, address: str
) -> None:
    """Malformed messages close with 4400 and the reason, before and after connection_ack."""
    opening = connected(address, account.token) if is_connected else opened(address)
    async with opening as one:
        await one.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
        code, reason = await one.close_code()
    assert code == 4400
    assert reason


async def test_a_broken_frame_closes_as_websockets_do(account: Account, address: str) -> None:
    """Text that isn't UTF-8 gets 1007, and more than 256 KiB gets 1009."""
    async with connected(address, account.token) as one:
        await one.connection.send(b"\xff\xfe", text=True)
        assert (await one.close_code())[0] == 1007
    async with connected(address, account.token) as one:
        await one.connection.send('{"type": "ping", "payload": {"a": "' + "x" * 256 * 1024 + '"}}')
        assert (await one.close_code())[0] == 1009


@pytest.mark.parametrize("offered", [["graphql-ws"], None, ["nonsense", "graphql-ws"]])
async def test_other_subprotocols_are_refused(offered: Any, address: str) -> None:
    """Other subprotocols, such as the older graphql-ws, are refused with 4406."""
    async with opened(address, subprotocols=offered) as one:
        assert (await one.close_code())[0] == 4406


async def test_the_subprotocol_is_chosen_among_others(address: str) -> None:
    """Clients may offer it together with the older one."""
    offered = [Subprotocol("graphql-ws"), Subprotocol("graphql-transport-ws")]
    async with opened(address, subprotocols=offered) as one:
        assert one.connection.subprotocol == "graphql-transport-ws"


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://app.example", True),
        ("http://ADDRESS", True),
        (None, True),
        ("https://evil.example", False),
        ("https://app.example.evil.example", False),
        ("null", False),
        ("http://[", False),
    ],
)
async def test_only_known_origins_are_let_in(
    origin: str | None, is_allowed: bool, address: str
) -> None:
    """This server's own, and those of BACKEND_CORS_ORIGINS; others get 403 before the handshake."""
    origin = origin and origin.replace("ADDRESS", address)
    if is_allowed:
        async with opened(address, origin=origin) as one:
            await one.send(type="connection_init")
            assert await one.next() == {"type": "connection_ack"}
        return
    with pytest.raises(InvalidStatus) as refused:
        async with opened(address, origin=origin):
            pass
    assert refused.value.response.status_code == 403


def filled_in(payload: Any, account: Account) -> Any:
    """A payload with the account's tokens where their names stand."""
    text = json.dumps(payload)
    for name, token in {"ACCESS": account.token, "REFRESH": account.refresh_token}.items():
        text = text.replace(name, token)
    return json.loads(text)


BEARER = "Bearer ACCESS"


@pytest.mark.parametrize(
    "payload",
    [
        *({"authorization": BEARER}, {"Authorization": BEARER}, {"AUTHORIZATION": BEARER}),
        *({"authorization": "bearer ACCESS"}, {"authorization": "BEARER   ACCESS "}),
        *({"authorization": "ACCESS"}, {"token": "ACCESS"}, {"token": BEARER}),
        *({"authToken": "ACCESS"}, {"authToken": BEARER}, {"auth_token": "ACCESS"}),
        *({"accessToken": "ACCESS"}, {"access_token": "ACCESS"}, {"Access-Token": BEARER}),
        *({"headers": {"authorization": BEARER}}, {"headers": {"Authorization": BEARER}}),
        *({"headers": {"token": "ACCESS", "x": 1}}, {"headers": None, "token": "ACCESS"}),
        {"authorization": None, "headers": {"Authorization": BEARER}, "locale": "de"},
        {"authorization": "Bearer ", "authToken": "ACCESS", "isAuthenticated": True},
    ],
    ids=json.dumps,
)
async def test_a_token_is_understood_however_clients_name_it(
    payload: Any, account: Account, address: str
) -> None:
    """A token is found in the payload of connection_init, or in the headers inside it."""
    async with opened(address) as one:
        await one.send(type="connection_init", payload=filled_in(payload, account))
        assert (await one.next())["type"] == "connection_ack"
        answer = await one.execute("{ viewer { id } }")
    assert answer == {"data": {"viewer": {"id": account.id}}}


async def test_a_token_may_come_in_the_header_of_the_handshake(
    account: Account, address: str
) -> None:
    """A token may come in the handshake's header from programs, as browsers can't send it."""
    headers = {"authorization": f"Bearer {account.token}"}
    async with opened(address, additional_headers=headers) as one:
        await one.send(type="connection_init")
        assert (await one.next())["type"] == "connection_ack"
        answer = await one.execute("{ viewer { id } }")
    assert answer == {"data": {"viewer": {"id": account.id}}}


@pytest.mark.parametrize(
    "payload",
    [
        *({"authorization": "Bearer nonsense"}, {"authorization": "Bearer undefined"}),
        *({"token": "REFRESH"}, {"authToken": "nonsense"}, {"accessToken": "Bearer a.b.c"}),
        *({"headers": {"Authorization": "Basic eDp5"}}, {"authorization": "Bearer Bearer ACCESS"}),
        {"authorization": "ACCESSx"},
    ],
    ids=json.dumps,
)
async def test_a_token_that_opens_nothing_is_told(
    payload: Any, address: str, account: Account
) -> None:
    """A bad token closes with 4403, after which clients come back with a new one."""
    async with opened(address) as one:
        await one.send(type="connection_init", payload=filled_in(payload, account))
        code, reason = await one.close_code()
    assert (code, reason) == (4403, SIGNED_OUT_REASON)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        *(
            ({name: 5}, "must be a string")
            for name in ("authorization", "authToken", "accessToken")
        ),
        ({"authorization": [BEARER]}, "must be a string"),
        ({"token": {"accessToken": "ACCESS"}}, "must be a string"),
        ({"headers": {"Authorization": True}}, "must be a string"),
        ({"headers": BEARER}, "headers in the payload"),
        ({"headers": [["authorization", BEARER]]}, "headers in the payload"),
        ({"jwt": "ACCESS"}, "send it as authorization"),
        ({"Authorisation": "nonsense"}, "send it as authorization"),
        ({"refreshToken": "REFRESH"}, "send it as authorization"),
        ({"auth": {"token": "ACCESS"}}, "send it as authorization"),
        ({"a": {"b": BEARER}}, "send it as authorization"),
        ({"a": ["ACCESS"]}, "send it as authorization"),
        ({"a": [[{"b": BEARER}]]}, "send it as authorization"),
        ({"params": [{"jwt": "nonsense"}]}, "send it as authorization"),
        ({"a": list(range(101))}, "may have at most 100 members"),
        ({"x": "ACCESS", "authorization": ""}, "send it as authorization"),
        ({"headers": {"X-Auth-Token": "nonsense"}}, "send it as authorization"),
        ({str(number): number for number in range(101)}, "may have at most 100 members"),
        ({"a": json.loads("[" * 40 + "]" * 40)}, "nested at most 32 deep"),
        ("Bearer ACCESS", "must be an object"),
        (["Bearer ACCESS"], "must be an object"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
async def test_a_token_that_is_not_understood_is_refused_in_words(
    payload: Any, told: str, address: str, account: Account
) -> None:
    """A token in an unknown form closes with 4400 instead of making its sender anonymous."""
    async with opened(address) as one:
        await one.send(type="connection_init", payload=filled_in(payload, account))
        code, reason = await one.close_code()
    assert code == 4400
    assert told in reason
    assert len(reason.encode()) <= 123


@pytest.mark.parametrize(
    "payload",
    [
        *(None, {}, {"authorization": ""}, {"authorization": "Bearer "}, {"authToken": None}),
        *({"headers": {}}, {"headers": {"accept": "*/*"}}, {"locale": "de", "isAuthenticated": 0}),
        {"clientName": "web", "version": "1.20.300", "nested": {"author": "x"}},
    ],
    ids=json.dumps,
)
async def test_who_sends_no_token_is_anonymous(payload: Any, address: str) -> None:
    """A client without a token is anonymous, whatever else it sends."""
    async with opened(address) as one:
        await one.send(type="connection_init", payload=payload)
        assert await one.next() == {"type": "connection_ack"}
        assert await one.execute("{ viewer { id } }") == {"data": {"viewer": None}}


async def test_without_a_token_one_is_nobody(address: str) -> None:
    """The subscription says UNAUTHENTICATED, and the connection stays."""
    async with connected(address) as one:
        answer = await one.execute(CHANGES)
        [error] = answer["errors"]
        assert (error["extensions"]["code"], error["path"]) == ("UNAUTHENTICATED", ["changes"])
        assert await one.execute("{ viewer { id } }") == {"data": {"viewer": None}}


async def test_nothing_may_be_asked_first(address: str) -> None:
    """A subscribe before connection_init closes with 4401; a ping is answered."""
    for payload in (SUBSCRIBE["payload"], None, {"documentId": "unknown"}):
        async with opened(address) as one:
            await one.send(type="ping")
            assert await one.next() == {"type": "pong"}
            await one.send(type="complete", id="1")
            await one.send(**{**SUBSCRIBE, "payload": payload})
            assert (await one.close_code())[0] == 4401


async def test_a_second_connection_init_closes(address: str) -> None:
    """A second connection_init closes with 4429."""
    async with connected(address) as one:
        await one.send(type="connection_init")
        assert (await one.close_code())[0] == 4429


async def test_who_says_nothing_is_sent_away(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends no connection_init is closed with 4408, even if it sends pings."""
    monkeypatch.setattr("todo_gql.http.graphql.websocket.INITIALISATION_SECONDS", 0.2)
    async with opened(address) as one:
        await one.send(type="ping")
        assert (await one.close_code())[0] == 4408


async def test_an_id_is_used_once_at_a_time(account: Account, address: str) -> None:
    """A second operation of the same id closes with 4409, unless the first was completed."""
    async with connected(address, account.token) as one:
        await one.subscribe()
        await one.send(id="1", type="complete")
        await one.send(id="unknown", type="complete")
        await one.subscribe()
        await one.settled()
        await one.subscribe()
        assert await one.close_code() == (4409, "Subscriber for 1 already exists.")


async def test_pings_are_answered_with_what_they_hold(address: str) -> None:
    """Pings are answered with their payload, and pongs aren't answered."""
    async with connected(address) as one:
        await one.send(type="pong")
        await one.send(type="ping", payload={"a": 1})
        assert await one.next() == {"type": "pong", "payload": {"a": 1}}


@pytest.mark.parametrize("type_", ["ping", "pong", "complete", "connection_init"])
async def test_only_operations_are_long(type_: str, address: str) -> None:
    """Any other message of more than 8 KiB closes the connection, since each is parsed."""
    async with opened(address) as one:
        await one.send(type=type_, id="1", payload={"a": "a" * MAX_CONTROL_BYTES})
        code, reason = await one.close_code()
    assert (code, reason) == (4400, "A message other than subscribe may have at most 8,192 bytes.")


async def test_long_operations_are_parsed_one_by_one(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long operations are parsed one by one, and others have their turn between any two."""
    begun = list[int]()

    def noted(message: Message, trusted: TrustedDocuments) -> ClientMessage:
        begun.append(turns.number)
        return parse_message(message, trusted)

    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connected(address)) for _ in range(5)]
        monkeypatch.setattr("todo_gql.http.graphql.websocket.parse_message", noted)
        async with counted_turns() as turns:
            await asyncio.gather(
                *(one.subscribe("{ __typename }", a="a" * LARGE_BODY_BYTES) for one in sockets)
            )
            for one in sockets:
                assert (await one.next())["type"] == "next"
    assert len(begun) == len(set(begun)) == 5


async def test_queries_and_mutations_are_answered(account: Account, address: str) -> None:
    """Each with a context of its own, so that a query sees what was written before it."""
    count = "{ todos { totalCount } stats { total } }"
    create = 'mutation { todoCreate(input: { title: "A" }) { errors { code } } }'
    async with connected(address, account.token) as one:
        for number in range(3):
            assert (await one.execute(count))["data"] == {
                "todos": {"totalCount": number},
                "stats": {"total": number},
            }
            assert (await one.execute(create))["data"] == {"todoCreate": {"errors": []}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: changes { __typename } b: changes { __typename } }", None),
        ("query A { __typename } query B { __typename }", None),
        ("mutation { a: logout { ok } b: login(input: {}) { errors { code } } }", None),
    ],
)
async def test_what_can_not_be_executed_is_an_error(
    query: str, code: str | None, account: Account, address: str
) -> None:
    """The same as over HTTP, as an error message, and the connection stays."""
    async with connected(address, account.token) as one:
        await one.subscribe(query)
        message = await one.next()
        assert (message["type"], message["id"]) == ("error", "1")
        codes = {error["extensions"]["code"] for error in message["payload"]}
        assert codes == {code or "GRAPHQL_VALIDATION_FAILED"}
        assert message["payload"] == (await account.execute(query))["errors"]
        await one.settled()


ASK = {"query": "{ __typename }"}
NO_REQUESTS: list[Any] = [{}, None, [], [ASK], "x", 5]
BAD_REQUESTS: list[tuple[Any, str]] = [
    *(
        ({"query": text}, "GRAPHQL_PARSE_FAILED")
        for text in ("", " \n", "# nothing", "{", "\ud800")
    ),
    *(({"query": text}, "BAD_USER_INPUT") for text in (None, 5, ["{ __typename }"])),
    *((body, "BAD_USER_INPUT") for body in NO_REQUESTS),
    *((ASK | {"variables": value}, "BAD_USER_INPUT") for value in ([1], "x", False)),
    *((ASK | {"extensions": value}, "BAD_USER_INPUT") for value in ([1], "x", 0)),
    (ASK | {"operationName": 1}, "BAD_USER_INPUT"),
    (ASK | {"operationName": "Nobody"}, "GRAPHQL_VALIDATION_FAILED"),
    (ASK | {"variables": {"a": json.loads("[" * 40 + "]" * 40)}}, "BAD_USER_INPUT"),
    (ASK | {"variables": {"a": json.loads("[" * 900 + "]" * 900)}}, "BAD_USER_INPUT"),
    ({"query": "query ($a: Int!) { node(id: $a) { id } }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"documentId": "unknown"}, "PERSISTED_QUERY_NOT_SUPPORTED"),
    ({"extensions": {"persistedQuery": {"sha256Hash": "0"}}}, "PERSISTED_QUERY_NOT_SUPPORTED"),
]


@pytest.mark.parametrize(("payload", "code"), BAD_REQUESTS, ids=lambda value: str(value)[:60])
async def test_a_bad_operation_ends_alone(
    payload: Any, code: str, account: Account, address: str
) -> None:
    """A bad operation ends alone with the code that HTTP sends, and other subscriptions go on."""
    async with connected(address, account.token) as one:
        await one.subscribe(id="other")
        await one.settled()
        await one.send(id="1", type="subscribe", payload=payload)
        message = await one.next()
        assert (message["type"], message["id"]) == ("error", "1")
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        headers = {"content-type": "application/json"}
        sent = json.dumps(payload).encode()
        body = (await account.http.post("/graphql", content=sent, headers=headers)).json()
        [part] = body if isinstance(body, list) else [body]
        assert [error["extensions"]["code"] for error in part["errors"]] == [code]
        # The id is free again, and the other one still is told of changes.
        assert (await one.execute("{ __typename }", "1"))["data"]
        todo = await account.create()
        event = await one.next()
        assert event["id"] == "other"
        assert event["payload"]["data"]["changes"]["todoId"] == todo["id"]


async def test_a_subscribe_without_a_payload_ends_alone(account: Account, address: str) -> None:
    """A subscribe message without a payload ends alone, as one with an empty payload."""
    async with connected(address, account.token) as one:
        await one.send(id="1", type="subscribe")
        message = await one.next()
        assert (message["type"], message["id"]) == ("error", "1")
        await one.settled()


async def test_a_bad_operation_under_an_id_in_use_closes(account: Account, address: str) -> None:
    """A bad operation under an id in use closes with 4409, as a good one does."""
    async with connected(address, account.token) as one:
        await one.subscribe()
        await one.settled()
        await one.send(id="1", type="subscribe", payload={})
        assert (await one.close_code())[0] == 4409


async def test_an_operation_that_fails_unexpectedly_ends_alone(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operation that fails unexpectedly ends alone, with the code and request id of HTTP."""
    async with connected(address, account.token) as one:
        await one.subscribe(id="other")
        await one.settled()
        with monkeypatch.context() as patch:
            patch.setattr(GraphQLRoute, "body", None)
            await one.subscribe("{ __typename }")
            message = await one.next()
        assert (message["type"], message["id"]) == ("error", "1")
        [error] = message["payload"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert error["extensions"]["requestId"]
        await account.create()
        assert (await one.next())["id"] == "other"


async def test_a_filter_that_is_refused(account: Account, address: str) -> None:
    """The subscription ends at once with the error."""
    async with connected(address, account.token) as one:
        answer = await one.execute(CHANGES, filter={"and": [{"isDeleted": True}]})
        [error] = answer["errors"]
        assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["changes"])


async def test_a_connection_has_twenty_operations(account: Account, address: str) -> None:
    """One more is an error of its own, and there is room again once one was completed."""
    async with connected(address, account.token) as one:
        for number in range(21):
            await one.subscribe(id=f"s{number}")
        message = await one.next()
        assert (message["id"], message["type"]) == ("s20", "error")
        assert message["payload"][0]["extensions"] == {"code": "RATE_LIMITED"}
        await one.send(id="s0", type="complete")
        await one.settled()


async def test_a_user_has_five_connections(
    account: Account, stranger: Account, address: str
) -> None:
    """A sixth is closed with 1013, so that a client tries again later; others aren't concerned."""
    async with (
        connected(address, account.token),
        connected(address, account.token),
        connected(address, account.token),
        connected(address, account.token),
        connected(address, stranger.token),
    ):
        async with connected(address, account.token) as fifth:
            async with opened(address) as sixth:
                payload = {"token": account.token}
                await sixth.send(type="connection_init", payload=payload)
                assert (await sixth.close_code())[0] == 1013
            await fifth.settled()
        async with connected(address, account.token) as again:
            await again.settled()


async def test_who_reads_nothing_is_cut_off(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that reads nothing is cut off, while others get everything and no memory is kept."""
    monkeypatch.setattr("todo_gql.http.graphql.websocket.SEND_SECONDS", 0.3)
    monkeypatch.setattr("todo_gql.http.graphql.websocket.CLOSE_SECONDS", 0.1)
    cut, was_cut = WebSocketProtocol.abort, asyncio.Event()

    def noting(protocol: WebSocketProtocol) -> None:
        cut(protocol)
        was_cut.set()

    monkeypatch.setattr(WebSocketProtocol, "abort", noting)
    await account.create_many([{"title": "A", "description": "x" * 2_000}] * 200)
    query = """subscription ($after: String) {
      changes(after: $after) { ... on Change { fields { after } } }
    }"""
    page = await account.data("{ changes(first: 1) { pageInfo { endCursor } } }")
    start = page["changes"]["pageInfo"]["endCursor"]
    host, port = address.split(":")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((host, int(port)))
    async with (
        connected(address, account.token) as other,
        connected(address, account.token, sock=narrow, max_queue=1) as one,
    ):
        for number in range(19):
            await one.subscribe(query, id=str(number), after=start)
        await other.subscribe(query, after=start)
        for _ in range(199):
            assert (await other.next())["type"] == "next"
        await was_cut.wait()
        await one.is_cut()
        await other.settled()


async def test_a_server_that_stops_says_so(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """A server that stops closes with 1012, after which clients come back."""
    async with contextlib.AsyncExitStack() as stack:
        async with listening(app, settings) as address:
            one = await stack.enter_async_context(connected(address, account.token))
            await one.subscribe()
            await one.settled()
        assert (await one.close_code())[0] == 1012
