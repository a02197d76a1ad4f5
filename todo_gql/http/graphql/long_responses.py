"""Long responses: serialized in pieces, so as not to block the event loop, and limited in bytes."""

from typing import Any, Final

import orjson

from todo_gql.api.errors import Code
from todo_gql.documents.parsing import ErrorEntry, error_entry
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.http.graphql.response import CHUNK_BYTES, SerializedData, pieces

ANSWER_TOO_LARGE: Final = "ANSWER_TOO_LARGE"
"""The `extensions.reason` of an operation that was executed but whose response is too large."""

# Responses that can't be longer are serialized in one piece, which takes 5 ms at most.
MAX_INLINE_BYTES: Final = 4 * 2**20
# The bytes between two checks of the time slice; each piece counts as some bytes more.
BYTES_BETWEEN_CHECKPOINTS: Final = 64 * 1024
PIECE_OVERHEAD_BYTES: Final = 256


class LongResponses:
    """The limit on the bytes of a response; up to `at_once` bytes are serialized in one piece."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.at_once = min(most, MAX_INLINE_BYTES)

    async def complete(self, body: dict[str, Any], *, is_mutation: bool) -> None:
        """Serialize the data of a response that may be longer than `at_once` bytes.

        Data that is too large is replaced by null and an error.
        """
        if body.get("data") is None:
            return
        data = await _serialized(body["data"], self.most)
        body["data"] = data
        if data is None:
            body["errors"] = [self._error(is_mutation=is_mutation)]

    def _error(self, *, is_mutation: bool) -> ErrorEntry:
        prefix = "The mutation was executed, so don't send it again: " if is_mutation else ""
        message = (
            f"{prefix}the response is larger than {self.most:,} bytes. Ask for smaller pages, or for"
            " fewer long fields."
        )
        message = message[0].upper() + message[1:]
        return error_entry(message, Code.COST_LIMIT, reason=ANSWER_TOO_LARGE, limit=self.most)


async def _serialized(data: object, most: int) -> orjson.Fragment | SerializedData | None:
    """The data as JSON; None once it is longer than `most` bytes."""
    serialized, size, unchecked = list[bytes](), 0, 0
    time_slice = TimeSlice(is_long=True)
    await time_slice.checkpoint()
    for piece in pieces(data):
        size += len(piece)
        unchecked += len(piece) + PIECE_OVERHEAD_BYTES
        if size > most:
            return None
        serialized.append(piece)
        if unchecked > BYTES_BETWEEN_CHECKPOINTS:
            unchecked = 0
            await time_slice.checkpoint()
    # What follows can't be interrupted: all of it is copied, and the data are freed.
    await time_slice.end()
    json = b"".join(serialized)
    return SerializedData(json) if size > CHUNK_BYTES else orjson.Fragment(json)
