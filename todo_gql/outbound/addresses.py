"""Which addresses the server connects to for users: public ones, and those that the operator allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""The only part of IPv6 with public addresses (RFC 4291, section 2.4).

Outside of it are loopback, unique local, link-local, site-local and multicast addresses, and those that
hold an IPv4 address: IPv4-mapped, IPv4-compatible, IPv4-translated, and NAT64 (RFC 6052, RFC 8215).
"""
# What ipaddress takes for global, or did in a version of Python that is supported.
NOT_PUBLIC: Final = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocols' own addresses (RFC 6890)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "168.63.129.16/32",  # the platform's own server in Azure
        "2001::/23",  # Teredo, ORCHID, benchmarks and other protocols (RFC 2928)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4, which holds an IPv4 address (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, and no other notation of one that isn't."""
    if isinstance(address, IPv6Address) and (address not in GLOBAL_UNICAST or address.scope_id):
        return False
    if address.is_multicast or not address.is_global:
        return False
    return not any(address in network for network in NOT_PUBLIC)


@dataclass(frozen=True)
class AllowedHosts:
    """Host names and networks of the operator's own that requests may reach beside public addresses."""

    names: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, hosts: Iterable[str]) -> Self:
        """The names and networks of WEBHOOK_ALLOWED_HOSTS, which its format has checked."""
        names, networks = set[str](), list[Network]()
        for host in hosts:
            try:
                networks.append(ip_network(host))
            except ValueError:
                names.add(host.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def has_name(self, host: str) -> bool:
        """Whether a host is allowed by its name, whatever addresses it has."""
        return host.lower().rstrip(".") in self.names

    def allow(self, address: str) -> bool:
        """Whether an address may be connected to; False for what is none."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return is_public(parsed) or any(parsed in network for network in self.networks)


def literal_address(host: str) -> Address | None:
    """The address that a URL's host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
