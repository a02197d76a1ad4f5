"""What clients send about webhooks, and how it is checked."""

from collections.abc import Sequence
from typing import Final

import strawberry
from strawberry import UNSET

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.text import read_text
from todo_gql.features.todos.comparators import optional
from todo_gql.features.webhooks.event_types import EVENT_TYPES, SELECTABLE, WILDCARDS
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.urls import MAX_URL_LENGTH, url_problem
from todo_gql.settings import Settings

MAX_LABEL: Final = 100
MAX_TYPES: Final = 50
KNOWN_TYPES: Final = f"Use {', '.join((*EVENT_TYPES, *WILDCARDS[1:]))}, or * for all."


@strawberry.input(description="A webhook to be made.")
class WebhookCreateInput:
    """The values of a new webhook."""

    url: str = strawberry.field(
        description="An https URL of a public host, port 443 or 1024 and greater; up to 2,000 characters."
    )
    types: list[str] = strawberry.field(
        description="The types of events to be sent, 1 to 50, such as `todo.completed`, `todo.*` or `*`."
    )
    id: strawberry.ID | None = optional(
        "A UUID made by the client, so that a retry makes nothing twice."
    )
    label: str | None = optional("What to call it: up to 100 characters after trimming.")
    list_id: strawberry.ID | None = optional(
        "Send only what concerns this list; once the viewer isn't in it any more, the webhook is disabled."
    )


@strawberry.input(description="What is to change of a webhook; what is absent stays.")
class WebhookUpdateInput:
    """The new values of a webhook."""

    url: str | None = optional("As when it is made; what waits is sent there. Can't be null.")
    types: list[str] | None = optional("As when it is made, for what is sent from now on.")
    label: str | None = optional("As when it is made; null clears it.")
    is_paused: bool | None = optional(
        "true sends nothing for now; false goes on where it was, also with one that is DISABLED."
    )


def read_url(sent: str | None, settings: Settings, problems: list[UserError]) -> str:
    """A URL that events may be sent to; adds what is wrong with it."""
    if sent is None:
        problems.append(_required("url"))
        return ""
    if problem := url_problem(sent, AllowedHosts.parse(settings.webhook_allowed_hosts)):
        code = ErrorCode.TOO_LONG if len(sent) > MAX_URL_LENGTH else ErrorCode.INVALID
        problems.append(invalid(code, problem, "input", "url"))
    return sent


def read_types(sent: Sequence[str] | None, problems: list[UserError]) -> list[str]:
    """The types that are sent, each once and in the order of the schema; adds what is wrong with them."""
    if not sent:
        problems.append(_required("types"))
        return []
    if len(sent) > MAX_TYPES:
        message = f"Use at most {MAX_TYPES} types."
        problems.append(invalid(ErrorCode.TOO_MANY, message, "input", "types"))
        return []
    problems += [
        invalid(
            ErrorCode.INVALID, f"There is no such type. {KNOWN_TYPES}", "input", "types", str(n)
        )
        for n, name in enumerate(sent)
        if name not in SELECTABLE
    ]
    return [name for name in (*WILDCARDS, *EVENT_TYPES) if name in sent]


def read_label(sent: str | None, problems: list[UserError]) -> str | None:
    """A label, null for one that shows nothing; adds what is wrong with it."""
    label, problem = read_text(sent or "", longest=MAX_LABEL)
    if problem:
        problems.append(invalid(*problem, "input", "label"))
    return label or None


def read_paused(sent: bool | None, problems: list[UserError]) -> bool | None:
    """Whether to pause, None if that is absent; adds what is wrong with it."""
    if sent is None:
        problems.append(_required("isPaused"))
    return None if sent is UNSET else sent


def _required(field: str) -> UserError:
    return invalid(ErrorCode.REQUIRED, "This can't be empty or null.", "input", field)
