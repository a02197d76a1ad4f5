"""Lists and sections of an account, and todos in them."""

from typing import Any
from uuid import UUID

from tests.support.accounts import ERRORS, Account
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.todos.writes import owner_write

LIST = """
fragment ListParts on TodoList {
  id name description color position version createdAt updatedAt archivedAt deletedAt viewerRole
  isShared owner { id } sections { id name } stats { total pending completed }
}
"""
SECTION = "fragment SectionParts on Section { id name position version list { id } }"


async def write_list(account: Account, call: str, **variables: Any) -> dict[str, Any]:
    """The payload of a mutation of a list; the call's variables are written as `$name`."""
    return await _written(account, call, f"list {{ ...ListParts }} {ERRORS}", LIST, variables)


async def write_section(account: Account, call: str, **variables: Any) -> dict[str, Any]:
    """The payload of a mutation of a section."""
    shown = f"section {{ ...SectionParts }} {ERRORS}"
    return await _written(account, call, shown, SECTION, variables)


TYPES = {
    "id": "ID!",
    "listId": "ID!",
    "name": "String",
    "place": "PlaceInput",
    "version": "Int",
    "update": "ListUpdateInput!",
    "create": "ListCreateInput!",
}
NOT_NULL = {"sectionCreate": {"name": "String!"}, "listMove": {"place": "PlaceInput!"}}


async def _written(
    account: Account, call: str, shown: str, fragment: str, variables: dict[str, Any]
) -> dict[str, Any]:
    types = TYPES | NOT_NULL.get(call.partition("(")[0], {})
    declared = ", ".join(f"${name}: {types[name]}" for name in variables)
    document = f"mutation ({declared}) {{ payload: {call} {{ {shown} }} }} {fragment}"
    return dict((await account.data(document, **variables))["payload"])


async def make_list(account: Account, **values: Any) -> dict[str, Any]:
    """A list just made."""
    sent = {"name": "List", **values}
    payload = await write_list(account, "listCreate(input: $create)", create=sent)
    assert payload["errors"] == [], payload
    return dict(payload["list"])


async def make_section(account: Account, list_id: str, name: str = "Section") -> dict[str, Any]:
    """A section just made."""
    call = "sectionCreate(listId: $listId, name: $name)"
    payload = await write_section(account, call, listId=list_id, name=name)
    assert payload["errors"] == [], payload
    return dict(payload["section"])


async def put_in_list(
    account: Account, todo_ids: list[str], list_id: str | None, section_id: str | None = None
) -> None:
    """Put todos into a list and a section, or into the inbox."""
    owner_id = UUID(account.id)
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        for todo in (await write.load([UUID(id) for id in todo_ids])).values():
            placed = todo._replace(
                list_id=list_id and UUID(list_id), section_id=section_id and UUID(section_id)
            )
            write.change(todo, placed)
        await write.store()


async def put_under(account: Account, todo_id: str, parent_id: str) -> None:
    """Make a todo a subtask of another one of its list."""
    owner_id = UUID(account.id)
    async with owner_write(owner_id=owner_id, actor_id=owner_id) as write:
        [todo] = (await write.load([UUID(todo_id)])).values()
        write.change(todo, todo._replace(parent_id=UUID(parent_id)))
        await write.store()


async def make_todos(account: Account, number: int, list_id: str, **values: Any) -> list[str]:
    """The ids of new todos in a list, in their order."""
    inputs = [{"title": f"Todo {place}", **values} for place in range(number)]
    ids = [todo["id"] for todo in await account.create_many(inputs)]
    await put_in_list(account, ids, list_id)
    return ids


COUNTED = """
SELECT (SELECT to_jsonb(l) FROM (
    SELECT pending_count, in_progress_count, completed_count, cancelled_count FROM lists
    WHERE owner_id = $1 AND id = $2) l)::text AS stored,
  (SELECT jsonb_build_object('pending_count', count(*) FILTER (WHERE status = 0),
    'in_progress_count', count(*) FILTER (WHERE status = 1),
    'completed_count', count(*) FILTER (WHERE status = 2),
    'cancelled_count', count(*) FILTER (WHERE status = 3))
    FROM todos WHERE owner_id = $1 AND list_id = $2 AND deleted_at IS NULL)::text AS counted
"""
# Each is what is stored, and what a recount finds.
RECOUNTS = {
    "feeds": (
        """SELECT to_jsonb(x)::text AS row FROM (
            SELECT pending_count, in_progress_count, completed_count, cancelled_count, trash_count,
                low_count, medium_count, high_count, urgent_count, seq
            FROM feeds WHERE owner_id = $1) x""",
        """SELECT to_jsonb(x)::text AS row FROM (
            SELECT count(*) FILTER (WHERE live AND status = 0) AS pending_count,
                count(*) FILTER (WHERE live AND status = 1) AS in_progress_count,
                count(*) FILTER (WHERE live AND status = 2) AS completed_count,
                count(*) FILTER (WHERE live AND status = 3) AS cancelled_count,
                count(*) FILTER (WHERE NOT live) AS trash_count,
                count(*) FILTER (WHERE live AND priority = 0) AS low_count,
                count(*) FILTER (WHERE live AND priority = 1) AS medium_count,
                count(*) FILTER (WHERE live AND priority = 2) AS high_count,
                count(*) FILTER (WHERE live AND priority = 3) AS urgent_count,
                (SELECT max(seq) FROM changes WHERE owner_id = $1) AS seq
            FROM (SELECT *, deleted_at IS NULL AS live FROM todos WHERE owner_id = $1) t) x""",
    ),
    "tags": (
        "SELECT id::text || ' ' || todo_count AS row FROM tags WHERE owner_id = $1 ORDER BY 1",
        """SELECT g.id::text || ' ' || (SELECT count(*) FROM todo_tags tt JOIN todos t
            ON t.id = tt.todo_id AND t.deleted_at IS NULL WHERE tt.tag_id = g.id) AS row
            FROM tags g WHERE g.owner_id = $1 ORDER BY 1""",
    ),
    "list_tags": (
        """SELECT list_id || ' ' || tag_id || ' ' || todo_count AS row FROM list_tags
            WHERE owner_id = $1 AND todo_count <> 0 ORDER BY 1""",
        """SELECT t.list_id || ' ' || tt.tag_id || ' ' || count(*) AS row FROM todos t
            JOIN todo_tags tt ON tt.todo_id = t.id
            WHERE t.owner_id = $1 AND t.list_id IS NOT NULL AND t.deleted_at IS NULL
            GROUP BY t.list_id, tt.tag_id ORDER BY 1""",
    ),
    "due_counts": (
        """SELECT concat_ws(' ', day, is_timed, open_count, closed_count) AS row FROM due_counts
            WHERE owner_id = $1 AND (open_count, closed_count) <> (0, 0) ORDER BY 1""",
        """SELECT concat_ws(' ', coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date),
                due_at IS NOT NULL, count(*) FILTER (WHERE status < 2),
                count(*) FILTER (WHERE status >= 2)) AS row
            FROM todos WHERE owner_id = $1 AND deleted_at IS NULL AND due_on IS NOT NULL
            GROUP BY coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date), due_at IS NOT NULL
            ORDER BY 1""",
    ),
    "subtasks": (
        """SELECT concat_ws(' ', id, subtask_count, completed_subtask_count) AS row FROM todos
            WHERE owner_id = $1 ORDER BY 1""",
        """SELECT concat_ws(' ', p.id, (SELECT count(*) FROM todos c WHERE c.parent_id = p.id
                AND c.deleted_at IS NULL AND c.status <> 3), (SELECT count(*) FROM todos c
                WHERE c.parent_id = p.id AND c.deleted_at IS NULL AND c.status = 2)) AS row
            FROM todos p WHERE p.owner_id = $1 ORDER BY 1""",
    ),
}


async def assert_counted(account: Account, *list_ids: str) -> None:
    """The counts of an account and of these lists are what a recount finds."""
    owner_id = UUID(account.id)
    for list_id in list_ids:
        row = await fetchrow(COUNTED, owner_id, UUID(list_id))
        assert row is not None
        assert row["stored"] == row["counted"]
    for name, statements in RECOUNTS.items():
        stored, counted = [
            [row["row"] for row in await fetch(statement, owner_id)] for statement in statements
        ]
        assert (name, stored) == (name, counted)
    numbers = await fetch("SELECT seq FROM changes WHERE owner_id = $1 ORDER BY seq", owner_id)
    assert [row["seq"] for row in numbers] == list(range(1, len(numbers) + 1))
