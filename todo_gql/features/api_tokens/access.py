"""The API tokens that a viewer may see."""

from typing import Final

from todo_gql.database.models import ApiToken
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

TOKEN_COLUMNS: Final = columns(ApiToken, "k", without=frozenset({"secret_hash", "revoked_at"}))


def visible_api_tokens(viewer: Viewer) -> SelectQuery:
    """The viewer's tokens `k` that aren't revoked; those that have expired, too, until they are deleted."""
    return owned("api_tokens k", "k", viewer.id).where("k.revoked_at IS NULL")
