"""Sharing lists; each field is one transaction."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.errors import UserError
from todo_gql.api.list_roles import ListRole
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.lists.payloads import ListPayload
from todo_gql.features.members.types import ListMemberPayload
from todo_gql.features.sharing import invitations
from todo_gql.features.sharing.acceptance import accept, decline
from todo_gql.features.sharing.inputs import InvitationInput
from todo_gql.features.sharing.member_actions import leave_list, remove_member, update_member
from todo_gql.features.sharing.owner_changes import change_owner
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.list_loaders import lists_by_id
from todo_gql.features.todos.types import TodoList
from todo_gql.operation.context import Info
from todo_gql.operation.credential_limits import Credential, key_for_viewer

ListId = Annotated[strawberry.ID, strawberry.argument(description="The list's id.")]
MemberId = Annotated[
    strawberry.ID, strawberry.argument(description="The member's id, not that of their account.")
]
InvitationId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The invitation's id; without it the token is needed."),
]
Token = Annotated[
    str | None,
    strawberry.argument(description="The token in the link of the mail, in place of the id."),
]


@strawberry.type
class SharingMutation:
    """The mutation fields of invitations and members."""

    @strawberry.field(
        description="Invites somebody to a list. The answer is the same whether there is such an account or "
        "not. MANAGER or OWNER only; at most 50 open invitations a list, 20 a day and person. A newer "
        "invitation of the same name or address replaces the one before it.",
        metadata=scoped(TokenScope.LISTS_SHARE, lists=True),
    )
    async def list_invite(
        self,
        info: Info,
        id: ListId,
        input: Annotated[InvitationInput, strawberry.argument(description="Whom, and as what.")],
    ) -> AcceptedPayload | None:
        return await invitations.invite(info.context, id, input)

    @strawberry.field(
        description="Accepts an invitation for the viewer: to their user name, or to their address, which "
        "has to be verified. Who is in the list already stays what they are.",
        metadata=scoped(TokenScope.LISTS_SHARE),
    )
    async def invitation_accept(
        self, info: Info, id: InvitationId = UNSET, token: Token = UNSET
    ) -> ListPayload | None:
        context, viewer = info.context, info.context.signed_in()
        sent = unset_to_none(id), unset_to_none(token)
        accepted = await accept(*sent, viewer.id, context.settings)
        if isinstance(accepted, UserError):
            return ListPayload(errors=[accepted])
        context.clear_loaders()
        row = await context.loader(lists_by_id).load(accepted.list_id)
        return ListPayload(list=TodoList.from_row(row) if row else None)

    @strawberry.field(
        description="Declines an invitation for the viewer; it is gone then.",
        metadata=scoped(TokenScope.LISTS_SHARE),
    )
    async def invitation_decline(
        self, info: Info, id: InvitationId = UNSET, token: Token = UNSET
    ) -> AcceptedPayload | None:
        context, viewer = info.context, info.context.signed_in()
        sent = unset_to_none(id), unset_to_none(token)
        refused = await decline(*sent, viewer.id, context.settings)
        context.clear_loaders()
        return AcceptedPayload(ok=refused is None, errors=[refused] if refused else [])

    @strawberry.field(
        description="Revokes an open invitation to a list, whoever sent it. MANAGER or OWNER only.",
        metadata=scoped(TokenScope.LISTS_SHARE, lists=True),
    )
    async def invitation_revoke(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The invitation's id.")],
    ) -> AcceptedPayload | None:
        return await invitations.revoke(info.context, id)

    @strawberry.field(
        description="Changes what a member may do in a list: VIEWER, EDITOR or MANAGER. MANAGER or OWNER "
        "only; nobody changes the owner. A VIEWER is assigned to nothing any more.",
        metadata=scoped(TokenScope.LISTS_SHARE, lists=True),
    )
    async def member_update(
        self,
        info: Info,
        id: MemberId,
        role: Annotated[ListRole, strawberry.argument(description="What they may do from now on.")],
    ) -> ListMemberPayload | None:
        return await update_member(info.context, id, role)

    @strawberry.field(
        description="Removes a member from a list: nothing of it can be read by them any more. What was "
        "assigned to them is assigned to somebody else or to nobody; their comments stay. MANAGER or OWNER "
        "only; nobody removes the owner.",
        metadata=scoped(TokenScope.LISTS_SHARE, lists=True),
    )
    async def member_remove(
        self,
        info: Info,
        id: MemberId,
        reassign_to_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Who gets what was assigned to them: the account of a member who may change the "
                "list. Nobody if absent."
            ),
        ] = UNSET,
    ) -> AcceptedPayload | None:
        return await remove_member(info.context, id, unset_to_none(reassign_to_id))

    @strawberry.mutation(
        description="Transfers a list to another member, who owns it then with all that is in it; the owner "
        "before becomes a MANAGER. Its todos count for the new owner, and their history begins anew. At most "
        "3,000 todos, those in the trash included. OWNER only.",
        extensions=[Credential(ListPayload, account=key_for_viewer)],
        metadata=scoped(None),
    )
    async def list_transfer(
        self,
        info: Info,
        id: ListId,
        to_id: Annotated[
            strawberry.ID,
            strawberry.argument(description="The id of the member, or of their account."),
        ],
        current_password: Annotated[
            str, strawberry.argument(description="The password of the viewer's account.")
        ],
    ) -> ListPayload | None:
        return await change_owner(info.context, id, to_id, current_password)

    @strawberry.field(
        description="Leaves a list of somebody else, as if they had removed the viewer. Who owns a list "
        "deletes or transfers it instead.",
        metadata=scoped(TokenScope.LISTS_SHARE),
    )
    async def list_leave(self, info: Info, id: ListId) -> AcceptedPayload | None:
        return await leave_list(info.context, id)
