"""What clients send to register and to sign in, and the rules for it."""

import re
from urllib.parse import urlsplit

import strawberry
from email_validator import EmailNotValidError, validate_email

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.login_identifiers import (
    MAX_EMAIL_LENGTH,
    MAX_USERNAME_LENGTH,
    mailbox_key,
    normalize_email,
    normalize_username,
)
from todo_gql.api.text import RAW, Problem, read_text, text_problem
from todo_gql.security.passwords import password_problem
from todo_gql.settings import Settings

USERNAME = re.compile(r"[A-Za-z0-9_.-]+")
# Characters that RFC 3986, section 2, doesn't allow in a URL, or that could end an attribute of HTML.
NOT_IN_URLS = re.compile(r'[\s"<>\\^`{|}]')
WEEKDAYS = range(1, 8)


@strawberry.input(description="A new account.")
class RegisterInput:
    """The input of `register`."""

    username: str = strawberry.field(
        description="3 to 50 of ASCII letters, digits, `_`, `.`, `-`; unique in any letter case. "
        "White space around it doesn't matter."
    )
    email: str = strawberry.field(
        description="An e-mail address, of whose mailbox there is one account. White space around it "
        "doesn't matter."
    )
    password: str = strawberry.field(
        description="8 to 128 characters with an upper-case letter, a lower-case letter and a "
        "digit; not a common one and not one of the account's names."
    )
    first_name: str | None = strawberry.field(
        description="At most 100 characters.", default=strawberry.UNSET
    )
    last_name: str | None = strawberry.field(
        description="At most 100 characters.", default=strawberry.UNSET
    )
    bio: str | None = strawberry.field(
        description="At most 1,000 characters, in lines.", default=strawberry.UNSET
    )
    avatar_url: str | None = strawberry.field(
        description="An http or https address of at most 500 characters.",
        default=strawberry.UNSET,
    )


@strawberry.input(description="Credentials; usernameOrEmail takes either.")
class LoginInput:
    """The input of `login`."""

    username_or_email: str = strawberry.field(
        description="The user name or the e-mail address, in any letter case and any form."
    )
    password: str = strawberry.field(description="The account's password.")


def registration_problems(input: RegisterInput, settings: Settings) -> list[UserError]:
    """All problems of a registration, except conflicts with other accounts."""
    username, email = normalize_username(input.username), normalize_email(input.email)
    names = (username, email.rpartition("@")[0])
    problems = {
        "username": username_problem(username),
        "email": email_problem(email, settings),
        "password": password_problem(input.password, *names),
        "firstName": read_name(input.first_name or "")[1],
        "lastName": read_name(input.last_name or "")[1],
        "bio": read_bio(input.bio or "")[1],
        "avatarUrl": read_url(input.avatar_url or "")[1],
    }
    return [invalid(*problem, "input", name) for name, problem in problems.items() if problem]


def username_problem(username: str) -> Problem | None:
    """What is wrong with a user name; None when nothing is."""
    if len(username) > RAW * MAX_USERNAME_LENGTH:
        return text_problem(username, longest=MAX_USERNAME_LENGTH)
    if username and not USERNAME.fullmatch(username):
        return ErrorCode.INVALID, "Use only letters from A to Z, digits, and the signs _ . -"
    return text_problem(username, shortest=3, longest=MAX_USERNAME_LENGTH)


def email_problem(email: str, settings: Settings) -> Problem | None:
    """What is wrong with an e-mail address; None when nothing is.

    In development, addresses under the reserved domain `test` will do.
    """
    if problem := text_problem(email, longest=MAX_EMAIL_LENGTH):
        return problem
    if any(len(key) > MAX_EMAIL_LENGTH for key in (email.lower(), mailbox_key(email))):
        return ErrorCode.TOO_LONG, f"Use an address of at most {MAX_EMAIL_LENGTH} characters."
    try:
        validate_email(
            email,
            check_deliverability=False,
            test_environment=settings.environment == "development",
        )
    except EmailNotValidError:
        return ErrorCode.INVALID, "Write an e-mail address like name@example.com."
    return None


def read_name(name: str) -> tuple[str, Problem | None]:
    """A first or last name as it is stored, and the first rule that it breaks, or None."""
    return read_text(name, longest=100)


def read_bio(bio: str) -> tuple[str, Problem | None]:
    """A bio as it is stored, and the first rule that it breaks, or None."""
    return read_text(bio, longest=1000, multiline=True, as_typed=True)


def read_url(url: str) -> tuple[str, Problem | None]:
    """The URL of an avatar as it is stored, and the first rule that it breaks, or None."""
    text, problem = read_text(url, longest=500)
    if text and not problem and not _is_web_address(text):
        message = "Write an address that begins with http:// or https://."
        problem = ErrorCode.INVALID, message
    return text, problem


def read_week_start(day: int) -> tuple[int, Problem | None]:
    """The first day of a week as it is stored, and the rule that it breaks, or None."""
    if day in WEEKDAYS:
        return day, None
    return day, (ErrorCode.OUT_OF_RANGE, "Use a day from 1 for Monday to 7 for Sunday.")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and not NOT_IN_URLS.search(url)
