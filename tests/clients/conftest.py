"""A real server for real clients, and the programs that these are made of."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import PASSWORD, REGISTER
from tests.documentation.blocks import ROOT, named, write_programs
from tests.support.processes import Server, clean_environment, serving, started
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"
PYTHON_PROGRAMS = HERE.parent.parent / ".venv" / "clients" / "bin"
# The versions of Node to try, such as 20, 22 and 24; without any the one that is there.
NODES = os.environ.get("NODES", "").split() or ["there"]
# All clients share one address.
NO_LIMITS = dict.fromkeys(
    (
        "RATE_LIMIT_CREDENTIALS",
        "RATE_LIMIT_CREDENTIALS_PER_ADDRESS",
        "RATE_LIMIT_REQUESTS",
        "RATE_LIMIT_COST",
    ),
    "0",
)
# Run by the environment of the Python clients.
collect_ignore = ["python"]


class TrustingServers(NamedTuple):
    """Servers with a manifest: one executes other documents, too, the other refuses them."""

    any: Server
    only: Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that all clients ask."""
    with serving(tmp_path_factory.mktemp("clients") / "data", NO_LIMITS) as server:
        yield server


@pytest.fixture(scope="session")
def trusting(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustingServers]:
    """Two servers on one database, with one manifest."""
    folder = tmp_path_factory.mktemp("manifest")
    manifest = folder / "manifest.json"
    manifest.write_text(run("node", "--import", "tsx", "src/persisted-manifest.ts"))
    with ExitStack() as servers:
        url = servers.enter_context(EmbeddedPostgres(folder / "postgres", durable=False))
        settings = NO_LIMITS | {
            "DATABASE_URL": url,
            "DATA_DIR": str(folder),
            "TRUSTED_DOCUMENTS": str(manifest),
        }
        only = settings | {"TRUSTED_DOCUMENTS_ONLY": "true"}
        both = TrustingServers(
            servers.enter_context(started(folder / "any", "--migrate", settings=settings)),
            servers.enter_context(started(folder / "only", "--migrate", settings=only)),
        )
        for server in both:
            server.wait_until_ready()
        yield both


@pytest.fixture(scope="session")
def token(server: Server) -> str:
    """An access token of somebody new."""
    sent = {"username": "audits", "email": "audits@example.com", "password": PASSWORD}
    return str(server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"])


@pytest.fixture(scope="session", autouse=True)
def written() -> None:
    """The programs of the documentation."""
    write_programs()


@pytest.fixture(scope="session")
def compiled_python(written: None) -> None:
    """The package that ariadne-codegen writes."""
    run(PYTHON_PROGRAMS / "ariadne-codegen", folder=HERE / "python")


@pytest.fixture(scope="session")
def compiled(written: None) -> None:
    """What compilers make of the schema for the documented programs in TypeScript."""
    shutil.copyfile(ROOT / "schema.graphql", HERE / "schema.graphql")
    config = json.loads(named("relay.config.json").text) | {"noSourceControl": True}
    (HERE / "relay.config.json").write_text(json.dumps(config))
    run(PROGRAMS / "graphql-codegen")
    run(PROGRAMS / "relay-compiler")


def node(version: str) -> tuple[str | Path, ...]:
    """A version of Node, that runs a file of tests in TypeScript."""
    program: str | Path = "node"
    if version != "there":
        program = HERE / "nodes" / "node_modules" / f"node-{version}" / "bin" / "node"
    hooks = ("tsx", "./relay-hooks.mjs", "./web-socket.mjs")
    return (program, *(f"--import={hook}" for hook in hooks), "--test", "--test-force-exit")


def run(*command: str | Path, folder: Path = HERE, seconds: float = 120, **environment: str) -> str:
    """What a program prints; fails with all that it said unless it ends well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment() | {"NO_COLOR": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
