"""Finding accounts by what people type."""

from typing import NamedTuple

from tortoise.expressions import Q, RawSQL

from todo_gql.api.login_identifiers import (
    MAX_EMAIL_LENGTH,
    MAX_RAW_LENGTH,
    MAX_USERNAME_LENGTH,
    mailbox_key,
    name_key,
)
from todo_gql.api.text import text_problem
from todo_gql.database.models import User

MAILBOX = "coalesce(mailbox_key, email_key)"
"""What no two accounts have in common; an index sees to it."""

HAS_EMAIL = f"({MAILBOX} = $1 OR email_key = $2)"
"""Whether an account has an address, by `Email`."""

HAS_NAME = f"({MAILBOX} = $1 OR email_key = $2 OR username_key = $3)"
"""Whether an account has a name or an address, by `Name`."""

# Accounts from before mailboxes were looked at may share one: each is found by its own address.
OWN_ADDRESS_FIRST = "ORDER BY email_key = $2 DESC NULLS LAST"


class Email(NamedTuple):
    """An address as accounts are found by it: what stands for its mailbox, and in lower case."""

    mailbox: str
    lower: str


class Name(NamedTuple):
    """What people call an account, as it is found by it: an address, or else a user name."""

    mailbox: str | None = None
    lower: str | None = None
    username: str | None = None


def email_keys(email: str) -> Email:
    """What an account with this address, as it is typed or kept, is found by."""
    return Email(mailbox_key(email), email.lower())


def name_keys(typed: str) -> Name:
    """What the account is found by that somebody means."""
    if text_problem(typed.strip(), longest=MAX_RAW_LENGTH):
        return Name()
    key = name_key(typed)
    if "@" not in key:
        return Name(username=key) if len(key) <= MAX_USERNAME_LENGTH else Name()
    keys = email_keys(typed.strip())
    # Some letters stand for many, and no account has a key so long.
    return Name(*keys) if max(map(len, keys)) <= MAX_EMAIL_LENGTH else Name()


async def account_named(username_or_email: str) -> User | None:
    """The account of that user name or e-mail address, in any letter case and form.

    One whose deletion is due counts as gone.
    """
    name = name_keys(username_or_email)
    if name.mailbox is None:
        named = User.filter(username_key=name.username)
    else:
        has_email = Q(mailbox=name.mailbox) | Q(email_key=name.lower)
        named = User.annotate(mailbox=RawSQL(MAILBOX)).filter(has_email)
    found = await named.filter(kept())
    return min(found, key=lambda account: account.email_key != name.lower, default=None)


def kept() -> Q:
    """That an account isn't about to be deleted, by the database's clock."""
    return Q(deletion_at=None) | Q(deletion_at__gt=RawSQL("now()"))
