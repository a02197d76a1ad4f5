"""All that is stored of an owner's todos, as undo has to bring it back."""

from json import loads
from typing import Any, TypeAlias
from uuid import UUID

from tests.support.accounts import Account
from todo_gql.database.connection import fetch

StoredState: TypeAlias = dict[str, list[Any]]

# What every write changes is left out: versions, times of changes, and the log. So is the text that searches
# compare, which follows from others and may be filled in by the worker.
TODOS = """
SELECT to_jsonb(t) - ARRAY['version', 'updated_at', 'search_text'] || jsonb_build_object('tags', ARRAY(
    SELECT g.name FROM todo_tags tt JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id
    WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id ORDER BY g.name))
FROM todos t WHERE t.owner_id = $1 ORDER BY t.id
"""
TAGS = "SELECT jsonb_build_array(name, todo_count) FROM tags WHERE owner_id = $1 ORDER BY name"
COUNTS = """
SELECT to_jsonb(f) - ARRAY['seq', 'counted_seq', 'stored_bytes'] FROM feeds f WHERE f.owner_id = $1
"""
LISTS = """
SELECT to_jsonb(l) - ARRAY['version', 'updated_at'] FROM lists l WHERE l.owner_id = $1 ORDER BY l.id
"""
SECTIONS = """
SELECT to_jsonb(s) - ARRAY['version', 'updated_at'] FROM sections s WHERE s.owner_id = $1
ORDER BY s.id
"""
LIST_TAGS = """
SELECT jsonb_build_array(lt.list_id, g.name, lt.todo_count) FROM list_tags lt
JOIN tags g ON g.owner_id = lt.owner_id AND g.id = lt.tag_id
WHERE lt.owner_id = $1 AND lt.todo_count <> 0 ORDER BY lt.list_id, g.name
"""
DUE_COUNTS = """
SELECT jsonb_build_array(day, is_timed, open_count, closed_count) FROM due_counts
WHERE owner_id = $1 AND (open_count, closed_count) <> (0, 0) ORDER BY day, is_timed
"""
STATEMENTS = {
    "todos": TODOS,
    "tags": TAGS,
    "counts": COUNTS,
    "lists": LISTS,
    "sections": SECTIONS,
    "list_tags": LIST_TAGS,
    "due_counts": DUE_COUNTS,
}


async def stored_state(account: Account) -> StoredState:
    """The rows of an account, as JSON."""
    return {
        name: [loads(row[0]) for row in await fetch(statement, UUID(account.id))]
        for name, statement in STATEMENTS.items()
    }
