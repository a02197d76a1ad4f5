"""How often credentials may be tried, over HTTP and on PostgreSQL."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.types import ASGIApp

from tests.support.accounts import PASSWORD, REGISTER, Account, Client, registered, visiting
from tests.support.email_links import REQUEST_RESET
from todo_gql.app import create_app
from todo_gql.database.connection import fetch
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.security.rate_limits import NETWORKS_PER_ACCOUNT, InProcessStorage, RateLimits
from todo_gql.security.tokens import RefreshToken
from todo_gql.settings import Settings

WRONG = "Wrong1password"
PER_ACCOUNT, PER_ADDRESS = 3, 8
ERRORS = "errors { __typename code message path }"
LOGIN = (
    "mutation ($input: LoginInput!) { login(input: $input)"
    f" {{ user {{ id }} tokens {{ accessToken refreshToken }} {ERRORS} }} }}"
)
CHANGE_PASSWORD = (
    "mutation ($input: PasswordChangeInput!) { passwordChange(input: $input)"
    f" {{ user {{ id }} {ERRORS} }} }}"
)
REFRESH = (
    "mutation ($token: String!) { tokenRefresh(refreshToken: $token)"
    f" {{ tokens {{ refreshToken }} {ERRORS} }} }}"
)


@pytest.fixture
def limited(app: ASGIApp, settings: Settings, database_url: str) -> ASGIApp:
    """An application with limits, beside the one that has the connections to the database."""
    allowed = {
        "rate_limit_credentials": PER_ACCOUNT,
        "rate_limit_credentials_per_address": PER_ADDRESS,
        "mails_per_hour": 100,
    }
    return create_app(settings.model_copy(update=allowed), database_url)


@pytest.fixture
async def visitor(limited: ASGIApp) -> AsyncIterator[Client]:
    """Somebody who meets the limits."""
    async with visiting(limited, "192.0.2.1") as visitor:
        yield visitor


@pytest.fixture
def let_seconds_pass(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Stops the clock and puts it forward."""
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


async def login(client: Client, name: str, password: str = WRONG) -> dict[str, Any]:
    """What `login` answers."""
    sent = {"usernameOrEmail": name, "password": password}
    return dict((await client.execute(LOGIN, {"input": sent}))["data"]["login"])


async def request_reset(client: Client, email: str) -> dict[str, Any]:
    """What `passwordResetRequest` answers."""
    answer = await client.execute(REQUEST_RESET, {"email": email})
    return dict(answer["data"]["passwordResetRequest"])


async def change_password(client: Client, token: str, old: str = PASSWORD) -> dict[str, Any]:
    """What `passwordChange` answers a viewer who keeps the password."""
    sent = {"currentPassword": old, "newPassword": PASSWORD}
    answer = await client.execute(CHANGE_PASSWORD, {"input": sent}, token)
    return dict(answer["data"]["passwordChange"])


async def refresh(client: Client, token: str) -> dict[str, Any]:
    """What `tokenRefresh` answers."""
    return dict((await client.execute(REFRESH, {"token": token}))["data"]["tokenRefresh"])


def code(payload: dict[str, Any]) -> str | None:
    """The code of a payload's first error; None when it has none."""
    if not payload["errors"]:
        return None
    return str(payload["errors"][0]["code"])


def seconds_to_wait(payload: dict[str, Any]) -> int:
    """The time that a payload tells to wait, which is all that it tells."""
    [error] = payload.pop("errors")
    assert all(value is None for value in payload.values())
    assert (error["__typename"], error["code"], error["path"]) == (
        "AuthError",
        "RATE_LIMITED",
        None,
    )
    told = re.fullmatch(
        r"Too many attempts\. Wait (\d+) seconds?, then try again\.", error["message"]
    )
    assert told
    return int(told[1])


async def test_an_account_can_be_tried_so_often(visitor: Client, account: Account) -> None:
    """An account is locked after its tries, and the error has the seconds to wait."""
    for _ in range(PER_ACCOUNT):
        assert code(await login(visitor, account.username)) == "INVALID_CREDENTIALS"
    refused = await login(visitor, account.username, PASSWORD)
    assert 1 <= seconds_to_wait(refused) <= 60


async def test_known_and_unknown_accounts_are_limited_alike(
    visitor: Client, account: Account
) -> None:
    """The limits don't tell whether there is such an account."""
    answers = [
        [code(await login(visitor, name)) for _ in range(PER_ACCOUNT + 1)]
        for name in (account.username, f"nobody-{uuid4().hex}")
    ]
    assert answers[0] == answers[1] == ["INVALID_CREDENTIALS"] * PER_ACCOUNT + ["RATE_LIMITED"]


async def test_an_account_is_the_same_however_it_is_typed(
    visitor: Client, account: Account
) -> None:
    """Letter case and spaces around make no other account."""
    for typed in (account.username.upper(), account.username.title(), f" {account.username}\t"):
        assert code(await login(visitor, typed)) == "INVALID_CREDENTIALS"
    assert code(await login(visitor, account.username, PASSWORD)) == "RATE_LIMITED"


@pytest.mark.parametrize("name", ["", "x" * 10_000, "\0", "İ"])
async def test_any_name_can_be_counted(visitor: Client, name: str) -> None:
    """What is typed instead of a name is limited like a name."""
    codes = [code(await login(visitor, name)) for _ in range(PER_ACCOUNT + 1)]
    assert codes == ["INVALID_CREDENTIALS"] * PER_ACCOUNT + ["RATE_LIMITED"]


async def test_one_accounts_tries_leave_the_others_theirs(
    visitor: Client, account: Account, stranger: Account
) -> None:
    """Who is guessed at keeps nobody else out."""
    for _ in range(PER_ACCOUNT + 1):
        await login(visitor, account.username)
    assert code(await login(visitor, stranger.username, PASSWORD)) is None


async def test_who_waits_as_long_as_told_gets_in(
    visitor: Client, account: Account, let_seconds_pass: Callable[[float], None]
) -> None:
    """Tries that were refused don't prolong the wait, and a second less is too short."""
    for _ in range(PER_ACCOUNT):
        await login(visitor, account.username)
        let_seconds_pass(5)
    assert seconds_to_wait(await login(visitor, account.username)) == 60 - PER_ACCOUNT * 5
    let_seconds_pass(60 - PER_ACCOUNT * 5 - 2)
    assert seconds_to_wait(await login(visitor, account.username, PASSWORD)) == 2
    let_seconds_pass(2)
    assert code(await login(visitor, account.username, PASSWORD)) is None
    assert code(await login(visitor, account.username, PASSWORD)) == "RATE_LIMITED"


async def test_of_many_tries_at_once_only_so_many_count(visitor: Client, account: Account) -> None:
    """Parallel guesses have no more chances than others."""
    answers = await asyncio.gather(*(login(visitor, account.username) for _ in range(8)))
    assert sorted(map(str, map(code, answers))) == (
        ["INVALID_CREDENTIALS"] * PER_ACCOUNT + ["RATE_LIMITED"] * (8 - PER_ACCOUNT)
    )


async def test_an_address_has_so_many_tries_for_all_accounts(
    visitor: Client, limited: ASGIApp
) -> None:
    """Tries at all accounts count for an address, and another address has its own."""
    for _ in range(PER_ADDRESS // 2):
        assert (await registered(visitor)).token
        assert code(await login(visitor, uuid4().hex)) == "INVALID_CREDENTIALS"
    assert code(await login(visitor, uuid4().hex)) == "RATE_LIMITED"
    sent = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    answer = await visitor.execute(REGISTER, {"input": sent})
    assert answer["data"]["register"]["user"] is None
    assert code(answer["data"]["register"]) == "RATE_LIMITED"
    async with visiting(limited, "192.0.2.2") as elsewhere:
        assert code(await login(elsewhere, uuid4().hex)) == "INVALID_CREDENTIALS"


async def tried_from_everywhere(limited: ASGIApp, account: Account) -> None:
    """Use up what all networks together may try of an account."""
    for number in range(PER_ACCOUNT * NETWORKS_PER_ACCOUNT):
        async with visiting(limited, f"198.51.100.{number}") as visitor:
            await login(visitor, account.username)


async def test_an_account_is_tried_from_everywhere_together(
    limited: ASGIApp, account: Account
) -> None:
    """Many networks have as many guesses at one account as ten of them."""
    async with visiting(limited, "203.0.113.1") as visitor:
        assert code(await login(visitor, account.username)) == "INVALID_CREDENTIALS"
        await tried_from_everywhere(limited, account)
        for name in (account.username, account.email):
            assert seconds_to_wait(await login(visitor, name, PASSWORD)) >= 1


async def test_guesses_from_everywhere_keep_no_owner_from_where_they_signed_in(
    limited: ASGIApp, account: Account
) -> None:
    """An IPv6 network is known by its 64 bits; even from there wrong passwords stay bounded."""
    async with visiting(limited, "2001:db8::1") as home:
        assert code(await login(home, account.username, PASSWORD)) is None
    await fetch("UPDATE sessions SET ended_at = now() WHERE owner_id = $1", UUID(account.id))
    await tried_from_everywhere(limited, account)
    async with (
        visiting(limited, "2001:db8::2") as home,
        visiting(limited, "2001:db8:0:1::1") as other,
    ):
        assert code(await login(other, account.username, PASSWORD)) == "RATE_LIMITED"
        assert code(await login(home, account.email, PASSWORD)) is None
        assert code(await login(home, account.username)) == "INVALID_CREDENTIALS"
        assert code(await login(home, account.username, PASSWORD)) == "RATE_LIMITED"


async def test_requests_from_everywhere_keep_no_owner_from_a_reset(
    limited: ASGIApp, account: Account
) -> None:
    """A reset guesses nothing, so neither resets nor logins of others use up the owner's."""
    await tried_from_everywhere(limited, account)
    for number in range(NETWORKS_PER_ACCOUNT):
        async with visiting(limited, f"192.0.2.{number}") as visitor:
            for _ in range(PER_ACCOUNT):
                assert code(await request_reset(visitor, account.email)) is None
            assert code(await request_reset(visitor, account.email)) == "RATE_LIMITED"
    async with visiting(limited, "203.0.113.1") as owner:
        assert code(await request_reset(owner, account.email)) is None


async def test_one_networks_guesses_keep_no_owner_out(
    visitor: Client, limited: ASGIApp, account: Account
) -> None:
    """An owner at another network gets in and changes the password, however much one guesses."""
    for _ in range(3 * PER_ADDRESS):
        await login(visitor, account.username)
    async with visiting(limited, "192.0.2.2") as elsewhere:
        signed_in = await login(elsewhere, account.username, PASSWORD)
        assert code(signed_in) is None
        token = signed_in["tokens"]["accessToken"]
        assert code(await change_password(elsewhere, token)) is None


async def test_name_address_and_session_are_one_account(visitor: Client, account: Account) -> None:
    """What was tried by one of them counts for the others, in any order."""
    assert code(await login(visitor, account.username)) == "INVALID_CREDENTIALS"
    assert code(await login(visitor, f" {account.email.upper()}")) == "INVALID_CREDENTIALS"
    wrong = await change_password(visitor, account.token, WRONG)
    assert code(wrong) == "INVALID_CREDENTIALS"
    for name in (account.username, account.email):
        assert seconds_to_wait(await login(visitor, name, PASSWORD)) >= 1
    assert seconds_to_wait(await change_password(visitor, account.token)) >= 1


async def test_refused_tries_by_another_name_do_not_prolong_the_wait(
    visitor: Client, account: Account, let_seconds_pass: Callable[[float], None]
) -> None:
    """Who waits as long as the answer says gets in by the address as well as by the name."""
    for _ in range(PER_ACCOUNT):
        await login(visitor, account.username)
    let_seconds_pass(30)
    for _ in range(PER_ADDRESS):
        refused = await login(visitor, account.email, PASSWORD)
    let_seconds_pass(seconds_to_wait(refused))
    assert code(await login(visitor, account.email, PASSWORD)) is None


async def test_a_locked_account_locks_nobody_else_out(
    visitor: Client, account: Account, stranger: Account
) -> None:
    """A locked client's neighbours at the address get in, however often it tries."""
    for _ in range(PER_ADDRESS + 1):
        refused = await login(visitor, account.username)
    assert code(refused) == "RATE_LIMITED"
    assert code(await login(visitor, stranger.username, PASSWORD)) is None


async def test_a_full_address_uses_up_no_accounts_tries(
    visitor: Client, limited: ASGIApp, account: Account
) -> None:
    """What an address is refused isn't counted for the account that it tried."""
    for _ in range(PER_ADDRESS):
        await login(visitor, uuid4().hex)
    for _ in range(PER_ACCOUNT + 1):
        assert code(await login(visitor, account.username)) == "RATE_LIMITED"
    async with visiting(limited, "192.0.2.2") as elsewhere:
        assert code(await login(elsewhere, account.username, PASSWORD)) is None


@pytest.mark.parametrize(
    ("address", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        (None, None, True),
        (None, "192.0.2.1", False),
        ("no address", "no address", True),
    ],
)
async def test_who_shares_an_address(
    settings: Settings, address: str | None, other: str | None, together: bool
) -> None:
    """An IPv6 network of 64 bits is one household, and unknown addresses are counted together."""
    one = settings.model_copy(update={"rate_limit_credentials_per_address": 1})
    limits = RateLimits(one)
    assert await limits.wait_for_credential(address, None) == 0
    assert bool(await limits.wait_for_credential(other, None)) is together


async def test_what_is_no_text_is_counted_too(settings: Settings) -> None:
    """A lone surrogate, which UTF-8 can't write, is limited like any name."""
    one = settings.model_copy(update={"rate_limit_credentials": 1})
    limits = RateLimits(one)
    assert await limits.wait_for_credential(None, "\ud800") == 0
    assert await limits.wait_for_credential(None, "\ud800") > 0
    assert await limits.wait_for_credential(None, "\udfff") == 0


async def test_without_limits_nobody_waits(settings: Settings) -> None:
    """0 switches a limit off."""
    limits = RateLimits(settings)
    for _ in range(100):
        assert await limits.wait_for_credential("192.0.2.1", "ada") == 0
        assert await limits.wait_for_refresh(uuid4()) == 0


async def test_a_viewer_changes_the_password_so_often(
    visitor: Client, account: Account, stranger: Account
) -> None:
    """Who has the token can't go on guessing at the password; others aren't kept from it."""
    for _ in range(PER_ACCOUNT):
        wrong = await change_password(visitor, account.token, WRONG)
        assert code(wrong) == "INVALID_CREDENTIALS"
    assert seconds_to_wait(await change_password(visitor, account.token)) >= 1
    assert code(await change_password(visitor, stranger.token)) is None


OWN = {
    "emailVerificationRequest": "{ emailVerificationRequest { ok errors { code } } }",
    "emailChangeRequest": (
        '{ emailChangeRequest(email: "a", currentPassword: "b") { ok errors { code } } }'
    ),
    "accountDelete": '{ accountDelete(currentPassword: "b") { ok errors { code } } }',
    "passwordResetRequest": '{ passwordResetRequest(email: "EMAIL") { ok errors { code } } }',
    "emailVerify": '{ emailVerify(token: "TOKEN") { errors { code } } }',
    "emailChangeConfirm": '{ emailChangeConfirm(token: "TOKEN") { errors { code } } }',
    "passwordReset": (
        '{ passwordReset(input: { token: "TOKEN", newPassword: "b" }) { ok errors { code } } }'
    ),
}


@pytest.mark.parametrize("name", OWN)
async def test_every_way_into_an_account_is_limited(
    visitor: Client, account: Account, stranger: Account, settings: Settings, name: str
) -> None:
    """Every sign-in is limited by its viewer, address or token, and other accounts go on."""

    async def tried(who: Account) -> str | None:
        token = LinkToken.of_mail(UUID(who.id), uuid4(), settings).text
        document = OWN[name].replace("TOKEN", token).replace("EMAIL", who.email)
        answer = await visitor.execute(f"mutation {document}", token=who.token)
        return code(answer["data"][name])

    assert "RATE_LIMITED" not in [await tried(account) for _ in range(PER_ACCOUNT)]
    assert await tried(account) == "RATE_LIMITED"
    assert await tried(stranger) != "RATE_LIMITED"


async def test_what_is_not_executed_is_not_counted(visitor: Client, account: Account) -> None:
    """Signed out there is no password to change, and an invalid document tries nothing."""
    sent = {"input": {"currentPassword": "", "newPassword": ""}}
    for _ in range(PER_ADDRESS + 1):
        [error] = (await visitor.execute(CHANGE_PASSWORD, sent))["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        [error, *_] = (await visitor.execute("mutation { login { nothing } }"))["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert code(await login(visitor, account.username, PASSWORD)) is None


async def test_who_is_refused_costs_nothing(
    visitor: Client, account: Account, recorded: Callable[[], Any], hashed: list[Any]
) -> None:
    """No password is hashed and no row is read."""
    for _ in range(PER_ACCOUNT):
        await login(visitor, account.username)
    assert len(hashed) == PER_ACCOUNT
    with recorded() as statements:
        assert code(await login(visitor, account.username)) == "RATE_LIMITED"
    assert (len(statements), len(hashed)) == (0, PER_ACCOUNT)


async def test_a_session_is_refreshed_so_often(visitor: Client, account: Account) -> None:
    """A session has its own allowance, and the one refused goes on from where it was."""
    token = account.refresh_token
    other = (await login(visitor, account.username, PASSWORD))["tokens"]["refreshToken"]
    for _ in range(PER_ADDRESS):
        token = (await refresh(visitor, token))["tokens"]["refreshToken"]
    assert seconds_to_wait(await refresh(visitor, token)) >= 1
    assert code(await refresh(visitor, other)) is None


async def test_guessed_refresh_tokens_use_up_nobodys_allowance(
    visitor: Client, account: Account, settings: Settings
) -> None:
    """Only a token that this server made counts for its session."""
    made = RefreshToken.parse(account.refresh_token, settings)
    assert made
    guess = RefreshToken.first(made.session_id).text(settings)[:-1] + "!"
    for _ in range(PER_ADDRESS + 1):
        assert code(await refresh(visitor, guess)) == "INVALID_TOKEN"
    assert code(await refresh(visitor, account.refresh_token)) is None


async def test_what_is_over_is_forgotten(let_seconds_pass: Callable[[float], None]) -> None:
    """Only the last period's tries are stored, however many are counted."""
    storage = InProcessStorage()
    for number in range(1000):
        assert await storage.acquire_entry(f"first {number}", 5, 60)
    let_seconds_pass(30)
    assert await storage.acquire_entry("first 0", 5, 60)
    assert await storage.acquire_entry("second", 5, 60)
    let_seconds_pass(31)
    assert await storage.acquire_entry("third", 5, 60)
    assert set(storage.events) == {"first 0", "second", "third"}
