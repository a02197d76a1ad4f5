"""The wheel: what somebody gets who doesn't clone, and what it says that it is."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from todo_gql.observability.build_info import (
    UNKNOWN,
    Build,
    build,
    derive_build,
    recorded_build,
    release_of,
)

pytestmark = pytest.mark.own_schema

SOURCES = (".gitignore", "pyproject.toml", "hatch_build.py", "README.md", "migrations", "todo_gql")
GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")


def built(folder: Path, into: Path, target: str = "wheel", **environment: str) -> Path:
    """The wheel, or other thing, that a folder of sources is built into."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target]
    subprocess.run(
        [*command, "--directory", into],
        cwd=folder,
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )
    [made] = into.iterdir()
    return made


def said_by(wheel: Path, into: Path) -> tuple[str, Build]:
    """The version in a wheel's name, and what the program in it says that it is."""
    shutil.unpack_archive(wheel, into, "zip")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        " from todo_gql.observability.build_info import build; print(*build())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, into],
        cwd=into,
        env={},
        check=True,
        capture_output=True,
        text=True,
    )
    return wheel.name.split("-")[1], Build(*done.stdout.split())


@pytest.fixture
def sources(project: Path, tmp_path: Path) -> Path:
    """A copy of what a wheel is made of, without git."""
    copy = tmp_path / "sources"
    copy.mkdir()
    ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
    for name in SOURCES:
        if (project / name).is_dir():
            shutil.copytree(project / name, copy / name, ignore=ignored)
        else:
            shutil.copy(project / name, copy / name)
    return copy


def git(folder: Path, *arguments: str) -> str:
    """What git says in a folder."""
    done = subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_wheel_ships_the_migrations_inside_the_package(project: Path, tmp_path: Path) -> None:
    """No top-level `migrations` lands in site-packages, where every project's name would clash."""
    wheel = built(project, tmp_path / "wheel")
    names = ZipFile(wheel).namelist()
    written = {f"todo_gql/migrations/{path.name}" for path in (project / "migrations").glob("*.py")}
    assert written <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"todo_gql"}
    assert said_by(wheel, tmp_path / "in it") == (build().version, build())


def test_a_checkout_and_its_wheel_say_the_commit(sources: Path, tmp_path: Path) -> None:
    """A change that isn't committed makes another version, whatever it is; a commit yet another."""
    git(sources, "init", "--quiet")
    git(sources, "add", ".")
    git(sources, "commit", "--quiet", "--message", "One")
    commit = git(sources, "rev-parse", "HEAD")
    clean = derive_build(sources)
    assert clean == (f"{release_of(sources)}+g{commit[:12]}", commit)
    assert said_by(built(sources, tmp_path / "a"), tmp_path / "b") == (clean.version, clean)
    seen = {clean.version}
    for number, name in enumerate(
        ("todo_gql/cli/main.py", "todo_gql/new.py", "migrations/0001_initial.py")
    ):
        with (sources / name).open("a") as file:
            file.write("# Changed.\n")
        changed = derive_build(sources)
        assert changed.revision == f"{commit}-modified"
        assert changed.version.startswith(f"{clean.version}.c")
        assert changed.version not in seen
        seen.add(changed.version)
        if number == 0:
            wheel = built(sources, tmp_path / "c")
            assert said_by(wheel, tmp_path / "d") == (changed.version, changed)
    git(sources, "add", ".")
    git(sources, "commit", "--quiet", "--message", "Two")
    assert derive_build(sources).version not in seen


def test_sources_without_git_say_what_is_in_them(sources: Path, tmp_path: Path) -> None:
    """Two that differ have two versions; the commit can be passed, as in a container's build."""
    one = derive_build(sources)
    assert one.version.startswith(f"{release_of(sources)}+c")
    assert one.revision == UNKNOWN
    assert said_by(built(sources, tmp_path / "a", REVISION="unknown"), tmp_path / "b") == (
        one.version,
        one,
    )
    commit = "0123456789abcdef0123456789abcdef01234567"
    expected = Build(f"{release_of(sources)}+g{commit[:12]}", commit)
    wheel = built(sources, tmp_path / "c", REVISION=commit)
    assert said_by(wheel, tmp_path / "d") == (expected.version, expected)
    archive = built(sources, tmp_path / "e", "sdist", REVISION=commit)
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "f", filter="data")
    [unpacked] = (tmp_path / "f").iterdir()
    assert recorded_build(unpacked / "todo_gql") == expected
    assert said_by(built(unpacked, tmp_path / "g"), tmp_path / "h") == (expected.version, expected)
    with (sources / "todo_gql/cli/main.py").open("a") as file:
        file.write("# Changed.\n")
    assert derive_build(sources).version != one.version
