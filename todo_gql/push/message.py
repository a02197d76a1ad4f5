"""What a push message says, as JSON that is short enough for every push service."""

from bisect import bisect_right
from typing import Final, NamedTuple, Self

import orjson

MAX_PAYLOAD_BYTES: Final = 3_900
"""A body of 4,096 bytes holds 3,993 bytes of text (RFC 8291, section 4); some services add to it."""

ELLIPSIS: Final = "…"


class PushMessage(NamedTuple):
    """What a browser shows; a message replaces one with the same `tag` that is still shown.

    `url` is where a click leads, relative to the scope of the service worker.
    """

    title: str
    body: str
    url: str
    tag: str

    def payload(self, limit: int = MAX_PAYLOAD_BYTES) -> bytes:
        """The message as JSON of at most so many bytes: the body is cut first, then the title."""
        for field in ("body", "title"):
            content = orjson.dumps(self._asdict())
            if len(content) <= limit:
                return content
            self = self._cut(field, len(content) - limit)  # noqa: PLW0642
        return orjson.dumps(self._asdict())

    def _cut(self, field: str, excess: int) -> Self:
        """The message with a text shortened between characters, by at least so many bytes of JSON."""
        text = str(getattr(self, field))
        allowed = len(orjson.dumps(text)) - excess
        length = bisect_right(
            range(1, len(text)), allowed, key=lambda n: len(orjson.dumps(text[:n] + ELLIPSIS))
        )
        return self._replace(**{field: text[:length] + ELLIPSIS if length else ""})
