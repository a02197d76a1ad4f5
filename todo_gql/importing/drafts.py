"""What readers gather for one todo: its title, what has no home in it, and an id where it has none."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from todo_gql.api.text import REFUSED
from todo_gql.importing.records import Problem, ProblemCode

MAX_TODOS: Final = 50_000
MAX_ID_LENGTH: Final = 100
MAX_LOSSES: Final = 50
UNTITLED: Final = "Untitled"
# More of a title is never stored; of a value in a message it says enough.
_MAX_TITLE_LENGTH: Final = 1_000
_MAX_SHOWN_LENGTH: Final = 100
_DIGEST_LENGTH: Final = 40
_BREAKS: Final = re.compile("[\r\n\u2028\u2029]+")


def titled(text: str, otherwise: str = "") -> str:
    """A title in one line, or else the first words of another text; at most 1,000 characters."""
    for source in (text, otherwise):
        line = " ".join(REFUSED.sub(" ", source[: 4 * _MAX_TITLE_LENGTH]).split())
        if line:
            return line[:_MAX_TITLE_LENGTH].strip()
    return UNTITLED


def foreign_id(*parts: str) -> str:
    """An id of at most 100 characters: the id itself if it is short and plain, or else its digest."""
    text = "/".join(parts)
    if len(text) <= MAX_ID_LENGTH and text.isascii() and text.isprintable():
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_DIGEST_LENGTH]


class PathIds:
    """Ids for what has none in its file: the same for the same titles in the same order."""

    def __init__(self) -> None:
        self._seen = Counter[str]()

    def next(self, *titles: str) -> str:
        """The id of the next thing below these titles; the last one is its own."""
        path = hashlib.sha256("\x1f".join(titles).encode("utf-8", "surrogatepass")).hexdigest()
        self._seen[path] += 1
        return f"{path[:_DIGEST_LENGTH]}-{self._seen[path]}"


@dataclass
class Losses:
    """What has no home in a todo: each as a line of its description, and as a problem of the report."""

    location: str
    title: str
    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        label: str,
        value: str,
        reason: str = "it has no place here",
        code: ProblemCode = ProblemCode.UNSUPPORTED,
        at: str | None = None,
    ) -> None:
        """Keep a value under its label; `reason` ends the sentence of the problem's message.

        Beyond `MAX_LOSSES` values of one todo the rest is dropped, with a problem that says so.
        """
        if len(self.lines) >= MAX_LOSSES:
            if len(self.problems) == len(self.lines):
                message = (
                    f"Of what has no place here, the first {MAX_LOSSES} are in the description."
                )
                self.problems.append(
                    Problem(
                        self.location, ProblemCode.TOO_MANY, message, self.title[:200], is_loss=True
                    )
                )
            return
        self.lines.append(f"{label}: {value}")
        message = f"{label} “{shown(value)}” is in the description: {reason}."
        self.problems.append(
            Problem(at or self.location, code, message, self.title[:200], is_loss=True)
        )

    def described(self, description: str | None) -> str | None:
        """A description with what has no home at its end; None if there is nothing at all."""
        parts = [description.strip()] if description and description.strip() else []
        if self.lines:
            parts.append("\n".join(self.lines))
        return "\n\n".join(parts) or None


def shown(value: str) -> str:
    """A value as messages have it: in one line, and not all of a long one."""
    line = _BREAKS.sub(" ", REFUSED.sub(" ", value[: 4 * _MAX_SHOWN_LENGTH])).strip()
    return f"{line[:_MAX_SHOWN_LENGTH]}…" if len(line) > _MAX_SHOWN_LENGTH else line
