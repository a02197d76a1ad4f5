"""Sending a message once, to a push service that decrypts it or answers otherwise."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.https_servers import Authority
from tests.support.push_services import PushService, push_service, reply
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.client import OutboundClient
from todo_gql.outbound.retry_after import retry_after
from todo_gql.push.keys import new_key, push_key
from todo_gql.push.message import PushMessage
from todo_gql.push.sender import (
    Browser,
    PushDelayed,
    PushRefused,
    PushSender,
    SubscriptionGone,
)
from todo_gql.settings import Settings

pytestmark = pytest.mark.own_schema

MESSAGE = PushMessage("Reminder", "Sail", "?todo=1", "1")
LOOPBACK = AllowedHosts.parse(["127.0.0.1"])


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that clients made from now on trust."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
async def service(authority: Authority) -> AsyncIterator[PushService]:
    """A push service."""
    async with push_service(authority) as service:
        yield service


@pytest.fixture
async def sender(authority: Authority) -> AsyncIterator[PushSender]:
    """A sender that may reach it, with a short patience."""
    key = push_key(Settings(_env_file=None, vapid_private_key=SecretStr(new_key())))
    assert key
    async with OutboundClient(LOOPBACK, seconds=1) as client:
        yield PushSender(client, key, "mailto:ops@example.com")


async def send(sender: PushSender, browser: object, message: PushMessage = MESSAGE) -> None:
    """Send a message to a browser of the push service."""
    sent = browser.input  # type: ignore[attr-defined]
    await sender.send(Browser(**sent), message, "a topic")


async def test_a_message_arrives(service: PushService, sender: PushSender) -> None:
    """A browser gets the message, with a lifetime of 24 hours, a topic and a contact."""
    browser = service.subscribe("one")
    await send(sender, browser)
    [delivered] = service.delivered
    assert delivered.content == MESSAGE._asdict()
    assert delivered.headers["ttl"] == "86400"
    assert delivered.claims["sub"] == "mailto:ops@example.com"
    assert delivered.claims["aud"] == service.origin
    assert delivered.key == sender.key.public
    assert service.errors == []


async def test_two_push_services_get_claims_of_their_own(
    authority: Authority, service: PushService, sender: PushSender
) -> None:
    """One sender sends to two push services, and each is the audience of what it gets."""
    async with push_service(authority) as other:
        for one in (service, other, service):
            await send(sender, one.subscribe("x"))
        assert [len(one.delivered) for one in (service, other)] == [2, 1]
        assert service.errors == other.errors == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_success_is_one(service: PushService, sender: PushSender, status: int) -> None:
    """Any status from 200 to 299 means that the message was accepted."""
    await send(sender, service.subscribe("one", reply(status)))


@pytest.mark.parametrize("status", [404, 410])
async def test_gone_subscriptions_are_told_apart(
    service: PushService, sender: PushSender, status: int
) -> None:
    """404 and 410 mean that the subscription is to be deleted."""
    with pytest.raises(SubscriptionGone):
        await send(sender, service.subscribe("one", reply(status)))


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 405, 422])
async def test_other_answers_are_refusals(
    service: PushService, sender: PushSender, status: int
) -> None:
    """A redirect isn't followed, and what won't be better later says the status and the start of the answer."""
    answer = reply(status, "BadJwtToken\x00 " + "x" * 500, Location="/push/two")
    service.subscribe("two")
    with pytest.raises(PushRefused) as refused:
        await send(sender, service.subscribe("one", answer))
    said = str(refused.value)
    assert said.startswith(f"The push service answered {status}: BadJwtToken x")
    assert len(said) <= 300
    assert service.requests == ["/push/one"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("wait", [None, "120"])
async def test_temporary_answers_are_delays(
    service: PushService, sender: PushSender, status: int, wait: str | None
) -> None:
    """429 and 5xx mean to try again, after as long as Retry-After says."""
    headers = {"Retry_After": wait} if wait else {}
    with pytest.raises(PushDelayed) as delayed:
        await send(sender, service.subscribe("one", reply(status, **headers)))
    assert delayed.value.wait == (timedelta(seconds=120) if wait else None)


async def test_silence_is_a_delay(service: PushService, sender: PushSender) -> None:
    """A push service that doesn't answer in time is tried again later."""
    service.delay_seconds = 30
    with pytest.raises(PushDelayed, match="within 1 second"):
        await send(sender, service.subscribe("one"))
    with pytest.raises(PushDelayed, match="can't be reached"):
        await sender.send(Browser("https://127.0.0.1:1025/", *dummy_keys(service)), MESSAGE, "x")


def dummy_keys(service: PushService) -> tuple[str, str]:
    """Keys of some browser."""
    sent = service.subscribe("dummy").input
    return sent["p256dh"], sent["auth"]


@pytest.mark.parametrize("host", ["127.0.0.2", "10.0.0.1", "[::1]"])
async def test_private_addresses_are_refused(
    service: PushService, sender: PushSender, host: str
) -> None:
    """An endpoint at an address that isn't allowed is no push service, now or later."""
    endpoint = f"https://{host}:{service.port}/push/one"
    with pytest.raises(PushRefused, match="public"):
        await sender.send(Browser(endpoint, *dummy_keys(service)), MESSAGE, "x")
    assert service.requests == []


@pytest.mark.parametrize("largest", [4096, 2000, 600, 300])
async def test_what_is_too_long_is_shortened(
    service: PushService, sender: PushSender, largest: int
) -> None:
    """A message that a push service finds too long is sent again with less of its body."""
    service.largest = largest
    browser = service.subscribe("one")
    await send(sender, browser, PushMessage("Reminder", "日本" * 3_000, "?todo=1", "1"))
    [delivered] = service.delivered
    assert delivered.size <= largest
    assert delivered.content["title"] == "Reminder"
    assert delivered.content["body"].startswith("日本")
    assert delivered.size > largest / 4


async def test_what_is_never_short_enough_is_refused(
    service: PushService, sender: PushSender
) -> None:
    """A push service that takes nothing at all is asked some times, then no more."""
    service.largest = 10
    with pytest.raises(PushRefused, match="413"):
        await send(sender, service.subscribe("one"), PushMessage("t", "b" * 5_000, "", ""))
    assert len(service.requests) <= 8


NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("99999999999999999999", 86_401),
        ("Mon, 30 Nov 2026 12:05:00 GMT", 300),
        ("Monday, 30-Nov-26 12:05:00 GMT", 300),
        ("Mon Nov 30 12:05:00 2026", 300),
        ("Mon, 30 Nov 2026 11:05:00 GMT", 0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 99999999999999999999 Nov 2026 12:05:00 GMT", None),
        ("Mon, 30 Nov 2026 99999999999999999999:05:00 GMT", None),
        ("Mon, 30 Nov 2026 12:05:00 +9999999999999999", None),
        ("١٢", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: int | None) -> None:
    """Retry-After has seconds or a date in any form of HTTP; anything else says nothing."""
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert retry_after(value, NOW) == expected
