"""Repeating todos, as tests create, complete and read them."""

from typing import Any

from tests.support.accounts import ERRORS, Account

FIELDS = """
id title status version dueAt dueDate dueTimeZone startAt startDate completedAt actualMinutes
recurrence { rule mode timeZone anchor done catchesUp next(first: 2) { date at } }
"""
PAYLOAD = (
    f"todo {{ {FIELDS} }} completedOccurrence {{ {FIELDS} tags {{ name }} }} undoCursor {ERRORS}"
)
CREATE = f"mutation ($input: TodoCreateInput!) {{ todoCreate(input: $input) {{ {PAYLOAD} }} }}"
UPDATE = (
    "mutation ($id: ID!, $input: TodoUpdateInput!, $version: Int) {"
    f" todoUpdate(id: $id, input: $input, expectedVersion: $version) {{ {PAYLOAD} }} }}"
)
COMPLETE = (
    "mutation ($id: ID!, $version: Int) {"
    f" todoComplete(id: $id, expectedVersion: $version) {{ {PAYLOAD} }} }}"
)
SKIP = (
    "mutation ($id: ID!, $version: Int) {"
    f" todoSkip(id: $id, expectedVersion: $version) {{ {PAYLOAD} }} }}"
)
UNDO_OCCURRENCE = f"mutation ($id: ID!) {{ todoUndoOccurrence(id: $id) {{ {PAYLOAD} }} }}"
UNDO = (
    "mutation ($cursor: String!) { todoUndo(cursor: $cursor) {"
    f" results {{ todo {{ {FIELDS} }} {ERRORS} }} undoCursor {ERRORS} }} }}"
)
TODO = f"query ($id: ID!) {{ todo(id: $id) {{ {FIELDS} }} }}"
PREVIEW = """
query ($input: RecurrenceInput!, $dueDate: Date, $dueAt: DateTime, $first: Int) {
  recurrencePreview(input: $input, dueDate: $dueDate, dueAt: $dueAt, first: $first) { date at }
}
"""
PAST = """
query ($id: ID!, $first: Int, $after: String) {
  todo(id: $id) { recurrence { past(first: $first, after: $after) {
    totalCount nodes { id title dueDate status } pageInfo { hasNextPage hasPreviousPage endCursor }
  } } }
}
"""
SET_ZONE = """
mutation ($zone: TimeZone) { profileUpdate(input: { timeZone: $zone }) { errors { code } } }
"""


async def create(account: Account, **values: Any) -> dict[str, Any]:
    """The payload of creating a todo."""
    data = await account.data(CREATE, input={"title": "Water the plants", **values})
    return dict(data["todoCreate"])


async def repeating(account: Account, rule: str, due: str | None = None, **values: Any) -> Any:
    """A new todo that repeats, due on a day or at a moment."""
    if due:
        values["dueAt" if "T" in due else "dueDate"] = due
    recurrence = {"rule": rule, **values.pop("recurrence", {})}
    payload = await create(account, recurrence=recurrence, **values)
    assert payload["errors"] == []
    return payload["todo"]


async def update(account: Account, id: str, **values: Any) -> dict[str, Any]:
    """The payload of updating a todo."""
    return dict((await account.data(UPDATE, id=id, input=values))["todoUpdate"])


async def complete(account: Account, id: str, version: int | None = None) -> dict[str, Any]:
    """The payload of completing a todo."""
    return dict((await account.data(COMPLETE, id=id, version=version))["todoComplete"])


async def completed(account: Account, id: str) -> Any:
    """The todo after an occurrence of it was completed."""
    payload = await complete(account, id)
    assert payload["errors"] == []
    return payload["todo"]


def due(todo: dict[str, Any]) -> str:
    """When a todo is due, without a fraction of a second."""
    return str(todo["dueDate"] or todo["dueAt"].replace(".000000Z", "Z"))


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The codes and paths of a payload's errors."""
    return [(error["code"], error["path"]) for error in payload["errors"]]


async def subtask(account: Account, parent_id: str, **values: Any) -> str:
    """The id of a new subtask."""
    payload = await create(account, to={"parentId": parent_id}, **values)
    assert payload["errors"] == []
    return str(payload["todo"]["id"])


async def statuses(account: Account, *ids: str) -> list[str]:
    """The statuses of todos."""
    return [(await account.data(TODO, id=id))["todo"]["status"] for id in ids]
