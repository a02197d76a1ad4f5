"""The access log: one line for each request, JSON or plain text."""

import asyncio
import logging
import time
from http import HTTPStatus
from typing import Any, Final, TextIO, TypeAlias

import orjson
from starlette.types import Scope

from todo_gql.http.graphql.origins import loggable_origin
from todo_gql.http.secret_paths import loggable_path
from todo_gql.observability.logs import readable, rfc3339
from todo_gql.observability.request_record import RequestRecord

# A plain number, since every request's status is compared with it.
FORBIDDEN: Final = int(HTTPStatus.FORBIDDEN)
NOT_IN_PLAIN_LINES: Final = ("time", "level", "logger", "message")


def _is_file(stream: TextIO) -> bool:
    try:
        stream.fileno()
    except OSError:
        return False
    return True


Access: TypeAlias = tuple[float, str, Scope, int | None, RequestRecord, float]
"""One request: its Unix time, level, scope, status, record and seconds. The status is None if the
client disconnected before the response."""


def _fields(access: Access) -> dict[str, Any]:
    """The fields of a request's line."""
    at, level, scope, status, record, seconds = access
    client = scope.get("client")
    fields = {
        "time": rfc3339(at),
        "level": level,
        "logger": "todo_gql.access",
        "message": "request",
        "method": scope["method"],
        "path": loggable_path(scope["path"]),
        "status": status,
        "duration_ms": int(seconds * 100_000) / 100,
        "request_id": record.request_id,
        "client": client[0] if client else None,
    }
    if status == FORBIDDEN and (origin := loggable_origin(scope)):
        fields["origin"] = origin
    if record.operation is not None:
        fields["operation"] = record.operation
    if record.user_id is not None:
        fields["user_id"] = record.user_id
    return fields


class AccessLog:
    """Writes one line for each request.

    It bypasses the logging module, whose records cost more than the rest of a response. The lines of
    one turn of the event loop are formatted and written to a file together at its end, which saves
    a system call of 1 µs or more for each. A process that is killed loses only those.
    """

    def __init__(self, stream: TextIO, level: str) -> None:
        self.threshold = logging.getLevelNamesMapping()[level.upper()]
        self._stream = stream
        self._line = _plain_line if stream.isatty() else _json_line
        self._is_buffered = _is_file(stream)
        self._buffer: list[Access] = []

    def write(
        self, scope: Scope, status: int | None, record: RequestRecord, seconds: float
    ) -> None:
        """Write the line of one request; `seconds` is its duration. Health probes have the level DEBUG."""
        is_probe = scope["path"].startswith("/health")
        if (logging.DEBUG if is_probe else logging.INFO) < self.threshold:
            return
        level = "DEBUG" if is_probe else "INFO"
        access = time.time(), level, scope, status, record, seconds
        if not self._is_buffered:
            self._stream.write(self._line(access))
            return
        if not self._buffer:
            asyncio.get_running_loop().call_soon(self.flush)
        self._buffer.append(access)

    def flush(self) -> None:
        """Write the buffered lines."""
        if self._buffer:
            lines, self._buffer = self._buffer, []
            self._stream.write("".join(map(self._line, lines)))


def _json_line(access: Access) -> str:
    return orjson.dumps(_fields(access), option=orjson.OPT_APPEND_NEWLINE).decode()


def _plain_line(access: Access) -> str:
    fields = _fields(access)
    level = access[1]
    for name in NOT_IN_PLAIN_LINES:
        del fields[name]
    return f"{time.strftime('%H:%M:%S')} {level:<7} {' '.join(readable(fields))}\n"
