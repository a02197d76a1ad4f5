"""HTML of editors as Markdown, in time that grows with its length alone.

The standard library's parser takes the square of it for texts of unclosed tags, and raises for some.
"""

import html
import re
from collections.abc import Callable
from typing import Final

MAX_HTML_LENGTH: Final = 200_000
_MAX_LIST_DEPTH: Final = 10
# What is between a sign and the next one; a tag that isn't closed before another begins is text.
_TAG: Final = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})((?:\s[^<>]{0,4000})?)/?>|<!--[^<>]{0,4000}-->"
)
_HREF: Final = re.compile(r"\shref\s?=\s?[\"']([^\"'<>\s]{1,2000})[\"']")
_CHECKED: Final = re.compile(r"data-checked\s?=\s?[\"']true[\"']")
_SPACES: Final = re.compile(r"[ \t\r\n]+")
_MARKS: Final = {
    "b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "s": "~~", "del": "~~", "strike": "~~",
}  # fmt: skip
_BLOCKS: Final = frozenset(("p", "div", "ul", "ol", "blockquote", "pre", "table", "tr"))


def as_markdown(text: str) -> str:
    """A text in HTML as Markdown: paragraphs, lists, emphasis, links and code; what else it has is text.

    Beyond `MAX_HTML_LENGTH` characters it is cut.
    """
    if "<" not in text and "&" not in text:
        return text.strip()
    writer = _Writer()
    end = 0
    text = text[:MAX_HTML_LENGTH]
    for match in _TAG.finditer(text):
        writer.text(text[end : match.start()])
        end = match.end()
        if match[2]:
            writer.tag(match[2].lower(), match[3], is_end=bool(match[1]))
    writer.text(text[end:])
    return writer.result()


class _Writer:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lists: list[int] = []
        self._links: list[str] = []
        self._hidden = 0
        self._tags: dict[str, Callable[[str, bool], None]] = {
            "br": lambda _attributes, _is_end: self._parts.append("\n"),
            "li": self._item,
            "ul": self._list,
            "ol": self._list,
            "a": self._link,
        }

    def text(self, text: str) -> None:
        if self._hidden or not text:
            return
        words = _SPACES.sub(" ", unescaped(text))
        self._parts.append(words)

    def tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        if name in ("script", "style"):
            self._hidden = max(0, self._hidden + (-1 if is_end else 1))
        elif name in _MARKS:
            self._parts.append(_MARKS[name])
        elif len(name) == 2 and name[0] == "h" and name[1] in "123456":  # noqa: PLR2004 # h1 to h6
            self._parts.append("\n\n" if is_end else f"\n\n{'#' * int(name[1])} ")
        elif name in self._tags:
            self._tags[name](attributes, is_end)
        elif name in _BLOCKS:
            self._block(is_end)

    def _block(self, is_end: bool) -> None:
        """A paragraph of its own, unless it is the first or only one of an item."""
        if not self._lists:
            self._parts.append("\n\n")
        elif not is_end and not self._parts[-1].lstrip().startswith("- "):
            self._parts.append("\n")

    def _list(self, _attributes: str, is_end: bool) -> None:
        if is_end and self._lists:
            self._lists.pop()
        elif not is_end and len(self._lists) < _MAX_LIST_DEPTH:
            self._lists.append(0)
        if not self._lists:
            self._parts.append("\n\n")

    def _item(self, attributes: str, is_end: bool) -> None:
        if is_end:
            return
        indent = "  " * (len(self._lists) - 1)
        box = ""
        if "data-checked" in attributes:
            box = "[x] " if _CHECKED.search(attributes) else "[ ] "
        self._parts.append(f"\n{indent}- {box}")

    def _link(self, attributes: str, is_end: bool) -> None:
        if not is_end:
            match = _HREF.search(attributes)
            self._links.append(unescaped(match[1]) if match else "")
            self._parts.append("[" if match else "")
        elif self._links and (target := self._links.pop()):
            self._parts.append(f"]({target})")

    def result(self) -> str:
        lines = [line.rstrip() if line.strip() else "" for line in "".join(self._parts).split("\n")]
        paragraphs: list[str] = []
        for line in lines:
            text = line if line.lstrip().startswith("- ") else line.strip()
            if text or (paragraphs and paragraphs[-1]):
                paragraphs.append(text)
        return "\n".join(paragraphs).strip()


def unescaped(text: str) -> str:
    """A text with the characters that its references name."""
    try:
        return html.unescape(text)
    except ValueError:
        # A reference by a number of thousands of digits.
        return text
