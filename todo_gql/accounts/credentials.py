"""The mutations that take a credential, and what limits them."""

from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from graphql import GraphQLField
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension
from strawberry.types.field import StrawberryField

from todo_gql.accounts.addresses import name_key
from todo_gql.context import Context, Info
from todo_gql.errors import AuthError, ErrorCode, UserError
from todo_gql.links import LinkToken

Payload: TypeAlias = Callable[..., object]
"""A payload's type, which takes `errors` alone."""

AccountOf: TypeAlias = Callable[[Context, dict[str, Any]], str | None]
"""Says from a field's arguments, by their names in Python, whose credential it is."""


class Credential(FieldExtension):
    """Counts each execution of a mutation that takes a credential, for the address and the account.

    Who has had too many is answered before the mutation does anything.
    """

    def __init__(self, payload: Payload, *, account: AccountOf | None = None) -> None:
        self.payload = payload
        self.account = account

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: object, info: Info, **arguments: Any
    ) -> object:
        """What the mutation answers, or its payload with the time to wait."""
        context = info.context
        account = self.account(context, arguments) if self.account else None
        seconds = await context.limits.wait_for_credential(context.ip_address, account)
        if seconds:
            return self.payload(errors=[too_many_tries(seconds)])
        return await next_(source, info, **arguments)


def takes_credential(field: GraphQLField) -> bool:
    """Whether a field of the schema has the extension."""
    definition = field.extensions.get("strawberry-definition")
    return isinstance(definition, StrawberryField) and any(
        isinstance(extension, Credential) for extension in definition.extensions
    )


def account_typed(name: str) -> str:
    """Whose credential it is by what was typed, whether there is such an account or not."""
    return f"typed {name_key(name)}"


def account_owned(owner_id: UUID) -> str:
    """Whose credential it is by the account's id."""
    return f"id {owner_id}"


def viewers_account(context: Context, _arguments: dict[str, Any]) -> str:
    """The viewer's own credential; `Unauthenticated` when there is no viewer."""
    return account_owned(context.signed_in().id)


def account_of_link(argument: str, field: str | None = None) -> AccountOf:
    """Whose credential it is by the token of a mail in an argument, or in a field of one."""

    def owner(context: Context, arguments: dict[str, Any]) -> str | None:
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
