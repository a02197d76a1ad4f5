"""The pages that the links in mails open; they need no scripts, and only their forms use links."""

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
from todo_gql.security.passwords import LONGEST, SHORTEST, normalised
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.settings import Settings

RETRY_SECONDS: Final = 1
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who brings the token of a link that is still good."""

    token: str
    account: User
    address: str
    form: Mapping[str, str]
    settings: Settings


Use: TypeAlias = Callable[[Visit], Awaitable[Response]]
"""What sending the form does, and the page that it gives."""


def _page(name: str, status: int = 200, **facts: object) -> Response:
    page = rendering.page(f"account/{name}", status, form_action="'self'", **facts)
    page.headers["X-Robots-Tag"] = "noindex"
    return page


def _form(kind: MailKind, visit: Visit, problems: Mapping[str, str] | None = None) -> Response:
    """The page that says what will happen, and what was wrong with what was sent."""
    return _page(
        _name(kind),
        422 if problems else 200,
        action=_name(kind),
        token=visit.token,
        username=visit.account.username,
        address=visit.address,
        problems=problems or {},
        shortest=SHORTEST,
        longest=LONGEST,
    )


def _expired(kind: MailKind) -> Response:
    return _page("expired", 410, place=_name(kind))


def _name(kind: MailKind) -> str:
    return LINK_PATHS[kind].rpartition("/")[2]


async def _verify(visit: Visit) -> Response:
    account = await verify_email(visit.token, None, visit.settings)
    if account is None:
        return _expired(MailKind.VERIFICATION)
    return _page("verified", username=account.username, address=account.email)


async def _change_email(visit: Visit) -> Response:
    moved = await confirm_email(visit.token, None, visit.settings)
    if isinstance(moved, User):
        return _page("email_changed", username=moved.username, address=moved.email)
    if moved[0].code is ErrorCode.INVALID_TOKEN:
        return _expired(MailKind.EMAIL_CHANGE)
    return _page("email_taken", 409, address=visit.address)


async def _reset(visit: Visit) -> Response:
    new, repeated = (visit.form.get(name, "") for name in ("newPassword", "repeatedPassword"))
    given = PasswordResetInput(token=visit.token, new_password=new)
    mistyped = [] if normalised(new) == normalised(repeated) else [_not_the_same()]
    errors = await reset_password(given, None, visit.settings, problems=mistyped)
    problems = {error.path[-1]: error.message for error in errors if error.path}
    if "token" in problems:
        return _expired(MailKind.PASSWORD_RESET)
    if problems:
        return _form(MailKind.PASSWORD_RESET, visit, problems)
    return _page("password_set", username=visit.account.username)


def _not_the_same() -> UserError:
    message = "The two passwords differ. Type the new password again."
    return invalid(ErrorCode.INVALID, message, "repeatedPassword")


USES: Final[Mapping[MailKind, Use]] = {
    MailKind.VERIFICATION: _verify,
    MailKind.EMAIL_CHANGE: _change_email,
    MailKind.PASSWORD_RESET: _reset,
}


class LinkPage:
    """The page of a kind of link: a GET shows what its form will do, and the form's POST does it.

    What scans mails opens their links, so that a GET must leave them as good as they were.
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
            given = await read_form(request) if is_form else read_link(request)
        except BadRequest as error:
            refusal = _page("refused", error.status, reason=str(error))
            refusal.headers.update(error.headers)
            return refusal
        token = given.get("token", "")
        if is_form and (seconds := await self._seconds_to_wait(request, token)):
            return self._later("too_many", 429, token, seconds)
        try:
            visit = await self._visit(token, given)
            if visit is None:
                return _expired(self.kind)
            return await USES[self.kind](visit) if is_form else _form(self.kind, visit)
        except Exception as error:
            if not is_temporary(error):
                raise
            logger.exception("the page of a link failed for now")
            return self._later("unavailable", 503, token, RETRY_SECONDS)

    def _later(self, name: str, status: int, token: str, seconds: int) -> Response:
        page = _page(name, status, action=_name(self.kind), token=token, seconds=seconds)
        page.headers["Retry-After"] = str(seconds)
        return page

    async def _seconds_to_wait(self, request: Request, token: str) -> int:
        """Count the form as the mutation that it stands for would be; 0 when it may go on."""
        parsed = LinkToken.parse(token, self.settings)
        address = request.client.host if request.client else None
        tried = key_for_owner(parsed.owner_id) if parsed else None
        return await seconds_to_wait(self.limits, address, tried)

    async def _visit(self, token: str, form: Mapping[str, str]) -> Visit | None:
        """Whose link it is; None when it is no good."""
        link = await find_link(token, self.kind, None, self.settings)
        account = await User.get_or_none(id=link.token.owner_id) if link else None
        if link is None or account is None:
            return None
        return Visit(token, account, link.address, form, self.settings)


def account_routes(settings: Settings, limits: RateLimits) -> list[Route]:
    """Give the routes that the links in mails lead to: `/account/verify` and its like."""
    return [
        Route(f"/{place}", LinkPage(kind, settings, limits).answer, methods=["GET", "POST"])
        for kind, place in LINK_PATHS.items()
    ]
