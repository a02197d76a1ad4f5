"""A document's text, in which the positions of errors are looked up in one pass."""

import re
from bisect import bisect_right
from collections.abc import Iterable

from graphql import GraphQLError, Source

LINE_BREAK = re.compile(r"\r\n|[\n\r]")


class DocumentSource(Source):
    """The text of a document, which graphql-core reads once.

    It would look for line breaks from the start of the text anew for each error that is raised,
    also for those that nobody sees. So it gets no text any more once the document is parsed, and
    `locations` tells lines and columns.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self._starts: list[int] | None = None

    def close(self) -> None:
        """Hide the text from graphql-core, which has parsed it."""
        self.body = ""

    def locations(self, positions: Iterable[int]) -> list[dict[str, int]]:
        """The lines and columns, both from 1, of positions in the text."""
        if self._starts is None:
            self._starts = [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]
        lines = [(bisect_right(self._starts, position), position) for position in positions]
        return [
            {"line": line, "column": position - self._starts[line - 1] + 1}
            for line, position in lines
        ]


def locations_of(error: GraphQLError) -> list[dict[str, int]]:
    """Where in its document an error is, as an answer's `errors` have it."""
    if isinstance(error.source, DocumentSource) and error.positions:
        return error.source.locations(error.positions)
    return [{"line": one.line, "column": one.column} for one in error.locations or ()]
