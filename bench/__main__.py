"""The commands: `run` compares, `profile` draws a flame graph, `memory` watches it grow."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
import uvloop

from bench import report
from bench.comparison import (
    FIRST_READER,
    FIRST_WRITER,
    FULL,
    QUICK,
    WITH_MANY,
    check_same_answers,
    compare,
    owners_of,
)
from bench.data import Owner, fresh_copy, owner
from bench.load import measure
from bench.operations import BY_NAME, OPERATIONS
from bench.servers import FLOOR, GRAPHQL_CORE, SERVER, serving
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

FOLDER = Path(__file__).parent
CLUSTER = FOLDER / ".data"
RESULTS = FOLDER / "results"
MOST_CONNECTIONS = 32
PROFILE_SECONDS = 8

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """A database with the data set, who uses it, and a folder for what servers say."""

    url: str
    owners: dict[int, Owner]
    postgres: str
    folder: Path


@asynccontextmanager
async def setting() -> AsyncIterator[Setting]:
    """Everything but servers, as it was at first."""
    with (
        EmbeddedPostgres(CLUSTER, durable=False) as server_url,
        tempfile.TemporaryDirectory() as folder,
    ):
        async with fresh_copy(server_url) as url:
            connection = await asyncpg.connect(url)
            numbers = [
                *range(FIRST_READER, FIRST_READER + MOST_CONNECTIONS),
                *range(FIRST_WRITER, FIRST_WRITER + MOST_CONNECTIONS),
                WITH_MANY,
            ]
            owners = {number: await owner(connection, number) for number in numbers}
            postgres = str(await connection.fetchval("SHOW server_version"))
            await connection.close()
            yield Setting(url, owners, postgres, Path(folder))


@app.command()
def run(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure shortly, and keep nothing.")
    ] = False,
) -> None:
    """Compare the floor, the server, and the server with graphql-core."""
    uvloop.run(_run(quick=quick))


async def _run(*, quick: bool) -> None:
    async with setting() as given:
        with ExitStack() as running:
            servers = [
                running.enter_context(serving(name, given.url, given.folder))
                for name in (FLOOR, SERVER, GRAPHQL_CORE)
            ]
            await check_same_answers(servers, given.owners)
            results = await compare(servers, given.owners, QUICK if quick else FULL, typer.echo)
    machine = report.machine(given.postgres)
    typer.echo(report.table(results, machine))
    if not quick:
        stem = RESULTS / datetime.now(UTC).strftime("%Y-%m-%d")
        report.write(results, machine, stem)
        typer.echo(f"Kept beside each other as {stem.name} in bench/results.")


@app.command()
def profile(
    name: Annotated[str, typer.Argument(help="An operation: O1 to O6.")],
    server: Annotated[str, typer.Option(help="Which server.")] = SERVER,
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("profile.svg"),
) -> None:
    """Draw a flame graph of an operation under 32 connections."""
    uvloop.run(_profile(name, server, output))


async def _profile(name: str, server_name: str, output: Path) -> None:
    operation = BY_NAME[name]
    async with setting() as given:
        with serving(server_name, given.url, given.folder) as server:
            senders = owners_of(operation, given.owners, MOST_CONNECTIONS)
            requests = [operation.requests(each) for each in senders]
            await measure(server, requests, 0.2)
            recording = await asyncio.create_subprocess_exec(
                "py-spy",
                "record",
                "--pid",
                str(server.process.pid),
                "--output",
                str(output),
                "--duration",
                str(PROFILE_SECONDS),
                "--rate",
                "500",
                "--nonblocking",
                stdout=subprocess.DEVNULL,
            )
            while recording.returncode is None:
                found = await measure(server, requests, 1)
    typer.echo(f"{name} took {found.cpu_ms:.3f} ms of CPU while it was watched: {output}")


@app.command()
def memory(
    requests: Annotated[int, typer.Option(min=40_000, help="How many.")] = 200_000,
) -> None:
    """Send many requests of all operations, and fail if the memory that is held grows by 5 %."""
    uvloop.run(_memory(requests))


async def _memory(wanted: int) -> None:
    async with setting() as given:
        with serving(SERVER, given.url, given.folder) as server:
            sent, first = 0, 0
            while sent < wanted:
                for operation in OPERATIONS:
                    senders = owners_of(operation, given.owners, MOST_CONNECTIONS)
                    found = await measure(server, [operation.requests(o) for o in senders], 1)
                    sent += found.requests
                if sent >= 20_000 and not first:
                    first = server.resident_bytes()
                typer.echo(f"{sent:,} requests: {server.resident_bytes() / 2**20:.1f} MiB")
            growth = server.resident_bytes() / first - 1
    typer.echo(f"After the first 20,000 it grew by {growth:.1%}.")
    if growth > 0.05:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
