"""What a request uses up of its caller's limits, and how the answer tells it.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

from typing import Final, TypeAlias
from uuid import UUID

from todo_gql.errors import RateLimited
from todo_gql.quotas import Quota
from todo_gql.rate_limits import RateLimits

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

LEFT: Final = b'"%b";r=%d;t=%d'
LEFT_OF_BOTH: Final = b'"requests";r=%d;t=%d, "cost";r=%d;t=%d'


class Meter:
    """Counts one request, and the cost of its operation, for the user or else the address."""

    __slots__ = ("address", "cost", "limits", "requests", "user_id")

    def __init__(self, limits: RateLimits, user_id: UUID | None, address: str | None) -> None:
        self.limits = limits
        self.user_id = user_id
        self.address = address
        self.requests: Quota | None = None
        self.cost: Quota | None = None

    def count_request(self) -> None:
        """Count the request; `RateLimited` when the caller has had too many."""
        self.requests = self.limits.take_request(self.user_id, self.address)
        _check(self.requests)

    def count_cost(self, cost: int) -> None:
        """Count what the operation costs; `RateLimited` when the caller hasn't as much left."""
        self.cost = self.limits.take_cost(self.user_id, self.address, cost)
        _check(self.cost)

    @property
    def headers(self) -> Headers:
        """The headers that tell what the limits are, and what is left of them."""
        requests, cost = self.requests, self.cost
        if requests and cost:
            left = LEFT_OF_BOTH % (requests[0], requests[1], cost[0], cost[1])
        elif last := requests or cost:
            left = LEFT % (b"requests" if requests else b"cost", last.left, last.resets_in)
        else:
            return ()
        headers: Headers = ((b"ratelimit-policy", self.limits.policy), (b"ratelimit", left))
        # Whatever was refused was counted last.
        last = cost or requests
        wait = last.wait if last else 0
        return (*headers, (b"retry-after", b"%d" % wait)) if wait else headers


def _check(quota: Quota | None) -> None:
    if quota and quota.wait:
        raise RateLimited(quota.wait)
