"""What PostgreSQL reads for each kind of list, for an owner of 100,000 todos."""

import json
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from asyncpg import Connection
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, registered
from tests.support.sharing import share
from todo_gql.api.search_text import MARK, search_text
from todo_gql.database.connection import acquire, fetch
from todo_gql.operation.clock import TIME_ZONE_AND_SNOOZES

NUMBER = 100_000
PAGE = 50

LIST = """
query ($filter: TodoFilter, $sort: [TodoSort!], $first: Int, $after: String, $last: Int,
       $before: String) {
  todos(filter: $filter, sort: $sort, first: $first, after: $after, last: $last,
        before: $before) {
    nodes { id }
    pageInfo { startCursor endCursor }
  }
}
"""
FOUND = """
query ($filter: TodoFilter) { todos(filter: $filter, first: 100) { nodes { id } totalCount } }
"""
# Each stands in ten titles: of alphabets, of scripts whose words are short, and of two letters.
RARE_WORDS = ("quagga", "щебень", "오소리", "穿山甲", "獺", "жъ", "qz", "γξ", "לכ")
# Ties and nulls as in real lists.
FILL = [
    r"""
    INSERT INTO todos (id, owner_id, title, description, position, search_text, status, priority, due_at,
        start_date, start_on, completed_at, metadata, version, created_at, updated_at)
    SELECT gen_random_uuid(), $1, title || ' ' || word, description, 'g' || lpad(n::text, 7, '0') || 'V',
        concat_ws(E'\x1f', lower(title) || ' ' || marked, lower(description)) || E'\x1e', n % 4, n / 7 % 4,
        CASE WHEN n % 3 > 0 THEN now() + make_interval(hours => n % 4000 - 400) END,
        CASE WHEN n % 5 = 0 THEN current_date + n % 700 END, CASE WHEN n % 5 = 0 THEN current_date + n % 700 END,
        CASE WHEN n % 4 = 2 THEN now() - make_interval(mins => n % 5000) END,
        '{}', 1, now() - make_interval(secs => n), now() - make_interval(secs => n % 60000)
    FROM generate_series(1, $2::int) AS n, LATERAL (SELECT
        (ARRAY['Buy', 'Call', 'Write', 'Mend', 'Read', 'Book', 'Paint'])[n % 7 + 1] || ' ' || n
            AS title, 'Something to do, with words enough for a line' AS description,
        coalesce($3[n % 10000], '') AS word, coalesce($4[n % 10000], '') AS marked)
    """,
    """
    UPDATE todos SET assignee_id = $1 WHERE owner_id = $1 AND id IN (
        SELECT id FROM todos WHERE owner_id = $1 ORDER BY created_at LIMIT least($2::int, 100)
    )
    """,
    """
    INSERT INTO tags (id, owner_id, name, todo_count)
    SELECT gen_random_uuid(), $1, 'tag ' || n, $2::int / 12 FROM generate_series(1, 30) AS n
    """,
    """
    INSERT INTO todo_tags (owner_id, todo_id, tag_id)
    SELECT $1, t.id, g.id FROM (
        SELECT id, row_number() OVER () AS n FROM todos WHERE owner_id = $1 LIMIT $2::int
    ) t JOIN (
        SELECT id, row_number() OVER (ORDER BY name) AS n FROM tags WHERE owner_id = $1
    ) g ON g.n IN (t.n % 30 + 1, t.n / 30 % 30 + 1)
    """,
    """
    UPDATE feeds SET (pending_count, in_progress_count, completed_count, cancelled_count) = (
        SELECT count(*) FILTER (WHERE status = 0), count(*) FILTER (WHERE status = 1),
            count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3)
        FROM todos WHERE owner_id = $1 LIMIT $2::int
    ) WHERE owner_id = $1
    """,
]


@pytest.fixture(scope="module")
async def owner(app: ASGIApp, database_url: str) -> AsyncIterator[Account]:
    """The owner of many todos, among others who have a few."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
        for _ in range(5):
            await (await registered(Client(http))).create_many([{"title": "x", "tags": ["a"]}] * 20)
        account = await registered(Client(http))
        # The server's own would be closed as silent where one of these takes long.
        connection = await asyncpg.connect(database_url)
        for statement in FILL:
            await connection.execute(
                statement.replace("$1", f"'{account.id}'::uuid")
                .replace("$2", str(NUMBER))
                .replace("$3", f"('{{{','.join(RARE_WORDS)}}}'::text[])")
                .replace("$4", f"('{{{','.join(map(marked, RARE_WORDS))}}}'::text[])")
            )
        await connection.execute("VACUUM ANALYZE todos, tags, todo_tags, users")
        await connection.close()
        yield account


def marked(word: str) -> str:
    """The word in a search text."""
    return search_text(word, None)[: -len(MARK)]


Sent = list[tuple[str, tuple[Any, ...]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The statements that are sent from now on, with their values."""
    statements: Sent = []

    def recording(name: str) -> None:
        send = getattr(Connection, name)

        async def record(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
            statements.append((query, args))
            return await send(self, query, *args, **kwargs)

        monkeypatch.setattr(Connection, name, record)

    for name in ("fetch", "fetchrow", "fetchval"):
        recording(name)
    prepare = Connection.prepare

    class Prepared:
        """A prepared statement; asyncpg's own takes no other methods."""

        def __init__(self, query: str, statement: Any) -> None:
            self.query = query
            self.statement = statement

        async def fetch(self, *args: Any) -> Any:
            statements.append((self.query, args))
            return await self.statement.fetch(*args)

    async def prepared(self: Any, query: str, **kwargs: Any) -> Prepared:
        return Prepared(query, await prepare(self, query, **kwargs))

    monkeypatch.setattr(Connection, "prepare", prepared)
    return statements


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, from the top."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


async def plans(sent: Sent, table: str = "todos") -> list[list[dict[str, Any]]]:
    """The nodes of the plans of the statements that read a table."""
    found = []
    for query, args in list(sent):
        if f" {table} " not in query or not query.lstrip().startswith(("SELECT", "WITH")):
            continue
        async with acquire() as connection:
            await connection.execute("SET plan_cache_mode = force_custom_plan")
            text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *args)
            await connection.execute("RESET plan_cache_mode")
        found.append(list(nodes_of(json.loads(text)[0]["Plan"])))
    return found


def rows_read(nodes: list[dict[str, Any]], table: str) -> float:
    """How many rows of a table a plan touches, those that it throws away too."""
    read = 0.0
    for node in nodes:
        if node.get("Relation Name") == table:
            thrown_away = node.get("Rows Removed by Filter", 0)
            read += (node["Actual Rows"] + thrown_away) * node["Actual Loops"]
    return read


ORDERS = list(
    product(
        ("CREATED_AT", "UPDATED_AT", "DUE_AT", "COMPLETED_AT", "PRIORITY", "STATUS", "TITLE"),
        ("ASC", "DESC"),
        ("FIRST", "LAST"),
    )
)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_a_list_reads_an_index_and_no_more_than_its_page(
    owner: Account, sent: Sent, order: tuple[str, str, str]
) -> None:
    """A first or deep page reads an index and no more than its rows, both ways, by any key."""
    sort = [dict(zip(("field", "direction", "nulls"), order, strict=True))]
    first = (await owner.data(LIST, sort=sort, first=PAGE))["todos"]["pageInfo"]
    last = (await owner.data(LIST, sort=sort, last=PAGE))["todos"]["pageInfo"]
    await owner.data(LIST, sort=sort, first=PAGE, after=first["endCursor"])
    await owner.data(LIST, sort=sort, last=PAGE, before=last["startCursor"])
    seen = await plans(sent)
    assert len(seen) == 4
    for nodes in seen:
        kinds = {node["Node Type"] for node in nodes}
        assert kinds <= {"Limit", "Index Scan", "Index Only Scan", "Result"}, kinds
        assert rows_read(nodes, "todos") <= PAGE + 1
        assert all("owner_id = " in n["Index Cond"] for n in nodes if "Index Cond" in n)


@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["DUE", "START"])
async def test_a_list_by_days_reads_an_index_and_little_more_than_its_page(
    owner: Account, sent: Sent, field: str, direction: str, nulls: str
) -> None:
    """A first or deep page by a day reads no more than its rows and some without a day, both ways."""
    sort = [{"field": field, "direction": direction, "nulls": nulls}]
    first = (await owner.data(LIST, sort=sort, first=PAGE))["todos"]["pageInfo"]
    last = (await owner.data(LIST, sort=sort, last=PAGE))["todos"]["pageInfo"]
    await owner.data(LIST, sort=sort, first=PAGE, after=first["endCursor"])
    await owner.data(LIST, sort=sort, last=PAGE, before=last["startCursor"])
    seen = await plans(sent)
    assert len(seen) == 4
    for nodes in seen:
        assert "Seq Scan" not in {node["Node Type"] for node in nodes}
        assert rows_read(nodes, "todos") <= 3 * PAGE


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(
    "wanted",
    [
        {"due": {"in": ["TODAY"]}},
        {"due": {"in": ["OVERDUE", "TODAY"]}, "status": {"eq": "PENDING"}},
        {"due": {"gteDays": 1, "lteDays": 2}, "priority": {"gte": "HIGH"}},
        {"status": {"in": ["PENDING", "IN_PROGRESS"]}},
        {"start": {"gteDays": 100}},
    ],
    ids=str,
)
async def test_a_page_of_days_by_days_reads_little(
    owner: Account, sent: Sent, wanted: dict[str, Any], direction: str
) -> None:
    """A page by the day of a filter's todos reads few others, though its days are near others."""
    sort = [{"field": "START" if "start" in wanted else "DUE", "direction": direction}]
    found = await owner.data(LIST, filter=wanted, sort=sort, first=PAGE)
    assert found["todos"]["nodes"]
    [nodes] = await plans(sent)
    assert rows_read(nodes, "todos") < 80 * PAGE


FEW_BY_DUE_AT: list[dict[str, Any]] = [
    {"status": {"eq": "PENDING"}, "priority": {"eq": "HIGH"}},
    {"status": {"in": ["PENDING", "IN_PROGRESS"]}},
    {"isOverdue": True},
    {"due": {"in": ["OVERDUE"]}},
    {"due": {"in": ["TODAY"]}},
    {"due": {"in": ["OVERDUE", "TODAY"]}},
    {"due": {"in": ["OVERDUE", "NONE"]}},
    {"due": {"gteDays": 1, "lteDays": 2}, "priority": {"gte": "HIGH"}},
]


@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("wanted", FEW_BY_DUE_AT, ids=str)
async def test_a_page_of_open_todos_or_days_by_due_at_reads_little(
    owner: Account, sent: Sent, wanted: dict[str, Any], direction: str, nulls: str
) -> None:
    """A page by DUE_AT begins with the first todo that is open, or due on the days, of any others none."""
    sort = [{"field": "DUE_AT", "direction": direction, "nulls": nulls}]
    found = await owner.data(LIST, filter=wanted, sort=sort, first=PAGE)
    assert found["todos"]["nodes"]
    [nodes] = await plans(sent)
    assert rows_read(nodes, "todos") < 20 * PAGE


@pytest.mark.parametrize("groups", [["OVERDUE", "TODAY"], ["TODAY", "TOMORROW"]], ids=str)
async def test_few_todos_of_days_are_expected_to_have_no_moment(
    owner: Account, sent: Sent, groups: list[str]
) -> None:
    """A page of days where all have a moment is planned for few without one, whatever their days are."""
    sort = [{"field": "DUE_AT", "nulls": "FIRST"}]
    found = await owner.data(LIST, filter={"due": {"in": groups}}, sort=sort, first=PAGE)
    assert found["todos"]["nodes"]
    [nodes] = await plans(sent)
    # With as many expected as fill a page, walking through all todos in its order looks cheap.
    scan = next(node for node in nodes if node.get("Relation Name") == "todos")
    assert scan["Plan Rows"] < PAGE


@pytest.fixture
async def snoozed(owner: Account) -> AsyncIterator[set[str]]:
    """The ids of some todos that the owner has put off, among others whose time has come."""
    rows = await fetch(
        "INSERT INTO snoozes (owner_id, todo_id, person_id, until)"
        " SELECT $1, id, $1, now() + make_interval(hours => n::int - 20)"
        " FROM (SELECT id, row_number() OVER (ORDER BY due_at) AS n FROM todos WHERE owner_id = $1"
        "  AND due_at BETWEEN now() - interval '1 day' AND now() + interval '1 day' LIMIT 60) t"
        " RETURNING todo_id, until > now() AS is_ahead",
        UUID(owner.id),
    )
    yield {str(row["todo_id"]) for row in rows if row["is_ahead"]}
    await fetch("DELETE FROM snoozes WHERE owner_id = $1", UUID(owner.id))


@pytest.mark.parametrize("groups", [["TODAY"], ["OVERDUE", "TODAY"]], ids=str)
async def test_a_page_of_today_reads_little_beside_snoozes(
    owner: Account, sent: Sent, snoozed: set[str], groups: list[str]
) -> None:
    """What is put off is left out by those few rows, and the page is read as it is without any."""
    sought = {"due": {"in": groups}, "priority": {"eq": "HIGH"}}
    found = await owner.data(LIST, filter=sought, sort=[{"field": "DUE_AT"}], first=PAGE)
    assert found["todos"]["nodes"]
    [nodes] = await plans(sent)
    assert rows_read(nodes, "todos") < 20 * PAGE
    assert rows_read(nodes, "snoozes") < 20 * PAGE


async def test_todos_of_an_assignee_are_read_from_their_index(owner: Account, sent: Sent) -> None:
    """Pages, totals and facets of who is to do few todos read those alone, though they are the oldest."""
    found = await owner.data(FOUND, filter={"assigneeId": {"eq": owner.id}})
    assert found["todos"]["totalCount"] == 100
    facets = await owner.data("{ facets { assignees { count } } }")
    assert sorted(one["count"] for one in facets["facets"]["assignees"]) == [100, NUMBER - 100]
    seen = await plans(sent)
    assert len(seen) == 3
    for nodes in seen:
        assert "todos_by_assignee" in {node.get("Index Name") for node in nodes}
        assert rows_read(nodes, "todos") <= 2 * 100


async def test_what_is_snoozed_is_read_from_those_rows(
    owner: Account, sent: Sent, snoozed: set[str]
) -> None:
    """A page of snoozed todos reads them alone, of all that their owner has."""
    found = await owner.data(LIST, filter={"isSnoozed": True}, first=PAGE)
    assert {node["id"] for node in found["todos"]["nodes"]} <= snoozed
    [nodes] = await plans(sent)
    assert rows_read(nodes, "todos") < 2 * len(snoozed)


async def test_nobody_pays_for_what_they_have_not_snoozed(owner: Account, sent: Sent) -> None:
    """TODAY of somebody who has put off nothing reads no snoozes beside the viewer's zone."""
    await owner.data(LIST, filter={"due": {"in": ["TODAY"]}}, sort=[{"field": "DUE_AT"}])
    assert [query for query, _ in sent if "snoozes" in query] == [TIME_ZONE_AND_SNOOZES]


@pytest.mark.parametrize("wanted", [{"eq": "PENDING"}, {"eq": "COMPLETED"}], ids=str)
async def test_facets_read_indexes_alone(
    owner: Account, sent: Sent, wanted: dict[str, Any]
) -> None:
    """Counts of todos by status and priority read neither rows nor the tags of others."""
    parts = "total tags { count } lists { count } due { count } priority { count }"
    document = f"query ($filter: TodoFilter) {{ facets(filter: $filter) {{ {parts} }} }}"
    sought = {"status": wanted, "priority": {"gte": "HIGH"}}
    found = (await owner.data(document, filter=sought))["facets"]
    assert found["total"] > NUMBER / 10
    [nodes] = await plans(sent)
    scans = [node for node in nodes if node.get("Relation Name") in ("todos", "todo_tags")]
    assert {node["Node Type"] for node in scans} == {"Index Only Scan"}
    # Each todo of the owner's carries two tags at most.
    assert rows_read(nodes, "todo_tags") <= 2 * found["total"]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_a_list_by_position_reads_the_index_of_positions(
    owner: Account, sent: Sent, direction: str
) -> None:
    """A first or deep page by position reads no more than its rows, both ways, from one index."""
    sort = [{"field": "POSITION", "direction": direction}]
    first = (await owner.data(LIST, sort=sort, first=PAGE))["todos"]["pageInfo"]
    last = (await owner.data(LIST, sort=sort, last=PAGE))["todos"]["pageInfo"]
    await owner.data(LIST, sort=sort, first=PAGE, after=first["endCursor"])
    await owner.data(LIST, sort=sort, last=PAGE, before=last["startCursor"])
    seen = await plans(sent)
    assert len(seen) == 4
    for nodes in seen:
        kinds = {node["Node Type"] for node in nodes}
        assert kinds <= {"Limit", "Index Scan", "Result"}, kinds
        assert {node.get("Index Name") for node in nodes} <= {None, "todos_by_position"}
        assert rows_read(nodes, "todos") <= PAGE + 1


FILTERS: list[dict[str, Any]] = [
    {"status": {"eq": "PENDING"}, "priority": {"gte": "HIGH"}},
    {"tags": {"some": ["tag 3"]}},
    {"tags": {"every": ["tag 3", "tag 4"]}},
    {"tags": {"isEmpty": True}},
    {"dueAt": {"isNull": True}},
    {"isOverdue": True},
    {"search": "buy 12"},
    {"isDeleted": True},
    {"not": {"status": {"eq": "PENDING"}}},
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
async def test_other_lists_stay_within_the_owners_rows(
    owner: Account, sent: Sent, wanted: dict[str, Any]
) -> None:
    """Other lists, their totals and stats enter every index by the owner."""
    await owner.data(LIST, filter=wanted)
    await owner.data(
        "query ($filter: TodoFilter) { todos(filter: $filter, first: 1) { totalCount }"
        " stats(filter: $filter) { total } }",
        filter=wanted,
    )
    seen = await plans(sent)
    # Before a page of a search its matches are counted, up to a number.
    assert len(seen) == (6 if "search" in wanted else 4)
    for nodes in seen:
        for node in nodes:
            if node.get("Relation Name") in ("todos", "todo_tags", "tags"):
                condition = node.get("Index Cond", "") + node.get("Recheck Cond", "")
                condition += node.get("Filter", "")
                assert "owner_id" in condition, node


# Similar todos are found first, and then looked up by their ids; so are the few that are ranked.
TEXT_INDEXES = {
    *(None, "todos_by_search_text", "todos_without_search_text"),
    *("todos_pkey", "todos_owner_id_unique"),
}


@pytest.mark.parametrize("word", RARE_WORDS)
async def test_a_rare_word_is_found_by_the_index_of_texts(
    owner: Account, sent: Sent, word: str
) -> None:
    """A rare word of any script and length is found by the text index, and little else is read."""
    found = await owner.data(FOUND, filter={"search": word.upper()})
    assert len(found["todos"]["nodes"]) == found["todos"]["totalCount"] == NUMBER // 10_000
    for nodes in await plans(sent):
        assert {node.get("Index Name") for node in nodes} <= TEXT_INDEXES
        assert rows_read(nodes, "todos") < NUMBER / 100


@pytest.mark.parametrize("word", ["xq", "ыъ", "穿獺", "리오", "飛", "nothing of it"])
async def test_an_absent_word_reads_little(owner: Account, sent: Sent, word: str) -> None:
    """A text that no todo has is looked for in the text index alone."""
    found = await owner.data(FOUND, filter={"search": word})
    assert found["todos"] == {"nodes": [], "totalCount": 0}
    looked, *others = await plans(sent)
    assert {node.get("Index Name") for node in looked} <= TEXT_INDEXES
    assert rows_read(looked, "todos") < NUMBER / 100
    # Where none are found, no index is scanned for them again.
    for nodes in others:
        assert not [node for node in nodes if "Index Name" in node]


async def test_overdue_is_counted_from_an_index_alone(owner: Account, sent: Sent) -> None:
    """The rows themselves are not read."""
    await owner.data("{ stats { overdue } }")
    [nodes] = await plans(sent)
    scans = [node for node in nodes if node.get("Relation Name") == "todos"]
    assert scans
    for scan in scans:
        assert scan["Node Type"] == "Index Only Scan"
        assert scan["Index Name"] == "todos_open_by_due"


async def test_kept_counts_need_no_todos(owner: Account, sent: Sent) -> None:
    """Neither stats nor the total of the plain list."""
    data = await owner.data("{ stats { total completed } todos(first: 1) { totalCount } }")
    assert data["stats"]["total"] == data["todos"]["totalCount"] == NUMBER
    assert not [query for query, _ in sent if "count(" in query]


SHARED_NUMBER = 500
NO_WORDS = "('{}'::text[])"
SHARE = [
    """
    INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at)
    VALUES (gen_random_uuid(), $1, 'Shared', 'a0', 1, now(), now())
    """,
    """
    INSERT INTO todos (id, owner_id, list_id, title, search_text, status, priority, due_at, completed_at,
        metadata, version, created_at, updated_at, position)
    SELECT gen_random_uuid(), l.owner_id, l.id, 'Shared ' || n, 'shared ' || n || E'\x1e', n % 4, n / 7 % 4,
        CASE WHEN n % 3 > 0 THEN now() + make_interval(hours => n % 4000 - 400) END,
        CASE WHEN n % 4 = 2 THEN now() END, '{}', 1, now() - make_interval(mins => n), now(), position_key(n)
    FROM lists l, generate_series(1, $2::int) AS n WHERE l.owner_id = $1
    """,
    "UPDATE lists SET pending_count = $2 / 4 WHERE owner_id = $1",
]


@pytest.fixture(scope="module")
async def member(owner: Account, database_url: str) -> Account:
    """Somebody with thousands of todos, who is in a list of the owner of many."""
    account = await registered(Client(owner.http))
    connection = await asyncpg.connect(database_url)
    for text, id, number in (
        (FILL[0], account.id, 10 * SHARED_NUMBER),
        *((text, owner.id, SHARED_NUMBER) for text in SHARE),
    ):
        statement = text.replace("$1", f"'{id}'::uuid").replace("$2", str(number))
        await connection.execute(statement.replace("$3", NO_WORDS).replace("$4", NO_WORDS))
    list_id = await connection.fetchval("SELECT id FROM lists WHERE owner_id = $1", UUID(owner.id))
    await share(owner, str(list_id), account)
    await connection.execute("VACUUM ANALYZE todos, lists, list_members, users")
    await connection.close()
    return account


def rows_fetched(nodes: list[dict[str, Any]], table: str) -> float:
    """How many rows of a table a plan reads from the table itself."""
    return rows_read([node for node in nodes if node["Node Type"] != "Index Only Scan"], table)


MEMBERS_ORDERS = sorted({field for field, _, _ in ORDERS} | {"DUE", "START", "POSITION"})


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", MEMBERS_ORDERS)
async def test_a_members_page_reads_a_page_and_the_index_of_the_list(
    member: Account, sent: Sent, field: str, direction: str
) -> None:
    """A first or deep page of a member fetches no todos but a page of their own, and those that are shown."""
    sort = [{"field": field, "direction": direction}]
    first = (await member.data(LIST, sort=sort, first=PAGE))["todos"]["pageInfo"]
    await member.data(LIST, sort=sort, first=PAGE, after=first["endCursor"])
    await member.data(LIST, sort=sort, last=PAGE)
    seen = await plans(sent)
    assert len(seen) == 3
    for nodes in seen:
        reads = [node for node in nodes if node.get("Relation Name") == "todos"]
        assert "Seq Scan" not in {node["Node Type"] for node in reads}
        # Of days, those without one are read from an index of its own.
        assert rows_fetched(nodes, "todos") <= 4 * (PAGE + 1)
        assert rows_read(nodes, "todos") <= 5 * (PAGE + 1) + SHARED_NUMBER


@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT", "TITLE"])
@pytest.mark.parametrize(
    "wanted",
    [
        {"status": {"eq": "PENDING"}},
        {"priority": {"eq": "URGENT"}, "status": {"notIn": ["CANCELLED"]}},
        {"due": {"in": ["OVERDUE", "TODAY"]}},
        {"isOverdue": True},
    ],
    ids=str,
)
async def test_a_filter_of_a_member_is_compared_with_the_index_of_the_list(
    member: Account, sent: Sent, wanted: dict[str, Any], field: str
) -> None:
    """A page of what a filter matches fetches of a list no todos but those that are shown."""
    found = await member.data(LIST, filter=wanted, sort=[{"field": field}], first=PAGE)
    assert found["todos"]["nodes"]
    [nodes] = await plans(sent)
    of_lists = [node for node in nodes if "m.list_id" in node.get("Index Cond", "")]
    assert of_lists
    assert rows_fetched(of_lists, "todos") == 0


async def test_a_members_ids_are_found_by_their_index(
    owner: Account, member: Account, sent: Sent
) -> None:
    """A member's statements by ids read the rows of these ids alone, whosever they are."""
    rows = await fetch(
        "SELECT id FROM todos WHERE owner_id = $1 AND list_id IS NOT NULL LIMIT 2", UUID(owner.id)
    )
    ids = [str(row["id"]) for row in rows]
    sent.clear()
    text = "query ($id: ID!, $ids: [ID!]!) { todo(id: $id) { title } nodes(ids: $ids) { id } }"
    answer = await member.data(text, id=ids[0], ids=ids)
    assert [node["id"] for node in answer["nodes"]] == ids
    seen = await plans(sent)
    assert len(seen) == 2
    # Two conditions on one row may each be looked up.
    for nodes in seen:
        assert rows_read(nodes, "todos") <= 2 * len(ids)


async def test_a_members_counts_need_no_todos(member: Account, sent: Sent) -> None:
    """The totals of a member's todos and of each list are sums of stored counts."""
    answer = await member.data("{ stats { total } lists { nodes { stats { total } } } }")
    assert answer["lists"]["nodes"][0]["stats"]["total"] == SHARED_NUMBER // 4
    assert answer["stats"]["total"] >= SHARED_NUMBER // 4
    assert await plans(sent) == []
