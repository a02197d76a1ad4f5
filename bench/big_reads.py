"""How long the pages and counts of one owner with 1,000,000 todos take, each request alone.

`python -m bench.big_reads [DATA_DIR]`, /tmp/big by default: makes the data folder with `bench.big` if
there is none, migrates it, and starts a server of its own on it. One connection sends every operation
200 times after a warm-up, or for 30 seconds if that is less. Writes the table of `bench/results/big`.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import psutil

from bench.big import OWNER, RARE, fill
from bench.data import settings
from bench.servers import SERVER, Server, serving
from todo_gql.database import migrations
from todo_gql.database.connection import fetch
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.security.tokens import Claims, signed_access_token

RESULTS = Path(__file__).parent / "results" / "big"
WARM_UP, REQUESTS = 20, 200
# Of one operation: a slow one has fewer requests, whose number the table says.
MAX_SECONDS = 30
# So many requests in a row are a round: other work on the machine comes and goes.
ROUND = 25
CONDITIONS = (
    f"one connection, HTTP, one request after the other; client, server and PostgreSQL share {os.cpu_count()}"
    " cores. CPU is that of the server and PostgreSQL: about what a request takes where nothing else runs. The"
    f" best round is the p50 of {ROUND} requests in a row, and the goal is for p50."
)
PAGE = "nodes { id title status priority dueAt version tags { name } } pageInfo { hasNextPage endCursor }"
FACETS = """total isComplete status { status count } priority { priority count }
  tags { tag { id name } count } lists { list { id name } count } assignees { count } due { group count }"""
HIGH_AND_PENDING = {"status": {"eq": "PENDING"}, "priority": {"eq": "HIGH"}}
FOUND = f"query ($text: String) {{ todos(filter: {{ search: $text }}, first: 20) {{ {PAGE} }} }}"
# Of each script: two characters of the rare word.
TWO_CHARACTERS = {"latin": "uo", "cyrillic": "хи", "korean": "오소", "chinese": "穿山"}
SAVE = """mutation ($input: SavedViewInput!) {
  savedViewCreate(input: $input) { view { id } errors { code message } }
}"""
VIEWS = "{ savedViews { id name } }"
OVERDUE = {"due": {"in": ["OVERDUE"]}}
COMPLETED = {"status": {"eq": "COMPLETED"}}
BY_DUE_AT = [{"field": "DUE_AT"}]
# What their tables say, and their filters and orders.
SAVED: dict[str, dict[str, Any]] = {
    "PENDING and HIGH, newest first": {"filter": HIGH_AND_PENDING},
    "due TODAY": {"filter": {"due": {"in": ["TODAY"]}}, "sort": BY_DUE_AT},
    "OVERDUE, the earliest first": {"filter": OVERDUE, "sort": BY_DUE_AT},
    "PENDING and HIGH by DUE_AT": {"filter": HIGH_AND_PENDING, "sort": BY_DUE_AT},
}
# The longest list, so that nothing is faster for being short.
LONGEST_LIST = """
SELECT list_id FROM todos WHERE owner_id = $1 GROUP BY list_id ORDER BY count(*) DESC LIMIT 1
"""


class Operation(NamedTuple):
    """What is sent, and how long half of the answers may take at most."""

    name: str
    query: str
    variables: Mapping[str, Any]
    goal_ms: float


class Measured(NamedTuple):
    """How long the answers to an operation took, in milliseconds, and what the machine had to do.

    `cpu_ms` is the CPU time of the server and PostgreSQL for one request: on a busy machine it says
    what the request would take alone.
    """

    operation: Operation
    times: list[float]
    cpu_ms: float
    load: float

    @property
    def p50(self) -> float:
        """The median of all requests."""
        return median(self.times)

    @property
    def best_p50(self) -> float:
        """The median of the best round."""
        starts = range(0, len(self.times), ROUND)
        rounds = [self.times[start : start + ROUND] for start in starts]
        return min(median(one) for one in rounds if len(one) == ROUND or len(rounds) == 1)


class Client:
    """One connection of the owner's."""

    def __init__(self, server: Server, postgres: psutil.Process) -> None:
        self.server = server
        self.postgres = postgres
        token = signed_access_token(Claims(OWNER, OWNER), settings(access_token_expire_minutes=600))
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )

    def data(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data of an answer, which has to be without errors."""
        sent = {"query": query, "variables": variables or {}}
        answer = self.http.post("/graphql", json=sent).raise_for_status().json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    def measured(self, operation: Operation) -> Measured:
        """The times of an operation, one request after the other."""
        times: list[float] = []
        cpu = self.cpu_seconds()
        end = time.monotonic() + MAX_SECONDS
        for number in range(WARM_UP + REQUESTS):
            if number == WARM_UP:
                cpu = self.cpu_seconds()
            began = time.perf_counter()
            self.data(operation.query, operation.variables)
            if number >= WARM_UP:
                times.append((time.perf_counter() - began) * 1000)
            if time.monotonic() > end and len(times) > 1:
                break
        cpu_ms = (self.cpu_seconds() - cpu) / len(times) * 1000
        return Measured(operation, times, cpu_ms, os.getloadavg()[0])

    def cpu_seconds(self) -> float:
        """The CPU time that the server and the processes of PostgreSQL have spent, ended ones too."""
        times = [backend.cpu_times() for backend in self.postgres.children()]
        ended = self.postgres.cpu_times()
        return self.server.cpu_seconds() + float(
            sum(one.user + one.system for one in times)
            + ended.children_user
            + ended.children_system
        )


def saved_views(client: Client) -> dict[str, str]:
    """The ids of the owner's views by their names; those that are missing are saved."""
    ids = {view["name"]: view["id"] for view in client.data(VIEWS)["savedViews"]}
    for name in SAVED.keys() - ids.keys():
        sent = {"input": {"name": name, **SAVED[name]}}
        ids[name] = client.data(SAVE, sent)["savedViewCreate"]["view"]["id"]
    return {name: ids[name] for name in SAVED}


def operations(client: Client, list_id: UUID) -> list[Operation]:
    """What is measured."""
    todo_list = {"id": str(list_id)}
    of_list = "query ($id: ID!) { node(id: $id) { ... on TodoList { %s } } }"
    of_view = f"query ($id: ID!) {{ node(id: $id) {{ ... on SavedView {{ todos(first: 20) {{ {PAGE} }} }} }} }}"
    filtered = f"query ($filter: TodoFilter) {{ facets(filter: $filter) {{ {FACETS} }} }}"
    stats = of_list % "stats { total pending inProgress completed cancelled }"
    page = of_list % f"todos(first: 20, sort: [{{ field: POSITION }}]) {{ {PAGE} }}"
    of_one = {"filter": {"listId": {"eq": str(list_id)}}}
    return [
        Operation("stats of a list", stats, todo_list, 5),
        Operation("overdue todos of a list", of_list % "stats { overdue }", todo_list, 5),
        Operation("first 20 of a list by POSITION", page, todo_list, 5),
        *(
            Operation(f"first 20 of a saved view: {name}", of_view, {"id": id}, 5)
            for name, id in saved_views(client).items()
        ),
        Operation("facets, all parts", f"{{ facets {{ {FACETS} }} }}", {}, 5),
        Operation(
            "facets of PENDING and HIGH, all parts", filtered, {"filter": HIGH_AND_PENDING}, 250
        ),
        Operation("facets of OVERDUE, all parts", filtered, {"filter": OVERDUE}, 250),
        Operation("facets of a list, all parts", filtered, of_one, 250),
        Operation("facets of COMPLETED: the total alone", filtered, {"filter": COMPLETED}, 250),
        *searches(),
    ]


def searches() -> list[Operation]:
    """The searches, best match first, of a rare word of each script, and of two characters of it."""
    return [
        *(
            Operation(f"search: a rare word, {script}", FOUND, {"text": word}, 100)
            for script, word in RARE.items()
        ),
        *(
            Operation(f"search: two characters, {script}", FOUND, {"text": text}, 100)
            for script, text in TWO_CHARACTERS.items()
        ),
        Operation("search: two characters of many words", FOUND, {"text": "re"}, 100),
        Operation("search: two characters of no word", FOUND, {"text": "qx"}, 100),
    ]


def table(measured: list[Measured]) -> str:
    """The results in Markdown."""
    lines = [
        "# One owner with 1,000,000 todos\n",
        f"`make bench-big` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {CONDITIONS}\n",
        "| operation | requests | p50 ms | best round | p95 ms | goal | CPU ms | load average |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in measured:
        p95 = quantiles(one.times, n=20)[-1]
        lines.append(
            f"| {one.operation.name} | {len(one.times)} | {one.p50:.1f} | {one.best_p50:.1f} | {p95:.1f}"
            f" | {one.operation.goal_ms:g} | {one.cpu_ms:.1f} | {one.load:.1f} |"
        )
    rare = [one for one in measured if "rare word" in one.operation.name]
    p50s, cpus = [one.best_p50 for one in rare], [one.cpu_ms for one in rare]
    lines.append(
        f"\nOf the rare words the slowest takes {max(p50s) / min(p50s):.1f} times as long as the fastest (p50 of"
        f" the best round; goal: 2), and {max(cpus) / min(cpus):.1f} times its CPU."
    )
    return "\n".join(lines) + "\n"


async def prepared(url: str, is_new: bool) -> UUID:
    """The id of the longest list of a database that is filled or migrated."""
    if is_new:
        await fill(url)
    await connect(url, settings())
    await migrations.migrate()
    rows = await fetch(LONGEST_LIST, OWNER)
    await disconnect()
    return UUID(str(rows[0]["list_id"]))


def main() -> None:
    """Measure everything, and write the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/big")  # noqa: S108 - as in bench.big
    cluster = EmbeddedPostgres(folder)
    is_new = cluster.is_new
    with cluster as url, tempfile.TemporaryDirectory() as logs:
        postmaster = (folder / "postgres" / "postmaster.pid").read_text().split()[0]
        postgres = psutil.Process(int(postmaster))
        list_id = asyncio.run(prepared(url, is_new))
        with serving(SERVER, url, Path(logs)) as server:
            client = Client(server, postgres)
            measured = [client.measured(one) for one in operations(client, list_id)]
    text = table(measured)
    print(text)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text(text)


if __name__ == "__main__":
    main()
