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
from types import TracebackType
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

import aiosmtplib

from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

SECONDS = 20
"""How long each step of a conversation with the SMTP server may take."""

FORM = (
    "has to look like smtp://user:password@host:587 or smtps://…,"
    " with signs in the password written like %2F"
)

Transport: TypeAlias = Callable[[EmailMessage], Coroutine[Any, Any, None]]
"""Takes over the responsibility for a mail, or raises."""


class Conversation(aiosmtplib.SMTP):
    """A conversation with an SMTP server, which ends at once for who is cut off in it."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take leave, but not of a server that may be silent for as long as a step may take."""
        if isinstance(error, asyncio.CancelledError):
            self.close()
        else:
            await super().__aexit__(kind, error, trace)


@dataclass(frozen=True, slots=True)
class SMTPServer:
    """An SMTP server, as SMTP_URL names it."""

    host: str
    port: int
    tls: Literal["from the start", "required", "off"]
    username: str | None
    password: str | None = field(repr=False)
    # To read the machine's certificates takes longer than to send a mail.
    tls_context: ssl.SSLContext = field(
        default_factory=ssl.create_default_context, repr=False, compare=False
    )

    @classmethod
    def from_url(cls, url: str) -> "SMTPServer":
        """The server of `smtp://user:password@host:port` or `smtps://…`.

        smtp asks for TLS before anything else is said, but neither with `?tls=off` nor on this
        machine without `?tls=required`; smtps begins with it. `ValueError`, without the password
        in it, for another URL.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            # What it says may quote the password.
            raise ValueError(FORM) from None
        if parts.scheme not in ("smtp", "smtps") or not host or parts.path.strip("/"):
            raise ValueError(FORM)
        wish = parts.query or ("tls=off" if _is_here(host) else "tls=required")
        if wish not in ("tls=required", "tls=off") or parts.fragment:
            raise ValueError("may end in ?tls=required or ?tls=off, and in nothing else")
        is_implicit = parts.scheme == "smtps"
        if is_implicit and parts.query == "tls=off":
            raise ValueError("has ?tls=off behind smtps://, which is TLS: begin it with smtp://")
        return cls(
            host=host,
            port=port or (465 if is_implicit else 587),
            tls="from the start" if is_implicit else "off" if wish == "tls=off" else "required",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    async def send(self, message: EmailMessage) -> None:
        """Hand over a mail; `aiosmtplib.SMTPException` or `OSError` when it isn't taken."""
        async with self._conversation() as conversation:
            await conversation.send_message(message)

    async def greet(self) -> None:
        """Begin as with a mail, and take leave; the errors of `send`."""
        async with self._conversation():
            pass

    def _conversation(self) -> Conversation:
        return Conversation(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            timeout=SECONDS,
            use_tls=self.tls == "from the start",
            start_tls=self.tls == "required",
            tls_context=self.tls_context,
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
        """Write a mail as an .eml file, whole or not at all; sent again it is the same file.

        It is on the disk before it counts as sent.
        """
        path = await asyncio.to_thread(self._write, message)
        logger.info("wrote a mail to %s: %s", message["To"], path)

    def _write(self, message: EmailMessage) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
        descriptor, draft = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            path = Path(draft).rename(self.folder / name)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        self._keep_names()
        return path

    def _keep_names(self) -> None:
        """Have the disk hold what the folder's files are called, too."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def transport(settings: Settings) -> Transport:
    """What the settings say how mails get out."""
    if settings.smtp_url:
        return SMTPServer.from_url(settings.smtp_url.get_secret_value()).send
    return Outbox(settings.data_dir / "outbox").send
