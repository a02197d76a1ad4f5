"""What accounts bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.accounts.access import (
    SESSION_COLUMNS,
    USER_COLUMNS,
    known_users,
    open_sessions,
)
from todo_gql.features.accounts.loaders import users_by_id
from todo_gql.features.accounts.sessions import Session
from todo_gql.features.accounts.tasks import tasks
from todo_gql.features.accounts.types import User
from todo_gql.features.feature import Feature, NodeType, Table

ACCOUNTS = Feature(
    name="accounts",
    tables=(
        Table(models.User, owner="id", is_large=False),
        Table(models.Session, owner="owner_id", is_large=False),
        Table(models.Mail, owner="owner_id", is_large=False),
        Table(models.PurgedMail, owner=None, is_large=False),
    ),
    loaders=(users_by_id,),
    node_types=(
        NodeType(
            type=User,
            scope=TokenScope.TODOS_READ,
            visible=known_users,
            columns=USER_COLUMNS,
            make=lambda row, context: User.from_row(row, context.signed_in()),
        ),
        NodeType(
            type=Session,
            scope=None,
            visible=open_sessions,
            columns=SESSION_COLUMNS,
            make=lambda row, context: Session.from_row(row, context.signed_in()),
        ),
    ),
    tasks=tasks,
)
