"""The pages behind the links in mails; they need no scripts, and only their forms use a link."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.database.models import MailKind, User
from todo_gql.features.accounts.email.address_change import confirm_email
from todo_gql.features.accounts.email.links import find_link
from todo_gql.features.accounts.email.password_reset import PasswordResetInput, reset_password
from todo_gql.features.accounts.email.templates import LINK_PATHS
from todo_gql.features.accounts.email.verification import verify_email
from todo_gql.http.pages.links import answer_link
from todo_gql.http.pages.rendering import link_page
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.operation.credential_limits import key_for_owner, seconds_to_wait
from todo_gql.security.passwords import MAX_LENGTH, MIN_LENGTH, normalised
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings


@dataclass(frozen=True, slots=True)
class Visit:
    """A request with the token of a valid link."""

    token: str
    account: User
    address: str
    form: Mapping[str, str]
    settings: Settings


Action: TypeAlias = Callable[[Visit], Awaitable[Response]]
"""What submitting the form does; returns the next page."""


def _page(name: str, status: int = 200, **facts: object) -> Response:
    return link_page(f"account/{name}", status, **facts)


def _form(kind: MailKind, visit: Visit, problems: Mapping[str, str] | None = None) -> Response:
    """The page with the form, and the problems of the values that were sent, by field."""
    return _page(
        _name(kind),
        422 if problems else 200,
        action=_name(kind),
        token=visit.token,
        username=visit.account.username,
        address=visit.address,
        problems=problems or {},
        shortest=MIN_LENGTH,
        longest=MAX_LENGTH,
    )


def _expired(kind: MailKind) -> Response:
    return _page("expired", 410, link_path=_name(kind))


def _name(kind: MailKind) -> str:
    return LINK_PATHS[kind].rpartition("/")[2]


async def _verify(visit: Visit) -> Response:
    account = await verify_email(visit.token, None, visit.settings)
    if account is None:
        return _expired(MailKind.VERIFICATION)
    return _page("verified", username=account.username, address=account.email)


async def _change_email(visit: Visit) -> Response:
    outcome = await confirm_email(visit.token, None, visit.settings)
    if isinstance(outcome, User):
        return _page("email_changed", username=outcome.username, address=outcome.email)
    if outcome[0].code is ErrorCode.INVALID_TOKEN:
        return _expired(MailKind.EMAIL_CHANGE)
    return _page("email_taken", 409, address=visit.address)


async def _reset(visit: Visit) -> Response:
    new, repeated = (visit.form.get(name, "") for name in ("newPassword", "repeatedPassword"))
    parameters = PasswordResetInput(token=visit.token, new_password=new)
    mismatch = [] if normalised(new) == normalised(repeated) else [_passwords_differ()]
    errors = await reset_password(parameters, None, visit.settings, problems=mismatch)
    problems = {error.path[-1]: error.message for error in errors if error.path}
    if "token" in problems:
        return _expired(MailKind.PASSWORD_RESET)
    if problems:
        return _form(MailKind.PASSWORD_RESET, visit, problems)
    return _page("password_set", username=visit.account.username)


def _passwords_differ() -> UserError:
    message = "The two passwords differ. Type the new password again."
    return invalid(ErrorCode.INVALID, message, "repeatedPassword")


ACTIONS: Final[Mapping[MailKind, Action]] = {
    MailKind.VERIFICATION: _verify,
    MailKind.EMAIL_CHANGE: _change_email,
    MailKind.PASSWORD_RESET: _reset,
}


class LinkPage:
    """The page of a kind of link."""

    def __init__(self, kind: MailKind, settings: Settings, limits: RateLimits) -> None:
        self.kind = kind
        self.settings = settings
        self.limits = limits

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        return await answer_link(request, _name(self.kind), self._seconds_to_wait, self._respond)

    async def _seconds_to_wait(self, address: str | None, token: str) -> int:
        """Count the form as its mutation would be; the seconds to wait, 0 if it is allowed."""
        parsed = LinkToken.parse(token, self.settings)
        key = key_for_owner(parsed.owner_id) if parsed else None
        return await seconds_to_wait(self.limits, address, key)

    async def _respond(self, token: str, form: Mapping[str, str] | None) -> Response:
        visit = await self._visit(token, form or {})
        if visit is None:
            return _expired(self.kind)
        return _form(self.kind, visit) if form is None else await ACTIONS[self.kind](visit)

    async def _visit(self, token: str, form: Mapping[str, str]) -> Visit | None:
        """The account and address of a link; None if the link isn't valid."""
        link = await find_link(token, self.kind, None, self.settings)
        account = await User.get_or_none(id=link.token.owner_id) if link else None
        if link is None or account is None:
            return None
        return Visit(token, account, link.address, form, self.settings)


def account_routes(settings: Settings, limits: RateLimits) -> list[Route]:
    """The routes of the links in mails: `/account/verify`, `/account/email` and `/account/reset`."""
    return [
        Route(f"/{link_path}", LinkPage(kind, settings, limits).answer, methods=["GET", "POST"])
        for kind, link_path in LINK_PATHS.items()
    ]
