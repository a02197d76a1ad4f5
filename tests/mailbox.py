"""A real SMTP server for tests, and the mails that it was handed."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

LINK = re.compile(r"https?://\S+\?token=([\w-]+)")
ARRIVAL_SECONDS = 20


@dataclass
class Mailbox:
    """Everybody's mails, those with a Message-ID that it knows dropped."""

    mails: list[EmailMessage] = field(default_factory=list)
    deliveries: int = 0
    refusals: int = 0
    tries: int = 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's own name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, or refuse it for now."""
        self.tries += 1
        if self.tries <= self.refusals:
            return "451 Try again later"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.deliveries += 1
        if mail["Message-ID"] not in {each["Message-ID"] for each in self.mails}:
            self.mails.append(mail)
        return "250 OK"

    async def next(self) -> None:
        """Wait for a moment, in which a mail may come."""
        await asyncio.sleep(0.02)

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address, in the order in which they came."""
        return [mail for mail in self.mails if mail["To"] == address]

    async def arrival(self, address: str, subject: str) -> EmailMessage:
        """The newest mail of a subject to an address, waited for if it isn't there yet."""
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while True:
                if found := [mail for mail in self.to(address) if mail["Subject"] == subject]:
                    return found[-1]
                await self.next()


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
async def receiving(mailbox: Mailbox, **options: Any) -> AsyncIterator[str]:
    """The SMTP_URL of a server on a free port of this machine that fills the mailbox."""
    loop = asyncio.get_running_loop()

    def answerer() -> SMTP:
        return SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=True, loop=loop, **options)

    server = await loop.create_server(answerer, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
