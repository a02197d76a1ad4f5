"""Changing an account's e-mail address, once the new one is verified."""

from typing import Annotated

import strawberry
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from todo_gql.api.errors import UserError, invalid
from todo_gql.api.login_identifiers import normalize_email
from todo_gql.api.token_scopes import scoped
from todo_gql.database.models import MailKind, User
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import (
    bad_link,
    database_time,
    locked_if_unchanged,
    own_account,
    to_user,
    too_many_mails,
    wrong_password,
)
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.email.links import find_link, using, void_links
from todo_gql.features.accounts.email.verification import LinkTokenArgument
from todo_gql.features.accounts.inputs import email_problem
from todo_gql.features.accounts.registration import address_conflict, email_columns
from todo_gql.features.accounts.types import AcceptedPayload, UserPayload
from todo_gql.inbox.security_events import SecurityEvent, enter_security_event
from todo_gql.inbox.wake_ups import announce
from todo_gql.operation.context import Info
from todo_gql.operation.credential_limits import Credential, key_for_link, key_for_viewer
from todo_gql.security.authentication import Viewer
from todo_gql.settings import Settings


@retried
async def confirm_email(
    text: str, viewer: Viewer | None, settings: Settings
) -> User | list[UserError]:
    """Change to the address that a token was mailed to; the account, or the errors."""
    link = await find_link(text, MailKind.EMAIL_CHANGE, viewer, settings)
    if link is None:
        return [bad_link("token")]
    try:
        async with using(link) as account:
            if account is None:
                return [bad_link("token")]
            await _change(account, link.address, settings)
    except IntegrityError as error:
        return [address_conflict(error, "token")]
    announce([account.id])
    return account


async def _change(account: User, address: str, settings: Settings) -> None:
    former, columns = account.email, email_columns(address)
    was_proven = account.email_verified_at is not None
    account.update_from_dict(columns | {"email_verified_at": await database_time()})
    await account.save(update_fields=[*columns, "email_verified_at"])
    await void_links(account.id)
    if _is_different(address, former):
        kind = MailKind.EMAIL_CHANGED
        await outbox.enqueue(account, kind, settings, address=former, is_proven=was_proven)
        await enter_security_event(account.id, SecurityEvent.EMAIL_CHANGED)


def _is_different(address: str, former: str) -> bool:
    """Whether an address differs by more than letter case, so that the former gets a notice.

    Both may still be one mailbox to us: we fold more than a mail server has to, so the new one may be
    somebody else's.
    """
    return address.lower() != former.lower()


@retried
async def _request_change(checked: User, email: str, viewer: Viewer, settings: Settings) -> bool:
    """Mail a link to the new address and a notice to the old one; False above the limit of these.

    A request for the address that the account has already voids the earlier links.
    """
    async with in_transaction():
        account = await locked_if_unchanged(checked)
        if email == account.email:
            await void_links(account.id, MailKind.EMAIL_CHANGE)
            return True
        if not await outbox.enqueue(
            account,
            MailKind.EMAIL_CHANGE,
            settings,
            address=email,
            session_id=viewer.session_id,
        ):
            return False
        if _is_different(email, account.email):
            await outbox.enqueue(account, MailKind.EMAIL_CHANGE_REQUESTED, settings)
            await enter_security_event(account.id, SecurityEvent.EMAIL_CHANGE_REQUESTED)
    announce([account.id])
    return True


@strawberry.type
class EmailChangeMutation:
    """The fields of Mutation that change an address."""

    @strawberry.mutation(
        description="Mails a link to the new address and the news to the old one; the account "
        "keeps the old one until `emailChangeConfirm`. Makes earlier links void, and asking for the "
        "address that the account has does nothing else. The session's end makes the link void.",
        extensions=[Credential(AcceptedPayload, account=key_for_viewer)],
        metadata=scoped(None),
    )
    async def email_change_request(
        self,
        info: Info,
        email: Annotated[str, strawberry.argument(description="The new address.")],
        current_password: Annotated[
            str, strawberry.argument(description="The account's password.")
        ],
    ) -> AcceptedPayload | None:
        context = info.context
        viewer, email = context.signed_in(), normalize_email(email)
        account = await own_account(viewer)
        errors: list[UserError] = []
        if problem := email_problem(email, context.settings):
            errors.append(invalid(*problem, "email"))
        errors += await wrong_password(account, current_password, context, "currentPassword")
        if not errors and not await _request_change(account, email, viewer, context.settings):
            errors.append(too_many_mails())
        return AcceptedPayload(ok=not errors, errors=errors)

    @strawberry.mutation(
        description="Moves the account to the address that the token was mailed to. Needs no "
        "session; a token of somebody else than the viewer is refused.",
        extensions=[Credential(UserPayload, account=key_for_link("token"))],
        metadata=scoped(None),
    )
    async def email_change_confirm(
        self, info: Info, token: LinkTokenArgument
    ) -> UserPayload | None:
        moved = await confirm_email(token, info.context.viewer, info.context.settings)
        if isinstance(moved, list):
            return UserPayload(errors=moved)
        info.context.clear_loaders()
        return UserPayload(user=to_user(moved))
