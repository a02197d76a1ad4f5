"""When API tokens were used last: noted in memory, and stored apart from the requests that use them."""

import time
from uuid import UUID

from todo_gql.database.connection import fetch

STORE_USE = """
UPDATE api_tokens SET last_used_at = date_trunc('minute', now())
WHERE owner_id = $1 AND id = $2
    AND (last_used_at IS NULL OR last_used_at < date_trunc('minute', now()))
"""


class TokenUses:
    """The tokens that were used since the last time that this was stored.

    Each is stored at most once a minute by a process.
    """

    def __init__(self) -> None:
        self._noted: dict[UUID, UUID] = {}
        self._stored: dict[UUID, int] = {}

    def note(self, owner_id: UUID, token_id: UUID) -> None:
        """Note the use of a token now. Never waits."""
        self._noted[token_id] = owner_id

    async def store(self) -> None:
        """Store the uses noted, but of tokens that were stored in this minute; raises errors of the database."""
        minute = int(time.time()) // 60
        self._stored = {id: at for id, at in self._stored.items() if at == minute}
        while self._noted:
            token_id, owner_id = next(iter(self._noted.items()))
            if token_id not in self._stored:
                await fetch(STORE_USE, owner_id, token_id)
                self._stored[token_id] = minute
            self._noted.pop(token_id, None)


token_uses = TokenUses()
