"""Finds accounts by the user name or e-mail address that somebody typed."""

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
"""The key that is unique among accounts, by an index."""

HAS_EMAIL = f"({MAILBOX} = $1 OR email_key = $2)"
"""SQL: an account has the address of an `EmailKeys`."""

HAS_NAME = f"({MAILBOX} = $1 OR email_key = $2 OR username_key = $3)"
"""SQL: an account has the user name or the address of a `LoginKeys`."""

# Accounts older than the mailbox key may share a mailbox: each is found by its own address.
OWN_ADDRESS_FIRST = "ORDER BY email_key = $2 DESC NULLS LAST"


class EmailKeys(NamedTuple):
    """The keys of an address: that of its mailbox, and the address in lower case."""

    mailbox: str
    lower: str


class LoginKeys(NamedTuple):
    """The keys of a login identifier: those of an address, or else of a user name."""

    mailbox: str | None = None
    lower: str | None = None
    username: str | None = None


def email_keys(email: str) -> EmailKeys:
    """The keys of an address, typed or stored."""
    return EmailKeys(mailbox_key(email), email.lower())


def login_keys(typed: str) -> LoginKeys:
    """The keys of a typed user name or address; none are set if no account can have it."""
    if text_problem(typed.strip(), longest=MAX_RAW_LENGTH):
        return LoginKeys()
    key = name_key(typed)
    if "@" not in key:
        return LoginKeys(username=key) if len(key) <= MAX_USERNAME_LENGTH else LoginKeys()
    keys = email_keys(typed.strip())
    # Folding may lengthen an address, and no account has a longer key.
    return LoginKeys(*keys) if max(map(len, keys)) <= MAX_EMAIL_LENGTH else LoginKeys()


async def account_named(username_or_email: str) -> User | None:
    """The account of that user name or e-mail address, in any letter case and form.

    None for an account whose deletion is due.
    """
    name = login_keys(username_or_email)
    if name.mailbox is None:
        candidates = User.filter(username_key=name.username)
    else:
        has_email = Q(mailbox=name.mailbox) | Q(email_key=name.lower)
        candidates = User.annotate(mailbox=RawSQL(MAILBOX)).filter(has_email)
    accounts = await candidates.filter(not_due_for_deletion())
    return min(accounts, key=lambda account: account.email_key != name.lower, default=None)


def not_due_for_deletion() -> Q:
    """The condition that an account's deletion isn't due, by the database's clock."""
    return Q(deletion_at=None) | Q(deletion_at__gt=RawSQL("now()"))
