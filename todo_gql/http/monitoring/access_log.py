"""The access log: one line for each request, JSON or plain text."""

import asyncio
import logging
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TextIO

import orjson
from starlette.types import Scope

from todo_gql.http.graphql.origins import loggable_origin
from todo_gql.observability.logs import readable, rfc3339
from todo_gql.observability.request_record import RequestRecord

# A plain number, since every request's status is compared with it.
FORBIDDEN = int(HTTPStatus.FORBIDDEN)


def _is_file(stream: TextIO) -> bool:
    try:
        stream.fileno()
    except OSError:
        return False
    return True


@dataclass(slots=True)
class Access:
    """One request that was answered, or given up where there is no status, at a Unix time."""

    at: float
    level: str
    scope: Scope
    status: int | None
    observation: RequestRecord
    seconds: float

    def facts(self) -> dict[str, Any]:
        """What is told of it beside its time and level."""
        scope, observation = self.scope, self.observation
        client = scope.get("client")
        facts = {
            "method": scope["method"],
            "path": scope["path"],
            "status": self.status,
            "duration_ms": int(self.seconds * 100_000) / 100,
            "request_id": observation.request_id,
            "client": client[0] if client else None,
        }
        if self.status == FORBIDDEN and (origin := loggable_origin(scope)):
            facts["origin"] = origin
        if observation.operation is not None:
            facts["operation"] = observation.operation
        if observation.user_id is not None:
            facts["user_id"] = observation.user_id
        return facts


class AccessLog:
    """Writes one line for each request.

    It goes past the logging module, whose records cost more than the rest of an answer does. The
    lines of one turn of the event loop are made and written to a file at its end, since code that
    is run several times in a row takes less time, and a system call for each 1 µs and more. A
    process that is killed loses no more than those.
    """

    def __init__(self, stream: TextIO, level: str) -> None:
        self.threshold = logging.getLevelNamesMapping()[level.upper()]
        self._stream = stream
        self._line = _plain_line if stream.isatty() else _json_line
        self._gathers = _is_file(stream)
        self._gathered: list[Access] = []

    def write(
        self, scope: Scope, status: int | None, observation: RequestRecord, seconds: float
    ) -> None:
        """Write the facts of one request, probes of health at DEBUG and all others at INFO."""
        is_probe = scope["path"].startswith("/health")
        if (logging.DEBUG if is_probe else logging.INFO) < self.threshold:
            return
        level = "DEBUG" if is_probe else "INFO"
        access = Access(time.time(), level, scope, status, observation, seconds)
        if not self._gathers:
            self._stream.write(self._line(access))
            return
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self.flush)
        self._gathered.append(access)

    def flush(self) -> None:
        """Write what was gathered."""
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._stream.write("".join(map(self._line, gathered)))


def _json_line(access: Access) -> str:
    line = {
        "time": rfc3339(access.at),
        "level": access.level,
        "logger": "todo_gql.access",
        "message": "request",
        **access.facts(),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode()


def _plain_line(access: Access) -> str:
    fields = " ".join(readable(access.facts()))
    return f"{time.strftime('%H:%M:%S')} {access.level:<7} {fields}\n"
