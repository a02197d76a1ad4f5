"""Whether the server lives, whether it can serve, and a page that tells people how it is."""

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
"""The server's lifespan state has this set once it was told to stop."""
_NO_STORE: Final = {"Cache-Control": "no-store"}
logger = logging.getLogger(__name__)

CheckDatabase = Callable[[], Awaitable[str]]
"""Gives the database server's version, or raises when the database can't be used."""


class Health:
    """What is asked of the server's health; `check_database` runs at most once at a time."""

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
            self._check = asyncio.create_task(self._ask_database())
        return await asyncio.shield(self._check)

    async def _ask_database(self) -> str | None:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await self.check_database()
        except Exception as error:
            logger.warning("the database can't be used: %s", type(error).__name__)
            return None


def _overview_page(facts: dict[str, str | int], status: int, look: str) -> Response:
    shown = [
        ("Status", facts["status"], look),
        ("Version", facts["version"], ""),
        ("Revision", facts["revision"], ""),
        ("Database", facts["database"], look),
        ("Running for", timedelta(seconds=int(facts["uptimeSeconds"])), ""),
    ]
    return rendering.page("health", status, facts=shown)


def health_routes(check_database: CheckDatabase) -> list[Route]:
    """Give the routes `/health`, `/health/live` and `/health/ready`.

    `check_database` gives the database server's version; when it raises or takes longer than two
    seconds, the database counts as unreachable.
    """
    health = Health(check_database)
    return [
        Route("/health", health.overview),
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
    ]
