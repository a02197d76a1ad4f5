"""Todos in the trash."""

from typing import Any
from uuid import UUID

from tests.support.accounts import Account
from todo_gql.database.connection import fetch

DELETE = "mutation ($id: ID!) { todoDelete(id: $id) { todo { id } errors { code } } }"

AGE_TRASH = (
    "UPDATE todos SET deleted_at = deleted_at - make_interval(days => $2) WHERE owner_id = $1"
)


async def delete(account: Account, todo: dict[str, Any], days_ago: int = 0) -> None:
    """Put a todo into the trash, so many days ago."""
    payload = (await account.data(DELETE, id=todo["id"]))["todoDelete"]
    assert payload["errors"] == []
    await fetch(AGE_TRASH + " AND id = $3", UUID(account.id), days_ago, UUID(todo["id"]))
