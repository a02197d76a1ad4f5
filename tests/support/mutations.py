"""Mutations of files: what a mind without a plan makes of them, the same for the same seed."""

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from typing import Final

# What readers are known to stumble over: ends of ranges, nesting, and signs of the formats.
NASTY: Final = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b'"', b'""', b"\r", b"\r\n", b"\n\n", b"\\", b",,,,",
    b"[" * 2_000, b"{" * 2_000, b'{"a":' * 500, b"(" * 500, b"<a " * 500, b"&#" + b"9" * 5_000 + b";", b"[[file {",
    b"9" * 5_000, b"-1", b"1e999", b"0.0000001", b"99999999999999999999", b"null", b"true", b"[]", b"{}", b'""',
    b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00Z", b"99991231T235959Z", b"00010101T000000Z", b"2026-02-30",
    b"every " * 20, b"1 " * 50, b"tomorrow " * 8, b"FREQ=SECONDLY", b"INTERVAL=0", b"COUNT=99999999999",
    b"BYDAY=" + b"MO," * 200, b"UNTIL=00000000", b"P99999999999W", b"-PT0S", b"BEGIN:VTODO\r\n", b"END:VTODO\r\n",
    b"BEGIN:VALARM\r\n" * 50, b"TZID=../../etc/passwd", b"\xe2\x80\xae", b"\xcc\x81" * 200, b"\xf0\x9f\x8f\xa1",
)  # fmt: skip


def mutated(content: bytes, seed: int) -> bytes:
    """A file with one to four mutations; within an archive, of one of its entries or of the archive itself."""
    chance = random.Random(seed)
    if content.startswith(b"PK") and chance.random() < 0.8:
        return _repacked(content, chance)
    return _bytes(content, chance)


def mutations(content: bytes, number: int, seed: int) -> Iterator[bytes]:
    """So many mutations of a file."""
    return (mutated(content, seed * 1_000_003 + index) for index in range(number))


def _bytes(content: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        content = chance.choice(_MUTATORS)(content, chance)
    return content


def _repacked(content: bytes, chance: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    name = chance.choice(sorted(entries))
    entries[name] = _bytes(entries[name], chance)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for each, data in entries.items():
            target.writestr(each, data)
    return buffer.getvalue()


def _span(content: bytes, chance: random.Random, longest: int = 400) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.randint(0, longest))


def _flip(content: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        if flipped:
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def _cut(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + (content[end:] if chance.random() < 0.7 else b"")


def _duplicate(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 2, 50)) + content[end:]


def _swap(content: bytes, chance: random.Random) -> bytes:
    (start, end), (other, last) = sorted((_span(content, chance), _span(content, chance)))
    if end > other:
        return content
    return (
        content[:start]
        + content[other:last]
        + content[end:other]
        + content[start:end]
        + content[last:]
    )


def _insert(content: bytes, chance: random.Random) -> bytes:
    start, _ = _span(content, chance)
    return content[:start] + chance.choice(NASTY) + content[start:]


def _replace(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance, 30)
    return content[:start] + chance.choice(NASTY) + content[end:]


def _number(content: bytes, chance: random.Random) -> bytes:
    """One of the numbers is another one."""
    digits = [index for index, byte in enumerate(content) if 48 <= byte <= 57]
    if not digits:
        return content
    start = end = chance.choice(digits)
    while end < len(content) and 48 <= content[end] <= 57:
        end += 1
    number = chance.choice((b"0", b"-1", b"32", b"99", b"2147483648", b"9" * 30, b"9" * 4_500))
    return content[:start] + number + content[end:]


_MUTATORS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    _flip,
    _cut,
    _duplicate,
    _swap,
    _insert,
    _replace,
    _number,
)
