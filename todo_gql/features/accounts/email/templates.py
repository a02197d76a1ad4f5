"""What the mails to accounts say; the words stand in `words/`.

There the first line is a letter's subject, and a paragraph in brackets the words on its link.
"""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from todo_gql.database.models import MailKind
from todo_gql.mail.message import Letter

PLACES = {
    MailKind.VERIFICATION: "account/verify",
    MailKind.PASSWORD_RESET: "account/reset",
    MailKind.EMAIL_CHANGE: "account/email",
}
"""The kinds of mail that have a link, and where it leads, below PUBLIC_URL."""


@cache
def _words() -> Environment:
    # Text, not HTML: what becomes of it escapes it.
    return Environment(  # noqa: S701
        loader=PackageLoader("todo_gql.features.accounts.email"), undefined=StrictUndefined
    )


def letter(name: str, link: str | None, **facts: object) -> Letter:
    """The letter of a name, such as that of a `MailKind` in lower case, with its facts filled in."""
    text = _words().get_template(f"{name}.txt").render(facts)
    subject, *paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    action = next((part.strip("[]") for part in paragraphs if part.startswith("[")), None)
    said = tuple(part for part in paragraphs if not part.startswith("["))
    return Letter(subject, said, action, link)
