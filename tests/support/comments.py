"""Comments on todos."""

from typing import Any

from tests.support.accounts import ERRORS, Account

PARTS = """
id body version createdAt editedAt deletedAt todo { id } author { id username } mentions { id }
"""
PAYLOAD = f"{{ comment {{ {PARTS} }} {ERRORS} }}"
CREATE = f"""
mutation ($todoId: ID!, $input: CommentCreateInput!) {{
  commentCreate(todoId: $todoId, input: $input) {PAYLOAD}
}}
"""
UPDATE = f"""
mutation ($id: ID!, $body: String!, $version: Int) {{
  commentUpdate(id: $id, body: $body, expectedVersion: $version) {PAYLOAD}
}}
"""
DELETE = f"""
mutation ($id: ID!, $version: Int) {{ commentDelete(id: $id, expectedVersion: $version) {PAYLOAD} }}
"""
OF_TODO = f"""
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{
  todo(id: $id) {{ comments(first: $first, after: $after, last: $last, before: $before) {{
    totalCount nodes {{ {PARTS} }} edges {{ cursor node {{ id }} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
  }} }}
}}
"""


async def create(account: Account, todo_id: str, body: str = "x", **input: Any) -> dict[str, Any]:
    """The payload of writing a comment."""
    sent = {"body": body, **input}
    return dict((await account.data(CREATE, todoId=todo_id, input=sent))["commentCreate"])


async def commented(account: Account, todo_id: str, body: str = "x") -> dict[str, Any]:
    """A comment just written."""
    payload = await create(account, todo_id, body)
    assert payload["errors"] == [], payload
    return dict(payload["comment"])


async def update(
    account: Account, id: str, body: str, version: int | None = None
) -> dict[str, Any]:
    """The payload of editing a comment."""
    data = await account.data(UPDATE, id=id, body=body, version=version)
    return dict(data["commentUpdate"])


async def delete(account: Account, id: str, version: int | None = None) -> dict[str, Any]:
    """The payload of deleting a comment."""
    return dict((await account.data(DELETE, id=id, version=version))["commentDelete"])


async def comments(account: Account, todo_id: str, **page: Any) -> dict[str, Any]:
    """A page of the comments on a todo."""
    return dict((await account.data(OF_TODO, id=todo_id, **page))["todo"]["comments"])


def mention(account: Account) -> str:
    """The Markdown that mentions somebody."""
    return f"@[{account.username}](user:{account.id})"


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The codes and paths of a payload's errors."""
    return [(error["code"], error["path"]) for error in payload["errors"]]
