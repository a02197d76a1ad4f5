"""A tab with the example's page, and what somebody does and sees in it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright import async_api
from playwright.async_api import Locator, Page, Request, Route, expect

from tests.examples.backend import Backend, Person, Row
from tests.support.accounts import PASSWORD
from tests.support.waiting import until

# What one tab does the others show within this.
A_SECOND = 1.0
PATIENCE = 30.0
expect.set_options(timeout=1000 * PATIENCE)
ROWS = """
[...document.querySelectorAll('section li[id^=todo]')].map((row) => [
  row.querySelector('.title')?.textContent ?? '',
  row.classList.contains('completed'),
])
"""
# As lines, subtasks indented, and headings of sections with a colon.
OUTLINE = """
[...document.querySelectorAll('section.card h3:not(li h3), section.card .title')].map((shown) => {
  if (shown.matches('h3')) return `${shown.textContent}:`;
  const depth = [...document.querySelectorAll('section.card li[id^=todo]')]
    .filter((row) => row.contains(shown)).length - 1;
  return '  '.repeat(depth) + shown.textContent;
})
"""
# What the browser itself says of requests that failed.
FAILURES = ("Failed to load resource", "WebSocket connection to")


def operation_of(request: Request) -> str | None:
    """The name of the GraphQL operation that is asked for."""
    address = urlsplit(request.url)
    if address.path != "/graphql":
        return None
    if request.method == "GET":
        return next(iter(parse_qs(address.query).get("operationName", [])), None)
    return str(json.loads(request.post_data or "{}").get("operationName"))


@dataclass
class Tab:
    """The page in a browser; whatever goes wrong in it is a trouble, or leaves for elsewhere."""

    page: Page
    address: str
    person: Person
    expects_failures: bool = False
    operations: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """Show the page."""
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._note_request)
        await self.page.goto(self.address)

    def _note_message(self, message: Any) -> None:
        is_failure = self.expects_failures and message.text.startswith(FAILURES)
        if message.type in {"error", "warning"} and not is_failure:
            self.troubles.append(message.text)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:")):
            self.troubles.append(f"request to {request.url}")
        if operation := operation_of(request):
            self.operations.append(operation)

    async def sign_in(self, password: str = PASSWORD) -> None:
        """Type name and password, and press Enter."""
        await self.page.get_by_label("User name").fill(self.person.username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.keyboard.press("Enter")

    async def has_sent(self, **numbers: int) -> None:
        """Wait until operations were sent as often as this."""
        await until(lambda: {name: self.operations.count(name) for name in numbers} == numbers)

    async def is_live(self) -> None:
        """Wait until changes are followed."""
        await expect(self.state).to_contain_text("Live")

    @property
    def state(self) -> Locator:
        """What the page says of its connection."""
        return self.page.locator("footer").get_by_role("status")

    @property
    def alerts(self) -> Locator:
        """What the server has against something, and questions."""
        return self.page.get_by_role("alert").get_by_role("paragraph")

    @property
    def unsaved(self) -> Locator:
        """The marks at todos that the server doesn't know of as they look."""
        return self.page.get_by_text("Not saved yet", exact=True)

    def button(self, name: str) -> Locator:
        """The button of that name, such as “Rename Buy milk”."""
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def add(self, title: str) -> None:
        """Type a new todo and press Enter."""
        await self.page.get_by_label("New todo").fill(title)
        await self.page.keyboard.press("Enter")

    async def rename(self, title: str, new_title: str) -> None:
        """Give a todo another title."""
        await self.button(f"Rename {title}").click()
        await self.page.get_by_label(f"New title for {title}").fill(new_title)
        await self.page.keyboard.press("Enter")

    async def complete(self, *titles: str) -> None:
        """Complete one todo by its own button, or several at once."""
        if len(titles) == 1:
            await self.button(f"Complete {titles[0]}").click()
            return
        for title in titles:
            await self.page.get_by_label(f"Select {title}", exact=True).check()
        await self.button(f"Complete {len(titles)} selected").click()

    async def shows(self, *rows: Row, within: float = PATIENCE) -> None:
        """Wait until exactly this is shown: titles, and whether they are done."""
        shown = f"rows => JSON.stringify({ROWS.strip()}) === JSON.stringify(rows)"
        try:
            await self.page.wait_for_function(shown, arg=rows, timeout=1000 * within)
        except async_api.TimeoutError:
            assert await self.page.evaluate(ROWS) == rows

    async def outlines(self, *lines: str) -> None:
        """Wait until exactly this is shown: titles, subtasks indented, and sections with a colon."""
        shown = f"lines => JSON.stringify({OUTLINE.strip()}) === JSON.stringify(lines)"
        try:
            await self.page.wait_for_function(shown, arg=lines, timeout=1000 * PATIENCE)
        except async_api.TimeoutError:
            assert await self.page.evaluate(OUTLINE) == list(lines)

    def link(self, name: str) -> Locator:
        """The link of the sidebar to a list or a view, whatever its count is."""
        links = self.page.get_by_role("navigation").get_by_role("link")
        return links.filter(has=self.page.get_by_text(name, exact=True))

    async def go_to(self, name: str) -> None:
        """Show a list or a view of the sidebar."""
        await self.link(name).click()
        await expect(
            self.page.get_by_role("heading", level=2, name=name, exact=True)
        ).to_be_visible()

    async def counts(self, name: str, count: int) -> None:
        """Wait until the sidebar shows this many open todos of a list or a view."""
        text = f"{name}{count} open" if count else name
        await expect(self.link(name)).to_have_text(text)

    async def fill_in(self, button: str, text: str) -> None:
        """Press a button that turns into a field, and fill that in."""
        await self.button(button).click()
        await self.page.get_by_role("textbox", name=button, exact=True).fill(text)
        await self.page.keyboard.press("Enter")

    def row(self, title: str) -> Locator:
        """The row of a todo, without its subtasks."""
        title_in_it = self.page.get_by_text(title, exact=True)
        return self.page.locator(".row").filter(has=title_in_it)

    async def drag(self, title: str, target: Locator, height: float = 0.5) -> None:
        """Drag a todo onto something, to a part of its height from the top."""
        box = await target.bounding_box()
        assert box
        position: Any = {"x": box["width"] / 3, "y": box["height"] * height}
        await self.row(title).locator(".title").drag_to(target, target_position=position)

    async def come_to_front(self) -> None:
        """Have the window get the focus, as if somebody changed to it."""
        await self.page.evaluate("dispatchEvent(new Event('focus'))")

    async def on_requests(self, operation: str, handle: Callable[[Route], Awaitable[None]]) -> None:
        """Have the requests for an operation handled."""

        async def chosen(route: Route) -> None:
            if operation_of(route.request) == operation:
                await handle(route)
            else:
                await route.fallback()

        await self.page.route("**/graphql*", chosen)

    async def send_requests_to(self, backend: Backend) -> None:
        """Have requests answered by another server, while the WebSocket stays where it is."""

        async def send(route: Route) -> None:
            url = f"{backend.server.address}?{urlsplit(route.request.url).query}".rstrip("?")
            await route.continue_(url=url)

        await self.page.route("**/graphql*", send)

    async def lose_answers(self, operation: str, number: int) -> None:
        """Let the first requests for an operation arrive, but none of their answers."""
        left = iter(range(number))

        async def lose(route: Route) -> None:
            if next(left, None) is None:
                await route.fallback()
                return
            await route.fetch()
            await route.abort()

        self.expects_failures = True
        await self.on_requests(operation, lose)

    async def hold_answers(self, operation: str) -> asyncio.Event:
        """Let the requests for an operation arrive, and their answers once the event is set."""
        released = asyncio.Event()

        async def hold(route: Route) -> None:
            answer = await route.fetch()
            await released.wait()
            await route.fulfill(response=answer)

        await self.on_requests(operation, hold)
        return released


async def settled(*tabs: Tab) -> list[Row]:
    """Wait until nothing is unsaved, and all tabs show what is stored; and give that."""
    for tab in tabs:
        await expect(tab.unsaved).to_have_count(0)
    stored = await tabs[0].person.rows()
    for tab in tabs:
        await tab.shows(*stored)
    return stored
