"""The clients for Python: what ariadne-codegen writes, and a round trip with it and with gql."""

import pytest

from tests.clients.programs import HERE, PYTHON_PROGRAMS, run
from tests.support.processes import Server

FOLDER = HERE / "python"


pytestmark = pytest.mark.usefixtures("compiled_python")


def test_the_types_are_strict() -> None:
    """What uses the written package passes mypy at its strictest."""
    python = PYTHON_PROGRAMS / "python"
    mypy = HERE.parent.parent / ".venv" / "bin" / "mypy"
    options = (
        "--strict",
        "--explicit-package-bases",
        "--follow-imports=silent",
        "--config-file=",
        "--python-executable",
    )
    run(mypy, *options, python, *sorted(FOLDER.glob("*.py")), folder=FOLDER, MYPYPATH=".")


@pytest.mark.parametrize("client", ["ariadne", "gql", "session"])
def test_a_client_makes_its_round_trip(server: Server, client: str) -> None:
    """A client does everything from signing up to refreshed tokens against a running server."""
    run(
        PYTHON_PROGRAMS / "pytest",
        "-q",
        f"test_{client}.py",
        folder=FOLDER,
        TODO_URL=server.address,
    )
