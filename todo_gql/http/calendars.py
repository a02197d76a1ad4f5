"""Calendar feeds over HTTP: `/calendars/<secret>.ics`, for programs that send nothing but the address."""

import logging
import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from todo_gql.api.errors import is_temporary
from todo_gql.database.connection import Row
from todo_gql.features.calendar_feeds.access import feed_of_secret
from todo_gql.features.calendar_feeds.document import calendar_document
from todo_gql.features.calendar_feeds.reading import OpenFeed, note_read
from todo_gql.features.calendar_feeds.writes import FEED_PATH
from todo_gql.observability.build_info import build
from todo_gql.observability.request_record import set_caller
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.security.sliding_window import REQUESTS

RETRY_SECONDS: Final = 60
_NAME: Final = re.compile(r"([A-Za-z0-9_-]{43})\.ics")
_HEADERS: Final = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}
logger = logging.getLogger(__name__)


class Calendars:
    """Answers with the calendars of feeds; whatever opens none gets one answer."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        network = network_of(request.client.host if request.client else None)
        set_caller(network)
        quota = self.limits.take(network, REQUESTS, 1)
        if quota and quota.wait:
            return _retry(429, quota.wait)
        match = _NAME.fullmatch(request.path_params["name"])
        try:
            return await self._respond(request, match[1] if match else None)
        except Exception as error:
            if not is_temporary(error):
                raise
            logger.exception("a calendar can't be read for now")
            return _retry(503, RETRY_SECONDS)

    async def _respond(self, request: Request, secret: str | None) -> Response:
        row = await feed_of_secret(secret) if secret else None
        if row is None:
            return PlainTextResponse("There is no calendar here.\n", 404, _HEADERS)
        set_caller(row["owner_id"].int)
        if wait := await self.limits.wait_for_calendar(row["id"]):
            return _retry(429, wait)
        now = datetime.now(UTC)
        feed = OpenFeed.from_row(row, now)
        headers = {**_HEADERS, "ETag": _entity_tag(row, feed)}
        await note_read(row, now)
        if _matches(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if request.method == "HEAD":
            response = Response(None, headers=headers, media_type="text/calendar")
            # It would have to be that of GET (RFC 9110, section 8.6).
            del response.headers["Content-Length"]
            return response
        chunks = calendar_document(feed, await feed.entries())
        return StreamingResponse(chunks, headers=headers, media_type="text/calendar")


def _retry(status: int, seconds: int) -> Response:
    headers = {**_HEADERS, "Retry-After": str(seconds)}
    return PlainTextResponse("This can't be read now. Try again later.\n", status, headers)


def _entity_tag(row: Row, feed: OpenFeed) -> str:
    """The version of a feed's document; a weak one, since compression doesn't change it (RFC 9110, 8.8.1).

    It follows from what the document does: the release, the feed, the number of the last change that its
    owner is told of, and the hour in their zone.
    """
    clock = feed.clock
    facts = [
        *(build().version, str(feed.id), feed.label, row["list_ids"], feed.as_events),
        *(feed.seq, clock.now, clock.zone_name),
    ]
    return f'W/"{blake2b(orjson.dumps(facts), digest_size=15).hexdigest()}"'


def _matches(header: str | None, entity_tag: str) -> bool:
    """Whether If-None-Match names the current version, by weak comparison (RFC 9110, section 13.1.2)."""
    if header is None:
        return False
    opaque = entity_tag.removeprefix("W/")
    return header.strip() == "*" or any(
        one.strip().removeprefix("W/") == opaque for one in header.split(",")
    )


def calendar_route(limits: RateLimits) -> Route:
    """The route of calendar feeds."""
    return Route(f"/{FEED_PATH}/{{name}}", Calendars(limits).answer, methods=["GET", "HEAD"])
