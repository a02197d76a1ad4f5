"""Places in an owner's change log, and the pages that begin there."""

from functools import lru_cache, partial
from uuid import UUID

from todo_gql.loaders import HistoryKey, Loaders
from todo_gql.pagination import Keyset, Page, PageArguments, SortKey, parse_number

NEWEST = 2**63 - 1


@lru_cache(maxsize=1024)
def feed_keyset(owner_id: UUID) -> Keyset:
    """The owner's log, oldest first."""
    return Keyset(SortKey("seq", "c.seq", "seq", parse_number), scope=f"changes of {owner_id}")


def history_keyset(owner_id: UUID) -> Keyset:
    """The owner's log, newest first; its cursors are those of the feed."""
    key = SortKey("seq", "c.seq", "seq", parse_number, descending=True)
    return Keyset(key, scope=f"changes of {owner_id}")


def cursor_of(owner_id: UUID, seq: int) -> str:
    """The cursor of the owner's change number `seq`."""
    return feed_keyset(owner_id).cursor_of([seq])


async def history_page(
    loaders: Loaders, todo_id: UUID, keyset: Keyset, arguments: PageArguments
) -> Page:
    """A page of one todo's changes, fetched together with those of its siblings."""
    size = arguments.size(50)
    after = keyset.values(arguments.after)[0] if arguments.after is not None else NEWEST
    assert isinstance(after, int)
    key = HistoryKey(todo_id, size + 1, after)
    rows = await loaders.history_by_todo_id.load(key)
    newer = partial(loaders.newer_history_by_todo_id.load, key)
    return Page(rows[:size], keyset, newer if arguments.after else False, len(rows) > size)
