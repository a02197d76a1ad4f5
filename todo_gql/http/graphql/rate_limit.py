"""How a request counts towards its caller's rate limits, and the headers that say so.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

from typing import Final, TypeAlias

from starlette.types import Scope

from todo_gql.api.errors import RateLimited, is_temporary
from todo_gql.documents.parsing import error_entry
from todo_gql.http.graphql.results import RequestError
from todo_gql.observability.request_record import Caller
from todo_gql.security.authentication import Viewer, authenticate, cached_viewer
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.security.sliding_window import COST, REQUESTS, Quota
from todo_gql.settings import Settings

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

# The cost charged for a document that is invalid or unknown.
FAILURE: Final = 100

REMAINING: Final = b'"%b";r=%d;t=%d'
REMAINING_OF_BOTH: Final = b'"requests";r=%d;t=%d, "cost";r=%d;t=%d'


class RequestRateLimit:
    """Counts one request, and the cost of its operation, for the user or API token, or else the address.

    `sender` is whose share of what all requests wait for is used: a user's tokens have one together.
    """

    __slots__ = ("caller", "cost", "limits", "requests", "sender")

    def __init__(self, limits: RateLimits, viewer: Viewer | None, address: str | None) -> None:
        self.limits = limits
        self.caller: Caller
        self.sender: Caller
        if viewer is None:
            self.caller = self.sender = network_of(address)
        else:
            self.caller, self.sender = viewer.caller, viewer.id.int
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


class SenderRateLimits:
    """The rate limits of those who send requests: of the user, or else of the address."""

    def __init__(self, settings: Settings, limits: RateLimits) -> None:
        self.settings = settings
        self.limits = limits

    async def of_token(self, scope: Scope, token: str | None) -> RequestRateLimit:
        """The rate limit of a token's user: of the address while the database is unavailable."""
        try:
            viewer = cached_viewer(token) or await authenticate(token, self.settings)
        except Exception as error:
            if not is_temporary(error):
                raise
            viewer = None
        return self.of_viewer(scope, viewer)

    def of_viewer(self, scope: Scope, viewer: Viewer | None) -> RequestRateLimit:
        """The rate limit of a viewer, or else of the address."""
        client = scope.get("client")
        return RequestRateLimit(self.limits, viewer, client[0] if client else None)

    def count(self, rate_limit: RequestRateLimit) -> None:
        """Count a request that has no operation; raises RequestError if its sender has sent too many."""
        try:
            rate_limit.count_request()
        except RateLimited as refused:
            raise rate_limited(refused, rate_limit) from None

    def charge(self, rate_limit: RequestRateLimit) -> None:
        """Count a request that failed; raises RequestError if its sender has sent too many."""
        try:
            rate_limit.count_request()
            rate_limit.count_failure()
        except RateLimited as refused:
            raise rate_limited(refused, rate_limit) from None


def rate_limited(refused: RateLimited, rate_limit: RequestRateLimit) -> RequestError:
    """The error of an exceeded rate limit, with status 429."""
    entry = error_entry(str(refused), refused.code, **refused.extensions)
    return RequestError([entry], 429, rate_limit.headers)
