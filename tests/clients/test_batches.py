"""Clients that send several operations in one request hear in words that they can't."""

from tests.clients.programs import HERE, run
from tests.support.processes import Server

FOLDER = HERE / "python"
PROGRAMS = HERE.parent.parent / ".venv" / "clients" / "bin"


def test_apollo_client_shows_why(server: Server) -> None:
    """Apollo Client shows the reason as the error of each operation, and not as a status."""
    run("node", "--import", "tsx", "--test", "src/batches.test.ts", TODO_URL=server.address)


def test_gql_shows_why(server: Server) -> None:
    """The gql client shows the reason as an error of the query, and not as one of its protocol."""
    run(PROGRAMS / "pytest", "-q", "test_batches.py", folder=FOLDER, TODO_URL=server.address)
