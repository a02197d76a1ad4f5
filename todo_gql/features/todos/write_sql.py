"""The statements of the write path: each write is one, put together from the parts it needs.

`$1` is the owner and `$2` a JSON object of the rows to write: asyncpg takes longer over an array
for each column than over the rest of a write. `now` in it is the time of the write, or null for
PostgreSQL's own when it executes the statement.
"""

from functools import lru_cache

from todo_gql.database.models import Todo, column_types
from todo_gql.features.todos.state import STORED
from todo_gql.features.todos.storage import TODO_COUNT

UNCHANGEABLE = frozenset({"id", "owner_id", "created_at"})

COLUMN_TYPES = column_types(Todo)
# The rows `n` (new); JSON inside JSON is sent as text.
NEW_TODOS = f"""jsonb_to_recordset($2::jsonb -> 'todos') AS n ({
    ", ".join(f"{name} {COLUMN_TYPES[name].replace('JSONB', 'TEXT')}" for name in STORED)
})"""
NEW = {name: f"n.{name}{'::jsonb' if COLUMN_TYPES[name] == 'JSONB' else ''}" for name in STORED}
CLOCK = """clock AS MATERIALIZED (
    SELECT coalesce(($2::jsonb ->> 'now')::timestamptz, clock_timestamp()) AS now
)"""
# Executed without rows, the statement of a create takes the owner's lock, and does nothing else.
LOCKED = """locked AS MATERIALIZED (
    SELECT FROM users WHERE id = $1 AND $2::jsonb IS NULL FOR NO KEY UPDATE
)"""
# Asked once, of the account as it is under its lock. Without a quota there is room for anything.
HAS_ROOM = f"""(
    SELECT {TODO_COUNT} + jsonb_array_length($2::jsonb -> 'todos') <= ($2::jsonb -> 'quota' -> 0)::int
        AND stored_bytes + ($2::jsonb -> 'bytes')::bigint <= ($2::jsonb -> 'quota' -> 1)::bigint
    FROM users WHERE id = $1
) IS NOT FALSE"""
# An id that the owner's log knows is of a todo that is there or was purged. Asked in a subquery that
# gives a value, which is executed for each id by its index; joins could read the whole log.
MADE = f"""made AS (
    INSERT INTO todos ({", ".join(NEW)})
    SELECT {", ".join((NEW | dict.fromkeys(("created_at", "updated_at"), "clock.now")).values())}
    FROM clock, {NEW_TODOS} WHERE (
        SELECT c.seq FROM changes c WHERE c.owner_id = $1 AND c.todo_id = n.id LIMIT 1
    ) IS NULL AND {HAS_ROOM} ON CONFLICT (id) DO NOTHING RETURNING id, created_at
)"""
CHANGED = f"""changed AS (
    UPDATE todos t SET {", ".join(f"{c} = {n}" for c, n in NEW.items() if c not in UNCHANGEABLE)}
    FROM {NEW_TODOS} WHERE t.owner_id = n.owner_id AND t.id = n.id
)"""
# The one row that all further parts need: there if all todos could be made.
ALL_MADE = """ready AS (
    SELECT 1 FROM made HAVING count(*) = jsonb_array_length($2::jsonb -> 'todos')
)"""
READY = "ready AS (SELECT 1)"
NAMED = """d AS (
    SELECT d.id, d.name, d.delta FROM ready, jsonb_to_recordset($2::jsonb -> 'tags')
        AS d (id uuid, name text, delta int)
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
    INSERT INTO todo_tags (owner_id, todo_id, tag_id) SELECT $1, n.todo_id, g.id
    FROM jsonb_to_recordset($2::jsonb -> 'added') AS n (todo_id uuid, name text)
    JOIN named g ON g.name = n.name RETURNING todo_id, tag_id
)"""
UNTAGGED = """untagged AS (
    DELETE FROM todo_tags tt
    USING jsonb_to_recordset($2::jsonb -> 'removed') AS o (todo_id uuid, name text)
    JOIN tags g ON g.owner_id = $1 AND g.name = o.name
    WHERE tt.owner_id = $1 AND tt.todo_id = o.todo_id AND tt.tag_id = g.id
)"""
LOGGED = """counted AS (
    UPDATE users SET change_seq = change_seq + jsonb_array_length($2::jsonb -> 'changes'),
        pending_count = pending_count + ($2::jsonb -> 'statuses' -> 0)::int,
        in_progress_count = in_progress_count + ($2::jsonb -> 'statuses' -> 1)::int,
        completed_count = completed_count + ($2::jsonb -> 'statuses' -> 2)::int,
        cancelled_count = cancelled_count + ($2::jsonb -> 'statuses' -> 3)::int,
        trash_count = trash_count + ($2::jsonb -> 'statuses' -> 4)::int,
        stored_bytes = stored_bytes + ($2::jsonb -> 'bytes')::bigint,
        counted_seq = counted_seq + jsonb_array_length($2::jsonb -> 'changes')
    FROM ready WHERE id = $1 RETURNING change_seq
), logged AS (
    INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
    SELECT n.id, $1, counted.change_seq - n.later, n.todo_id, $1, n.action, n.diff, clock.now
    FROM counted, clock, jsonb_to_recordset($2::jsonb -> 'changes')
        AS n (id uuid, later int, todo_id uuid, action smallint, diff jsonb)
)"""
DROP_UNUSED_TAGS = """
DELETE FROM tags g WHERE g.owner_id = $1 AND g.name = ANY($2::text[]) AND NOT EXISTS (
    SELECT FROM todo_tags tt WHERE tt.owner_id = g.owner_id AND tt.tag_id = g.id
)
"""
# The tags that the todos made carry; a row without a tag for a todo that has none. PostgreSQL takes
# the lock only because this asks about it.
MADE_TAGS = """
SELECT g.name, g.id, g.todo_count, m.id AS todo_id, m.created_at FROM made m
LEFT JOIN tagged ON tagged.todo_id = m.id LEFT JOIN named g ON g.id = tagged.tag_id
WHERE NOT EXISTS (SELECT FROM locked) ORDER BY g.name
"""
MADE_WITHOUT_TAGS = """
SELECT m.id AS todo_id, NULL AS id, m.created_at FROM made m
WHERE NOT EXISTS (SELECT FROM locked)
"""
NAME_TAGS = f"WITH {READY}, {NAMED} SELECT id, name FROM named"


@lru_cache
def create_statement(*, tags: bool) -> str:
    """Inserts todos and, if all ids were free, all that goes with them; gives what was made."""
    parts = [CLOCK, LOCKED, MADE, ALL_MADE, *([NAMED, TAGGED] if tags else []), LOGGED]
    return f"WITH {', '.join(parts)} {MADE_TAGS if tags else MADE_WITHOUT_TAGS}"


@lru_cache
def store_statement(*, todos: bool, tags: bool, added: bool, removed: bool) -> str:
    """Stores changed todos, and what goes with them."""
    parts = {CHANGED: todos, NAMED: tags, TAGGED: added, UNTAGGED: removed}
    wanted = [CLOCK, READY, *(part for part, is_wanted in parts.items() if is_wanted), LOGGED]
    return f"WITH {', '.join(wanted)} SELECT"
