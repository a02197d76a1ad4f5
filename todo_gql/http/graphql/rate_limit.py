"""What a request uses up of its caller's limits, and how the answer tells it.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

from typing import Final, TypeAlias
from uuid import UUID

from todo_gql.api.errors import RateLimited
from todo_gql.observability.request_record import Caller
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.security.sliding_window import COST, REQUESTS, Quota

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

# What is charged for a document that can't be executed, or isn't known.
FAILURE: Final = 100

LEFT: Final = b'"%b";r=%d;t=%d'
LEFT_OF_BOTH: Final = b'"requests";r=%d;t=%d, "cost";r=%d;t=%d'


class Meter:
    """Counts one request, and the cost of its operation, for the user or else the address."""

    __slots__ = ("caller", "cost", "limits", "requests")

    def __init__(self, limits: RateLimits, user_id: UUID | None, address: str | None) -> None:
        self.limits = limits
        self.caller: Caller = user_id.int if user_id else network_of(address)
        self.requests: Quota | None = None
        self.cost: Quota | None = None

    def count_request(self) -> None:
        """Count the request; `RateLimited` when the caller has had too many."""
        self.requests = quota = self.limits.take(self.caller, REQUESTS, 1)
        if quota and quota.wait:
            raise RateLimited(quota.wait)

    def count_cost(self, cost: int) -> None:
        """Count what the operation costs; `RateLimited` when the caller hasn't as much left."""
        self.cost = quota = self.limits.take(self.caller, COST, cost)
        if quota and quota.wait:
            raise RateLimited(quota.wait)

    def require_any(self) -> None:
        """`RateLimited` when nothing is left for a document that may come to nothing."""
        quota = self.limits.take(self.caller, COST, 0)
        if quota and quota.left == 0:
            self.count_cost(1)

    def count_failure(self) -> None:
        """Count what a document costs that can't be executed, or what is left where that is less."""
        quota = self.limits.take(self.caller, COST, FAILURE)
        if quota and quota.wait:
            quota = self.limits.take(self.caller, COST, quota.left)
        self.cost = quota

    @property
    def headers(self) -> Headers:
        """The headers that tell what the limits are, and what is left of them."""
        requests, cost = self.requests, self.cost
        # Whatever was refused was counted last.
        last = cost or requests
        if last is None:
            return ()
        if requests and cost:
            left = LEFT_OF_BOTH % (requests.left, requests.resets_in, cost.left, cost.resets_in)
        else:
            left = LEFT % (b"requests" if requests else b"cost", last.left, last.resets_in)
        headers: Headers = ((b"ratelimit-policy", self.limits.policy), (b"ratelimit", left))
        return (*headers, (b"retry-after", b"%d" % last.wait)) if last.wait else headers
