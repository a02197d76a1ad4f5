"""The metrics: what is counted, by how many processes, and which labels there are."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import ASGIApp

from tests.support.accounts import CREATE, PASSWORD, REGISTER, Account, Client, registered, visiting
from tests.support.databases import fresh_database
from tests.support.ports import free_port_pair
from tests.support.processes import (
    STOP_SECONDS,
    Program,
    Server,
    started,
    started_program,
    workers_of,
    works,
)
from tests.support.subscribers import connected, streaming
from tests.support.waiting import until
from todo_gql.app import create_app
from todo_gql.database.models import MailKind
from todo_gql.observability.build_info import build
from todo_gql.observability.exporter import BuildCollector, DatabaseCollector
from todo_gql.observability.metrics import MAX_OPERATION_NAMES, metrics
from todo_gql.observability.request_record import RequestRecord
from todo_gql.settings import Settings

HTTP_REQUESTS = "todo_gql_http_requests_total"
OPERATIONS = "todo_gql_operation_duration_seconds_count"
ERRORS = "todo_gql_errors_total"
STREAM_OPERATIONS = "todo_gql_stream_operations_total"
RENAME = 'mutation { tagRename(id: 1, name: "none") { errors { code } } }'
QUEUE = """
CREATE TABLE pgqueuer (entrypoint text, status text, created timestamptz);
INSERT INTO pgqueuer VALUES ('mail', 'queued', now() - interval '1 minute'),
    ('mail', 'queued', now()), ('mail', 'picked', now());
"""


@pytest.fixture
async def counted(app: ASGIApp, settings: Settings, database_url: str) -> AsyncIterator[Client]:
    """Somebody whose requests are counted in this process."""
    counting = settings.model_copy(update={"prometheus_enabled": True})
    async with visiting(create_app(counting, database_url)) as client:
        yield client


def value(name: str, **labels: str) -> float:
    """The value of a metric in this process."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def scraped(address: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What a server tells, by name and labels."""
    families = text_string_to_metric_families(httpx.get(address).text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def total(address: str, wanted: str, **labels: str) -> float:
    """The sum of a metric over all labels but those given."""
    found = scraped(address).items()
    return sum(count for (name, has), count in found if name == wanted and labels.items() <= has)


def stream_operations(address: str, transport: str) -> Counter[tuple[str, str]]:
    """How many operations have ended on a transport, by type and outcome."""
    found = Counter[tuple[str, str]]()
    for (name, labels), count in scraped(address).items():
        if name == STREAM_OPERATIONS and ("transport", transport) in labels:
            kinds = dict(labels)
            found[kinds["type"], kinds["outcome"]] += int(count)
    return found


def host_of(server: Server) -> str:
    """Where a server listens, without a scheme."""
    return server.address.removeprefix("http://").removesuffix("/graphql")


def signed_up(server: Server) -> str:
    """The access token of a new user."""
    name = f"user-{uuid4().hex[:12]}"
    sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return str(server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"])


@pytest.fixture(scope="module")
async def url(server_url: str) -> AsyncIterator[str]:
    """A database for this module's server."""
    async with fresh_database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Server]:
    """A server of four processes."""
    folder = tmp_path_factory.mktemp("four")
    settings = {
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "METRICS_PORT": "0",
        "PROMETHEUS_ENABLED": "true",
        "WORKERS": "4",
    }
    with started(folder / "log", "--migrate", settings=settings) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def address(server: Server) -> str:
    """Where the server tells its metrics."""
    [line] = [line for line in server.said if line.startswith("  Metrics")]
    return line.split()[1]


async def test_four_processes_add_up(server: Server, address: str) -> None:
    """What four processes answer is counted once each, also what a killed one had answered."""
    name = f"Adds{uuid4().hex}"
    body = {"query": f"query {name} {{ __typename }}"}

    def ask(_number: int) -> int:
        return httpx.post(server.address, json=body, timeout=STOP_SECONDS).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(80))) == {200}
    assert total(address, OPERATIONS, operation=name) == 80
    killed = workers_of(server)[0]
    killed.kill()
    await until(lambda: len({one.pid for one in workers_of(server)} - {killed.pid}) == 4)
    assert total(address, OPERATIONS, operation=name) == 80
    assert ask(0) == 200
    assert total(address, OPERATIONS, operation=name) == 81
    assert works(workers_of(server)[0])


def test_public_port_has_no_metrics(server: Server) -> None:
    """Who can send operations can't read the metrics."""
    answer = httpx.get(server.address.replace("/graphql", "/metrics"))
    assert answer.status_code == 404


def test_dashboard_and_alerts_use_metrics_that_exist(
    server: Server, address: str, project: Path
) -> None:
    """Each metric that is drawn or alerted on is told by a server, and described in the guide."""
    folder = project / "docs/observability"
    used: set[str] = set()
    for path in (folder / "grafana-dashboard.json", project / "helm/todo-gql/alerts.yaml"):
        used |= set(re.findall(r"\btodo_gql_\w+", path.read_text()))
    metrics()
    told = {family.name for family in REGISTRY.collect()}
    for collector in (DatabaseCollector(""), BuildCollector(["server"])):
        told |= {family.name for family in collector.collect()}
    families = {re.sub("_(total|bucket|sum|count)$", "", name) for name in used}
    assert families
    assert families <= told
    guide = (folder / "README.md").read_text()
    ours = {name for name in told if name.startswith("todo_gql_")}
    assert {name for name in ours if f"`{name}" not in guide} == set()
    # Those without labels have values from the start; the others once something happened.
    telling = {name for name, _ in scraped(address)}
    assert {"todo_gql_database_up", "todo_gql_subscriptions", HTTP_REQUESTS} <= telling


@pytest.fixture
def fresh(url: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where a server and a worker with the same settings, of which nobody asked, tell metrics."""
    port = free_port_pair()
    lines = {
        "DATABASE_URL": url,
        "METRICS_PORT": port,
        "PROMETHEUS_ENABLED": "true",
        "SECRET_KEY": "x" * 32,
        "BCRYPT_ROUNDS": "4",
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    with (
        started(tmp_path / "server", "--migrate", settings={}) as server,
        started_program(tmp_path / "worker", "worker", settings={}) as process,
    ):
        server.wait_until_ready()
        worker = Program(process, tmp_path / "worker")
        told = worker.next_line()
        assert worker.next_line().startswith("The worker is ready.")
        assert told == f"Metrics are at http://127.0.0.1:{port + 1}/metrics"
        yield f"http://127.0.0.1:{port}/metrics", told.split()[-1]
        worker.stop()


def test_server_and_worker_share_their_settings(fresh: tuple[str, str], project: Path) -> None:
    """One .env does for both on one machine; each tells what it is, and both tell the same build.

    What an alert divides or adds up is there before anything has happened, or the alert would stay
    silent until each part of it has.
    """
    server, worker = map(scraped, fresh)
    for told, role in ((server, "server"), (worker, "worker")):
        labels = frozenset(
            {("role", role), ("version", build().version), ("revision", build().revision)}
        )
        assert [key for key in told if key[0] == "todo_gql_build_info"] == [
            ("todo_gql_build_info", labels)
        ]
    alerts = (project / "helm/todo-gql/alerts.yaml").read_text()
    assert set(re.findall('role="(\\w+)"', alerts)) == {"server", "worker"}
    codes = set(re.findall('code=~?"([A-Z|]+)"', alerts))
    for code in "|".join(codes).split("|"):
        assert server[ERRORS, frozenset({("code", code)})] == 0
    asked = {("method", "POST"), ("route", "/graphql"), ("status", "200")}
    assert server[HTTP_REQUESTS, frozenset(asked)] == 0
    for kind in MailKind:
        for outcome in ("sent", "failed"):
            labels = frozenset({("kind", kind.name.lower()), ("outcome", outcome)})
            assert worker["todo_gql_mails_total", labels] == 0
    for name in ("todo_gql_jobs_total", "todo_gql_mails_total"):
        assert name not in {told for told, _ in server}


async def test_requests_operations_and_errors_are_counted(counted: Client) -> None:
    """A request is counted by route and status, its operation by name, its error by code."""
    before = value(HTTP_REQUESTS, method="POST", route="/graphql", status="200")
    unauthenticated = value(ERRORS, code="UNAUTHENTICATED")
    invalid = value(ERRORS, code="GRAPHQL_VALIDATION_FAILED")
    await counted.execute("query CountedHere { __typename }")
    await counted.execute("query FailedHere { stats { total } }")
    await counted.execute("query InvalidHere { nothing }")
    await counted.execute("{ __typename }")
    assert value(HTTP_REQUESTS, method="POST", route="/graphql", status="200") == before + 4
    assert value(OPERATIONS, operation="CountedHere", type="query", outcome="ok") == 1
    assert value(OPERATIONS, operation="FailedHere", type="query", outcome="error") == 1
    assert value(OPERATIONS, operation="InvalidHere", type="query", outcome="error") == 0
    assert value(OPERATIONS, operation="", type="query", outcome="ok") >= 1
    assert value(ERRORS, code="UNAUTHENTICATED") == unauthenticated + 1
    assert value(ERRORS, code="GRAPHQL_VALIDATION_FAILED") == invalid + 1


async def test_loader_batches_are_measured(counted: Client) -> None:
    """The histories of three todos are one batch of three keys."""
    account = await registered(counted)
    for title in ("one", "two", "three"):
        await account.create(title=title)
    labels = {"loader": "history_by_todo_id"}
    batches = value("todo_gql_loader_batch_size_count", **labels)
    keys = value("todo_gql_loader_batch_size_sum", **labels)
    await account.data("{ todos { nodes { history { nodes { action } } } } }")
    assert value("todo_gql_loader_batch_size_count", **labels) == batches + 1
    assert value("todo_gql_loader_batch_size_sum", **labels) == keys + 3


async def test_pool_loop_and_document_cache_are_sampled(server: Server, address: str) -> None:
    """The cache's hits, the pools' connections and the loop's lag show within moments."""
    cache = "todo_gql_document_cache_requests_total"
    looked_up = total(address, cache)
    token = signed_up(server)
    for _ in range(19):
        server.execute("query Sampled { viewer { username } }", token)
    # What others looked up just before may be counted only now.
    await until(lambda: total(address, cache) >= looked_up + 20)
    assert total(address, cache, result="hit") >= 15
    connections = "todo_gql_database_pool_connections"
    await until(lambda: total(address, connections, state="idle") >= 10)
    assert total(address, "todo_gql_database_pool_limit") in {20, 40, 60, 80}
    assert total(address, "todo_gql_database_pool_waiting") == 0
    assert total(address, "todo_gql_event_loop_lag_seconds") >= 0


async def test_open_subscriptions_are_counted_and_not_timed(server: Server, address: str) -> None:
    """A stream and a WebSocket show while they are open, and their length as no duration."""
    host, token = host_of(server), signed_up(server)
    async with streaming(host, token) as stream, connected(host, token) as one:
        await anext(stream.lines)
        await one.subscribe()
        await until(lambda: total(address, "todo_gql_subscriptions") == 2)
    await until(lambda: total(address, "todo_gql_subscriptions") == 0)
    assert total(address, OPERATIONS, type="subscription") == 0


async def test_operations_on_a_websocket_are_counted(server: Server, address: str) -> None:
    """Operations on a WebSocket are counted by outcome, and a subscription once it has ended."""
    before = stream_operations(address, "websocket")
    unauthenticated = total(address, ERRORS, code="UNAUTHENTICATED")
    name, token = f"Socket{uuid4().hex}", signed_up(server)
    async with connected(host_of(server), token) as one:
        await one.execute(f"query {name} {{ stats {{ total }} }}")
        await one.execute(RENAME)
        start = server.execute("{ changeCursor }", token)["changeCursor"]
        await one.subscribe(after=start)
        server.execute(CREATE, token, input={"title": "Told"})
        await one.changes(1)
    async with connected(host_of(server)) as stranger:
        await stranger.execute(f"query {name} {{ stats {{ total }} }}")
        await stranger.subscribe("{ nothing }")
        assert (await stranger.next())["type"] == "error"
    expected = {
        ("query", "ok"): 1,
        ("mutation", "ok"): 1,
        ("subscription", "ok"): 1,
        ("query", "error"): 1,
        ("", "error"): 1,
    }
    await until(lambda: stream_operations(address, "websocket") - before == expected)
    assert total(address, OPERATIONS, operation=name, outcome="ok") == 1
    assert total(address, OPERATIONS, operation=name, outcome="error") == 1
    assert total(address, ERRORS, code="UNAUTHENTICATED") == unauthenticated + 1


async def test_operations_on_event_streams_are_counted(server: Server, address: str) -> None:
    """Operations on event streams are counted by outcome once the stream has ended."""
    before = stream_operations(address, "event_stream")
    unauthenticated = total(address, ERRORS, code="UNAUTHENTICATED")
    invalid = total(address, ERRORS, code="GRAPHQL_VALIDATION_FAILED")
    host, name, token = host_of(server), f"Stream{uuid4().hex}", signed_up(server)
    for query in (f"query {name} {{ stats {{ total }} }}", RENAME, "{ nothing }"):
        async with streaming(host, token, query) as stream:
            assert [(await stream.next())[0] for _ in range(2)] == ["next", "complete"]
    async with streaming(host, None) as stream:
        assert (await stream.next())[1]["errors"]
    async with streaming(host, token) as stream:
        await anext(stream.lines)
        await until(lambda: total(address, "todo_gql_subscriptions") == 1)
    expected = {
        ("query", "ok"): 1,
        ("mutation", "ok"): 1,
        ("", "error"): 1,
        ("subscription", "error"): 1,
        ("subscription", "ok"): 1,
    }
    await until(lambda: stream_operations(address, "event_stream") - before == expected)
    assert total(address, OPERATIONS, operation=name, outcome="ok") == 1
    assert total(address, ERRORS, code="UNAUTHENTICATED") == unauthenticated + 1
    assert total(address, ERRORS, code="GRAPHQL_VALIDATION_FAILED") == invalid + 1


async def test_labels_stay_few_whatever_clients_send(counted: Client) -> None:
    """Users, ids, paths, methods and ever new operation names make no ever new labels."""
    account: Account = await registered(counted)
    todo = await account.create(title="Labelled")
    for number in range(MAX_OPERATION_NAMES + 50):
        await account.data(f'query Name{number} {{ node(id: "{todo["id"]}") {{ id }} }}')
    for path in ("/graphql/a", "/graphql/b", f"/{account.id}"):
        await counted.http.request("PURGE", path)
    labels = {
        (name, label)
        for family in REGISTRY.collect()
        if family.name.startswith("todo_gql_")
        for sample in family.samples
        for name, label in sample.labels.items()
        if name != "le"
    }
    operations = {label for name, label in labels if name == "operation"}
    assert len(operations - {"", "other"}) == MAX_OPERATION_NAMES
    assert "other" in operations
    assert {label for name, label in labels if name == "method"} <= {"POST", "GET", "other"}
    assert {label for name, label in labels if name == "route"} <= {"/graphql", "other"}
    assert not [label for _, label in labels if account.id in label or todo["id"] in label]


def test_cost_of_an_operation_is_measured() -> None:
    """A cost that is known is in the histogram of its type."""
    before = value("todo_gql_operation_cost_sum", type="query")
    record = RequestRecord("r-1", operation="", type="query", cost=42)
    metrics().request_answered(record, "POST", "/graphql", 200, 0.01)
    assert value("todo_gql_operation_cost_sum", type="query") == before + 42


@pytest.mark.own_schema
async def test_queue_of_jobs_is_read_from_the_database(server_url: str) -> None:
    """Jobs are told by kind and status with the age of the oldest, once there is a queue."""
    async with fresh_database(server_url) as url:
        collector = DatabaseCollector(url)

        def told() -> dict[str, dict[tuple[str, ...], float]]:
            return {
                family.name: {tuple(s.labels.values()): s.value for s in family.samples}
                for family in collector.collect()
            }

        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(told).result()["todo_gql_job_queue"] == {}
            connection = await asyncpg.connect(url)
            await connection.execute(QUEUE)
            await connection.close()
            found = thread.submit(told).result()
    assert found["todo_gql_database_up"] == {(): 1.0}
    assert found["todo_gql_job_queue"] == {("mail", "queued"): 2.0, ("mail", "picked"): 1.0}
    assert found["todo_gql_job_queue_oldest_seconds"][("mail", "queued")] >= 60


def test_database_that_is_away_is_told_of() -> None:
    """Metrics can be scraped without the database, and say that it is away."""
    families = {f.name: f for f in DatabaseCollector("postgresql://127.0.0.1:1/no").collect()}
    [sample] = families["todo_gql_database_up"].samples
    assert sample.value == 0.0
    assert families["todo_gql_job_queue"].samples == []
