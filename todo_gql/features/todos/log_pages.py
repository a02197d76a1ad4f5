"""Pages of owners' logs that others may see: the activity of a list, and the history of a todo in it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments
from todo_gql.api.keyset import Keyset
from todo_gql.changelog.access import IS_OF_TODO, LOG_COLUMNS
from todo_gql.changelog.cursors import history_keyset, others_log_keyset
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import ChangeKind
from todo_gql.features.todos.redaction import redacted
from todo_gql.observability.request_record import loader
from todo_gql.operation.context import Context
from todo_gql.operation.loaders import BatchFunction, LoaderContext, rows_by_number
from todo_gql.security.authentication import Viewer

AFTER_NEWEST: Final = 2**63 - 1
KNOWN_KINDS: Final = (
    f"c.kind = ANY('{{{','.join(str(kind.value) for kind in ChangeKind)}}}'::smallint[])"
)
COLUMNS: Final = ", ".join(("k.number", *LOG_COLUMNS, "c.entity_id"))
KEYS: Final = """unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[])
    WITH ORDINALITY AS k (id, size, before, before_id, number)"""
# Who isn't the owner has to be a member of the list, outside the trash, when the statement runs.
SEES_LIST: Final = """(o.owner_id = $1 OR EXISTS (
    SELECT FROM list_members m JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id
    WHERE m.owner_id = o.owner_id AND m.list_id = {} AND m.user_id = $1 AND l.deleted_at IS NULL))"""
# The cursors of others' logs name a change, and not its number.
BEFORE: Final = """c.seq < coalesce(k.before, (
    SELECT b.seq FROM changes b WHERE b.owner_id = o.owner_id AND b.id = k.before_id), 0)"""
ACTIVITY: Final = f"""
SELECT {COLUMNS} FROM {KEYS} JOIN lists o ON o.id = k.id CROSS JOIN LATERAL (
    SELECT * FROM changes c WHERE c.owner_id = o.owner_id AND c.list_id = k.id AND {KNOWN_KINDS}
        AND {BEFORE} ORDER BY c.seq DESC LIMIT k.size
) c WHERE {SEES_LIST.format("o.id")} ORDER BY k.number, c.seq DESC
"""
# What happened to a todo before it came into the list is for those who saw it there.
ENTERED: Final = f"""coalesce((
    SELECT max(c.seq) FROM changes c WHERE c.owner_id = o.owner_id AND c.todo_id = k.id AND {IS_OF_TODO}
        AND c.diff @> '[{{"name": "listId"}}]'), 0)"""
OTHERS_HISTORY: Final = f"""
SELECT {COLUMNS} FROM {KEYS} JOIN todos o ON o.id = k.id CROSS JOIN LATERAL (
    SELECT * FROM changes c WHERE c.owner_id = o.owner_id AND c.todo_id = k.id AND {IS_OF_TODO}
        AND c.seq >= {ENTERED} AND {BEFORE} ORDER BY c.seq DESC LIMIT k.size
) c WHERE {SEES_LIST.format("o.list_id")} ORDER BY k.number, c.seq DESC
"""


class LogPageKey(NamedTuple):
    """A page of the changes of a list or a todo in its owner's log, newest first: `size` changes.

    They come before a number, or before the change `before_id`.
    """

    id: UUID
    size: int
    before: int | None = AFTER_NEWEST
    before_id: UUID | None = None

    @classmethod
    def of(
        cls, viewer: Viewer, owner_id: UUID, id: UUID, arguments: PageArguments
    ) -> tuple["LogPageKey", Keyset]:
        """The key of the page that arguments select, with one change more, and the keyset of its cursors."""
        size = arguments.size(50) + 1
        is_own = owner_id == viewer.id
        keyset = history_keyset(owner_id) if is_own else others_log_keyset(owner_id)
        if arguments.after is None:
            return cls(id, size), keyset
        after: Any = keyset.values(arguments.after)[0]
        before = {"before": after} if is_own else {"before": None, "before_id": after}
        return cls(id, size, **before), keyset


async def _pages(context: LoaderContext, text: str, keys: Sequence[LogPageKey]) -> list[list[Any]]:
    """A page for each key, redacted for the viewer."""
    viewer = context.viewer
    rows = await fetch(text, viewer.id, *map(list, zip(*keys, strict=True)))
    shown: Sequence[Any] = await redacted(viewer, rows)
    return rows_by_number(shown, len(keys))


@loader
async def activity_by_list(context: LoaderContext, keys: list[LogPageKey]) -> list[list[Row]]:
    """A page of what happened in each list; nothing for a list that the viewer doesn't see."""
    return await _pages(context, ACTIVITY, keys)


@loader
async def others_history(context: LoaderContext, keys: list[LogPageKey]) -> list[list[Row]]:
    """A page of the history of each of others' todos since it last came into its list."""
    return await _pages(context, OTHERS_HISTORY, keys)


async def log_page(
    context: Context,
    load: BatchFunction[LogPageKey, list[Row]],
    owner_id: UUID,
    id: UUID,
    arguments: PageArguments,
) -> Page:
    """A page of redacted changes of a list or a todo, newest first, loaded with those of others.

    `BadUserInput` for a cursor of another list.
    """
    key, keyset = LogPageKey.of(context.signed_in(), owner_id, id, arguments)
    rows = await context.loader(load).load_one(key)
    newer = partial(_has_newer, context, load, key)
    has_newer = newer if arguments.after is not None else False
    return Page(rows[: key.size - 1], keyset, has_newer, len(rows) >= key.size)


async def _has_newer(
    context: Context, load: BatchFunction[LogPageKey, list[Row]], key: LogPageKey
) -> bool:
    """Whether there is a change that isn't older than the page: the newest one is none of the page's."""
    newest = await context.loader(load).load_one(LogPageKey(key.id, 1))
    page = await context.loader(load).load_one(key)
    return bool(newest) and newest[0]["id"] not in {row["id"] for row in page}
