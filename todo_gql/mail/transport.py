"""How mails get out: by SMTP, or into a folder where there is no SMTP_URL."""

import asyncio
import logging
import os
import ssl
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

SECONDS = 20
"""How long each step of a conversation with the SMTP server may take."""

Transport: TypeAlias = Callable[[EmailMessage], Coroutine[Any, Any, None]]
"""Takes over the responsibility for a mail, or raises."""


@dataclass(frozen=True, slots=True)
class SMTPServer:
    """An SMTP server, as SMTP_URL names it."""

    host: str
    port: int
    tls: Literal["from the start", "required", "off"]
    username: str | None
    password: str | None = field(repr=False)

    @classmethod
    def from_url(cls, url: str) -> "SMTPServer":
        """The server of `smtp://user:password@host:port` or `smtps://…`.

        smtp asks for TLS before anything else is said, but neither with `?tls=off` nor on this
        machine without `?tls=required`; smtps begins with it. `ValueError`, without the password
        in it, for another URL.
        """
        parts = urlsplit(url)
        usual = "off" if parts.hostname and _is_here(parts.hostname) else "required"
        wish = parse_qs(parts.query).get("tls", [usual])[-1]
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("has to look like smtp://user:password@host:587 or smtps://…")
        if wish not in ("required", "off"):
            raise ValueError("may end in ?tls=required or ?tls=off")
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if implicit else 587),
            tls="from the start" if implicit else "off" if wish == "off" else "required",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    async def send(self, message: EmailMessage) -> None:
        """Hand over a mail; `aiosmtplib.SMTPException` or `OSError` when it isn't taken."""
        await aiosmtplib.send(
            message,
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            timeout=SECONDS,
            use_tls=self.tls == "from the start",
            start_tls=self.tls == "required",
            tls_context=ssl.create_default_context(),
        )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Outbox:
    """A folder of mails, for who has no SMTP server and wants to see what would be sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write a mail as an .eml file, whole or not at all; sent again it is the same file."""
        path = await asyncio.to_thread(self._write, message)
        logger.info("wrote a mail to %s: %s", message["To"], path)

    def _write(self, message: EmailMessage) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
        descriptor, draft = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        return Path(draft).rename(self.folder / name)


def transport(settings: Settings) -> Transport:
    """What the settings say how mails get out."""
    if settings.smtp_url:
        return SMTPServer.from_url(settings.smtp_url.get_secret_value()).send
    return Outbox(settings.data_dir / "outbox").send
