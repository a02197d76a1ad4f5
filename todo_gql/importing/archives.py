"""Archives that are imported: their entries, read within limits that are counted and not declared."""

import io
import struct
import zipfile
import zlib
from typing import IO, Final, Self

from todo_gql.importing.contents import read_bytes
from todo_gql.importing.records import UnreadableFile

MAX_UNPACKED_BYTES: Final = 200 * 1024 * 1024
MAX_ENTRIES: Final = 10_000
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED: Final = 1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the standard library raises for archives that are broken or lie about themselves.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def is_archive(content: bytes) -> bool:
    """Whether bytes begin like a zip archive."""
    return content.startswith(_SIGNATURES)


class Archive:
    """A zip archive of at most `MAX_ENTRIES` entries and `MAX_UNPACKED_BYTES` unpacked.

    Nothing is unpacked to a path, and an archive in it is a file like others. `names` has the entries' names,
    without directories.
    """

    def __init__(self, content: bytes) -> None:
        if content.count(_DIRECTORY_ENTRY) > MAX_ENTRIES:
            raise UnreadableFile(f"The archive has more than {MAX_ENTRIES:,} entries.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
            raise UnreadableFile("The file is no zip archive, or it is damaged.") from error
        self._read: dict[str, int] = {}
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        for entry in self._entries.values():
            _check(entry)
        self.names = [name for name, entry in self._entries.items() if not entry.is_dir()]

    @classmethod
    def of(cls, file: IO[bytes]) -> Self:
        """The archive that a file is; raises `UnreadableFile`."""
        return cls(read_bytes(file))

    def open(self, name: str) -> io.BufferedReader:
        """An entry's bytes as a stream, which raises `UnreadableFile` where it is damaged or too large."""
        try:
            stream = self._zip.open(self._entries[name])
        except (*_BROKEN, KeyError) as error:
            raise _damaged(name) from error
        return io.BufferedReader(_Counted(self, name, stream))

    def read(self, name: str, most: int) -> bytes:
        """An entry's bytes; raises `UnreadableFile` if they are damaged, or more than `most`."""
        with self.open(name) as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise UnreadableFile(f"{shown(name)} in the archive is larger than {most:,} bytes.")
        return content

    def count(self, name: str, size: int) -> None:
        """Account for what was read of an entry so far; raises `UnreadableFile` beyond the limit."""
        self._read[name] = max(size, self._read.get(name, 0))
        if sum(self._read.values()) > MAX_UNPACKED_BYTES:
            raise UnreadableFile(
                f"The archive has more than {MAX_UNPACKED_BYTES // 1024**2} MB unpacked."
            )


class _Counted(io.RawIOBase):
    """The stream of an entry, whose bytes are counted."""

    def __init__(self, archive: Archive, name: str, stream: IO[bytes]) -> None:
        self._archive, self._name, self._stream = archive, name, stream
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # typeshed wants Buffer, which 3.11 has no name for
        try:
            part = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise _damaged(self._name) from error
        buffer[: len(part)] = part
        self._size += len(part)
        self._archive.count(self._name, self._size)
        return len(part)


def shown(name: str) -> str:
    """An entry's name as messages have it."""
    return f"“{name[:100]}”"


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ":" in name.split("/")[0] or ".." in name.split("/"):
        raise UnreadableFile(f"The archive has a path that leads out of it: {shown(name)}.")
    if entry.flag_bits & _ENCRYPTED:
        raise UnreadableFile("The archive is encrypted: pack it again without a password.")
    if entry.compress_type not in _METHODS:
        raise UnreadableFile(
            "The archive is compressed by a method that isn't supported: pack it as an ordinary zip file."
        )


def _damaged(name: str) -> UnreadableFile:
    return UnreadableFile(f"{shown(name)} in the archive is damaged.")
