"""The fields of Query and Mutation for API tokens."""

from typing import Annotated

import strawberry

from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.api_tokens.access import TOKEN_COLUMNS, visible_api_tokens
from todo_gql.features.api_tokens.inputs import ApiTokenCreateInput
from todo_gql.features.api_tokens.types import ApiToken, ApiTokenPayload
from todo_gql.features.api_tokens.writes import create_token, revoke_token
from todo_gql.operation.context import Info
from todo_gql.operation.credential_limits import Credential, key_for_viewer


@strawberry.type
class ApiTokenQuery:
    """The query field of API tokens."""

    @strawberry.field(
        description="The viewer's API tokens, at most 50, newest first: those that have expired, too, until "
        "30 days later.",
        metadata=scoped(None),
    )
    async def api_tokens(self, info: Info) -> list[ApiToken]:
        statement = visible_api_tokens(info.context.signed_in())
        text = statement.select(TOKEN_COLUMNS, "k.created_at DESC, k.id DESC")
        return [ApiToken.from_row(row) for row in await fetch(text, *statement.values)]


@strawberry.type
class ApiTokenMutation:
    """The mutation fields of API tokens."""

    @strawberry.mutation(
        description="Makes an API token for programs, of which an account has 50 at most. The viewer is told of it by mail, and "
        "in their inbox.",
        extensions=[Credential(ApiTokenPayload, account=key_for_viewer)],
        metadata=scoped(None),
    )
    async def api_token_create(
        self,
        info: Info,
        input: Annotated[
            ApiTokenCreateInput, strawberry.argument(description="What it is to open.")
        ],
    ) -> ApiTokenPayload | None:
        return await create_token(info.context, input)

    @strawberry.mutation(
        description="Revokes an API token: within 5 seconds it opens nothing any more, and what is open by it is closed.",
        metadata=scoped(None),
    )
    async def api_token_revoke(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The token's id.")],
    ) -> AcceptedPayload | None:
        errors = await revoke_token(info.context, id)
        return AcceptedPayload(ok=not errors, errors=errors)
