"""A real server for real clients, and the programs that these are made of."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.clients.programs import HERE, NO_LIMITS, PROGRAMS, PYTHON_PROGRAMS, TrustingServers, run
from tests.documentation.blocks import ROOT, named, write_programs
from tests.support.accounts import PASSWORD, REGISTER
from tests.support.processes import Server, serving, started
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

# Run by the environment of the Python clients.
collect_ignore = ["python"]


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
