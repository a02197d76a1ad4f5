"""Deletes accounts: an account is closed at once, and its rows are deleted after a grace period."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry
from tortoise.transactions import in_transaction

from todo_gql.api.errors import ErrorCode, invalid
from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import fetch, fetchrow
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

BeforePurge: TypeAlias = Callable[[UUID], Awaitable[None]]
"""What is done before the rows of the account with an id are deleted."""

BATCH_SIZE = 5_000
DELETE_SOME = (
    "DELETE FROM {0} WHERE owner_id = $1 AND id = ANY("
    "ARRAY(SELECT id FROM {0} WHERE owner_id = $1 LIMIT $2)) RETURNING 1"
)
# With the lock of the account nobody joins a list of its.
COUNT_SHARED_LISTS = """
SELECT count(DISTINCT l.id) AS number FROM lists l
    JOIN list_members m ON m.owner_id = l.owner_id AND m.list_id = l.id AND m.user_id <> l.owner_id
WHERE l.owner_id = $1 AND l.deleted_at IS NULL HAVING count(*) > 0
"""
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


class SharedLists(Exception):
    """The account has lists that others use; the message says how many, and what to do."""

    def __init__(self, number: int) -> None:
        lists, them = ("1 list", "it") if number == 1 else (f"{number:,} lists", "each of them")
        super().__init__(
            f"You own {lists} with other members. First transfer {them} to one of the members by listTransfer,"
            f" or delete {them}."
        )


@retried
async def close_account(account: User, settings: Settings) -> None:
    """End all sessions and have everything deleted after the grace period.

    `LastSuperuser` if nobody could administer accounts any more, `SharedLists` if others are in lists of the
    account's outside the trash.
    """
    async with in_transaction():
        # Whoever was read before may have been promoted since.
        superusers = await fetch(LOCK_ACTIVE_SUPERUSERS)
        if [row["id"] for row in superusers] == [account.id]:
            raise LastSuperuser(account.username)
        await locked_if_unchanged(account)
        if row := await fetchrow(COUNT_SHARED_LISTS, account.id):
            raise SharedLists(row["number"])
        grace = timedelta(days=settings.account_deletion_grace_days)
        account.deletion_at = await database_time() + grace
        await account.save(update_fields=["deletion_at"])
        await revoke_access(account.id)
        await outbox.enqueue(account, MailKind.ACCOUNT_DELETION, settings)
        await enter_security_event(account.id, SecurityEvent.ACCOUNT_DELETION)
    announce([account.id])


async def purge_accounts(large_tables: Sequence[str], before: Sequence[BeforePurge] = ()) -> int:
    """Delete the accounts whose grace period is over; returns their number.

    What is to be done `before` the rows of an account are deleted is done with its id. Their rows in `large_tables` are deleted first, in batches and in this order, so that no statement
    takes long; ON DELETE CASCADE deletes all others. Nobody can sign in to them any more, so an
    interruption does no harm. An account that can't be deleted is logged; the others are still deleted.
    """
    await fetch(DELETE_OLD_PURGED_MAILS)
    purged = 0
    for row in await fetch(DUE):
        try:
            purged += await _purge(row["id"], large_tables, before)
        except Exception:
            logger.exception("an account can't be deleted", extra={"owner_id": str(row["id"])})
    return purged


async def _purge(
    account_id: UUID, large_tables: Sequence[str], before: Sequence[BeforePurge]
) -> bool:
    """Delete an account unless somebody has signed in to it; whether it was deleted."""
    if not await fetch(CLAIM, account_id):
        return False
    for step in before:
        await step(account_id)
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
        "unless the person signs in again before. Refused while others are in lists of theirs.",
        extensions=[Credential(AcceptedPayload, account=key_for_viewer)],
        metadata=scoped(None),
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
        except (LastSuperuser, SharedLists) as refused:
            return AcceptedPayload(errors=[invalid(ErrorCode.INVALID, str(refused))])
        context.switch_viewer(None)
        return AcceptedPayload(ok=True)
