"""The source text of a document, with a fast lookup of error locations."""

import re
from bisect import bisect_right
from collections.abc import Iterable

from graphql import GraphQLError, Source

LINE_BREAK = re.compile(r"\r\n|[\n\r]")


class DocumentSource(Source):
    """The source text of a document; `close` hides it from graphql-core after parsing.

    graphql-core scans the text from its start for each error raised, also for those that are
    discarded. Here line starts are computed once, and `locations` does a binary search.
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
            self._starts = [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]
        lines = [(bisect_right(self._starts, position), position) for position in positions]
        return [
            {"line": line, "column": position - self._starts[line - 1] + 1}
            for line, position in lines
        ]


def locations_of(error: GraphQLError) -> list[dict[str, int]]:
    """The `locations` of an error, as in a response's `errors`."""
    if isinstance(error.source, DocumentSource) and error.positions:
        return error.source.locations(error.positions)
    return [{"line": one.line, "column": one.column} for one in error.locations or ()]
