"""Pages of a todo's history."""

from functools import partial
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments
from todo_gql.api.keyset import Keyset
from todo_gql.features.todos.loaders import HistoryKey, history_by_todo_id, newer_history
from todo_gql.operation.context import Context

AFTER_NEWEST = 2**63 - 1


async def history_page(
    context: Context, todo_id: UUID, keyset: Keyset, arguments: PageArguments
) -> Page:
    """A page of one todo's changes, loaded in one batch with those of other todos.

    `BadUserInput` for a cursor of another list.
    """
    size = arguments.size(50)
    after = keyset.values(arguments.after)[0] if arguments.after is not None else AFTER_NEWEST
    assert isinstance(after, int)
    key = HistoryKey(todo_id, size + 1, after)
    rows = await context.loader(history_by_todo_id).load_one(key)
    newer = partial(context.loader(newer_history).load_one, key)
    return Page(rows[:size], keyset, newer if arguments.after else False, len(rows) > size)
