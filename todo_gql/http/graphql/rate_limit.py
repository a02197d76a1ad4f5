"""How a request counts towards its caller's rate limits, and the headers that say so.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

from typing import Final, TypeAlias
from uuid import UUID

from todo_gql.api.errors import RateLimited
from todo_gql.observability.request_record import Caller
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.security.sliding_window import COST, REQUESTS, Quota

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

# The cost charged for a document that is invalid or unknown.
FAILURE: Final = 100

REMAINING: Final = b'"%b";r=%d;t=%d'
REMAINING_OF_BOTH: Final = b'"requests";r=%d;t=%d, "cost";r=%d;t=%d'


class RequestRateLimit:
    """Counts one request, and the cost of its operation, for the user or else the address."""

    __slots__ = ("caller", "cost", "limits", "requests")

    def __init__(self, limits: RateLimits, user_id: UUID | None, address: str | None) -> None:
        self.limits = limits
        self.caller: Caller = user_id.int if user_id else network_of(address)
        self.requests: Quota | None = None
        self.cost: Quota | None = None

    def count_request(self) -> None:
        """Count the request; raises RateLimited if the caller has sent too many."""
        self.requests = quota = self.limits.take(self.caller, REQUESTS, 1)
        if quota and quota.wait:
            raise RateLimited(quota.wait)

    def count_cost(self, cost: int) -> None:
        """Count the operation's cost; raises RateLimited if the caller has less remaining."""
        self.cost = quota = self.limits.take(self.caller, COST, cost)
        if quota and quota.wait:
            raise RateLimited(quota.wait)

    def require_remaining(self) -> None:
        """Raises RateLimited if the caller has no cost remaining."""
        quota = self.limits.take(self.caller, COST, 0)
        if quota and quota.left == 0:
            self.count_cost(1)

    def count_failure(self) -> None:
        """Charge FAILURE for a document that can't be executed, or what remains if that is less."""
        quota = self.limits.take(self.caller, COST, FAILURE)
        if quota and quota.wait:
            quota = self.limits.take(self.caller, COST, quota.left)
        self.cost = quota

    @property
    def headers(self) -> Headers:
        """The headers RateLimit-Policy and RateLimit, and Retry-After if a limit is exceeded."""
        requests, cost = self.requests, self.cost
        # A limit that was exceeded was counted last.
        last = cost or requests
        if last is None:
            return ()
        if requests and cost:
            remaining = REMAINING_OF_BOTH % (
                requests.left,
                requests.resets_in,
                cost.left,
                cost.resets_in,
            )
        else:
            remaining = REMAINING % (
                b"requests" if requests else b"cost",
                last.left,
                last.resets_in,
            )
        headers: Headers = ((b"ratelimit-policy", self.limits.policy), (b"ratelimit", remaining))
        return (*headers, (b"retry-after", b"%d" % last.wait)) if last.wait else headers
