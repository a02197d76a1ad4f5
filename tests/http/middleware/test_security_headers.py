"""The headers that every answer has, whatever it answers."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from tests.support.accounts import Client, visiting
from todo_gql.app import create_app
from todo_gql.features.notifications.email.unsubscribing import UNSUBSCRIBE_PATH
from todo_gql.http.middleware.compression import Compressed
from todo_gql.http.middleware.path_dispatch import PathDispatch, PrefixDispatch
from todo_gql.http.middleware.stack import RequestMiddleware
from todo_gql.settings import Settings

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
JSON = "application/json"
# Every route, and every status that can be had without breaking anything.
REQUESTS = [
    ("GET", "/", BROWSER, 200),
    ("GET", "/", JSON, 200),
    ("GET", "/graphql", BROWSER, 200),
    ("GET", "/graphql", JSON, 400),
    ("GET", "/graphql", "image/png", 406),
    ("GET", "/graphql?query={__typename}", JSON, 200),
    ("GET", "/graphql?query={nonsense}", "application/graphql-response+json", 400),
    ("GET", "/graphql?query=mutation{__typename}", JSON, 405),
    ("POST", "/graphql", JSON, 415),
    ("PUT", "/graphql", JSON, 405),
    ("GET", "/graphql/assets/nothing.js", JSON, 404),
    ("GET", "/health", BROWSER, 200),
    ("GET", "/health", JSON, 200),
    ("GET", "/health/live", JSON, 200),
    ("GET", "/health/ready", JSON, 200),
    ("POST", "/health/live", JSON, 405),
    ("GET", "/nowhere", BROWSER, 404),
    ("GET", "/files/token", BROWSER, 404),
    ("GET", "/calendars/token.ics", BROWSER, 404),
    ("GET", "/mcp", JSON, 405),
    ("GET", "/account/verify?token=x", BROWSER, 410),
    ("POST", "/account/verify", BROWSER, 415),
    ("GET", "/account/email?token=x", BROWSER, 410),
    ("GET", "/account/reset?token=x", BROWSER, 410),
    ("DELETE", "/account/reset", BROWSER, 405),
    ("GET", "/account/invitation?token=x", BROWSER, 410),
    ("GET", f"/{UNSUBSCRIBE_PATH}?token=x", BROWSER, 410),
]


@pytest.fixture
async def production(app: ASGIApp, settings: Settings, database_url: str) -> AsyncIterator[Client]:
    """A client of a server in production, with GraphiQL."""
    changes = {"environment": "production", "graphiql": True}
    async with visiting(create_app(settings.model_copy(update=changes), database_url)) as client:
        yield client


def policy(answer: httpx.Response) -> dict[str, str]:
    """The Content-Security-Policy of an answer, by directive."""
    directives = answer.headers["content-security-policy"].split(";")
    return {name: value for name, _, value in (one.strip().partition(" ") for one in directives)}


@pytest.mark.parametrize(("method", "path", "accept", "status"), REQUESTS)
async def test_every_answer_is_inert_in_a_browser(
    production: Client, method: str, path: str, accept: str, status: int
) -> None:
    """It can't be framed, guessed to be of another type, or read by other sites."""
    answer = await production.http.request(method, path, headers={"Accept": accept})
    assert answer.status_code == status
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in headers
    allowed = policy(answer)
    assert allowed["default-src"] == "'none'"
    assert allowed["frame-ancestors"] == "'none'"
    assert "'unsafe-inline'" not in allowed.get("script-src", "")
    for name in headers:
        assert len(headers.get_list(name)) == 1 or name == "vary"
    if headers.get("content-type", "").startswith("text/html"):
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]


def test_every_route_is_asked(settings: Settings, database_url: str) -> None:
    """A route that is new has to be added here."""
    application = create_app(settings, database_url)
    assert isinstance(application, RequestMiddleware)
    assert isinstance(application.app, PathDispatch)
    files = application.app.others
    assert isinstance(files, PrefixDispatch)
    assert isinstance(files.others, Compressed)
    others = files.others.app
    assert isinstance(others, Starlette)
    asked = {path.partition("?")[0] for _, path, _, _ in REQUESTS}
    assert f"{files.prefix}token" in asked
    for route in others.routes:
        assert isinstance(route, Route | Mount | WebSocketRoute)
        assert any(route.path_regex.match(path) for path in asked), route.path


async def test_https_is_not_asked_for_in_development(client: Client) -> None:
    """Else a browser would never open http://localhost again."""
    answer = await client.http.get("/")
    assert "strict-transport-security" not in answer.headers


async def test_graphiql_is_off_in_production(
    app: ASGIApp, settings: Settings, database_url: str
) -> None:
    """Neither the page nor its scripts are there, and the index doesn't name it."""
    changed = settings.model_copy(update={"environment": "production"})
    async with visiting(create_app(changed, database_url)) as client:
        page = await client.http.get("/graphql", headers={"Accept": BROWSER})
        assert (page.status_code, page.headers["content-type"]) == (
            400,
            "application/json; charset=utf-8",
        )
        assert (await client.http.get("/graphql/assets/x.js")).status_code == 404
        assert "GraphiQL" not in (await client.http.get("/", headers={"Accept": BROWSER})).text
