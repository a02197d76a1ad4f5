"""What a process that reads a file is asked for, and what it answers: each pickled behind its length."""

import struct
from dataclasses import dataclass
from typing import Final

LENGTH: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Request:
    """What to read: a file on the disk, in a format or in the one that it seems to have."""

    path: str
    file_name: str
    format: int | None
    zone: str
    skip: int


@dataclass(frozen=True, slots=True)
class Begun:
    """What the file is, and how many things it has."""

    format: int
    total: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the file can't be read, in words for users."""

    message: str
