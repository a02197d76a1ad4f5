"""Errors, and how clients see them.

A problem that the user can fix is data: a `UserError` in the payload. Everything else is raised as
an `APIError` and becomes an entry of the response's `errors` with a code (GraphQL, section 7.1.2).
"""

from collections.abc import Callable, Iterable
from enum import Enum, StrEnum
from typing import Any

import strawberry
from graphql import GraphQLError
from tortoise.exceptions import OperationalError

from todo_gql.api.document_source import locations_of
from todo_gql.api.list_roles import ListRole
from todo_gql.api.node import Node
from todo_gql.database.retry import OUTAGES, TIMEOUTS, OutcomeUnknown


class Code(StrEnum):
    """The codes of top-level errors, in `extensions.code`."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    COST_LIMIT = "COST_LIMIT"
    RATE_LIMITED = "RATE_LIMITED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class APIError(Exception):
    """An error whose message is meant for clients."""

    code: Code

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.extensions = extensions


class Unauthenticated(APIError):
    """The field needs a viewer and the request has no valid token."""

    code = Code.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("Sign in first: send a valid access token as Authorization: Bearer …")


class Forbidden(APIError):
    """The viewer may not use this field."""

    code = Code.FORBIDDEN


class BadUserInput(APIError):
    """An invalid argument that is the client program's mistake, not its user's."""

    code = Code.BAD_USER_INPUT


class RateLimited(APIError):
    """The caller has reached a rate limit; `seconds` is how long to wait."""

    code = Code.RATE_LIMITED

    def __init__(self, seconds: int) -> None:
        wait = "1 second" if seconds == 1 else f"{seconds:,} seconds"
        super().__init__(f"Too many requests. Wait {wait}, then try again.", retryAfter=seconds)
        self.seconds = seconds


class Unavailable(APIError):
    """The server can't do this now; the same request may succeed later."""

    code = Code.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "The service is busy, or its database can't be reached. Try again in a moment."
        )


class SeenNoMore(Unavailable):
    """What the viewer saw at the beginning of an operation is hidden from them by now, or gone.

    The same request finds nothing of it.
    """

    def __init__(self) -> None:
        APIError.__init__(self, "What you may see has changed in the meantime. Try again.")


OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
"""The `extensions.reason` of a mutation that may have been committed or not."""

TIMEOUT_MESSAGE = "This took too long and was stopped. Ask for less at once, or try again later."
INTERNAL_MESSAGE = (
    "An unexpected error occurred in the server. Quote the requestId when you report it."
)
OUTCOME_MESSAGE = (
    "The connection to the database was lost, so this may or may not be stored. Check, or send it"
    " again: with the same id or expectedVersion nothing is done twice."
)
# Messages quote invalid values of any length, and end with what would be valid.
MAX_MESSAGE_LENGTH, MESSAGE_START_LENGTH = 1_000, 700
UNREADABLE_MESSAGE = "A number in the document is too large."


def _cause(error: BaseException | None) -> BaseException | None:
    """The exception under GraphQL's and Tortoise's wrapping."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    if isinstance(error, OperationalError) and error.__cause__ is not None:
        return error.__cause__
    return error


def is_temporary(error: Exception) -> bool:
    """Whether the same request may succeed later."""
    return isinstance(_cause(error), (Unavailable, *TIMEOUTS, *OUTAGES))


def _client_view(error: GraphQLError) -> tuple[Code, str, dict[str, object]]:
    """The code, message and further extensions of an error as sent to clients."""
    cause = _cause(error)
    if isinstance(cause, APIError):
        return cause.code, str(cause), cause.extensions
    if isinstance(cause, GraphQLError):
        return Code.BAD_USER_INPUT, error.message, {}
    if isinstance(cause, TIMEOUTS):
        return Code.TIMEOUT, TIMEOUT_MESSAGE, {}
    if isinstance(cause, OutcomeUnknown):
        return Code.UNAVAILABLE, OUTCOME_MESSAGE, {"reason": OUTCOME_UNKNOWN}
    if isinstance(cause, OUTAGES):
        return Code.UNAVAILABLE, str(Unavailable()), {}
    return Code.INTERNAL, INTERNAL_MESSAGE, {}


def formatted(error: GraphQLError, request_id: str, code: Code | None = None) -> dict[str, Any]:
    """An entry of the response's `errors`; `code` overrides the code of the error itself."""
    own_code, message, extensions = _client_view(error)
    if code is not None and own_code is Code.INTERNAL:
        message = UNREADABLE_MESSAGE
    entry: dict[str, Any] = {"message": printable(shortened(message))}
    if locations := locations_of(error):
        entry["locations"] = locations
    if error.path:
        entry["path"] = error.path
    entry["extensions"] = {"code": code or own_code, **extensions}
    if own_code is Code.INTERNAL and code is None:
        entry["extensions"]["requestId"] = request_id
    return entry


def unexpected(errors: Iterable[GraphQLError]) -> list[BaseException]:
    """The causes of the errors whose messages hide them from clients, to be logged."""
    return [
        cause
        for error in errors
        if (cause := _cause(error)) is not None and _client_view(error)[0] in SERVER_SIDE
    ]


SERVER_SIDE = frozenset({Code.INTERNAL, Code.UNAVAILABLE, Code.TIMEOUT})


def shortened(message: str) -> str:
    """The message, with an ellipsis for the middle of one that quotes a long value."""
    if len(message) <= MAX_MESSAGE_LENGTH:
        return message
    return f"{message[:MESSAGE_START_LENGTH]}…{message[MESSAGE_START_LENGTH - MAX_MESSAGE_LENGTH + 1 :]}"


def printable(text: str) -> str:
    """The text without the lone surrogates that JSON can't carry."""
    return text.encode("utf-8", "replace").decode()


@strawberry.enum(description="What is wrong, for programs.")
class ErrorCode(Enum):
    """The codes of user errors."""

    INVALID = strawberry.enum_value("INVALID", description="Not of the form that is asked for.")
    REQUIRED = strawberry.enum_value("REQUIRED", description="This can't be empty or null.")
    TOO_SHORT = strawberry.enum_value("TOO_SHORT", description="Shorter than allowed.")
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="Longer or larger than allowed.")
    TOO_MANY = strawberry.enum_value("TOO_MANY", description="More items than allowed.")
    OUT_OF_RANGE = strawberry.enum_value(
        "OUT_OF_RANGE", description="Smaller or greater than allowed."
    )
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND", description="There is no such thing for the viewer."
    )
    NOT_ALLOWED = strawberry.enum_value(
        "NOT_ALLOWED",
        description="The viewer sees it but may not do this: `needed` is the role that may.",
    )
    CONFLICT = strawberry.enum_value(
        "CONFLICT", description="Somebody else changed it first: load it and try again."
    )
    ALREADY_EXISTS = strawberry.enum_value("ALREADY_EXISTS", description="This is taken already.")
    WEAK_PASSWORD = strawberry.enum_value("WEAK_PASSWORD", description="Too easy to guess.")
    INVALID_CREDENTIALS = strawberry.enum_value(
        "INVALID_CREDENTIALS", description="No account has this name and password."
    )
    INVALID_TOKEN = strawberry.enum_value(
        "INVALID_TOKEN", description="The token is unknown, used up or expired."
    )
    ACCOUNT_DISABLED = strawberry.enum_value(
        "ACCOUNT_DISABLED", description="An administrator has disabled the account."
    )
    UNSUPPORTED = strawberry.enum_value(
        "UNSUPPORTED", description="Understood, but there is nothing like it here."
    )
    RATE_LIMITED = strawberry.enum_value("RATE_LIMITED", description="Too many tries: wait first.")


@strawberry.interface(description="A problem that the client or its user can fix.")
class UserError:
    """The common fields of all user errors."""

    code: ErrorCode = strawberry.field(description="What is wrong, for programs.")
    message: str = strawberry.field(description="What is wrong and what to do, in English.")
    path: list[str] | None = strawberry.field(
        description='Where in the arguments, such as `["input", "title"]`.', default=None
    )


@strawberry.type(description="A value that the input can't have.")
class ValidationError(UserError):
    """A value that breaks a rule."""


@strawberry.type(description="Something that the viewer doesn't have.")
class NotFoundError(UserError):
    """The id of no object, or of another user's."""


@strawberry.type(
    description="Somebody else changed it first, or it exists already; "
    "`current` is what is stored now."
)
class ConflictError(UserError):
    """A write that conflicts with the stored state."""

    current: Node | None = strawberry.field(
        description="What is stored now, where the viewer may see it.", default=None
    )


@strawberry.type(
    description="The viewer may see it but not do this; `needed` is the role in the list that may."
)
class NotAllowedError(UserError):
    """Too little a role in a list of somebody else."""

    needed: ListRole | None = strawberry.field(
        description="The least role that may do it.", default=None
    )


@strawberry.type(description="A name, password or token that doesn't open the account.")
class AuthError(UserError):
    """Credentials that are refused."""


def invalid(code: ErrorCode, message: str, *path: str) -> ValidationError:
    """A validation error at `path`."""
    return ValidationError(code=code, message=message, path=list(path))


def not_found(*path: str) -> NotFoundError:
    """The same error for unknown ids and for objects of other users."""
    return NotFoundError(
        code=ErrorCode.NOT_FOUND, message="There is no such thing.", path=list(path)
    )


def not_allowed(needed: ListRole, *path: str) -> NotAllowedError:
    """The error of a member whose role is too little, at the path that `not_found` would have."""
    return NotAllowedError(
        code=ErrorCode.NOT_ALLOWED,
        message=f"Your role in the list doesn't allow this: it needs {needed.name}.",
        path=list(path),
        needed=needed,
    )


def unusable_id(*path: str) -> ValidationError:
    """The error of a client's id that is no UUID, or that something of another user has."""
    return invalid(ErrorCode.INVALID, "The id must be a UUID that is not in use.", *path, "id")


def version_errors(
    noun: str, version: int, expected: int | None, current: Callable[[], Node | None]
) -> list[UserError]:
    """The conflict if something has another version than a client expects, if it expects any.

    `current` makes what is stored now.
    """
    if expected is None or expected == version:
        return []
    message = f"The {noun} has version {version} now. Load it and try again."
    return [
        ConflictError(
            code=ErrorCode.CONFLICT,
            message=message,
            path=["expectedVersion"],
            current=current(),
        )
    ]
