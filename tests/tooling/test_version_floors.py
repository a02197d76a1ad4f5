"""Locked versions aren't below those that mended a vulnerability."""

import subprocess
import sys
from pathlib import Path
from shutil import copy


def copied(project: Path, folder: Path) -> Path:
    """The check and what it reads, in a folder of its own."""
    (folder / ".ci").mkdir()
    for name in (".ci/floors.py", *(f"requirements{part}.txt" for part in ("", "-dev", "-floors"))):
        copy(project / name, folder / name)
    return folder


def test_a_version_below_its_floor_is_told(project: Path, tmp_path: Path) -> None:
    """A version below its floor is reported by name and lock file, with status 1."""
    folder = copied(project, tmp_path)
    floors = folder / "requirements-floors.txt"
    for text, status in ((floors.read_text(), 0), ("# All of them.\nstarlette>=99\n", 1)):
        floors.write_text(text)
        command = [sys.executable, str(folder / ".ci/floors.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        "requirements.txt",
        "requirements-dev.txt",
    ]
    assert "is not >=99" in done.stdout
