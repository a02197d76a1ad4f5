"""What clients send about imports."""

import re
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID

import strawberry

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.text import read_text
from todo_gql.api.time_zones import TimeZoneName
from todo_gql.database.models import TransferFormat
from todo_gql.features.todos.comparators import optional
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.transfers.enums import ImportFormat

MAX_FILE_BYTES: Final = 20_000_000
MAX_FILE_NAME: Final = 255
SHA256: Final = re.compile("[0-9a-fA-F]{64}")
SUGGESTED: Final = {
    ".csv": TransferFormat.TODOIST,
    ".ics": TransferFormat.ICALENDAR,
    ".json": TransferFormat.TASKWARRIOR,
    ".txt": TransferFormat.TODO_TXT,
}


@strawberry.input(description="A file to be imported; null is the same as absent.")
class ImportInput:
    """The values of a new import."""

    file_name: str = strawberry.field(
        description="1 to 255 characters after trimming; with its suffix, by which some formats are told apart."
    )
    size: int = strawberry.field(description="Its bytes: 1 to 20,000,000.")
    sha256: str = strawberry.field(
        description="The SHA-256 hash of its bytes: 64 hexadecimal digits."
    )
    format: ImportFormat | None = optional(
        "What it is written in; found out from its bytes if absent."
    )
    time_zone: TimeZoneName | None = optional(
        "The zone of times that name none; that of the viewer's profile if absent."
    )
    list_id: strawberry.ID | None = optional(
        "A list of the viewer's own for todos that are in no list in the file; their inbox if absent."
    )


def read_import(sent: ImportInput, *path: str) -> tuple[dict[str, Any], list[UserError]]:
    """The values of a new import, and their problems; whether its list is there remains to be seen."""
    problems: list[UserError] = []
    name, problem = read_text(sent.file_name, shortest=1, longest=MAX_FILE_NAME)
    if problem:
        problems.append(invalid(*problem, *path, "fileName"))
    if not 1 <= sent.size <= MAX_FILE_BYTES:
        message = f"A file may have 1 to {MAX_FILE_BYTES:,} bytes."
        problems.append(invalid(ErrorCode.OUT_OF_RANGE, message, *path, "size"))
    if not SHA256.fullmatch(sent.sha256):
        message = "Write the SHA-256 hash as 64 hexadecimal digits."
        problems.append(invalid(ErrorCode.INVALID, message, *path, "sha256"))
    sent_id = unset_to_none(sent.list_id)
    list_id: UUID | None = parse_id(sent_id) if sent_id is not None else None
    if sent_id is not None and list_id is None:
        problems.append(not_found(*path, "listId"))
    format = unset_to_none(sent.format)
    values = {
        "file_name": name,
        "format": None if format is None else format.value,
        "time_zone": unset_to_none(sent.time_zone),
        "list_id": list_id,
    }
    return values, problems


def suggested_format(file_name: str) -> TransferFormat:
    """The format that a file's name suggests, until the file is read."""
    suffix = PurePosixPath(file_name.lower()).suffix
    return SUGGESTED.get(suffix, TransferFormat.TODO_GQL)
