"""How often credentials may be tried, and how much each caller may ask for."""

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
from todo_gql.security.shared_counters import SharedCounts
from todo_gql.security.sliding_window import Quota, Quotas
from todo_gql.settings import Settings

# Whoever holds an IPv6 address holds the other 2^64 of its network too.
IPV6_NETWORK_BITS = 64
# What a replica may have counted before it tells the others: a 50th of a limit.
TOLD_AFTER: Final = 50
# How many networks' tries of one account there may be in all.
NETWORKS_TOGETHER: Final = 10

Window: TypeAlias = tuple[RateLimitItemPerSecond, str]
"""How many there may be in a while, and the hash of who is counted."""


class InProcessStorage(MemoryStorage):
    """The library's storage with another sweep.

    The library looks through all keys after every hit, 70 µs for each. Here the keys stand in the
    order of their last hits, so that those to forget are always the first.
    """

    STORAGE_SCHEME = ["in-process"]  # noqa: RUF012 - the library's declaration

    def __init__(self) -> None:
        super().__init__()
        self.events: OrderedDict[str, list[Entry]] = OrderedDict()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Note a hit, unless there were as many within `expiry` seconds as the limit allows."""
        now = time.time()
        self._forget(now)
        hits = [hit for hit in self.events.get(key, ()) if hit.expiry > now]
        if len(hits) + amount > limit:
            return False
        self.events[key] = [Entry(expiry)] * amount + hits
        self.events.move_to_end(key)
        return True

    def _forget(self, now: float) -> None:
        while self.events:
            hits = next(iter(self.events.values()))
            if hits[0].expiry > now:
                return
            self.events.popitem(last=False)


class RateLimits:
    """The counts of one application, kept for as long as it lives.

    Whatever is counted is known by a keyed hash, so that nothing typed is kept. A refused try
    isn't counted, so that who waits as long as told gets through.
    """

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(InProcessStorage())
        self._period = settings.rate_limit_period
        self._per_account = settings.rate_limit_credentials
        self._per_address = settings.rate_limit_credentials_per_address
        self._key = derived_key(settings, "rate limits")
        cost = settings.rate_limit_cost
        # What somebody's subscriptions cost is counted apart, so that their requests aren't refused.
        self.limits = (settings.rate_limit_requests, cost, cost)
        self._quotas = Quotas(self.limits, self._period)
        url = settings.redis_url
        self._shared = SharedCounts(url.get_secret_value()) if url else None
        self._telling: dict[tuple[Caller, int], asyncio.Task[None]] = {}

    @cached_property
    def policy(self) -> bytes:
        """The limits in the words of the RateLimit-Policy header."""
        named = zip(("requests", "cost"), self.limits[:2], strict=True)
        told = [f'"{name}";q={limit};w={self._period}' for name, limit in named if limit]
        return ", ".join(told).encode()

    async def close(self) -> None:
        """Tell the other replicas what is left to tell, and leave them."""
        if self._shared:
            await asyncio.gather(*self._telling.values())
            await self._shared.close()

    def take(self, caller: Caller, kind: int, amount: int) -> Quota | None:
        """Use up some of a limit; what is left of it, and None where there is no limit."""
        limit = self.limits[kind]
        if not limit:
            return None
        quota = self._quotas.take(caller, kind, amount)
        if self._shared and self._quotas.untold(caller, kind) * TOLD_AFTER >= limit:
            self._begin_telling(self._shared, caller, kind)
        return quota

    def charge(self, caller: Caller, kind: int, amount: int) -> None:
        """Use up as much of a limit as there is left, for what is done already."""
        quota = self.take(caller, kind, amount)
        if quota and quota.wait:
            self.take(caller, kind, quota.left)

    async def take_in_time(self, caller: Caller, kind: int, amount: int) -> None:
        """Use up some of a limit, once there is that much left; all of it where it is less."""
        amount = min(amount, self.limits[kind])
        while True:
            quota = self.take(caller, kind, amount)
            if quota is None or not quota.wait:
                return
            await asyncio.sleep(quota.wait)

    def _begin_telling(self, shared: SharedCounts, caller: Caller, kind: int) -> None:
        if (caller, kind) not in self._telling:
            task = asyncio.create_task(self._tell(shared, caller, kind))
            self._telling[caller, kind] = task
            task.add_done_callback(lambda _: self._telling.pop((caller, kind)))

    async def _tell(self, shared: SharedCounts, caller: Caller, kind: int) -> None:
        """Tell the other replicas what a caller used up here, and learn what it did there."""
        window, amount = self._quotas.window, self._quotas.tell(caller, kind)
        who = caller if isinstance(caller, str) else UUID(int=caller)
        key = f"{kind}/{window}/{self._hashed(f'caller {who}')}"
        told = await shared.add(key, amount, 2 * self._period)
        if told is None:
            self._quotas.retell(caller, kind, window, amount)
        else:
            self._quotas.learn(caller, kind, window, told)

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
        """Count one try to use a credential; the seconds to wait first, 0 when it may be now.

        `account` says in any way that is the same each time whose credential it is, and `typed` how
        it was called; None when it is nobody's. Tries from unknown addresses are counted together.
        An account's tries are counted for each network, and for all of them unless `is_known`: that
        the account's owner has signed in from this one, or nothing is guessed.
        """
        network = network_of(address)
        allowed = {f"{network} {name}": self._per_account for name in (typed, account) if name}
        if account and not is_known:
            allowed[f"account {account}"] = self._per_account * NETWORKS_TOGETHER
        return await self._wait(allowed | {f"address {network}": self._per_address})

    async def wait_of_network(self, address: str | None, account: str) -> int:
        """The seconds for which this network can't try the account; counts nothing."""
        network = network_of(address)
        allowed = {f"{network} {account}": self._per_account}
        return await self._wait_of(
            self._windows(allowed | {f"address {network}": self._per_address})
        )

    async def wait_for_refresh(self, session_id: UUID) -> int:
        """Count one trade of a session's refresh token; the seconds to wait first, 0 for none.

        The tabs of a browser may all do so at once, so a session has as many as an address.
        """
        return await self._wait({f"session {session_id}": self._per_address})

    async def _wait(self, allowed: Mapping[str, int]) -> int:
        """Count one try for all of these, of whom 0 means no limit, or for none if one refuses.

        Other replicas are asked in the order given, and count until one of these refuses.
        """
        windows = self._windows(allowed)
        # The storage never waits, so that no other task comes between the test and the count.
        if wait := await self._wait_of(windows):
            return wait
        for window in windows:
            if self._shared and (seconds := await self._shared.wait(*window)):
                return seconds
        # Counted here too, for when the others can't be asked.
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
        """The seconds until all of these have room for one more."""
        full = [window for window in windows if not await self._limiter.test(*window)]
        return max([await self._seconds_until_one_is_over(*window) for window in full], default=0)

    async def _seconds_until_one_is_over(self, limit: RateLimitItemPerSecond, key: str) -> int:
        window = await self._limiter.get_window_stats(limit, key)
        return max(1, ceil(window.reset_time - time.time()))


@lru_cache(4096)
def network_of(address: str | None) -> str:
    """The address that somebody is counted by: of IPv6 the network, of no address the empty one."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, IPV6_NETWORK_BITS), strict=False))
