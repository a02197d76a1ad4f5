"""Takes the pictures of docs/tour.md: GraphiQL on a fresh server, driven in Chromium."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from tests.documentation.blocks import ROOT
from tests.support.browsing import answer, chromium, graphiql, line, paste
from tests.support.processes import Server, started

PICTURES = ROOT / "docs" / "pictures"
EDITOR = ".graphiql-query-editor"
REGISTER = """mutation {
  register(input: {
    username: "ada"
    email: "ada@example.com"
    password: "Correct1horse"
  }) {
    tokens { accessToken refreshToken }
    errors { code message path }
  }
}"""
CREATE = """mutation {
  todoCreate(input: {
    title: "Water the plants"
    tags: ["home", "garden"]
    priority: HIGH
  }) {
    todo { id title priority tags { name } version }
    errors { code message path }
  }
}"""
LOGIN = """mutation {
  login(input: { usernameOrEmail: "ada", password: "Correct1horse" }) { tokens { accessToken } }
}"""
LIST = """{
  todos(
    first: 20
    filter: { tags: { some: ["home"] } }
  ) {
    nodes {
      title status priority version
      tags { name }
    }
    totalCount
  }
  stats { total pending completed }
}"""
FOLLOW = """subscription {
  changes(after: "%s") {
    ... on Change {
      action
      fields { name before after }
      todo { title status }
    }
  }
}"""
COMPLETE = """mutation ($id: ID!) {
  todoUpdate(id: $id, input: { status: COMPLETED }) { errors { code } }
}"""


async def take(page: Any, name: str) -> None:
    """Save what the page shows."""
    await page.screenshot(path=PICTURES / f"{name}.png")


async def run(page: Any, query: str, shown: str) -> None:
    """Run an operation that is longer than a line, and wait for a line of its answer."""
    await page.evaluate("text => navigator.clipboard.writeText(text)", query)
    await page.locator(f"{EDITOR} .view-line").first.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Control+V")
    await line(page, EDITOR, query.splitlines()[2].strip()).wait_for()
    await page.keyboard.press("Control+Enter")
    await answer(page, shown).wait_for()


async def tour(server: Server) -> None:
    """Register, create, list and follow, with a picture of the last three."""
    async with (
        chromium() as browser,
        graphiql(browser, server.address.removesuffix("/graphql")) as page,
    ):
        await run(page, REGISTER, '"errors": []')
        await page.get_by_role("button", name="Use the token of this answer").click()
        await page.get_by_text("Signed-in requests").wait_for()
        await run(page, CREATE, '"version": 1')
        await take(page, "create")
        await run(page, LIST, '"totalCount": 1')
        await take(page, "list")
        await follow(page, server)


async def follow(page: Any, server: Server) -> None:
    """Complete a todo while a subscription follows."""
    asked = "{ changeCursor todos { nodes { id } } }"
    token = server.execute(LOGIN)["login"]["tokens"]["accessToken"]
    before = server.execute(asked, token)
    await paste(page, EDITOR, "{ changeCursor }")
    await page.evaluate(
        "text => navigator.clipboard.writeText(text)", FOLLOW % before["changeCursor"]
    )
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Control+V")
    await line(page, EDITOR, "... on Change {").wait_for()
    await page.keyboard.press("Control+Enter")
    await asyncio.to_thread(server.execute, COMPLETE, token, id=before["todos"]["nodes"][0]["id"])
    await answer(page, '"action": "COMPLETED"').wait_for()
    await take(page, "follow")


def main() -> None:
    """Start a server on an empty database, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"DATA_DIR": f"{folder}/data"}
        with started(Path(folder, "log"), settings=settings) as server:
            server.wait_until_ready()
            asyncio.run(tour(server))


if __name__ == "__main__":
    main()
