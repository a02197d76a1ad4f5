"""What files contain: their bytes within the limit, and the text that they are, in whatever encoding."""

import codecs
import io
from collections.abc import Iterator
from typing import IO, Final

from todo_gql.importing.records import UnreadableFile

MAX_FILE_BYTES: Final = 20 * 1024 * 1024
# Titles have 200 characters and notes 5,000; a longer line is none that a program wrote for a todo.
MAX_LINE_LENGTH: Final = 200_000
# Thirty for each of as many todos as a file may have.
MAX_LINES: Final = 1_500_000
_CHUNK: Final = 64 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How many bytes at the start say whether a text is UTF-16 without a mark.
_SAMPLE: Final = 512
_REPLACEMENT: Final = "\ufffd"


def read_bytes(file: IO[bytes]) -> bytes:
    """The bytes of a file, from its start; raises `UnreadableFile` for an empty and for a too large one."""
    file.seek(0)
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_FILE_BYTES // 1024**2} MB.")
    if not content.strip(b"\x00\t\r\n "):
        raise UnreadableFile("The file is empty.")
    return content


def encoding_of(content: bytes) -> str:
    """The encoding of a text: what its mark says, else UTF-8, UTF-16 or Windows-1252 by its bytes."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    sample = content[:_SAMPLE]
    if len(sample) > 1:
        odd, even = sample[1::2], sample[::2]
        if odd.count(0) > len(odd) // 2 and even.count(0) <= len(even) // 4:
            return "utf-16-le"
        if even.count(0) > len(even) // 2 and odd.count(0) <= len(odd) // 4:
            return "utf-16-be"
    valid, invalid = _utf8_characters(content)
    # One byte that went wrong doesn't make another encoding of a long text.
    return "utf-8" if valid >= invalid else "cp1252"


def text_stream(content: bytes) -> io.TextIOWrapper:
    """The text that bytes are, decoded while it is read; line ends stay as they are."""
    return io.TextIOWrapper(io.BytesIO(content), encoding_of(content), errors="replace", newline="")


def utf8(content: bytes) -> bytes:
    """The same text in UTF-8, without a mark."""
    encoding = encoding_of(content)
    if encoding == "utf-8-sig":
        return content[len(codecs.BOM_UTF8) :]
    if encoding == "utf-8" and _REPLACEMENT.encode() not in content:
        try:
            for _ in codecs.iterdecode(_chunks(content), "utf-8"):
                pass
        except UnicodeDecodeError:
            pass
        else:
            return content
    return b"".join(
        part.encode("utf-8", "replace")
        for part in codecs.iterdecode(_chunks(content), encoding, errors="replace")
    )


def lines_of(content: bytes) -> Iterator[tuple[int, str | None]]:
    """Each line with its number from 1, without its end and without NULs; None for one that is too long.

    Raises `UnreadableFile` beyond `MAX_LINES`.
    """
    stream = io.TextIOWrapper(io.BytesIO(content), encoding_of(content), errors="replace")
    number = 0
    while line := stream.readline(MAX_LINE_LENGTH + 1):
        number += 1
        if number > MAX_LINES:
            raise UnreadableFile(f"The file has more than {MAX_LINES:,} lines.")
        if len(line) > MAX_LINE_LENGTH:
            while line and not line.endswith("\n"):
                line = stream.readline(MAX_LINE_LENGTH)
            yield number, None
        else:
            yield number, line.rstrip("\r\n").replace("\x00", "")


def _chunks(content: bytes) -> Iterator[bytes]:
    return (content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK))


def _utf8_characters(content: bytes) -> tuple[int, int]:
    """How many characters beyond ASCII a text has as UTF-8, and how many bytes that are none."""
    if content.isascii():
        return 0, 0
    valid = invalid = 0
    for part in codecs.iterdecode(_chunks(content), "utf-8", errors="replace"):
        wrong = part.count(_REPLACEMENT)
        invalid += wrong
        if not part.isascii():
            valid += len(part) - len(part.encode("ascii", "ignore")) - wrong
    return valid, invalid
