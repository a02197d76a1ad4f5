"""The clients of front ends: what they compile, and a round trip with each."""

import pytest

from tests.clients.conftest import HERE, PROGRAMS, run
from tests.programs import Server
from todo_gql.schema import graphql_schema

NODE = ("node", "--import", "tsx", "--import", "./relay-hooks.mjs", "--test")
needs_subscriptions = pytest.mark.skipif(
    graphql_schema().subscription_type is None, reason="the schema has no subscriptions"
)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The types that graphql-codegen's client preset and relay-compiler make of the schema."""
    run(PROGRAMS / "graphql-codegen")
    run(PROGRAMS / "relay-compiler")


def test_the_types_are_strict() -> None:
    """What the compilers write, and what uses it, passes TypeScript at its strictest."""
    run(PROGRAMS / "tsc")


def test_the_schema_keeps_to_the_rules_of_graphql_eslint() -> None:
    """Those for schemas and those for Relay, but for the exceptions given with their reasons."""
    eslint = PROGRAMS / "eslint"
    run(eslint, "--config", HERE / "eslint.config.js", "schema.graphql", folder=HERE.parent.parent)


@pytest.mark.parametrize("client", ["apollo", "urql", "relay/relay"])
def test_a_client_makes_its_round_trip(server: Server, client: str) -> None:
    """From signing up to a token that expired, against a running server."""
    run(*NODE, f"src/{client}.test.ts", TODO_URL=server.address)


@needs_subscriptions
@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse", "urql"])
def test_a_client_follows_changes(server: Server, client: str) -> None:
    """Those that it missed, then those made while it listens."""
    run(*NODE, f"src/subscriptions/{client}.test.ts", TODO_URL=server.address)
