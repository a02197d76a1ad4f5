"""Deleting uploads that were never finished, and the bytes of whatever was deleted."""

from typing import Final

from todo_gql.database.connection import fetch
from todo_gql.settings import Settings
from todo_gql.storage.store import UPLOAD_SECONDS
from todo_gql.storage.stores import file_store

ROWS_AT_ONCE: Final = 500
# Whoever has a URL may have begun to upload in its last second, at the slowest rate that is allowed.
DISCARD_SECONDS: Final = 8 * UPLOAD_SECONDS
UNFINISHED: Final = """
SELECT owner_id, array_agg(id) AS ids FROM (
    SELECT owner_id, id FROM attachments WHERE upload_expires_at < now() ORDER BY upload_expires_at LIMIT $1
) a GROUP BY owner_id ORDER BY owner_id
"""
DELETE_UNFINISHED: Final = """
DELETE FROM attachments WHERE owner_id = $1 AND id = ANY($2::uuid[]) AND upload_expires_at < now() RETURNING 1
"""
DISCARDED: Final = """
SELECT id, file_key FROM discarded_files WHERE created_at < now() - make_interval(secs => $1) AND id > $2
ORDER BY id LIMIT $3
"""
DELETE_DISCARDED: Final = "DELETE FROM discarded_files WHERE id = $1"


async def delete_unfinished() -> int:
    """Delete files whose bytes didn't come within a day, or were refused; their number."""
    deleted = 0
    while rows := await fetch(UNFINISHED, ROWS_AT_ONCE):
        for row in rows:
            deleted += len(await fetch(DELETE_UNFINISHED, row["owner_id"], row["ids"]))
    return deleted


class DiscardedFiles:
    """Deletes from the store what no row refers to any more, by what triggers have noted."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def delete(self) -> int:
        """Delete what is due, each thing's files before its note; the number of things.

        Raises `OSError` if the store can't be reached; the rest stays for the next time.
        """
        store, deleted, last_id = file_store(self.settings), 0, 0
        while rows := await fetch(DISCARDED, DISCARD_SECONDS, last_id, ROWS_AT_ONCE):
            for row in rows:
                await store.delete(row["file_key"])
                await fetch(DELETE_DISCARDED, row["id"])
                deleted, last_id = deleted + 1, row["id"]
        return deleted
