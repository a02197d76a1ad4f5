"""The pages that the links in mails open, over HTTP: what they show, do and refuse."""

import asyncio
import io
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette

from tests.support.accounts import PASSWORD, Account, Client, NewAccount, visiting
from tests.support.mailbox import Mailbox, token_of
from todo_gql.app import create_app
from todo_gql.database.connection import acquire, fetch
from todo_gql.http.middleware.stack import with_middleware
from todo_gql.http.pages.account import account_routes
from todo_gql.security import passwords
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

NEW_PASSWORD = "Battery2staple"
VERIFICATION = "Confirm your e-mail address"
CHANGE = "Confirm your new e-mail address"
RESET = "Set a new password"

REQUEST_RESET = "mutation ($email: String!) { passwordResetRequest(email: $email) { ok } }"
REQUEST_CHANGE = """mutation ($email: String!, $password: String!) {
  emailChangeRequest(email: $email, currentPassword: $password) { ok errors { code } }
}"""
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { user { username } } }"""
VIEWER = "{ viewer { email isVerified } }"
FORM = "application/x-www-form-urlencoded"


class Shape(HTMLParser):
    """The elements of a page, by tag, and those by id."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def having(self, id: str) -> dict[str, str | None]:
        """The attributes of the element with an id."""
        [found] = [attributes for _, attributes in self.elements if attributes.get("id") == id]
        return found


def heading(page: httpx.Response) -> str:
    """The text of the one h1 of a page."""
    [found] = re.findall("<h1>(.*?)</h1>", page.text)
    return str(found)


async def verification_token(mailbox: Mailbox, account: Account) -> str:
    """The token that was mailed to a new account."""
    return token_of(await mailbox.arrival(f"{account.username}@example.com", VERIFICATION))


async def reset_token(mailbox: Mailbox, account: Account) -> str:
    """A token that sets a new password."""
    address = f"{account.username}@example.com"
    await account.data(REQUEST_RESET, email=address)
    return token_of(await mailbox.arrival(address, RESET))


async def change_token(mailbox: Mailbox, account: Account, address: str) -> str:
    """A token that moves an account to an address."""
    payload = await account.data(REQUEST_CHANGE, email=address, password=PASSWORD)
    assert payload["emailChangeRequest"] == {"ok": True, "errors": []}
    return token_of(await mailbox.arrival(address, CHANGE))


async def opened(client: Client, place: str, token: str) -> httpx.Response:
    """The page that a link opens."""
    return await client.http.get(f"/account/{place}", params={"token": token})


async def sent(client: Client, place: str, token: str, **fields: str) -> httpx.Response:
    """The page that follows on sending a form."""
    return await client.http.post(f"/account/{place}", data={"token": token, **fields})


async def reset(client: Client, token: str, new: str, repeated: str) -> httpx.Response:
    """The page that follows on sending the form for a new password."""
    return await sent(client, "reset", token, newPassword=new, repeatedPassword=repeated)


async def can_sign_in(client: Client, username: str, password: str) -> bool:
    """Whether a password opens an account."""
    given = {"usernameOrEmail": username, "password": password}
    answer = await client.execute(LOGIN, {"input": given})
    return bool(answer["data"]["login"]["user"])


async def test_an_address_is_confirmed_by_the_form(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Opening the link any number of times uses nothing up, sending its form does, once."""
    token = await verification_token(mailbox, account)
    for _ in range(3):
        page = await opened(client, "verify", token)
        assert (page.status_code, heading(page)) == (200, "Confirm your address")
    assert f"{account.username}@example.com" in page.text
    assert (await account.data(VIEWER))["viewer"]["isVerified"] is False
    done = await sent(client, "verify", token)
    assert (done.status_code, heading(done)) == (200, "Your address is confirmed")
    assert (await account.data(VIEWER))["viewer"]["isVerified"] is True
    for used in (await sent(client, "verify", token), await opened(client, "verify", token)):
        assert (used.status_code, heading(used)) == (410, "This link no longer works")


async def test_an_account_moves_to_an_address_by_the_form(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The account keeps its address until the form is sent, and the link works once."""
    address = f"new-{account.username}@example.com"
    token = await change_token(mailbox, account, address)
    page = await opened(client, "email", token)
    assert (page.status_code, heading(page)) == (200, "Confirm your new address")
    assert address in page.text
    assert (await account.data(VIEWER))["viewer"]["email"] != address
    done = await sent(client, "email", token)
    assert (done.status_code, heading(done)) == (200, "Your address has changed")
    assert (await account.data(VIEWER))["viewer"] == {"email": address, "isVerified": True}
    used = await sent(client, "email", token)
    assert (used.status_code, heading(used)) == (410, "This link no longer works")


async def test_an_address_that_was_taken_meanwhile_is_told(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """An address that was registered meanwhile gets status 409, and the account keeps its own."""
    address = f"new-{account.username}@example.com"
    token = await change_token(mailbox, account, address)
    other = {"username": f"o-{account.username}", "email": address, "password": PASSWORD}
    register = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }"
    assert (await client.execute(register, {"input": other}))["data"]["register"]["user"]
    page = await sent(client, "email", token)
    assert (page.status_code, heading(page)) == (409, "This address is taken")
    assert (await account.data(VIEWER))["viewer"]["email"] == f"{account.username}@example.com"


async def test_a_password_is_set_by_the_form(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The new password opens the account, the old one and the old sessions don't."""
    token = await reset_token(mailbox, account)
    page = await opened(client, "reset", token)
    assert (page.status_code, heading(page)) == (200, RESET)
    done = await reset(client, token, NEW_PASSWORD, NEW_PASSWORD)
    assert (done.status_code, heading(done)) == (200, "Your password is set")
    assert "All devices are signed out" in done.text
    assert NEW_PASSWORD not in done.text
    assert (await account.data("{ viewer { id } }"))["viewer"] is None
    assert await can_sign_in(client, account.username, NEW_PASSWORD)
    assert not await can_sign_in(client, account.username, PASSWORD)
    used = await reset(client, token, PASSWORD, PASSWORD)
    assert (used.status_code, heading(used)) == (410, "This link no longer works")
    assert not await can_sign_in(client, account.username, PASSWORD)


async def test_the_form_for_a_password_is_known_to_password_managers(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """Password managers know the form by the user name and two labelled new passwords."""
    page = Shape(await opened(client, "reset", await reset_token(mailbox, account)))
    assert page.having("username")["value"] == account.username
    assert page.having("username")["autocomplete"] == "username"
    for name in ("newPassword", "repeatedPassword"):
        assert page.having(name)["autocomplete"] == "new-password"
        assert "value" not in page.having(name)
    labelled = [label["for"] for label in page.all("label")]
    assert labelled == ["username", "newPassword", "repeatedPassword"]
    assert page.having("newPassword")["aria-describedby"] == "newPassword-rules"
    assert [each["id"] for _, each in page.elements if "autofocus" in each] == ["newPassword"]


@pytest.mark.parametrize(
    ("new", "repeated", "wrong"),
    [
        (NEW_PASSWORD, "Battery3staple", {"repeatedPassword": "The two passwords differ."}),
        (NEW_PASSWORD, "", {"repeatedPassword": "The two passwords differ."}),
        ("Sh0rt", "Sh0rt", {"newPassword": "Use at least 8 characters."}),
        ("Aa1" + "x" * 126, "Aa1" + "x" * 126, {"newPassword": "Use at most 128 characters."}),
        ("lower1case", "lower1case", {"newPassword": "Use at least one upper-case letter"}),
        ("Passw0rd", "Passw0rd", {"newPassword": "This password is too common."}),
        ("Battery2\0staple", "Battery2\0staple", {"newPassword": "Remove the character U+0000"}),
        ("", "", {"newPassword": "Use at least 8 characters."}),
        (
            "Sh0rt",
            "Shorter0",
            {"newPassword": "Use at least 8", "repeatedPassword": "The two passwords differ."},
        ),
    ],
)
async def test_a_problem_is_told_beside_its_field(
    mailbox: Mailbox,
    account: Account,
    client: Client,
    new: str,
    repeated: str,
    wrong: dict[str, str],
) -> None:
    """A problem is shown beside its field and in a focused summary, and no password is repeated."""
    token = await reset_token(mailbox, account)
    answer = await reset(client, token, new, repeated)
    assert answer.status_code == 422
    assert f"<title>Error: {RESET}" in answer.text
    page = Shape(answer)
    [summary] = [each for _, each in page.elements if each.get("role") == "alert"]
    assert "autofocus" in summary
    assert [link["href"] for link in page.all("a")] == [f"#{name}" for name in wrong]
    for name, message in wrong.items():
        field = page.having(name)
        assert field["aria-invalid"] == "true"
        assert f"{name}-problem" in (field["aria-describedby"] or "").split()
        assert f'id="{name}-problem">{message}' in answer.text
    assert {each.get("id") for each in page.all("input") if "aria-invalid" in each} == set(wrong)
    assert not any("value" in each for each in page.all("input") if each["type"] == "password")
    assert not any(given in answer.text for given in (new, repeated) if given)
    assert (await reset(client, token, NEW_PASSWORD, NEW_PASSWORD)).status_code == 200


async def test_a_link_opens_no_page_but_its_own(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """A link opens only its own page, and stays good there."""
    tokens = {
        "verify": await verification_token(mailbox, account),
        "reset": await reset_token(mailbox, account),
        "email": await change_token(mailbox, account, f"new-{account.username}@example.com"),
    }
    for place in tokens:
        for other, token in tokens.items():
            page = await opened(client, place, token)
            assert page.status_code == (200 if place == other else 410)
            if place != other:
                both = {"newPassword": NEW_PASSWORD, "repeatedPassword": NEW_PASSWORD}
                assert (await sent(client, place, token, **both)).status_code == 410
    assert (await opened(client, "reset", tokens["reset"])).status_code == 200


@pytest.mark.parametrize("place", ["verify", "email", "reset"])
@pytest.mark.parametrize("token", ["", "x", "A" * 86, "é\0", '"><script>', "x" * 9000])
async def test_a_token_that_is_no_good_is_told(client: Client, place: str, token: str) -> None:
    """A bad token is reported by GET as by POST, with what to do next, and is not repeated."""
    for page in (await opened(client, place, token), await sent(client, place, token)):
        assert (page.status_code, heading(page)) == (410, "This link no longer works")
        assert "in the app" in page.text
        assert "<script" not in page.text
    assert (await client.http.get(f"/account/{place}")).status_code == 410


@pytest.mark.parametrize("query", ["a=&" * 21, "token=" + "%" * 16_384], ids=["many", "long"])
async def test_a_link_longer_than_any_of_ours_is_refused(client: Client, query: str) -> None:
    """A link longer than any of ours, or with more parameters, is refused."""
    response = await client.http.get(f"/account/verify?{query}")
    assert response.status_code == 400
    assert "The link is too long to be one of ours." in response.text


async def test_an_expired_link_is_told(mailbox: Mailbox, account: Account, client: Client) -> None:
    """A link that has expired by the database's clock is reported as expired."""
    token = await verification_token(mailbox, account)
    await fetch(
        "UPDATE mails SET created_at = created_at - interval '3 days',"
        " expires_at = now() - interval '1 second' WHERE owner_id = $1",
        UUID(account.id),
    )
    assert (await opened(client, "verify", token)).status_code == 410
    assert (await sent(client, "verify", token)).status_code == 410


async def test_of_forms_sent_at_once_one_does_it(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The others are told that the link was used."""
    token = await reset_token(mailbox, account)
    words = [f"Battery{number}staple" for number in range(5)]
    pages = await asyncio.gather(*(reset(client, token, word, word) for word in words))
    assert sorted(page.status_code for page in pages) == [200, 410, 410, 410, 410]


async def test_pages_are_private_and_load_nothing(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The headers of pages make them private and load nothing, in every state."""
    token = await verification_token(mailbox, account)
    pages = [
        await opened(client, "verify", token),
        await client.http.post("/account/verify", json={}),
        await sent(client, "verify", token),
        await sent(client, "verify", token),
    ]
    assert [page.status_code for page in pages] == [200, 415, 200, 410]
    for page in pages:
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["x-robots-tag"] == "noindex"
        policy = page.headers["content-security-policy"].split("; ")
        assert policy[0] == "default-src 'none'"
        assert {"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
        shape = Shape(page)
        assert shape.all("html") == [{"lang": "en"}]
        assert len(shape.all("main")) == 1
        assert shape.all("script") == []


async def test_no_host_is_believed(mailbox: Mailbox, account: Account, client: Client) -> None:
    """Forms go to where their page came from, whatever the Host header says."""
    token = await verification_token(mailbox, account)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    page = await client.http.get("/account/verify", params={"token": token}, headers=headers)
    assert "evil.example" not in page.text
    assert [form["action"] for form in Shape(page).all("form")] == ["verify"]


async def test_head_is_get_without_the_page(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """The same status and headers; and the link stays good."""
    token = await verification_token(mailbox, account)
    head = await client.http.head("/account/verify", params={"token": token})
    page = await opened(client, "verify", token)
    assert head.status_code == page.status_code == 200
    assert head.headers["content-length"] == page.headers["content-length"]
    assert (await client.http.head("/account/verify?token=x")).status_code == 410


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(client: Client, method: str) -> None:
    """Other methods get status 405, with those that are allowed."""
    answer = await client.http.request(method, "/account/reset")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"token=x", {}, 415),
        (b"token=x", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"token=x", {"Content-Type": f"{FORM}; charset=latin-1"}, 415),
        (b"token=x", {"Content-Type": FORM, "Content-Encoding": "gzip"}, 415),
        (b"token=%ff", {"Content-Type": FORM}, 400),
        (b"token=\xff", {"Content-Type": FORM}, 400),
        (b"&".join([b"a=1"] * 21), {"Content-Type": FORM}, 400),
        (b"token=" + b"x" * 16_384, {"Content-Type": FORM}, 413),
        (b"", {"Content-Type": FORM}, 410),
        (b"=&&%", {"Content-Type": f"{FORM};charset=UTF-8"}, 410),
    ],
)
async def test_what_is_no_form_is_refused(
    client: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    """A body that is no form is refused with what is wrong with it."""
    for place in ("verify", "email", "reset"):
        answer = await client.http.post(f"/account/{place}", content=body, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_form_on_another_site_is_refused(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """A form on another site gets status 403, and the link stays good."""
    token = await verification_token(mailbox, account)
    headers = {"Sec-Fetch-Site": "cross-site"}
    refused = await client.http.post("/account/verify", data={"token": token}, headers=headers)
    assert (refused.status_code, heading(refused)) == (403, "This form can’t be accepted")
    page = await client.http.get("/account/verify", params={"token": token}, headers=headers)
    assert page.status_code == 200
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    done = await client.http.post("/account/verify", data={"token": token}, headers=headers)
    assert done.status_code == 200


async def test_a_database_that_is_away_is_told(
    mailbox: Mailbox, account: Account, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away gets status 503 with a Retry-After, and the link stays good."""
    token = await verification_token(mailbox, account)
    with monkeypatch.context() as patch:

        async def lost(*_: object, **__: object) -> None:
            raise ConnectionResetError("postgresql://user:secret@host/")

        patch.setattr(acquire, "__aenter__", lost)
        pages = [await opened(client, "verify", token), await sent(client, "verify", token)]
    for page in pages:
        assert (page.status_code, heading(page)) == (503, "Please try again in a moment")
        assert page.headers["retry-after"] == "1"
        assert "secret" not in page.text
        [again] = Shape(page).all("a")
        assert again["href"] == f"verify?token={token}"
    assert (await sent(client, "verify", token)).status_code == 200


@contextmanager
def busy_hashing() -> Iterator[None]:
    """No place to wait in for a password's hash, until the block ends."""
    gate, threads = threading.Event(), passwords.hashing_threads()
    taken = 0
    while threads.capacity.acquire(blocking=False):
        threads.executor.submit(gate.wait)
        taken += 1
    try:
        yield
    finally:
        gate.set()
        threads.capacity.release(taken)


async def test_a_password_too_many_is_told_to_wait(
    mailbox: Mailbox, account: Account, client: Client
) -> None:
    """A password too many gets status 503, and the link stays good."""
    token = await reset_token(mailbox, account)
    with busy_hashing():
        page = await reset(client, token, NEW_PASSWORD, NEW_PASSWORD)
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert NEW_PASSWORD not in page.text
    assert (await reset(client, token, NEW_PASSWORD, NEW_PASSWORD)).status_code == 200


async def test_who_tries_too_often_is_told_to_wait(
    app: Any, settings: Settings, database_url: str
) -> None:
    """Forms count like the mutations that they stand for; looking at the page doesn't."""
    few = settings.model_copy(update={"rate_limit_credentials_per_address": 2})
    async with visiting(create_app(few, database_url)) as visitor:
        page = [
            await visitor.http.post("/account/verify", data={"token": "x" * 86}) for _ in range(3)
        ][-1]
        seen = await visitor.http.get("/account/verify", params={"token": "x" * 86})
    assert (page.status_code, heading(page)) == (429, "Too many attempts")
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert seen.status_code == 410


@pytest.fixture
async def logged(settings: Settings, client: Client) -> AsyncIterator[tuple[Any, io.StringIO]]:
    """A client of the pages alone, and their access log."""
    log = io.StringIO()
    app = with_middleware(
        Starlette(routes=account_routes(settings, RateLimits(settings))), log_stream=log
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
        yield Client(http), log


async def test_no_log_holds_a_token(
    mailbox: Mailbox,
    account: Account,
    logged: tuple[Client, io.StringIO],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No log holds a token, even when something fails: the access log has the path alone."""
    client, log = logged
    token = await verification_token(mailbox, account)
    caplog.clear()
    with monkeypatch.context() as patch:

        async def lost(*_: object, **__: object) -> None:
            raise ConnectionResetError

        patch.setattr(acquire, "__aenter__", lost)
        assert (await opened(client, "verify", token)).status_code == 503
    await opened(client, "verify", token)
    await sent(client, "verify", token)
    assert log.getvalue().count("/account/verify") == 3
    assert "ConnectionResetError" in caplog.text
    assert token not in log.getvalue() + caplog.text


async def test_names_are_shown_as_text(
    mailbox: Mailbox, new_account: NewAccount, client: Client
) -> None:
    """An address with signs of HTML is escaped."""
    account = await new_account()
    address = f"o'neill&{account.username}@example.com"
    page = await opened(client, "email", await change_token(mailbox, account, address))
    assert f"<strong>o&#39;neill&amp;{account.username}@example.com</strong>" in page.text
