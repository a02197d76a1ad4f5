"""Forgetting the mails and sessions that nobody can use any more."""

from todo_gql import db

# Long enough for a person who asks what became of a mail, or who was signed in.
DAYS_KEPT = 30
FORGET = (
    "DELETE FROM mails WHERE created_at < now() - make_interval(days => $1)",
    "DELETE FROM sessions WHERE coalesce(ended_at, expires_at) < now() - make_interval(days => $1)",
)


async def forget_what_is_over() -> None:
    """Delete the mails that were posted, and the sessions that were over, 30 days ago."""
    for statement in FORGET:
        await db.fetch(statement, DAYS_KEPT)
