"""Changes of accounts by superusers and by the operator of the server."""

from dataclasses import dataclass
from uuid import UUID

from tortoise.transactions import in_transaction

from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.owner_batches import lock_owner
from todo_gql.database.retry import retried
from todo_gql.features.accounts.lookup import HAS_NAME, OWN_ADDRESS_FIRST, login_keys
from todo_gql.features.accounts.revocation import revoke_access
from todo_gql.security.authentication import viewer_cache

# Ordered, so that two of these can't deadlock.
LOCK_ACTIVE_SUPERUSERS = (
    "SELECT id FROM users WHERE is_superuser AND is_active AND deletion_at IS NULL"
    " ORDER BY id FOR NO KEY UPDATE"
)
LOCK_BY_ID = lock_owner("*")
LOCK_BY_NAME = f"SELECT * FROM users WHERE {HAS_NAME} {OWN_ADDRESS_FIRST} LIMIT 1 FOR NO KEY UPDATE"
CHANGE_ACCOUNT = """
UPDATE users SET is_active = coalesce($2, is_active), is_superuser = coalesce($3, is_superuser),
    email_verified_at = CASE WHEN $4 THEN coalesce(email_verified_at, now())
        WHEN NOT $4 THEN NULL ELSE email_verified_at END
WHERE id = $1 RETURNING *
"""


class AdministrationError(Exception):
    """A change of an account that is refused; the message is for the person who asked for it."""


class NoSuchAccount(AdministrationError):
    """There is no account with the id or name."""


class LastSuperuser(AdministrationError):
    """The change would leave no active superuser."""

    def __init__(self, username: str) -> None:
        super().__init__(f"{username} is the last active superuser. Promote another account first.")


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """The new values of an account; None leaves a value as it is."""

    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None


@dataclass(frozen=True, slots=True)
class AdministrationResult:
    """The account's row after the change, and whether it differs from before."""

    row: Row
    changed: bool


@retried
async def administer(account: UUID | str, changes: AccountChanges) -> AdministrationResult:
    """Change the account of an id, or of a user name or e-mail address in any form.

    Disabling it ends its sessions and voids the links that it was mailed. `NoSuchAccount` if there
    is none, `LastSuperuser` if no active superuser would be left.
    """
    async with in_transaction():
        demotes = changes.is_active is False or changes.is_superuser is False
        superusers = await fetch(LOCK_ACTIVE_SUPERUSERS) if demotes else []
        before = await _locked(account)
        if [row["id"] for row in superusers] == [before["id"]]:
            raise LastSuperuser(before["username"])
        after = await fetchrow(
            CHANGE_ACCOUNT,
            before["id"],
            changes.is_active,
            changes.is_superuser,
            changes.is_verified,
        )
        assert after is not None
        if changes.is_active is False:
            await revoke_access(before["id"])
        viewer_cache.invalidate(before["id"])
    return AdministrationResult(after, changed=after != before)


async def _locked(account: UUID | str) -> Row:
    """The account's row, locked until the transaction ends; `NoSuchAccount` if there is none."""
    if isinstance(account, UUID):
        row = await fetchrow(LOCK_BY_ID, account)
    else:
        row = await fetchrow(LOCK_BY_NAME, *login_keys(account))
    if row is None:
        raise NoSuchAccount(f"There is no account {account}.")
    return row
