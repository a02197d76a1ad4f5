"""Unpacking the files of todos that are in an archive, each once, to numbered files of a folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from todo_gql.importing.archives import Archive
from todo_gql.importing.messages import Unpacked
from todo_gql.importing.records import ImportedTodo, Item, ProblemCode, UnreadableFile

_CHUNK_BYTES: Final = 256 * 1024


class Unpacking:
    """The files of an archive, which has been read before: all together at most as large as an archive may be."""

    def __init__(self, file: IO[bytes], folder: Path, max_file_bytes: int) -> None:
        self._file, self._folder, self._max_bytes = file, folder, max_file_bytes
        self._archive: Archive | None = None
        self._unpacked: dict[str, Unpacked] = {}

    def files_of(self, items: Iterable[Item]) -> dict[str, Unpacked]:
        """The files that todos name, by their paths in the archive."""
        todos = (item for item in items if isinstance(item, ImportedTodo))
        paths = dict.fromkeys(file.path for todo in todos for file in todo.files)
        return {path: self._unpacked_file(path) for path in paths}

    def _unpacked_file(self, path: str) -> Unpacked:
        if path not in self._unpacked:
            # Names in archives may be anything; here it is a number.
            self._unpacked[path] = self._unpack(path, self._folder / str(len(self._unpacked)))
        return self._unpacked[path]

    def _unpack(self, path: str, target: Path) -> Unpacked:
        if self._archive is None:
            self._archive = Archive.of(self._file)
        try:
            size = self._copy(path, target)
        except UnreadableFile as error:
            target.unlink(missing_ok=True)
            return Unpacked(None, str(error))
        if size > self._max_bytes:
            target.unlink()
            message = f"A file has at most {self._max_bytes // 1024**2} MiB."
            return Unpacked(None, message, ProblemCode.TOO_LONG)
        return Unpacked(str(target))

    def _copy(self, path: str, target: Path) -> int:
        """Copy a file, not much more of it than is allowed; how many bytes were read."""
        assert self._archive
        size = 0
        with self._archive.open(path) as stream, target.open("wb") as copy:
            while size <= self._max_bytes and (chunk := stream.read(_CHUNK_BYTES)):
                copy.write(chunk)
                size += len(chunk)
        return size
