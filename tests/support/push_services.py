"""A push service for tests: decrypts what arrives (RFC 8291), and verifies who sent it (RFC 8292).

It is written with another library than the product, and from the specifications alone.
"""

import asyncio
import base64
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.https_servers import Authority, https_server

CURVE = ec.SECP256R1()
MAX_BODY_BYTES = 4096
DAY = 24 * 60 * 60


def base64url(content: bytes) -> str:
    """Base64 of the URL-safe alphabet without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """The bytes of such a text."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Browser:
    """A browser with a push subscription, which alone can decrypt what is sent to it."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = b"sixteen secrets!"

    @property
    def point(self) -> bytes:
        """Its public key as uncompressed point."""
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def input(self) -> dict[str, str]:
        """The PushSubscribeInput, as PushSubscription.toJSON() of a browser has its values."""
        return {
            "endpoint": self.endpoint,
            "p256dh": base64url(self.point),
            "auth": base64url(self.auth),
        }

    def decrypt(self, body: bytes) -> bytes:
        """The text of a message in one record (RFC 8188, section 2; RFC 8291, section 3.4)."""
        salt, (record_size, id_length) = body[:16], struct.unpack("!IB", body[16:21])
        sender, record = body[21 : 21 + id_length], body[21 + id_length :]
        assert id_length == 65
        assert record_size >= 18
        assert len(record) <= record_size, "a push message has one record"
        peer = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender)
        shared = self.key.exchange(ec.ECDH(), peer)
        info = b"WebPush: info\x00" + self.point + sender
        secret = HKDF(SHA256(), 32, salt=self.auth, info=info).derive(shared)
        key = HKDF(SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\x00").derive(secret)
        padded = AESGCM(key).decrypt(nonce, record, None)
        content = padded.rstrip(b"\x00")
        assert content[-1:] == b"\x02", "the last record ends with 2"
        return content[:-1]


def verified_claims(header: str, origin: str) -> tuple[dict[str, Any], str]:
    """The claims and the key of an Authorization header, as RFC 8292 has a push service verify it."""
    scheme, _, parameters = header.partition(" ")
    assert scheme == "vapid"
    values = dict(part.strip().split("=", 1) for part in parameters.split(","))
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, from_base64url(values["k"]))
    claims = jwt.decode(values["t"], key, algorithms=["ES256"], audience=origin)
    assert jwt.get_unverified_header(values["t"])["typ"] == "JWT"
    assert 0 < claims["exp"] - time.time() <= DAY
    assert claims["sub"].startswith(("mailto:", "https://"))
    return claims, values["k"]


@dataclass
class Delivered:
    """A message that a browser got: what it says, and the headers that it came with."""

    path: str
    content: dict[str, Any]
    size: int
    headers: dict[str, str]
    claims: dict[str, Any]
    key: str


Reply = Callable[[], web.StreamResponse]


@dataclass
class PushService:
    """A push service on loopback with the browsers that subscribed there.

    `replies` answer the next requests to a path, one each; after them every message is accepted.
    `largest` is the longest body that it takes.
    """

    port: int = 0
    browsers: dict[str, Browser] = field(default_factory=dict)
    delivered: list[Delivered] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    largest: int = MAX_BODY_BYTES
    delay_seconds: float = 0
    hold: Callable[[web.BaseRequest], Awaitable[None]] | None = None

    @property
    def origin(self) -> str:
        """What the endpoints begin with, and the audience of whoever sends to it."""
        return f"https://127.0.0.1:{self.port}"

    def subscribe(self, name: str, *replies: Reply) -> Browser:
        """A new browser, whose first messages are answered so."""
        browser = Browser(f"{self.origin}/push/{name}")
        self.browsers[f"/push/{name}"] = browser
        self.replies[f"/push/{name}"] = list(replies)
        return browser

    def to(self, browser: Browser) -> list[dict[str, Any]]:
        """What was delivered to a browser."""
        return [one.content for one in self.delivered if browser.endpoint.endswith(one.path)]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request as RFC 8030 says; what is wrong with it is noted, and answered with 400."""
        self.requests.append(request.path)
        body = await request.read()
        await asyncio.sleep(self.delay_seconds)
        if self.hold:
            await self.hold(request)
        if len(body) > self.largest:
            return web.Response(status=413)
        try:
            message = self._opened(request, body)
        except Exception as error:  # noqa: BLE001
            self.errors.append(error)
            return web.Response(status=400, text=str(error))
        if replies := self.replies[request.path]:
            return replies.pop(0)()
        self.delivered.append(message)
        return web.Response(status=201, headers={"Location": f"{self.origin}/message/1"})

    def _opened(self, request: web.BaseRequest, body: bytes) -> Delivered:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert request.method == "POST"
        assert headers["content-encoding"] == "aes128gcm"
        assert 0 <= int(headers["ttl"]) <= 28 * DAY
        assert len(headers["topic"]) <= 32
        assert from_base64url(headers["topic"])
        assert headers["urgency"] in {"very-low", "low", "normal", "high"}
        claims, key = verified_claims(headers["authorization"], self.origin)
        content = orjson.loads(self.browsers[request.path].decrypt(body))
        return Delivered(request.path, content, len(body), headers, claims, key)


def reply(status: int, text: str = "", **headers: str) -> Reply:
    """An answer of a status; names of headers have _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.Response(status=status, text=text, headers=named)


@asynccontextmanager
async def push_service(authority: Authority) -> AsyncIterator[PushService]:
    """A push service that listens for as long as the block."""
    service = PushService()
    tls = authority.server_context("127.0.0.1")
    async with https_server(service.answer, tls) as service.port:
        yield service
