"""The batch function that loads deliveries."""

from collections import defaultdict
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments, ParentPage, fetch_parent_pages
from todo_gql.api.scalars import json_fragment
from todo_gql.features.webhooks.access import (
    DELIVERY_COLUMNS,
    NEWEST_FIRST,
    visible_deliveries,
)
from todo_gql.observability.request_record import loader
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.loaders import LoaderContext


class DeliveriesKey(NamedTuple):
    """A page of the deliveries of a webhook, of all states or of one."""

    page: ParentPage
    state: int | None

    @classmethod
    def of(cls, webhook_id: UUID, state: int | None, arguments: PageArguments) -> "DeliveriesKey":
        """The key of a page; `BadUserInput` for invalid arguments or cursors."""
        return cls(ParentPage.of(webhook_id, arguments, NEWEST_FIRST), state)


@loader
async def delivery_pages(context: LoaderContext, keys: list[DeliveriesKey]) -> list[Page]:
    """A page of the deliveries of each webhook, newest first."""
    by_state = defaultdict[int | None, list[ParentPage]](list)
    for key in keys:
        by_state[key.state].append(key.page)
    pages: dict[DeliveriesKey, Page] = {}
    for state, parents in by_state.items():
        statement = visible_deliveries(context.viewer)
        if state is not None:
            statement.where(f"d.state = {statement.bind(state)}")
        loaded = await fetch_parent_pages(
            statement, "d.webhook_id", parents, DELIVERY_COLUMNS, NEWEST_FIRST
        )
        for parent, page in zip(parents, loaded, strict=True):
            rows = await parse_json_column(list(page.rows), "payload", json_fragment)
            pages[DeliveriesKey(parent, state)] = page._replace(rows=rows)
    return [pages[key] for key in keys]
