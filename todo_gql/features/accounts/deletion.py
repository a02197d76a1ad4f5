"""Deletes accounts: an account is closed at once, and its rows are deleted after a grace period."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import strawberry
from tortoise.transactions import in_transaction

from todo_gql.api.errors import ErrorCode, invalid
from todo_gql.database.connection import fetch
from todo_gql.database.models import MailKind, User
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import (
    database_time,
    locked_account,
    locked_if_unchanged,
    own_account,
    wrong_password,
)
from todo_gql.features.accounts.administration import LOCK_ACTIVE_SUPERUSERS, LastSuperuser
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.revocation import revoke_access
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.inbox.security_events import SecurityEvent, enter_security_event
from todo_gql.inbox.wake_ups import announce
from todo_gql.operation.context import Info
from todo_gql.operation.credential_limits import Credential, key_for_viewer
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

BATCH_SIZE = 5_000
DELETE_SOME = (
    "DELETE FROM {0} WHERE owner_id = $1 AND id = ANY("
    "ARRAY(SELECT id FROM {0} WHERE owner_id = $1 LIMIT $2)) RETURNING 1"
)
DUE = "SELECT id FROM users WHERE deletion_at <= now()"
# A sign-in that waits for this row's lock then checks the new `deletion_at`.
CLAIM = "UPDATE users SET deletion_at = 'epoch' WHERE id = $1 AND deletion_at <= now() RETURNING id"
# Otherwise whoever deletes one account after the other could send somebody any number of mails.
DELETE = """
WITH counted AS (
    INSERT INTO purged_mails (id, recipient_hash, created_at)
    SELECT id, recipient_hash, created_at FROM mails WHERE owner_id = $1
        AND recipient_hash IS NOT NULL AND created_at > now() - interval '1 hour'
)
DELETE FROM users WHERE id = $1
"""
DELETE_OLD_PURGED_MAILS = "DELETE FROM purged_mails WHERE created_at < now() - interval '1 hour'"


@retried
async def close_account(account: User, settings: Settings) -> None:
    """End all sessions and have everything deleted after the grace period.

    `LastSuperuser` if nobody could administer accounts any more.
    """
    async with in_transaction():
        # Whoever was read before may have been promoted since.
        superusers = await fetch(LOCK_ACTIVE_SUPERUSERS)
        if [row["id"] for row in superusers] == [account.id]:
            raise LastSuperuser(account.username)
        await locked_if_unchanged(account)
        grace = timedelta(days=settings.account_deletion_grace_days)
        account.deletion_at = await database_time() + grace
        await account.save(update_fields=["deletion_at"])
        await revoke_access(account.id)
        await outbox.enqueue(account, MailKind.ACCOUNT_DELETION, settings)
        await enter_security_event(account.id, SecurityEvent.ACCOUNT_DELETION)
    announce([account.id])


async def purge_accounts(large_tables: Sequence[str]) -> int:
    """Delete the accounts whose grace period is over; returns their number.

    Their rows in `large_tables` are deleted first, in batches and in this order, so that no statement
    takes long; ON DELETE CASCADE deletes all others. Nobody can sign in to them any more, so an
    interruption does no harm. An account that can't be deleted is logged; the others are still deleted.
    """
    await fetch(DELETE_OLD_PURGED_MAILS)
    purged = 0
    for row in await fetch(DUE):
        try:
            purged += await _purge(row["id"], large_tables)
        except Exception:
            logger.exception("an account can't be deleted", extra={"owner_id": str(row["id"])})
    return purged


async def _purge(account_id: UUID, large_tables: Sequence[str]) -> bool:
    """Delete an account unless somebody has signed in to it; whether it was deleted."""
    if not await fetch(CLAIM, account_id):
        return False
    for table in large_tables:
        while await fetch(DELETE_SOME.format(table), account_id, BATCH_SIZE):
            pass
    async with in_transaction():
        # A mail that is being posted holds the lock, and is to be counted as well.
        await locked_account(account_id)
        await fetch(DELETE, account_id)
    return True


@strawberry.type
class DeletionMutation:
    """The field of Mutation for who wants to leave."""

    @strawberry.mutation(
        description="Ends all sessions at once and deletes everything after the grace period, "
        "unless the person signs in again before.",
        extensions=[Credential(AcceptedPayload, account=key_for_viewer)],
    )
    async def account_delete(
        self,
        info: Info,
        current_password: Annotated[
            str, strawberry.argument(description="The account's password.")
        ],
    ) -> AcceptedPayload | None:
        context = info.context
        account = await own_account(context.signed_in())
        if errors := await wrong_password(account, current_password, context, "currentPassword"):
            return AcceptedPayload(errors=errors)
        try:
            await close_account(account, context.settings)
        except LastSuperuser as refused:
            return AcceptedPayload(errors=[invalid(ErrorCode.INVALID, str(refused))])
        context.switch_viewer(None)
        return AcceptedPayload(ok=True)
