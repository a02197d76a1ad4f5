"""What users change of their own accounts."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Maybe
from tortoise.transactions import in_transaction

from todo_gql.api.errors import Unauthenticated, UserError, invalid
from todo_gql.api.text import Problem
from todo_gql.api.time_zones import TimeZoneName
from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import acquire, fetchrow
from todo_gql.database.models import MailKind
from todo_gql.database.models import User as Account
from todo_gql.database.owner_batches import lock_owner
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import (
    locked_if_unchanged,
    names_of,
    own_account,
    to_user,
    wrong_password,
)
from todo_gql.features.accounts.email import outbox
from todo_gql.features.accounts.inputs import read_bio, read_name, read_url, read_week_start
from todo_gql.features.accounts.revocation import revoke_access
from todo_gql.features.accounts.types import UserPayload
from todo_gql.inbox.preference_writes import LOCK as LOCK_PREFERENCES
from todo_gql.inbox.preference_writes import schedule_digests
from todo_gql.inbox.security_events import SecurityEvent, enter_security_event
from todo_gql.inbox.wake_ups import announce
from todo_gql.operation.context import Context, Info
from todo_gql.operation.credential_limits import Credential, key_for_viewer
from todo_gql.reminder_times.recompute import recompute_of_person
from todo_gql.security.passwords import hash_password, password_problem


@strawberry.input(description="What to change: absent leaves as it is, null clears.")
class ProfileUpdateInput:
    """The new values of a profile."""

    first_name: Maybe[str | None] = strawberry.field(description="At most 100 characters.")
    last_name: Maybe[str | None] = strawberry.field(description="At most 100 characters.")
    bio: Maybe[str | None] = strawberry.field(description="At most 1,000 characters, in lines.")
    avatar_url: Maybe[str | None] = strawberry.field(
        description="An http or https address of at most 500 characters."
    )
    time_zone: Maybe[TimeZoneName | None] = strawberry.field(
        description="The zone whose days are theirs; UTC without one."
    )
    week_start: Maybe[int | None] = strawberry.field(
        description="The first day of their week, from 1 for Monday to 7 for Sunday."
    )


@strawberry.input(description="The password, and the one to replace it.")
class PasswordChangeInput:
    """The input of `passwordChange`."""

    current_password: str = strawberry.field(description="The password as it is.")
    new_password: str = strawberry.field(
        description="8 to 128 characters with an upper-case letter, a lower-case letter and a "
        "digit; not a common one and not one of the account's names."
    )


LOCK = lock_owner("time_zone, clock_timestamp() AS now")
# How each field is called in the schema, and how it is read.
PROFILE: dict[str, tuple[str, Callable[[Any], tuple[Any, Problem | None]]]] = {
    "first_name": ("firstName", read_name),
    "last_name": ("lastName", read_name),
    "bio": ("bio", read_bio),
    "avatar_url": ("avatarUrl", read_url),
    # A scalar has checked it.
    "time_zone": ("timeZone", lambda name: (name, None)),
    "week_start": ("weekStart", read_week_start),
}


def _read_profile(sent: ProfileUpdateInput) -> tuple[dict[str, Any], list[UserError]]:
    """The values to store, blank ones as null, and their problems."""
    values: dict[str, Any] = {}
    problems: list[UserError] = []
    for name, (graphql_name, read) in PROFILE.items():
        field = getattr(sent, name)
        if field is None:
            continue
        value, problem = (None, None) if field.value is None else read(field.value)
        values[name] = value or None
        if problem:
            problems.append(invalid(*problem, "input", graphql_name))
    return values, problems


@strawberry.type
class ProfileMutation:
    """The fields of Mutation for one's own account."""

    @strawberry.field(description="Changes the viewer's profile.", metadata=scoped(None))
    async def profile_update(
        self,
        info: Info,
        input: Annotated[ProfileUpdateInput, strawberry.argument(description="What to change.")],
    ) -> UserPayload | None:
        viewer = info.context.signed_in()
        values, problems = _read_profile(input)
        if problems:
            return UserPayload(errors=problems)
        if values:
            await _store_profile(viewer.id, values)
        info.context.clear_loaders()
        return UserPayload(user=to_user(await own_account(viewer)))

    @strawberry.field(
        description="Changes the password, ends the viewer's other sessions, and revokes their API tokens.",
        extensions=[Credential(UserPayload, account=key_for_viewer)],
        metadata=scoped(None),
    )
    async def password_change(
        self,
        info: Info,
        input: Annotated[
            PasswordChangeInput, strawberry.argument(description="The old and the new password.")
        ],
    ) -> UserPayload | None:
        context, viewer = info.context, info.context.signed_in()
        account = await own_account(viewer)
        problem = password_problem(input.new_password, *names_of(account))
        errors: list[UserError] = []
        if problem:
            errors.append(invalid(*problem, "input", "newPassword"))
        errors += await wrong_password(
            account, input.current_password, context, "input", "currentPassword"
        )
        if errors:
            return UserPayload(errors=errors)
        await _replace_password(account, input.new_password, context)
        return UserPayload(user=to_user(account))


@retried
async def _store_profile(account_id: UUID, values: dict[str, Any]) -> None:
    """Store the values, and move what follows from the account's time zone with another one."""
    if "time_zone" not in values:
        await Account.filter(id=account_id).update(**values)
        return
    async with in_transaction():
        before = await fetchrow(LOCK, account_id)
        if before is None:
            raise Unauthenticated
        await Account.filter(id=account_id).update(**values)
        if values["time_zone"] != before["time_zone"]:
            zones = before["time_zone"], values["time_zone"]
            async with acquire() as connection:
                await recompute_of_person(connection, account_id, *zones, before["now"])
                preferences = await connection.fetch(LOCK_PREFERENCES, [account_id])
                await schedule_digests(connection, preferences)


@retried
async def _replace_password(account: Account, password: str, context: Context) -> None:
    """Store another password; a change at the same time leaves the first one's."""
    new_hash = await hash_password(password, context.settings)
    async with in_transaction():
        await locked_if_unchanged(account)
        await Account.filter(id=account.id).update(password_hash=new_hash)
        await revoke_access(account.id, but=context.signed_in().session_id)
        await outbox.enqueue(account, MailKind.PASSWORD_CHANGED, context.settings)
        await enter_security_event(account.id, SecurityEvent.PASSWORD_CHANGED)
    announce([account.id])
