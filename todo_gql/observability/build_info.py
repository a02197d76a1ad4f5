"""The version and revision of this build; no two builds that differ have the same version.

A wheel has both in a file that was written when it was built. In a checkout they come from git, in a
folder of sources without git from a digest of the sources. Only the standard library is imported
here, since the build itself imports this module.
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
    """The version, with a suffix that distinguishes this build from others, and the revision.

    The revision is the commit of the checkout, with `-modified` if its sources differ from that, or
    `unknown`.
    """

    version: str
    revision: str


@cache
def build() -> Build:
    """The version and revision of the running program."""
    package = Path(__file__).parents[1]
    return recorded_build(package) or derive_build(package.parent)


def recorded_build(package: Path) -> Build | None:
    """The version and revision written into a package when it was built; None in a checkout."""
    try:
        return Build(*(package / FILE_NAME).read_text(encoding="ascii").split())
    except (OSError, ValueError, TypeError):
        return None


def derive_build(root: Path, commit: str = "") -> Build:
    """The version and revision of the sources in a folder; `commit` is used where git isn't there."""
    release = release_of(root)
    commit, is_modified = _git_commit(root) or (_hexadecimal(commit), False)
    if not commit:
        return Build(f"{release}+c{_contents_digest(root)}", UNKNOWN)
    if is_modified:
        return Build(f"{release}+g{commit[:12]}.c{_contents_digest(root)}", f"{commit}-modified")
    return Build(f"{release}+g{commit[:12]}", commit)


def release_of(root: Path) -> str:
    """The version of the release, without the suffix of a build."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(settings["tool"]["hatch"]["metadata"]["hooks"]["custom"]["version"])


def _hexadecimal(text: str) -> str:
    """The hexadecimal name of a commit, in lower case; empty for anything else."""
    text = text.strip().lower()
    return text if len(text) >= 7 and not text.strip("0123456789abcdef") else ""  # noqa: PLR2004


def _git_commit(root: Path) -> tuple[str, bool] | None:
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


def _contents_digest(root: Path) -> str:
    """A digest of the sources, in 12 hexadecimal digits."""
    paths = [path for name in SOURCES for path in (root / name, *(root / name).rglob("*"))]
    digest = sha256()
    for path in sorted(set(paths)):
        relative = path.relative_to(root)
        if path.is_file() and NOT_SOURCES.isdisjoint(relative.parts):
            digest.update(f"{relative.as_posix()}\0".encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
