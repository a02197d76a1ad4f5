"""GraphiQL in a real browser without internet, on the real server: a first visit."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.browsing import CHROMIUM, Page, answer, graphiql, line, paste, run_query
from tests.support.processes import Server, serving
from todo_gql.http.pages.graphiql import GraphiQL
from todo_gql.schema import graphql_schema

pytest.importorskip("playwright.async_api")
pytestmark = [
    pytest.mark.skipif(not GraphiQL().available, reason="GraphiQL isn't built"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

EDITOR = ".graphiql-query-editor"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as on a laptop."""
    folder: Path = tmp_path_factory.mktemp("graphiql")
    with serving(folder / "data") as server:
        yield server


@pytest.fixture
async def page(browser: Any, server: Server) -> AsyncIterator[Page]:
    """GraphiQL, open; afterwards nothing may have gone wrong in it or left for another origin."""
    async with graphiql(browser, server.address.removesuffix("/graphql")) as page:
        yield page


async def test_the_three_tabs_lead_to_a_todo(page: Page) -> None:
    """Register, take the token that the bar offers, add a todo, list it."""
    await page.locator(f"{EDITOR} .view-line").first.click()
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("button", name="Use the token of this answer").click()
    await page.get_by_text("Signed-in requests").wait_for()
    for tab in ("AddTodo", "MyTodos"):
        await page.get_by_role("tab", name=tab).click()
        await page.locator(f"{EDITOR} .view-line").first.click()
        await page.keyboard.press("Control+Enter")
        await answer(page, '"title": "Read the schema"').wait_for()


async def test_a_field_is_completed_by_the_schema(page: Page) -> None:
    """What is begun is offered with the names that the server has, and taken by Enter."""
    await paste(page, EDITOR, "{ changeCur }")
    for _ in range(2):
        await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Control+Space")
    await page.locator(".suggest-widget").get_by_text("changeCursor").first.wait_for()
    await page.keyboard.press("Enter")
    await line(page, EDITOR, "{ changeCursor }").wait_for()


@pytest.mark.skipif(
    graphql_schema().subscription_type is None, reason="the schema has no subscriptions"
)
async def test_a_subscription_is_followed(page: Page, server: Server) -> None:
    """Each change is shown as it comes, those that were missed first."""
    sent = {"username": "follower", "email": "follower@example.com", "password": PASSWORD}
    registered = server.execute(REGISTER, input=sent)["register"]
    token = registered["tokens"]["accessToken"]
    cursor = server.execute("{ changeCursor }", token)["changeCursor"]
    server.execute(CREATE, token, input={"title": "Missed"})
    await page.get_by_label("Access token", exact=True).fill(token)
    await page.keyboard.press("Enter")
    followed = "{ ... on Change { todo { title } } }"
    await run_query(page, f'subscription {{ changes(after: "{cursor}") {followed} }}')
    await answer(page, '"title": "Missed"').wait_for()
    server.execute(CREATE, token, input={"title": "Live"})
    await answer(page, '"title": "Live"').wait_for()
