"""Reading a file in a process of its own, so that no file holds up the server or takes its memory.

It is started with a request on its input, and writes messages to its output as they are read: first
`Begun` or `Refused`, then parts of what the file has, in the order in which it is stored, for which files of
an archive are unpacked to the folder of the file. Each is pickled behind its length; both ends are this program.
"""

import pickle
import resource
import sys
from pathlib import Path
from typing import IO, Final
from zoneinfo import ZoneInfo

from todo_gql.database.models import TransferFormat
from todo_gql.importing.formats import READERS, detect
from todo_gql.importing.messages import LENGTH, Begun, FilePart, Refused, Request
from todo_gql.importing.ordering import ordered
from todo_gql.importing.records import ReadOptions, UnreadableFile
from todo_gql.importing.unpacking import Unpacking

PART_SIZE: Final = 500
MAX_CPU_SECONDS: Final = 120
MAX_MEMORY_BYTES: Final = 1024**3
UNKNOWN: Final = "The file isn't in any format that can be imported, or its format has to be named."


def main() -> None:
    """Read the file of the request on standard input."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    output = sys.stdout.buffer
    # What libraries may print must not come between messages.
    sys.stdout = sys.stderr
    request = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - by the process that started this one
    assert isinstance(request, Request)
    try:
        with Path(request.path).open("rb") as file:
            _read(file, request, output)
    except UnreadableFile as error:
        _send(output, Refused(str(error)))


def _read(file: IO[bytes], request: Request, output: IO[bytes]) -> None:
    format = (
        detect(file, request.file_name)
        if request.format is None
        else TransferFormat(request.format)
    )
    if format is None or format not in READERS:
        raise UnreadableFile(UNKNOWN)
    options = ReadOptions(request.file_name, ZoneInfo(request.zone))
    items = ordered(READERS[format](file, options))
    _send(output, Begun(format.value, len(items)))
    unpacking = Unpacking(file, Path(request.path).parent, request.max_file_bytes)
    for start in range(request.skip, len(items), PART_SIZE):
        part = items[start : start + PART_SIZE]
        _send(output, FilePart(part, unpacking.files_of(part)))


def _send(output: IO[bytes], message: object) -> None:
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    output.write(LENGTH.pack(len(content)) + content)
    output.flush()


if __name__ == "__main__":
    main()
