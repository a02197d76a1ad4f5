"""What is announced of a file: what is valid, and what isn't."""

import re
from typing import Final, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid, unusable_id
from todo_gql.api.node import parse_id
from todo_gql.api.text import Problem, read_text
from todo_gql.features.attachments.types import AttachmentCreateInput
from todo_gql.features.files.content_types import UNKNOWN
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.storage.store import Upload

MAX_FILE_BYTES: Final = 25 * 1024 * 1024
MAX_NAME_BYTES: Final = 255
"""As most file systems have it."""

MAX_CONTENT_TYPE: Final = 127
# A restricted name on each side (RFC 6838, section 4.2); parameters are dropped.
CONTENT_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
NO_NAMES: Final = frozenset({".", ".."})


class NewFile(NamedTuple):
    """A file that is announced."""

    id: UUID
    file_name: str
    upload: Upload


def read_file(sent: AttachmentCreateInput, *path: str) -> tuple[NewFile | None, list[UserError]]:
    """The file that is announced, or all that is wrong with it."""
    name, name_problem = read_name(sent.file_name)
    sent_id = unset_to_none(sent.id)
    id = uuid7() if sent_id is None else parse_id(sent_id)
    content_type = _content_type(sent.content_type)
    problems: list[UserError] = [] if id else [unusable_id(*path)]
    if name_problem:
        problems.append(invalid(*name_problem, *path, "fileName"))
    if not 0 <= sent.size <= MAX_FILE_BYTES:
        message = f"A file has at most {MAX_FILE_BYTES // 1024**2} MiB."
        problems.append(invalid(ErrorCode.OUT_OF_RANGE, message, *path, "size"))
    if content_type is None:
        message = "The type must be like image/png, or empty."
        problems.append(invalid(ErrorCode.INVALID, message, *path, "contentType"))
    if not HASH.fullmatch(sent.sha256):
        message = "The hash must have 64 hexadecimal digits."
        problems.append(invalid(ErrorCode.INVALID, message, *path, "sha256"))
    if problems or id is None or content_type is None:
        return None, problems
    return NewFile(id, name, Upload(sent.size, bytes.fromhex(sent.sha256), content_type)), []


def read_name(sent: str) -> tuple[str, Problem | None]:
    """The name to store, and what is wrong with it."""
    name, problem = read_text(sent, shortest=1, longest=MAX_NAME_BYTES)
    if problem:
        return name, problem
    if len(name.encode()) > MAX_NAME_BYTES:
        return name, (ErrorCode.TOO_LONG, f"Use at most {MAX_NAME_BYTES} bytes in UTF-8.")
    if "/" in name or "\\" in name or name in NO_NAMES:
        return name, (ErrorCode.INVALID, "A name of a file has no folders: no / and no \\.")
    return name, None


def _content_type(sent: str) -> str | None:
    """The type without parameters, in lower case; None if it is none."""
    if len(sent) > MAX_CONTENT_TYPE:
        return None
    name = sent.partition(";")[0].strip().lower()
    if not name:
        return UNKNOWN
    return name if CONTENT_TYPE.fullmatch(name) else None
