"""The accounts and sessions that a viewer may see."""

from todo_gql.database.models import Session, User
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import SESSION_IS_OPEN, Viewer

SESSION_COLUMNS = columns(Session, "s", without=frozenset({"refresh_hash", "spent_hashes"}))
USER_COLUMNS = columns(User, "u", without=frozenset({"password_hash", "forgotten_change_id"}))


def open_sessions(viewer: Viewer) -> SelectQuery:
    """The viewer's sessions `s` that have neither ended nor expired."""
    statement = owned("sessions s", "s", viewer.id)
    return statement.where(SESSION_IS_OPEN)


def visible_users(viewer: Viewer) -> SelectQuery:
    """The accounts `u` that the viewer sees: their own, or all for a superuser."""
    statement = SelectQuery("users u")
    if not viewer.is_superuser:
        statement.where(f"u.id = {statement.bind(viewer.id)}")
    return statement


def own_user(viewer: Viewer) -> SelectQuery:
    """The viewer's own account `u`, for a superuser too."""
    statement = SelectQuery("users u")
    return statement.where(f"u.id = {statement.bind(viewer.id)}")
