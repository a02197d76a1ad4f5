"""CSV files by their headers: rows as texts by column, whatever comes before the header."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from todo_gql.importing.contents import MAX_LINE_LENGTH, text_stream
from todo_gql.importing.records import Problem, ProblemCode, UnreadableFile

# The most that a row has in all of its lines, and the most columns.
MAX_ROW_LENGTH: Final = 1_000_000
MAX_COLUMNS: Final = 200
MAX_ROWS: Final = 500_000
_MAX_PREAMBLE_ROWS: Final = 100
_SAMPLE: Final = 64 * 1024


@dataclass(frozen=True)
class Row:
    """A row's texts by the names of their columns, and the line where it ends."""

    line: int
    values: Mapping[str, str]

    @property
    def location(self) -> str:
        """Where it is, as problems say it."""
        return f"line {self.line}"

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def rows(content: bytes, header: frozenset[str]) -> Iterator[Row | Problem]:
    """The rows after the header, the first row that has all of these names, in any letter case.

    Empty rows are left out. Raises `UnreadableFile` without a header, for a row that never ends, and beyond `MAX_ROWS`.
    """
    delimiter = _delimiter(content, header)
    lines = _Lines(content)
    reader = csv.reader(lines, delimiter=delimiter)
    columns: list[str] | None = None
    preamble = 0
    for _ in range(MAX_ROWS):
        lines.length = 0
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            message = "The row can't be read: one of its cells is too long."
            yield Problem(f"line {reader.line_num}", ProblemCode.INVALID, message)
            continue
        if columns is not None:
            if any(cell.strip() for cell in cells):
                yield Row(reader.line_num, dict(zip(columns, cells, strict=False)))
        elif header <= {name.strip().lower() for name in cells[:MAX_COLUMNS]}:
            columns = [name.strip().lower() for name in cells[:MAX_COLUMNS]]
        elif (preamble := preamble + 1) > _MAX_PREAMBLE_ROWS:
            break
    else:
        raise UnreadableFile(f"The file has more than {MAX_ROWS:,} rows.")
    if columns is None:
        names = ", ".join(sorted(header))
        raise UnreadableFile(f"The file has no row that names its columns, among them {names}.")


def has_header(text: str, header: frozenset[str]) -> bool:
    """Whether one of a text's lines names all of these columns."""
    return any(all(name in line.lower() for name in header) for line in text[:_SAMPLE].splitlines())


class _Lines:
    """The lines of a text for a CSV reader, none of them and no row too long."""

    def __init__(self, content: bytes) -> None:
        self._stream = text_stream(content)
        self.length = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE_LENGTH)
        if not line:
            raise StopIteration
        self.length += len(line)
        if self.length > MAX_ROW_LENGTH:
            raise UnreadableFile(
                f"A row is longer than {MAX_ROW_LENGTH:,} characters: a quotation mark is missing."
            )
        return line.replace("\x00", "")


def _delimiter(content: bytes, header: frozenset[str]) -> str:
    """A comma, or what stands between the columns of the header instead: spreadsheets write semicolons."""
    sample = text_stream(content[:_SAMPLE]).read()
    for line in sample.splitlines():
        if all(name in line.lower() for name in header):
            return max(",;\t", key=line.count)
    return ","
