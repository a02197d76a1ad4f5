"""Reads mutations of every fixture, and says what shouldn't have happened: a program of its own.

`python -m tests.support.import_mutations NUMBER SEED` reads so many of each. Memory and CPU are those of this
process alone, which no test before has used.
"""

import io
import json
import resource
import sys
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self

from tests.support.imports import BERLIN, NOW, OWN, SHARED
from tests.support.mutations import mutations
from tests.support.own_exports import LINES, packed
from tests.support.vikunja_exports import export
from todo_gql.database.models import TransferFormat
from todo_gql.importing.drafts import MAX_ID_LENGTH
from todo_gql.importing.formats import READERS, detect
from todo_gql.importing.records import (
    ImportedDate,
    ImportedList,
    ImportedTodo,
    Item,
    ReadOptions,
    UnreadableFile,
)

FORMATS: Final = {
    "todoist": TransferFormat.TODOIST,
    "taskwarrior": TransferFormat.TASKWARRIOR,
    "todotxt": TransferFormat.TODO_TXT,
    "vikunja": TransferFormat.VIKUNJA,
    "microsoft": TransferFormat.MICROSOFT_TODO,
    "google": TransferFormat.GOOGLE_TASKS,
    "icalendar": TransferFormat.ICALENDAR,
    "ticktick": TransferFormat.TICKTICK,
}
# The calls that reading a file may take, beside those for each of its bytes.
MAX_CALLS, MAX_CALLS_PER_BYTE = 1_000_000, 100
# What stops a regular expression or a library that never ends; all of it takes a tenth of that.
MAX_CPU_SECONDS: Final = 900


def fixture_files() -> Iterator[tuple[str, TransferFormat, bytes]]:
    """The name, format and content of each fixture, those in archives too."""
    for folder in (OWN, SHARED):
        for name, format in FORMATS.items():
            for path in sorted((folder / name).glob("*.*")):
                is_calendar = path.suffix == ".ics"
                yield (
                    f"{folder.parent.name}/{name}/{path.name}",
                    TransferFormat.ICALENDAR if is_calendar else format,
                    path.read_bytes(),
                )
    yield "vikunja/export", TransferFormat.VIKUNJA, export()
    yield "todo_gql/export", TransferFormat.TODO_GQL, packed(LINES)
    yield "todoist/backup", TransferFormat.TODOIST, _packed(OWN / "todoist", "*.csv")
    yield "google/takeout", TransferFormat.GOOGLE_TASKS, _packed(OWN / "google", "*.json")


def main(number: int, seed: int) -> int:
    """Print the failures, and how much memory reading took; the exit status."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    before = _peak_bytes()
    failures, reads, calls = list[str](), 0, 0.0
    for name, format, content in fixture_files():
        for index, mutation in enumerate(mutations(content, number, seed)):
            reads += 1
            counter = CallCounter()
            with counter:
                failure = _failure(mutation, format)
            allowed = MAX_CALLS + MAX_CALLS_PER_BYTE * len(mutation)
            calls = max(calls, counter.calls / allowed)
            if failure is None and counter.calls > allowed:
                failure = f"{counter.calls} calls for {len(mutation)} bytes"
            if failure:
                failures.append(f"{name}, mutation {index} of seed {seed}: {failure}")
    memory = _peak_bytes() - before
    report = {"reads": reads, "memory": memory, "calls": calls, "failures": failures}
    sys.stdout.write(json.dumps(report))
    return 0


class CallCounter:
    """Counts the calls of functions, of Python's and of C's, within its block."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.calls += event in ("call", "c_call")


def check(item: Item) -> None:
    """Raise `AssertionError` for what no reader may give."""
    if isinstance(item, ImportedList):
        assert 0 < len(item.foreign_id) <= MAX_ID_LENGTH
        assert item.name
    elif isinstance(item, ImportedTodo):
        assert 0 < len(item.foreign_id) <= MAX_ID_LENGTH
        assert item.title == item.title.strip() != ""
        assert item.parent_id != item.foreign_id
        assert not (item.rule and item.due is None)
        for each in (item.due, item.start):
            _check_date(each)
        for comment in item.comments:
            assert comment.body.strip()
            assert 0 < len(comment.foreign_id) <= MAX_ID_LENGTH
    else:
        assert item.location
        assert item.message


def _check_date(value: ImportedDate | None) -> None:
    if value:
        assert (value.day is None) != (value.at is None)
        assert (value.zone is None) == (value.at is None)
        assert value.at is None or value.at.tzinfo is not None


def _failure(content: bytes, format: TransferFormat) -> str | None:
    options = ReadOptions("file.csv", BERLIN, NOW)
    try:
        detect(io.BytesIO(content), "file")
        for item in READERS[format](io.BytesIO(content), options):
            check(item)
    except UnreadableFile:
        return None
    except Exception:  # noqa: BLE001 # whatever it is is the failure
        return traceback.format_exc(limit=-4)
    return None


def _packed(folder: Path, pattern: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob(pattern)):
            archive.writestr(path.name, path.read_bytes())
    return buffer.getvalue()


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
