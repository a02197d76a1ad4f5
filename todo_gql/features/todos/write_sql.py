"""The statements of the write path: each is composed of the CTEs that the write needs.

`$1` is the owner's id, `$2` a JSON object of the rows to write, and `$3` the id of the actor, who
writes them; an array parameter per column would cost asyncpg more than the rest of the write. The
`now` of `$2` is the time of the write, or null for PostgreSQL's clock at the execution.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from todo_gql.changelog.mirror import MIRRORED, MIRRORED_NUMBERS
from todo_gql.database.models import Priority, Status, Todo, column_types
from todo_gql.features.todos.columns import TAG_IS_UNUSED
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.state import DETAIL_NAMES, SCHEDULE_NAMES, TEXT_NAMES, WRITTEN_COLUMNS
from todo_gql.features.todos.storage import TODO_COUNT
from todo_gql.features.todos.write_deltas import COUNTS

IMMUTABLE_COLUMNS = frozenset({"id", "owner_id", "created_at"})
TIME_COLUMNS = frozenset({"created_at", "updated_at"})
# With what follows from them. Triggers of these and of details cost as much as a fifth of the statement, and
# are left out of statements that don't set them.
TEXT_COLUMNS = frozenset({*TEXT_NAMES, "search_text"})
DETAIL_COLUMNS = frozenset(DETAIL_NAMES)
DAY_COLUMNS = frozenset({*SCHEDULE_NAMES, "due_on", "start_on"})
# Columns that have their defaults in a new todo, and that most changes leave as they are.
PLACEMENT_COLUMNS = frozenset(field.name for field in stored_fields() if field.is_placement)
SUBTASK_COUNTS = ("subtask_count", "completed_subtask_count")
COLUMN_TYPES = column_types(Todo)
STATUSES = [status.name.lower() for status in Status]


class StatementParts(NamedTuple):
    """Which parts a statement needs.

    `tags`: counts of tags change; `added` and `removed`: todos gain or lose tags; `due`: counts of days
    change; `placed`: what says where todos stand, counts of lists or of subtasks, or changes of lists;
    `texts`: titles, descriptions or metadata; `dates`: when todos start and are due; `created`: new todos
    were created elsewhere, before.
    """

    tags: bool
    added: bool
    removed: bool
    due: bool
    placed: bool
    texts: bool
    details: bool
    statuses: bool
    priorities: bool
    dates: bool
    created: bool


def created_columns(parts: StatementParts) -> tuple[str, ...]:
    """The columns of the rows of new todos in the JSON parameter; PostgreSQL sets their times."""
    omitted = TIME_COLUMNS - {"created_at"} if parts.created else TIME_COLUMNS
    return _written_columns(omitted, parts._replace(texts=True, details=True))


def updated_columns(parts: StatementParts) -> tuple[str, ...]:
    """The columns of the rows of todos that change."""
    return _written_columns(frozenset({"created_at"}), parts)


@lru_cache
def _written_columns(omitted: frozenset[str], parts: StatementParts) -> tuple[str, ...]:
    """All written columns but the omitted ones, and those of parts that the statement doesn't need."""
    if not parts.placed:
        omitted |= PLACEMENT_COLUMNS
    if not parts.texts:
        omitted |= TEXT_COLUMNS
    if not parts.details:
        omitted |= DETAIL_COLUMNS
    if not parts.dates:
        omitted |= DAY_COLUMNS
    return tuple(name for name in WRITTEN_COLUMNS if name not in omitted)


def _new_rows(columns: Iterable[str]) -> str:
    """The rows `n` to write; JSON inside the JSON parameter is sent as text."""
    types = (f"{name} {COLUMN_TYPES[name].replace('JSONB', 'TEXT')}" for name in columns)
    return f"jsonb_to_recordset($2::jsonb -> 'todos') AS ({', '.join(types)})"


def _new_value(name: str) -> str:
    return f"n.{name}{'::jsonb' if COLUMN_TYPES[name] == 'JSONB' else ''}"


# A statement that waits for the lock sees all but the locked row as it was before, so that it has to skip
# its work if somebody else holds the lock. Whoever changes todos changes this row as well: its version
# says whether anybody has done so since the statement began.
IS_CURRENT = "u.ctid = (SELECT ctid FROM users WHERE id = $1) AS is_current"
WITHOUT_WAITING = "FOR NO KEY UPDATE OF u SKIP LOCKED"
LOCKED = f"""locked AS MATERIALIZED (
    SELECT {IS_CURRENT} FROM users u WHERE id = $1 {WITHOUT_WAITING}
)"""
# The end of the log, the time of the write, and whether the quota has room for the new todos: always without
# a quota. There is no row without the lock, or if the statement doesn't see what was written last.
FEED = f"""feed AS MATERIALIZED (
    SELECT seq, coalesce(($2::jsonb ->> 'now')::timestamptz, clock_timestamp()) AS now, (
        {TODO_COUNT} + jsonb_array_length($2::jsonb -> 'todos') <= ($2::jsonb -> 'quota' -> 0)::int
        AND stored_bytes + ($2::jsonb -> 'counts' -> {COUNTS})::bigint <= ($2::jsonb -> 'quota' -> 1)::bigint
    ) IS NOT FALSE AS has_room FROM feeds, locked WHERE owner_id = $1 AND locked.is_current
)"""
# A new todo stands behind all others: no key begins with a number higher than that of the newest change.
LAST_POSITION = "position_key(feed.seq + n.number)"


def _inserted(parts: StatementParts) -> str:
    """Inserts the new todos whose ids are free.

    An id in the owner's log belongs to a todo that exists or was purged, whatever kind of change names
    it. A scalar subquery uses the index for each id; a join could read the whole log. `ready` is the one
    row on which all further CTEs depend, which exists if all todos were inserted.
    """
    columns = created_columns(parts)
    values = {name: _new_value(name) for name in columns}
    values |= dict.fromkeys(sorted(TIME_COLUMNS - values.keys()), "feed.now")
    values["position"] = f"coalesce(n.position, {LAST_POSITION})" if parts.placed else LAST_POSITION
    # Of what was created elsewhere, only the other time is that of the write.
    written, returned = ("updated_at", ", updated_at") if parts.created else ("created_at", "")
    return f"""inserted AS (
    INSERT INTO todos ({", ".join(values)}) SELECT {", ".join(values.values())}
    FROM feed, ROWS FROM ({_new_rows(columns)}) WITH ORDINALITY AS n ({", ".join(columns)}, number)
    WHERE feed.has_room AND (
        SELECT c.seq FROM changes c WHERE c.owner_id = $1 AND c.todo_id = n.id LIMIT 1
    ) IS NULL ON CONFLICT (id) DO NOTHING RETURNING id, created_at{returned}, position
), ready AS (
    SELECT max({written}) AS now FROM inserted HAVING count(*) = jsonb_array_length($2::jsonb -> 'todos')
)"""


def _updated(parts: StatementParts) -> str:
    columns = updated_columns(parts)
    values = {name: _new_value(name) for name in columns if name not in IMMUTABLE_COLUMNS}
    if parts.placed:
        # By how much they change, since they may have changed since the todo was loaded.
        values |= {name: f"t.{name} + n.{name}" for name in SUBTASK_COUNTS}
    return f"""updated AS (
    UPDATE todos t SET {", ".join(f"{name} = {value}" for name, value in values.items())}
    FROM ROWS FROM ({_new_rows(columns)}) AS n WHERE t.owner_id = n.owner_id AND t.id = n.id
)"""


READY = "ready AS (SELECT ($2::jsonb ->> 'now')::timestamptz AS now)"
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
DUE_COUNTED = """due_counted AS (
    INSERT INTO due_counts (owner_id, day, is_timed, open_count, closed_count)
    SELECT $1, d.day, d.is_timed, d.open, d.closed
    FROM ready, jsonb_to_recordset($2::jsonb -> 'due')
        AS d (day date, is_timed boolean, open int, closed int)
    ON CONFLICT (owner_id, day, is_timed) DO UPDATE
    SET open_count = due_counts.open_count + excluded.open_count,
        closed_count = due_counts.closed_count + excluded.closed_count
)"""
LISTS_COUNTED = f"""lists_counted AS (
    UPDATE lists l SET {
    ", ".join(
        f"{name}_count = l.{name}_count + (d.counts -> {number})::int"
        for number, name in enumerate(STATUSES)
    )
}
    FROM ready, jsonb_to_recordset($2::jsonb -> 'lists') AS d (id uuid, counts jsonb)
    WHERE l.owner_id = $1 AND l.id = d.id
)"""
LIST_TAGS_COUNTED = """list_tags_counted AS (
    INSERT INTO list_tags (owner_id, list_id, tag_id, todo_count)
    SELECT $1, d.list_id, g.id, d.delta
    FROM jsonb_to_recordset($2::jsonb -> 'list_tags') AS d (list_id uuid, name text, delta int)
    JOIN upserted g ON g.name = d.name
    ON CONFLICT (owner_id, list_id, tag_id) DO UPDATE
    SET todo_count = list_tags.todo_count + excluded.todo_count
)"""
# Of parents that don't change otherwise, so that they get no new version.
SUBTASKS_COUNTED = """subtasks_counted AS (
    UPDATE todos p SET subtask_count = p.subtask_count + d.subtasks,
        completed_subtask_count = p.completed_subtask_count + d.completed
    FROM ready, jsonb_to_recordset($2::jsonb -> 'parents') AS d (id uuid, subtasks int, completed int)
    WHERE p.owner_id = $1 AND p.id = d.id
)"""


STATUS_COLUMNS = tuple(f"{name}_count" for name in (*STATUSES, "trash"))
PRIORITY_COLUMNS = tuple(f"{priority.name.lower()}_count" for priority in Priority)
NUMBER_COLUMNS = ("stored_bytes", "seq", "counted_seq")
# The columns of `feeds`, by the index of what is added to them in the parameter's `counts`.
COUNT_INDEXES = {
    name: index for index, name in enumerate((*STATUS_COLUMNS, *PRIORITY_COLUMNS, *NUMBER_COLUMNS))
}


def _counted(parts: StatementParts) -> str:
    """Adds to the row of feeds: the numbers, and those counts that change."""
    statuses = STATUS_COLUMNS if parts.statuses else ()
    added = (*statuses, *(PRIORITY_COLUMNS if parts.priorities else ()), *NUMBER_COLUMNS)
    values = (
        f"{name} = {name} + ($2::jsonb -> 'counts' -> {COUNT_INDEXES[name]})::bigint"
        for name in added
    )
    # What is copied, and what the lines of the log need; each column costs something.
    return f"""counted AS (
    UPDATE feeds SET {", ".join(values)} FROM ready WHERE owner_id = $1
    RETURNING owner_id, {", ".join((*statuses, *NUMBER_COLUMNS))}, now
), {MIRRORED if parts.statuses else MIRRORED_NUMBERS}"""


def _logged(*, placed: bool) -> str:
    """The lines of the log; `first` is the number of the mutation's first change."""
    columns = "id uuid, later int, todo_id uuid, action smallint, diff jsonb, list_id uuid"
    names = "id, owner_id, seq, todo_id, actor_id, action, diff, at, list_id, first_seq"
    values = """n.id, $1, f.seq - n.later, n.todo_id, $3::uuid, n.action, n.diff, f.now, n.list_id,
        coalesce(($2::jsonb -> 'first_seq')::bigint, f.seq + 1 - jsonb_array_length($2::jsonb -> 'changes'))"""
    if placed:
        columns += ", kind smallint, entity_id uuid"
        names += ", kind, entity_id"
        values += ", coalesce(n.kind, 0), n.entity_id"
    return f"""logged AS (
    INSERT INTO changes ({names}) SELECT {values}
    FROM counted f, jsonb_to_recordset($2::jsonb -> 'changes') AS n ({columns})
)"""


DELETE_INSERTED = "DELETE FROM todos WHERE owner_id = $1 AND id = ANY($2)"
DELETE_UNUSED_TAGS = (
    f"DELETE FROM tags g WHERE g.owner_id = $1 AND g.name = ANY($2::text[]) AND {TAG_IS_UNUSED}"
)
# The tags of the created todos; a todo without tags has one row with nulls. The lock is taken even if
# there are none.
CREATED_TAGS = """
SELECT g.name, g.id, g.todo_count, m.id AS todo_id, m.created_at, m.position,
    (SELECT seq FROM counted) AS seq FROM inserted m
LEFT JOIN tagged ON tagged.todo_id = m.id LEFT JOIN upserted g ON g.id = tagged.tag_id
WHERE EXISTS (SELECT FROM locked) ORDER BY g.name
"""
CREATED_WITHOUT_TAGS = """
SELECT m.id AS todo_id, NULL AS id, m.created_at, m.position, (SELECT seq FROM counted) AS seq
FROM inserted m
WHERE EXISTS (SELECT FROM locked)
"""


def _counts(parts: StatementParts) -> list[str]:
    """The CTEs for whatever is counted besides the tags."""
    due = [DUE_COUNTED] if parts.due else []
    in_lists = [LIST_TAGS_COUNTED] if parts.tags else []
    placed = [LISTS_COUNTED, *in_lists, SUBTASKS_COUNTED] if parts.placed else []
    return [*due, *placed, _counted(parts), _logged(placed=parts.placed)]


@lru_cache
def create_statement(parts: StatementParts, *, waits: bool = False) -> str:
    """Takes the owner's lock, and inserts todos and, if all ids were free, their tags, counts and log rows.

    Returns the created todos with their tags. If others write to the owner's data, it does nothing. The
    one that `waits` for them is for two executions in one transaction: the first has a null payload, and
    takes the lock only.
    """
    ctes = [
        LOCKED.replace(" SKIP LOCKED", "") if waits else LOCKED,
        FEED,
        _inserted(parts),
        *([TAGS_UPSERTED, TAGGED] if parts.tags else []),
        *_counts(parts),
    ]
    return f"WITH {', '.join(ctes)} {CREATED_TAGS if parts.tags else CREATED_WITHOUT_TAGS}"


@lru_cache
def store_statement(parts: StatementParts, *, todos: bool) -> str:
    """Updates todos, if there are `todos` to update, with their tags, counts and log rows."""
    ctes = [
        READY,
        *([_updated(parts)] if todos else []),
        *([TAGS_UPSERTED] if parts.tags else []),
        *([TAGGED] if parts.added else []),
        *([UNTAGGED] if parts.removed else []),
        *_counts(parts),
    ]
    return f"WITH {', '.join(ctes)} SELECT"
