"""Deleting archived notifications after some time, and notes of mails."""

from typing import Final
from uuid import UUID

from todo_gql.database.connection import Connection
from todo_gql.database.owner_batches import purge_in_batches

BATCH_SIZE: Final = 5_000
MAIL_DAYS: Final = 30
"""How long it is known which notifications were mailed, and why others weren't."""

IS_OLD: Final = """
n.owner_id = {} AND n.archived_at < now() - make_interval(days => {})
"""
HAS_OLD: Final = f"EXISTS (SELECT FROM notifications n WHERE {IS_OLD.format('u.id', '$3')})"
DELETE_OLD: Final = f"""
DELETE FROM notifications WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT n.id FROM notifications n WHERE {IS_OLD.format("$1", "$3")} LIMIT $2)) RETURNING 1
"""
IS_OLD_MAIL: Final = "m.owner_id = {} AND m.created_at < now() - make_interval(days => {})"
HAS_OLD_MAILS: Final = (
    f"EXISTS (SELECT FROM notification_mails m WHERE {IS_OLD_MAIL.format('u.id', '$3')})"
)
DELETE_OLD_MAILS: Final = f"""
DELETE FROM notification_mails WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT m.id FROM notification_mails m WHERE {IS_OLD_MAIL.format("$1", "$3")} LIMIT $2))
RETURNING 1
"""


async def purge_archived(days: int) -> int:
    """Delete what was archived more than some days ago; the number. Nothing with 0 days."""
    return await purge_in_batches(HAS_OLD, days, _purge) if days else 0


async def purge_mails() -> int:
    """Delete the notes of mails that are older than `MAIL_DAYS`; their number."""
    return await purge_in_batches(HAS_OLD_MAILS, MAIL_DAYS, _purge_mails)


async def _purge(connection: Connection, owner_id: UUID, days: int) -> int:
    return len(await connection.fetch(DELETE_OLD, owner_id, BATCH_SIZE, days))


async def _purge_mails(connection: Connection, owner_id: UUID, days: int) -> int:
    return len(await connection.fetch(DELETE_OLD_MAILS, owner_id, BATCH_SIZE, days))
