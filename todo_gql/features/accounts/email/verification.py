"""Verifying that an e-mail address is the user's own."""

from typing import Annotated

import strawberry
from tortoise.transactions import in_transaction

from todo_gql.api.errors import Unauthenticated
from todo_gql.api.token_scopes import scoped
from todo_gql.database.models import MailKind, User
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import (
    bad_link,
    database_time,
    locked_account,
    to_user,
    too_many_mails,
)
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.email.links import find_link, using, void_links
from todo_gql.features.accounts.types import AcceptedPayload, UserPayload
from todo_gql.operation.context import Info
from todo_gql.operation.credential_limits import Credential, key_for_link, key_for_viewer
from todo_gql.security.authentication import Viewer
from todo_gql.settings import Settings

LinkTokenArgument = Annotated[
    str, strawberry.argument(description="The token in the link of the mail.")
]


@retried
async def verify_email(text: str, viewer: Viewer | None, settings: Settings) -> User | None:
    """Verify the address that a token was mailed to; its account, None if the token isn't valid."""
    link = await find_link(text, MailKind.VERIFICATION, viewer, settings)
    if link is None:
        return None
    async with using(link) as account:
        if account:
            account.email_verified_at = account.email_verified_at or await database_time()
            await account.save(update_fields=["email_verified_at"])
            await void_links(account.id, MailKind.VERIFICATION)
    return account


@strawberry.type
class VerificationMutation:
    """The fields of Mutation that prove an address."""

    @strawberry.mutation(
        description="Mails the viewer a link that proves their address; nothing is sent when it "
        "is proven already. Makes earlier links void, and the session's end does so with this one.",
        extensions=[Credential(AcceptedPayload, account=key_for_viewer)],
        metadata=scoped(None),
    )
    @retried
    async def email_verification_request(self, info: Info) -> AcceptedPayload | None:
        viewer, settings = info.context.signed_in(), info.context.settings
        async with in_transaction():
            account = await locked_account(viewer.id)
            if account is None:
                raise Unauthenticated
            is_due = account.email_verified_at is None
            if is_due and not await outbox.enqueue(
                account, MailKind.VERIFICATION, settings, session_id=viewer.session_id
            ):
                return AcceptedPayload(errors=[too_many_mails()])
        return AcceptedPayload(ok=True)

    @strawberry.mutation(
        description="Proves an address by the token that was mailed to it, once. Needs no session;"
        " a token of somebody else than the viewer is refused.",
        extensions=[Credential(UserPayload, account=key_for_link("token"))],
        metadata=scoped(None),
    )
    async def email_verify(self, info: Info, token: LinkTokenArgument) -> UserPayload | None:
        account = await verify_email(token, info.context.viewer, info.context.settings)
        if account is None:
            return UserPayload(errors=[bad_link("token")])
        info.context.clear_loaders()
        return UserPayload(user=to_user(account))
