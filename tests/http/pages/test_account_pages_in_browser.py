"""The pages that the links in mails open, in a real browser on a real server, by keyboard."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.browsing import CHROMIUM, Page
from tests.support.mailbox import LINK, text_of
from tests.support.processes import Server, serving

playwright_api = pytest.importorskip("playwright.async_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

ARRIVAL_SECONDS = 30
NARROW = {"width": 320, "height": 640}
PASSWORD = "Correct1horse"
NEW_PASSWORD = "Battery2staple"
VERIFICATION = "Confirm your e-mail address"
RESET = "Set a new password"

REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) {
  tokens { accessToken } errors { message }
} }"""
REQUEST_RESET = "mutation ($email: String!) { passwordResetRequest(email: $email) { ok } }"
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { user { id } } }"


@dataclass
class Site:
    """A running server and the folder that its mails are written to."""

    server: Server
    outbox: Path

    @property
    def url(self) -> str:
        """Where it answers, as an origin."""
        return self.server.address.removesuffix("/graphql")

    async def link(self, address: str, subject: str) -> str:
        """The link in the mail of a subject to an address, waited for if it isn't there yet."""
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while True:
                for path in self.outbox.glob("*.eml"):
                    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
                    assert isinstance(mail, EmailMessage)
                    if (mail["To"], mail["Subject"]) == (address, subject):
                        found = LINK.search(text_of(mail))
                        assert found
                        return found[0]
                await asyncio.sleep(0.05)


@dataclass
class Person:
    """Somebody with a new account."""

    site: Site
    username: str = field(default_factory=lambda: f"user-{uuid4().hex[:12]}")
    token: str = ""

    @property
    def email(self) -> str:
        """The address that their mails go to."""
        return f"{self.username}@example.com"

    def register(self) -> None:
        """Make the account."""
        given = {"username": self.username, "email": self.email, "password": PASSWORD}
        payload = self.site.server.execute(REGISTER, input=given)["register"]
        self.token = payload["tokens"]["accessToken"]

    def is_verified(self) -> bool:
        """Whether the address is proven."""
        data = self.site.server.execute("{ viewer { isVerified } }", self.token)
        return bool(data["viewer"]["isVerified"])

    def can_sign_in(self, password: str) -> bool:
        """Whether a password opens the account."""
        given = {"usernameOrEmail": self.username, "password": password}
        return bool(self.site.server.execute(LOGIN, input=given)["login"]["user"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server as on a laptop, with a PostgreSQL and a worker of its own."""
    data_dir = tmp_path_factory.mktemp("site") / "server/data"
    with serving(data_dir) as server:
        yield Site(server, data_dir / "outbox")


@pytest.fixture
def person(site: Site) -> Person:
    """Somebody who has just registered."""
    person = Person(site)
    person.register()
    return person


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
async def page(browser: Any, site: Site, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A page on a narrow screen; afterwards nothing may have gone wrong or left for elsewhere."""
    context = await browser.new_context(viewport=NARROW, java_script_enabled=request.param)
    opened = await context.new_page()
    troubles: list[str] = []

    def note_message(message: Any) -> None:
        # The browser itself reports each page with a status from 400 on.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            troubles.append(message.text)

    def note_request(sent: Any) -> None:
        if not sent.url.startswith((f"{site.url}/account/", "data:")):
            troubles.append(f"request to {sent.url}")

    opened.on("console", note_message)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("request", note_request)
    yield opened
    await context.close()
    assert troubles == []


async def focus(page: Page) -> Any:
    """The element that has the focus, waited for after a page is loaded."""
    focused = page.locator(":focus")
    await focused.wait_for()
    return focused


async def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        await page.keyboard.press(key)


async def heading(page: Page, text: str) -> None:
    """Wait for a page by its heading; it must fit the screen's width."""
    await page.get_by_role("heading", level=1, name=text, exact=True).wait_for()
    assert await page.locator("h1").count() == 1
    for element in await page.locator("main, main *:visible").all():
        box = await element.bounding_box()
        assert box is None or box["x"] + box["width"] <= NARROW["width"], await element.inner_text()


async def set_password(page: Page, new: str, repeated: str) -> None:
    """Type a password twice, from the first field on, and send the form."""
    await page.keyboard.type(new)
    await press(page, "Tab")
    await page.keyboard.type(repeated)
    await press(page, "Tab", "Enter")


async def test_an_address_is_confirmed_by_keyboard(page: Page, site: Site, person: Person) -> None:
    """The only stop of Tab is the button, and Enter on it confirms the address."""
    link = await site.link(person.email, VERIFICATION)
    await page.goto(link)
    await heading(page, "Confirm your address")
    assert not person.is_verified()
    await press(page, "Tab")
    button = page.get_by_role("button", name="Confirm this address")
    assert await (await focus(page)).inner_text() == await button.inner_text()
    await press(page, "Enter")
    await heading(page, "Your address is confirmed")
    assert person.is_verified()
    await page.goto(link)
    await heading(page, "This link no longer works")


async def test_a_password_is_set_by_keyboard(page: Page, site: Site, person: Person) -> None:
    """A password is set by keyboard, and a wrong repetition puts the focus on the summary."""
    site.server.execute(REQUEST_RESET, email=person.email)
    link = await site.link(person.email, RESET)
    await page.goto(link)
    await heading(page, RESET)
    assert await page.get_by_label("User name").input_value() == person.username
    assert await (await focus(page)).get_attribute("name") == "newPassword"

    await set_password(page, NEW_PASSWORD, PASSWORD)
    alert = page.get_by_role("alert", name="The password is not changed yet")
    await alert.wait_for()
    await heading(page, RESET)
    assert (await page.title()).startswith("Error: ")
    assert await (await focus(page)).get_attribute("role") == "alert"
    repeated = page.get_by_label("Repeat the new password")
    description = "The two passwords differ. Type the new password again."
    await playwright_api.expect(repeated).to_have_accessible_description(description)
    assert await repeated.input_value() == ""
    await press(page, "Tab", "Enter")
    await playwright_api.expect(repeated).to_be_focused()
    assert not person.can_sign_in(NEW_PASSWORD)

    await press(page, "Shift+Tab")
    await set_password(page, NEW_PASSWORD, NEW_PASSWORD)
    await heading(page, "Your password is set")
    assert person.can_sign_in(NEW_PASSWORD)
    assert not person.can_sign_in(PASSWORD)
    await page.goto(link)
    await heading(page, "This link no longer works")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_look_is_the_pages_own(
    browser: Any, site: Site, person: Person, scheme: str
) -> None:
    """The style that the policy allows by its hash applies, by day and by night."""
    context = await browser.new_context(color_scheme=scheme)
    page = await context.new_page()
    await page.goto(await site.link(person.email, VERIFICATION))
    button = page.get_by_role("button")
    colour = {"light": "rgb(179, 18, 107)", "dark": "rgb(255, 122, 184)"}[scheme]
    await playwright_api.expect(button).to_have_css("background-color", colour)
    await context.close()
