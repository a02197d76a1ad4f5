"""Operations with odd arguments, and the errors of the server that they end in."""

import json
from typing import Any

from tests.support.accounts import Account
from tests.support.operations import (
    Coordinate,
    field_of,
    required_arguments,
)

EVERYTHING = """{
  viewer { fullName bio avatarUrl }
  todos(first: 100) { nodes { title description dueAt metadata tags { name } } }
  changes(first: 100) { nodes { fields { name before after } } }
  notifications { unreadCount nodes { excerpt } }
  notificationPreferences { digestAt digestDays quietHours { weekday from to } kinds { email } }
  savedViews { name filter sort isValid todos(first: 1) { totalCount } }
}"""


async def problems(account: Account, document: str, arguments: dict[str, Any]) -> set[str]:
    """The codes of the errors that an operation ends in, but for those that are the client's."""
    body = json.dumps({"query": document, "variables": arguments}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {account.token}"}
    answer = await account.http.post("/graphql", content=body, headers=headers)
    assert answer.status_code == 200
    return codes(answer.json())


def codes(answer: dict[str, Any]) -> set[str]:
    """The codes of an answer's errors, but for those that are the client's."""
    found = {error["extensions"]["code"] for error in answer.get("errors", ())}
    return found - {"BAD_USER_INPUT", "UNAUTHENTICATED"}


def real(coordinate: Coordinate, todo: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a field needs, with ids of what is there."""
    arguments = required_arguments(field_of(coordinate))
    id = todo["tags"][0]["id"] if coordinate[1].startswith("tag") else todo["id"]
    return {name: {"id": id, "ids": [id]}.get(name, sample) for name, sample in arguments.items()}
