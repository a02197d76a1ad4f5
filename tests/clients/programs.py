"""The programs that clients are made of, and the servers that they ask."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.processes import Server, clean_environment

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


class TrustingServers(NamedTuple):
    """Servers with a manifest: one executes other documents, too, the other refuses them."""

    any: Server
    only: Server


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
