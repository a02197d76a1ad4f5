"""What the mutations of one's own account share: loading, locking, the password check, errors."""

from datetime import datetime
from typing import Any
from uuid import UUID

from todo_gql.api.errors import AuthError, ErrorCode, Unauthenticated, UserError
from todo_gql.database.connection import fetchrow
from todo_gql.database.models import User as Account
from todo_gql.features.accounts.types import User
from todo_gql.operation.context import Context
from todo_gql.security.authentication import Viewer
from todo_gql.security.passwords import password_matches


async def database_time() -> datetime:
    """The time by the database's clock; within a transaction, that of its start.

    All times stored for an account are by this clock, which all servers share.
    """
    row = await fetchrow("SELECT now() AS now")
    assert row is not None
    moment: datetime = row["now"]
    return moment


async def own_account(viewer: Viewer) -> Account:
    """The viewer's account; `Unauthenticated` if it was just deleted."""
    account = await Account.get_or_none(id=viewer.id)
    if account is None:
        raise Unauthenticated
    return account


async def locked_account(account_id: UUID) -> Account | None:
    """The account, locked until the surrounding transaction ends; None if it is deleted."""
    return await Account.select_for_update(no_key=True).get_or_none(id=account_id)


async def locked_if_unchanged(account: Account) -> Account:
    """The account, read again and locked, after its password was checked.

    `Unauthenticated` if the account is deleted or its password was changed since.
    """
    locked = await locked_account(account.id)
    if locked is None or locked.password_hash != account.password_hash:
        raise Unauthenticated
    return locked


async def wrong_password(
    account: Account, password: str, context: Context, *path: str
) -> list[UserError]:
    """The error of a password that isn't the account's; `Unavailable` when too many wait."""
    if await password_matches(password, account.password_hash, context.settings):
        return []
    return [
        AuthError(
            code=ErrorCode.INVALID_CREDENTIALS,
            message="This is not your password.",
            path=list(path),
        )
    ]


def names_of(account: Account) -> tuple[str, str]:
    """The names that the account's password must not be."""
    return account.username, account.email.rpartition("@")[0]


def bad_link(*path: str) -> AuthError:
    """The one error for a mailed token that is forged, used, expired or of another account."""
    return AuthError(
        code=ErrorCode.INVALID_TOKEN,
        message="This link is unknown, was used already, or has expired. Ask for a new one.",
        path=list(path),
    )


def too_many_mails() -> AuthError:
    """The error when the hourly limit for mails of a kind is reached."""
    return AuthError(
        code=ErrorCode.RATE_LIMITED,
        message="Several of these mails were sent to you in the last hour. Look for them, or wait.",
    )


def to_user(account: Account) -> User:
    """The account as its own user sees it."""
    row: dict[str, Any] = dict(account.__iter__())
    return User.of_oneself(row)
