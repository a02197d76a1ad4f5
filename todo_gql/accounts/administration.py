"""What whoever runs the server does to accounts."""

from dataclasses import dataclass

from todo_gql import db
from todo_gql.auth import end_sessions, remembered_viewers

# In order, so that two of these never wait for each other.
LOCK_ACTIVE_SUPERUSERS = (
    "SELECT id FROM users WHERE is_superuser AND is_active ORDER BY id FOR NO KEY UPDATE"
)
LOCK_ACCOUNT = (
    "SELECT id, username, is_superuser, is_active FROM users"
    " WHERE username_key = $1 OR email_key = $1 FOR NO KEY UPDATE"
)


class AdministrationError(Exception):
    """What can't be done to an account, in words for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whose account it was, and whether it is otherwise now than before."""

    username: str
    changed: bool


async def set_superuser(name: str, wanted: bool) -> Outcome:
    """Make the account of a user name or e-mail address a superuser, or an ordinary user.

    `AdministrationError` if there is no such account, or it is the last active superuser.
    """
    async with db.transaction() as connection:
        account = await _locked(connection, name, keep_a_superuser=not wanted)
        if account["is_superuser"] is wanted:
            return Outcome(account["username"], changed=False)
        await connection.execute(
            "UPDATE users SET is_superuser = $2 WHERE id = $1", account["id"], wanted
        )
        remembered_viewers.forget(account["id"])
    return Outcome(account["username"], changed=True)


async def set_active(name: str, wanted: bool) -> Outcome:
    """Enable the account of a user name or e-mail address, or disable it and end its sessions.

    `AdministrationError` if there is no such account, or it is the last active superuser.
    """
    async with db.transaction() as connection:
        account = await _locked(connection, name, keep_a_superuser=not wanted)
        if account["is_active"] is wanted:
            return Outcome(account["username"], changed=False)
        await connection.execute(
            "UPDATE users SET is_active = $2 WHERE id = $1", account["id"], wanted
        )
        if not wanted:
            await end_sessions(account["id"], connection=connection)
    return Outcome(account["username"], changed=True)


async def _locked(connection: db.Connection, name: str, *, keep_a_superuser: bool) -> db.Row:
    """The account in question, which stays as it is until the transaction ends."""
    superusers = await connection.fetch(LOCK_ACTIVE_SUPERUSERS) if keep_a_superuser else []
    account = await connection.fetchrow(LOCK_ACCOUNT, name.lower())
    if account is None:
        raise AdministrationError(f"There is no account {name}.")
    if [row["id"] for row in superusers] == [account["id"]]:
        raise AdministrationError(
            f"{account['username']} is the last active superuser. Promote another account first."
        )
    return account
