"""Registration: creates accounts."""

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

FIELD_BY_CONSTRAINT = {
    "users_username_unique": "username",
    "users_email_unique": "email",
    "users_mailbox_unique": "email",
}
CONFLICT_MESSAGES = {
    "username": "This user name is in use. Choose another.",
    "email": "An account with this e-mail address exists. Sign in, or use another address.",
}
EXISTING_KEYS = (
    f"SELECT bool_or(username_key = $3) AS username, bool_or({HAS_EMAIL}) AS email"
    f" FROM users WHERE {HAS_NAME}"
)


class RegistrationError(Exception):
    """A refused registration with all of its errors; the message has a line for each."""

    def __init__(self, errors: list[UserError]) -> None:
        super().__init__(
            "\n".join(f"{(error.path or [''])[-1]}: {error.message}" for error in errors)
        )
        self.errors = errors


@retried
async def register(input: RegisterInput, device: Device, settings: Settings) -> tuple[User, SignIn]:
    """Create an account and sign in to it; `RegistrationError` if it is refused."""
    async with _created_account(input, settings, signs_in=True) as user:
        await outbox.enqueue(user, MailKind.VERIFICATION, settings)
        return user, await begin_session(user, device, settings)


@retried
async def create_account(
    input: RegisterInput, settings: Settings, *, is_superuser: bool = False
) -> User:
    """Create an account without signing in to it; `RegistrationError` if it is refused."""
    async with _created_account(input, settings, is_superuser=is_superuser) as user:
        return user


@asynccontextmanager
async def _created_account(
    input: RegisterInput,
    settings: Settings,
    *,
    is_superuser: bool = False,
    signs_in: bool = False,
) -> AsyncIterator[User]:
    """Create an account in a transaction that ends with the block."""
    if problems := registration_problems(input, settings):
        raise RegistrationError(problems + _conflicts(await _existing_fields(input, problems)))
    password_hash = await hash_password(input.password, settings)
    try:
        async with in_transaction():
            now = await database_time()
            columns = _columns(input, password_hash) | {
                "is_superuser": is_superuser,
                "created_at": now,
                "last_login_at": now if signs_in else None,
            }
            yield await User.create(using_db=None, **columns)
    except IntegrityError as error:
        raise RegistrationError(
            _conflicts({_conflicting_field(error)} | await _existing_fields(input))
        ) from error


def _columns(input: RegisterInput, password_hash: str) -> dict[str, object]:
    return {
        "username": normalize_username(input.username),
        "username_key": normalize_username(input.username).lower(),
        **email_columns(normalize_email(input.email)),
        "password_hash": password_hash,
        "first_name": read_name(input.first_name or "")[0] or None,
        "last_name": read_name(input.last_name or "")[0] or None,
        "bio": read_bio(input.bio or "")[0] or None,
        "avatar_url": read_url(input.avatar_url or "")[0] or None,
    }


def email_columns(email: str) -> dict[str, str | None]:
    """The columns of an address: as typed, in lower case, and its mailbox's key if that differs."""
    mailbox, lower = email_keys(email)
    return {
        "email": email,
        "email_key": lower,
        "mailbox_key": None if mailbox == lower else mailbox,
    }


def address_conflict(error: IntegrityError, *path: str) -> ConflictError:
    """The error for an address that another account has; reraises any other violation."""
    name = _conflicting_field(error)
    return ConflictError(
        code=ErrorCode.ALREADY_EXISTS, message=CONFLICT_MESSAGES[name], path=list(path)
    )


def _conflicting_field(error: IntegrityError) -> str:
    """The field whose value another account has; reraises any other violation."""
    cause = error.__cause__
    if (
        isinstance(cause, asyncpg.UniqueViolationError)
        and cause.constraint_name in FIELD_BY_CONSTRAINT
    ):
        return FIELD_BY_CONSTRAINT[cause.constraint_name]
    raise error


async def _existing_fields(input: RegisterInput, problems: Sequence[UserError] = ()) -> set[str]:
    """The fields without a problem whose values another account has."""
    invalid_fields = {error.path[-1] for error in problems if error.path}
    email = (None, None) if "email" in invalid_fields else email_keys(normalize_email(input.email))
    username = None if "username" in invalid_fields else normalize_username(input.username).lower()
    row = await fetchrow(EXISTING_KEYS, *email, username)
    return {name for name, exists in row.items() if exists} if row else set()


def _conflicts(fields: set[str]) -> list[UserError]:
    return [
        ConflictError(code=ErrorCode.ALREADY_EXISTS, message=message, path=["input", name])
        for name, message in CONFLICT_MESSAGES.items()
        if name in fields
    ]
