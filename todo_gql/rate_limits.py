"""How often credentials may be tried, by account, by address and by session."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from uuid import UUID

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.storage.memory import Entry
from limits.aio.strategies import MovingWindowRateLimiter

from todo_gql.keys import derived_key
from todo_gql.settings import Settings

# Whoever holds an IPv6 address holds the other 2^64 of its network too.
IPV6_NETWORK_BITS = 64


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

    async def wait_for_credential(self, address: str | None, account: str | None) -> int:
        """Count one try to use a credential; the seconds to wait first, 0 when it may be now.

        `account` says in any way that is the same each time whose credential it is; None when it
        is nobody's. Tries from unknown addresses are counted together.
        """
        return await self._wait(
            {
                f"address {_network(address)}": self._per_address,
                f"account {account}": self._per_account if account else 0,
            }
        )

    async def wait_for_refresh(self, session_id: UUID) -> int:
        """Count one trade of a session's refresh token; the seconds to wait first, 0 for none.

        The tabs of a browser may all do so at once, so a session has as many as an address.
        """
        return await self._wait({f"session {session_id}": self._per_address})

    async def _wait(self, allowed: Mapping[str, int]) -> int:
        """Count one try for all of these, of whom 0 means no limit, or for none if one refuses."""
        windows = [
            (RateLimitItemPerSecond(number, self._period), self._known_as(who))
            for who, number in allowed.items()
            if number
        ]
        # The storage never waits, so that no other task comes between the test and the count.
        full = [window for window in windows if not await self._limiter.test(*window)]
        if full:
            return max([await self._seconds_until_one_is_over(*window) for window in full])
        for window in windows:
            await self._limiter.hit(*window)
        return 0

    async def _seconds_until_one_is_over(self, limit: RateLimitItemPerSecond, key: str) -> int:
        window = await self._limiter.get_window_stats(limit, key)
        return max(1, ceil(window.reset_time - time.time()))

    def _known_as(self, who: str) -> str:
        return hmac.digest(self._key, who.encode("utf-8", "surrogatepass"), "sha256").hex()


def _network(address: str | None) -> str:
    """The address that somebody is counted by: of IPv6 the network, of no address the empty one."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, IPV6_NETWORK_BITS), strict=False))
