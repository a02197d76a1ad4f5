"""Access control: what features' queries for the rows that a viewer may see are made of."""

from typing import Final, TypeAlias
from uuid import UUID

from tortoise.models import Model

from todo_gql.database.models import column_types
from todo_gql.database.select import SelectQuery
from todo_gql.security.authentication import Viewer

SHARED_LISTS: Final = (
    "list_members m JOIN lists ml ON ml.owner_id = m.owner_id AND ml.id = m.list_id"
)
"""The lists of others `ml` and the memberships `m` in them, with `IN_LIST_OF_OTHERS`."""

IN_LIST_OF_OTHERS: Final = "m.user_id = $1 AND m.user_id <> m.owner_id AND ml.deleted_at IS NULL"
"""SQL: the user `$1` is a member of another one's list, which isn't in the trash."""

Columns: TypeAlias = tuple[str, ...]


def columns(model: type[Model], alias: str, *, without: frozenset[str] = frozenset()) -> Columns:
    """The columns of a model, qualified with the alias of its table."""
    return tuple(f"{alias}.{name}" for name in column_types(model) if name not in without)


def owned(source: str, alias: str, owner_id: UUID) -> SelectQuery:
    """The rows of a table, with this alias in `source`, of one owner."""
    statement = SelectQuery(source)
    return statement.where(f"{alias}.owner_id = {statement.bind(owner_id)}")


def is_member(list_id: str, user_id: str = "$1") -> str:
    """SQL: a user is a member of the list with an id, which isn't in the trash; both are expressions."""
    return (
        f"EXISTS (SELECT FROM {SHARED_LISTS} WHERE m.list_id = {list_id} AND m.user_id = {user_id}"
        " AND ml.deleted_at IS NULL)"
    )


def bound_to_lists(statement: SelectQuery, viewer: Viewer, list_id: str) -> SelectQuery:
    """The same statement, of the lists alone that the viewer's API token is bound to, if it is to any.

    To be called right after the viewer's id was bound, so that their order is the same in all rules.
    """
    if viewer.bound_list_ids is None:
        return statement
    return statement.where(f"{list_id} = ANY({statement.bind(list(viewer.bound_list_ids))})")


def visible(source: str, alias: str, viewer: Viewer, list_id: str) -> SelectQuery:
    """The rows of a table, with this alias in `source`, that are the viewer's or in a list shared with them.

    For statements that ask for ids: who is in no list of others sends the same as `owned`.
    """
    if not viewer.is_member:
        return bound_to_lists(owned(source, alias, viewer.id), viewer, list_id)
    statement = SelectQuery(source)
    own = f"{alias}.owner_id = {statement.bind(viewer.id)}"
    return bound_to_lists(statement, viewer, list_id).where(f"({own} OR {is_member(list_id)})")
