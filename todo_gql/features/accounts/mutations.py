"""What can be done with accounts."""

from typing import Annotated, Any

import strawberry
from tortoise.transactions import in_transaction

from todo_gql.api.errors import AuthError, ErrorCode
from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import fetchrow
from todo_gql.database.models import User as Account
from todo_gql.database.retry import retried
from todo_gql.features.accounts import registration
from todo_gql.features.accounts.account import locked_account, to_user
from todo_gql.features.accounts.inputs import LoginInput, RegisterInput
from todo_gql.features.accounts.lookup import account_named
from todo_gql.features.accounts.revocation import revoke_access
from todo_gql.features.accounts.types import (
    AcceptedPayload,
    LoginPayload,
    RegisterPayload,
    TokenRefreshPayload,
    Tokens,
    User,
)
from todo_gql.operation.context import Context, Info
from todo_gql.operation.credential_limits import (
    Credential,
    CredentialKey,
    key_for_input,
    key_for_owner,
    seconds_to_wait,
    too_many_attempts,
)
from todo_gql.security import authentication
from todo_gql.security.passwords import Match, hash_is_outdated, hash_password, password_matches

# By the database's clock, as all times of an account; one that another server's clock has made may
# lie ahead of it.
SIGN_IN = """
UPDATE users SET last_login_at = greatest(now(), created_at), deletion_at = NULL,
    password_hash = coalesce($3, password_hash)
WHERE id = $1 AND password_hash = $2 AND is_active
    AND (deletion_at IS NULL OR deletion_at > now())
RETURNING last_login_at, deletion_at, password_hash
"""


def _login_account(_context: Context, arguments: dict[str, Any]) -> CredentialKey:
    return key_for_input(arguments["input"].username_or_email)


@strawberry.type
class AccountMutation:
    """The account fields of Mutation."""

    @strawberry.mutation(
        description="Makes an account and signs in to it.",
        extensions=[Credential(RegisterPayload)],
        metadata=scoped(None),
    )
    async def register(
        self,
        info: Info,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> RegisterPayload | None:
        """A new account, or everything that is wrong with it."""
        context = info.context
        try:
            account, sign_in = await registration.register(
                input, _device(context), context.settings
            )
        except registration.RegistrationError as refused:
            return RegisterPayload(errors=refused.errors)
        user, tokens = _signed_in(account, sign_in, context)
        return RegisterPayload(user=user, tokens=tokens)

    @strawberry.mutation(
        description="Begins a session.",
        extensions=[Credential(LoginPayload, account=_login_account, counts=True)],
        metadata=scoped(None),
    )
    async def login(
        self,
        info: Info,
        input: Annotated[LoginInput, strawberry.argument(description="Name and password.")],
    ) -> LoginPayload | None:
        """A new session; who doesn't know the password learns nothing about the account."""
        context, settings = info.context, info.context.settings
        account = await account_named(input.username_or_email)
        typed = key_for_input(input.username_or_email)
        tried = key_for_owner(account.id) if account else typed
        if seconds := await seconds_to_wait(context.limits, context.ip_address, tried, typed=typed):
            return LoginPayload(errors=[too_many_attempts(seconds)])
        stored = account.password_hash if account else None
        match = await password_matches(input.password, stored, settings)
        if not match or account is None:
            return LoginPayload(errors=[_wrong_credentials()])
        if not account.is_active:
            return LoginPayload(errors=[_disabled()])
        new_hash = None
        if match is Match.AS_TYPED or hash_is_outdated(account.password_hash, settings):
            new_hash = await hash_password(input.password, settings)
        sign_in = await _begin_session(account, new_hash, context)
        if sign_in is None:
            return LoginPayload(errors=[_wrong_credentials()])
        user, tokens = _signed_in(account, sign_in, context)
        return LoginPayload(user=user, tokens=tokens)

    @strawberry.mutation(
        description="Trades a refresh token for the next pair of tokens.", metadata=scoped(None)
    )
    async def token_refresh(
        self,
        info: Info,
        refresh_token: Annotated[
            str,
            strawberry.argument(
                description="The newest refresh token. Used again within 10 seconds of its first "
                "use it gives the one that is current, later it ends the session."
            ),
        ],
    ) -> TokenRefreshPayload | None:
        """The next pair of tokens."""
        settings = info.context.settings
        session_id = authentication.session_of(refresh_token, settings)
        if session_id and (seconds := await info.context.limits.wait_for_refresh(session_id)):
            return TokenRefreshPayload(errors=[too_many_attempts(seconds)])
        pair = await authentication.refresh(refresh_token, settings)
        if pair is None:
            return TokenRefreshPayload(errors=[_bad_refresh_token()])
        return TokenRefreshPayload(tokens=Tokens.from_pair(pair, settings))

    @strawberry.mutation(
        description="Ends this session, or all sessions and API tokens of the viewer.",
        metadata=scoped(None),
    )
    async def logout(
        self,
        info: Info,
        *,
        everywhere: Annotated[
            bool,
            strawberry.argument(
                description="Whether to end all sessions of the viewer, and revoke their API tokens."
            ),
        ] = False,
    ) -> AcceptedPayload | None:
        """The end of one session or all; what follows in the document is signed out."""
        viewer = info.context.signed_in()
        if everywhere:
            await _sign_out_everywhere(viewer)
        else:
            await authentication.end_sessions(viewer.id, only=viewer.session_id)
        info.context.switch_viewer(None)
        return AcceptedPayload(ok=True)


@retried
async def _sign_out_everywhere(viewer: authentication.Viewer) -> None:
    async with in_transaction():
        await locked_account(viewer.id)
        await revoke_access(viewer.id)


@retried
async def _begin_session(
    account: Account, new_hash: str | None, context: Context
) -> authentication.SignIn | None:
    """A session of the account, which keeps one that was to be deleted.

    With it a new hash of the same password is stored, if there is one.
    None if its password was changed, or it was disabled or deleted, meanwhile.
    """
    async with in_transaction():
        changes = await fetchrow(SIGN_IN, account.id, account.password_hash, new_hash)
        if changes is None:
            return None
        sign_in = await authentication.begin_session(account, _device(context), context.settings)
    # Only now that it is stored: when it is undone, the next try has to find the old hash.
    account.update_from_dict(dict(changes))
    return sign_in


def _device(context: Context) -> authentication.Device:
    return authentication.Device(context.user_agent, context.ip_address)


def _signed_in(
    account: Account, sign_in: authentication.SignIn, context: Context
) -> tuple[User, Tokens]:
    """What to answer; the rest of the operation acts as the account."""
    context.switch_viewer(sign_in.viewer)
    return to_user(account), Tokens.from_pair(sign_in.tokens, context.settings)


def _wrong_credentials() -> AuthError:
    return AuthError(
        code=ErrorCode.INVALID_CREDENTIALS,
        message="No account has this name and password.",
        path=["input"],
    )


def _disabled() -> AuthError:
    return AuthError(
        code=ErrorCode.ACCOUNT_DISABLED,
        message="An administrator has disabled this account.",
        path=["input"],
    )


def _bad_refresh_token() -> AuthError:
    return AuthError(
        code=ErrorCode.INVALID_TOKEN,
        message="This refresh token is unknown, was used already, or has expired. Sign in again.",
        path=["refreshToken"],
    )
