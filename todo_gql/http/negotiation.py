"""Content negotiation: what a client accepts (RFC 9110, sections 12.5.1 and 12.5.3)."""

from functools import lru_cache
from typing import NamedTuple

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _match(media_range: str, offered: str) -> int:
    """How closely a media range names a type: 0 not at all, 3 exactly."""
    if media_range == offered:
        return 3
    if media_range == f"{offered.partition('/')[0]}/*":
        return 2
    return 1 if media_range == "*/*" else 0


def preferred(accept: str, offered: tuple[str, ...]) -> str | None:
    """The offered media type that an Accept header prefers; of equals the first, None if none is accepted."""
    ranges = []
    for entry in accept.lower().split(","):
        name, _, parameters = entry.partition(";")
        ranges.append((name.strip(), _quality(parameters)))
    best, best_quality = None, 0.0
    for media_type in offered:
        matches = [(_match(name, media_type), quality) for name, quality in ranges]
        closeness, quality = max(matches, default=(0, 0.0))
        if closeness and quality > best_quality:
            best, best_quality = media_type, quality
    return best


def answer_type(accept: str | None) -> str | None:
    """The media type of the response to a GraphQL request; JSON without an Accept header, None if none fits."""
    if not accept or not accept.strip():
        return JSON
    if GRAPHQL_RESPONSE in accept.lower():
        return preferred(accept, (GRAPHQL_RESPONSE, JSON))
    return preferred(accept, (JSON, GRAPHQL_RESPONSE))


def prefers_html(accept: str | None) -> bool:
    """Whether HTML is preferred to JSON, as by a browser that opens a page."""
    return bool(accept) and preferred(accept or "", (JSON, GRAPHQL_RESPONSE, HTML)) == HTML


class Accepted(NamedTuple):
    """An Accept header, and what follows from it for the response to a GraphQL request."""

    text: str
    answer_type: str | None
    prefers_html: bool
    mentions_events: bool


# The same few values come with nearly every request.
@lru_cache(maxsize=256)
def accepted(header: bytes | None) -> Accepted:
    """The parsed Accept header; `header` is None without one."""
    text = (header or b"").decode("latin-1")
    return Accepted(text, answer_type(text), prefers_html(text), EVENT_STREAM in text.lower())


@lru_cache(maxsize=256)
def accepts_gzip(header: bytes | None) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with a quality of 0."""
    for entry in (header or b"").decode("latin-1").lower().split(","):
        name, _, parameters = entry.partition(";")
        if name.strip() == "gzip":
            return _quality(parameters) > 0
    return False


def prefers_events(accept: str, *, endless: bool) -> bool:
    """Whether to answer with an event stream rather than with JSON.

    Clients accept event streams with every request (GraphQL over SSE, distinct connections mode). A
    single response is sent as a stream only if that is preferred; an `endless` one, of a
    subscription, if it is accepted at all.
    """
    offered = (EVENT_STREAM,) if endless else (JSON, GRAPHQL_RESPONSE, EVENT_STREAM)
    return preferred(accept, offered) == EVENT_STREAM
