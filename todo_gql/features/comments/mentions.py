"""Mentions in the Markdown of comments: `@[name](user:UUID)` outside code (CommonMark, sections 4.4, 4.5, 6.1)."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from todo_gql.api.node import parse_id

# A name has no brackets but escaped ones, so that each start is read once up to the next one.
MENTION: Final = re.compile(r"(?<!\\)@\[((?:[^\[\]\\\n]|\\.)*+)\]\(user:([0-9A-Fa-f-]{36})\)")
BACKTICKS: Final = re.compile(r"`+")
# Behind the marks of block quotes and of lists.
FENCE: Final = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`]*$)|~{3,})")
EXCERPT: Final = 200
READ_FOR_EXCERPT: Final = 5 * EXCERPT
LIST_ITEM: Final = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
INDENTED: Final = re.compile(r" {4}| {0,3}\t")


def mentioned_ids(body: str) -> list[UUID]:
    """The ids of the users whom a text mentions, each once, in the order of the first mentions."""
    ids = dict[UUID, None]()
    if "@[" not in body:
        return []
    for paragraph in _paragraphs(body):
        code = list(_code_spans(paragraph))
        starts = [start for start, _ in code]
        for match in MENTION.finditer(paragraph):
            index = bisect_right(starts, match.start()) - 1
            is_code = index >= 0 and match.start() < code[index][1]
            if not is_code and (id := parse_id(match[2])):
                ids[id] = None
    return list(ids)


def without_mentions(body: str) -> str:
    """A text in which mentions are names, as `@name`."""
    return MENTION.sub(lambda match: "@" + re.sub(r"\\(.)", r"\1", match[1]), body)


def _paragraphs(body: str) -> Iterator[str]:
    """The lines outside code blocks, as far as they are one paragraph."""
    lines, fence, in_list, was_blank = list[str](), "", False, True
    for line in body.splitlines():
        opened = FENCE.match(line)
        if fence:
            mark = line.strip(" \t>")
            fence = "" if mark and not mark.strip(fence[0]) and len(mark) >= len(fence) else fence
        elif opened:
            fence = opened[1]
        elif line.strip() and not (INDENTED.match(line) and was_blank and not in_list):
            if not INDENTED.match(line):
                in_list = bool(LIST_ITEM.match(line)) or (in_list and not was_blank)
            lines.append(line)
            was_blank = False
            continue
        was_blank = True
        if lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def _code_spans(paragraph: str) -> Iterator[tuple[int, int]]:
    """Where spans of code begin and end: at runs of as many backticks."""
    runs = [(match.start(), match.end()) for match in BACKTICKS.finditer(paragraph)]
    starts = defaultdict[int, list[int]](list)
    for start, end in runs:
        starts[end - start].append(start)
    done = 0
    for start, end in runs:
        if start < done:
            continue
        # A backtick behind a backslash is a character.
        length = end - start - _is_escaped(paragraph, start)
        closing = starts[length] if length else []
        index = bisect_right(closing, start)
        if index < len(closing):
            done = closing[index] + length
            yield start, done


def _is_escaped(text: str, index: int) -> bool:
    first = index
    while first and text[first - 1] == "\\":
        first -= 1
    return (index - first) % 2 == 1


def excerpt_of(body: str) -> str:
    """The beginning of a body in one line, with the names of those whom it mentions."""
    text = " ".join(without_mentions(body[:READ_FOR_EXCERPT]).split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"
