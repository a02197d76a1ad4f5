"""Requests that are as dear as may be for the event loop, byte for byte, by their kind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from websockets.frames import Frame, Opcode

from tests.support.operations import (
    ROOTS,
    Call,
    Coordinate,
    Path,
    field_of,
    placed,
    required_arguments,
    root_fields,
    samples,
)
from tests.support.worst_texts import SIZES, places, request, texts
from todo_gql.documents.variable_limits import MAX_VALUES
from todo_gql.server.http_protocol import MAX_HEADER_BYTES, MAX_HEADERS
from todo_gql.settings import Settings

MAX_BODY_BYTES = Settings.model_fields["max_body_bytes"].default
MAX_DOCUMENT_LENGTH = Settings.model_fields["max_document_length"].default
MAX_TOKENS = Settings.model_fields["max_tokens"].default
# Room for what stands around a value that fills a body.
AROUND = 8_000
MOST_ITEMS = 100
PADDING = ("combining marks", "what stands for eighteen", "dotted capitals", "digits")
PATH = "/graphql"


@dataclass(frozen=True)
class Attempt:
    """What is sent at once on each of so many connections, in one piece, by a caller."""

    kind: str
    name: str
    data: Callable[[str], bytes]
    connections: int = 1

    def together(self, connections: int) -> "Attempt":
        """The same on several connections at once."""
        kind = f"{self.kind}, {connections} at once"
        return Attempt(kind, self.name, self.data, connections)


def http(body: bytes, token: str, *lines: str, target: str = PATH, method: str = "POST") -> bytes:
    """A request after which the connection ends."""
    head = [
        f"{method} {target} HTTP/1.1",
        "Host: todo.test",
        "Connection: close",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *lines,
    ]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def posted(content: dict[str, Any], token: str) -> bytes:
    """A request for an operation; a subscription is answered by an event stream."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if "\ud800" in text:
        text = json.dumps(content)
    accept = ["Accept: text/event-stream"] if content["query"].startswith("subscription") else []
    return http(text.encode(), token, *accept)


def operation(kind: str, name: str, query: str, **variables: Any) -> Attempt:
    """An operation as an attempt."""
    return Attempt(kind, name, partial(posted, {"query": query, "variables": variables}))


def text_attempts(*, all_sizes: bool) -> Iterator[Attempt]:
    """The worst texts in every scalar of every argument, each of one size or of all sizes."""
    by_size = [texts(size) for size in SIZES]
    for at, place in enumerate(places()):
        for number, kind in enumerate(by_size[0]):
            for size, of_size in enumerate(by_size):
                if all_sizes or (at + number) % len(SIZES) == size:
                    name = f"{_named(place)}, {SIZES[size] // 1000} KB of {kind}"
                    yield Attempt("texts", name, partial(_with_text, place, of_size[kind]))


def _named(place: tuple[Coordinate, Path]) -> str:
    return ".".join((place[0][1], *place[1]))


def _with_text(place: tuple[Coordinate, Path], text: str, token: str) -> bytes:
    return posted(request(place, text), token)


def list_places() -> Iterator[tuple[Coordinate, Path, Any]]:
    """Every list in the arguments of every root field, and the type of its items."""
    for root in ROOTS:
        for coordinate in root_fields(root):
            for name, argument in field_of(coordinate).args.items():
                for path, item in _lists(name, argument.type):
                    yield coordinate, path, item


def _lists(name: str, kind: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[Path, Any]]:
    nullable, named = get_nullable_type(kind), get_named_type(kind)
    if is_list_type(nullable):
        yield (name,), nullable.of_type
    if isinstance(named, GraphQLInputObjectType) and above.count(named.name) < 2:
        for field_name, field in named.fields.items():
            for path, item in _lists(field_name, field.type, (*above, named.name)):
                yield (name, *path), item


def list_attempts() -> Iterator[Attempt]:
    """Lists of many items in every list of the schema, as variables and as literals."""
    for coordinate, path, kind in list_places():
        name = ".".join((coordinate[1], *path))
        field = field_of(coordinate)

        def content(items: list[Any], *, path: Path = path, at: Coordinate = coordinate) -> Any:
            arguments = required_arguments(field_of(at))
            arguments[path[0]] = placed(field_of(at).args[path[0]].type, path[1:], items)
            return {"query": Call(at, depth=0).document(arguments), "variables": arguments}

        for described, items in _items(kind, MAX_BODY_BYTES - AROUND):
            data = partial(_posted_lazily, content, items)
            yield Attempt("lists as variables", f"{name}, {described}", data)
        for described, items in _literal_items(kind):
            arguments = required_arguments(field)
            arguments[path[0]] = placed(field.args[path[0]].type, path[1:], items())
            document = _with_literals(coordinate, arguments)
            yield operation("lists as literals", f"{name}, {described}", document)


def _posted_lazily(
    content: Callable[[list[Any]], Any], items: Callable[[], list[Any]], token: str
) -> bytes:
    return posted(content(items()), token)


Items = Callable[[], list[Any]]


def _items(kind: Any, size: int) -> Iterator[tuple[str, Items]]:
    """Lists: short items as many as a body holds; as many as are read, and as long as may be."""
    item = _sample(kind)
    is_text = get_named_type(kind).name in {"String", "ID"}
    least: Any = "" if is_text else item
    yield "as many as a body holds", partial(_repeated, least, size)
    number = (MAX_VALUES - 50) // _values(item)
    yield f"{number} items", partial(_many, kind, number, "")
    for padding in PADDING:
        for each in (number, MOST_ITEMS):
            bytes_each = size // each - len(json.dumps(item)) - 4
            if _pads(kind) and bytes_each > 0:
                text = texts(bytes_each)[padding]
                yield (
                    f"{each} items of {padding}",
                    partial(_many, kind, each, text),
                )


def _literal_items(kind: Any) -> Iterator[tuple[str, Items]]:
    """As many as a document's tokens are, and as its characters are; and long ones."""
    item = _sample(kind)
    number = max(1, (MAX_TOKENS - 100) // _tokens(item))
    room = MAX_DOCUMENT_LENGTH - 2_000
    number = min(number, room // (len(json.dumps(item)) + 2))
    yield f"{number} items", partial(_many, kind, number, "")
    yield "more than there may be tokens", partial(_repeated, item, room)
    if _pads(kind):
        for padding in PADDING:
            text = texts(room)[padding][: max(0, room // number - len(json.dumps(item)) - 4)]
            yield (
                f"{number} items of {padding}",
                partial(_many, kind, number, text),
            )


def _sample(kind: Any) -> Any:
    """An item with all of its fields but those that are input objects themselves."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType):
        return samples(kind)[0]
    item = {
        name: samples(field.type)[0]
        for name, field in named.fields.items()
        if not isinstance(get_named_type(field.type), GraphQLInputObjectType)
    }
    is_one_of = named.extensions["strawberry-definition"].is_one_of
    return dict([next(iter(item.items()))]) if is_one_of else item


def _repeated(item: Any, size: int) -> list[Any]:
    return [item] * (size // (len(json.dumps(item, separators=(",", ":"))) + 1))


def _pads(kind: Any) -> bool:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        return any(get_named_type(field.type).name == "String" for field in named.fields.values())
    return bool(named.name in {"String", "ID"})


def _many(kind: Any, number: int, text: str) -> list[Any]:
    return [_numbered(kind, n, text) for n in range(number)]


def _numbered(kind: Any, number: int, text: str) -> Any:
    """An item unlike all others, which `text` makes longer where it may stand."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLEnumType):
        return list(named.values)[number % len(named.values)]
    if named.name == "ID":
        return text or f"01890a5d-ac96-774b-bcce-{number:012}"
    if isinstance(named, GraphQLInputObjectType):
        item = _sample(kind)
        for name, field in named.fields.items():
            if name in item and get_named_type(field.type).name in {"String", "ID"}:
                of_list = is_list_type(get_nullable_type(field.type))
                value = _numbered(field.type, number, "" if of_list else text)
                item[name] = [value] if of_list else value
                text = "" if not of_list else text
        return item
    return f"{number}{text}" if named.name == "String" else samples(kind)[0]


def _values(value: Any) -> int:
    """The items and fields in a value, and itself."""
    if isinstance(value, dict):
        return 1 + sum(map(_values, value.values()))
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


def _tokens(value: Any) -> int:
    if isinstance(value, dict):
        return 2 + sum(2 + _tokens(each) for each in value.values())
    return 2 + sum(map(_tokens, value)) if isinstance(value, list) else 1


def _with_literals(coordinate: Coordinate, arguments: dict[str, Any]) -> str:
    """An operation with its arguments in the document itself."""
    field, name = field_of(coordinate), coordinate[1]
    given = ", ".join(
        f"{each}: {_literal(field.args[each].type, arguments[each])}" for each in arguments
    )
    document = Call(coordinate, depth=0).document({})
    return document.replace(f" {name} ", f" {name}({given}) ", 1)


def _literal(kind: Any, value: Any) -> str:
    if isinstance(value, list):
        item = get_nullable_type(kind)
        inner = item.of_type if is_list_type(item) else item
        return f"[{' '.join(_literal(inner, each) for each in value)}]"
    named = get_named_type(kind)
    if isinstance(value, dict) and isinstance(named, GraphQLInputObjectType):
        fields = (f"{name}: {_literal(named.fields[name].type, v)}" for name, v in value.items())
        return f"{{{' '.join(fields)}}}"
    if isinstance(named, GraphQLEnumType):
        return str(value)
    if isinstance(value, dict):
        return f"{{{' '.join(f'{name}: {json.dumps(v)}' for name, v in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def head_attempts() -> Iterator[Attempt]:
    """Heads as long, and with as many headers, as are read, and more."""
    body = json.dumps({"query": "{ __typename }"}).encode()
    room = MAX_HEADER_BYTES - 2_000

    def posting(*lines: str, target: str = PATH, method: str = "POST") -> Callable[[str], bytes]:
        return lambda token: http(body, token, *lines, target=target, method=method)

    heads = {
        f"{MAX_HEADERS - 10} headers": [f"X-{n}: {n}" for n in range(MAX_HEADERS - 10)],
        "190 long headers": [f"X-{n}: {'v' * (room // 200)}" for n in range(190)],
        "3,000 of one name": ["A: b"] * 3_000,
        "190 of one name": [f"Accept: {'text/html;q=0.1,' * 20}"] * 190,
        "15,000 empty lines of one name": ["A:"] * 15_000,
    }
    names = (
        "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Type", "Cookie",
        "Origin", "Traceparent", "Tracestate", "User-Agent", "X-Forwarded-For", "X-Forwarded-Proto",
        "X-Request-Id", "If-None-Match", "Sec-WebSocket-Protocol", "Access-Control-Request-Headers",
    )  # fmt: skip
    parts = ("a", ",", ";", "=", " ", "a=b;", "a;q=0.1,", "text/*;q=0.1,", "1.1.1.1,", '"', "\xe9")
    for name in names:
        for part in parts:
            heads[f"{name} of {part!r}"] = [f"{name}: {part * (room // len(part))}"]
    for name, lines in heads.items():
        yield Attempt("heads", name, posting(*lines))
    for part in ("a", "/", "%41", "%", "a=b&", "&", "query=%7b&", "query={__typename}&", "%2e%2e/"):
        long = part * (room // len(part))
        for target in (
            f"/{long}", f"{PATH}?{long}", f"/{long}?{long}", f"{PATH}?query={long}",
            f"/account/verify?{long}",
        ):  # fmt: skip
            for method in ("GET", "POST", "OPTIONS"):
                name = f"{method} {target[:30]}"
                yield Attempt("targets", name, posting(target=target[:room], method=method))


def body_attempts() -> Iterator[Attempt]:
    """JSON that is long, deep, full of escapes or of numbers, wherever in a body it may stand."""
    room = MAX_BODY_BYTES - 500
    parts = {
        "digits": "9" * room,
        "numbers": _list_of("9" * 300, room),
        "floats": _list_of("0." + "1" * 300 + "e-300", room),
        "exponents": _list_of("1e300", room),
        "empty lists": _list_of("[]", room),
        "empty objects": _list_of("{}", room),
        "an object of many keys": _keys(room // 9),
        "one key many times": "{" + ",".join(['"":0'] * (room // 5)) + "}",
        "lists 30 deep": _list_of("[" * 30 + "]" * 30, room),
        "objects 30 deep": _list_of('{"a":' * 30 + "0" + "}" * 30, room),
        "brackets": "[" * room,
        "open objects": '{"":' * (room // 4),
        "escapes": '"%s"' % (r"\u00e9" * (room // 6)),
        "escaped quotes": '"%s"' % (r"\"" * (room // 2)),
        "pairs of surrogates": '"%s"' % (r"\ud83d\ude00" * (room // 12)),
        "lone surrogates": '"%s"' % (r"\ud800" * (room // 6)),
        "lists beside a lone surrogate": _list_of("[]", room - 20)[:-1] + r',"\ud800"]',
        "keys beside a lone surrogate": '{"s":"\\ud800",' + _keys(room // 10)[1:],
        "strings": _list_of('"a"', room),
        "nulls": _list_of("null", room),
    }  # fmt: skip
    for name, text in parts.items():
        wholes = {
            "alone": text,
            "as variables": f'{{"query":"{{__typename}}","variables":{text}}}',
            "in variables": f'{{"query":"{{__typename}}","variables":{{"a":{text}}}}}',
            "as query": f'{{"query":{text}}}',
            "as operationName": f'{{"query":"{{__typename}}","operationName":{text}}}',
            "as extensions": f'{{"query":"{{__typename}}","extensions":{text}}}',
            "as documentId": f'{{"documentId":{text}}}',
            "as metadata": '{"query":"mutation($m:JSON){todoCreate(input:{title:\\"t\\",metadata:$m}){'
            f'errors{{code}}}}}}","variables":{{"m":{text}}}}}',
            "beside it all": f'{{"query":"{{__typename}}","x":{text}}}',
        }
        for where, body in wholes.items():
            yield Attempt("bodies", f"{name} {where}", partial(http, body.encode()))
    one = '{"query":"{__typename}"}'
    for number in (MOST_ITEMS, room // (len(one) + 1)):
        batch = _list_of(one, number * (len(one) + 1)).encode()
        yield Attempt("bodies", f"a batch of {number}", partial(http, batch))


def _keys(number: int) -> str:
    return "{" + ",".join(f'"{n}":0' for n in range(number)) + "}"


def _list_of(item: str, size: int) -> str:
    return f"[{','.join([item] * (size // (len(item) + 1)))}]"


def socket_attempts() -> Iterator[Attempt]:
    """Messages on a WebSocket that come in one piece behind the handshake."""
    room = MAX_BODY_BYTES - 1_000
    many, long = 190, 16 * 1024

    def messages(*contents: str) -> Callable[[str], bytes]:
        return lambda token: _handshake(token) + b"".join(map(_frame, contents))

    def ping(payload: str) -> str:
        return f'{{"type":"ping","payload":{payload}}}'

    def subscribe(id: object, query: str, variables: str = "{}") -> str:
        sent = f'{{"query":{json.dumps(query)},"variables":{variables}}}'
        return f'{{"type":"subscribe","id":"{id}","payload":{sent}}}'

    init = '{"type":"connection_init"}'
    subscription = "subscription { changes { __typename ... on Change { cursor } } }"
    deep = f'{{"a":{_list_of("[" * 28 + "]" * 28, room)}}}'
    yield Attempt("sockets", "many pings", messages(init, *[ping("{}")] * many))
    yield Attempt("sockets", "many pings before the beginning", messages(*[ping("{}")] * many))
    yield Attempt("sockets", "a thousand pings", messages(init, *[ping("{}")] * 1_000))
    for name, payload in {
        "a long ping": f'{{"a":{_list_of("[]", room)}}}',
        "a deep ping": deep,
        "a ping of many keys": _keys(room // 9),
        "a ping of lone surrogates": f'{{"a":"{chr(92)}ud800","b":{_list_of("[]", room)}}}',
    }.items():
        yield Attempt("sockets", name, messages(init, *[ping(payload)] * 10))
    yield Attempt("sockets", "long frames", messages(init, *[ping(f'{{"a":"{"a" * long}"}}')] * 90))
    yield Attempt(
        "sockets", "many completes", messages(init, *['{"type":"complete","id":"x"}'] * many)
    )
    for name, query in {
        "many subscriptions": subscription,
        "many equal queries": "{ viewer { id username } }",
        "many invalid documents": "{ nothing }",
    }.items():
        sent = [subscribe(n, query) for n in range(many)]
        yield Attempt("sockets", name, messages(init, *sent))
    new = [subscribe(n, f"query Q{n} {{ viewer {{ id username }} }}") for n in range(many)]
    yield Attempt("sockets", "many new documents", messages(init, *new))
    large = [
        subscribe(n, "{__typename}", f'{{"a":{_list_of("[]", room // 10)}}}') for n in range(20)
    ]
    yield Attempt("sockets", "long variables", messages(init, *large))
    fragments = b"".join(
        Frame(Opcode.TEXT if n == 0 else Opcode.CONT, b"a", fin=False).serialize(mask=True)
        for n in range(many)
    )
    yield Attempt("sockets", "many fragments", lambda token: _handshake(token) + fragments)
    pings = Frame(Opcode.PING, b"a" * 125).serialize(mask=True) * many
    yield Attempt("sockets", "many pings of the protocol", lambda token: _handshake(token) + pings)


def _handshake(token: str) -> bytes:
    lines = (
        f"GET {PATH} HTTP/1.1", "Host: todo.test", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws", f"Authorization: Bearer {token}",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _frame(text: str) -> bytes:
    return bytes(Frame(Opcode.TEXT, text.encode()).serialize(mask=True))
