"""A mail as text and HTML, made from templates."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import cache
from uuid import UUID

from email_validator import validate_email
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says: plain text everywhere, and at most one link with the words on it."""

    subject: str
    paragraphs: tuple[str, ...]
    action: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a mail comes from and goes to, and what tells it from all others."""

    id: UUID
    sender: str
    recipient: str
    sent_for: datetime


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("todo_gql.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def composed(letter: Letter, envelope: Envelope) -> EmailMessage:
    """The mail; the same letter and envelope give the same Message-ID and date.

    So a mail that is sent once more, because nobody knows whether it was, can be dropped.
    """
    sender, recipient = _sender(envelope.sender), _recipient(envelope.recipient)
    is_ascii = (sender.addr_spec + recipient.addr_spec).isascii()
    message = EmailMessage(policy=SMTP if is_ascii else SMTPUTF8)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(envelope.sent_for)
    message["Message-ID"] = f"<{envelope.id}@{sender.domain}>"
    # Nobody's out-of-office note should come back (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    text = _templates().get_template("mail.txt").render(letter=letter)
    # A link in quoted-printable is cut in two for whoever reads the source.
    message.set_content(text, cte="7bit" if text.isascii() else "quoted-printable")
    html = _templates().get_template("mail.html").render(letter=letter)
    message.add_alternative(html, subtype="html")
    return message


def _sender(address: str) -> Address:
    local_part, _, domain = address.rpartition("@")
    return Address("todo_gql", local_part, domain.encode("idna").decode())


def _recipient(address: str) -> Address:
    """The address as SMTP takes it, its domain in ASCII."""
    parts = validate_email(address, check_deliverability=False, test_environment=True)
    return Address("", parts.local_part, parts.ascii_domain)
