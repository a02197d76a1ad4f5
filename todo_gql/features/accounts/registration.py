"""The making of accounts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from todo_gql.api.errors import ConflictError, ErrorCode, UserError
from todo_gql.api.login_identifiers import normalize_email, normalize_username
from todo_gql.database.connection import fetchrow
from todo_gql.database.models import MailKind, User
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import database_time
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.inputs import (
    RegisterInput,
    read_bio,
    read_name,
    read_url,
    registration_problems,
)
from todo_gql.features.accounts.lookup import HAS_EMAIL, HAS_NAME, email_keys
from todo_gql.security.authentication import Device, SignIn, begin_session
from todo_gql.security.passwords import hash_password
from todo_gql.settings import Settings

UNIQUE = {
    "users_username_unique": "username",
    "users_email_unique": "email",
    "users_mailbox_unique": "email",
}
TAKEN = {
    "username": "This user name is taken.",
    "email": "There is an account with this e-mail address already.",
}
TAKEN_KEYS = (
    f"SELECT bool_or(username_key = $3) AS username, bool_or({HAS_EMAIL}) AS email"
    f" FROM users WHERE {HAS_NAME}"
)


class RegistrationError(Exception):
    """A registration that can't be had, and all that is wrong with it; its text has a line each."""

    def __init__(self, errors: list[UserError]) -> None:
        super().__init__(
            "\n".join(f"{(error.path or [''])[-1]}: {error.message}" for error in errors)
        )
        self.errors = errors


@retried
async def register(given: RegisterInput, device: Device, settings: Settings) -> tuple[User, SignIn]:
    """A new account, signed in; `RegistrationError` when there can't be one."""
    async with _creation(given, settings, signs_in=True) as user:
        await outbox.enqueue(user, MailKind.VERIFICATION, settings)
        return user, await begin_session(user, device, settings)


@retried
async def create_account(
    given: RegisterInput, settings: Settings, *, is_superuser: bool = False
) -> User:
    """A new account that nobody has signed in to; `RegistrationError` when there can't be one."""
    async with _creation(given, settings, is_superuser=is_superuser) as user:
        return user


@asynccontextmanager
async def _creation(
    given: RegisterInput,
    settings: Settings,
    *,
    is_superuser: bool = False,
    signs_in: bool = False,
) -> AsyncIterator[User]:
    """A new account, in the transaction that makes it, which ends with the block."""
    if problems := registration_problems(given, settings):
        raise RegistrationError(problems + _conflicts(await _taken(given, problems)))
    password_hash = await hash_password(given.password, settings)
    try:
        async with in_transaction():
            now = await database_time()
            columns = _columns(given, password_hash) | {
                "is_superuser": is_superuser,
                "created_at": now,
                "last_login_at": now if signs_in else None,
            }
            yield await User.create(using_db=None, **columns)
    except IntegrityError as error:
        raise RegistrationError(_conflicts({_violated(error)} | await _taken(given))) from error


def _columns(given: RegisterInput, password_hash: str) -> dict[str, object]:
    return {
        "username": normalize_username(given.username),
        "username_key": normalize_username(given.username).lower(),
        **email_columns(normalize_email(given.email)),
        "password_hash": password_hash,
        "first_name": read_name(given.first_name or "")[0] or None,
        "last_name": read_name(given.last_name or "")[0] or None,
        "bio": read_bio(given.bio or "")[0] or None,
        "avatar_url": read_url(given.avatar_url or "")[0] or None,
    }


def email_columns(email: str) -> dict[str, str | None]:
    """What is stored of an address."""
    mailbox, lower = email_keys(email)
    return {
        "email": email,
        "email_key": lower,
        "mailbox_key": None if mailbox == lower else mailbox,
    }


def address_is_taken(error: IntegrityError, *path: str) -> ConflictError:
    """What to say when an account can't move to an address; raises any other violation again."""
    name = _violated(error)
    return ConflictError(code=ErrorCode.ALREADY_EXISTS, message=TAKEN[name], path=list(path))


def _violated(error: IntegrityError) -> str:
    """The field whose value somebody else has; raises any other violation again."""
    cause = error.__cause__
    if isinstance(cause, asyncpg.UniqueViolationError) and cause.constraint_name in UNIQUE:
        return UNIQUE[cause.constraint_name]
    raise error


async def _taken(given: RegisterInput, problems: Sequence[UserError] = ()) -> set[str]:
    """The fields whose values somebody else has now, of those without a problem."""
    wrong = {error.path[-1] for error in problems if error.path}
    email = (None, None) if "email" in wrong else email_keys(normalize_email(given.email))
    username = None if "username" in wrong else normalize_username(given.username).lower()
    row = await fetchrow(TAKEN_KEYS, *email, username)
    return {name for name, taken in row.items() if taken} if row else set()


def _conflicts(violated: set[str]) -> list[UserError]:
    return [
        ConflictError(code=ErrorCode.ALREADY_EXISTS, message=message, path=["input", name])
        for name, message in TAKEN.items()
        if name in violated
    ]
