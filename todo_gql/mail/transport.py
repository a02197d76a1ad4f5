"""Transports of mails: SMTP, or a folder of files where there is no SMTP_URL."""

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

STEP_SECONDS = 20
"""The timeout of each step of an SMTP session."""

URL_FORMAT = (
    "must look like smtp://user:password@host:587 or smtps://…, with special characters in the"
    " password written like %2F"
)

Transport: TypeAlias = Callable[[EmailMessage], Coroutine[Any, Any, None]]
"""Delivers a message to the next hop, or raises."""


class SMTPSession(aiosmtplib.SMTP):
    """An SMTP session, which is closed at once when its task is cancelled."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Quit; after a cancellation just close, since a silent server would delay that."""
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
    # Loading the system's certificates takes longer than sending a mail.
    tls_context: ssl.SSLContext = field(
        default_factory=ssl.create_default_context, repr=False, compare=False
    )

    @classmethod
    def from_url(cls, url: str) -> "SMTPServer":
        """The server of `smtp://user:password@host:port` or `smtps://…`.

        smtp requires STARTTLS (RFC 3207), except with `?tls=off`, and on this machine unless
        `?tls=required`; smtps is implicit TLS (RFC 8314). Raises `ValueError` for any other URL,
        without the password in it.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            # Its message may contain the password.
            raise ValueError(URL_FORMAT) from None
        if parts.scheme not in ("smtp", "smtps") or not host or parts.path.strip("/"):
            raise ValueError(URL_FORMAT)
        query = parts.query or ("tls=off" if _is_loopback(host) else "tls=required")
        if query not in ("tls=required", "tls=off") or parts.fragment:
            raise ValueError("may end in ?tls=required or ?tls=off, and nothing else")
        is_implicit = parts.scheme == "smtps"
        if is_implicit and parts.query == "tls=off":
            raise ValueError("has ?tls=off behind smtps://, which is TLS: begin it with smtp://")
        return cls(
            host=host,
            port=port or (465 if is_implicit else 587),
            tls="from the start" if is_implicit else "off" if query == "tls=off" else "required",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    async def send(self, message: EmailMessage) -> None:
        """Send a mail; raises `aiosmtplib.SMTPException` or `OSError` when it isn't accepted."""
        async with self._session() as session:
            await session.send_message(message)

    async def greet(self) -> None:
        """Connect and sign in without sending; raises what `send` raises."""
        async with self._session():
            pass

    def _session(self) -> SMTPSession:
        return SMTPSession(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            timeout=STEP_SECONDS,
            use_tls=self.tls == "from the start",
            start_tls=self.tls == "required",
            tls_context=self.tls_context,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class FileTransport:
    """Writes mails to a folder, for development without an SMTP server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write a mail as an .eml file, atomically and synced to disk; raises `OSError`.

        A mail that is sent again overwrites its file.
        """
        path = await asyncio.to_thread(self._write, message)
        logger.info("wrote a mail to %s: %s", message["To"], path)

    def _write(self, message: EmailMessage) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
        descriptor, temporary = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            path = Path(temporary).rename(self.folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._sync_folder()
        return path

    def _sync_folder(self) -> None:
        """Sync the folder itself, so that the new file name survives a power failure."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def transport(settings: Settings) -> Transport:
    """The transport that the settings configure."""
    if settings.smtp_url:
        return SMTPServer.from_url(settings.smtp_url.get_secret_value()).send
    return FileTransport(settings.data_dir / "outbox").send
