"""Links that are mailed: the operations that ask for them and use them."""

from email.message import EmailMessage
from typing import Any
from uuid import UUID

from tests.support.accounts import PASSWORD, Account, Client
from tests.support.mailbox import Mailbox, token_of
from tests.support.waiting import until
from todo_gql.database.connection import fetch

NEW_PASSWORD = "Battery2staple"

VERIFICATION = "Confirm your e-mail address"

RESET = "Set a new password"

CHANGE = "Confirm your new e-mail address"

REQUEST_VERIFICATION = "mutation { emailVerificationRequest { ok errors { code path } } }"

VERIFY = """mutation ($token: String!) { emailVerify(token: $token) {
  user { username email isVerified emailVerifiedAt } errors { __typename code path }
} }"""

REQUEST_RESET = (
    "mutation ($email: String!) { passwordResetRequest(email: $email) { ok errors { code path } } }"
)

RESET_PASSWORD = """mutation ($input: PasswordResetInput!) { passwordReset(input: $input) {
  ok errors { code path }
} }"""

REQUEST_CHANGE = """mutation ($email: String!, $password: String!) {
  emailChangeRequest(email: $email, currentPassword: $password) { ok errors { code path } }
}"""

CONFIRM_CHANGE = """mutation ($token: String!) { emailChangeConfirm(token: $token) {
  user { email isVerified } errors { __typename code path }
} }"""

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  tokens { accessToken } errors { code }
} }"""

CHANGE_PASSWORD = """mutation ($input: PasswordChangeInput!) {
  passwordChange(input: $input) { user { id } errors { code } }
}"""

VIEWER = "{ viewer { email isVerified } }"

TAKEN = {"ok": True, "errors": []}

REFUSED_TOKEN = {"__typename": "AuthError", "code": "INVALID_TOKEN", "path": ["token"]}

REFUSED = {"user": None, "errors": [REFUSED_TOKEN]}

REFUSED_RESET = {
    "ok": False,
    "errors": [{"code": "INVALID_TOKEN", "path": ["input", "token"]}],
}


async def payload(client: Client, document: str, **variables: Any) -> dict[str, Any]:
    """What the one field of an operation answers."""
    answer = await client.execute(document, variables)
    assert "errors" not in answer, answer
    [value] = answer["data"].values()
    return dict(value)


async def reset(client: Client, token: str, password: str = NEW_PASSWORD) -> dict[str, Any]:
    """What `passwordReset` answers."""
    return await payload(client, RESET_PASSWORD, input={"token": token, "newPassword": password})


async def login(client: Client, account: Account, password: str) -> list[str]:
    """The codes of what is wrong with a login."""
    given = {"usernameOrEmail": account.username, "password": password}
    return [error["code"] for error in (await payload(client, LOGIN, input=given))["errors"]]


async def reset_token(mailbox: Mailbox, client: Client, account: Account) -> str:
    """The token of a reset that was asked for and mailed."""
    before = len(resets(mailbox, account))
    assert await payload(client, REQUEST_RESET, email=account.email) == TAKEN
    await until(lambda: len(resets(mailbox, account)) > before)
    return token_of(resets(mailbox, account)[-1])


def resets(mailbox: Mailbox, account: Account) -> list[EmailMessage]:
    """The mails to an account that set a new password."""
    return [mail for mail in mailbox.to(account.email) if mail["Subject"] == RESET]


async def change_token(mailbox: Mailbox, account: Account, email: str) -> str:
    """The token that was mailed to the address that an account is to have."""
    asked = await payload(account, REQUEST_CHANGE, email=email, password=PASSWORD)
    assert asked == TAKEN
    return token_of(await mailbox.arrival(email, CHANGE))


async def let_links_age(account: Account) -> None:
    """Let every link that the account was mailed have expired."""
    await fetch(
        "UPDATE mails SET expires_at = now() WHERE owner_id = $1 AND expires_at IS NOT NULL",
        UUID(account.id),
    )


ASKED = "Your e-mail address is about to change"

CHANGED = "Your e-mail address was changed"

EXISTS = {
    "user": None,
    "errors": [{"__typename": "ConflictError", "code": "ALREADY_EXISTS", "path": ["token"]}],
}
