"""The fields of Query and Mutation for webhooks."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.page_arguments import After
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.webhooks.access import WEBHOOK_COLUMNS, visible_webhooks
from todo_gql.features.webhooks.inputs import WebhookCreateInput, WebhookUpdateInput
from todo_gql.features.webhooks.redelivery import redeliver, send_test
from todo_gql.features.webhooks.types import Webhook, WebhookDeliveryPayload, WebhookPayload
from todo_gql.features.webhooks.writes import (
    create_webhook,
    delete_webhook,
    rotate_secret,
    update_webhook,
)
from todo_gql.operation.context import Info

WebhookId = Annotated[strawberry.ID, strawberry.argument(description="The webhook's id.")]


@strawberry.type
class WebhookQuery:
    """The query fields of webhooks."""

    @strawberry.field(
        description="The viewer's webhooks, at most 10, newest first.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhooks(self, info: Info) -> list[Webhook]:
        statement = visible_webhooks(info.context.signed_in())
        text = statement.select(WEBHOOK_COLUMNS, "w.created_at DESC, w.id DESC")
        return [Webhook.from_row(row) for row in await fetch(text, *statement.values)]


@strawberry.type
class WebhookMutation:
    """The mutation fields of webhooks."""

    @strawberry.mutation(
        description="Has what happens in the viewer's feed from now on sent to a URL; an account has 10 webhooks "
        "at most. The answer has the secret, which isn't shown again.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhook_create(
        self,
        info: Info,
        input: Annotated[WebhookCreateInput, strawberry.argument(description="Its values.")],
    ) -> WebhookPayload | None:
        return await create_webhook(info.context, input)

    @strawberry.mutation(
        description="Changes a webhook, or has it pause or go on.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhook_update(
        self,
        info: Info,
        id: WebhookId,
        input: Annotated[WebhookUpdateInput, strawberry.argument(description="Its new values.")],
    ) -> WebhookPayload | None:
        return await update_webhook(info.context, id, input)

    @strawberry.mutation(
        description="Replaces a webhook's secret. For 24 hours deliveries have a signature with the secret before, too.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhook_rotate_secret(self, info: Info, id: WebhookId) -> WebhookPayload | None:
        return await rotate_secret(info.context, id)

    @strawberry.mutation(
        description="Sends an event of the type `webhook.test` to a webhook, once and whatever its state.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhook_test(self, info: Info, id: WebhookId) -> WebhookDeliveryPayload | None:
        return await send_test(info.context, id)

    @strawberry.mutation(
        description="Sends deliveries of a webhook once more, each with its id, or goes on after any cursor of "
        "the feed: what follows it is sent, whether it was sent before or not.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhook_redeliver(
        self,
        info: Info,
        id: WebhookId,
        delivery_ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="1 to 100 deliveries; absent with `after`."),
        ] = UNSET,
        after: After = UNSET,
    ) -> WebhookPayload | None:
        return await redeliver(info.context, id, unset_to_none(delivery_ids), unset_to_none(after))

    @strawberry.mutation(
        description="Deletes a webhook with its deliveries: nothing more is sent to it.",
        metadata=scoped(TokenScope.WEBHOOKS),
    )
    async def webhook_delete(self, info: Info, id: WebhookId) -> AcceptedPayload | None:
        errors = await delete_webhook(info.context, id)
        return AcceptedPayload(ok=not errors, errors=errors)
