"""A real SMTP server for tests, and the mails that it was handed."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from tests.support.waiting import until
from todo_gql.settings import Settings
from todo_gql.tasks import working

LINK = re.compile(r"https?://\S+\?token=([\w-]+)")


@dataclass
class Mailbox:
    """Everybody's mails, those with a Message-ID that it knows dropped."""

    mails: list[EmailMessage] = field(default_factory=list)
    deliveries: int = 0
    refusals: int = 0
    tries: int = 0
    under_way: int = 0
    most_at_once: int = 0
    before_taking: Callable[[], Awaitable[Any]] | None = None
    before_answering: Callable[[], Awaitable[Any]] | None = None

    async def handle_DATA(  # noqa: N802 - aiosmtpd's own name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, or refuse it for now."""
        self.tries += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            return await self._answer(envelope)
        finally:
            self.under_way -= 1

    async def _answer(self, envelope: Envelope) -> str:
        if self.before_taking:
            await self.before_taking()
        if self.tries <= self.refusals:
            return "451 Try again later"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.deliveries += 1
        if mail["Message-ID"] not in {each["Message-ID"] for each in self.mails}:
            self.mails.append(mail)
        if self.before_answering:
            await self.before_answering()
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address, in the order in which they came."""
        return [mail for mail in self.mails if mail["To"] == address]

    async def arrival(self, address: str, subject: str) -> EmailMessage:
        """The newest mail of a subject to an address, waited for if it isn't there yet."""
        await until(lambda: any(mail["Subject"] == subject for mail in self.to(address)))
        return [mail for mail in self.to(address) if mail["Subject"] == subject][-1]

    async def reaches(self, number: int) -> None:
        """Wait until it has so many mails."""
        await until(lambda: len(self.mails) >= number)

    async def is_tried(self) -> None:
        """Wait until somebody hands over a mail, whether it is taken or not."""
        await until(lambda: self.tries > 0)

    async def is_tried_again(self) -> None:
        """Wait until somebody hands over one more mail than now."""
        before = self.tries
        await until(lambda: self.tries > before)


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def token_of(mail: EmailMessage) -> str:
    """The token in the link of a mail."""
    found = LINK.search(text_of(mail))
    assert found, text_of(mail)
    return found[1]


@asynccontextmanager
async def receiving(
    mailbox: Mailbox, ssl: SSLContext | None = None, **options: Any
) -> AsyncIterator[str]:
    """The SMTP_URL of a server on a free port of this machine that fills the mailbox.

    With `ssl` it speaks TLS from the first byte on.
    """
    loop = asyncio.get_running_loop()
    options.setdefault("enable_SMTPUTF8", True)

    def answerer() -> SMTP:
        return SMTP(mailbox, hostname="localhost", loop=loop, **options)

    server = await loop.create_server(answerer, "127.0.0.1", 0, ssl=ssl)
    scheme = "smtps" if ssl else "smtp"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def sending_to(url: str, settings: Settings, **changes: object) -> Settings:
    """The settings of who sends mails by this SMTP_URL."""
    mailing = {"smtp_url": SecretStr(url), "public_url": "https://todo.example/app/"}
    return settings.model_copy(update=mailing | changes)


@asynccontextmanager
async def delivering(
    mailbox: Mailbox, settings: Settings, database_url: str, **changes: object
) -> AsyncIterator[None]:
    """Have a worker send mails to a mailbox for as long as the block."""
    async with (
        receiving(mailbox) as url,
        working(sending_to(url, settings, **changes), database_url),
    ):
        yield
