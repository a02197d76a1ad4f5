"""Rate limits: on attempts to use credentials, and on requests, cost and events per caller."""

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final, TypeAlias
from uuid import UUID

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.storage.memory import Entry
from limits.aio.strategies import MovingWindowRateLimiter

from todo_gql.observability.request_record import Caller
from todo_gql.security.key_derivation import derived_key
from todo_gql.security.shared_counters import SharedCounters
from todo_gql.security.sliding_window import Quota, SlidingWindowCounter
from todo_gql.settings import Settings

# A client with one IPv6 address usually controls the whole /64 network.
IPV6_NETWORK_BITS = 64
# A replica synchronizes a count once a 50th of the limit is unsynced.
SYNCS_PER_LIMIT: Final = 50
# The limit for an account from all networks together, in multiples of that from one network.
NETWORKS_PER_ACCOUNT: Final = 10
# Programs read a calendar once an hour or less; a person has several, and tries again at once.
CALENDAR_READS: Final = 60

Window: TypeAlias = tuple[RateLimitItemPerSecond, str]
"""A limit per period, and the hash of the key that is counted."""


class InProcessStorage(MemoryStorage):
    """The library's storage with a cheaper removal of expired keys.

    The library scans all keys after every hit, which takes 70 µs. Here the keys are ordered by their
    last hits, so that the expired ones are always first.
    """

    STORAGE_SCHEME = ["in-process"]  # noqa: RUF012 - the library's declaration

    def __init__(self) -> None:
        super().__init__()
        self.events: OrderedDict[str, list[Entry]] = OrderedDict()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Record a hit unless the limit is reached within `expiry` seconds; whether it was recorded."""
        now = time.time()
        self._remove_expired(now)
        hits = [hit for hit in self.events.get(key, ()) if hit.expiry > now]
        if len(hits) + amount > limit:
            return False
        self.events[key] = [Entry(expiry)] * amount + hits
        self.events.move_to_end(key)
        return True

    def _remove_expired(self, now: float) -> None:
        while self.events:
            hits = next(iter(self.events.values()))
            if hits[0].expiry > now:
                return
            self.events.popitem(last=False)


class RateLimits:
    """The rate limits of one application.

    Counts are stored under keyed hashes, so that no typed text stays in memory or in Redis. A rejected
    attempt isn't counted, so that one after the time to wait succeeds.
    """

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(InProcessStorage())
        self._period = settings.rate_limit_period
        self._per_account = settings.rate_limit_credentials
        self._per_address = settings.rate_limit_credentials_per_address
        self._key = derived_key(settings, "rate limits")
        cost = settings.rate_limit_cost
        # Events are counted separately, so that subscriptions don't use up the limit of requests.
        self.limits = (settings.rate_limit_requests, cost, cost)
        self._counter = SlidingWindowCounter(self.limits, self._period)
        url = settings.redis_url
        self._shared = SharedCounters(url.get_secret_value()) if url else None
        self._syncs: dict[tuple[Caller, int], asyncio.Task[None]] = {}

    @cached_property
    def policy(self) -> bytes:
        """The value of the RateLimit-Policy header (draft-ietf-httpapi-ratelimit-headers)."""
        named = zip(("requests", "cost"), self.limits[:2], strict=True)
        items = [f'"{name}";q={limit};w={self._period}' for name, limit in named if limit]
        return ", ".join(items).encode()

    async def close(self) -> None:
        """Finish synchronizations with other replicas, and close the connections."""
        if self._shared:
            await asyncio.gather(*self._syncs.values())
            await self._shared.close()

    def take(self, caller: Caller, kind: int, amount: int) -> Quota | None:
        """Use `amount` of the limit of a kind if it remains; None if there is no limit."""
        limit = self.limits[kind]
        if not limit:
            return None
        quota = self._counter.take(caller, kind, amount)
        if self._shared and self._counter.unsynced(caller, kind) * SYNCS_PER_LIMIT >= limit:
            self._start_sync(self._shared, caller, kind)
        return quota

    def charge(self, caller: Caller, kind: int, amount: int) -> None:
        """Use `amount` of a limit for work already done: all that remains if that is less."""
        quota = self.take(caller, kind, amount)
        if quota and quota.wait:
            self.take(caller, kind, quota.left)

    async def take_in_time(self, caller: Caller, kind: int, amount: int) -> None:
        """Wait until `amount` of a limit remains, then use it; at most the whole limit."""
        amount = min(amount, self.limits[kind])
        while True:
            quota = self.take(caller, kind, amount)
            if quota is None or not quota.wait:
                return
            await asyncio.sleep(quota.wait)

    def _start_sync(self, shared: SharedCounters, caller: Caller, kind: int) -> None:
        if (caller, kind) not in self._syncs:
            task = asyncio.create_task(self._sync(shared, caller, kind))
            self._syncs[caller, kind] = task
            task.add_done_callback(lambda _: self._syncs.pop((caller, kind)))

    async def _sync(self, shared: SharedCounters, caller: Caller, kind: int) -> None:
        """Add a caller's unsynced use to the shared counter, and merge the total of all replicas."""
        window, amount = self._counter.window, self._counter.take_unsynced(caller, kind)
        who = caller if isinstance(caller, str) else UUID(int=caller)
        key = f"{kind}/{window}/{self._hashed(f'caller {who}')}"
        total = await shared.add(key, amount, 2 * self._period)
        if total is None:
            self._counter.restore_unsynced(caller, kind, window, amount)
        else:
            self._counter.merge(caller, kind, window, total)

    def _hashed(self, who: str) -> str:
        return hmac.digest(self._key, who.encode("utf-8", "surrogatepass"), "sha256").hex()

    async def wait_for_credential(
        self,
        address: str | None,
        account: str | None,
        *,
        typed: str | None = None,
        is_known: bool = False,
    ) -> int:
        """Count one attempt to use a credential; returns 0, or the seconds to wait instead.

        `account` is a key of the account and `typed` one of the name that was typed; None for unknown
        accounts. Attempts without an address are counted together. An account's attempts are counted
        per network, and over all networks unless `is_known`: the owner has signed in from this
        network, or nothing can be guessed.
        """
        network = network_of(address)
        allowed = {f"{network} {name}": self._per_account for name in (typed, account) if name}
        if account and not is_known:
            allowed[f"account {account}"] = self._per_account * NETWORKS_PER_ACCOUNT
        return await self._wait(allowed | {f"address {network}": self._per_address})

    async def wait_of_network(self, address: str | None, account: str) -> int:
        """The seconds until this network may try the account again; counts nothing."""
        network = network_of(address)
        allowed = {f"{network} {account}": self._per_account}
        return await self._wait_of(
            self._windows(allowed | {f"address {network}": self._per_address})
        )

    async def wait_for_refresh(self, session_id: UUID) -> int:
        """Count one refresh of a session; returns 0, or the seconds to wait instead.

        A session may do so as often as an address, since all tabs of a browser may do so at once.
        """
        return await self._wait({f"session {session_id}": self._per_address})

    async def wait_for_calendar(self, feed_id: UUID) -> int:
        """Count one reading of a calendar feed; returns 0, or the seconds to wait instead.

        `CALENDAR_READS` are allowed, or as many as requests where these are fewer; no limit without one of
        those.
        """
        return await self._wait({f"calendar {feed_id}": min(CALENDAR_READS, self.limits[0])})

    async def _wait(self, allowed: Mapping[str, int]) -> int:
        """Count one attempt under all keys, or under none if one limit is reached; returns the wait.

        `allowed` maps keys to limits, 0 being no limit. The shared counters are counted in this
        order, until one limit is reached.
        """
        windows = self._windows(allowed)
        # The in-process storage never awaits, so no other task runs between the test and the hit.
        if wait := await self._wait_of(windows):
            return wait
        for window in windows:
            if self._shared and (seconds := await self._shared.wait(*window)):
                return seconds
        # Counted here too, for when Redis is unavailable.
        for window in windows:
            await self._limiter.hit(*window)
        return 0

    def _windows(self, allowed: Mapping[str, int]) -> Sequence[Window]:
        return [
            (RateLimitItemPerSecond(number, self._period), self._hashed(who))
            for who, number in allowed.items()
            if number
        ]

    async def _wait_of(self, windows: Sequence[Window]) -> int:
        """The seconds until all windows allow one more hit."""
        full = [window for window in windows if not await self._limiter.test(*window)]
        return max([await self._seconds_until_reset(*window) for window in full], default=0)

    async def _seconds_until_reset(self, limit: RateLimitItemPerSecond, key: str) -> int:
        window = await self._limiter.get_window_stats(limit, key)
        return max(1, ceil(window.reset_time - time.time()))


@lru_cache(4096)
def network_of(address: str | None) -> str:
    """The key of a client address: the address itself, the /64 network of IPv6, '' for None."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, IPV6_NETWORK_BITS), strict=False))
