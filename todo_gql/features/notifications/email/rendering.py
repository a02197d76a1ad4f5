"""Mails of notifications as text and HTML, from the templates in `templates/`."""

from collections.abc import Sequence
from email.message import EmailMessage
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from todo_gql.features.notifications.email.contents import Line
from todo_gql.mail.message import Envelope, assemble


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("todo_gql.features.notifications.email"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def compose_notifications(
    lines: Sequence[Line],
    total: int,
    envelope: Envelope,
    unsubscribe_link: str,
    unsubscribe_words: str,
    *,
    is_digest: bool,
) -> EmailMessage:
    """Compose a mail of lines, of `total` in all, which unsubscribes with one click (RFC 8058).

    Providers unsubscribe without asking back by https only.
    """
    subject = subject_of(lines, total, is_digest=is_digest)
    facts = {
        "subject": subject,
        "lines": lines,
        "more": total - len(lines),
        "link": unsubscribe_link,
        "words": unsubscribe_words,
    }
    text, html = (
        _templates().get_template(f"notifications.{form}").render(facts) for form in ("txt", "html")
    )
    headers = {"List-Unsubscribe": f"<{unsubscribe_link}>"}
    if unsubscribe_link.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return assemble(envelope, subject, text, html, headers)


def subject_of(lines: Sequence[Line], total: int, *, is_digest: bool) -> str:
    """The subject: what a single line says, or how many there are."""
    if is_digest:
        return f"Your digest: {total:,} unread"
    if total > 1:
        return f"{total:,} notifications"
    [line] = lines
    return f"{line.phrase}: {line.title}" if line.title else line.phrase
