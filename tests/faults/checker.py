"""Whether what is stored is what users were told, each write once, and all of it agrees."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import httpx

from tests.faults.installation import Installation
from tests.faults.journal import Outcome, Todo, Write
from tests.faults.workload import PARTS, Owner, Workload

CHANGES = """
query ($after: String) { changes(first: 100, after: $after) {
  nodes { cursor todoId action fields { name before after } }
  pageInfo { hasNextPage endCursor }
} }
"""
TODOS = f"""
query ($after: String, $trash: Boolean) {{
  todos(first: 100, after: $after, filter: {{ isDeleted: $trash }}) {{
    nodes {{ ...Parts }} pageInfo {{ hasNextPage endCursor }} totalCount
  }}
}} {PARTS}
"""
COUNTS = """
{
  stats { total pending inProgress completed cancelled }
  tags(first: 100) { nodes { name todoCount } }
}
"""
# The numbers of an owner's changes, with no gap between 1 and what the owner counts.
NUMBERED = """
SELECT u.change_seq = count(c.seq) AND u.change_seq = coalesce(max(c.seq), 0)
    AND count(DISTINCT c.seq) = count(c.seq) AND coalesce(min(c.seq), 1) = 1
FROM users u LEFT JOIN changes c ON c.owner_id = u.id WHERE u.id = $1 GROUP BY u.change_seq
"""
# Rows that lead from one owner's things to another's.
STRAYS = """
SELECT (SELECT count(*) FROM changes c JOIN todos t ON t.id = c.todo_id
        WHERE t.owner_id <> c.owner_id OR c.actor_id <> c.owner_id)
    + (SELECT count(*) FROM todo_tags tt JOIN todos t ON t.id = tt.todo_id
        JOIN tags g ON g.id = tt.tag_id
        WHERE tt.owner_id <> t.owner_id OR tt.owner_id <> g.owner_id)
"""
NULLS = "description status priority dueAt completedAt estimatedMinutes actualMinutes deletedAt"
BLANK: Todo = {"title": "", "metadata": {}, "tags": [], **dict.fromkeys(NULLS.split())}

History = dict[str, list[Todo]]
"""Each todo as it was from version to version."""


async def check(installation: Installation, workload: Workload) -> None:
    """Fail unless all that is stored of the workload's owners is as it has to be."""
    connection = await installation.connect()
    try:
        for owner in workload.owners:
            assert await connection.fetchval(NUMBERED, owner.id)
            async with workload.signed_in(owner) as http:
                await check_owner(Reader(http, installation.address), owner)
        assert await connection.fetchval(STRAYS) == 0
    finally:
        await connection.close()


class Reader:
    """An owner who reads everything."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self.http = http
        self.address = address

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must have no errors."""
        body = {"query": query, "variables": variables}
        answer = (await self.http.post(self.address, json=body)).json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    async def nodes(self, query: str, field: str, **variables: Any) -> AsyncIterator[Any]:
        """All nodes of a connection."""
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            data = await self.data(query, after=page["endCursor"], **variables)
            for node in data[field]["nodes"]:
                yield node
            page = data[field]["pageInfo"]


async def check_owner(reader: Reader, owner: Owner) -> None:
    """Fail unless an owner's todos, log and counts agree with each other and with the journal."""
    history: History = defaultdict(list)
    titles = Counter[tuple[str, str]]()
    async for change in reader.nodes(CHANGES, "changes"):
        todo = todo_after(change, history)
        history[change["todoId"]].append(todo)
        titles[todo["id"], title_in(change)] += 1
    todos = [
        plain(todo)
        for trash in (False, True)
        async for todo in reader.nodes(TODOS, "todos", trash=trash)
    ]
    assert {todo["id"]: todo for todo in todos} == {id: past[-1] for id, past in history.items()}
    assert len(todos) == len(history)
    for write in owner.writes:
        check_write(write, history, titles)
    sent = {id for write in owner.writes for id in write.ids}
    assert history.keys() <= sent
    assert all(owner.name in title for _, title in titles if title)
    check_counts(await reader.data(COUNTS), [todo for todo in todos if not todo["deletedAt"]])


def todo_after(change: dict[str, Any], history: History) -> Todo:
    """What a change makes of a todo that was as the change says it was."""
    past = history[change["todoId"]]
    todo = deepcopy(past[-1]) if past else BLANK | {"id": change["todoId"], "version": 0}
    assert (change["action"] == "CREATED") == (not past), change
    for field in change["fields"]:
        assert field["before"] == (todo[field["name"]] if past else None), (change, todo)
        todo[field["name"]] = field["after"]
    todo["version"] += 1
    return todo


def title_in(change: dict[str, Any]) -> str:
    """The title that a change gives; none if it leaves it alone."""
    return next((field["after"] for field in change["fields"] if field["name"] == "title"), "")


def plain(todo: Todo) -> Todo:
    """A todo with its tags as the log has them."""
    return todo | {"tags": [tag["name"] for tag in todo["tags"]]}


def check_write(write: Write, history: History, titles: Counter[tuple[str, str]]) -> None:
    """Fail unless a write was done once, not at all, or one of both, as its outcome says."""
    for told in write.told:
        assert plain(told) == history[told["id"]][told["version"] - 1], write
    if write.marker is None:
        return
    done = [titles[id, write.marker] for id in write.ids]
    match write.outcome:
        case Outcome.ACKNOWLEDGED:
            assert all(times == 1 for times in done), (write, done)
        case Outcome.REFUSED:
            assert not any(done), (write, done)
        case Outcome.UNKNOWN:
            assert done in ([0] * len(done), [1] * len(done)), (write, done)


def check_counts(counts: dict[str, Any], todos: list[Todo]) -> None:
    """Fail unless the counts that are kept are those of the todos outside the trash."""
    statuses = Counter(todo["status"] for todo in todos)
    assert counts["stats"] == {
        "total": len(todos),
        "pending": statuses["PENDING"],
        "inProgress": statuses["IN_PROGRESS"],
        "completed": statuses["COMPLETED"],
        "cancelled": statuses["CANCELLED"],
    }
    tags = Counter(name for todo in todos for name in todo["tags"])
    assert {tag["name"]: tag["todoCount"] for tag in counts["tags"]["nodes"]} == tags
