"""Finding accounts by what people type."""

from tortoise.expressions import Q, RawSQL

from todo_gql.accounts.inputs import LONGEST_EMAIL
from todo_gql.models import User
from todo_gql.text import text_problem


async def account_named(username_or_email: str) -> User | None:
    """The account of that user name or e-mail address, in any letter case.

    One whose deletion is due counts as gone.
    """
    if text_problem(username_or_email, longest=LONGEST_EMAIL):
        return None
    key = username_or_email.lower()
    named = User.filter(email_key=key) if "@" in key else User.filter(username_key=key)
    return await named.filter(kept()).get_or_none()


def kept() -> Q:
    """That an account isn't about to be deleted, by the database's clock."""
    return Q(deletion_at=None) | Q(deletion_at__gt=RawSQL("now()"))
