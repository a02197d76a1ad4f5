"""Todos in lists and below each other, as tests make and read them."""

from typing import Any
from uuid import UUID, uuid4

from tests.support.accounts import Account
from todo_gql.database.connection import fetch

TREE_FIELDS = """
id title status version position deletedAt completedAt parent { id deletedAt }
progress { total completed percent }
"""
ERRORS = "errors { __typename code path message }"
MOVE = f"""
mutation ($id: ID!, $to: TodoPlaceInput!, $version: Int) {{
  todoMove(id: $id, to: $to, expectedVersion: $version) {{ todo {{ {TREE_FIELDS} }} {ERRORS} }}
}}
"""
BULK_MOVE = f"""
mutation ($ids: [ID!]!, $to: TodoPlaceInput!, $onError: BulkErrorPolicy, $dryRun: Boolean) {{
  todoBulkMove(ids: $ids, to: $to, onError: $onError, dryRun: $dryRun) {{
    processed updated {ERRORS} results {{ index todoId todo {{ {TREE_FIELDS} }} {ERRORS} }}
  }}
}}
"""
CREATE = f"""
mutation ($input: TodoCreateInput!) {{
  todoCreate(input: $input) {{ todo {{ {TREE_FIELDS} }} {ERRORS} }}
}}
"""
IN_ORDER = """
query ($after: String) {
  todos(sort: [{ field: POSITION }], first: 100, after: $after) {
    nodes { id title } pageInfo { hasNextPage endCursor }
  }
}
"""
SUBTASKS = f"""
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{
  todo(id: $id) {{
    progress {{ total completed percent }}
    subtasks(first: $first, after: $after, last: $last, before: $before) {{
      totalCount nodes {{ {TREE_FIELDS} }} edges {{ cursor }}
      pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
    }}
  }}
}}
"""
LOG = """
{ changes(first: 100) { nodes { todoId action fields { name before after } } } }
"""


async def add_list(account: Account, name: str = "List") -> str:
    """A new list of the account's."""
    list_id = uuid4()
    await fetch(
        "INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at)"
        " SELECT $1, $2, $3, position_key(count(*) + 1), 1, now(), now() FROM lists WHERE owner_id = $2",
        *(list_id, UUID(account.id), name),
    )
    return str(list_id)


async def add_section(account: Account, list_id: str) -> str:
    """A new section of a list."""
    section_id = uuid4()
    await fetch(
        "INSERT INTO sections (id, owner_id, list_id, name, position, version, created_at, updated_at)"
        " SELECT $1, $2, $3, 'Section', position_key(count(*) + 1), 1, now(), now()"
        " FROM sections WHERE list_id = $3",
        *(section_id, UUID(account.id), UUID(list_id)),
    )
    return str(section_id)


async def add(account: Account, title: str = "Todo", **values: Any) -> str:
    """The id of a new todo; without errors."""
    payload = (await account.data(CREATE, input={"title": title, **values}))["todoCreate"]
    assert payload["errors"] == [], payload
    return str(payload["todo"]["id"])


async def add_line(account: Account, length: int, **values: Any) -> list[str]:
    """The ids of todos, each a subtask of the one before."""
    ids = [await add(account, "0", **values)]
    while len(ids) < length:
        ids.append(await add(account, str(len(ids)), to={"parentId": ids[-1]}))
    return ids


async def move(
    account: Account, id: str, to: dict[str, Any], version: int | None = None
) -> dict[str, Any]:
    """The payload of a move."""
    return dict((await account.data(MOVE, id=id, to=to, version=version))["todoMove"])


async def moved(account: Account, id: str, **to: Any) -> dict[str, Any]:
    """A todo that was moved without errors."""
    payload = await move(account, id, to)
    assert payload["errors"] == [], payload
    return dict(payload["todo"])


async def move_all(
    account: Account, ids: list[str], to: dict[str, Any], **options: Any
) -> dict[str, Any]:
    """The payload of a bulk move."""
    return dict((await account.data(BULK_MOVE, ids=ids, to=to, **options))["todoBulkMove"])


async def titles_in_order(account: Account) -> list[str]:
    """The titles of all todos, by list and position."""
    titles, cursor = list[str](), None
    while True:
        page = (await account.data(IN_ORDER, after=cursor))["todos"]
        titles += [node["title"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return titles
        cursor = page["pageInfo"]["endCursor"]


async def subtasks(account: Account, id: str, **arguments: Any) -> dict[str, Any]:
    """A page of a todo's subtasks, and its progress."""
    todo = (await account.data(SUBTASKS, id=id, **arguments))["todo"]
    return {**todo["subtasks"], "progress": todo["progress"]}


async def log(account: Account) -> list[dict[str, Any]]:
    """The last changes, at most 100, of which each has its fields by name."""
    nodes = (await account.data(LOG))["changes"]["nodes"]
    return [
        {**node, "fields": {field["name"]: field["after"] for field in node["fields"]}}
        for node in nodes
    ]


async def rows(account: Account) -> dict[str, dict[str, Any]]:
    """What is stored of where each todo stands, by its id, those in the trash too."""
    found = await fetch(
        "SELECT id, title, status, version, list_id, section_id, parent_id, position, deleted_at"
        " FROM todos WHERE owner_id = $1",
        UUID(account.id),
    )
    return {str(row["id"]): dict(row) for row in found}


def codes(errors: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The code and the path of each error."""
    return [(error["code"], error["path"]) for error in errors]
