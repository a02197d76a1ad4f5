"""The files of an import's todos: made ready before the owner's lock is held, and attached under it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode
from todo_gql.api.text import REFUSED
from todo_gql.api.text import Problem as TextProblem
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.attachments.examination_jobs import needs_examination
from todo_gql.features.attachments.incoming import (
    Content,
    IncomingFile,
    Notes,
    read_content,
    store_contents,
)
from todo_gql.features.attachments.inputs import MAX_NAME_BYTES, read_name
from todo_gql.features.attachments.writes import MAX_FILES
from todo_gql.features.todos.file_usage import USED, room_problem
from todo_gql.features.todos.storage import Quota
from todo_gql.features.transfers.imports.known import load_known, todo_key
from todo_gql.importing.messages import FilePart, Unpacked
from todo_gql.importing.records import ImportedFile, ImportedTodo
from todo_gql.settings import Settings
from todo_gql.storage.stores import file_store

MAX_IMPORTED_FILES: Final = 10_000
"""How many files one import attaches: as many as an archive may have."""

MAX_NAMED_FILES: Final = 100
"""How many files of a todo are reported one by one."""

MAX_SUFFIX_BYTES: Final = 20
UNNAMED: Final = "file"
TOO_MANY_OF_TODO: Final = f"A todo has {MAX_FILES} files at most."
TOO_MANY_OF_IMPORT: Final = f"An import attaches {MAX_IMPORTED_FILES:,} files at most."


class PreparedFile(NamedTuple):
    """A file of a todo that may be attached, or the problem with it; both if it gets another name."""

    name: str
    comment_id: str | None
    file: IncomingFile | None
    problem: TextProblem | None


@dataclass
class PreparedFiles:
    """The files of a part's todos, by the ids of these in the source; stored, with notes, unless on trial."""

    by_todo: dict[str, list[PreparedFile]] = field(default_factory=dict)
    notes: Notes = field(default_factory=dict)

    def of(self, todo_id: str) -> Sequence[PreparedFile]:
        """The files of a todo."""
        return self.by_todo.get(todo_id, ())


class FilePreparation:
    """Makes the files of an import ready, part by part."""

    def __init__(self, settings: Settings, owner_id: UUID, *, is_trial: bool) -> None:
        self.settings, self.owner_id, self.is_trial = settings, owner_id, is_trial
        self.quota = Quota.of(settings)
        self._contents: dict[str, Content] = {}

    async def prepare(
        self, part: FilePart, source: int, *, attached: int, planned_bytes: int
    ) -> PreparedFiles:
        """The files of the part's todos that haven't been imported before.

        `attached` is how many the import has attached, and `planned_bytes` what those of a trial run take.
        Raises `OSError` if the store can't be reached.
        """
        prepared = PreparedFiles()
        todos = [item for item in part.items if isinstance(item, ImportedTodo) and item.files]
        if not todos:
            return prepared
        keys = [todo_key(todo.foreign_id) for todo in todos]
        known = await load_known(fetch, self.owner_id, source, keys)
        row = await fetchrow(USED, self.owner_id)
        room = _Room((row["stored_bytes"] if row else 0) + planned_bytes, attached)
        for todo, key in zip(todos, keys, strict=True):
            if key not in known:
                files = await self._files_of(todo, part.files, room)
                prepared.by_todo[todo.foreign_id] = files
        if not self.is_trial:
            stored = [one.file for files in prepared.by_todo.values() for one in files if one.file]
            prepared.notes = await store_contents(file_store(self.settings), stored)
        return prepared

    async def _files_of(
        self, todo: ImportedTodo, unpacked: Mapping[str, Unpacked], room: "_Room"
    ) -> list[PreparedFile]:
        files: list[PreparedFile] = []
        room.of_todo = 0
        for read in todo.files[:MAX_NAMED_FILES]:
            name = shown_name(read)
            file = await self._file(read, unpacked[read.path], room)
            if isinstance(file, IncomingFile):
                room.take(file)
                renamed = read_name(read.file_name)[1]
                files.append(PreparedFile(name, read.comment_id, file, renamed))
            else:
                files.append(PreparedFile(name, None, None, file))
        if (more := len(todo.files) - MAX_NAMED_FILES) > 0:
            problem = ErrorCode.TOO_MANY, TOO_MANY_OF_TODO
            files.append(PreparedFile(f"{more:,} more", None, None, problem))
        return files

    async def _file(
        self, read: ImportedFile, unpacked: Unpacked, room: "_Room"
    ) -> IncomingFile | TextProblem:
        """The file, or why it can't be attached."""
        if unpacked.path is None:
            return ErrorCode[unpacked.code.name], unpacked.message
        if room.of_todo >= MAX_FILES:
            return ErrorCode.TOO_MANY, TOO_MANY_OF_TODO
        if room.attached >= MAX_IMPORTED_FILES:
            return ErrorCode.TOO_MANY, TOO_MANY_OF_IMPORT
        if read.path not in self._contents:
            path = Path(unpacked.path)
            self._contents[read.path] = await asyncio.to_thread(read_content, path)
        content = self._contents[read.path]
        if problem := room_problem(room.used, content.size, self.quota):
            return problem
        is_ready = not needs_examination(content.content_type, self.settings)
        return IncomingFile(uuid7(), attachable_name(read.file_name), content, is_ready)


@dataclass
class _Room:
    """How much is taken of what an account, an import and a todo may have."""

    used: int
    attached: int
    of_todo: int = 0

    def take(self, file: IncomingFile) -> None:
        """Count a file."""
        self.used += file.content.size
        self.attached += 1
        self.of_todo += 1


def attachable_name(text: str) -> str:
    """The name of a file as it may be stored: without folders, and shortened before its suffix."""
    name, problem = read_name(text)
    if problem is None:
        return name
    base = REFUSED.sub(" ", text.replace("\\", "/").rpartition("/")[2])
    stem, dot, suffix = base.rpartition(".")
    end = f"{dot}{suffix}".encode("utf-8", "ignore")
    if not stem or len(end) > MAX_SUFFIX_BYTES:
        stem, end = base, b""
    short = stem.encode("utf-8", "ignore")[: MAX_NAME_BYTES - len(end)] + end
    name, problem = read_name(short.decode("utf-8", "ignore"))
    return UNNAMED if problem else name


def shown_name(read: ImportedFile) -> str:
    """The name of a file for the report."""
    return read.file_name[: 4 * MAX_NAME_BYTES]
