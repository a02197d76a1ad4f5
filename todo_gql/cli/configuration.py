"""The settings of a command, and all their problems, reported without their values."""

import logging
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from dotenv.parser import Binding, parse_stream
from email_validator import EmailNotValidError, validate_email
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from todo_gql.cli.runtime import fail
from todo_gql.documents.trusted import ManifestError, TrustedDocuments
from todo_gql.mail.transport import transport
from todo_gql.push.keys import PushKeyError, push_problem, with_push_key
from todo_gql.security.secret_key import SecretKeyError, with_secret
from todo_gql.settings import Settings

# Lines that it can't parse are reported here, with all other problems.
logging.getLogger("dotenv").setLevel(logging.ERROR)

ENV_FILE = Path(".env")
NAMES = frozenset(name.upper() for name in Settings.model_fields)
# What Docker Compose and make read from the same file.
NAMES_OF_OTHERS = frozenset(
    {"HTTPS_PORT", "LISTEN_ADDRESS", "POSTGRES_PASSWORD", "TODO_GQL_IMAGE", "TODO_URL"}
)
PREFIXES_OF_OTHERS = ("COMPOSE_", "DOCKER_", "PG", "TEST_")
# Anything else before the = may be part of a secret, so it isn't printed.
NAME = re.compile("[A-Z][A-Z0-9_]{1,39}")


def load_settings(**changes: Any) -> Settings:
    """The settings, with the `changes` that aren't None; exits with status 1 and all problems."""
    settings, problems = read_settings(**changes)
    if problems:
        fail(problem_report(problems))
    for problem in problems_of_file():
        typer.secho(problem, err=True, fg=typer.colors.YELLOW)
    return settings


def problem_report(problems: Iterable[str]) -> str:
    """All problems as one message."""
    return "The settings can't be used:\n" + "\n".join(f"  {problem}" for problem in problems)


def read_settings(**changes: Any) -> tuple[Settings, list[str]]:
    """The settings, and the problems with them; an invalid setting has its default instead."""
    values = {name: value for name, value in changes.items() if value is not None}
    problems: list[str] = []
    replaced: set[str] = set()
    while True:
        try:
            return Settings(**values), problems
        except ValidationError as error:
            error_details = error.errors(include_url=False, include_input=False)
            problems += [text for text in map(_message_of, error_details) if text not in problems]
            wrong = {name for each in error_details for name in _fields_of(each)} - replaced
        except (OSError, UnicodeError) as error:
            fail(f"{ENV_FILE} can't be read: {_reason(error)}.")
        if not wrong:
            fail(problem_report(problems))
        # With defaults instead of invalid settings, rules about several settings are checked, too.
        replaced |= wrong
        for name in wrong:
            field = Settings.model_fields[name]
            values[name] = field.get_default(call_default_factory=True, validated_data={})


def _reason(error: OSError | UnicodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it isn't text in UTF-8"


def _message_of(error: ErrorDetails) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    return f"{name}: {error['msg']}" if name else error["msg"].removeprefix("Value error, ")


def _fields_of(error: ErrorDetails) -> set[str]:
    """The settings that an error is about: one, or those that it names."""
    if error["loc"]:
        return {str(error["loc"][0])}
    return {name.lower() for name in NAMES & set(re.findall("[A-Z_]+", error["msg"]))}


def problems_of_file() -> Iterator[str]:
    """Lines of `.env` that set nothing; `read_settings` has checked that it can be read."""
    if not ENV_FILE.is_file():
        return
    with ENV_FILE.open(encoding="utf-8-sig") as file:
        for binding in parse_stream(file):
            if problem := _problem_of_line(binding):
                yield problem


def _problem_of_line(binding: Binding) -> str | None:
    name = (binding.key or "").upper()
    if not name and not binding.error:
        return None
    problem: str | None = "it must look like NAME=value."
    if not binding.error and binding.value is not None:
        problem = _problem_of_name(binding.key or "")
    elif name in NAMES:
        problem = f"{name} has no value."
    return problem and f"Line {_number_of(binding)} of {ENV_FILE} sets nothing: {problem}"


def _problem_of_name(key: str) -> str | None:
    name = key.upper()
    if name in NAMES | NAMES_OF_OTHERS or name.startswith(PREFIXES_OF_OTHERS):
        return None
    if alike := get_close_matches(name, NAMES, n=1, cutoff=0.8):
        return f"{key} is not a setting. Did you mean {alike[0]}?"
    if name.startswith("OTEL_"):
        return f"{name} must be set in the environment."
    name_or_part = key if NAME.fullmatch(key) else "what stands before the ="
    return f"{name_or_part} is not a setting."


def _number_of(binding: Binding) -> int:
    """The number of a binding's line; its text may begin with empty lines."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def load_secret(settings: Settings) -> Settings:
    """The settings with a secret key."""
    try:
        return with_secret(settings)
    except SecretKeyError as error:
        fail(str(error))


def load_push_key(settings: Settings) -> Settings:
    """The settings with the key that signs pushes, if any are sent; exits if none could be sent."""
    for problem in problems_of_push(settings):
        fail(problem)
    try:
        return with_push_key(settings)
    except PushKeyError as error:
        fail(str(error))


def check_public_url(settings: Settings) -> None:
    """Fail unless the links that people get are usable."""
    for problem in problems_of_public_url(settings):
        fail(problem)


def check_mail(settings: Settings) -> None:
    """Fail unless mails can be sent with these settings, and their links lead somewhere."""
    check_public_url(settings)
    for problem in problems_of_mail(settings):
        fail(problem)


def check_documents(settings: Settings) -> None:
    """Fail unless the trusted documents can be read."""
    for problem in problems_of_documents(settings):
        fail(problem)


def problems_of_public_url(settings: Settings) -> Iterator[str]:
    """Why links in mails would lead nowhere."""
    if settings.environment == "production" and not settings.public_url:
        yield (
            "Set PUBLIC_URL to the address at which people reach this server: links in mails"
            " begin with it."
        )


def problems_of_mail(settings: Settings) -> Iterator[str]:
    """Why no mail could be sent."""
    if settings.environment == "production" and not settings.smtp_url:
        yield "Set SMTP_URL to the server that sends the mails, smtp://user:password@host:587."
    if address := settings.mail_from:
        try:
            # It may be one of an intranet.
            validate_email(
                address,
                check_deliverability=False,
                allow_domain_literal=True,
                globally_deliverable=False,
            )
        except EmailNotValidError as error:
            yield f"MAIL_FROM can't be {address}: {error}"
    try:
        transport(settings)
    except ValueError as error:
        yield f"SMTP_URL {error}."


def problems_of_push(settings: Settings) -> Iterator[str]:
    """Why no push message could be sent."""
    if problem := push_problem(settings):
        yield problem


def problems_of_documents(settings: Settings) -> Iterator[str]:
    """Why the trusted documents can't be read."""
    try:
        TrustedDocuments.of(settings)
    except ManifestError as error:
        yield f"TRUSTED_DOCUMENTS can't be used: {error}"
