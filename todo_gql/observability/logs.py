"""Logs on standard error: one JSON object a line, or plain lines in a terminal."""

import logging
import logging.config
import sys
import time
from functools import lru_cache
from typing import Any, TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from todo_gql.observability import redaction
from todo_gql.observability.request_record import RequestRecord, current

# taskName became an attribute of log records in Python 3.12; color_message is uvicorn's own.
_RESERVED = frozenset(RESERVED_ATTRS) | {"color_message", "taskName"}
_CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROL_CHARACTERS_OF_TEXT = {
    code: escape for code, escape in _CONTROL_CHARACTERS.items() if chr(code) not in "\n\t"
}


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def rfc3339(timestamp: float) -> str:
    """Give a Unix time in seconds as RFC 3339 in UTC, to the millisecond."""
    seconds = int(timestamp)
    return f"{_second(seconds)}.{int((timestamp - seconds) * 1000):03d}Z"


def _whose(record: RequestRecord | None) -> dict[str, str]:
    """The ids of the request that something happened in, as far as they are known."""
    if record is None:
        return {}
    facts = {
        "request_id": record.request_id,
        "operation": record.operation,
        "user_id": record.user_id,
    }
    return {name: str(fact) for name, fact in facts.items() if fact}


def _trace(exc_info: Any) -> str:
    return redaction.trace(exc_info[1]) if exc_info[1] else ""


def readable(fields: dict[str, Any]) -> list[str]:
    """Fields as `name=value`, control characters escaped."""
    return [f"{name}={str(value).translate(_CONTROL_CHARACTERS)}" for name, value in fields.items()]


class JSONLines(JsonFormatter):
    """Formats a record as one JSON object: time, level, logger, message, request_id, then extras."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            reserved_attrs=sorted(_RESERVED),
        )

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Put the time first and the ids of the current request among the fields."""
        log_data["time"] = rfc3339(record.created)
        super().add_fields(log_data, record, message_dict)
        for name, fact in _whose(current.get()).items():
            log_data.setdefault(name, fact)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """Tell an exception without what a client sent."""
        return _trace(ei)


class PlainLines(logging.Formatter):
    """Formats a record as a readable line, with the extras at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Put the extras and the ids of the current request behind the message."""
        extras = {name: value for name, value in vars(record).items() if name not in _RESERVED}
        extras |= {n: fact for n, fact in _whose(current.get()).items() if n not in extras}
        return " ".join([super().formatMessage(record), *readable(extras)])

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """Tell an exception without what a client sent."""
        return _trace(ei)

    def format(self, record: logging.LogRecord) -> str:
        """Escape control characters, which could change the terminal."""
        return super().format(record).translate(_CONTROL_CHARACTERS_OF_TEXT)


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every log to `stream` (standard error by default), ours from `level` on.

    Other libraries speak from WARNING on whatever the level, since what they say below that may
    hold statements with their values. uvicorn's own access log is silenced in favour of ours.
    Raises KeyError for a level that the logging module doesn't know.
    """
    output = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": PlainLines if output.isatty() else JSONLines}},
            "handlers": {
                "output": {
                    "class": "logging.StreamHandler",
                    "stream": output,
                    "formatter": "lines",
                }
            },
            "root": {"handlers": ["output"], "level": "WARNING"},
            "loggers": {
                "todo_gql": {"level": threshold},
                "uvicorn": {"level": "WARNING", "handlers": [], "propagate": True},
                "uvicorn.access": {"handlers": [], "propagate": False},
            },
        }
    )
