"""Files of archives, unpacked within the limits of archives."""

import io
import zipfile
from pathlib import Path

import pytest

from todo_gql.importing.records import ImportedFile, ImportedTodo, ProblemCode
from todo_gql.importing.unpacking import Unpacking


def packed(**members: bytes) -> io.BytesIO:
    """An archive with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer


def todo(*paths: str) -> ImportedTodo:
    """A todo with files at these paths of an archive."""
    files = tuple(ImportedFile(path, path, path) for path in paths)
    return ImportedTodo("1", "line 1", "A", files=files)


def test_a_file_is_unpacked_once(tmp_path: Path) -> None:
    """A file that several todos name is one on the disk, whose name isn't that of the archive."""
    unpacking = Unpacking(packed(a=b"one", b=b"two"), tmp_path, 3)
    files = unpacking.files_of([todo("a", "b"), todo("a")]) | unpacking.files_of([todo("b")])
    contents = {name: Path(one.path or "").read_bytes() for name, one in files.items()}
    assert contents == {"a": b"one", "b": b"two"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_a_file_that_is_too_large_is_not_there(tmp_path: Path) -> None:
    """A file beyond the limit leaves nothing on the disk, and the next one is unpacked."""
    files = Unpacking(packed(a=bytes(2**20 + 1), b=b"b"), tmp_path, 2**20).files_of(
        [todo("a", "b")]
    )
    assert (files["a"].path, files["a"].code) == (None, ProblemCode.TOO_LONG)
    assert files["a"].message == "A file has at most 1 MiB."
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"b"]


def test_all_files_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beyond what an archive may have unpacked are refused, one by one."""
    monkeypatch.setattr("todo_gql.importing.archives.MAX_UNPACKED_BYTES", 2 * 1024**2)
    megabyte = bytes(1024**2)
    unpacking = Unpacking(packed(a=megabyte, b=megabyte, c=b"c", d=b"d"), tmp_path, 1024**2)
    files = unpacking.files_of([todo(*"abcd")])
    assert [one.path is None for one in files.values()] == [False, False, True, True]
    assert files["c"].message == "The archive has more than 2 MB unpacked."


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A path that the archive doesn't have is reported in words."""
    files = Unpacking(packed(a=b"a"), tmp_path, 10).files_of([todo("b")])
    assert (files["b"].path, files["b"].message) == (None, "“b” in the archive is damaged.")
