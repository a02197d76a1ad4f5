"""Reading the invitations that the viewer was sent."""

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import PageArguments, fetch_page
from todo_gql.api.page_arguments import After, FirstOrDefault
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.members.access import INVITATION_COLUMNS, received_invitations
from todo_gql.features.members.loaders import INVITATIONS_BY_TIME
from todo_gql.features.members.types import InvitationConnection
from todo_gql.operation.context import Info


@strawberry.type
class InvitationQuery:
    """The query field of invitations."""

    @strawberry.field(
        description="The open invitations for the viewer, newest first: those to their user name, and those "
        "to their address once it is verified.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def invitations(
        self, info: Info, first: FirstOrDefault = UNSET, after: After = UNSET
    ) -> InvitationConnection:
        statement = received_invitations(info.context.signed_in())
        arguments = PageArguments.of(first, after)
        page = await fetch_page(statement, INVITATION_COLUMNS, INVITATIONS_BY_TIME, arguments)
        return InvitationConnection.of(page)
