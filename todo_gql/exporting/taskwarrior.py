"""Writing what `task import` reads: JSON as RFC 1 of Taskwarrior's documents describes it.

Lists are projects, comments annotations, and what is put off waits. Rules other than plain periods, and
descriptions but as annotations, have no home there.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from todo_gql.exporting.records import Record, basic_moment, plain_period

_STATUSES: Final = {
    "PENDING": "pending",
    "IN_PROGRESS": "pending",
    "COMPLETED": "completed",
    "CANCELLED": "deleted",
}
_PRIORITIES: Final = {"URGENT": "H", "HIGH": "H", "MEDIUM": "M", "LOW": "L"}
_PERIODS: Final = {"DAILY": "P{}D", "WEEKLY": "P{}W", "MONTHLY": "P{}M", "YEARLY": "P{}Y"}


def taskwarrior_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """The lines of an array with an object on each."""
    lists, separator = dict[str, str](), b"["
    for record in records:
        if record["type"] == "list":
            lists[record["id"]] = record["name"]
            continue
        task = {
            key: value for key, value in _task(record, lists).items() if value not in (None, [])
        }
        yield separator + b"\n" + orjson.dumps(task)
        separator = b","
    yield b"\n]\n" if separator == b"," else b"[]\n"


def _task(record: Record, lists: dict[str, str]) -> dict[str, Any]:
    period = plain_period(record)
    due = _moment(record, "due")
    is_open = record["status"] in ("PENDING", "IN_PROGRESS")
    # A recurring task needs a due date, which todos that repeat have.
    recurs = bool(period and due and is_open)
    return {
        "uuid": record["id"],
        "status": "recurring" if recurs else _STATUSES[record["status"]],
        "description": " ".join(record["title"].split()),
        "entry": basic_moment(record["createdAt"]),
        "modified": basic_moment(record["updatedAt"]),
        "end": None if is_open else basic_moment(_ended_at(record)),
        "start": basic_moment(record["updatedAt"]) if record["status"] == "IN_PROGRESS" else None,
        "due": due,
        "scheduled": _moment(record, "start"),
        "wait": basic_moment(record["snoozedUntil"]) if "snoozedUntil" in record else None,
        "priority": _PRIORITIES[record["priority"]],
        "tags": ["_".join(tag.split()) for tag in record.get("tags", ())],
        "project": lists.get(record.get("listId", "")),
        "recur": _PERIODS[period[0]].format(period[1]) if recurs and period else None,
        "annotations": _annotations(record),
    }


def _ended_at(record: Record) -> str:
    """When a task ended that isn't open: a cancelled one when it last changed."""
    return str(record.get("completedAt") or record["updatedAt"])


def _moment(record: Record, name: str) -> str | None:
    """A date as midnight in UTC: no zone is known in which it would be another day for its reader."""
    if day := record.get(f"{name}Date"):
        return f"{day.replace('-', '')}T000000Z"
    return basic_moment(record[f"{name}At"]) if f"{name}At" in record else None


def _annotations(record: Record) -> list[dict[str, str]]:
    texts = [(record["createdAt"], record["description"])] if "description" in record else []
    texts += [(one["createdAt"], one["body"]) for one in record.get("comments", ())]
    return [{"entry": basic_moment(at), "description": text} for at, text in texts]
