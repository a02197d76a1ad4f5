"""Mail messages, as text and HTML from templates."""

from collections.abc import Mapping
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
class MessageContent:
    """The content of a mail: plain text, and at most one link, whose text is `action`."""

    subject: str
    paragraphs: tuple[str, ...]
    action: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The id, sender, recipient and date of a mail."""

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


def compose(content: MessageContent, envelope: Envelope) -> EmailMessage:
    """Compose a message; equal arguments give the same Message-ID and date.

    So a mail client can drop the second of two messages, when one was sent again because its outcome
    was unknown.
    """
    text, html = (
        _templates().get_template(f"mail.{form}").render(content=content)
        for form in ("txt", "html")
    )
    return assemble(envelope, content.subject, text, html, {})


def assemble(
    envelope: Envelope, subject: str, text: str, html: str, headers: Mapping[str, str]
) -> EmailMessage:
    """A message of these texts and further headers, in the envelope."""
    sender, recipient = _sender(envelope.sender), _recipient(envelope.recipient)
    is_ascii = (sender.addr_spec + recipient.addr_spec).isascii()
    message = EmailMessage(policy=SMTP if is_ascii else SMTPUTF8)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(envelope.sent_for)
    message["Message-ID"] = f"<{envelope.id}@{sender.domain}>"
    # No automatic replies, such as out-of-office notes (RFC 3834, section 5).
    message["Auto-Submitted"] = "auto-generated"
    for name, value in headers.items():
        message[name] = value
    # Quoted-printable would break a link into two lines in the source.
    message.set_content(text, cte="7bit" if text.isascii() else "quoted-printable")
    message.add_alternative(html, subtype="html")
    return message


def _sender(address: str) -> Address:
    local_part, _, domain = address.rpartition("@")
    return Address("todo_gql", local_part, domain.encode("idna").decode())


def _recipient(address: str) -> Address:
    """The address for SMTP, with its domain in ASCII."""
    parts = validate_email(address, check_deliverability=False, test_environment=True)
    return Address("", parts.local_part, parts.ascii_domain)
