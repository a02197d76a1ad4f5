"""Reports of unexpected errors to Sentry, without anything that a client sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR

import sentry_sdk
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event, Hint

from todo_gql.observability import redaction
from todo_gql.observability.build_info import build
from todo_gql.observability.request_record import current

FLUSH_SECONDS = 2
# What these say of their own trouble is logged, and no error of ours.
UNREPORTED = ("opentelemetry", "urllib3")


def _scrubbed(event: Event, hint: Hint) -> Event | None:
    """The event with the ids of request, operation and user, and without values."""
    if str(event.get("logger", "")).startswith(UNREPORTED):
        return None
    event.pop("request", None)
    event.pop("extra", None)
    if entry := event.get("logentry"):
        message = str(entry.get("formatted") or entry.get("message") or "")
        event["logentry"] = {"message": redaction.without_secrets(message)}
    error = (hint.get("exc_info") or (None, None, None))[1]
    chain = {type(link).__qualname__: link for link in redaction.chain(error)} if error else {}
    for shown in event.get("exception", {}).get("values", ()):
        link = chain.get(str(shown.get("type")))
        shown["value"] = redaction.message(link) if link else redaction.REMOVED
    if record := current.get():
        tags = {"request_id": record.request_id, "operation": record.operation or ""}
        event["tags"] = {**event.get("tags", {}), **tags}
        if record.user_id:
            event["user"] = {"id": str(record.user_id)}
    return event


@contextmanager
def reporting(
    dsn: str, environment: str, expected: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Report logged errors to Sentry within the block, except exceptions of `expected` types."""
    sentry_sdk.init(
        dsn,
        environment=environment,
        release=f"todo_gql@{build().version}",
        before_send=_scrubbed,
        ignore_errors=list(expected),
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            ExcepthookIntegration(),
            LoggingIntegration(level=None, event_level=ERROR),
        ],
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        send_default_pii=False,
    )
    try:
        yield
    finally:
        sentry_sdk.get_client().close(FLUSH_SECONDS)
