"""Todos as long as may be with as long a history, and what is dear to ask for or do with them."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

from tests.support.accounts import Account
from tests.support.operations import Call, asks_nothing, field_of, root_fields, selection
from tests.support.worst_requests import Attempt, operation
from todo_gql.database import connection as db

NUMBER: Final = 100
METADATA_BYTES: Final = 16 * 1024
# What is dear to read or to write for its length.
DENSE: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "lists": lambda size: {"a": [[]] * ((size - 20) // 3)},
    "keys": lambda size: {f"k{n}": n for n in range((size - 20) // 13)},
    "numbers": lambda size: {"a": [1e300, *[0.1] * ((size - 400) // 4)]},
    "escapes": lambda size: {"a": '"' * ((size - 20) // 2)},
    "letters": lambda size: {"a": "\u00e9" * ((size - 20) // 2)},
}
# Many short changes of a todo, long together with those of others, since a cost bounds their number.
CHANGES_EACH: Final = 10
HISTORY: Final = """
WITH t AS (SELECT id, row_number() OVER () AS n FROM todos WHERE owner_id = $1),
made AS (
    INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
    SELECT gen_random_uuid(), $1, u.change_seq + (t.n - 1) * $2 + k, t.id, $1, 1, $3, now()
    FROM t, users u, generate_series(1, $2) AS k WHERE u.id = $1
)
UPDATE users SET change_seq = change_seq + $2 * (SELECT count(*) FROM t),
    counted_seq = counted_seq + $2 * (SELECT count(*) FROM t) WHERE id = $1
"""


def metadata(number: int) -> dict[str, Any]:
    """Metadata as long as may be, unlike that of other numbers."""
    made = list(DENSE.values())[number % len(DENSE)](METADATA_BYTES - 50)
    return {"n": number, **made}


async def long_todos(account: Account) -> list[str]:
    """The ids of a hundred long todos with long histories."""
    inputs = [
        {"title": f"{n}", "description": "\u00e9" * 5_000, "tags": [f"t{n % 10}"]}
        for n in range(NUMBER)
    ]
    ids = [
        todo["id"]
        for start in range(0, NUMBER, 20)
        for todo in await account.create_many(inputs[start : start + 20])
    ]
    for round_ in range(2):
        for start in range(0, NUMBER, 10):
            some = range(start, start + 10)
            defined = ", ".join(f"$m{n}: JSON" for n in some)
            updates = " ".join(
                f'u{n}: todoUpdate(id: "{ids[n]}", input: {{ metadata: $m{n} }})'
                " { errors { code } }"
                for n in some
            )
            sent = {f"m{n}": metadata(n + round_) for n in some}
            done = await account.data(f"mutation ({defined}) {{ {updates} }}", **sent)
            assert not any(each["errors"] for each in done.values())
    return ids


async def add_histories(account: Account) -> None:
    """Give each todo a history that isn't long by itself."""
    long = {"name": "metadata", "before": {"a": [[]] * 4_000}, "after": {"a": [[]] * 4_001}}
    await db.fetch(HISTORY, UUID(account.id), CHANGES_EACH, json.dumps([long]))


def page_attempts(ids: list[str]) -> Iterator[Attempt]:
    """Pages as large as may be, of each connection of the schema and of whatever has an id."""
    for coordinate in root_fields("query"):
        field = field_of(coordinate)
        if "first" in field.args:
            for depth in (1, 2):
                below = selection(field.type, depth)
                yield operation(
                    "pages",
                    f"{coordinate[1]}, {depth} deep",
                    f"{{ {coordinate[1]}(first: 100) {below} }}",
                )
        elif asks_nothing(field):
            yield operation("pages", coordinate[1], Call(coordinate).document({}))
    often = " ".join(f"m{n}: metadata" for n in range(8))
    change = "id cursor fields { name before after }"
    pages = {
        "metadata": "{ todos(first: 100) { nodes { metadata } } }",
        "metadata and description": "{ todos(first: 100) { nodes { metadata description } } }",
        "metadata eight times": f"{{ todos(first: 40) {{ nodes {{ {often} }} }} }}",
        "todos of changes": "{ changes(first: 100) { nodes { todo { metadata } } } }",
        "todos of changes and their fields": f"{{ changes(first: 100) {{ nodes {{ {change}"
        " todo { metadata description } } } }",
        "long histories": f"{{ todos(first: 40) {{ nodes {{ history(first: 10)"
        f" {{ nodes {{ {change} }} }} }} }} }}",
        "some of long histories": f"{{ todos(first: 4) {{ nodes {{ history(first: 10)"
        f" {{ nodes {{ {change} }} }} }} }} }}",
    }
    for name, query in pages.items():
        yield operation("pages", name, query)
    nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Todo { metadata description } } }"
    yield operation("pages", "nodes", nodes, ids=ids)


def change_attempts(change_ids: list[str]) -> Iterator[Attempt]:
    """A hundred long changes by their ids."""
    nodes = (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Change { fields { before after } } } }"
    )
    yield operation("pages", "changes by their ids", nodes, ids=change_ids)


def subscription_attempts(cursor: str) -> Iterator[Attempt]:
    """All that happened to the todos, as events."""
    query = (
        "subscription ($after: String) { changes(after: $after)"
        " { ... on Change { cursor fields { name before after } todo { metadata } } } }"
    )
    yield operation("subscriptions", "from the beginning", query, after=cursor)


RESULTS: Final = "processed results { todo { metadata description tags { name } } } errors { code }"


def bulk_create_attempts() -> Iterator[Attempt]:
    """A hundred new todos that share what is long, or have it each for itself."""
    shared = {name: make(METADATA_BYTES - 30) for name, make in DENSE.items()}
    own = {name: make(2_000) for name, make in DENSE.items()}
    items = " ".join('{title:"t",metadata:$m,description:$d,tags:$t}' for _ in range(60))
    sharing = (
        f"mutation ($m: JSON, $d: String, $t: [String!]) {{ todoBulkCreate(inputs: [{items}])"
        f" {{ {RESULTS} }} }}"
    )
    tags = [f"\u0130{n}" + "\ufb03" * 40 for n in range(10)]
    for name, value in shared.items():
        sent = {"m": value, "d": "\u00e9" * 5_000, "t": tags}
        yield operation("bulks", f"sharing {name}", sharing, **sent)
    many = ["\u0130" * 40 + str(n) for n in range(2_900)]
    yield operation("bulks", "sharing many tags", sharing, t=many)
    short = " ".join('{title:"t",metadata:$m}' for _ in range(100))
    most = f"mutation ($m: JSON) {{ todoBulkCreate(inputs: [{short}]) {{ {RESULTS} }} }}"
    for name, value in shared.items():
        yield operation("bulks", f"a hundred sharing {name}", most, m=value)
    creating = (
        f"mutation ($i: [TodoCreateInput!]!) {{ todoBulkCreate(inputs: $i) {{ {RESULTS} }} }}"
    )
    for name, value in own.items():
        inputs = [{"title": f"{n}", "metadata": {"n": n, **value}} for n in range(NUMBER)]
        yield operation("bulks", f"own {name}", creating, i=inputs)
    inputs = [{"title": f"{n}", "tags": [f"{n} {m}" for m in range(10)]} for n in range(NUMBER)]
    yield operation("bulks", "own tags", creating, i=inputs)


def bulk_action_attempts(ids: list[str]) -> Iterator[Attempt]:
    """Bulk actions on a hundred long todos."""
    tags = [f"{n}" for n in range(100)]
    updating = (
        "mutation ($ids: [ID!]!, $a: TodoBulkAction!)"
        f" {{ todoBulkUpdate(ids: $ids, action: $a) {{ {RESULTS} }} }}"
    )
    for action in ({"addTags": ["x"]}, {"removeTags": ["x"]}, {"setStatus": "COMPLETED"},
                   {"setStatus": "PENDING"}, {"removeTags": tags}):  # fmt: skip
        yield operation("bulks", f"{next(iter(action))} of all", updating, ids=ids, a=action)
    for name in ("todoBulkDelete", "todoBulkRestore"):
        query = f"mutation ($ids: [ID!]!) {{ {name}(ids: $ids) {{ {RESULTS} }} }}"
        yield operation("bulks", name, query, ids=ids)
