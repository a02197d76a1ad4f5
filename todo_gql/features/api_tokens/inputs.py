"""What clients send to make an API token, and how it is checked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import strawberry

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.text import read_text
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.connection import fetch
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.list_access import visible_lists
from todo_gql.security.authentication import Viewer

MAX_NAME: Final = 100
MAX_SCOPES: Final = 20
MAX_LISTS: Final = 100
DEFAULT_LIFE: Final = timedelta(days=90)
MAX_LIFE: Final = timedelta(days=366)

SCOPES_OF_LISTS: Final = frozenset(
    {
        TokenScope.TODOS_READ,
        TokenScope.TODOS_WRITE,
        TokenScope.COMMENTS_WRITE,
        TokenScope.LISTS_SHARE,
    }
)
"""The scopes that open something to tokens which are bound to lists."""


@strawberry.input(description="A new API token.")
class ApiTokenCreateInput:
    """The input of `apiTokenCreate`."""

    name: str = strawberry.field(description="What to call it: 1 to 100 characters after trimming.")
    scopes: list[TokenScope] = strawberry.field(description="What it opens: at least one scope.")
    list_ids: list[strawberry.ID] | None = strawberry.field(
        description="The lists that it is bound to, 1 to 100 that the viewer can see, for good: with it "
        "programs see and change nothing else. Not bound to lists if absent.",
        default=strawberry.UNSET,
    )
    expires_at: datetime | None = strawberry.field(
        description="When it expires, within 366 days from now; in 90 days if absent.",
        default=strawberry.UNSET,
    )
    current_password: str = strawberry.field(description="The account's password.")


@dataclass(slots=True)
class TokenDraft:
    """A token to be made, and what is wrong with what was sent; lists are still to be looked up."""

    name: str
    scopes: list[TokenScope]
    list_ids: list[UUID] | None
    expires_at: datetime
    problems: list[UserError]


def read_token(sent: ApiTokenCreateInput, now: datetime) -> TokenDraft:
    """The token in an input, with all its problems."""
    problems: list[UserError] = []
    name, problem = read_text(sent.name, longest=MAX_NAME)
    if problem:
        problems.append(invalid(*problem, "input", "name"))
    elif not name:
        problems.append(invalid(ErrorCode.REQUIRED, "Say what to call it.", "input", "name"))
    list_ids = _read_lists(unset_to_none(sent.list_ids), problems)
    scopes = _read_scopes(sent.scopes, problems, is_bound=list_ids is not None)
    expires_at = unset_to_none(sent.expires_at) or now + DEFAULT_LIFE
    if not now < expires_at <= now + MAX_LIFE:
        message = f"A token expires within {MAX_LIFE.days} days from now."
        problems.append(invalid(ErrorCode.INVALID, message, "input", "expiresAt"))
    return TokenDraft(name, scopes, list_ids, expires_at, problems)


def _read_scopes(
    sent: list[TokenScope], problems: list[UserError], *, is_bound: bool
) -> list[TokenScope]:
    if not sent or len(sent) > MAX_SCOPES:
        message = f"Name 1 to {MAX_SCOPES} scopes."
        code = ErrorCode.TOO_MANY if sent else ErrorCode.REQUIRED
        problems.append(invalid(code, message, "input", "scopes"))
        return []
    for index, scope in enumerate(sent):
        if is_bound and scope not in SCOPES_OF_LISTS:
            message = (
                f"{scope.name} isn't limited to single lists: leave it out, or leave listIds out."
            )
            problems.append(invalid(ErrorCode.INVALID, message, "input", "scopes", str(index)))
    return [scope for scope in TokenScope if scope in sent]


def _read_lists(sent: list[strawberry.ID] | None, problems: list[UserError]) -> list[UUID] | None:
    if sent is None:
        return None
    if not 1 <= len(sent) <= MAX_LISTS:
        message = f"Name 1 to {MAX_LISTS} lists, or leave listIds out for a token of all."
        code = ErrorCode.TOO_MANY if sent else ErrorCode.REQUIRED
        problems.append(invalid(code, message, "input", "listIds"))
        return []
    ids: list[UUID] = []
    for index, text in enumerate(sent):
        id, path = parse_id(text), ("input", "listIds", str(index))
        if id is None:
            problems.append(not_found(*path))
        elif id in ids:
            problems.append(invalid(ErrorCode.INVALID, "This list is named twice.", *path))
        else:
            ids.append(id)
    return ids


async def missing_lists(viewer: Viewer, sent: ApiTokenCreateInput) -> list[UserError]:
    """The errors of well-formed ids of lists that the viewer doesn't see outside the trash."""
    keys = [parse_id(text) for text in (unset_to_none(sent.list_ids) or [])[:MAX_LISTS]]
    if not any(keys):
        return []
    statement = visible_lists(viewer).where_one_of("l.id", [key for key in keys if key])
    seen = {row["id"] for row in await fetch(statement.select(("l.id",)), *statement.values)}
    return [
        not_found("input", "listIds", str(index))
        for index, key in enumerate(keys)
        if key and key not in seen
    ]
