"""The words of notifications that are about no object: what happened to an account, and how jobs ended."""

from todo_gql.inbox.job_events import job_text
from todo_gql.inbox.security_events import security_text


def event_text(kind: int, source: str) -> str | None:
    """What to show for an entry; None if it is about an object, or of a newer release's kind."""
    return security_text(kind, source) or job_text(kind, source)
