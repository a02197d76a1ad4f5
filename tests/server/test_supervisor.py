"""How the server lives and dies: readiness, draining, several worker processes, recycling."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.databases import fresh_database
from tests.support.processes import STOP_SECONDS, Server, started, workers_of, works
from tests.support.waiting import until
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

TYPENAME = {"query": "{ __typename }"}


@pytest.fixture(scope="module")
async def url(server_url: str) -> AsyncIterator[str]:
    """A database for this module's servers, which the first of them migrates."""
    async with fresh_database(server_url) as url:
        yield url


@contextmanager
def serving(folder: Path, url: str, **settings: str) -> Iterator[Server]:
    """A server on a database, with settings of the test's own."""
    given = {"DATABASE_URL": url, "DATA_DIR": str(folder)} | settings
    with started(folder / "log", "--migrate", settings=given) as server:
        server.wait_until_ready()
        yield server


def test_stopping_server_is_not_ready_and_serves_on(tmp_path: Path, url: str) -> None:
    """During SHUTDOWN_DELAY readiness is off, requests are answered, and connections close."""
    with serving(tmp_path, url, SHUTDOWN_DELAY="2") as server:
        root = server.address.removesuffix("/graphql")
        with httpx.Client() as http:
            assert http.get(f"{root}/health/ready").status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.next_line() == "Stopping."
            ready = http.get(f"{root}/health/ready")
            assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
            assert http.get(f"{root}/health/live").status_code == 200
            answer = httpx.post(server.address, json=TYPENAME)
            assert answer.json()["data"] == {"__typename": "Query"}
            assert answer.headers["connection"] == "close"
        assert server.process.wait(STOP_SECONDS) == 0


async def test_request_under_way_is_answered_before_the_end(tmp_path: Path, url: str) -> None:
    """An operation that waits for a lock when the signal comes is executed and answered."""
    with serving(tmp_path, url) as server:
        given = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        token = server.execute(REGISTER, input=given)["register"]["tokens"]["accessToken"]
        holder = await asyncpg.connect(url)
        await holder.execute("BEGIN; SELECT FROM users FOR UPDATE")
        creating = asyncio.create_task(
            asyncio.to_thread(server.execute, CREATE, token, input={"title": "In time"})
        )
        watcher = await asyncpg.connect(url)
        await until(lambda: watcher.fetchval("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"))
        server.process.send_signal(signal.SIGTERM)
        assert server.next_line() == "Stopping."
        await holder.execute("ROLLBACK")
        assert (await creating)["todoCreate"]["todo"]["title"] == "In time"
        assert server.process.wait(STOP_SECONDS) == 0
        await holder.close()
        await watcher.close()


async def test_dead_worker_is_replaced(tmp_path: Path, url: str) -> None:
    """A worker that is killed has a successor, is told of in the log, and nobody is refused."""
    with serving(tmp_path, url, WORKERS="2") as server:
        first, second = workers_of(server)
        first.kill()
        await until(lambda: len({one.pid for one in workers_of(server)} - {first.pid}) == 2)
        assert works(second)
        server.execute("{ __typename }")
        assert '"a worker process ended"' in server.log.read_text()
        workers = workers_of(server)
        assert server.stop(signal.SIGTERM) == "Stopping.\nStopped.\n"
        assert server.process.returncode == 0
        assert not any(works(one) for one in workers)


async def test_ctrl_c_stops_all_workers(tmp_path: Path, url: str) -> None:
    """Ctrl-C reaches parent and workers at once, and leaves no process and no traceback."""
    with serving(tmp_path, url, WORKERS="2") as server:
        workers = workers_of(server)
        assert server.stop(signal.SIGINT) == "Stopping.\nStopped.\n"
        assert server.process.returncode == 0
        assert not any(works(one) for one in workers)
        assert "Traceback" not in server.log.read_text()


def test_ctrl_c_after_another_signal_changes_nothing(tmp_path: Path, url: str) -> None:
    """A server that is stopping already stops in order, whichever signal came first."""
    with serving(tmp_path, url, SHUTDOWN_DELAY="1") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.next_line() == "Stopping."
        assert server.stop(signal.SIGINT) == "Stopped.\n"
        assert server.process.returncode == 0
        assert "Traceback" not in server.log.read_text()


async def test_workers_end_with_their_parent(tmp_path: Path, url: str) -> None:
    """Workers whose parent was killed stop too, and free the port."""
    with serving(tmp_path, url, WORKERS="2") as server:
        workers = workers_of(server)
        port = httpx.URL(server.address).port
        server.kill()
        await until(lambda: not any(works(one) for one in workers))
        socket.create_server(("127.0.0.1", port)).close()


async def test_recycling_fails_no_request(tmp_path: Path, url: str) -> None:
    """A process that reaches MAX_REQUESTS is replaced, and every request is answered."""
    with serving(tmp_path, url, WORKERS="1", MAX_REQUESTS="50") as server:
        before = {one.pid for one in workers_of(server)}
        answers: list[dict[str, Any]] = []
        async with httpx.AsyncClient(timeout=STOP_SECONDS) as http:

            async def ask() -> None:
                while before & {one.pid for one in workers_of(server)}:
                    answer = await http.post(server.address, json=TYPENAME)
                    answers.append(answer.json())

            await asyncio.gather(*(ask() for _ in range(4)))
        assert len(answers) > 50
        assert all(answer["data"] == {"__typename": "Query"} for answer in answers)
        server.execute("{ __typename }")


def test_database_away_is_unready_and_alive(tmp_path: Path) -> None:
    """A server without its database lives and isn't ready, and is ready when it is back."""
    postgres = EmbeddedPostgres(tmp_path / "database", durable=False)
    with serving(tmp_path, postgres.start()) as server:
        root = server.address.removesuffix("/graphql")
        assert httpx.get(f"{root}/health/ready").status_code == 200
        postgres.stop()
        assert httpx.get(f"{root}/health/ready").status_code == 503
        assert httpx.get(f"{root}/health/live").status_code == 200
        answer = httpx.post(server.address, json={"query": "{ viewer { id } }"})
        assert answer.json()["data"] == {"viewer": None}
        postgres.start()
        assert httpx.get(f"{root}/health/ready").status_code == 200
        assert server.stop(signal.SIGTERM) == "Stopping.\nStopped.\n"
    postgres.stop()


def test_worker_that_cannot_start_ends_the_server(tmp_path: Path, url: str) -> None:
    """A server whose workers can't start says so and ends instead of trying for ever."""
    given = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "WORKERS": "2"}
    broken = given | {"SENTRY_DSN": "http://key@host:port/1"}
    with started(tmp_path / "log", "--migrate", settings=broken) as server:
        assert server.process.wait(STOP_SECONDS) == 1
    assert "A worker process can't start. See the log." in server.log.read_text()
