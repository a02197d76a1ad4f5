"""Personal API tokens: their text, and how the database knows them.

A token is `tdg_`, 43 characters that are 256 random bits in base 62, and 6 that are the CRC-32 of these. Only the
SHA-256 of the whole is stored. The checksum tells a typing error from an unknown token without a query, and
lets scanners recognise what was published by mistake.
"""

import re
import secrets
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import orjson

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.connection import Connection, Row, Values, fetch, fetchrow
from todo_gql.security.grants import TokenGrant

PREFIX: Final = "tdg_"
HINT_LENGTH: Final = 8
"""How many characters of a token are stored and shown: the prefix, and some 24 of the 256 bits."""
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_BYTES, SECRET_DIGITS, CHECKSUM_DIGITS = 32, 43, 6
TOKEN: Final = re.compile(
    f"{PREFIX}([0-9A-Za-z]{{{SECRET_DIGITS}}})([0-9A-Za-z]{{{CHECKSUM_DIGITS}}})"
)

TOKEN_IS_OPEN: Final = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"  # noqa: S105 - SQL
"""SQL that is true for a row `k` of api_tokens that is neither revoked nor expired."""

VIEWER_OF_TOKEN: Final = (
    "SELECT k.id, k.owner_id, k.scopes, k.list_ids, k.expires_at, u.username,"
    " u.membership_count > 0 AS is_member, u.shared_list_count > 0"
    " OR EXISTS (SELECT FROM feeds f WHERE f.owner_id = u.id AND f.has_spans) AS has_company"
    " FROM api_tokens k JOIN users u ON u.id = k.owner_id"
    f" WHERE k.secret_hash = $1 AND {TOKEN_IS_OPEN} AND u.is_active AND u.deletion_at IS NULL"
)
OPEN_TOKENS: Final = (
    "SELECT k.id FROM api_tokens k JOIN users u ON u.id = k.owner_id"
    " WHERE k.owner_id = ANY($1) AND k.id = ANY($2)"
    f" AND {TOKEN_IS_OPEN} AND u.is_active AND u.deletion_at IS NULL"
)
# In order of id, so that two of these statements never deadlock.
# What is bound to lists stays so: a token whose last list goes opens none.
_UNBIND: Final = """
UPDATE api_tokens SET list_ids = list_ids - $2::text[]
WHERE owner_id = $1 AND revoked_at IS NULL AND list_ids ?| $2::text[]
"""
_REVOKE: Final = """
UPDATE api_tokens SET revoked_at = now() WHERE owner_id = $1 AND id IN (
    SELECT id FROM api_tokens WHERE owner_id = $1 AND revoked_at IS NULL AND id = coalesce($2, id)
    ORDER BY id FOR NO KEY UPDATE
) RETURNING id
"""


def new_token() -> str:
    """The text of a token that nobody has."""
    secret = _digits(int.from_bytes(secrets.token_bytes(SECRET_BYTES)), SECRET_DIGITS)
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_api_token(text: str) -> bool:
    """Whether a text is meant to be an API token, well-formed or not."""
    return text.startswith(PREFIX)


def is_well_formed(text: str) -> bool:
    """Whether a text has the form of an API token, and the right checksum."""
    match = TOKEN.fullmatch(text)
    return match is not None and match[2] == _checksum(match[1])


def hint_of(token: str) -> str:
    """The beginning of a token, by which its owner recognises it."""
    return token[:HINT_LENGTH]


def digest_of(token: str) -> bytes:
    """The SHA-256 digest of a token, which is what the database stores."""
    return sha256(token.encode()).digest()


async def token_row(token: str) -> Row | None:
    """The row of a token that is open, with its owner's; None for any other text. Raises errors of the database."""
    return await fetchrow(VIEWER_OF_TOKEN, digest_of(token)) if is_well_formed(token) else None


def grant_of(row: Row) -> TokenGrant:
    """What the token in a row opens; scopes of a newer release open nothing here."""
    list_ids = stored_list_ids(row)
    return TokenGrant(
        frozenset(stored_scopes(row)),
        None if list_ids is None else frozenset(list_ids),
        row["expires_at"],
    )


def stored_scopes(row: Values | Row) -> list[TokenScope]:
    """The scopes in a row of api_tokens, in the order of the schema."""
    names = set(orjson.loads(row["scopes"]))
    return [scope for scope in TokenScope if scope.name in names]


def stored_list_ids(row: Values | Row) -> list[UUID] | None:
    """The ids of the lists in a row of api_tokens; None if it isn't bound to lists."""
    text = row["list_ids"]
    return None if text is None else [UUID(id) for id in orjson.loads(text)]


async def revoke_api_tokens(owner_id: UUID, *, only: UUID | None = None) -> int:
    """Revoke all tokens of an account, or `only` one; returns how many were open.

    Runs in the transaction of Tortoise if there is one. Callers drop the account's cached viewers.
    """
    return len(await fetch(_REVOKE, owner_id, only))


async def unbind_lists(connection: Connection, owner_id: UUID, list_ids: Iterable[UUID]) -> None:
    """Take lists that its owner can't see any more out of an account's tokens. Raises errors of the database."""
    await connection.execute(_UNBIND, owner_id, [str(id) for id in list_ids])


async def open_token_ids(owner_by_id: Mapping[UUID, UUID]) -> set[UUID]:
    """The ids of those tokens, by their owners, that are still open."""
    rows = await fetch(OPEN_TOKENS, set(owner_by_id.values()), list(owner_by_id))
    return {row["id"] for row in rows}


def seconds_until(moment: datetime | None, now: float) -> float:
    """The seconds from a Unix time until a moment; infinite for None."""
    return float("inf") if moment is None else moment.timestamp() - now


def _checksum(secret: str) -> str:
    return _digits(zlib.crc32(secret.encode()), CHECKSUM_DIGITS)


def _digits(number: int, length: int) -> str:
    """A number in base 62, with leading zeros."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
