"""The batch function that loads accounts."""

from uuid import UUID

from todo_gql.database.connection import Row, fetch
from todo_gql.features.accounts.access import USER_COLUMNS, visible_users
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext, rows_by_id


@loader
async def users_by_id(context: LoaderContext, ids: list[UUID | None]) -> list[Row | None]:
    """The accounts that the viewer sees; None for no id."""
    present = [id for id in ids if id is not None]
    if not present:
        return [None] * len(ids)
    statement = visible_users(context.viewer).where_one_of("u.id", present)
    return rows_by_id(await fetch(statement.select(USER_COLUMNS), *statement.values), ids)
