"""Operations on accounts, sessions and the directory of users."""

from secrets import token_hex
from typing import Any
from uuid import UUID

from tests.support.accounts import PASSWORD, REGISTER, Account, Client
from tests.support.email_links import TAKEN, payload
from todo_gql.database.connection import fetch

DELETE_ACCOUNT = """mutation ($password: String!) { accountDelete(currentPassword: $password) {
  ok errors { __typename code path }
} }"""

OWNED = (
    "SELECT table_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND column_name = 'owner_id'"
)


async def close(account: Account) -> None:
    """Delete an account by its own mutation."""
    assert await payload(account, DELETE_ACCOUNT, password=PASSWORD) == TAKEN


async def rows_of(account: Account) -> dict[str, int]:
    """How many rows each table has of an account."""
    tables = [row["table_name"] for row in await fetch(OWNED)]
    assert {"todos", "tags", "todo_tags", "changes", "sessions", "mails"} <= set(tables)
    owner = UUID(account.id)
    counts = {"users": len(await fetch("SELECT FROM users WHERE id = $1", owner))}
    for table in tables:
        counts[table] = len(await fetch(f"SELECT FROM {table} WHERE owner_id = $1", owner))
    return counts


SESSIONS = "{ sessions { id createdAt lastUsedAt expiresAt userAgent ipAddress isCurrent } }"

REVOKE = (
    "mutation ($id: ID!) { sessionRevoke(id: $id)"
    " { ok errors { __typename code path } } viewer: __typename }"
)


LOGIN_BY_NAME = """mutation ($name: String!, $password: String!) {
  login(input: { usernameOrEmail: $name, password: $password }) {
    tokens { accessToken refreshToken } errors { code }
  }
}"""

REFRESH = """mutation ($token: String!) { tokenRefresh(refreshToken: $token) {
  tokens { accessToken refreshToken tokenType expiresIn } errors { __typename code path }
} }"""

LOGOUT = """mutation ($everywhere: Boolean! = false) {
  logout(everywhere: $everywhere) { ok errors { code } }
}"""


async def refresh(client: Any, token: str) -> dict[str, Any]:
    """What `tokenRefresh` answers."""
    return dict((await client.execute(REFRESH, {"token": token}))["data"]["tokenRefresh"])


async def another_session(account: Any) -> dict[str, Any]:
    """The tokens of one more session of the account."""
    given = {"name": account.username, "password": account.password}
    payload = (await account.execute(LOGIN_BY_NAME, given))["data"]["login"]
    assert payload["errors"] == []
    return dict(payload["tokens"])


async def change_sessions(account: Any, changes: str) -> None:
    """Rewrite what is stored of the account's sessions."""
    await fetch(f"UPDATE sessions SET {changes} WHERE owner_id = $1", UUID(account.id))


async def let_seconds_pass(account: Any, seconds: int) -> None:
    """Let all spent refresh tokens have been spent so much earlier."""
    await change_sessions(
        account,
        "spent_hashes = (SELECT coalesce(jsonb_object_agg(key, (value #>> '{}')::timestamptz"
        f" - interval '{seconds} s'), '{{}}') FROM jsonb_each(spent_hashes))",
    )


USERS = """query ($filter: UserFilter, $first: Int, $after: String, $last: Int, $before: String) {
  users(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    nodes { id username email isActive isVerified isSuperuser stats { total } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}"""


async def promoted(account: Account) -> Account:
    """The account, which administers all others now."""
    await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    return account


async def users(administrator: Account, **variables: Any) -> dict[str, Any]:
    """What `users` answers."""
    return dict((await administrator.data(USERS, **variables))["users"])


def full_width(text: str) -> str:
    """The text in the full width that Japanese keyboards give letters and digits."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


async def register(client: Client, email: str, username: str | None = None) -> dict[str, Any]:
    """What `register` answers to somebody with this address."""
    sent = {"username": username or f"user-{token_hex(6)}", "email": email, "password": PASSWORD}
    return dict((await client.execute(REGISTER, {"input": sent}))["data"]["register"])


ERRORS = "errors { __typename code path }"

LOGIN = (
    "mutation ($input: LoginInput!) { login(input: $input)"
    f" {{ tokens {{ accessToken }} {ERRORS} }} }}"
)


async def login_payload(client: Client, account: Account, password: str = PASSWORD) -> Any:
    """The payload of a login."""
    sent = {"usernameOrEmail": account.username, "password": password}
    return (await client.execute(LOGIN, {"input": sent}))["data"]["login"]
