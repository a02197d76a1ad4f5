"""Migrates a large database of the previous release while its servers are under load."""

import argparse
import asyncio
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bench.data import SECRET_KEY, owner_id, settings
from bench.migration.locks import watched_locks
from bench.migration.report import Measured, Phase, Request, write_report
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.security.tokens import Claims, signed_access_token

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DATA = HERE.parent / ".data" / "migration"
# The newest commit before the migrations that are measured.
PREVIOUS = "2a136ff3f101a9cd90636bfb210b2253168d21e1"
OWNERS = 1_000
OWNERS_OF_MANY = 3
STOP_SECONDS = 30
START_SECONDS = 60
# Nothing here may take longer.
LONGEST_SECONDS = 3_600
RATE_LIMITS = (
    "RATE_LIMIT_REQUESTS",
    "RATE_LIMIT_COST",
    "RATE_LIMIT_CREDENTIALS",
    "RATE_LIMIT_CREDENTIALS_PER_ADDRESS",
)
WRONG_ROWS = {
    "todos without a position": "SELECT count(*) FROM todos WHERE position IS NULL",
    "positions that two todos have": (
        "SELECT count(*) FROM (SELECT FROM todos GROUP BY owner_id, list_id, position"
        " HAVING count(*) > 1) t"
    ),
    "todos with another day than that of their due_at": (
        "SELECT count(*) FROM todos WHERE due_on IS DISTINCT FROM"
        " (due_at AT TIME ZONE coalesce(due_time_zone, 'UTC'))::date"
    ),
    "accounts without a feed, or with another number than it": (
        "SELECT count(*) FROM users u LEFT JOIN feeds f ON f.owner_id = u.id"
        " WHERE f.seq IS DISTINCT FROM u.change_seq"
    ),
    "accounts with gaps in their log": (
        "SELECT count(*) FROM users u WHERE change_seq <>"
        " (SELECT count(*) FROM changes c WHERE c.owner_id = u.id)"
    ),
    "invalid indexes": "SELECT count(*) FROM pg_index WHERE NOT indisvalid",
    "constraints that aren't validated": "SELECT count(*) FROM pg_constraint WHERE NOT convalidated",
}
WITHOUT_TEXT = "SELECT count(*) FROM todos WHERE search_text IS NULL"


def database(server_url: str, name: str) -> str:
    """The URL of another database of the server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def previous_release(given: Path | None) -> Path:
    """A folder with the previous release and its packages."""
    if given:
        return given.resolve()
    folder = DATA / PREVIOUS[:12]
    if not (folder / "pyproject.toml").exists():
        folder.mkdir(parents=True)
        archive = subprocess.run(
            ["git", "archive", "--format=tar", PREVIOUS],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        subprocess.run(
            ["tar", "--extract", "--directory", folder], input=archive.stdout, check=True
        )
    subprocess.run(["make", "--silent", "--directory", folder, ".venv/bench"], check=True)
    return folder


def fill(url: str, previous: Path, todos: int) -> None:
    """Fill an empty database, by the previous release."""
    subprocess.run(
        [previous / ".venv/bin/python", HERE / "fill.py", url, str(OWNERS), str(todos)],
        cwd=previous,
        env=os.environ | {"PYTHONPATH": str(previous)},
        check=True,
    )


@asynccontextmanager
async def filled_database(server_url: str, previous: Path, todos: int) -> AsyncIterator[str]:
    """A copy of a database of the previous release, which is filled by the first run."""
    admin = await asyncpg.connect(server_url)
    pristine = f"pristine_{todos}"
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", pristine):
            await admin.execute("DROP DATABASE IF EXISTS unfinished WITH (FORCE)")
            await admin.execute("CREATE DATABASE unfinished")
            await asyncio.to_thread(fill, database(server_url, "unfinished"), previous, todos)
            await admin.execute(f"ALTER DATABASE unfinished RENAME TO {pristine}")
        await admin.execute("DROP DATABASE IF EXISTS migrating WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE migrating TEMPLATE {pristine} STRATEGY file_copy")
        yield database(server_url, "migrating")
    finally:
        await admin.execute("DROP DATABASE IF EXISTS migrating WITH (FORCE)")
        await admin.close()


@contextmanager
def server(tree: Path, url: str, folder: Path) -> Iterator[str]:
    """The address of a server of a checkout, on the database."""
    changes = dict.fromkeys(RATE_LIMITS, "0") | {
        "ACCESS_TOKEN_EXPIRE_MINUTES": "600",
        "ACCOUNT_TODOS": "10000000",
        "BCRYPT_ROUNDS": "8",
        "DATABASE_URL": url,
        "LOG_LEVEL": "WARNING",
        "PORT": "0",
        "PYTHONPATH": str(tree),
        "SECRET_KEY": SECRET_KEY,
    }
    with (
        (folder / f"{tree.name}.log").open("wb") as log,
        subprocess.Popen(
            [tree / ".venv/bin/python", "-m", "todo_gql", "serve"],
            env=os.environ | changes,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout
            line = next((line for line in process.stdout if "GraphiQL" in line), "")
            if not line:
                sys.exit((folder / f"{tree.name}.log").read_text())
            yield line.split()[1].removesuffix("/graphql")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


@contextmanager
def load(folder: Path, users: int) -> Iterator[None]:
    """Users who send requests to the addresses in a file within the block."""
    many = owner_id(OWNERS)
    token = signed_access_token(Claims(many, many), settings(access_token_expire_minutes=600))
    environment = {
        "LOAD_ADDRESSES": str(folder / "addresses"),
        "LOAD_LOG": str(folder / "requests.csv"),
        "LOAD_OWNERS_OF_MANY": str(OWNERS_OF_MANY),
        "LOAD_TOKEN": token,
    }
    command = [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary"),
        *("--locustfile", str(HERE / "users.py"), "--host", "http://127.0.0.1"),
        *("--users", str(users), "--spawn-rate", "5", "--stop-timeout", "10"),
        *("--run-time", f"{LONGEST_SECONDS}s", "--exit-code-on-error", "0"),
    ]
    with (
        (folder / "locust.log").open("wb") as log,
        subprocess.Popen(
            command, env=os.environ | environment, cwd=folder, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


async def migrate(url: str) -> list[str]:
    """Run `todo-gql migrate`; returns what it logs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "todo_gql", "migrate"),
        env=os.environ | {"DATABASE_URL": url},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), LONGEST_SECONDS)
    text = said.decode()
    if process.returncode:
        sys.exit(text)
    return text.splitlines()


def requests(path: Path) -> list[Request]:
    """All requests of the load."""
    with path.open(newline="") as file:
        return [
            Request(float(begin), name, float(milliseconds), error)
            for begin, name, milliseconds, error in csv.reader(file)
        ]


async def measure(url: str, previous: Path, folder: Path, given: argparse.Namespace) -> Measured:
    """Send the load before, during and after the migration, and then to both releases' servers."""
    phases: list[Phase] = []
    addresses = folder / "addresses"

    async def phase(name: str, seconds: float) -> None:
        begin = time.time()
        await asyncio.sleep(seconds)
        phases.append(Phase(name, begin, time.time()))

    with server(previous, url, folder) as old:
        addresses.write_text(old)
        async with watched_locks(url) as locks:
            with load(folder, given.users):
                await asyncio.sleep(given.users / 5 + 5)
                await phase("before", given.seconds)
                begin = time.time()
                said = await migrate(url)
                phases.append(Phase("migration", begin, time.time()))
                await phase("after, previous release", given.seconds)
                with server(ROOT, url, folder) as new:
                    addresses.write_text(f"{old} {new}")
                    await phase("after, both releases", given.seconds)
                    addresses.write_text(old)
                    await asyncio.sleep(2)
        connection = await asyncpg.connect(url)
        wrong = {name: await connection.fetchval(sql) for name, sql in WRONG_ROWS.items()}
        without_text = await connection.fetchval(WITHOUT_TEXT)
        todos = await connection.fetchval("SELECT count(*) FROM todos")
        await connection.close()
    return Measured(
        phases, requests(folder / "requests.csv"), locks, said, wrong, without_text, todos
    )


async def main() -> None:
    """Measure, write the report, and fail if a request did or a row is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--previous", type=Path, help="a checkout with .venv/bench")
    parser.add_argument("--todos", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60, help="of each phase but the migration")
    given = parser.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    previous = previous_release(given.previous)
    with (
        EmbeddedPostgres(DATA / "cluster") as server_url,
        tempfile.TemporaryDirectory(prefix="todo_gql-migration-") as name,
    ):
        async with filled_database(server_url, previous, given.todos) as url:
            measured = await measure(url, previous, Path(name), given)
    print(write_report(measured, given.users))
    if problems := measured.problems():
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    asyncio.run(main())
