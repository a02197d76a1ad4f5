"""GraphiQL in a headless Chromium that has no internet, and whatever goes wrong there."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

Page = Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """A headless browser without internet, for as long as the block."""
    playwright_api = import_module("playwright.async_api")
    async with playwright_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        await browser.close()


@asynccontextmanager
async def graphiql(browser: Any, url: str) -> AsyncIterator[Page]:
    """GraphiQL of a site; afterwards nothing may have gone wrong in it or left for elsewhere."""
    page = await browser.new_page(
        viewport={"width": 1280, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
    )
    troubles: list[str] = []

    def note_message(message: Any) -> None:
        if message.type == "error":
            troubles.append(message.text)

    def note_request(request: Any) -> None:
        if not request.url.startswith((url, "data:")):
            troubles.append(f"request to {request.url}")

    page.on("console", note_message)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", note_request)
    await page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) =>"
        " console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"
    )
    await page.goto(f"{url}/graphql")
    await page.locator(".graphiql-query-editor .view-line").first.wait_for()
    yield page
    await page.close()
    assert troubles == []


def line(page: Page, editor: str, text: str) -> Any:
    """The line of an editor with this text, whose spaces are no-break spaces there."""
    pattern = re.compile(re.escape(text).replace(r"\ ", r"\s"))
    return page.locator(f"{editor} .view-line", has_text=pattern)


async def paste(page: Page, editor: str, text: str) -> None:
    """Replace what an editor holds by text from the clipboard; typing would complete brackets."""
    await page.evaluate("text => navigator.clipboard.writeText(text)", text)
    await page.locator(f"{editor} .view-line").first.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Control+V")
    await line(page, editor, text).wait_for()


async def run_query(page: Page, query: str) -> None:
    """Replace the query by another one and run it."""
    await paste(page, ".graphiql-query-editor", query)
    await page.keyboard.press("Control+Enter")


def answer(page: Page, text: str) -> Any:
    """The line of the answer with this text."""
    return line(page, ".graphiql-response", text)
