"""Resetting a lost password by a link in a mail."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from uuid import UUID

import strawberry
from tortoise.transactions import in_transaction
from uuid_utils.compat import uuid7

from todo_gql.api.errors import UserError, invalid
from todo_gql.api.login_identifiers import normalize_email
from todo_gql.api.token_scopes import scoped
from todo_gql.database.models import MailKind, User
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import bad_link, database_time, locked_account, names_of
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.email.links import OpenLink, find_link, using
from todo_gql.features.accounts.inputs import email_problem
from todo_gql.features.accounts.lookup import account_named
from todo_gql.features.accounts.revocation import revoke_access
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.inbox.security_events import SecurityEvent, enter_security_event
from todo_gql.inbox.wake_ups import announce
from todo_gql.jobs import queue as jobs
from todo_gql.operation.context import Info
from todo_gql.operation.credential_limits import Credential, key_for_input, key_for_link
from todo_gql.security.authentication import Viewer
from todo_gql.security.passwords import hash_password, password_problem
from todo_gql.settings import Settings

START_RESET: Final = "start_reset"
"""The kind of job that looks up who gets a link; stored in the queue."""


@strawberry.input(description="The token of a mail, and the password to have from now on.")
class PasswordResetInput:
    """The input of `passwordReset`."""

    token: str = strawberry.field(description="The token in the link of the mail.")
    new_password: str = strawberry.field(
        description="8 to 128 characters with an upper-case letter, a lower-case letter and a "
        "digit; not a common one and not one of the account's names."
    )


async def request_reset(email: str, requester: Viewer | None = None) -> None:
    """Enqueue a job that mails a link to the account with this address, if there is one.

    The worker looks the account up, so that the response takes the same time without one.
    """
    mail_id = uuid7()
    payload: dict[str, str | UUID] = {"email": email, "mail_id": mail_id}
    if requester:
        payload |= {"asker_id": requester.id, "session_id": requester.session_id}
    await jobs.enqueue(START_RESET, f"reset {mail_id}", payload)


async def start_reset(payload: Mapping[str, str], settings: Settings) -> None:
    """Enqueue the mail of a reset, once, if an active account has the address.

    `payload` is that of the job which `request_reset` enqueued.
    """
    match = await account_named(payload["email"])
    if match is None:
        return
    async with in_transaction():
        account = await locked_account(match.id)
        if account and account.is_active:
            is_own = payload.get("asker_id") == str(account.id)
            await outbox.enqueue(
                account,
                MailKind.PASSWORD_RESET,
                settings,
                mail_id=UUID(payload["mail_id"]),
                session_id=UUID(payload["session_id"]) if is_own else None,
            )


async def reset_password(
    fields: PasswordResetInput,
    viewer: Viewer | None,
    settings: Settings,
    *,
    problems: Sequence[UserError] = (),
) -> list[UserError]:
    """Set a new password and end all sessions; the errors of token and password, if any.

    `problems` of other fields are returned with these.
    """
    link = await find_link(fields.token, MailKind.PASSWORD_RESET, viewer, settings)
    account = await User.get_or_none(id=link.token.owner_id) if link else None
    errors: list[UserError] = [] if account else [bad_link("input", "token")]
    names = names_of(account) if account else ()
    if problem := password_problem(fields.new_password, *names):
        errors.append(invalid(*problem, "input", "newPassword"))
    errors += problems
    if errors or link is None:
        return errors
    if await _replace(link, await hash_password(fields.new_password, settings), settings):
        return []
    return [bad_link("input", "token")]


@retried
async def _replace(link: OpenLink, password_hash: str, settings: Settings) -> bool:
    """Use the link to set a password; False if it was used meanwhile."""
    async with using(link) as account:
        if account is None:
            return False
        account.password_hash = password_hash
        # Opening the link proves the address.
        account.email_verified_at = account.email_verified_at or await database_time()
        await account.save(update_fields=["password_hash", "email_verified_at"])
        await revoke_access(account.id)
        await outbox.enqueue(account, MailKind.PASSWORD_CHANGED, settings)
        await enter_security_event(account.id, SecurityEvent.PASSWORD_CHANGED)
    announce([account.id])
    return True


@strawberry.type
class RecoveryMutation:
    """The fields of Mutation for users who have lost their password."""

    @strawberry.mutation(
        description="Mails a link that sets a new password to the account with this address, if "
        "there is one; the answer is the same if there is none. Makes earlier links void; one that "
        "its own user asked for while signed in ends with that session.",
        extensions=[
            Credential(
                AcceptedPayload,
                account=lambda _, arguments: key_for_input(arguments["email"]),
                guesses=False,
            )
        ],
        metadata=scoped(None),
    )
    async def password_reset_request(
        self,
        info: Info,
        email: Annotated[str, strawberry.argument(description="The account's address.")],
    ) -> AcceptedPayload | None:
        if problem := email_problem(normalize_email(email), info.context.settings):
            return AcceptedPayload(errors=[invalid(*problem, "email")])
        await request_reset(email.strip(), info.context.viewer)
        return AcceptedPayload(ok=True)

    @strawberry.mutation(
        description="Sets a new password by the token that was mailed, once, and ends all of the "
        "account's sessions.",
        extensions=[Credential(AcceptedPayload, account=key_for_link("input", "token"))],
        metadata=scoped(None),
    )
    async def password_reset(
        self,
        info: Info,
        input: Annotated[
            PasswordResetInput, strawberry.argument(description="The token and the password.")
        ],
    ) -> AcceptedPayload | None:
        context = info.context
        errors = await reset_password(input, context.viewer, context.settings)
        if not errors:
            context.switch_viewer(None)
        return AcceptedPayload(ok=not errors, errors=errors)
