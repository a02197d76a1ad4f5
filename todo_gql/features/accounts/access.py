"""The accounts and sessions that a viewer may see."""

from todo_gql.database.models import Session, User
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import IN_LIST_OF_OTHERS, SHARED_LISTS, columns, owned
from todo_gql.security.authentication import SESSION_IS_OPEN, Viewer

SESSION_COLUMNS = columns(Session, "s", without=frozenset({"refresh_hash", "spent_hashes"}))
IN_SHARED_LIST = (
    f"u.id IN (SELECT o.user_id FROM {SHARED_LISTS} JOIN list_members o ON o.owner_id = m.owner_id"
    f" AND o.list_id = m.list_id WHERE {IN_LIST_OF_OTHERS}"
    " UNION ALL SELECT o.user_id FROM list_members o WHERE o.owner_id = $1)"
)
"""SQL: a user `u` is in a list with the user `$1`, as its owner or a member."""
USER_COLUMNS = columns(User, "u", without=frozenset({"password_hash", "forgotten_change_id"}))


def open_sessions(viewer: Viewer) -> SelectQuery:
    """The viewer's sessions `s` that have neither ended nor expired."""
    statement = owned("sessions s", "s", viewer.id)
    return statement.where(SESSION_IS_OPEN)


def visible_users(viewer: Viewer) -> SelectQuery:
    """The accounts `u` that the viewer sees: as `known_users`, or all for a superuser."""
    return SelectQuery("users u") if viewer.is_superuser else known_users(viewer)


def known_users(viewer: Viewer) -> SelectQuery:
    """The viewer's own account `u`, and those of the people in lists with them, for a superuser too."""
    statement = SelectQuery("users u")
    own = f"u.id = {statement.bind(viewer.id)}"
    return statement.where(f"({own} OR {IN_SHARED_LIST})" if viewer.has_company else own)
