"""The clients of front ends: what they compile, and a round trip with each."""

import pytest

from tests.clients.programs import HERE, NODES, PROGRAMS, TrustingServers, node, run
from tests.support.processes import Server

pytestmark = pytest.mark.usefixtures("compiled")


def test_the_types_are_strict() -> None:
    """What the compilers write, and what uses it, passes TypeScript at its strictest."""
    run(PROGRAMS / "tsc")


def test_the_schema_keeps_to_the_rules_of_graphql_eslint() -> None:
    """The schema passes graphql-eslint's rules for schemas and Relay, with few exceptions."""
    eslint = PROGRAMS / "eslint"
    run(eslint, "--config", HERE / "eslint.config.js", "schema.graphql", folder=HERE.parent.parent)


@pytest.mark.parametrize("version", NODES)
@pytest.mark.parametrize(
    "client", ["session", "first-todo", "apollo", "pages", "urql", "relay/relay"]
)
def test_a_client_makes_its_round_trip(server: Server, client: str, version: str) -> None:
    """A client does everything from signing up to an expired token against a running server."""
    run(*node(version), f"src/{client}.test.ts", TODO_URL=server.address)


@pytest.mark.parametrize("version", NODES)
def test_clients_ask_for_documents_by_their_ids(
    server: Server, trusting: TrustingServers, version: str
) -> None:
    """Clients ask for documents by id, whether the server knows them or runs no others."""
    run(
        *node(version),
        "src/persisted.test.ts",
        TODO_URL=server.address,
        TODO_TRUSTING_URL=trusting.any.address,
        TODO_ONLY_URL=trusting.only.address,
    )
