"""API tokens for tests: issued in the database, and sent over HTTP."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.support.accounts import PASSWORD, Account
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.models import ApiToken
from todo_gql.security.api_tokens import digest_of, hint_of, new_token

ALL_SCOPES = tuple(scope.name for scope in TokenScope)


async def issued(
    account: Account,
    *scopes: str,
    lists: Iterable[str] | None = None,
    expires_in: timedelta | None = timedelta(days=90),
) -> str:
    """The text of a token of an account with these scopes, or with all, bound to lists if there are any."""
    return (await issued_with_id(account, *scopes, lists=lists, expires_in=expires_in))[0]


async def issued_with_id(
    account: Account,
    *scopes: str,
    lists: Iterable[str] | None = None,
    expires_in: timedelta | None = timedelta(days=90),
) -> tuple[str, UUID]:
    """The text and the id of such a token."""
    text = new_token()
    token = await ApiToken.create(
        owner_id=UUID(account.id),
        name="A test",
        hint=hint_of(text),
        secret_hash=digest_of(text),
        scopes=list(scopes or ALL_SCOPES),
        list_ids=None if lists is None else list(lists),
        expires_at=None if expires_in is None else datetime.now(UTC) + expires_in,
    )
    return text, token.id


async def refusals(account: Account, query: str, token: str, /, **variables: Any) -> list[Any]:
    """The errors of an operation that a token doesn't open; nothing of it may have been executed."""
    answer = await account.execute(query, variables, token)
    assert "data" not in answer, answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}, answer
    return list(answer["errors"])


CREATE = """
mutation ($input: ApiTokenCreateInput!) {
  apiTokenCreate(input: $input) {
    token { id name hint scopes lists { id } createdAt expiresAt lastUsedAt } secret errors { code path }
  }
}
"""


async def created(account: Account, **sent: Any) -> dict[str, Any]:
    """The payload of making a token, of TODOS_READ and PROFILE_READ unless others are sent."""
    default: dict[str, Any] = {"name": "Test", "currentPassword": PASSWORD}
    if "listIds" not in sent:
        default["scopes"] = ["TODOS_READ", "PROFILE_READ"]
    else:
        default["scopes"] = ["TODOS_READ"]
    return dict((await account.data(CREATE, input=default | sent))["apiTokenCreate"])
