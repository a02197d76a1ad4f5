"""The mutations that take a credential, and what limits them."""

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

# Of all sessions there are, ended ones are kept for a month.
SIGNED_IN_FROM = (
    "SELECT DISTINCT ip_address FROM sessions WHERE owner_id = $1 AND ip_address IS NOT NULL"
)

Payload: TypeAlias = Callable[..., object]
"""A payload's type, which takes `errors` alone."""


class Tried(NamedTuple):
    """Whose credential it is: in words that are the same each time, and by id where that is known."""

    account: str
    owner_id: UUID | None = None


AccountOf: TypeAlias = Callable[[Context, dict[str, Any]], Tried | None]
"""Says from a field's arguments, by their names in Python, whose credential it is."""


class Credential(FieldExtension):
    """Counts each execution of a mutation that takes a credential, for the address and the account.

    Who has had too many is answered before the mutation does anything. One that `counts` itself, as
    soon as it has found the account, is only kept from being tried by who has had too many already.
    Of one that `guesses` nothing, requests from all networks aren't counted together: the limit would
    protect nobody, and strangers in other networks could use it up.
    """

    def __init__(
        self,
        payload: Payload,
        *,
        account: AccountOf | None = None,
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
        """What the mutation answers, or its payload with the time to wait."""
        context = info.context
        tried = self.account(context, arguments) if self.account else None
        if self.counts and tried:
            seconds = await context.limits.wait_of_network(context.ip_address, tried.account)
        elif tried and not self.guesses:
            seconds = await context.limits.wait_for_credential(
                context.ip_address, tried.account, is_known=True
            )
        else:
            seconds = await seconds_to_wait(context.limits, context.ip_address, tried)
        if seconds:
            return self.payload(errors=[too_many_tries(seconds)])
        return await next_(source, info, **arguments)


async def seconds_to_wait(
    limits: RateLimits, address: str | None, tried: Tried | None, *, typed: Tried | None = None
) -> int:
    """Count one try of a credential; the seconds to wait first, 0 when it may be now.

    `typed` is how an account was called that was found. Who guesses from many networks can't keep
    the owner out of one that the account was signed in to from.
    """
    account, owner_id = tried or (None, None)
    name = typed.account if typed else None
    seconds = await limits.wait_for_credential(address, account, typed=name)
    if not seconds or account is None or await limits.wait_of_network(address, account):
        return seconds
    if not await _has_signed_in_from(network_of(address), owner_id):
        return seconds
    return await limits.wait_for_credential(address, account, typed=name, is_known=True)


async def _has_signed_in_from(network: str, owner_id: UUID | None) -> bool:
    """Whether there is a session from a network; nobody's account is asked about like any other."""
    rows = await fetch(SIGNED_IN_FROM, owner_id)
    return any(network_of(row["ip_address"]) == network for row in rows)


def takes_credential(field: GraphQLField) -> bool:
    """Whether a field of the schema has the extension."""
    definition = field.extensions.get("strawberry-definition")
    return isinstance(definition, StrawberryField) and any(
        isinstance(extension, Credential) for extension in definition.extensions
    )


def account_typed(name: str) -> Tried:
    """Whose credential it is by what was typed, whether there is such an account or not."""
    return Tried(f"typed {name_key(name)}")


def account_owned(owner_id: UUID) -> Tried:
    """Whose credential it is by the account's id."""
    return Tried(f"id {owner_id}", owner_id)


def viewers_account(context: Context, _arguments: dict[str, Any]) -> Tried:
    """The viewer's own credential; `Unauthenticated` when there is no viewer."""
    return account_owned(context.signed_in().id)


def account_of_link(argument: str, field: str | None = None) -> AccountOf:
    """Whose credential it is by the token of a mail in an argument, or in a field of one."""

    def owner(context: Context, arguments: dict[str, Any]) -> Tried | None:
        given = arguments[argument]
        token = LinkToken.parse(getattr(given, field) if field else given, context.settings)
        return account_owned(token.owner_id) if token else None

    return owner


def too_many_tries(seconds: int) -> UserError:
    """The error of who has to wait for so many seconds."""
    wait = "1 second" if seconds == 1 else f"{seconds:,} seconds"
    return AuthError(
        code=ErrorCode.RATE_LIMITED, message=f"Too many tries. Wait {wait}, then try again."
    )
