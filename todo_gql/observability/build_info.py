"""What this program was built of: a version that no other build bears, and a revision.

A wheel has both in a file that was written when it was built. A checkout asks git each time, and a
folder of sources without git is known by what is in it. Only what every Python brings is imported
here, since the build itself asks, too.
"""

import subprocess
import tomllib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "BUILD"
UNKNOWN = "unknown"
SOURCES = ("todo_gql", "migrations", "pyproject.toml")
NOT_SOURCES = frozenset({"__pycache__", "node_modules", "dist", FILE_NAME})
GIT_SECONDS = 5
STATUS = ("status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--", *SOURCES)
COMMIT = "# branch.oid "


class Build(NamedTuple):
    """The version, with what tells this build from others of the release, and its commit.

    The revision is that of the checkout it was built in, with `-modified` if something in there was
    changed since, or `unknown`.
    """

    version: str
    revision: str


@cache
def build() -> Build:
    """What the running program was built of."""
    package = Path(__file__).parents[1]
    return written_in(package) or build_of(package.parent)


def written_in(package: Path) -> Build | None:
    """What was noted in a package when it was built."""
    try:
        return Build(*(package / FILE_NAME).read_text(encoding="ascii").split())
    except (OSError, ValueError, TypeError):
        return None


def build_of(root: Path, given: str = "") -> Build:
    """What a build of the sources in a folder is; `given` is the commit, for who has no git."""
    release = release_of(root)
    commit, is_modified = _asked_git(root) or (_hexadecimal(given), False)
    if not commit:
        return Build(f"{release}+c{_contents(root)}", UNKNOWN)
    if is_modified:
        return Build(f"{release}+g{commit[:12]}.c{_contents(root)}", f"{commit}-modified")
    return Build(f"{release}+g{commit[:12]}", commit)


def release_of(root: Path) -> str:
    """The version that all builds of the sources in a folder have in common."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(settings["tool"]["hatch"]["metadata"]["hooks"]["custom"]["version"])


def _hexadecimal(text: str) -> str:
    """A commit's name, or nothing."""
    text = text.strip().lower()
    return text if len(text) >= 7 and not text.strip("0123456789abcdef") else ""  # noqa: PLR2004


def _asked_git(root: Path) -> tuple[str, bool] | None:
    """The commit that is checked out, and whether the sources differ from it."""
    if not (root / ".git").exists():
        return None
    command = ("git", "--no-optional-locks", "-C", str(root), *STATUS)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    commits = [line.removeprefix(COMMIT) for line in lines if line.startswith(COMMIT)]
    commit = _hexadecimal(commits[0]) if commits else ""
    is_modified = any(not line.startswith("#") for line in lines)
    return (commit, is_modified) if commit else None


def _contents(root: Path) -> str:
    """A mark of all that is in the sources."""
    paths = [path for name in SOURCES for path in (root / name, *(root / name).rglob("*"))]
    mark = sha256()
    for path in sorted(set(paths)):
        place = path.relative_to(root)
        if path.is_file() and NOT_SOURCES.isdisjoint(place.parts):
            mark.update(f"{place.as_posix()}\0".encode() + sha256(path.read_bytes()).digest())
    return mark.hexdigest()[:12]
