"""All accounts, for superusers."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from strawberry import UNSET, Maybe
from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.connections import Connection, PageArguments, count_rows, fetch_page
from todo_gql.api.cost_weights import COST_WEIGHT, SEARCH
from todo_gql.api.errors import (
    BadUserInput,
    ErrorCode,
    Forbidden,
    ValidationError,
    invalid,
    not_found,
)
from todo_gql.api.keyset import Keyset, SortKey, parse_time, parse_uuid
from todo_gql.api.login_identifiers import name_key
from todo_gql.api.node import parse_id
from todo_gql.api.page_arguments import After, Before, First, Last
from todo_gql.api.text import read_text
from todo_gql.api.token_scopes import scoped
from todo_gql.database.select import SelectQuery
from todo_gql.features.accounts.access import USER_COLUMNS, visible_users
from todo_gql.features.accounts.administration import (
    AccountChanges,
    LastSuperuser,
    NoSuchAccount,
    administer,
)
from todo_gql.features.accounts.types import User, UserPayload
from todo_gql.operation.context import Context, Info
from todo_gql.security.authentication import Viewer

MAX_SEARCH = 255
NEWEST_FIRST = Keyset(
    SortKey("created_at", "u.created_at", "created_at", parse_time, descending=True),
    SortKey("id", "u.id", "id", parse_uuid, descending=True),
)
SEARCH_TEXT = (
    "concat_ws(E'\\x1f', u.username_key, u.email_key, lower(u.first_name), lower(u.last_name))"
)
SEARCH_KEYS = "concat_ws(E'\\x1f', u.username_key, u.email_key, u.mailbox_key)"


@strawberry.input(description="Which accounts; what is absent or null doesn't matter.")
class UserFilter:
    """What `users` can be narrowed by."""

    search: str | None = strawberry.field(
        description="Case-insensitive substring of user name, e-mail address or names.",
        default=UNSET,
        metadata={COST_WEIGHT: SEARCH},
    )
    is_active: bool | None = strawberry.field(
        description="Whether the account is not disabled.", default=UNSET
    )
    is_verified: bool | None = strawberry.field(
        description="Whether the address is proven.", default=UNSET
    )
    is_superuser: bool | None = strawberry.field(
        description="Whether they administer accounts.", default=UNSET
    )


@strawberry.input(description="What to change: absent leaves as it is, null is refused.")
class UserAdminUpdateInput:
    """The input of `userAdminUpdate`."""

    is_active: Maybe[bool | None] = strawberry.field(
        description="False disables the account and ends its sessions."
    )
    is_verified: Maybe[bool | None] = strawberry.field(
        description="Whether the address counts as proven."
    )
    is_superuser: Maybe[bool | None] = strawberry.field(
        description="Whether they administer accounts."
    )


@strawberry.type(description="A page of accounts.")
class UserConnection(Connection[User]):
    """Relay's connection of users, with their number."""

    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many accounts match the filter; counted when selected.")
    async def total_count(self) -> int:
        return await self.count()


def superuser(context: Context) -> Viewer:
    """The viewer; `Forbidden` unless they administer accounts."""
    viewer = context.signed_in()
    if not viewer.is_superuser:
        raise Forbidden("Only superusers may do this.")
    return viewer


def _filtered(viewer: Viewer, user_filter: UserFilter | None) -> SelectQuery:
    statement = visible_users(viewer)
    if not user_filter:
        return statement
    text, problem = read_text(user_filter.search or "", longest=MAX_SEARCH)
    if problem:
        raise BadUserInput(f"search: {problem[1]}")
    if text:
        lower, key = statement.bind(text.lower()), statement.bind(name_key(text))
        statement.where(f"(strpos({SEARCH_TEXT}, {lower}) > 0 OR strpos({SEARCH_KEYS}, {key}) > 0)")
    conditions = {
        "u.is_active": user_filter.is_active,
        "(u.email_verified_at IS NOT NULL)": user_filter.is_verified,
        "u.is_superuser": user_filter.is_superuser,
    }
    for condition, value in conditions.items():
        if isinstance(value, bool):
            statement.where(f"{condition} = {statement.bind(value)}")
    return statement


@strawberry.type
class DirectoryQuery:
    """The field of Query for all accounts."""

    @strawberry.field(
        description="All accounts, newest first. Superusers only.", metadata=scoped(None)
    )
    async def users(
        self,
        info: Info,
        filter: Annotated[
            UserFilter | None, strawberry.argument(description="Which accounts; all if absent.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> UserConnection:
        viewer = superuser(info.context)
        statement = _filtered(viewer, filter or None)
        arguments = PageArguments.of(first, after, last, before)
        page = await fetch_page(statement, USER_COLUMNS, NEWEST_FIRST, arguments)
        nodes = [User.from_row(row, viewer) for row in page.rows]
        return UserConnection(page=page, nodes=nodes, count=lambda: count_rows(statement))


@strawberry.type
class DirectoryMutation:
    """The field of Mutation for any account."""

    @strawberry.mutation(
        description="Changes what an account is. Superusers only.", metadata=scoped(None)
    )
    async def user_admin_update(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The account's id.")],
        input: Annotated[
            UserAdminUpdateInput, strawberry.argument(description="What it is to be.")
        ],
    ) -> UserPayload | None:
        viewer, user_id = superuser(info.context), parse_id(id)
        values = {name: value.value for name, value in vars(input).items() if value is not None}
        if nulls := [name for name, value in values.items() if value is None]:
            return UserPayload(errors=[_required(name) for name in nulls])
        if user_id is None:
            return UserPayload(errors=[not_found("id")])
        try:
            result = await administer(user_id, AccountChanges(**values))
        except NoSuchAccount:
            return UserPayload(errors=[not_found("id")])
        except LastSuperuser as refused:
            return UserPayload(errors=[invalid(ErrorCode.INVALID, str(refused), "id")])
        info.context.clear_loaders()
        return UserPayload(user=User.from_row(result.row, viewer))


def _required(name: str) -> ValidationError:
    path = ("input", to_camel_case(name))
    return invalid(ErrorCode.REQUIRED, "Pass true or false, or leave it out.", *path)
