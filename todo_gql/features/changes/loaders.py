"""The batch function that finds where a change log ends."""

from typing import Any
from uuid import UUID

from todo_gql.api.errors import Unauthenticated
from todo_gql.changelog.access import ENDS, NEWEST_CHANGE
from todo_gql.database.connection import fetch
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext, rows_by_id

END_OF_LOG = f"SELECT u.id, f.seq, {NEWEST_CHANGE} AS change_id FROM {ENDS} WHERE u.id = $1"


@loader
async def log_ends(context: LoaderContext, ids: list[UUID]) -> list[Any]:
    """The number and id of the newest change in the viewer's log.

    `Unauthenticated` if the account is deleted.
    """
    rows = await fetch(END_OF_LOG, context.viewer.id)
    return [row or Unauthenticated() for row in rows_by_id(rows, ids)]
