"""The statements of the write path: each write is one, put together from the parts it needs.

In every part `$1` is the owner, and each `?` the next of the part's own values.
"""

import re
from functools import lru_cache
from itertools import count

from todo_gql.models import Todo, column_types
from todo_gql.todos.state import STORED

UNCHANGEABLE = frozenset({"id", "owner_id", "created_at"})

# The rows `n` (new) that arrays hold, an array for each column.
COLUMN_TYPES = column_types(Todo)
NEW_TODOS = (
    f"unnest({', '.join(f'?::{COLUMN_TYPES[name]}[]' for name in STORED)})"
    f" AS n ({', '.join(STORED)})"
)
MADE = f"""made AS (
    INSERT INTO todos ({", ".join(STORED)}) SELECT {", ".join(f"n.{c}" for c in STORED)}
    FROM {NEW_TODOS} ON CONFLICT (id) DO NOTHING RETURNING id
)"""
CHANGED = f"""changed AS (
    UPDATE todos t SET {", ".join(f"{c} = n.{c}" for c in STORED if c not in UNCHANGEABLE)}
    FROM {NEW_TODOS} WHERE t.owner_id = n.owner_id AND t.id = n.id
)"""
# The one row that all further parts need: there if all todos could be made.
ALL_MADE = "ready AS (SELECT 1 FROM made HAVING count(*) = ?)"
READY = "ready AS (SELECT 1)"
NAMED = """d AS (
    SELECT d.id, d.name, d.delta FROM ready, unnest(?::uuid[], ?::text[], ?::int[])
        AS d (id, name, delta)
), kept AS (
    UPDATE tags g SET todo_count = g.todo_count + d.delta FROM d
    WHERE g.owner_id = $1 AND g.name = d.name RETURNING g.id, g.name, g.todo_count
), fresh AS (
    INSERT INTO tags (id, owner_id, name, todo_count)
    SELECT d.id, $1, d.name, d.delta FROM d WHERE d.name NOT IN (SELECT name FROM kept)
    RETURNING id, name, todo_count
), named AS (
    SELECT id, name, todo_count FROM kept UNION ALL SELECT id, name, todo_count FROM fresh
)"""
TAGGED = """tagged AS (
    INSERT INTO todo_tags (owner_id, todo_id, tag_id)
    SELECT $1, n.todo_id, g.id FROM unnest(?::uuid[], ?::text[]) AS n (todo_id, name)
    JOIN named g ON g.name = n.name RETURNING todo_id, tag_id
)"""
UNTAGGED = """untagged AS (
    DELETE FROM todo_tags tt USING unnest(?::uuid[], ?::text[]) AS o (todo_id, name)
    JOIN tags g ON g.owner_id = $1 AND g.name = o.name
    WHERE tt.owner_id = $1 AND tt.todo_id = o.todo_id AND tt.tag_id = g.id
)"""
LOGGED = """counted AS (
    UPDATE users SET change_seq = change_seq + ?,
        pending_count = pending_count + ?, in_progress_count = in_progress_count + ?,
        completed_count = completed_count + ?, cancelled_count = cancelled_count + ?
    FROM ready WHERE id = $1 RETURNING change_seq
), logged AS (
    INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
    SELECT n.id, $1, counted.change_seq - n.later, n.todo_id, $1, n.action, n.diff::jsonb, ?
    FROM counted, unnest(?::uuid[], ?::uuid[], ?::smallint[], ?::text[], ?::int[])
        AS n (id, todo_id, action, diff, later)
)"""
DROP_UNUSED_TAGS = """
DELETE FROM tags g WHERE g.owner_id = $1 AND g.name = ANY($2::text[]) AND NOT EXISTS (
    SELECT FROM todo_tags tt WHERE tt.owner_id = g.owner_id AND tt.tag_id = g.id
)
"""
# The tags that the todos made carry; a row without a tag for a todo that has none.
MADE_TAGS = """
SELECT m.id AS todo_id, g.id, g.name, g.todo_count FROM made m
LEFT JOIN tagged ON tagged.todo_id = m.id LEFT JOIN named g ON g.id = tagged.tag_id ORDER BY g.name
"""
MADE_WITHOUT_TAGS = "SELECT id AS todo_id, NULL AS id FROM made"


def numbered(text: str) -> str:
    """A statement with its values numbered, after those that are numbered already."""
    first = max((int(number) for number in re.findall(r"\$(\d+)", text)), default=0) + 1
    numbers = count(first)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", text)


@lru_cache
def create_statement(*, tags: bool) -> str:
    """Inserts todos and, if all ids were free, all that goes with them; gives what was made."""
    parts = [MADE, ALL_MADE, *([NAMED, TAGGED] if tags else []), LOGGED]
    return numbered(f"WITH {', '.join(parts)} {MADE_TAGS if tags else MADE_WITHOUT_TAGS}")


@lru_cache
def store_statement(*, todos: bool, named: bool, tagged: bool, untagged: bool) -> str:
    """Stores changed todos, and what goes with them."""
    wanted = {
        CHANGED: todos,
        NAMED: named,
        TAGGED: tagged,
        UNTAGGED: untagged,
    }
    parts = [READY, *(part for part, is_wanted in wanted.items() if is_wanted), LOGGED]
    return numbered(f"WITH {', '.join(parts)} SELECT")


NAME_TAGS = numbered(f"WITH {READY}, {NAMED} SELECT id, name FROM named")
