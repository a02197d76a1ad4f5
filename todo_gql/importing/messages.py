"""What a process that reads a file is asked for, and what it answers: each pickled behind its length."""

import struct
from dataclasses import dataclass
from typing import Final

from todo_gql.importing.records import Item, ProblemCode

LENGTH: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Request:
    """What to read: a file on the disk, in a format or in the one that it seems to have.

    Files in it that have at most `max_file_bytes` are unpacked to its folder, those of things behind `skip`.
    """

    path: str
    file_name: str
    format: int | None
    zone: str
    skip: int
    max_file_bytes: int


@dataclass(frozen=True, slots=True)
class Begun:
    """What the file is, and how many things it has."""

    format: int
    total: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the file can't be read, in words for users."""

    message: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Where a file of the archive is on the disk; or, if it is `None`, why it isn't, in words for users."""

    path: str | None
    message: str = ""
    code: ProblemCode = ProblemCode.INVALID


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some of what the file has, and the archive's files that its todos name, by their paths there."""

    items: list[Item]
    files: dict[str, Unpacked]
