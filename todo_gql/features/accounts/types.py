"""The account types that clients see."""

from datetime import datetime
from typing import Self

import strawberry

from todo_gql.api.cost_weights import MAX_BYTES
from todo_gql.api.errors import SeenNoMore, UserError
from todo_gql.api.node import Node
from todo_gql.api.time_zones import TimeZoneName
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Row, Values
from todo_gql.features.stats.types import TodoStats, prefetch_counts, stored_counts
from todo_gql.operation.context import Context, Info
from todo_gql.security.authentication import Viewer
from todo_gql.security.tokens import TokenPair, access_token_life
from todo_gql.settings import Settings

SCHEME = "bearer"
# In an answer: 1,000 characters of up to four bytes each, or a sign more for those that are escaped.
BIO_BYTES = 4096
PRIVATE = (
    "Null to everyone but the user and administrators, and to API tokens without PROFILE_READ."
)


@strawberry.type(description="An account.")
class User(Node):
    """An account as one viewer sees it."""

    username: str = strawberry.field(description="The user name, as it was typed.")
    email: str | None = strawberry.field(description=f"The e-mail address. {PRIVATE}")
    first_name: str | None = strawberry.field(description=f"The first name. {PRIVATE}")
    last_name: str | None = strawberry.field(description=f"The last name. {PRIVATE}")
    full_name: str = strawberry.field(
        description="The names that are set, or else the user name, which is all that others see."
    )
    bio: str | None = strawberry.field(
        description=f"What they say of themselves. {PRIVATE}", metadata={MAX_BYTES: BIO_BYTES}
    )
    avatar_url: str | None = strawberry.field(description=f"An http(s) address. {PRIVATE}")
    is_active: bool | None = strawberry.field(
        description=f"False once an administrator has disabled the account. {PRIVATE}"
    )
    is_verified: bool | None = strawberry.field(
        description=f"Whether the e-mail address is known to be theirs. {PRIVATE}"
    )
    is_superuser: bool | None = strawberry.field(
        description=f"Whether they administer accounts. {PRIVATE}"
    )
    email_verified_at: datetime | None = strawberry.field(
        description=f"When the e-mail address was verified. {PRIVATE}"
    )
    last_login_at: datetime | None = strawberry.field(
        description=f"When they last signed in with their password. {PRIVATE}"
    )
    created_at: datetime = strawberry.field(description="When the account was made.")
    time_zone: TimeZoneName | None = strawberry.field(
        description=f"The zone whose days are theirs, UTC if null. {PRIVATE}"
    )
    week_start: int | None = strawberry.field(
        description=f"The first day of their week, from 1 for Monday to 7 for Sunday. {PRIVATE}"
    )

    @strawberry.field(
        description="Counts of the user's todos; null to everyone but the user.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def stats(self, info: Info) -> TodoStats | None:
        """The viewer's own counts, since an administrator sees accounts and never todos."""
        viewer = info.context.viewer
        if viewer is None or str(viewer.id) != self.id:
            return None
        prefetch_counts(info)
        return TodoStats.from_counts(await stored_counts(info.context))

    @classmethod
    def from_row(cls, row: Values | Row, viewer: Viewer | None) -> Self:
        """What the viewer may see of a row of `users`."""
        if viewer is None or not viewer.has_scope(TokenScope.PROFILE_READ):
            return cls.of_somebody_else(row)
        if viewer.id == row["id"] or viewer.is_superuser:
            return cls.of_oneself(row)
        return cls.of_somebody_else(row)

    @classmethod
    def of_oneself(cls, row: Values | Row) -> Self:
        """All of a row of `users` that its user may see, and so may administrators."""
        names = " ".join(filter(None, (row["first_name"], row["last_name"])))
        return cls(
            id=strawberry.ID(str(row["id"])),
            username=row["username"],
            email=row["email"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            full_name=names or row["username"],
            bio=row["bio"],
            avatar_url=row["avatar_url"],
            is_active=row["is_active"],
            is_verified=row["email_verified_at"] is not None,
            is_superuser=row["is_superuser"],
            email_verified_at=row["email_verified_at"],
            last_login_at=row["last_login_at"],
            created_at=row["created_at"],
            time_zone=row["time_zone"],
            week_start=row["week_start"],
        )

    @classmethod
    def of_somebody_else(cls, row: Values | Row) -> Self:
        """What anybody may see of a row of `users`."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            username=row["username"],
            email=None,
            first_name=None,
            last_name=None,
            full_name=row["username"],
            bio=None,
            avatar_url=None,
            is_active=None,
            is_verified=None,
            is_superuser=None,
            email_verified_at=None,
            last_login_at=None,
            created_at=row["created_at"],
            time_zone=None,
            week_start=None,
        )


def user_or_none(row: Row | None, context: Context) -> User | None:
    """The account in a loaded row as the viewer sees it; None without a row."""
    return User.from_row(row, context.signed_in()) if row else None


def present_user(row: Row | None, context: Context) -> User:
    """As `user_or_none`, for an account that was there when it was referred to; `SeenNoMore` if it isn't."""
    if row is None:
        raise SeenNoMore
    return User.from_row(row, context.signed_in())


@strawberry.type(description="What a signed-in client holds.")
class Tokens:
    """A pair of tokens."""

    access_token: str = strawberry.field(
        description="Send it with every request, as `Authorization: Bearer …`."
    )
    refresh_token: str = strawberry.field(
        description="Buys the next pair from `tokenRefresh`, once; keep it secret."
    )
    token_type: str = strawberry.field(description="Always bearer.")
    expires_in: int = strawberry.field(description="Seconds until the access token expires.")

    @classmethod
    def from_pair(cls, pair: TokenPair, settings: Settings) -> Self:
        """A new pair of tokens."""
        return cls(
            access_token=pair.access,
            refresh_token=pair.refresh,
            token_type=SCHEME,
            expires_in=access_token_life(settings),
        )


@strawberry.type(description="The account just made, and its first session.")
class RegisterPayload:
    """What `register` answers."""

    user: User | None = strawberry.field(
        description="The new account; null if there are errors.", default=None
    )
    tokens: Tokens | None = strawberry.field(
        description="Signed in already; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="Why there is no account; empty if there is.", default_factory=list
    )


@strawberry.type(description="The account signed in to, and the new session.")
class LoginPayload:
    """What `login` answers."""

    user: User | None = strawberry.field(
        description="The account; null if there are errors.", default=None
    )
    tokens: Tokens | None = strawberry.field(
        description="The session's first tokens; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="Why there is no session; empty if there is.", default_factory=list
    )


@strawberry.type(description="The pair that follows a refresh token.")
class TokenRefreshPayload:
    """What `tokenRefresh` answers."""

    tokens: Tokens | None = strawberry.field(
        description="The next pair; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="Why there is no next pair; empty if there is.", default_factory=list
    )


@strawberry.type(
    description="`ok` tells that the request was taken, never whether an account exists."
)
class AcceptedPayload:
    """What mutations answer that have nothing to show."""

    ok: bool = strawberry.field(description="Whether the request was taken.", default=False)
    errors: list[UserError] = strawberry.field(
        description="Why it wasn't taken; empty if it was.", default_factory=list
    )


@strawberry.type(description="What became of an account.")
class UserPayload:
    """The answer of a mutation of one account."""

    user: User | None = strawberry.field(
        description="The account as it is now; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
