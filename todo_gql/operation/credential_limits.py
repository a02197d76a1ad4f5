"""Rate limits on mutations that check a credential: a password or a token."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from graphql import GraphQLField
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension
from strawberry.types.field import StrawberryField

from todo_gql.api.errors import AuthError, ErrorCode, UserError
from todo_gql.api.login_identifiers import name_key
from todo_gql.database.connection import fetch
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.operation.context import Context, Info
from todo_gql.security.rate_limits import RateLimits, network_of

# Includes ended sessions, which stay stored for a month.
SIGNED_IN_FROM = (
    "SELECT DISTINCT ip_address FROM sessions WHERE owner_id = $1 AND ip_address IS NOT NULL"
)

Payload: TypeAlias = Callable[..., object]
"""The class of a mutation's payload, called with `errors` alone."""


class CredentialKey(NamedTuple):
    """Identifies the account of a credential: by a key to count attempts, and its id if known."""

    account: str
    owner_id: UUID | None = None


KeyFunction: TypeAlias = Callable[[Context, dict[str, Any]], CredentialKey | None]
"""Derives the key from a field's arguments by their Python names; None if there is no account."""


class Credential(FieldExtension):
    """Counts each execution of a mutation that checks a credential, per address and per account.

    Above the limit the mutation isn't executed, and its payload has a RATE_LIMITED error. A mutation
    that `counts` counts attempts itself, once it has found the account; then only an exhausted limit
    is checked here. If a mutation `guesses` nothing, attempts on an account from different networks
    aren't added up: that would protect nobody, and let strangers use up the owner's limit.
    """

    def __init__(
        self,
        payload: Payload,
        *,
        account: KeyFunction | None = None,
        counts: bool = False,
        guesses: bool = True,
    ) -> None:
        self.payload = payload
        self.account = account
        self.counts = counts
        self.guesses = guesses

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: object, info: Info, **arguments: Any
    ) -> object:
        """The mutation's result, or its payload with an error that says how long to wait."""
        context = info.context
        key = self.account(context, arguments) if self.account else None
        if self.counts and key:
            seconds = await context.limits.wait_of_network(context.ip_address, key.account)
        elif key and not self.guesses:
            seconds = await context.limits.wait_for_credential(
                context.ip_address, key.account, is_known=True
            )
        else:
            seconds = await seconds_to_wait(context.limits, context.ip_address, key)
        if seconds:
            return self.payload(errors=[too_many_attempts(seconds)])
        return await next_(source, info, **arguments)


async def seconds_to_wait(
    limits: RateLimits,
    address: str | None,
    key: CredentialKey | None,
    *,
    typed: CredentialKey | None = None,
) -> int:
    """Count one attempt; returns 0 if it is allowed, or else the seconds to wait.

    `typed` is the key of the name that was typed, if an account was found by it. An attacker in many
    networks can't lock the owner out of a network from which the account was signed in to.
    """
    account, owner_id = key or (None, None)
    name = typed.account if typed else None
    seconds = await limits.wait_for_credential(address, account, typed=name)
    if not seconds or account is None or await limits.wait_of_network(address, account):
        return seconds
    if not await _has_signed_in_from(network_of(address), owner_id):
        return seconds
    return await limits.wait_for_credential(address, account, typed=name, is_known=True)


async def _has_signed_in_from(network: str, owner_id: UUID | None) -> bool:
    """Whether the account has a session from a network; queried for unknown accounts too, for timing."""
    rows = await fetch(SIGNED_IN_FROM, owner_id)
    return any(network_of(row["ip_address"]) == network for row in rows)


def has_credential(field: GraphQLField) -> bool:
    """Whether a field of the schema has the `Credential` extension."""
    definition = field.extensions.get("strawberry-definition")
    return isinstance(definition, StrawberryField) and any(
        isinstance(extension, Credential) for extension in definition.extensions
    )


def key_for_input(name: str) -> CredentialKey:
    """The key of a typed user name or address, whether such an account exists or not."""
    return CredentialKey(f"typed {name_key(name)}")


def key_for_owner(owner_id: UUID) -> CredentialKey:
    """The key of an account by its id."""
    return CredentialKey(f"id {owner_id}", owner_id)


def key_for_viewer(context: Context, _arguments: dict[str, Any]) -> CredentialKey:
    """The key of the viewer's account; raises `Unauthenticated` if there is no viewer."""
    return key_for_owner(context.signed_in().id)


def key_for_link(argument: str, field: str | None = None) -> KeyFunction:
    """A function for the key of the account of a link token in an argument, or in a field of it."""

    def owner(context: Context, arguments: dict[str, Any]) -> CredentialKey | None:
        value = arguments[argument]
        token = LinkToken.parse(getattr(value, field) if field else value, context.settings)
        return key_for_owner(token.owner_id) if token else None

    return owner


def too_many_attempts(seconds: int) -> UserError:
    """The error of a caller that has to wait for so many seconds."""
    wait = "1 second" if seconds == 1 else f"{seconds:,} seconds"
    return AuthError(
        code=ErrorCode.RATE_LIMITED, message=f"Too many attempts. Wait {wait}, then try again."
    )
