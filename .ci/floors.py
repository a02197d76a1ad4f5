"""Compares the lock files with the floors that known vulnerabilities set."""

import re
import sys
from pathlib import Path

from packaging.requirements import Requirement

LOCKED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE | re.IGNORECASE)
ROOT = Path(__file__).parent.parent


def below(floors: Path, lock: Path) -> list[str]:
    """What a lock file holds in a version that it may not hold."""
    versions = dict(LOCKED.findall(lock.read_text()))
    lines = [line for line in floors.read_text().splitlines() if line and line[0] != "#"]
    requirements = [Requirement(line) for line in lines]
    return [
        f"{lock.name}: {one.name} {versions[one.name]} is not {one.specifier}"
        for one in requirements
        if one.name in versions and not one.specifier.contains(versions[one.name])
    ]


def main() -> int:
    """Print what is too old; the exit status."""
    locks = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")
    found = [line for lock in locks for line in below(ROOT / "requirements-floors.txt", lock)]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
