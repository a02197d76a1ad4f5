"""Writing todo.txt, a todo on each line: https://github.com/todotxt/todo.txt.

Lists are projects, tags contexts. What a line has no word for (descriptions, times of day, comments, most
rules) isn't in it.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from todo_gql.exporting.records import Record, day_of, moment_of, plain_period

_PRIORITIES: Final = {"URGENT": "A", "HIGH": "B", "MEDIUM": "C", "LOW": "D"}
_UNITS: Final = {"DAILY": "d", "WEEKLY": "w", "MONTHLY": "m", "YEARLY": "y"}
# Words that a reader would take for something else than a part of the title.
_SPECIAL: Final = re.compile(r"(?<!\S)(?:[+@](?=\S)|(?=(?:due|t|rec|id|p|h|pri):\S))")
_BEGINS_SPECIALLY: Final = re.compile(r"(?:x |\([A-Z]\) |[0-9]{4}-[0-9]{2}-[0-9]{2} )")
_WORD_JOINER: Final = "\u2060"


def todo_txt_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """The lines of the file, in the order of the todos; cancelled ones aren't in it."""
    lists = dict[str, str]()
    for record in records:
        if record["type"] == "list":
            lists[record["id"]] = _word(record["name"])
        elif record["status"] != "CANCELLED":
            yield f"{_line(record, lists.get(record.get('listId', '')))}\n".encode()


def _line(record: Record, project: str | None) -> str:
    created = moment_of(record["createdAt"]).date().isoformat()
    priority = _PRIORITIES[record["priority"]]
    if "completedAt" in record:
        head = ["x", moment_of(record["completedAt"]).date().isoformat(), created]
    else:
        head = [f"({priority})", created]
    words = [*head, _title(record["title"])]
    if project:
        words.append(f"+{project}")
    words += [f"@{_word(tag)}" for tag in record.get("tags", ())]
    words += [f"{key}:{value}" for key, value in _values(record) if value]
    if "completedAt" in record:
        words.append(f"pri:{priority}")
    return " ".join(words)


def _values(record: Record) -> Iterator[tuple[str, str | date | None]]:
    yield "due", day_of(record, "due")
    yield "t", day_of(record, "start")
    yield "rec", _period(record)
    yield "id", record["id"]
    yield "p", record.get("parentId")


def _period(record: Record) -> str | None:
    period = plain_period(record)
    if period is None:
        return None
    strictly = "+" if record["recurrence"]["mode"] == "SCHEDULE" else ""
    return f"{strictly}{period[1]}{_UNITS[period[0]]}"


def _title(title: str) -> str:
    """A title on one line, of which no word is taken for anything else."""
    text = _SPECIAL.sub(lambda match: f"{_WORD_JOINER}{match[0]}", " ".join(title.split()))
    return f"{_WORD_JOINER}{text}" if _BEGINS_SPECIALLY.match(text) else text


def _word(text: str) -> str:
    """A name as one word."""
    return "_".join(text.split())
