"""Operations on tags."""

from typing import Any

from tests.support.accounts import ERRORS, Account
from todo_gql.database.connection import fetchrow

TAGS = """
query ($search: String, $first: Int, $after: String, $last: Int, $before: String) {
  tags(search: $search, first: $first, after: $after, last: $last, before: $before) {
    nodes { id name todoCount }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""

RENAME = (
    "mutation ($id: ID!, $name: String!) { tagRename(id: $id, name: $name)"
    f" {{ tag {{ id name todoCount }} {ERRORS} }} }}"
)

DELETE_TAG = f"mutation ($id: ID!) {{ tagDelete(id: $id) {{ tag {{ id name todoCount }} undoCursor {ERRORS} }} }}"

READ = "query ($id: ID!) { todo(id: $id) { version tags { name } } }"


async def tags(account: Account, **arguments: Any) -> Any:
    """A page of tags."""
    return (await account.data(TAGS, **arguments))["tags"]


async def counts(account: Account) -> list[tuple[str, int]]:
    """Names and counts in the order of the list."""
    return [(tag["name"], tag["todoCount"]) for tag in (await tags(account))["nodes"]]


async def rename(account: Account, id: str, name: str) -> Any:
    """The payload of a rename."""
    return (await account.data(RENAME, id=id, name=name))["tagRename"]


async def delete_tag(account: Account, id: str) -> Any:
    """The payload of a deletion."""
    return (await account.data(DELETE_TAG, id=id))["tagDelete"]


async def tag_id(account: Account, name: str) -> str:
    """The id of the viewer's tag of that name."""
    row = await fetchrow(
        "SELECT id::text FROM tags WHERE owner_id = $1::text::uuid AND name = $2", account.id, name
    )
    assert row is not None
    return str(row["id"])
