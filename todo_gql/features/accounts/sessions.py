"""The devices that a user is signed in on."""

from datetime import datetime
from typing import Annotated

import strawberry

from todo_gql.api.errors import not_found
from todo_gql.api.node import Node, parse_id
from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import Values, fetch
from todo_gql.features.accounts.access import SESSION_COLUMNS, open_sessions
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.operation.context import Info
from todo_gql.security import authentication
from todo_gql.security.authentication import Viewer


@strawberry.type(description="A signed-in device: one family of refresh tokens.")
class Session(Node):
    """A row of sessions."""

    created_at: datetime = strawberry.field(description="When it signed in.")
    last_used_at: datetime = strawberry.field(description="When it last refreshed its tokens.")
    expires_at: datetime = strawberry.field(description="When it ends unless it is used.")
    user_agent: str | None = strawberry.field(description="What it said it is when it signed in.")
    ip_address: str | None = strawberry.field(description="Where it signed in from.")
    is_current: bool = strawberry.field(description="Whether this very request comes from it.")

    @classmethod
    def from_row(cls, row: Values, viewer: Viewer) -> "Session":
        """The session in a row, as its user sees it."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
            expires_at=row["expires_at"],
            user_agent=row["user_agent"],
            ip_address=row["ip_address"],
            is_current=row["id"] == viewer.session_id,
        )


@strawberry.type
class SessionQuery:
    """The session fields of Query."""

    @strawberry.field(
        description="The viewer's signed-in devices, newest first.", metadata=scoped(None)
    )
    async def sessions(self, info: Info) -> list[Session]:
        viewer = info.context.signed_in()
        statement = open_sessions(viewer)
        text = statement.select(SESSION_COLUMNS, "s.created_at DESC, s.id DESC")
        rows = await fetch(text, *statement.values)
        return [Session.from_row(row, viewer) for row in rows]


@strawberry.type
class SessionMutation:
    """The session fields of Mutation."""

    @strawberry.field(
        description="Ends a session: its tokens open nothing any more.", metadata=scoped(None)
    )
    async def session_revoke(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The session's id.")],
    ) -> AcceptedPayload | None:
        viewer, session_id = info.context.signed_in(), parse_id(id)
        if session_id is None or not await authentication.end_sessions(viewer.id, only=session_id):
            return AcceptedPayload(ok=False, errors=[not_found("id")])
        if session_id == viewer.session_id:
            info.context.switch_viewer(None)
        return AcceptedPayload(ok=True)
