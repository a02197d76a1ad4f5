"""Reading the viewer's change log."""

from uuid import UUID

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import PageArguments, fetch_page
from todo_gql.api.errors import BadUserInput
from todo_gql.api.page_arguments import After, FirstOrDefault
from todo_gql.changelog.access import CHANGE_COLUMNS, visible_changes
from todo_gql.changelog.cursors import cursor_of, feed_keyset
from todo_gql.changelog.positions import position_of, read_log
from todo_gql.features.changes.loaders import log_ends
from todo_gql.features.todos.types import ChangeConnection
from todo_gql.operation.context import Info

RESYNC_REQUIRED = "RESYNC_REQUIRED"


async def _check_position(owner_id: UUID, cursor: str) -> None:
    """`BadUserInput` unless the cursor's change and every one after it are still there."""
    position = position_of(owner_id, cursor)
    if position is None or not (await read_log(owner_id, position)).continues_from(position):
        raise BadUserInput(
            "The feed can't continue from this cursor. Load everything again, and continue from"
            " changeCursor.",
            reason=RESYNC_REQUIRED,
        )


@strawberry.type
class ChangeQuery:
    """The query fields of the change log."""

    @strawberry.field(
        description="Every change to the viewer's todos after the cursor, oldest first; without "
        "a cursor, from the oldest kept."
    )
    async def changes(
        self,
        info: Info,
        after: After = UNSET,
        first: FirstOrDefault = UNSET,
    ) -> ChangeConnection:
        viewer = info.context.signed_in()
        arguments = PageArguments.of(first, after)
        if arguments.after is not None:
            await _check_position(viewer.id, arguments.after)
        page = await fetch_page(
            visible_changes(viewer), CHANGE_COLUMNS, feed_keyset(viewer.id), arguments
        )
        return await ChangeConnection.of(page)

    @strawberry.field(
        description="The newest position in the viewer's feed; take it before loading a list, "
        "then go on after it, and nothing is missed."
    )
    async def change_cursor(self, info: Info) -> str:
        viewer = info.context.signed_in()
        end = await info.context.loader(log_ends).load_one(viewer.id)
        return cursor_of(viewer.id, end["seq"], end["change_id"])
