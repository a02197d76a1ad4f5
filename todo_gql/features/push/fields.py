"""The fields of Query and Mutation for pushes."""

from typing import Annotated

import strawberry

from todo_gql.api.errors import not_found
from todo_gql.api.node import parse_id
from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.push.access import PUSH_COLUMNS, visible_push_subscriptions
from todo_gql.features.push.inputs import PushSubscribeInput
from todo_gql.features.push.types import PushSubscription
from todo_gql.features.push.writes import subscribe, unsubscribe
from todo_gql.operation.context import Info
from todo_gql.push.keys import push_key


@strawberry.type
class PushQuery:
    """The query fields of pushes."""

    @strawberry.field(
        description="What browsers take as `applicationServerKey`; null where the server sends no pushes. "
        "Subscribe anew when it has changed.",
        metadata=scoped(None),
    )
    async def push_public_key(self, info: Info) -> str | None:
        info.context.signed_in()
        key = push_key(info.context.settings)
        return key.public if key else None

    @strawberry.field(
        description="The viewer's browsers that are subscribed, newest first.",
        metadata=scoped(None),
    )
    async def push_subscriptions(self, info: Info) -> list[PushSubscription]:
        statement = visible_push_subscriptions(info.context.signed_in())
        text = statement.select(PUSH_COLUMNS, "p.created_at DESC, p.id DESC")
        return [PushSubscription.from_row(row) for row in await fetch(text, *statement.values)]


@strawberry.type
class PushMutation:
    """The mutation fields of pushes."""

    @strawberry.mutation(
        description="Has the viewer's notifications pushed to a browser until the session ends, to 20 "
        "browsers at most. The same endpoint again updates its keys.",
        metadata=scoped(None),
    )
    async def push_subscribe(
        self,
        info: Info,
        input: Annotated[
            PushSubscribeInput, strawberry.argument(description="The browser's subscription.")
        ],
    ) -> AcceptedPayload | None:
        errors = await subscribe(info.context, input)
        return AcceptedPayload(ok=not errors, errors=errors)

    @strawberry.mutation(description="Pushes nothing more to a browser.", metadata=scoped(None))
    async def push_unsubscribe(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The subscription's id.")],
    ) -> AcceptedPayload | None:
        viewer, subscription_id = info.context.signed_in(), parse_id(id)
        if subscription_id is None or not await unsubscribe(viewer.id, subscription_id):
            return AcceptedPayload(ok=False, errors=[not_found("id")])
        info.context.clear_loaders()
        return AcceptedPayload(ok=True)
