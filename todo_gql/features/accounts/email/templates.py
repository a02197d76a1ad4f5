"""The texts of mails to accounts, rendered from the templates in `templates/`.

A template's first line is the subject, and a paragraph in brackets the text of the link.
"""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from todo_gql.database.models import MailKind
from todo_gql.mail.message import MessageContent

LINK_PATHS = {
    MailKind.VERIFICATION: "account/verify",
    MailKind.PASSWORD_RESET: "account/reset",
    MailKind.EMAIL_CHANGE: "account/email",
}
"""The kinds of mail that have a link, with its path below PUBLIC_URL."""


ACCOUNTS = "todo_gql.features.accounts.email"
"""The package whose templates are those of mails to accounts."""


@cache
def _templates(package: str) -> Environment:
    # Plain text: the HTML template that it is put into escapes it.
    return Environment(  # noqa: S701
        loader=PackageLoader(package), undefined=StrictUndefined
    )


def render_message(
    name: str, link: str | None, package: str = ACCOUNTS, **facts: object
) -> MessageContent:
    """Render the template of that name in a package, such as that of a `MailKind` in lower case.

    Raises jinja2's `UndefinedError` when a fact is missing.
    """
    text = _templates(package).get_template(f"{name}.txt").render(facts)
    subject, *paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    action = next((part.strip("[]") for part in paragraphs if part.startswith("[")), None)
    body = tuple(part for part in paragraphs if not part.startswith("["))
    return MessageContent(subject, body, action, link)
