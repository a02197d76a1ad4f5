"""What the example's page talks to: a server that can be killed, and its database, which stays."""

import re
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from tests.clients.programs import NO_LIMITS
from tests.support.accounts import PASSWORD, REGISTER
from tests.support.processes import Server, started
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.inbox.entries import Entry, enter

LIST = """
SELECT t.title, t.completed_at IS NOT NULL AS is_completed
FROM todos t JOIN users u ON u.id = t.owner_id
WHERE u.username = $1 AND t.deleted_at IS NULL ORDER BY t.list_id, t.position
"""
OWNER = "SELECT id FROM users WHERE username = $1"
VERIFY = "UPDATE users SET email_verified_at = now() WHERE username = $1"
INVITATION_LINK = re.compile(r"/account/invitation\?token=(\S+)")
FORGET = "DELETE FROM changes WHERE owner_id = (SELECT id FROM users WHERE username = $1)"

Row = tuple[str, bool]


@dataclass
class Backend:
    """A database, and the server on it, always at the same address once it has been started."""

    url: str
    folder: Path
    port: int = 0
    server: Server = field(init=False)
    running: ExitStack = field(default_factory=ExitStack)

    def start(self, port: int | None = None, **settings: str) -> None:
        """Start the server, by settings other than the tests' own where these are given."""
        given = {
            "DATABASE_URL": self.url,
            "DATA_DIR": str(self.folder / "files"),
            "SECRET_KEY": "x" * 32,
            "LOG_LEVEL": "WARNING",
            "PORT": str(self.port if port is None else port),
        }
        is_first = self.port == 0
        arguments = ["--worker", *(["--migrate"] if is_first else [])]
        process = started(self.folder / "log", *arguments, settings=given | NO_LIMITS | settings)
        self.server = self.running.enter_context(process)
        self.server.wait_until_ready()
        if is_first:
            self.port = int(self.server.address.removesuffix("/graphql").rsplit(":", 1)[1])

    def kill(self) -> None:
        """End the server without a chance to do anything."""
        self.server.kill()
        self.running.close()

    def stop(self) -> None:
        """End the server as its operator would."""
        self.server.stop(signal.SIGTERM)
        self.running.close()

    async def rows(self, username: str) -> list[Row]:
        """What is stored of somebody's todos, in their order: titles, and whether they are done."""
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(LIST, username)]
        finally:
            await connection.close()

    async def remind(self, username: str, todo_id: str) -> None:
        """Enter a reminder of a todo into somebody's inbox, as a worker does."""
        connection = await asyncpg.connect(self.url)
        try:
            owner_id = await connection.fetchval(OWNER, username)
            source = f"{uuid4()}"
            kind, subject = NotificationKind.REMINDER, ChangeKind.TODO
            entry = Entry(owner_id, kind, source, None, subject, UUID(todo_id))
            await enter(connection, [entry])
        finally:
            await connection.close()

    async def verify_address(self, username: str) -> None:
        """Have somebody's address be known as theirs, as if they had followed the link in a mail."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(VERIFY, username)
        finally:
            await connection.close()

    def invitation_token(self, address: str) -> str | None:
        """The token in the newest invitation that was mailed to an address; None before there is one."""
        for mail in sorted((self.folder / "files/outbox").rglob("*.eml"), reverse=True):
            message = message_from_bytes(mail.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",))
            found = body and INVITATION_LINK.search(body.get_content())
            if message["To"] == address and found:
                return found[1]
        return None

    async def forget_changes(self, username: str) -> None:
        """Purge somebody's log, so that no cursor before now is good for anything."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(FORGET, username)
        finally:
            await connection.close()


@dataclass
class Person:
    """Somebody with an account, and a token for what they do from elsewhere."""

    backend: Backend
    username: str = field(default_factory=lambda: f"user-{uuid4().hex[:12]}")
    token: str = ""

    def register(self) -> None:
        """Make the account."""
        sent = {
            "username": self.username,
            "email": f"{self.username}@example.com",
            "password": PASSWORD,
        }
        registered = self.backend.server.execute(REGISTER, input=sent)["register"]
        self.token = registered["tokens"]["accessToken"]

    def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """Do something by the API, as another device would."""
        return self.backend.server.execute(query, self.token, **variables)

    async def rows(self) -> list[Row]:
        """What is stored of their list."""
        return await self.backend.rows(self.username)
