"""The heads of requests that have come before, which needn't be read again."""

from dataclasses import dataclass
from typing import Any, Final, cast

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from todo_gql.http.headers import Pairs, headers_of
from todo_gql.server.response_cycle import Cycle

MARK_OF_QUERY: Final = b"?"
END_OF_HEAD: Final = b"\r\n\r\n"
HEADS_KEPT: Final = 1024
LONGEST_HEAD_KEPT: Final = 2048
# A pair takes some 170 bytes, however short it is.
MOST_HEADERS_KEPT: Final = 50
# What differs between requests with the same head.
OF_A_CONNECTION: Final = frozenset({"client", "server", "scheme", "state", "extensions"})


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request that was read, with what it says: the length of what follows, too."""

    scope: dict[str, Any]
    url: bytes
    body_length: int


class KeptHeads(dict[bytes, Head]):
    """Heads by their bytes."""

    def keep(self, data: bytes, url: bytes, cycle: Cycle) -> bool:
        """Keep the head of a request that was read from its first byte, if it was all that came.

        What is read of the same bytes is the same, if the length of the body is among them. A query
        may hold what is secret: variables, or the token of a link in a mail.
        """
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        body_length = len(data) - end
        pairs = cast("Pairs", cycle.scope["headers"])
        headers = headers_of(cast("Scope", cycle.scope))
        if (
            end > LONGEST_HEAD_KEPT
            or len(pairs) > MOST_HEADERS_KEPT
            or MARK_OF_QUERY in url
            or body_length > HIGH_WATER_LIMIT
            or len(cycle.body) != body_length
            or headers.get(b"content-length", b"0") != b"%d" % body_length
            or b"transfer-encoding" in headers
            or not cycle.keep_alive
            or cycle.waiting_for_100_continue
        ):
            return False
        if len(self) >= HEADS_KEPT:
            del self[next(iter(self))]
        scope = {name: of for name, of in cycle.scope.items() if name not in OF_A_CONNECTION}
        self[data[:end]] = Head(scope, url, body_length)
        return True
