"""The memberships and invitations that a viewer may see: the queries from which every read of them starts."""

from typing import Final

from todo_gql.database.models import Invitation, ListMember, ListRole
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import bound_to_lists, columns
from todo_gql.security.authentication import Viewer

MEMBER_COLUMNS: Final = columns(ListMember, "m", without=frozenset({"notify", "position"}))
INVITATION_COLUMNS: Final = (
    *columns(Invitation, "i", without=frozenset({"secret_hash", "address_key"})),
    "l.name AS list_name",
)

IS_OPEN: Final = "i.ended_at IS NULL AND i.expires_at > now()"
"""SQL for whether an invitation `i` can still be accepted, if its list is there."""

MAILBOX_OF: Final = "coalesce(v.mailbox_key, v.email_key)"
"""SQL for what stands for the mailbox of an account `v`, as `address_key` does for that of an invitation."""

# Each of the two has an index.
MEANT_IDS: Final = f"""
SELECT a.id FROM invitations a WHERE a.invitee_id = {{viewer}} AND a.ended_at IS NULL
UNION ALL SELECT a.id FROM users v JOIN invitations a ON a.address_key = {MAILBOX_OF}
WHERE v.id = {{viewer}} AND v.email_verified_at IS NOT NULL AND a.ended_at IS NULL
"""
IS_MEMBER: Final = """
EXISTS (SELECT FROM list_members own WHERE own.list_id = {list} AND own.user_id = {viewer})
"""
IS_MANAGER: Final = f"""
EXISTS (SELECT FROM list_members own WHERE own.list_id = i.list_id AND own.user_id = {{viewer}}
    AND own.role >= {ListRole.MANAGER.value})
"""


def open_invitations_of(person: str) -> str:
    """SQL for the open invitations `i` that are for a person, an expression, to lists `l` that they aren't in."""
    return (
        "SELECT i.id, l.name AS list_name FROM invitations i JOIN lists l ON l.owner_id = i.owner_id"
        " AND l.id = i.list_id AND l.deleted_at IS NULL JOIN users s ON s.id = i.invited_by_id"
        f" WHERE {IS_OPEN} AND i.id IN ({MEANT_IDS.format(viewer=person)})"
        f" AND NOT {IS_MEMBER.format(list='i.list_id', viewer=person)}"
    )


def visible_members(viewer: Viewer) -> SelectQuery:
    """The members `m` of the lists `l` that the viewer is in, of lists in the trash only the owner's."""
    statement = SelectQuery(
        "list_members m JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id"
    )
    own = statement.bind(viewer.id)
    bound_to_lists(statement, viewer, "m.list_id")
    statement.where(f"(l.deleted_at IS NULL OR l.owner_id = {own})")
    return statement.where(IS_MEMBER.format(list="m.list_id", viewer=own))


def _open_invitations() -> SelectQuery:
    # Who has deleted their account invites nobody any more.
    return SelectQuery(
        "invitations i JOIN lists l ON l.owner_id = i.owner_id AND l.id = i.list_id AND l.deleted_at IS NULL"
        " JOIN users s ON s.id = i.invited_by_id"
    ).where(IS_OPEN)


def invitations_of_lists(viewer: Viewer) -> SelectQuery:
    """The open invitations `i` to those lists `l` whose members the viewer may choose."""
    statement = _open_invitations()
    own = statement.bind(viewer.id)
    bound_to_lists(statement, viewer, "i.list_id")
    return statement.where(IS_MANAGER.format(viewer=own))


def received_invitations(viewer: Viewer) -> SelectQuery:
    """The open invitations `i` that are for the viewer, to lists `l` that they aren't in."""
    statement = _open_invitations()
    own = statement.bind(viewer.id)
    statement.where(f"i.id IN ({MEANT_IDS.format(viewer=own)})")
    return statement.where(f"NOT {IS_MEMBER.format(list='i.list_id', viewer=own)}")


def visible_invitations(viewer: Viewer) -> SelectQuery:
    """The open invitations `i` that are for the viewer, or to lists `l` whose members they may choose.

    To an API token that is bound to lists none is for the viewer.
    """
    if viewer.bound_list_ids is not None:
        return invitations_of_lists(viewer)
    statement = _open_invitations()
    own = statement.bind(viewer.id)
    is_meant = (
        f"i.id IN ({MEANT_IDS.format(viewer=own)})"
        f" AND NOT {IS_MEMBER.format(list='i.list_id', viewer=own)}"
    )
    return statement.where(f"({is_meant} OR {IS_MANAGER.format(viewer=own)})")
