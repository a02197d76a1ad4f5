"""The formats that are imported: their readers, and which of them a file has."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Final

from todo_gql.database.models import TransferFormat
from todo_gql.importing import taskwarrior, todo_txt
from todo_gql.importing.contents import encoding_of
from todo_gql.importing.drafts import MAX_TODOS
from todo_gql.importing.records import (
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    Reader,
    ReadOptions,
)

_SAMPLE: Final = 256 * 1024


def _limited(read: Reader) -> Reader:
    """The reader that ends with a problem where there are too many todos."""

    def read_limited(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
        todos = 0
        for item in read(file, options):
            todos += isinstance(item, ImportedTodo)
            if todos > MAX_TODOS and isinstance(item, ImportedTodo):
                message = f"Only the first {MAX_TODOS:,} todos are imported."
                yield Problem(item.location, ProblemCode.TOO_MANY, message)
                return
            yield item

    return read_limited


READERS: Final[dict[TransferFormat, Reader]] = {
    format: _limited(read)
    for format, read in {
        TransferFormat.TASKWARRIOR: taskwarrior.read,
        TransferFormat.TODO_TXT: todo_txt.read,
    }.items()
}


def detect(file: IO[bytes], file_name: str) -> TransferFormat | None:
    """The format of a file: what its beginning says, or else its name; None if neither says any.

    The file is at its start afterwards.
    """
    file.seek(0)
    sample = file.read(_SAMPLE)
    file.seek(0)
    text = sample.decode(encoding_of(sample), "replace").lstrip("\ufeff \t\r\n\x00")
    for format, matches in _TEXTS:
        if matches(text):
            return format
    return _SUFFIXES.get(PurePosixPath(file_name.lower()).suffix)


def _searches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).search


_TEXTS: Final[tuple[tuple[TransferFormat, Callable[[str], object]], ...]] = (
    (TransferFormat.TASKWARRIOR, _searches(r'\A(\[\s{0,99})?\{(?s:.){0,2000}"(uuid|entry)"\s?:')),
)
_SUFFIXES: Final = {".txt": TransferFormat.TODO_TXT}
