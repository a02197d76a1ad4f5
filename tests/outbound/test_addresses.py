"""Which addresses and URLs users may have the server connect to."""

from ipaddress import ip_address

import pytest

from todo_gql.outbound.addresses import AllowedHosts, is_public
from todo_gql.outbound.urls import url_problem

pytestmark = pytest.mark.own_schema

NOBODY = AllowedHosts.parse([])
REFUSED = {
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104
    "private": (
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "fc00::1",
        "fd00:ec2::254",
    ),
    "link-local": ("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%1", "febf::1"),
    "site-local": ("fec0::1",),
    "shared and carriers' own": ("100.64.0.1", "100.100.100.200", "100.127.255.255"),
    "multicast": ("224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "192.0.0.8", "4000::1", "e000::1"),
    "benchmarks": ("198.18.0.1", "198.19.255.255", "2001:2::1"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "IPv4-mapped": ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"),
    "IPv4-compatible": ("::127.0.0.1", "::8.8.8.8"),
    "IPv4-translated": ("::ffff:0:127.0.0.1",),
    "NAT64": ("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1"),
    "6to4": ("2002:7f00:1::1", "2002:808:808::1", "192.88.99.1"),
    "Teredo": ("2001:0:4136:e378:8000:63bf:3fff:fdd2",),
    "discard, segment routing": ("100::1", "5f00::1"),
    "a cloud's own server": ("168.63.129.16",),
}
PUBLIC = (
    "8.8.8.8",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
)
ALL_REFUSED = [(kind, address) for kind, some in REFUSED.items() for address in some]


@pytest.mark.parametrize(("kind", "address"), ALL_REFUSED)
def test_addresses_that_are_not_public_are_refused(kind: str, address: str) -> None:
    """An address of another kind than a public one is neither public nor allowed."""
    assert not is_public(ip_address(address)), kind
    assert not NOBODY.allow(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    """Public addresses are allowed, those next to private networks too."""
    assert NOBODY.allow(address)


def test_own_networks_and_names_are_allowed() -> None:
    """WEBHOOK_ALLOWED_HOSTS allows what it names, and nothing beside it."""
    allowed = AllowedHosts.parse(["10.1.0.0/16", "127.0.0.1", "Hooks.Intranet."])
    assert allowed.allow("10.1.2.3")
    assert allowed.allow("127.0.0.1")
    assert not allowed.allow("10.2.0.1")
    assert not allowed.allow("127.0.0.2")
    # The same address in another notation isn't what was named.
    assert not allowed.allow("::ffff:127.0.0.1")
    assert allowed.has_name("hooks.intranet")
    assert not allowed.has_name("other.hooks.intranet")
    assert not allowed.allow("hooks.intranet")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "no URL"),
        ("push.example.com/x", "no URL"),
        ("https://", "no URL"),
        ("https:///x", "no URL"),
        ("https://exa mple.com/", "no URL"),
        ("https://example.com/\n", "no URL"),
        ("https://example.com\\@10.0.0.1/", "no URL"),
        ("https://example.com:abc/", "no URL"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "no URL"),
        ("javascript:alert(1)", "no URL"),
        ("https://user@example.com/", "a user"),
        ("https://user:password@example.com/", "a user"),
        ("https://:password@example.com/", "a user"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com:25/", "port"),
        ("https://example.com:80/", "port"),
        ("https://example.com:1023/", "port"),
        ("https://example.com:0/", "no URL"),
        ("https://127.0.0.1/", "public"),
        ("https://10.0.0.1:8443/", "public"),
        ("https://[::1]/", "public"),
        ("https://[::ffff:127.0.0.1]/", "public"),
        ("https://[64:ff9b::7f00:1]/", "public"),
        (f"https://example.com/{'x' * 2000}", "2,000"),
    ],
)
def test_unfit_urls_say_what_is_wrong(url: str, hint: str) -> None:
    """Each rule that a URL breaks has a message of its own."""
    assert hint in (url_problem(url, NOBODY) or "")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com:443/x?y=z",
        "https://EXAMPLE.com:1024/",
        "https://push.example.com:65535/wpush/v2/gAAAAA-_~%3D",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/",
        "https://bücher.example/",
    ],
)
def test_fit_urls_are_accepted(url: str) -> None:
    """A URL with https, a public host and an ordinary port has no problem."""
    assert url_problem(url, NOBODY) is None


def test_an_allowed_address_may_stand_in_a_url() -> None:
    """A URL with an address of the operator's own networks is accepted."""
    url = "https://10.0.0.1:8443/"
    assert url_problem(url, AllowedHosts.parse(["10.0.0.0/8"])) is None
    assert url_problem(url, AllowedHosts.parse(["10.0.0.1"])) is None
