"""What documents are held to before they are executed, and what they cost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import get_introspection_query
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, visiting
from todo_gql.app import create_app
from todo_gql.settings import Settings

TAGS = "tags { name }"
NAMED = " ".join(f"a{n}: __typename" for n in range(31))


@pytest.fixture
async def strict(app: ASGIApp, settings: Settings, database_url: str) -> AsyncIterator[Client]:
    """A client of a server with limits of its own."""
    limits = {"max_depth": 3, "max_aliases": 1, "max_root_fields": 2, "max_cost": 100}
    async with visiting(create_app(settings.model_copy(update=limits), database_url)) as client:
        yield client


async def cost(account: Account, query: str, **variables: Any) -> int:
    """What an operation that is executed is said to have cost."""
    answer = (await account.post(query, variables, account.token)).json()
    assert answer["extensions"]["cost"]["limit"] == 5000
    return int(answer["extensions"]["cost"]["requested"])


async def refusal(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    """The one error of an operation that is not executed."""
    answer = await client.execute(query, variables)
    assert "data" not in answer
    [error] = answer["errors"]
    return dict(error)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ changeCursor }", 0),
        ("{ viewer { id username } }", 1),
        ("{ viewer { stats { total } } }", 2),
        ("{ stats { total } }", 1),
        ("{ todos { totalCount } }", 1),
        ("{ todos { nodes { id } } }", 50),
        ("{ todos(first: 20) { nodes { id title } totalCount } }", 20),
        ("{ todos(last: 7) { edges { cursor node { id } } pageInfo { endCursor } } }", 7),
        ("{ todos(first: 7) { pageInfo { endCursor } } }", 7),
        (f"{{ todos(first: 20) {{ nodes {{ id {TAGS} }} }} }}", 220),
        (f"{{ todos(first: 100) {{ nodes {{ {TAGS} owner {{ id }} }} }} }}", 1200),
        ("{ tags { nodes { id } } }", 20),
        ("{ changes(first: 10) { nodes { fields { name } } } }", 110),
        ("{ todos(first: 9) { nodes { history(first: 9) { nodes { id } } } } }", 90),
        ('{ nodes(ids: ["a", "b", "c"]) { id ... on Todo { tags { id } } } }', 33),
        ("{ nodes(ids: []) { id } }", 0),
        ("{ a: viewer { id } b: viewer { id } }", 2),
        ("{ viewer { id } ...F } fragment F on Query { viewer { stats { total } } }", 2),
        ('{ todo(id: "1") { tags @include(if: false) { id } } }', 11),
        ('mutation { tagRename(id: "a", name: "b") { tag { id } } }', 11),
        ("mutation { logout { ok } }", 10),
        ("{ todos(first: 7) { nodes { id } edges { node { id } } } }", 14),
        ("{ todos(first: 7) { a: nodes { id } b: nodes { id } c: nodes { id } } }", 21),
        ("{ todos(first: 7) { edges { a: node { id } b: node { id } } } }", 14),
        (
            "{ todos(first: 7) { ...N ...N nodes { id } } } fragment N on TodoConnection { nodes { title } }",
            7,
        ),
        (
            "{ todos(first: 7) { nodes { history(first: 2) { nodes { id } edges { cursor } } } } }",
            35,
        ),
        ("{ todos(first: 7) { nodes { metadata description title a: title } } }", 7),
        ("{ todos(first: 7) { nodes { metadata a: metadata b: metadata } } }", 63),
        ("{ todos(first: 7) { nodes { a: description b: description } } }", 35),
        ("{ changes(first: 2) { nodes { fields { before after } } } }", 22),
        ("{ changes(first: 2) { nodes { fields { before after a: after } } } }", 102),
        ("{ viewer { bio a: bio } }", 2),
        ("{ viewer { bio ...B } } fragment B on User { bio }", 1),
    ],
)
async def test_an_operation_costs_its_objects(account: Account, query: str, expected: int) -> None:
    """An operation costs one per object of its pages, ten per mutation, and more for long text."""
    assert await cost(account, query) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"n": 3}, 3), ({}, 5), ({"n": None}, 50), ({"n": 100}, 100)],
)
async def test_a_page_size_in_a_variable_counts(
    account: Account, given: dict[str, Any], expected: int
) -> None:
    """Its default where it is left out, and the list's own where it is null."""
    query = "query ($n: Int = 5) { todos(first: $n) { nodes { id } } }"
    assert await cost(account, query, **given) == expected


async def test_a_bulk_action_costs_what_it_is_given(account: Account) -> None:
    """A bulk action costs as many results as there are inputs."""
    query = (
        "mutation ($inputs: [TodoCreateInput!]!) {"
        " todoBulkCreate(inputs: $inputs) { results { todo { id } } } }"
    )
    assert await cost(account, query, inputs=[{"title": "x"}] * 4) == 10 + 4 * 2


@pytest.mark.parametrize(
    "call",
    [
        'todoBulkCreate(inputs: [{ title: "a" }, { title: "b" }])',
        "todoBulkUpdate(ids: $ids, action: { setStatus: PENDING })",
        "todoBulkDelete(ids: $ids)",
        "todoBulkRestore(ids: $ids)",
    ],
)
async def test_a_bulk_action_costs_the_same_without_its_results(
    account: Account, call: str
) -> None:
    """Each item is work, whether anything of it is selected or not."""
    head = "mutation ($ids: [ID!]!)" if "$ids" in call else "mutation"
    ids = {"ids": ["a", "b"]} if "$ids" in call else {}
    assert await cost(account, f"{head} {{ {call} {{ updated }} }}", **ids) == 10 + 2
    assert await cost(account, f"{head} {{ {call} {{ results {{ index }} }} }}", **ids) == 10 + 2


async def test_a_page_that_is_too_large_is_an_error_of_its_argument(account: Account) -> None:
    """It is not said to cost too much, since it is never fetched."""
    query = "query ($n: Int) { todos(first: $n) { nodes { id } } }"
    error = await account.error(query, n=2_000_000_000)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_operation_that_costs_too_much_is_refused(account: Account) -> None:
    """An operation that costs too much is refused before it is executed, with cost and limit."""
    query = (
        "query ($n: Int) { todos(first: $n) { nodes { history(first: 100) { nodes { id } } } } }"
    )
    error = await refusal(account, query, n=100)
    assert error["extensions"] == {"code": "COST_LIMIT", "cost": 10_100, "limit": 5000}
    assert "10,100" in error["message"]
    assert "smaller pages" in error["message"]
    assert await cost(account, query, n=40) == 40 * 101


async def test_the_cost_is_reported_with_errors(account: Account) -> None:
    """The cost of an operation that failed is reported too."""
    query = "{ todos(first: 0) { nodes { id } } stats { total } }"
    answer = (await account.post(query, token=account.token)).json()
    assert answer["extensions"] == {"cost": {"requested": 1, "limit": 5000}}
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["path"] == ["todos"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ " + "a " * 1_000 + "}", "1000 tokens"),
        ("{ " + "viewer { " * 12 + "id" + " }" * 13, "12 deep"),
        (f"{{ viewer {{ {NAMED} }} }}", "30 aliases; this one has 31"),
        (f"{{ viewer {{ id ...F }} }} fragment F on User {{ {NAMED} }}", "30 aliases"),
        ("{ __schema { " + " ".join(f"a{n}: types {{ name }}" for n in range(31)) + " } }", "30"),
        (
            "{ " + " ".join(f"a{n}: viewer {{ id }}" for n in range(21)) + " }",
            "20 root fields; this one has 21",
        ),
        (
            "mutation { " + " ".join(f"a{n}: logout {{ ok }}" for n in range(11)) + " }",
            "10 mutations; this one has 11",
        ),
        (
            'mutation { emailVerify(token: "b") { user { id } } passwordResetRequest(email: "a") { ok } }',
            "one mutation with a password or token",
        ),
        ("{ viewer { " + "stats { total } " * 200 + "} }", "same fields too often"),
        ("{ viewer { " + "id " * 900 + "} }", "same fields too often"),
    ],
)
async def test_a_document_over_a_limit_is_refused(client: Client, query: str, said: str) -> None:
    """A document over a limit is refused, with the limit and with how much there was."""
    error = await refusal(client, query)
    code = "PARSE" if "tokens" in said else "VALIDATION"
    assert error["extensions"]["code"] == f"GRAPHQL_{code}_FAILED"
    assert said in error["message"]


@pytest.mark.parametrize(
    "query",
    [
        "{{ todos(first: 5) {{ nodes {{ {0} }} }} }}",
        "{{ ... {{ todos(first: 5) {{ ... on TodoConnection {{ nodes {{ ... {{ {0} }} }} }} }} }} }}",
        (
            "{{ ...Q }} fragment Q on Query {{ todos(first: 5) {{ ...P }} }}"
            " fragment P on TodoConnection {{ nodes {{ ...T }} }} fragment T on Todo {{ {0} }}"
        ),
    ],
    ids=["as one text", "inline", "named"],
)
async def test_fragments_make_an_operation_neither_deeper_nor_dearer(
    strict: Client, account: Account, query: str
) -> None:
    """Only fields count, so that a client may split its documents as it likes."""
    answer = (await strict.post(query.format("id"), token=account.token)).json()
    assert answer["data"] == {"todos": {"nodes": []}}
    assert answer["extensions"]["cost"]["requested"] == 5
    assert "3 deep" in (await refusal(strict, query.format("tags { name }")))["message"]


async def test_documents_at_the_limits_are_answered(client: Client) -> None:
    """Thirty aliases, twenty root fields and ten mutations are answered."""
    fields = [f"a{n}: __typename" for n in range(30)]
    for query in (
        f"{{ viewer {{ id }} {' '.join(fields[:19])} }}",
        f"query A {{ {' '.join(fields[:20])} }}",
        f"mutation {{ {' '.join(fields[:10])} }}",
        f"{{ __schema {{ queryType {{ {' '.join(fields)} }} }} }}",
    ):
        assert "errors" not in await client.execute(query)


async def test_introspection_has_no_depth_and_no_cost(strict: Client) -> None:
    """The usual query is 15 deep, and is answered where 3 are allowed."""
    answer = (await strict.post(get_introspection_query())).json()
    assert "errors" not in answer
    assert answer["extensions"]["cost"] == {"requested": 0, "limit": 100}


async def test_limits_are_settings(strict: Client) -> None:
    """Each can be set on its own."""
    for query, said in (
        ("{ todos { nodes { tags { id } } } }", "3 deep"),
        ("{ a: __typename b: __typename }", "1 aliases"),
        ("{ __typename viewer { id } changeCursor }", "2 root fields"),
        ("{ todos(first: 100) { pageInfo { endCursor } } tags(first: 1) { nodes { id } } }", "101"),
    ):
        assert said in (await refusal(strict, query))["message"]


@pytest.mark.parametrize("length", [18, 90])
async def test_fragments_that_fan_out_are_answered(account: Account, length: int) -> None:
    """Fragments that each spread the next twice are answered, though they unfold 2^90 times."""
    fragments = " ".join(
        f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(length)
    )
    query = f"{{ viewer {{ ...F0 }} }} {fragments} fragment F{length} on User {{ id }}"
    assert (await account.data(query))["viewer"] == {"id": account.id}


async def test_fragments_that_fan_out_under_other_names_are_refused(client: Client) -> None:
    """Fragments that fan out under other names are refused, since each name would be executed."""
    fragments = " ".join(
        f"fragment F{n} on Todo {{ a: owner {{ id }} b: history {{ nodes {{ todo {{ ...F{n + 1} }}"
        f" }} }} c: history {{ nodes {{ todo {{ ...F{n + 1} }} }} }} }}"
        for n in range(3)
    )
    query = f'{{ todo(id: "1") {{ ...F0 }} }} {fragments} fragment F3 on Todo {{ id }}'
    assert (await refusal(client, query))["extensions"]["code"] == "COST_LIMIT"


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { ...A } } fragment A on User { ...A }",
        "{ viewer { ...A } } fragment A on User { ...B } fragment B on User { id ...A }",
        "{ todo(id: 1) { ...A } } fragment A on Todo { history { nodes { todo { ...A } } } }",
    ],
)
async def test_a_fragment_that_spreads_itself_is_told_as_such(client: Client, query: str) -> None:
    """A fragment that spreads itself is reported as a cycle, and not as one that is too deep."""
    error = await refusal(client, query)
    assert error["message"].startswith("Cannot spread fragment 'A' within itself")


async def test_every_operation_of_a_document_is_held_to_the_limits(client: Client) -> None:
    """The one that isn't asked for, too."""
    query = f"query A {{ __typename }} query B {{ {NAMED} }}"
    body = {"query": query, "operationName": "A"}
    answer = (await client.http.post("/graphql", json=body)).json()
    assert "30 aliases" in answer["errors"][0]["message"]


async def test_operations_of_a_document_have_costs_of_their_own(account: Account) -> None:
    """What counts is the one that is asked for."""
    query = "query A { __typename } query B { todos { nodes { id } } }"
    headers = {"Authorization": f"Bearer {account.token}"}
    for name, expected in (("A", 0), ("B", 50)):
        body = {"query": query, "operationName": name}
        answer = (await account.http.post("/graphql", json=body, headers=headers)).json()
        assert answer["extensions"]["cost"]["requested"] == expected


PAGE = "nodes { id }"
# 50 for the filter, and 100 for what it looks for.
SEARCHED = 20 + 150
SEARCHES = "or: [" + ", ".join(f'{{ search: "word {n}" }}' for n in range(45)) + "]"

TAGGED = "or: [" + ", ".join(['{ tags: { some: "a" }, status: { eq: PENDING } }'] * 40) + "]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"todos(first: 20, filter: {{}}) {{ {PAGE} totalCount }}", 20),
        (f"todos(first: 20, filter: {{ isDeleted: false, search: null }}) {{ {PAGE} }}", 20),
        (f'todos(first: 20, filter: {{ search: "" }}) {{ {PAGE} }}', 20),
        (f"todos(first: 20, filter: null, sort: null) {{ {PAGE} }}", 20),
        (f"todos(first: 20, filter: {{ status: {{ eq: PENDING }} }}) {{ {PAGE} }}", 20 + 60),
        (f"todos(first: 20, filter: {{ isOverdue: false }}) {{ {PAGE} }}", 20 + 60),
        (f"todos(first: 20, filter: {{ isDeleted: true }}) {{ {PAGE} totalCount }}", 20 + 3 * 60),
        (f'todos(first: 20, filter: {{ search: "a" }}) {{ {PAGE} }}', SEARCHED),
        (f'todos(first: 20, filter: {{ tags: {{ some: ["a", "b"] }} }}) {{ {PAGE} }}', SEARCHED),
        (f'todos(first: 20, filter: {{ tags: {{ some: "a" }} }}) {{ {PAGE} }}', SEARCHED),
        (f"todos(first: 20, filter: {{ tags: {{ isEmpty: false }} }}) {{ {PAGE} }}", SEARCHED),
        (f'todos(filter: {{ tags: {{ every: ["a", "b"] }} }}) {{ {PAGE} }}', 50 + 130),
        (f'todos(first: 20, filter: {{ not: {{ search: "a" }} }}) {{ {PAGE} }}', SEARCHED),
        (f'todos(first: 20, filter: {{ and: {{ search: "a" }} }}) {{ {PAGE} }}', SEARCHED),
        (f"todos(first: 20, filter: {{ {SEARCHES} }}) {{ {PAGE} }}", 20 + 4550),
        (f"todos(first: 20, filter: {{ {TAGGED} }}) {{ {PAGE} }}", 20 + 50 + 40 * 110),
        (f'todos(first: 20, filter: {{ search: "a" }}) {{ {PAGE} totalCount }}', 20 + 3 * 150),
        ('todos(filter: { search: "a" }) { totalCount }', 1 + 3 * 150),
        (
            'todos(filter: { search: "a" }) { ...C } } fragment C on TodoConnection { totalCount',
            451,
        ),
        (f'todos(last: 9, filter: {{ search: "a" }}) {{ {PAGE} pageInfo {{ hasNextPage }} }}', 159),
        ('stats(filter: { search: "a" }) { total overdue }', 1 + 2 * 150),
        ("stats(filter: { isDeleted: false }) { total overdue }", 1),
        (f"todos(first: 20, sort: [{{ field: TITLE }}]) {{ {PAGE} }}", 20),
        (f"todos(sort: [{{ field: TITLE }}, {{ field: STATUS }}]) {{ {PAGE} }}", 50 + 50),
        (f'tags(search: "a") {{ {PAGE} }}', 20 + 20),
        ("tags { totalCount }", 1 + 20),
    ],
)
async def test_what_is_looked_through_costs_too(
    account: Account, query: str, expected: int
) -> None:
    """Filters by their conditions, a count twice as much again, and sorts by more than a key."""
    assert await cost(account, f"{{ {query} }}") == expected


AFTER = """query ($after: String) {
  todos(first: 9, after: $after, filter: { search: "a" }) { nodes { id } pageInfo { hasPreviousPage } }
}"""


async def test_what_lies_around_a_page_is_looked_for_too(account: Account) -> None:
    """The neighbours of a page are looked for too, where a cursor says that there may be some."""
    await account.create(title="a")
    page = await account.data("{ todos { pageInfo { endCursor } } }")
    assert await cost(account, AFTER, after=page["todos"]["pageInfo"]["endCursor"]) == 9 + 2 * 150


@pytest.mark.parametrize(
    ("declared", "query", "given", "expected"),
    [
        ("$f: TodoFilter", "filter: $f", {"f": {"search": "a"}}, SEARCHED),
        ("$f: TodoFilter", "filter: $f", {"f": {}}, 20),
        ("$f: TodoFilter", "filter: $f", {"f": None}, 20),
        ("$f: TodoFilter", "filter: $f", {}, 20),
        ('$f: TodoFilter = { search: "a" }', "filter: $f", {}, SEARCHED),
        ("$s: String", "filter: { search: $s }", {"s": "a"}, SEARCHED),
        ("$s: String", "filter: { search: $s }", {}, 20),
        ("$s: String", "filter: { not: { search: $s } }", {"s": "a"}, SEARCHED),
        ("$f: TodoFilter!", "filter: { or: [$f, $f] }", {"f": {"search": "a"}}, 20 + 250),
        ("$f: [TodoFilter!]", "filter: { or: $f }", {"f": [{"search": "a"}] * 3}, 20 + 350),
        ("$t: [String!]", "filter: { tags: { every: $t } }", {"t": ["a", "b"]}, 20 + 130),
        (
            "$s: [TodoSort!]",
            "sort: $s",
            {"s": [{"field": "TITLE"}, {"field": "STATUS"}, {"field": "DUE_AT"}]},
            20 + 50,
        ),
    ],
)
async def test_filters_in_variables_cost_the_same(
    account: Account, declared: str, query: str, given: dict[str, Any], expected: int
) -> None:
    """Filters in variables cost the same, whole or in part, with their defaults."""
    document = f"query ({declared}) {{ todos(first: 20, {query}) {{ {PAGE} }} }}"
    assert await cost(account, document, **given) == expected


@pytest.mark.parametrize("given", [{}, {"f": {"search": "nothing"}}])
async def test_many_searches_at_once_are_refused(account: Account, given: dict[str, Any]) -> None:
    """Twenty fields of 45 each, or of one that stands in a variable, as soon as that is too much."""
    if given:
        filters = "filter: { or: [" + ", ".join(["$f"] * 9) + "] }"
        head = "query ($f: TodoFilter!)"
    else:
        filters, head = 'filter: { or: [{ search: "a" }, { search: "b" }, { search: "c" }] }', ""
    fields = " ".join(f"f{n}: todos(first: 1, {filters}) {{ nodes {{ id }} }}" for n in range(15))
    error = await refusal(account, f"{head} {{ {fields} }}", **given)
    assert error["extensions"]["code"] == "COST_LIMIT"


@pytest.mark.parametrize(
    "wanted",
    [
        {"or": [{"search": "a"}] * 20_000},
        {"or": [{}] * 60_000},
        {"or": [{"or": [{}] * 10_000}] * 3},
        {"not": {"not": {"not": {"not": {"not": {"not": {"search": "a"}}}}}}},
        {"tags": {"every": ["a"] * 60_000}},
        {"or": [{"tags": [{"every": ["a"] * 1_000}] * 5}] * 5},
        {str(n): n for n in range(15_000)},
        [{"search": "a"}],
        "search",
        {"search": ["a"], "tags": 5, "or": "x", "and": [None, 5, [{}]], "not": []},
    ],
)
async def test_filters_that_are_none_are_errors_of_theirs(account: Account, wanted: Any) -> None:
    """An invalid filter gets its own error, and its cost is computed quickly, however large."""
    query = "query ($f: TodoFilter) { " + " ".join(
        f"f{n}: todos(first: 1, filter: $f) {{ nodes {{ id }} }}" for n in range(2)
    )
    answer = await account.execute(query + " }", {"f": wanted})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("declared", "call", "value"),
    [
        ("[ID!]!", "nodes(ids: $v) { id }", ["a"] * 3_001),
        ("TodoFilter", "todos(filter: $v) { totalCount }", {"or": [{"search": "a"}] * 1_501}),
        ("TodoFilter", "todos(filter: $v) { totalCount }", {"tags": {"some": ["a"] * 3_001}}),
        ("[TodoFilter!]", "todos(filter: { or: $v }) { totalCount }", [{"and": [{}] * 60}] * 50),
        ("TodoFilter", "stats(filter: $v) { total }", {str(n): n for n in range(3_001)}),
        ("[TodoSort!]", "todos(sort: $v) { totalCount }", [{}] * 3_001),
    ],
)
async def test_variables_are_counted_before_they_are_read(
    account: Account, declared: str, call: str, value: Any
) -> None:
    """More than 3,000 items and fields are refused together, whatever they are."""
    error = await refusal(account, f"query ($v: {declared}) {{ {call} }}", v=value)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "3,000 items and fields" in error["message"]


async def test_variables_hold_whatever_the_other_limits_allow(account: Account) -> None:
    """A bulk action of full todos, and metadata of many values, which is one of them."""
    full = {
        "title": "t",
        "description": "d",
        "status": "PENDING",
        "priority": "LOW",
        "dueAt": "2026-01-01T00:00:00Z",
        "estimatedMinutes": 1,
        "metadata": {"a": [0] * 50},
        "tags": [f"t{n}" for n in range(10)],
    }
    made = await account.create_many([full] * 99 + [full | {"metadata": {"a": [0] * 5_000}}])
    assert len(made) == 100


async def test_the_schema_is_read_once_in_an_operation(client: Client) -> None:
    """The schema is introspected once in an operation, whatever its aliases are."""
    fields = "types { name fields { name } }"
    merged = f"{{ __schema {{ {fields} }} ...A }} fragment A on Query {{ __schema {{ {fields} }} }}"
    assert "errors" not in await client.execute(merged)
    error = await refusal(client, f"{{ a: __schema {{ {fields} }} b: __schema {{ {fields} }} }}")
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "__schema once" in error["message"]
