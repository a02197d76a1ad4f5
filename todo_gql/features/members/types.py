"""Members of lists and invitations as the schema shows them."""

from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from todo_gql.api.connections import Connection, Page
from todo_gql.api.cost_weights import COST_WEIGHT, FEW_ROWS
from todo_gql.api.errors import UserError
from todo_gql.api.list_roles import ROLES, ListRole
from todo_gql.api.node import Node
from todo_gql.database.connection import Values
from todo_gql.execution import ConvertedColumn, RowType, loaded_field
from todo_gql.features.accounts.types import User, present_user
from todo_gql.features.members.loaders import (
    inviters_by_invitation,
    member_counts_by_list,
    users_by_member,
)
from todo_gql.operation.context import Info, loader_of


@strawberry.type(description="Somebody in a list.")
class ListMember(Node):
    """A row of list_members."""

    role: ListRole = strawberry.field(description="What they may do in the list.")
    joined_at: datetime = strawberry.field(
        description="When they joined; of whoever made the list, when that was."
    )
    key: strawberry.Private[UUID]

    user: User = loaded_field(
        loader_of(users_by_member),
        by="key",
        make=present_user,
        description="Who it is, as other members see them.",
    )

    @classmethod
    def from_row(cls, row: Values) -> "ListMember":
        """The member in a row."""
        return MEMBERS.lazy(row)


MEMBERS: Final = RowType(
    ListMember,
    id=ConvertedColumn("id", str),
    role=ConvertedColumn("role", ROLES.__getitem__),
    joined_at="joined_at",
    key="id",
)


@strawberry.type(name="ListMemberConnection", description="A page of the members of a list.")
class ListMemberConnection(Connection[ListMember]):
    """Members in the order in which they joined."""

    list_key: strawberry.Private[UUID]

    @classmethod
    def of(cls, page: Page, list_id: UUID) -> "ListMemberConnection":
        """The members in a page of rows."""
        return cls(page=page, nodes=MEMBERS.objects(page.rows), list_key=list_id)

    @strawberry.field(
        description="All members, the owner among them, whatever the page.",
        metadata={COST_WEIGHT: FEW_ROWS},
    )
    async def total_count(self, info: Info) -> int:
        return int(await info.context.loader(member_counts_by_list).load(self.list_key))


@strawberry.type(description="What became of a member.")
class ListMemberPayload:
    """The answer of a mutation of one member."""

    member: ListMember | None = strawberry.field(
        description="The member as they are now.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )


@strawberry.type(description="An open invitation to a list.")
class Invitation(Node):
    """A row of invitations."""

    list_name: str = strawberry.field(description="The name of the list, as it is now.")
    role: ListRole = strawberry.field(description="What they could do in the list.")
    email: str | None = strawberry.field(
        description="The address that it was sent to; null if it was sent to a user name."
    )
    sent_to: str = strawberry.field(
        description="The user name or address that it was sent to, as it was typed, whether there is such an "
        "account or not."
    )
    created_at: datetime = strawberry.field(description="When it was sent.")
    expires_at: datetime = strawberry.field(
        description="Until when it can be accepted: for 7 days, unless it is declined or revoked."
    )
    key: strawberry.Private[UUID]

    invited_by: User = loaded_field(
        loader_of(inviters_by_invitation),
        by="key",
        make=present_user,
        description="Who sent it.",
    )

    @classmethod
    def from_row(cls, row: Values) -> "Invitation":
        """The invitation in a row."""
        return INVITATIONS.lazy(row)


def _address(row: Values) -> str | None:
    return row["address"] if "@" in row["address"] else None


INVITATIONS: Final = RowType(
    Invitation,
    id=ConvertedColumn("id", str),
    list_name="list_name",
    role=ConvertedColumn("role", ROLES.__getitem__),
    email=_address,
    sent_to="address",
    created_at="created_at",
    expires_at="expires_at",
    key="id",
)


@strawberry.type(name="InvitationConnection", description="A page of open invitations.")
class InvitationConnection(Connection[Invitation]):
    """Invitations, newest first."""

    @classmethod
    def of(cls, page: Page) -> "InvitationConnection":
        """The invitations in a page of rows."""
        return cls(page=page, nodes=INVITATIONS.objects(page.rows))
