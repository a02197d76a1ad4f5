"""The wheel: what somebody gets who doesn't clone."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile


def test_the_wheel_ships_the_migrations_inside_the_package(project: Path, tmp_path: Path) -> None:
    """No top-level `migrations` lands in site-packages, where every project's name would clash."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", tmp_path], cwd=project, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    names = ZipFile(wheel).namelist()
    written = {f"todo_gql/migrations/{path.name}" for path in (project / "migrations").glob("*.py")}
    assert written <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"todo_gql"}
