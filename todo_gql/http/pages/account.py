"""The pages behind the links in mails; they need no scripts, and only their forms use a link."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from todo_gql.api.errors import ErrorCode, UserError, invalid, is_temporary
from todo_gql.database.models import MailKind, User
from todo_gql.features.accounts.email.address_change import confirm_email
from todo_gql.features.accounts.email.links import find_link
from todo_gql.features.accounts.email.password_reset import PasswordResetInput, reset_password
from todo_gql.features.accounts.email.templates import LINK_PATHS
from todo_gql.features.accounts.email.verification import verify_email
from todo_gql.http.graphql.request import BadRequest
from todo_gql.http.pages import rendering
from todo_gql.http.pages.forms import read_form, read_link
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.observability.request_record import set_caller
from todo_gql.operation.credential_limits import key_for_owner, seconds_to_wait
from todo_gql.security.passwords import MAX_LENGTH, MIN_LENGTH, normalised
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.settings import Settings

RETRY_SECONDS: Final = 1
logger = logging.getLogger(__name__)


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
    page = rendering.page(f"account/{name}", status, form_action="'self'", **facts)
    page.headers["X-Robots-Tag"] = "noindex"
    return page


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
    """The page of a kind of link: a GET shows the form, its POST uses the link.

    Mail scanners open links, so a GET must not use a link up.
    """

    def __init__(self, kind: MailKind, settings: Settings, limits: RateLimits) -> None:
        self.kind = kind
        self.settings = settings
        self.limits = limits

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        is_form = request.method == "POST"
        set_caller(network_of(request.client.host if request.client else None))
        try:
            parameters = await read_form(request) if is_form else read_link(request)
        except BadRequest as error:
            refusal = _page("refused", error.status, reason=str(error))
            refusal.headers.update(error.headers)
            return refusal
        token = parameters.get("token", "")
        if is_form and (seconds := await self._seconds_to_wait(request, token)):
            return self._retry_page("too_many", 429, token, seconds)
        try:
            visit = await self._visit(token, parameters)
            if visit is None:
                return _expired(self.kind)
            return await ACTIONS[self.kind](visit) if is_form else _form(self.kind, visit)
        except Exception as error:
            if not is_temporary(error):
                raise
            logger.exception("the page of a link failed for now")
            return self._retry_page("unavailable", 503, token, RETRY_SECONDS)

    def _retry_page(self, name: str, status: int, token: str, seconds: int) -> Response:
        page = _page(name, status, action=_name(self.kind), token=token, seconds=seconds)
        page.headers["Retry-After"] = str(seconds)
        return page

    async def _seconds_to_wait(self, request: Request, token: str) -> int:
        """Count the form as its mutation would be; the seconds to wait, 0 if it is allowed."""
        parsed = LinkToken.parse(token, self.settings)
        address = request.client.host if request.client else None
        key = key_for_owner(parsed.owner_id) if parsed else None
        return await seconds_to_wait(self.limits, address, key)

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
