"""The health endpoints: liveness, readiness, and an overview for people."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo_gql.http.negotiation import prefers_html
from todo_gql.http.pages import rendering
from todo_gql.observability.build_info import build

DATABASE_SECONDS: Final = 2.0
STOPPING: Final = "stopping"
"""The key of the lifespan state that is set once the server is stopping."""
_NO_STORE: Final = {"Cache-Control": "no-store"}
logger = logging.getLogger(__name__)

CheckDatabase = Callable[[], Awaitable[str]]
"""Returns the version of the database server, or raises if the database can't be used."""


class Health:
    """The handlers of the health endpoints; `check_database` runs at most once at a time."""

    def __init__(self, check_database: CheckDatabase) -> None:
        self.check_database = check_database
        self.started = time.monotonic()
        self.build = build()
        self._check: asyncio.Task[str | None] | None = None

    async def live(self, _request: Request) -> Response:
        """Answer 200 for as long as the event loop runs."""
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    async def ready(self, request: Request) -> Response:
        """Answer 200 when the database can be used and the server isn't stopping, else 503."""
        if request.scope.get("state", {}).get(STOPPING):
            return JSONResponse({"status": "stopping"}, 503, _NO_STORE)
        if await self._database() is None:
            answer = {"status": "unavailable", "database": "unreachable"}
            return JSONResponse(answer, 503, _NO_STORE)
        return JSONResponse({"status": "ok", "database": "ok"}, headers=_NO_STORE)

    async def overview(self, request: Request) -> Response:
        """Answer with status, version, database and uptime, as a page where one is preferred."""
        database = await self._database()
        facts = {
            "status": "unavailable" if database is None else "ok",
            "version": self.build.version,
            "revision": self.build.revision,
            "database": "unreachable" if database is None else database,
            "uptimeSeconds": int(time.monotonic() - self.started),
        }
        status = 503 if database is None else 200
        if prefers_html(request.headers.get("accept")):
            return _overview_page(facts, status, "bad" if database is None else "good")
        return JSONResponse(facts, status, {**rendering.COMMON_HEADERS, **_NO_STORE})

    async def _database(self) -> str | None:
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._query_database())
        return await asyncio.shield(self._check)

    async def _query_database(self) -> str | None:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await self.check_database()
        except Exception as error:
            logger.warning("the database can't be used: %s", type(error).__name__)
            return None


def _overview_page(facts: dict[str, str | int], status: int, css_class: str) -> Response:
    rows = [
        ("Status", facts["status"], css_class),
        ("Version", facts["version"], ""),
        ("Revision", facts["revision"], ""),
        ("Database", facts["database"], css_class),
        ("Running for", timedelta(seconds=int(facts["uptimeSeconds"])), ""),
    ]
    return rendering.page("health", status, facts=rows)


def health_routes(check_database: CheckDatabase) -> list[Route]:
    """The routes `/health`, `/health/live` and `/health/ready`.

    `check_database` returns the version of the database server; if it raises or takes longer than two
    seconds, the database counts as unreachable.
    """
    health = Health(check_database)
    return [
        Route("/health", health.overview),
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
    ]
