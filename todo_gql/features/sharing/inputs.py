"""What clients send to invite somebody."""

from typing import NamedTuple, Self

import strawberry

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.list_roles import ListRole
from todo_gql.api.login_identifiers import normalize_email, normalize_username
from todo_gql.database import models
from todo_gql.features.accounts.inputs import email_problem, username_problem
from todo_gql.features.accounts.lookup import login_keys
from todo_gql.settings import Settings


@strawberry.input(description="Whom to invite, and what they may do.")
class InvitationInput:
    """The input of `listInvite`."""

    username_or_email: str = strawberry.field(
        description="A user name or an e-mail address, in any letter case. Whether there is such an account "
        "can't be told from the answer."
    )
    role: ListRole = strawberry.field(
        description="What they may do in the list; anything but OWNER.", default=ListRole.EDITOR
    )


class Recipient(NamedTuple):
    """Whom an invitation is for: what was typed, and its key, which has an @ if it is an address.

    `username_key` is the key of a user name, null of an address.
    """

    typed: str
    key: str
    username_key: str | None

    @classmethod
    def read(cls, typed: str, problems: list[UserError], settings: Settings) -> Self | None:
        """Who was typed; None with a problem if that can be neither an address nor a user name."""
        is_address = "@" in normalize_email(typed)
        text = normalize_email(typed) if is_address else normalize_username(typed)
        problem = email_problem(text, settings) if is_address else username_problem(text)
        keys = login_keys(text)
        key = keys.mailbox or keys.username
        if not problem and key is None:
            problem = ErrorCode.INVALID, "Write a user name or an e-mail address."
        if problem or key is None:
            if problem:
                problems.append(invalid(*problem, "input", "usernameOrEmail"))
            return None
        return cls(text, key, keys.username)


def read_role(role: ListRole, problems: list[UserError], *path: str) -> models.ListRole:
    """A role that a member can get, with a problem for the owner's."""
    if role is ListRole.OWNER:
        message = "A list has one owner. The owner transfers it by listTransfer."
        problems.append(invalid(ErrorCode.INVALID, message, *path, "role"))
    return models.ListRole[role.name]
