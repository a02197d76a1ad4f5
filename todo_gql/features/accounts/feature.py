"""What accounts bring to the parts of the program that all features share."""

from todo_gql.features.accounts.access import (
    SESSION_COLUMNS,
    USER_COLUMNS,
    open_sessions,
    own_user,
)
from todo_gql.features.accounts.sessions import Session
from todo_gql.features.accounts.types import User
from todo_gql.features.feature import Feature, NodeType

ACCOUNTS = Feature(
    name="accounts",
    node_types=(
        NodeType(
            type=User,
            visible=own_user,
            columns=USER_COLUMNS,
            make=lambda row, context: User.from_row(row, context.signed_in()),
        ),
        NodeType(
            type=Session,
            visible=open_sessions,
            columns=SESSION_COLUMNS,
            make=lambda row, context: Session.from_row(row, context.signed_in()),
        ),
    ),
)
