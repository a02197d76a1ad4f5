"""The statements of the write path: each is composed of the CTEs that the write needs.

`$1` is the owner's id, `$2` a JSON object of the rows to write, and `$3` the id of the actor, who
writes them; an array parameter per column would cost asyncpg more than the rest of the write. The
`now` of `$2` is the time of the write, or null for PostgreSQL's clock at the execution.
"""

from functools import lru_cache

from todo_gql.database.models import Todo, column_types
from todo_gql.features.todos.columns import TAG_IS_UNUSED
from todo_gql.features.todos.state import WRITTEN_COLUMNS
from todo_gql.features.todos.storage import TODO_COUNT

IMMUTABLE_COLUMNS = frozenset({"id", "owner_id", "created_at"})

COLUMN_TYPES = column_types(Todo)
# The rows `n` to write, by their `number`; JSON inside the JSON parameter is sent as text.
NEW_ROWS = f"""ROWS FROM (jsonb_to_recordset($2::jsonb -> 'todos') AS ({
    ", ".join(f"{name} {COLUMN_TYPES[name].replace('JSONB', 'TEXT')}" for name in WRITTEN_COLUMNS)
})) WITH ORDINALITY AS n ({", ".join(WRITTEN_COLUMNS)}, number)"""
NEW_VALUES = {
    name: f"n.{name}{'::jsonb' if COLUMN_TYPES[name] == 'JSONB' else ''}"
    for name in WRITTEN_COLUMNS
}
CLOCK = """clock AS MATERIALIZED (
    SELECT coalesce(($2::jsonb ->> 'now')::timestamptz, clock_timestamp()) AS now
)"""
# With a null payload the create statement takes the owner's lock, and does nothing else.
LOCKED = """locked AS MATERIALIZED (
    SELECT FROM users WHERE id = $1 AND $2::jsonb IS NULL FOR NO KEY UPDATE
)"""
# Evaluated once, on the locked account. Without a quota it is always true.
WITHIN_QUOTA = f"""(
    SELECT {TODO_COUNT} + jsonb_array_length($2::jsonb -> 'todos') <= ($2::jsonb -> 'quota' -> 0)::int
        AND stored_bytes + ($2::jsonb -> 'bytes')::bigint <= ($2::jsonb -> 'quota' -> 1)::bigint
    FROM users WHERE id = $1
) IS NOT FALSE"""
# A new todo stands behind all others: none has a key of a higher number than the newest change.
POSITION = (
    "coalesce(n.position, position_key((SELECT change_seq FROM users WHERE id = $1) + n.number))"
)
CREATED_VALUES = NEW_VALUES | {
    "created_at": "clock.now",
    "updated_at": "clock.now",
    "position": POSITION,
}
# An id in the owner's log belongs to a todo that exists or was purged, whatever kind of change names
# it. A scalar subquery uses the index for each id; a join could read the whole log.
INSERTED = f"""inserted AS (
    INSERT INTO todos ({", ".join(NEW_VALUES)})
    SELECT {", ".join(CREATED_VALUES.values())}
    FROM clock, {NEW_ROWS} WHERE (
        SELECT c.seq FROM changes c WHERE c.owner_id = $1 AND c.todo_id = n.id LIMIT 1
    ) IS NULL AND {WITHIN_QUOTA} ON CONFLICT (id) DO NOTHING RETURNING id, created_at, position
)"""
UPDATED = f"""updated AS (
    UPDATE todos t SET {", ".join(f"{c} = {n}" for c, n in NEW_VALUES.items() if c not in IMMUTABLE_COLUMNS)}
    FROM {NEW_ROWS} WHERE t.owner_id = n.owner_id AND t.id = n.id
)"""
# All further CTEs depend on this one row, which exists if all todos were inserted.
ALL_INSERTED = """ready AS (
    SELECT 1 FROM inserted HAVING count(*) = jsonb_array_length($2::jsonb -> 'todos')
)"""
READY = "ready AS (SELECT 1)"
TAGS_UPSERTED = """d AS (
    SELECT d.id, d.name, d.delta FROM ready, jsonb_to_recordset($2::jsonb -> 'tags')
        AS d (id uuid, name text, delta int)
), existing AS (
    UPDATE tags g SET todo_count = g.todo_count + d.delta FROM d
    WHERE g.owner_id = $1 AND g.name = d.name RETURNING g.id, g.name, g.todo_count
), created AS (
    INSERT INTO tags (id, owner_id, name, todo_count)
    SELECT d.id, $1, d.name, d.delta FROM d WHERE d.name NOT IN (SELECT name FROM existing)
    RETURNING id, name, todo_count
), upserted AS (
    SELECT id, name, todo_count FROM existing UNION ALL SELECT id, name, todo_count FROM created
)"""
TAGGED = """tagged AS (
    INSERT INTO todo_tags (owner_id, todo_id, tag_id) SELECT $1, n.todo_id, g.id
    FROM jsonb_to_recordset($2::jsonb -> 'added') AS n (todo_id uuid, name text)
    JOIN upserted g ON g.name = n.name RETURNING todo_id, tag_id
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
    SELECT n.id, $1, counted.change_seq - n.later, n.todo_id, $3::uuid, n.action, n.diff, clock.now
    FROM counted, clock, jsonb_to_recordset($2::jsonb -> 'changes')
        AS n (id uuid, later int, todo_id uuid, action smallint, diff jsonb)
)"""
DELETE_INSERTED = "DELETE FROM todos WHERE owner_id = $1 AND id = ANY($2)"
DELETE_UNUSED_TAGS = (
    f"DELETE FROM tags g WHERE g.owner_id = $1 AND g.name = ANY($2::text[]) AND {TAG_IS_UNUSED}"
)
# The tags of the created todos; a todo without tags has one row with nulls. The reference to `locked`
# makes PostgreSQL evaluate that CTE: an unreferenced SELECT is skipped.
CREATED_TAGS = """
SELECT g.name, g.id, g.todo_count, m.id AS todo_id, m.created_at, m.position FROM inserted m
LEFT JOIN tagged ON tagged.todo_id = m.id LEFT JOIN upserted g ON g.id = tagged.tag_id
WHERE NOT EXISTS (SELECT FROM locked) ORDER BY g.name
"""
CREATED_WITHOUT_TAGS = """
SELECT m.id AS todo_id, NULL AS id, m.created_at, m.position FROM inserted m
WHERE NOT EXISTS (SELECT FROM locked)
"""
# Without an actor, since it logs nothing.
UPSERT_TAGS = f"WITH {READY}, {TAGS_UPSERTED} SELECT id, name FROM upserted"


@lru_cache
def create_statement(*, tags: bool) -> str:
    """Inserts todos and, if all ids were free, their tags, counts and log rows.

    Returns the created todos with their tags.
    """
    parts = [
        CLOCK,
        LOCKED,
        INSERTED,
        ALL_INSERTED,
        *([TAGS_UPSERTED, TAGGED] if tags else []),
        LOGGED,
    ]
    return f"WITH {', '.join(parts)} {CREATED_TAGS if tags else CREATED_WITHOUT_TAGS}"


@lru_cache
def store_statement(*, todos: bool, tags: bool, added: bool, removed: bool) -> str:
    """Updates todos with their tags, counts and log rows; each flag adds the CTE for such rows."""
    parts = {UPDATED: todos, TAGS_UPSERTED: tags, TAGGED: added, UNTAGGED: removed}
    chosen = [CLOCK, READY, *(part for part, is_chosen in parts.items() if is_chosen), LOGGED]
    return f"WITH {', '.join(chosen)} SELECT"
