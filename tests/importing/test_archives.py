"""Archives that are imported: whatever they say about themselves, they are read within limits."""

import io
import struct
import zipfile

import pytest

from tests.support.imports import imported
from todo_gql.importing import archives, todoist
from todo_gql.importing.archives import MAX_ENTRIES, Archive
from todo_gql.importing.records import UnreadableFile

HEADER = "TYPE,CONTENT,PRIORITY\n"


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "b/../../a.csv", "..\\a.csv", "C:\\a.csv"])
def test_paths_out_of_an_archive_are_refused(name: str) -> None:
    """An archive with a path that leads out of it is refused as a whole."""
    with pytest.raises(UnreadableFile, match="leads out"):
        Archive(packed({name: b"x"}))


def test_an_encrypted_archive_is_refused() -> None:
    """An archive with a password is refused, with what to do."""
    content = bytearray(packed({"a.csv": b"x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(signature) + offset
        content[at] |= 1
    with pytest.raises(UnreadableFile, match="without a password"):
        Archive(bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(method: int) -> None:
    """An archive by an unusual method is refused, with what to do."""
    with pytest.raises(UnreadableFile, match="ordinary zip"):
        Archive(packed({"a.csv": b"x"}, method))


def test_too_many_entries_are_refused() -> None:
    """An archive's entries are counted before its directory is read."""
    with pytest.raises(UnreadableFile, match="entries"):
        Archive(b"PK\x03\x04" + b"PK\x01\x02" * (MAX_ENTRIES + 1))


def test_what_is_unpacked_is_counted_over_all_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What entries really have is counted, whatever the directory says, and the sum is bounded."""
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1_000)
    content = bytearray(packed({"a": b"x" * 600, "b": b"y" * 600}))
    for start in range(len(content)):
        if content[start : start + 4] == b"PK\x01\x02":
            struct.pack_into("<I", content, start + 24, 1)
    archive = Archive(bytes(content))
    for name in archive.names:
        with pytest.raises(UnreadableFile, match="damaged"):
            archive.read(name, 10_000)
    honest = Archive(packed({"a": b"x" * 600, "b": b"y" * 600}))
    assert len(honest.read("a", 10_000)) == len(honest.read("a", 10_000)) == 600
    with pytest.raises(UnreadableFile, match="unpacked"):
        honest.read("b", 10_000)


def test_a_bomb_is_not_unpacked() -> None:
    """A file that unpacks to more than an upload may have is reported, and others are imported."""
    content = packed(
        {"Big.csv": HEADER.encode() + b"," * 30_000_000, "One.csv": f"{HEADER}task,One,1".encode()}
    )
    assert len(content) < 100_000
    result = imported(todoist.read, content)
    assert result.titles == ["One"]
    assert [problem.location for problem in result.failures] == ["Big.csv"]


def test_an_archive_within_an_archive_is_a_file() -> None:
    """An archive that an archive has is never opened."""
    content = packed({"Inner.zip": packed({"A.csv": f"{HEADER}task,Inner,1".encode()})})
    with pytest.raises(UnreadableFile, match="no CSV"):
        imported(todoist.read, content)


@pytest.mark.parametrize("cut", [10, 30, 60, -1])
def test_a_damaged_archive_is_refused(cut: int) -> None:
    """An archive that was cut off is refused."""
    with pytest.raises(UnreadableFile, match="damaged"):
        Archive(packed({"a.csv": b"x" * 1_000})[:cut])
