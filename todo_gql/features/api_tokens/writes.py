"""Making and revoking API tokens, under the lock of the account."""

from datetime import datetime
from uuid import UUID

import orjson
import strawberry
from tortoise.transactions import in_transaction
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import MailKind
from todo_gql.database.models import User as Account
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import locked_if_unchanged, own_account, wrong_password
from todo_gql.features.accounts.email import outbox
from todo_gql.features.api_tokens.access import TOKEN_COLUMNS
from todo_gql.features.api_tokens.inputs import (
    ApiTokenCreateInput,
    TokenDraft,
    missing_lists,
    read_token,
)
from todo_gql.features.api_tokens.types import ApiToken, ApiTokenPayload
from todo_gql.inbox.security_events import SecurityEvent, enter_security_event
from todo_gql.inbox.wake_ups import announce
from todo_gql.operation.context import Context
from todo_gql.security.api_tokens import digest_of, hint_of, new_token, revoke_api_tokens
from todo_gql.security.authentication import viewer_cache
from todo_gql.settings import Settings

MAX_TOKENS = 50

COUNT = "SELECT count(*) AS number FROM api_tokens WHERE owner_id = $1 AND revoked_at IS NULL"
INSERT = f"""
INSERT INTO api_tokens AS k (id, owner_id, name, hint, secret_hash, scopes, list_ids, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now(), $8) RETURNING {", ".join(TOKEN_COLUMNS)}
"""


async def create_token(context: Context, sent: ApiTokenCreateInput) -> ApiTokenPayload:
    """Make a token; its text is in the answer alone."""
    viewer, draft = context.signed_in(), read_token(sent, context.now)
    draft.problems += await missing_lists(viewer, sent)
    if draft.problems:
        return ApiTokenPayload(errors=draft.problems)
    account = await own_account(viewer)
    path = ("input", "currentPassword")
    if errors := await wrong_password(account, sent.current_password, context, *path):
        return ApiTokenPayload(errors=errors)
    text = new_token()
    row = await _insert(account, draft, text, context.settings)
    if row is None:
        message = f"There are {MAX_TOKENS} API tokens at most. Revoke one first."
        return ApiTokenPayload(errors=[invalid(ErrorCode.TOO_MANY, message, "input")])
    announce([account.id])
    context.clear_loaders()
    return ApiTokenPayload(token=ApiToken.from_row(row), secret=text)


@retried
async def _insert(account: Account, draft: TokenDraft, text: str, settings: Settings) -> Row | None:
    """Store a token, and tell its owner; None if there are `MAX_TOKENS`."""
    async with in_transaction():
        await locked_if_unchanged(account)
        counted = await fetchrow(COUNT, account.id)
        assert counted is not None
        if counted["number"] >= MAX_TOKENS:
            return None
        row = await fetchrow(INSERT, *_values(account.id, draft, text))
        await outbox.enqueue(account, MailKind.API_TOKEN, settings)
        await enter_security_event(account.id, SecurityEvent.API_TOKEN_CREATED)
    return row


def _values(
    owner_id: UUID, draft: TokenDraft, text: str
) -> tuple[UUID, UUID, str, str, bytes, str, str | None, datetime]:
    lists = (
        None
        if draft.list_ids is None
        else orjson.dumps([str(id) for id in draft.list_ids]).decode()
    )
    scopes = orjson.dumps([scope.name for scope in draft.scopes]).decode()
    hint, digest = hint_of(text), digest_of(text)
    return uuid7(), owner_id, draft.name, hint, digest, scopes, lists, draft.expires_at


async def revoke_token(context: Context, id: strawberry.ID) -> list[UserError]:
    """Revoke a token of the viewer's; returns why it isn't revoked."""
    viewer, token_id = context.signed_in(), parse_id(id)
    if token_id is None or not await revoke_api_tokens(viewer.id, only=token_id):
        return [not_found("id")]
    viewer_cache.invalidate(viewer.id)
    context.clear_loaders()
    return []
