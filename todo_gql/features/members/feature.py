"""What members and invitations bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.members.access import (
    INVITATION_COLUMNS,
    MEMBER_COLUMNS,
    visible_invitations,
    visible_members,
)
from todo_gql.features.members.loaders import (
    invitations_by_list,
    inviters_by_invitation,
    member_counts_by_list,
    members_by_list,
    notify_levels_by_list,
    roles_by_list,
    sharing_by_list,
    users_by_member,
)
from todo_gql.features.members.types import Invitation, ListMember

MEMBERS = Feature(
    name="members",
    tables=(
        Table(models.ListMember, owner="owner_id", is_large=False),
        Table(models.Invitation, owner="owner_id", is_large=False),
    ),
    loaders=(
        roles_by_list,
        notify_levels_by_list,
        sharing_by_list,
        members_by_list,
        member_counts_by_list,
        invitations_by_list,
        users_by_member,
        inviters_by_invitation,
    ),
    node_types=(
        NodeType(
            type=ListMember,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_members,
            columns=MEMBER_COLUMNS,
            make=lambda row, _context: ListMember.from_row(row),
        ),
        NodeType(
            type=Invitation,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_invitations,
            columns=INVITATION_COLUMNS,
            make=lambda row, _context: Invitation.from_row(row),
        ),
    ),
)
